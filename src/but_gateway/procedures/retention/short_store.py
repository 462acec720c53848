"""SQL of what is kept for months: the access log, tallies, answers, done work."""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork

_DONE: Final = {
    "sweeps": ("redecision", "finished_at < $2 AND state <> 'running'"),
    "notices": ("notice", "done_at < $2 AND state = 'done'"),
    "import_reports": ("grant_import", "finished_at < $2 AND state <> 'running'"),
}


async def delete_failed_checks(unit: UnitOfWork, below: UUID, limit: int) -> list[UUID]:
    """Some checks that did not confirm anything, with ids below one."""
    return await _ids(
        unit,
        "DELETE FROM access_log WHERE municipality_id = $1 AND id IN "
        "(SELECT id FROM access_log WHERE municipality_id = $1 AND id < $2 AND NOT confirmed ORDER BY id LIMIT $3) RETURNING id",
        below,
        limit,
    )


async def delete_stray_checks(unit: UnitOfWork, below: UUID, limit: int) -> list[UUID]:
    """Some checks with ids below one, where no month partition can be dropped for them."""
    return await _ids(
        unit,
        "DELETE FROM access_log WHERE municipality_id = $1 AND id IN "
        "(SELECT id FROM access_log WHERE municipality_id = $1 AND id < $2 ORDER BY id LIMIT $3) RETURNING id",
        below,
        limit,
    )


async def count_checks(unit: UnitOfWork, low: UUID, high: UUID) -> int:
    """How many checks were made between two ids."""
    count: int = await unit.driver.fetchval(
        "SELECT count(*) FROM access_log WHERE municipality_id = $1 AND id >= $2 AND id < $3", unit.municipality_id, low, high
    )
    return count


async def delete_tallies(unit: UnitOfWork, before: date, limit: int) -> int:
    """Some tallies of days before one; how many."""
    rows = await unit.driver.fetch(
        "DELETE FROM identity_tally WHERE municipality_id = $1 AND (client_id, day) IN "
        "(SELECT client_id, day FROM identity_tally WHERE municipality_id = $1 AND day < $2 LIMIT $3) RETURNING 1",
        unit.municipality_id,
        before,
        limit,
    )
    return len(rows)


async def delete_done(unit: UnitOfWork, rule: str, before: datetime, limit: int) -> list[UUID]:
    """Some rows of finished work that ended before a moment."""
    table, condition = _DONE[rule]
    return await _ids(
        unit,
        f"DELETE FROM {table} WHERE municipality_id = $1 AND id IN "  # noqa: S608 - our own names
        f"(SELECT id FROM {table} WHERE municipality_id = $1 AND {condition} ORDER BY id LIMIT $3) RETURNING id",
        before,
        limit,
    )


async def empty_imports(unit: UnitOfWork, before: datetime, limit: int) -> list[UUID]:
    """Takes what was sent out of imports that failed."""
    return await _ids(
        unit,
        "UPDATE grant_import SET rows = NULL WHERE municipality_id = $1 AND id IN (SELECT id FROM grant_import "
        "WHERE municipality_id = $1 AND finished_at < $2 AND state = 'failed' AND rows IS NOT NULL ORDER BY id LIMIT $3) RETURNING id",
        before,
        limit,
    )


async def _ids(unit: UnitOfWork, statement: str, before: object, limit: int) -> list[UUID]:
    return [row[0] for row in await unit.driver.fetch(statement, unit.municipality_id, before, limit)]


async def delete_answers(unit: UnitOfWork, before: datetime, limit: int) -> int:
    """Some answers to idempotency keys; how many. They belong to no town."""
    rows = await unit.driver.fetch(
        "DELETE FROM idempotency_record WHERE (client_id, key) IN "
        "(SELECT client_id, key FROM idempotency_record WHERE created_at < $1 LIMIT $2) RETURNING 1",
        before,
        limit,
    )
    return len(rows)


async def delete_assertions(unit: UnitOfWork, before: datetime, limit: int) -> int:
    """Some used assertions that have expired; how many."""
    rows = await unit.driver.fetch(
        "DELETE FROM used_assertion WHERE (client_id, jti) IN "
        "(SELECT client_id, jti FROM used_assertion WHERE expires_at < $1 LIMIT $2) RETURNING 1",
        before,
        limit,
    )
    return len(rows)

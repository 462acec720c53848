"""SQL of retention: adoption of accounts, counts of what was deleted, what the audit chain is told."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Final
from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.audit.retirement import record_retirement
from but_gateway.audit.sources import BY_NAME
from but_gateway.db.session import UnitOfWork
from but_gateway.procedures.retention.model import Deleted, Place, Run, bound_of, month_of, months_before

_FIRST_ROWS: Final = ("invoice", "entitlement_grant", "settlement_batch", "audit_event")
_COUNT: Final = """
INSERT INTO retention_count AS c (municipality_id, rule, source, month, rows, first_at, last_at)
SELECT $1, $2, s, m, n, $3, $3 FROM unnest($4::text[], $5::date[], $6::bigint[]) AS x (s, m, n)
ON CONFLICT (municipality_id, rule, source, month) DO UPDATE SET rows = c.rows + excluded.rows, last_at = excluded.last_at
"""


async def load_adoptions(unit: UnitOfWork) -> dict[int, date]:
    """When the accounts of which fiscal year were adopted."""
    rows = await unit.driver.fetch("SELECT fiscal_year, adopted_on FROM accounts_adoption WHERE municipality_id = $1", unit.municipality_id)
    return {row["fiscal_year"]: row["adopted_on"] for row in rows}


async def save_adoption(unit: UnitOfWork, year: int, adopted_on: date, *, by: str, at: datetime) -> None:
    """Writes or corrects the adoption of a year."""
    await unit.driver.execute(
        "INSERT INTO accounts_adoption (municipality_id, fiscal_year, adopted_on, recorded_by, recorded_at) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (municipality_id, fiscal_year) DO UPDATE SET adopted_on = excluded.adopted_on, "
        "recorded_by = excluded.recorded_by, recorded_at = excluded.recorded_at",
        unit.municipality_id, year, adopted_on, by, at,
    )  # fmt: skip


async def first_year(unit: UnitOfWork) -> int | None:
    """The year of the oldest row of the town; None where there is none."""
    parts = " UNION ALL ".join(f"(SELECT id FROM {t} WHERE municipality_id = $1 ORDER BY id LIMIT 1)" for t in _FIRST_ROWS)  # noqa: S608 - our own names
    found: UUID | None = await unit.driver.fetchval(f"SELECT id FROM ({parts}) x ORDER BY id LIMIT 1", unit.municipality_id)  # noqa: S608 - as above
    return None if found is None else month_of(found).year


async def note(unit: UnitOfWork, run: Run, rule: str, rows: Mapping[Place, int]) -> Deleted:
    """Counts what this transaction deleted, and tells the audit record and its chain.

    It is the same transaction, so that whoever is killed has noted exactly what is gone.
    """
    places = sorted(rows, key=lambda place: (place.source, place.first))
    if not places:
        return Deleted(rule, {})
    await unit.driver.execute(
        _COUNT, unit.municipality_id, rule, run.now,
        [p.source for p in places], [p.first for p in places], [rows[p] for p in places],
    )  # fmt: skip
    for place in places:
        if place.source in BY_NAME:
            await _retire(unit, run, rule, place)
    payload = {"rule": rule, "rows": [[p.source, p.first.isoformat(), rows[p]] for p in places]}
    await record(unit, at=run.now, actor=run.actor, action="retention.delete", object_type="retention", object_id=rule, payload=payload)
    return Deleted(rule, dict(rows))


async def _retire(unit: UnitOfWork, run: Run, rule: str, place: Place) -> None:
    """Once for each table and month: rows of it may be gone from now on; those that are there are checked as before."""
    low, high = bound_of(place.first), bound_of(months_before(place.first, -1))
    known = await unit.driver.fetchval(
        "SELECT EXISTS (SELECT FROM audit_retirement WHERE municipality_id = $1 AND source = $2 AND from_id <= $3 AND to_id >= $4)",
        unit.municipality_id, place.source, low, high,
    )  # fmt: skip
    if not known:
        await record_retirement(unit, place.source, low, high, at=run.now, actor=run.actor, reason=f"retention: {rule}")


async def delete_by_ids(unit: UnitOfWork, table: str, column: str, ids: Iterable[UUID], answer: str) -> list[UUID]:
    """Deletes the rows of a table that name these ids; what ``answer`` names of each."""
    rows = await unit.driver.fetch(
        f"DELETE FROM {table} WHERE municipality_id = $1 AND {column} = ANY($2::uuid[]) RETURNING {answer}",  # noqa: S608 - our own names
        unit.municipality_id,
        list(ids),
    )
    return [row[0] for row in rows]

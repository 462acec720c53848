"""SQL of reports and their entries: what a report may mean, what was said before, the list to work through."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import insert, update

from but_gateway.db.session import UnitOfWork
from but_gateway.formats.bookings import Direction
from but_gateway.procedures.reconciliation.model import Entry, Finding, Source, State, Step, Target
from but_gateway.procedures.reconciliation.tables import payment_entry, payment_report

_TARGET: Final = """
    SELECT p.id, p.batch_id, p.end_to_end_id, p.remittance_text, p.net, p.state, b.fiscal_year, b.serial
    FROM payment p JOIN settlement_batch b ON b.municipality_id = p.municipality_id AND b.id = p.batch_id
"""
_ENTRY: Final = """
    SELECT e.id, r.kind AS report_kind, r.at AS reported_at, e.kind AS direction, e.end_to_end_id, e.batch_number, e.cents, e.currency,
           e.booked_on, e.return_reason, e.state, e.payment_id, p.batch_id AS payment_batch_id, p.net AS payment_net,
           p.state AS payment_state, v.key AS provider_key, n.id AS repeated_by, e.assigned_by, e.assigned_at, e.assigned_reason,
           e.done_by, e.done_at, e.done_reason
    FROM payment_entry e
    JOIN payment_report r ON r.municipality_id = e.municipality_id AND r.id = e.report_id
    LEFT JOIN payment p ON p.municipality_id = e.municipality_id AND p.id = e.payment_id
    LEFT JOIN provider v ON v.municipality_id = p.municipality_id AND v.id = p.provider_id
    LEFT JOIN payment n ON n.municipality_id = p.municipality_id AND n.repeats_id = p.id AND n.state IN ('handed_over', 'paid', 'returned')
"""
_OPEN: Final = """
    e.state <> 'matched' AND e.done_at IS NULL AND (e.state <> 'returned' OR (p.state = 'returned' AND n.id IS NULL))
"""


async def take_turn(unit: UnitOfWork) -> None:
    """Lets one report of the town after the other; the lock ends with the transaction."""
    await unit.driver.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"reconciliation|{unit.municipality_id}")


async def find_targets(
    unit: UnitOfWork, end_to_end_ids: Collection[str], numbers: Collection[str]
) -> tuple[dict[str, Target], dict[str, list[Target]]]:
    """Payments by EndToEndId, and those of batches by number."""
    batches = [(int(year), int(serial)) for year, _, serial in (number.partition("-") for number in numbers)]
    rows = await unit.driver.fetch(
        f"{_TARGET} WHERE p.municipality_id = $1 AND p.end_to_end_id = ANY($2)",
        unit.municipality_id,
        list(end_to_end_ids),
    )
    of_batches = await unit.driver.fetch(
        f"""{_TARGET} JOIN unnest($2::smallint[], $3::int[]) x(year, serial) ON b.fiscal_year = x.year AND b.serial = x.serial
            WHERE p.municipality_id = $1 ORDER BY p.id""",
        unit.municipality_id,
        [year for year, serial in batches if serial <= _SERIAL_MAX],
        [serial for _, serial in batches if serial <= _SERIAL_MAX],
    )
    by_batch: dict[str, list[Target]] = {}
    for row in of_batches:
        # Numbers are compared as they were found: 2026-0007 is one, 2026-00007 is none.
        by_batch.setdefault(f"{row['fiscal_year']}-{row['serial']:04d}", []).append(_target(row))
    return {row["end_to_end_id"]: _target(row) for row in rows}, by_batch


_SERIAL_MAX: Final = 2_147_483_647


async def known_entries(unit: UnitOfWork, fingerprints: Collection[bytes]) -> dict[bytes, tuple[UUID, bool]]:
    """Entries said before, by fingerprint: the entry, and whether it has its payment."""
    rows = await unit.driver.fetch(
        "SELECT fingerprint, id, payment_id IS NOT NULL AS found FROM payment_entry WHERE municipality_id = $1 AND fingerprint = ANY($2)",
        unit.municipality_id,
        list(fingerprints),
    )
    return {bytes(row["fingerprint"]): (row["id"], row["found"]) for row in rows}


async def insert_report(unit: UnitOfWork, report_id: UUID, step: Step, values: Mapping[str, Any]) -> None:
    """A report that was taken in: kind, hash, length, counts."""
    await unit.execute(
        insert(payment_report).values(municipality_id=unit.municipality_id, id=report_id, at=step.at, actor=step.by, **values)
    )


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as it is written: id, fingerprint, what was found, its state and whether it is effective."""

    id: UUID
    fingerprint: bytes
    finding: Finding
    state: State = State.UNMATCHED
    effective: bool = False


async def insert_entries(unit: UnitOfWork, report_id: UUID, source: Source, rows: Sequence[Row]) -> None:
    """What a report says for the first time."""
    await unit.driver.execute(
        """
        INSERT INTO payment_entry (municipality_id, report_id, source, id, fingerprint, state, effective, kind, end_to_end_id,
                                   batch_number, cents, currency, booked_on, return_reason, payment_id, whole)
        SELECT $1, $2, $3, * FROM unnest($4::uuid[], $5::bytea[], $6::text[], $7::boolean[], $8::text[], $9::text[], $10::text[],
                                         $11::bigint[], $12::text[], $13::date[], $14::text[], $15::uuid[], $16::boolean[])
        """,
        unit.municipality_id,
        report_id,
        source,
        [r.id for r in rows],
        [r.fingerprint for r in rows],
        [r.state for r in rows],
        [r.effective for r in rows],
        [r.finding.direction for r in rows],
        [r.finding.end_to_end_id for r in rows],
        [r.finding.batch_number for r in rows],
        [r.finding.cents for r in rows],
        [r.finding.currency for r in rows],
        [r.finding.booked_on for r in rows],
        [r.finding.return_reason for r in rows],
        [r.finding.target.id if r.finding.target else None for r in rows],
        [r.finding.whole for r in rows],
    )


async def link_entries(unit: UnitOfWork, rows: Sequence[Row]) -> None:
    """Gives entries that were unmatched the payment that was found now."""
    await unit.driver.execute(
        """
        UPDATE payment_entry e SET fingerprint = x.fingerprint, state = x.state, effective = x.effective, payment_id = x.payment_id,
                                   whole = x.whole, end_to_end_id = x.end_to_end_id, cents = x.cents
        FROM unnest($2::uuid[], $3::bytea[], $4::text[], $5::boolean[], $6::uuid[], $7::boolean[], $8::text[], $9::bigint[])
          AS x(id, fingerprint, state, effective, payment_id, whole, end_to_end_id, cents)
        WHERE e.municipality_id = $1 AND e.id = x.id
        """,
        unit.municipality_id,
        [r.id for r in rows],
        [r.fingerprint for r in rows],
        [r.state for r in rows],
        [r.effective for r in rows],
        [r.finding.target.id if r.finding.target else None for r in rows],
        [r.finding.whole for r in rows],
        [r.finding.end_to_end_id for r in rows],
        [r.finding.cents for r in rows],
    )


async def lock_entry(unit: UnitOfWork, entry_id: UUID) -> Entry | None:
    """An entry, locked until the transaction ends."""
    await unit.driver.execute(
        "SELECT FROM payment_entry WHERE municipality_id = $1 AND id = $2 FOR NO KEY UPDATE", unit.municipality_id, entry_id
    )
    return await find_entry(unit, entry_id)


async def find_entry(unit: UnitOfWork, entry_id: UUID) -> Entry | None:
    """An entry with the payment it means."""
    row = await unit.driver.fetchrow(
        f"{_ENTRY} WHERE e.municipality_id = $1 AND e.id = $2",
        unit.municipality_id,
        entry_id,
    )
    return None if row is None else _entry(row)


async def read_entry(unit: UnitOfWork, entry_id: UUID) -> Entry:
    """An entry that is there. Refuses when it is not (LookupError)."""
    entry = await find_entry(unit, entry_id)
    if entry is None:
        raise LookupError("no such entry in this town")
    return entry


async def list_entries(unit: UnitOfWork, state: str | None, after: UUID | None, limit: int) -> list[Entry]:
    """Entries in order of their making, one more than the limit where there are more; ``open``: those a person must deal with."""
    rows = await unit.driver.fetch(
        f"""
        {_ENTRY} WHERE e.municipality_id = $1 AND ($2::text IS NULL OR e.state = $2 OR ($2 = 'open' AND {_OPEN}))
          AND ($3::uuid IS NULL OR e.id > $3) ORDER BY e.id LIMIT $4
        """,
        unit.municipality_id,
        state,
        after,
        limit + 1,
    )
    return [_entry(row) for row in rows]


async def find_target(unit: UnitOfWork, payment_id: UUID) -> Target | None:
    """A payment by its id."""
    row = await unit.driver.fetchrow(
        f"{_TARGET} WHERE p.municipality_id = $1 AND p.id = $2",
        unit.municipality_id,
        payment_id,
    )
    return None if row is None else _target(row)


async def assign_entry(unit: UnitOfWork, entry_id: UUID, target: Target, values: Mapping[str, Any]) -> None:
    """Gives an entry its payment by hand, with the state it has in that payment's history."""
    here = (payment_entry.c.municipality_id == unit.municipality_id, payment_entry.c.id == entry_id)
    await unit.execute(update(payment_entry).where(*here).values(payment_id=target.id, **values))


async def finish_entry(unit: UnitOfWork, entry_id: UUID, step: Step, reason: bytes) -> None:
    """Marks an entry as worked through."""
    here = (payment_entry.c.municipality_id == unit.municipality_id, payment_entry.c.id == entry_id)
    await unit.execute(update(payment_entry).where(*here).values(done_by=step.by, done_at=step.at, done_reason=reason))


def _target(row: asyncpg.Record) -> Target:
    return Target(row["id"], row["batch_id"], row["end_to_end_id"], row["remittance_text"], row["net"], row["state"])


def _entry(row: asyncpg.Record) -> Entry:
    values: dict[str, Any] = dict(row)
    for name in ("assigned", "done"):
        by, at = values.pop(f"{name}_by"), values.pop(f"{name}_at")
        values[name] = None if by is None else Step(by, at)
    return Entry(**values | {"state": State(row["state"]), "direction": Direction(row["direction"])})

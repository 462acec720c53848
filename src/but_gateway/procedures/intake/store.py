"""SQL of large imports, number replacements and family payments."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert, select, update

from but_gateway.db.session import UnitOfWork
from but_gateway.procedures.intake.model import Report
from but_gateway.procedures.intake.tables import grant_import
from but_gateway.registers.entitlements.model import GrantRecord
from but_gateway.registers.entitlements.store import GRANT_COLUMNS, grant_of
from but_gateway.registers.entitlements.tables import entitlement, entitlement_number, family_payment
from but_gateway.registers.municipalities.redecision_store import share_registers

RUNNING: Final = "running"


@dataclass(frozen=True, slots=True)
class Job:
    """A large import. ``created_at`` is "now" for each of its rows, ``progress`` counts rows."""

    id: UUID
    state: str
    created_at: datetime
    created_by: str
    total: int
    progress: int
    report: Report


async def add_import(unit: UnitOfWork, job: Job, sealed_rows: bytes) -> None:
    """Stores a large import; the worker takes it from there."""
    await unit.execute(
        insert(grant_import).values(
            municipality_id=unit.municipality_id,
            id=job.id,
            state=job.state,
            created_at=job.created_at,
            created_by=job.created_by,
            rows=sealed_rows,
            total=job.total,
            progress=job.progress,
            report=job.report.document(),
        )
    )


async def find_import(unit: UnitOfWork, import_id: UUID, *, lock: bool = False) -> Job | None:
    """An import; with ``lock`` kept until the transaction ends, so that a chunk is taken once whoever works on it."""
    t = grant_import.c
    query = select(t.id, t.state, t.created_at, t.created_by, t.total, t.progress, t.report)
    query = query.where(t.municipality_id == unit.municipality_id, t.id == import_id)
    row = (await unit.execute(query.with_for_update() if lock else query)).one_or_none()
    return Job(row.id, row.state, row.created_at, row.created_by, row.total, row.progress, Report.read(row.report)) if row else None


async def read_rows(unit: UnitOfWork, import_id: UUID) -> bytes:
    """What was sent, sealed."""
    t = grant_import.c
    found = await unit.execute(select(t.rows).where(t.municipality_id == unit.municipality_id, t.id == import_id))
    return bytes(found.scalar_one())


async def save_progress(unit: UnitOfWork, import_id: UUID, progress: int, report: Report, finished_at: datetime | None) -> None:
    """Stores how far an import came; with ``finished_at`` it is done, and what was sent is forgotten."""
    values: dict[str, Any] = {"progress": progress, "report": report.document()}
    if finished_at is not None:
        values |= {"state": "done", "finished_at": finished_at, "rows": None}
    await _update(unit, import_id, values)


async def mark_failed(unit: UnitOfWork, import_id: UUID, finished_at: datetime) -> None:
    """Gives an import up; its rows up to ``progress`` stand."""
    await _update(unit, import_id, {"state": "failed", "finished_at": finished_at, "rows": None})


async def _update(unit: UnitOfWork, import_id: UUID, values: Mapping[str, Any]) -> None:
    t = grant_import.c
    await unit.execute(update(grant_import).where(t.municipality_id == unit.municipality_id, t.id == import_id).values(**values))


def pack_rows(rows: list[Any]) -> str:
    """Rows as text, to be sealed."""
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False)


# --- single entitlements


@dataclass(frozen=True, slots=True)
class Found:
    """An entitlement and its child."""

    id: UUID
    child_id: UUID


async def find_entitlement(unit: UnitOfWork, key: str) -> Found | None:
    """The entitlement of a key, with its child as it stays until the transaction ends."""
    await share_registers(unit)
    t = entitlement.c
    row = (await unit.execute(select(t.id, t.child_id).where(t.municipality_id == unit.municipality_id, t.key == key))).one_or_none()
    return Found(row.id, row.child_id) if row else None


async def lose_numbers(unit: UnitOfWork, entitlement_id: UUID, lost_on: date) -> None:
    """All numbers of the entitlement that are not lost yet count as lost from that day on."""
    t = entitlement_number.c
    here = (t.municipality_id == unit.municipality_id, t.entitlement_id == entitlement_id, t.lost_on.is_(None))
    await unit.execute(update(entitlement_number).where(*here).values(lost_on=lost_on))


async def add_number(unit: UnitOfWork, entitlement_id: UUID, indexes: Sequence[bytes], sealed_number: bytes, at: datetime) -> None:
    """Adds a number the gateway issued, once under each of its keyed hashes."""
    values = {
        "municipality_id": unit.municipality_id,
        "entitlement_id": entitlement_id,
        "number": sealed_number,
        "kind": "issued",
        "issued_at": at,
    }
    await unit.execute(insert(entitlement_number), [values | {"number_index": one} for one in indexes])


async def add_family_payment(  # noqa: PLR0913 - the parts of the record
    unit: UnitOfWork, payment_id: UUID, *, entitlement_id: UUID, provider_id: UUID, first_day: date, last_day: date, at: datetime
) -> None:
    """Records that the family paid the provider itself for these days."""
    await unit.execute(
        insert(family_payment).values(
            municipality_id=unit.municipality_id,
            id=payment_id,
            entitlement_id=entitlement_id,
            provider_id=provider_id,
            first_day=first_day,
            last_day=last_day,
            recorded_at=at,
        )
    )


# --- what an import changes for providers

_LINKED: Final = """
SELECT l.entitlement_id, l.provider_id FROM provider_link l
WHERE l.municipality_id = $1 AND l.entitlement_id = ANY($2::uuid[])
  AND NOT EXISTS (SELECT FROM number_freeze f WHERE f.municipality_id = $1 AND f.provider_id = l.provider_id
                  AND f.entitlement_id = l.entitlement_id AND f.frozen_at IS NOT NULL)
ORDER BY l.entitlement_id, l.provider_id
"""
_VERSIONS: Final = f"""
SELECT {GRANT_COLUMNS}
FROM unnest($2::uuid[], $3::int[]) AS wanted (grant_id, version)
JOIN entitlement_grant g ON g.municipality_id = $1 AND g.id = wanted.grant_id
JOIN grant_version v ON v.municipality_id = $1 AND v.grant_id = wanted.grant_id AND v.version = wanted.version
"""  # noqa: S608 - a constant of the register's store


async def linked_providers(unit: UnitOfWork, entitlement_ids: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    """Entitlement and provider of each link, but for providers that guessed the birth date too often."""
    if not entitlement_ids:
        return []
    rows = await unit.driver.fetch(_LINKED, unit.municipality_id, list(entitlement_ids))
    return [(row["entitlement_id"], row["provider_id"]) for row in rows]


async def load_versions(unit: UnitOfWork, versions: Mapping[UUID, int]) -> dict[UUID, GrantRecord]:
    """Grants as they stood in these versions (with their present counters)."""
    if not versions:
        return {}
    rows = await unit.driver.fetch(_VERSIONS, unit.municipality_id, list(versions), list(versions.values()))
    return {row["id"]: grant_of(row) for row in rows}


@dataclass(frozen=True, slots=True)
class PaidOutside:
    """What was settled of a grant on days it no longer has. Money in cents."""

    grant_key: str
    positions: int
    cents: int


_PAID_OUTSIDE: Final = """
SELECT g.key, count(*) AS positions, sum(borne.cents)::bigint AS cents
FROM (
  SELECT grant_id, position_id, sum(cents) AS cents FROM posting
  WHERE municipality_id = $1 AND grant_id = ANY($2::uuid[]) AND kind = 'decision' GROUP BY grant_id, position_id HAVING sum(cents) > 0
) borne
JOIN position_state ps ON ps.municipality_id = $1 AND ps.position_id = borne.position_id AND ps.batch_id IS NOT NULL
JOIN entitlement_grant g ON g.municipality_id = $1 AND g.id = borne.grant_id
JOIN grant_version v ON v.municipality_id = $1 AND v.grant_id = g.id AND v.version = g.current_version
WHERE CASE ps.form WHEN 'month' THEN ps.last_day ELSE ps.first_day END > least(v.valid_to, v.revoked_from - 1)
  OR (ps.form <> 'month' AND ps.first_day < v.valid_from)
GROUP BY g.key ORDER BY g.key
"""


async def paid_outside(unit: UnitOfWork, grant_ids: Collection[UUID]) -> list[PaidOutside]:
    """Of these grants, what live batches pay on days that fell away; a month counts where any of its days did."""
    if not grant_ids:
        return []
    rows = await unit.driver.fetch(_PAID_OUTSIDE, unit.municipality_id, list(grant_ids))
    return [PaidOutside(row["key"], row["positions"], row["cents"]) for row in rows]

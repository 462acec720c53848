"""SQL of what changed for a provider (GET …/changes), and how it gets its place there.

Serials are given right before the commit, under the lock of the provider's counter, which is held until the commit. So they run
1, 2, 3 … in the order of commits: whoever has read up to a serial has read all before it, and nothing will ever appear there later.
A transaction locks each of its providers once, in the order of their ids, after all its other locks: no ring can form.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.kit.ids import new_ids

DECISION: Final = "decision"
PERIOD: Final = "period"
PAYMENT: Final = "payment"
BANK_ACCOUNT: Final = "bank_account"


@dataclass(frozen=True, slots=True)
class Change:
    """What changed for a provider. ``details`` are shown as they are: never a name, a legal basis or a reason.

    ``withdrawn``: grants (with their versions) of which days fell away; the provider that reads this is notified of it.
    """

    provider_id: UUID
    at: datetime
    kind: str  # decision | period | payment | bank_account
    subject_type: str  # invoice | child | remittance | bank_account
    subject_id: UUID
    details: dict[str, Any] = field(default_factory=dict)
    withdrawn: tuple[tuple[UUID, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """A change as it stands in the list."""

    serial: int
    id: UUID
    change: Change


@dataclass(slots=True)
class _Waiting:
    """The changes of a transaction until its end."""

    changes: list[Change] = field(default_factory=list)

    async def __call__(self, unit: UnitOfWork) -> None:
        """Writes them. From here on the transaction sees all of the town."""
        if self.changes:
            await unit.narrow(None)
            await _write(unit, self.changes)


def tell_provider(unit: UnitOfWork, changes: Iterable[Change]) -> None:
    """Notes changes; they are written together at the end of the transaction, or not at all where it keeps nothing."""
    waiting = unit.at_end.setdefault(_Waiting, _Waiting())
    assert isinstance(waiting, _Waiting)  # noqa: S101 - nobody else uses this key
    waiting.changes += changes


_COUNT: Final = """
INSERT INTO change_counter AS c (municipality_id, provider_id, last_serial)
SELECT $1, p, n FROM unnest($2::uuid[], $3::bigint[]) AS x (p, n) ORDER BY p
ON CONFLICT (municipality_id, provider_id) DO UPDATE SET last_serial = c.last_serial + excluded.last_serial
RETURNING provider_id, last_serial
"""
_INSERT: Final = """
INSERT INTO provider_change (municipality_id, provider_id, serial, id, at, kind, subject_type, subject_id, details, withdrawn)
SELECT $1, p, s, i, a, k, t, o, d::jsonb, w::jsonb
FROM unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::timestamptz[], $6::text[], $7::text[], $8::uuid[], $9::text[], $10::text[])
  AS x (p, s, i, a, k, t, o, d, w)
"""
_READ: Final = """
SELECT serial, id, at, kind, subject_type, subject_id, details, withdrawn FROM provider_change
WHERE municipality_id = $1 AND provider_id = $2 AND serial > $3 ORDER BY serial LIMIT $4
"""


async def _write(unit: UnitOfWork, changes: Sequence[Change]) -> None:
    counts = Counter(change.provider_id for change in changes)
    providers = sorted(counts)
    rows = await unit.driver.fetch(_COUNT, unit.municipality_id, providers, [counts[p] for p in providers])
    last = {row["provider_id"]: row["last_serial"] - counts[row["provider_id"]] for row in rows}
    serials = []
    for change in changes:
        last[change.provider_id] += 1
        serials.append(last[change.provider_id])
    await unit.driver.execute(
        _INSERT,
        unit.municipality_id,
        [c.provider_id for c in changes],
        serials,
        new_ids(len(changes)),
        [c.at for c in changes],
        [c.kind for c in changes],
        [c.subject_type for c in changes],
        [c.subject_id for c in changes],
        [json.dumps(c.details, separators=(",", ":")) for c in changes],
        [json.dumps([[str(g), v] for g, v in c.withdrawn]) if c.withdrawn else None for c in changes],
    )


async def read_changes(unit: UnitOfWork, provider_id: UUID, after: int, limit: int) -> list[Told]:
    """A provider's changes behind a serial, in order."""
    return [
        Told(row["serial"], row["id"], _change(provider_id, row))
        for row in await unit.driver.fetch(_READ, unit.municipality_id, provider_id, after, limit)
    ]


def _change(provider_id: UUID, row: Any) -> Change:  # noqa: ANN401 - a row of the statement
    withdrawn = tuple((UUID(grant), version) for grant, version in row["withdrawn"] or ())
    return Change(provider_id, row["at"], row["kind"], row["subject_type"], row["subject_id"], row["details"], withdrawn)


async def last_serial(unit: UnitOfWork, provider_id: UUID) -> int:
    """How many changes a provider has."""
    found: int | None = await unit.driver.fetchval(
        "SELECT last_serial FROM change_counter WHERE municipality_id = $1 AND provider_id = $2", unit.municipality_id, provider_id
    )
    return found or 0

"""SQL of the guard: tallies of clients, freezes of numbers, the notices about both."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from but_gateway.db.session import UnitOfWork
from but_gateway.kit.ids import new_ids

Driver: TypeAlias = asyncpg.Connection

# One statement counts and reads: whoever counts at the same moment waits for the row, so no failure is lost.
_COUNT: Final = """
INSERT INTO identity_tally AS t (municipality_id, client_id, day, rows, failures, locked)
SELECT $1, c, d, r, f, false FROM unnest($2::text[], $3::date[], $4::int[], $5::int[]) AS new (c, d, r, f) ORDER BY c, d
ON CONFLICT (municipality_id, client_id, day) DO UPDATE SET rows = t.rows + excluded.rows, failures = t.failures + excluded.failures
RETURNING t.client_id, t.day, t.rows, t.failures, t.locked
"""

_LOCK: Final = (
    "UPDATE identity_tally SET locked = true WHERE municipality_id = $1 AND client_id = $2 AND day = $3 AND NOT locked RETURNING 1"
)

_WRONG: Final = """
INSERT INTO number_freeze AS f (municipality_id, provider_id, entitlement_id, wrong_birth_dates)
SELECT $1, p, e, n FROM unnest($2::uuid[], $3::uuid[], $4::int[]) AS new (p, e, n) ORDER BY p, e
ON CONFLICT (municipality_id, provider_id, entitlement_id)
DO UPDATE SET wrong_birth_dates = f.wrong_birth_dates + excluded.wrong_birth_dates
RETURNING f.provider_id, f.entitlement_id, f.wrong_birth_dates, f.frozen_at
"""

_FREEZE: Final = """
WITH frozen AS (
  UPDATE number_freeze f SET frozen_at = $5, notice_id = new.n
  FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS new (p, e, n)
  WHERE f.municipality_id = $1 AND f.provider_id = new.p AND f.entitlement_id = new.e AND f.frozen_at IS NULL
  RETURNING f.provider_id, f.entitlement_id, f.notice_id
)
SELECT frozen.notice_id, e.key AS entitlement, p.key AS provider
FROM frozen
JOIN entitlement e ON e.municipality_id = $1 AND e.id = frozen.entitlement_id
JOIN provider p ON p.municipality_id = $1 AND p.id = frozen.provider_id
"""

_THAW: Final = """
UPDATE number_freeze SET frozen_at = NULL, wrong_birth_dates = 0, notice_id = NULL WHERE municipality_id = $1 AND notice_id = $2 RETURNING 1
"""

_NOTICES: Final = """
INSERT INTO notice (municipality_id, id, kind, at, subject_type, subject_id, text, state)
SELECT $1, i, $3, $4, s, k, t, 'open' FROM unnest($2::uuid[], $5::text[], $6::text[], $7::text[]) AS new (i, s, k, t)
WHERE $8 OR NOT EXISTS (
  SELECT 1 FROM notice o
  WHERE o.municipality_id = $1 AND o.state = 'open' AND o.kind = $3 AND o.subject_type = s AND o.subject_id = k AND o.text = t
)
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows asked and identity failures of a client on a day, the present ones included."""

    rows: int
    failures: int
    locked: bool


@dataclass(frozen=True, slots=True)
class Freeze:
    """A number that was frozen just now: the notice's id, keys of entitlement and provider."""

    notice_id: UUID
    entitlement: str
    provider: str


async def count(driver: Driver, town: UUID, counts: Sequence[tuple[str, date, int, int]]) -> dict[tuple[str, date], Tally]:
    """Adds rows and failures (client, day, rows, failures; each client and day once) and reads the sums."""
    clients, days, rows, failures = (list(column) for column in zip(*counts, strict=True)) if counts else ([], [], [], [])
    found = await driver.fetch(_COUNT, town, clients, days, rows, failures)
    return {(row[0], row[1]): Tally(row[2], row[3], row[4]) for row in found}


async def lock(driver: Driver, town: UUID, client_id: str, day: date) -> bool:
    """Locks a client for a day; whether it was open until now."""
    return await driver.fetchval(_LOCK, town, client_id, day) is not None


async def count_wrong_birth_dates(
    driver: Driver, town: UUID, pairs: Sequence[tuple[UUID, UUID]], freeze_at: int
) -> list[tuple[UUID, UUID]]:
    """Adds wrong birth dates by provider and entitlement; those that reached ``freeze_at`` and are not frozen yet."""
    tallied = sorted(Counter(pairs).items())
    columns = [p for (p, _), _ in tallied], [e for (_, e), _ in tallied], [n for _, n in tallied]
    return [(row[0], row[1]) for row in await driver.fetch(_WRONG, town, *columns) if row[2] >= freeze_at and row[3] is None]


async def freeze(driver: Driver, town: UUID, pairs: Sequence[tuple[UUID, UUID]], at: datetime) -> list[Freeze]:
    """Freezes numbers for providers; those that were not frozen until now."""
    rows = await driver.fetch(_FREEZE, town, [p for p, _ in pairs], [e for _, e in pairs], new_ids(len(pairs)), at)
    return [Freeze(*row) for row in rows]


async def thaw(unit: UnitOfWork, notice_id: UUID) -> bool:
    """Ends the freeze a notice tells of; whether there was one."""
    return await unit.driver.fetchval(_THAW, unit.municipality_id, notice_id) is not None


async def add_notices(  # noqa: PLR0913 - a notice's parts
    driver: Driver,
    town: UUID,
    kind: str,
    notices: Sequence[tuple[str, str, str]],
    *,
    at: datetime,
    ids: Sequence[UUID] | None = None,
) -> None:
    """Adds notices (subject type, subject id, text). Without ids of the caller's the same notice is not added while it is open."""
    if notices:
        columns = ([n[i] for n in notices] for i in range(3))
        await driver.execute(_NOTICES, town, list(ids or new_ids(len(notices))), kind, at, *columns, ids is not None)

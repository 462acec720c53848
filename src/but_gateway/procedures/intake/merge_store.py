"""SQL of merging two children: what hangs on one moves to the other; a lunch slot has one holder."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork

# What keeps what it has: in a live batch, or decided by a person (as adjudication sees it).
_FIXED: Final = "(ps.batch_id IS NOT NULL OR (ps.by_person AND ps.outcome <> 'review'))"
_TABLES: Final = ("lunch_slot", "lunch_month_slot")
# Slots of open positions go: they are taken anew when these are decided again. $2: both children.
_FREE: Final = """
DELETE FROM {table} s USING position_state ps
WHERE s.municipality_id = $1 AND s.child_id = ANY($2::uuid[]) AND ps.municipality_id = s.municipality_id AND ps.position_id = s.position_id
  AND NOT {fixed}
"""
_ALONE: Final = """
UPDATE {table} s SET state = 'held', rival_position_id = NULL, rival_provider_id = NULL, rival_facility_id = NULL
WHERE s.municipality_id = $1 AND s.child_id = ANY($2::uuid[]) AND s.rival_position_id IS NOT NULL
"""
# Of the slots of $2 those whose lunch the other child $3 has got as well: the same day, the same month, a day of the month.
_TWICE: Final = """
WITH slot AS (
  SELECT child_id, position_id, day AS first, day AS last FROM lunch_slot WHERE municipality_id = $1 AND child_id IN ($2, $3)
  UNION ALL
  SELECT child_id, position_id, month, (month + interval '1 month - 1 day')::date FROM lunch_month_slot
  WHERE municipality_id = $1 AND child_id IN ($2, $3)
)
SELECT DISTINCT a.position_id, b.position_id AS other_id, a.first FROM slot a
JOIN slot b ON b.child_id = $3 AND a.first <= b.last AND b.first <= a.last
WHERE a.child_id = $2 ORDER BY a.first, a.position_id
"""
_MOVE_SLOTS: Final = """
UPDATE {table} SET child_id = $3 WHERE municipality_id = $1 AND child_id = $2 AND NOT position_id = ANY($4::uuid[])
"""
_MOVE_POSITIONS: Final = """
UPDATE position_state SET child_id = $3 WHERE municipality_id = $1 AND child_id = $2 AND NOT position_id = ANY($4::uuid[])
"""


@dataclass(frozen=True, slots=True)
class KnownChild:
    """A child as far as merging needs it. ``merged_into``: its key is only another name of that one."""

    id: UUID
    key: str
    merged_into: UUID | None


@dataclass(frozen=True, slots=True)
class Twice:
    """A lunch that both children have got and that no machine takes back."""

    position_id: UUID
    other_id: UUID
    day: date


async def find_children(unit: UnitOfWork, keys: Collection[str]) -> dict[str, KnownChild]:
    """Children by key."""
    rows = await unit.driver.fetch(
        "SELECT id, key, merged_into FROM child WHERE municipality_id = $1 AND key = ANY($2::text[])", unit.municipality_id, list(keys)
    )
    return {row["key"]: KnownChild(row["id"], row["key"], row["merged_into"]) for row in rows}


async def move_entitlements(unit: UnitOfWork, old: UUID, new: UUID) -> list[str]:
    """Moves the entitlements, with all that hangs on them; answers their keys."""
    rows = await unit.driver.fetch(
        "UPDATE entitlement SET child_id = $3 WHERE municipality_id = $1 AND child_id = $2 RETURNING key", unit.municipality_id, old, new
    )
    return sorted(row["key"] for row in rows)


async def move_positions(unit: UnitOfWork, old: UUID, new: UUID) -> list[Twice]:
    """Moves positions and lunch slots, under the locks of both children.

    What is fixed at both on the same day cannot be one child's: there the old child keeps its own, and that is what this answers.
    """
    town, both = unit.municipality_id, [old, new]
    for table in _TABLES:
        await unit.driver.execute(_FREE.format(table=table, fixed=_FIXED), town, both)
        await unit.driver.execute(_ALONE.format(table=table), town, both)
    twice = [Twice(*row) for row in await unit.driver.fetch(_TWICE, town, old, new)]
    kept = sorted({one.position_id for one in twice})
    for table in _TABLES:
        await unit.driver.execute(_MOVE_SLOTS.format(table=table), town, old, new, kept)
    await unit.driver.execute(_MOVE_POSITIONS, town, old, new, kept)
    return twice


async def keep_as_name(unit: UnitOfWork, old: UUID, new: UUID) -> None:
    """From here on the key of the old child, and all that were names of it, name the new one."""
    await unit.driver.execute(
        "UPDATE child SET merged_into = $3 WHERE municipality_id = $1 AND (id = $2 OR merged_into = $2)", unit.municipality_id, old, new
    )

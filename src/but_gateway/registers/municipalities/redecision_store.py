"""SQL of re-decisions that a changed register asks for, and the lock that lets none be missed.

Whoever decides shares the registers until its commit; whoever changes one waits for them and holds the registers alone until its own.
So every position is either decided from the new register or found, committed, by the re-decision that follows.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.kit.ids import new_id
from but_gateway.registers.municipalities.touches import Touch

RUNNING: Final = "running"
_SHARED: Final = "registers"


@dataclass(frozen=True, slots=True)
class Redecision:
    """A re-decision under way. ``at``: when the register changed; ``progress`` counts children, ``changed`` positions."""

    id: UUID
    register: str
    state: str
    at: datetime
    touches: tuple[Touch, ...]
    after_child: UUID | None
    progress: int
    changed: int


async def share_registers(unit: UnitOfWork) -> None:
    """Keeps the registers as they are until the transaction ends. To be taken before the lock of any child."""
    if _SHARED not in unit.locks:
        unit.locks.add(_SHARED)
        await unit.driver.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))", f"{unit.municipality_id}|{_SHARED}")


async def hold_registers(unit: UnitOfWork) -> None:
    """Waits until nobody decides and keeps everybody from it until the transaction ends. To be taken before the lock of any child."""
    unit.locks.add(_SHARED)
    await unit.driver.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{unit.municipality_id}|{_SHARED}")


async def ask_redecision(unit: UnitOfWork, register: str, touches: Sequence[Touch], at: datetime) -> None:
    """Has the open positions that a change of a register touches decided again once it is committed; nothing where it touches none."""
    if not touches:
        return
    await hold_registers(unit)
    await unit.driver.execute(
        """
        INSERT INTO redecision (municipality_id, id, register, state, at, touches, progress, changed)
        VALUES ($1, $2, $3, $4, $5, $6::text::jsonb, 0, 0)
        """,
        unit.municipality_id,
        new_id(),
        register,
        RUNNING,
        at,
        json.dumps([touch.document() for touch in touches]),
    )


async def running_redecisions(unit: UnitOfWork) -> list[UUID]:
    """Those that are not done, oldest first."""
    rows = await unit.driver.fetch(
        "SELECT id FROM redecision WHERE municipality_id = $1 AND state = 'running' ORDER BY id", unit.municipality_id
    )
    return [row["id"] for row in rows]


_FIND: Final = (
    "SELECT id, register, state, at, touches, after_child, progress, changed FROM redecision WHERE municipality_id = $1 AND id = $2"
)


async def find_redecision(unit: UnitOfWork, redecision_id: UUID) -> Redecision | None:
    """A re-decision, kept until the transaction ends, so that a chunk is taken once whoever works on it."""
    return await _find(unit, f"{_FIND} FOR UPDATE", redecision_id)


async def peek_redecision(unit: UnitOfWork, redecision_id: UUID) -> Redecision | None:
    """A re-decision as it stands."""
    return await _find(unit, _FIND, redecision_id)


async def _find(unit: UnitOfWork, query: str, redecision_id: UUID) -> Redecision | None:
    row = await unit.driver.fetchrow(query, unit.municipality_id, redecision_id)
    if row is None:
        return None
    values = dict(row)
    values["touches"] = tuple(Touch.read(one) for one in values["touches"])
    return Redecision(**values)


async def save_redecision(  # noqa: PLR0913 - how far it came
    unit: UnitOfWork, redecision_id: UUID, *, after_child: UUID | None, children: int, changed: int, finished_at: datetime | None
) -> None:
    """Adds what a chunk did; with ``finished_at`` it is done."""
    await unit.driver.execute(
        """
        UPDATE redecision SET after_child = coalesce($3, after_child), progress = progress + $4, changed = changed + $5,
          finished_at = $6, state = CASE WHEN $6::timestamptz IS NULL THEN state ELSE 'done' END
        WHERE municipality_id = $1 AND id = $2
        """,
        unit.municipality_id,
        redecision_id,
        after_child,
        children,
        changed,
        finished_at,
    )


async def give_up_redecision(unit: UnitOfWork, redecision_id: UUID, at: datetime) -> None:
    """What failed again and again is left; the decisions up to its progress stand."""
    await unit.driver.execute(
        "UPDATE redecision SET state = 'failed', finished_at = $3 WHERE municipality_id = $1 AND id = $2",
        unit.municipality_id,
        redecision_id,
        at,
    )

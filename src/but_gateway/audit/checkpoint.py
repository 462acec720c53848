"""Checkpoints: every hour the state of a chain is signed, so that whoever keeps one can tell later that nothing before it was rewritten."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from but_gateway.audit.chain import Checkpoint
from but_gateway.audit.sealing import lock_head
from but_gateway.db.session import UnitOfWork

EVERY: Final = timedelta(hours=1)
# Gives the signed text of a checkpoint. What signs lies above this floor.
Sign = Callable[[UUID, Checkpoint], Awaitable[str]]


async def checkpoint_due(unit: UnitOfWork, now: datetime) -> bool:
    """Whether the chain grew since the last checkpoint and an hour has passed."""
    row = await unit.driver.fetchrow(_STATE, unit.municipality_id)
    if row is None or row["length"] == (row["signed_length"] or 0):
        return False
    return row["at"] is None or abs(now - row["at"]) >= EVERY


_STATE: Final = """
    SELECT h.length, c.length AS signed_length, c.at FROM audit_head h
    LEFT JOIN audit_checkpoint c ON c.municipality_id = h.municipality_id AND c.number = h.checkpoints
    WHERE h.municipality_id = $1
"""


async def add_checkpoint(unit: UnitOfWork, now: datetime, sign: Sign) -> Checkpoint | None:
    """Signs where the chain stands. None when that is not due: another worker may have been quicker."""
    head = await lock_head(unit)
    if not await checkpoint_due(unit, now):
        return None
    draft = Checkpoint(head.checkpoints + 1, now, head.length, head.head, "")
    checkpoint = replace(draft, token=await sign(unit.municipality_id, draft))
    await unit.driver.execute(
        "INSERT INTO audit_checkpoint (municipality_id, number, at, length, head, token) VALUES ($1, $2, $3, $4, $5, $6)",
        unit.municipality_id, checkpoint.number, checkpoint.at, checkpoint.length, checkpoint.head, checkpoint.token,
    )  # fmt: skip
    await unit.driver.execute("UPDATE audit_head SET checkpoints = $2 WHERE municipality_id = $1", unit.municipality_id, checkpoint.number)
    return checkpoint


def checkpoint_of(row: Mapping[str, Any]) -> Checkpoint:
    """A stored checkpoint."""
    return Checkpoint(row["number"], row["at"], row["length"], bytes(row["head"]), row["token"])


async def latest_checkpoints(unit: UnitOfWork, limit: int) -> list[Checkpoint]:
    """The newest checkpoints, newest first."""
    rows = await unit.driver.fetch(
        "SELECT number, at, length, head, token FROM audit_checkpoint WHERE municipality_id = $1 ORDER BY number DESC LIMIT $2",
        unit.municipality_id, limit,
    )  # fmt: skip
    return [checkpoint_of(row) for row in rows]

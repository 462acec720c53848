"""The desk where single checks queue: those that arrive while a round is under way go into the next one together.

One round trip to the database then serves many clients, and nobody waits longer than one round. There is one queue per town:
a transaction belongs to one town.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from but_gateway.db.engine import Database
from but_gateway.db.fields import TownKeys
from but_gateway.procedures.eligibility.check import check
from but_gateway.procedures.eligibility.model import Ask, Locked, Verdict

ROUND_MAX: Final = 200  # requests in one round

_Answer = asyncio.Future[list[Verdict] | Locked]


@dataclass(slots=True)
class _Queue:
    waiting: deque[tuple[Sequence[Ask], _Answer]] = field(default_factory=deque)
    worker: asyncio.Task[None] | None = None


class Desk:
    """The queues of a process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queues: dict[UUID, _Queue] = {}

    async def ask(self, keys: TownKeys, request: Sequence[Ask]) -> list[Verdict] | Locked:
        """The answer to a request of a town, after it was logged."""
        queue = self._queues.setdefault(keys.municipality_id, _Queue())
        answer: _Answer = asyncio.get_running_loop().create_future()
        queue.waiting.append((request, answer))
        if queue.worker is None or queue.worker.done():
            queue.worker = asyncio.create_task(self._serve(keys, queue))
        return await answer

    async def _serve(self, keys: TownKeys, queue: _Queue) -> None:
        while queue.waiting:
            batch = [queue.waiting.popleft() for _ in range(min(len(queue.waiting), ROUND_MAX))]
            try:
                results = await check(self._database, keys, [request for request, _ in batch])
            except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
                for _, answer in batch:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for (_, answer), result in zip(batch, results, strict=True):
                if not answer.done():
                    answer.set_result(result)

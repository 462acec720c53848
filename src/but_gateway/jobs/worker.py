"""The worker: what goes on beside requests. Of several processes one leads; ``serve`` runs it embedded."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from but_gateway.db.engine import Database
from but_gateway.jobs.store import leadership, town_keys
from but_gateway.web.errors import place_of

PAUSE_SECONDS: Final = 5.0
PAUSE_SECONDS_MAX: Final = 30.0
# One round of a kind of work over the towns of these keys; answers whether there is more to do at once.
Sweep = Callable[[list[str]], Awaitable[bool]]


class Work(Protocol):
    """A kind of work."""

    async def sweep(self, town_keys: list[str]) -> bool:
        """One round of it."""
        ...


@dataclass(slots=True)
class Worker:
    """Runs sweeps until it is told to stop. A sweep must be safe against being cut off anywhere and against a second worker."""

    database: Database
    sweeps: Sequence[Sweep]
    on_round: Callable[[], None] = lambda: None
    on_failure: Callable[[], None] = lambda: None
    pause_seconds: float = PAUSE_SECONDS
    _stopped: bool = False
    _call: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Leads whenever nobody else does; never raises: what fails is logged and tried again, each time after a longer pause."""
        pause = self.pause_seconds
        while not self._stopped:
            try:
                async with leadership(self.database) as leads:
                    while leads and not self._stopped:
                        more = await self.sweep_once()
                        self.on_round()
                        if not more:
                            await self._rest(self.pause_seconds)
                        pause = self.pause_seconds
            except Exception as error:  # noqa: BLE001 - the worker outlives whatever its work meets; a lost database above all
                self.on_failure()
                structlog.get_logger().error("worker", **place_of(error))
                pause = min(2 * pause, PAUSE_SECONDS_MAX)
            await self._rest(pause)

    async def sweep_once(self) -> bool:
        """One round of everything; whether there is more to do at once."""
        keys = await town_keys(self.database)
        more = [await sweep(keys) for sweep in self.sweeps]
        return any(more)

    def wake(self) -> None:
        """There is work: the pause ends. Work accepted by another process is found after the pause."""
        self._call.set()

    def stop(self) -> None:
        """Ends after the transaction under way."""
        self._stopped = True
        self._call.set()

    async def _rest(self, seconds: float) -> None:
        if self._stopped:
            return  # the call that told so may have been heard by the pause before this one
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._call.wait(), seconds)
        self._call.clear()


def sweeps_of(*works: Work) -> list[Sweep]:
    """The sweeps of these kinds of work."""
    return [work.sweep for work in works]

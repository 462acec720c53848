"""Decides again what changed registers touch: a little before the writer gets the answer, much in the background, chunk by chunk."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from but_gateway.db.engine import Database
from but_gateway.db.tenancy import Scope
from but_gateway.identity.call import Call
from but_gateway.identity.directory import Directory
from but_gateway.identity.principal import Town
from but_gateway.jobs.patience import Patience
from but_gateway.jobs.store import running_redecisions
from but_gateway.kit.clock import Clock
from but_gateway.procedures.redecision.store import is_small
from but_gateway.procedures.redecision.work_off import work_off
from but_gateway.registers.municipalities import redecision_store
from but_gateway.web.errors import place_of

POSITIONS_AT_ONCE: Final = 2_000


@dataclass(slots=True)
class Redecisions:
    """The re-decisions of all towns. ``wake`` tells the worker that there is work."""

    database: Database
    directory: Directory
    clock: Clock
    wake: Callable[[], None] = lambda: None
    positions_at_once: int = POSITIONS_AT_ONCE
    patience: Patience = field(default_factory=lambda: Patience("redecision"))

    async def follow_up(self, call: Call) -> None:
        """Does what a call just asked for, where it is little; what is much, or fails, is the worker's.

        Never raises: the register is written, and its re-decision is kept until it is done.
        """
        try:
            async with self.database.transaction(Scope(call.town.id)) as unit:
                running = await redecision_store.running_redecisions(unit)
                small = [one for one in running if await is_small(unit, one, self.positions_at_once)]
            for one in small:
                while await self._chunk(call.town, one):
                    pass
        except Exception as error:  # noqa: BLE001 - see above
            structlog.get_logger().error("redecision", municipality_id=str(call.town.id), **place_of(error))
            self.wake()
            return
        if len(small) < len(running):
            self.wake()

    async def sweep(self, town_keys: list[str]) -> bool:
        """Takes one chunk of every running re-decision; whether there was any."""
        towns = [town for key in town_keys if (town := await self.directory.town(key))]
        running = await running_redecisions(self.database, towns)
        for town, redecision_id in running:
            await self._try_chunk(town, redecision_id)
        return bool(running)

    async def _try_chunk(self, town: Town, redecision_id: UUID) -> None:
        try:
            await self._chunk(town, redecision_id)
            self.patience.forget(redecision_id)
        except Exception as error:
            if not self.patience.ends(redecision_id, error):
                raise
            # What failed so often will fail again: the decisions up to its progress stand.
            async with self.database.transaction(Scope(town.id)) as unit:
                await redecision_store.give_up_redecision(unit, redecision_id, self.clock.now())
            self.patience.forget(redecision_id)

    async def _chunk(self, town: Town, redecision_id: UUID) -> bool:
        async with self.database.transaction(Scope(town.id)) as unit:
            return await work_off(unit, town, self.directory.keys(town), redecision_id, now=self.clock.now())

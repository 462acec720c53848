"""Seals the audit record of all towns, looks for what came late, and signs a checkpoint every hour. See docs/audit.md."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from but_gateway.audit.chain import CHECKPOINT_TYPE, Checkpoint, checkpoint_claims
from but_gateway.audit.checkpoint import add_checkpoint, checkpoint_due
from but_gateway.audit.late import seal_late, search_due
from but_gateway.audit.sealing import MARGIN_MS, has_unsealed, read_head, seal_town
from but_gateway.db.engine import Database
from but_gateway.db.tenancy import Scope
from but_gateway.identity.directory import Directory
from but_gateway.identity.issuer import Issuer
from but_gateway.identity.tokens import sign
from but_gateway.kit.clock import Clock
from but_gateway.web.errors import place_of

EVERY: Final = timedelta(seconds=20)
_STEPS_AT_ONCE: Final = 5  # of one town, before the next one has its turn


@dataclass(slots=True)
class Sealing:
    """The chains of all towns. Each step is a transaction of its own: cut off anywhere, the next one goes on where the last one ended."""

    database: Database
    directory: Directory
    clock: Clock
    issuer: Issuer
    every: timedelta = EVERY
    margin_ms: int = MARGIN_MS
    step: Callable[[str], None] = lambda _what: None  # tests break in here
    _looked_at: datetime | None = field(default=None, init=False)

    async def sweep(self, town_keys: list[str]) -> bool:
        """One round over all towns; whether there is more to do at once. What fails for one town does not stop the others."""
        now = self.clock.now()
        if self._looked_at is not None and abs(now - self._looked_at) < self.every:
            return False
        more, failed = False, None
        for key in town_keys:
            town = await self.directory.town(key)
            if town is None:
                continue
            try:
                more |= await self._work_on(town.id)
            except Exception as error:  # noqa: BLE001 - told below, when the other towns had their turn
                structlog.get_logger().error("audit_sealing", municipality_id=str(town.id), **place_of(error))
                failed = error
        if failed is not None:
            raise failed
        if not more:
            self._looked_at = now
        return more

    async def _work_on(self, town_id: UUID) -> bool:
        """What is due in a town; asking that writes nothing, so towns where nothing happens cost next to nothing."""
        async with self.database.transaction(Scope(town_id)) as unit:
            now = self.clock.now()
            unsealed = await has_unsealed(unit, margin_ms=self.margin_ms)
            head = await read_head(unit)
            search = head is not None and search_due(head, now)
            checkpoint = await checkpoint_due(unit, now)
        more = await self._seal(town_id) if unsealed else False
        if search:
            async with self.database.transaction(Scope(town_id)) as unit:
                await seal_late(unit, now)
                self.step("searched")
        if unsealed or checkpoint:
            async with self.database.transaction(Scope(town_id)) as unit:
                if await add_checkpoint(unit, now, self._sign) is not None:
                    self.step("signed")
        return more

    async def _seal(self, town_id: UUID) -> bool:
        for _ in range(_STEPS_AT_ONCE):
            async with self.database.transaction(Scope(town_id)) as unit:
                more = await seal_town(unit, self.clock.now(), margin_ms=self.margin_ms)
                self.step("sealed")
            if not more:
                return False
        return True

    async def _sign(self, town_id: UUID, checkpoint: Checkpoint) -> str:
        ring = await self.issuer.ring()
        claims = checkpoint_claims(self.issuer.url, town_id, checkpoint)
        return sign(claims, ring.private_pem, kid=ring.kid, typ=CHECKPOINT_TYPE)

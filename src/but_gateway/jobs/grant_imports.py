"""Works off large grant imports, a thousand rows in one transaction together with the progress: what dies goes on where it stood."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from but_gateway.db.engine import Database
from but_gateway.db.fields import TownKeys
from but_gateway.db.tenancy import Scope
from but_gateway.identity.directory import Directory
from but_gateway.identity.principal import Town
from but_gateway.jobs.patience import Patience
from but_gateway.jobs.store import running_imports
from but_gateway.kit.clock import Clock
from but_gateway.procedures.intake import store
from but_gateway.procedures.intake.import_rows import import_rows
from but_gateway.registers.entitlements.enter import ROWS_MAX


@dataclass(slots=True)
class GrantImports:
    """The work of large imports, of all towns in turn."""

    database: Database
    directory: Directory
    clock: Clock
    _rows: dict[UUID, list[Any]] = field(default_factory=dict)  # opened once per process, forgotten when done
    patience: Patience = field(default_factory=lambda: Patience("grant_import"))

    async def sweep(self, town_keys: list[str]) -> bool:
        """Takes one chunk of every running import; whether there was any."""
        towns = [town for key in town_keys if (town := await self.directory.town(key))]
        running = await running_imports(self.database, towns)
        for town, import_id in running:
            await self._try_chunk(town, import_id)
        return bool(running)

    async def _try_chunk(self, town: Town, import_id: UUID) -> None:
        try:
            await self._chunk(town, self.directory.keys(town), import_id)
            self.patience.forget(import_id)
        except Exception as error:
            if not self.patience.ends(import_id, error):
                raise
            # What failed so often will fail again: the rows up to its progress stand, the town is told by the state.
            async with self.database.transaction(Scope(town.id)) as unit:
                await store.mark_failed(unit, import_id, self.clock.now())
            self._forget(import_id)

    async def _chunk(self, town: Town, keys: TownKeys, import_id: UUID) -> None:
        async with self.database.transaction(Scope(town.id)) as unit:
            job = await store.find_import(unit, import_id, lock=True)
            if job is None or job.state != store.RUNNING:
                self._forget(import_id)
                return
            if import_id not in self._rows:
                self._rows[import_id] = json.loads(keys.open(await store.read_rows(unit, import_id), "grant_import", import_id, "rows"))
            rows = self._rows[import_id][job.progress : job.progress + ROWS_MAX]
            await import_rows(
                unit, job.report, town=town, keys=keys, rows=rows, at=job.created_at, actor=job.created_by, reference=str(import_id)
            )
            progress = job.progress + len(rows)
            done = progress >= job.total
            await store.save_progress(unit, import_id, progress, job.report, self.clock.now() if done else None)
        if done:
            self._forget(import_id)

    def _forget(self, import_id: UUID) -> None:
        self._rows.pop(import_id, None)
        self.patience.forget(import_id)

"""Eight writers commit out of order while a reader polls: it reads every change once, in one order, and never one it was ahead of."""

import asyncio
import random
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from but_gateway.db.engine import Database
from but_gateway.db.tenancy import Scope
from but_gateway.identity.principal import Town as TownRecord
from but_gateway.kit.clock import SystemClock
from but_gateway.kit.ids import new_id
from but_gateway.registers.providers.change_store import DECISION, Change, tell_provider
from tests.procedures.adjudication.town import Town
from tests.procedures.changes.reader import Reader

WRITERS, ROUNDS, PROVIDERS = 8, 30, ("c1", "c2", "c3")


@dataclass(slots=True)
class Writers:
    """Transactions that tell several providers of changes and end when they like; some keep nothing."""

    database: Database
    town: TownRecord
    ids: dict[str, UUID]
    written: dict[str, set[str]] = field(default_factory=lambda: {key: set() for key in PROVIDERS})
    running: int = WRITERS

    async def write(self, seed: int) -> None:
        """One writer's rounds."""
        chance = random.Random(seed)  # noqa: S311 - pauses and sizes, no secrets
        for _ in range(ROUNDS):
            kept, subjects = chance.random() < 0.8, {}
            async with self.database.transaction(Scope(self.town.id)) as unit:
                for key in chance.sample(PROVIDERS, chance.randint(1, 3)):
                    subjects[key] = [new_id() for _ in range(chance.randint(1, 4))]
                    tell_provider(unit, (self.change(key, subject) for subject in subjects[key]))
                    await asyncio.sleep(chance.random() / 300)
                # The work behind the last change: others commit meanwhile.
                await unit.driver.execute("SELECT pg_sleep($1)", chance.random() / 100)
                if not kept:
                    unit.discard()
            if kept:
                for key, told in subjects.items():
                    self.written[key] |= {str(subject) for subject in told}
        self.running -= 1

    def change(self, key: str, subject: UUID) -> Change:
        """A change of one position."""
        return Change(self.ids[key], SystemClock().now(), DECISION, "invoice", subject, {"line_no": 1, "service_date": None})


async def test_nothing_is_skipped_and_nothing_repeated(town: Town) -> None:
    for key in PROVIDERS:
        await town.need_provider(key)
    app = town.instance.app
    record = await app.state.directory.town(town.key)
    async with app.state.database.transaction(Scope(record.id)) as unit:
        ids = dict(await unit.driver.fetch("SELECT key, id FROM provider WHERE municipality_id = $1", record.id))
    writers = Writers(app.state.database, record, ids)

    async def read(key: str, limit: int) -> list[str]:
        reader, read = Reader(town, key), []
        while True:
            last = not writers.running
            items = await reader.page(limit=limit)
            read += [item["subject"]["id"] for item in items]
            if last and not items:
                return read
            await asyncio.sleep(0.002)

    readers = [asyncio.create_task(read(key, limit)) for key, limit in zip(PROVIDERS, (1, 3, 500), strict=True)]
    await asyncio.gather(*(writers.write(seed) for seed in range(WRITERS)))
    for key, told in zip(PROVIDERS, await asyncio.gather(*readers), strict=True):
        assert len(told) == len(set(told))
        assert set(told) == writers.written[key]
        # Whoever begins anew later reads the same in the same order.
        assert told == await whole(town, key)


async def whole(town: Town, key: str) -> list[str]:
    """All changes of a provider, read at once from the start."""
    reader, read = Reader(town, key), []
    while items := await reader.page(limit=500):
        read += [item["subject"]["id"] for item in items]
    return read


async def test_a_provider_sees_its_own_rows_only_whatever_a_query_asks(town: Town) -> None:
    """Behind the operation stands row-level security: another provider's changes and notifications are not there."""
    for key in ("c1", "c2"):
        await town.need_provider(key)
    app = town.instance.app
    record = await app.state.directory.town(town.key)
    async with app.state.database.transaction(Scope(record.id)) as unit:
        ids = dict(await unit.driver.fetch("SELECT key, id FROM provider WHERE municipality_id = $1", record.id))
        tell_provider(unit, [Change(ids["c1"], SystemClock().now(), DECISION, "invoice", new_id(), {"line_no": 1, "service_date": None})])
    async with app.state.database.transaction(Scope(record.id, ids["c2"])) as unit:
        for table in ("provider_change", "change_counter", "grant_notification"):
            assert await unit.driver.fetchval(f"SELECT count(*) FROM {table}") == 0  # noqa: S608 - names of this list
        try:
            await unit.driver.execute("UPDATE provider_change SET serial = 0")
        except asyncpg.InsufficientPrivilegeError:
            unit.discard()
        else:
            raise AssertionError("changes can be rewritten")

"""A served gateway with a town that has one of everything, and what the owner of the tables works with."""

import copy
import importlib
import pkgutil
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

import but_gateway
from but_gateway.audit.invariants import violations
from but_gateway.db.connect import connect
from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.db.engine import Database
from but_gateway.db.fields import MasterKey, TownKeys
from but_gateway.db.tenancy import OWNER_ROLE
from but_gateway.identity.principal import Town
from but_gateway.identity.store import find_town
from tests.factories.instance import Instance
from tests.isolation.stage import Stage, build
from tests.procedures.adjudication.lines import lunch
from tests.procedures.adjudication.registers import IBANS
from tests.procedures.adjudication.town import served

for module in pkgutil.walk_packages(but_gateway.__path__, "but_gateway."):
    if module.name.endswith(".tables"):
        importlib.import_module(module.name)


@dataclass
class House:
    """An instance with the stage of the isolation tests. ``owner`` is the database as its owner."""

    instance: Instance
    stage: Stage
    owner: Database
    superuser: asyncpg.Connection
    key_file: Path

    @property
    def key(self) -> str:
        """The key of the populated town."""
        return self.stage.town.key

    def as_owner(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        return connect(self.instance.database_url, role=OWNER_ROLE)

    async def town(self, key: str | None = None) -> Town:
        async with self.as_owner() as connection:
            found = await find_town(connection, key or self.key)
        assert found is not None
        return found

    async def keys(self, key: str | None = None) -> TownKeys:
        town = await self.town(key)
        return MasterKey.read(self.key_file).town_keys(town.id, town.data_key, town.further_keys)

    async def assert_sound(self) -> None:
        assert await violations(self.superuser) == {}


@dataclass(frozen=True)
class Built:
    """A database with the stage in it, to be copied; nobody is connected to it."""

    url: str
    stage: Stage
    key_file: Path


async def fill(stage: Stage) -> None:
    """What people write: a decision's reason, a query, an objection, why a payment is held; and an invoice that names its account."""
    town, at = stage.town, "2026-12-03T10:00:00Z"
    cut = await town.bill("c1", lunch("A", "2026-11-12", unit_price="9.00"), at=at, iban=IBANS["c1"])
    reviews = (await town.ok("clerk", "GET", "/reviews?state=open", at=at))["items"]
    resolution = {"decision": "query", "approved": None, "reason": "Bitte den Nachweis senden."}
    await town.ok("clerk", "POST", f"/reviews/{reviews[0]['id']}/resolution", resolution, at)
    await town.ok("clerk", "POST", f"/reviews/{reviews[-1]['id']}/resolution", resolution | {"decision": "reject"}, at)
    objection = {"line_no": 1, "text": "Der Preis war so vereinbart."}
    await town.ok("c1", "POST", f"/invoices/{cut.id}/objections", objection, at)
    payment = f"/settlement-batches/{stage.ids['open batch_id']}/payments/{stage.ids['open payment_id']}"
    await town.ok("finance", "POST", f"{payment}/hold", {"reason": "Rückfrage offen."}, at)


@pytest.fixture(scope="module")
async def built(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The stage, made once; the persons of the office have their tokens already."""
    url, folder = new_database(), tmp_path_factory.mktemp("built")
    async with served(url, folder) as instance:
        stage = await build(instance)
        await fill(stage)
        for who in ("registrar", "auditor", "clerk", "finance", "finance2", "orderer", "c1", "c2"):
            await stage.town.token(who)
    return Built(url, stage, folder / "master.key")


@pytest.fixture
async def house(built: Built, tmp_path: Path, postgres_url: str) -> AsyncIterator[House]:
    """A copy of the stage for each test: these tests change keys and delete."""
    name = f"copy_{uuid4().hex[:12]}"
    await administer(postgres_url, f'CREATE DATABASE "{name}" TEMPLATE "{name_of(built.url)}" STRATEGY file_copy')
    url = built.url.replace(f"/{name_of(built.url)}?", f"/{name}?")
    shutil.copy2(built.key_file, tmp_path / "master.key")
    stage = copy.deepcopy(replace(built.stage, instance=None, town=replace(built.stage.town, instance=None), other=None, bill=None))  # type: ignore[arg-type] # put in below
    async with served(url, tmp_path) as instance:
        stage.instance, stage.town.instance = instance, instance
        stage.other = replace(built.stage.other, instance=instance)
        stage.bill = replace(built.stage.bill, town=stage.town)
        owner = await Database.open(url, pool_size=2, role=OWNER_ROLE)
        await owner.start()
        superuser = await asyncpg.connect(asyncpg_dsn(url))
        try:
            made = House(instance, stage, owner, superuser, tmp_path / "master.key")
            yield made
            await made.assert_sound()
        finally:
            await superuser.close()
            await owner.close()
    await administer(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def name_of(url: str) -> str:
    """The name of the database of a URL."""
    return url.partition("@/")[2].partition("?")[0]


async def administer(url: str, statement: str) -> None:
    """Runs a statement outside of any transaction, as superuser."""
    connection = await asyncpg.connect(asyncpg_dsn(url))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()

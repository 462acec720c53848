"""A town whose record can be sealed, and what a superuser can do to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import asyncpg
import pytest

from but_gateway.audit.chain import CHECKPOINT_TYPE
from but_gateway.audit.check import ChainReport, ReadToken, check_chain
from but_gateway.audit.sources import SOURCES
from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.identity.keys import keys_that_ever_signed
from but_gateway.identity.principal import Role
from but_gateway.identity.tokens import TokenRefusedError, verify_statement
from but_gateway.jobs.sealing import Sealing
from but_gateway.registers.municipalities.settings import Settings
from but_gateway.registers.municipalities.store import write_settings
from but_gateway.rules.verdict import Outcome
from tests.factories.billing import RECEIVED, Billing, Meal
from tests.procedures.settlement.conftest import ASSIGNMENTS, DEBTOR, Treasury
from tests.registers.office import Office, open_office

MONDAY = date(2026, 10, 5)
# Ids of the millisecond before this one are old enough.
AT_ONCE = 0


@dataclass
class Archive:
    """A town with books, and its chain."""

    treasury: Treasury
    url: str
    town_id: UUID
    sealing: Sealing

    @property
    def billing(self) -> Billing:
        return self.treasury.billing

    async def fill(self, meals: int = 3) -> None:
        """One more invoice, decided."""
        child = await self.billing.child()
        days = [MONDAY + timedelta(days=i) for i in range(meals)]
        await self.billing.invoice("c1", [Meal(child, day, {"sgb2": 450}) for day in days])

    async def seal(self) -> None:
        """Seals until nothing is left to seal."""
        await asyncio.sleep(0.002)
        for _ in range(10):
            more = await self.sealing.sweep([self.treasury.town])
            async with self.billing.unit() as unit:
                head = await unit.driver.fetchrow("SELECT mark FROM audit_head WHERE municipality_id = $1", self.town_id)
            if not more and head["mark"] is None:
                return
        raise AssertionError("sealing does not end")

    async def check(self, connection: asyncpg.Connection) -> ChainReport:
        return await check_chain(connection, self.town_id, await self.reader())

    async def check_now(self) -> ChainReport:
        """The chain as it stands, seen by a superuser."""
        connection = await asyncpg.connect(asyncpg_dsn(self.url))
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return await self.check(connection)
        finally:
            await connection.close()

    async def length(self) -> int:
        """The number of the last seal."""
        return (await self.check_now()).length

    async def rows(self) -> int:
        """How many rows there are to seal."""
        async with self.billing.unit() as unit:
            query = " UNION ALL ".join(f"SELECT id FROM {source.name} WHERE municipality_id = $1" for source in SOURCES)  # noqa: S608 - our own names
            count: int = await unit.driver.fetchval(f"SELECT count(*) FROM ({query}) x", self.town_id)  # noqa: S608 - as above
        return count

    async def reader(self) -> ReadToken:
        async with self.sealing.database.pool.acquire() as connection:
            keys = await keys_that_ever_signed(connection, self.sealing.issuer.master_key)

        def read(token: str) -> dict[str, object] | None:
            try:
                return verify_statement(token, keys, CHECKPOINT_TYPE)
            except TokenRefusedError:
                return None

        return read


@pytest.fixture(scope="module")
async def archive(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Archive]:
    url = new_database()
    async with open_office(url, tmp_path_factory.mktemp("archive")) as office:
        yield await open_archive(office, url)


async def open_archive(office: Office, url: str) -> Archive:
    """A town of its own with a handed-over batch, a free invoice and a position under review; nothing is sealed yet."""
    town = await office.town()
    state = office.app.state
    billing = Billing(state.database, office.scope(town), state.directory.keys(office.towns[town]))
    async with billing.unit() as unit:
        await write_settings(unit, Settings(name="Musterstadt", debtor=DEBTOR, account_assignments=ASSIGNMENTS), 1, RECEIVED)
    await billing.provider("c1")
    finance, orderer = [await office.staff(town, role, name=name) for role, name in ((Role.FINANCE, "fin"), (Role.ORDERER, "ord"))]
    treasury = Treasury(office, town, billing, finance, orderer)
    sealing = Sealing(state.database, state.directory, state.clock, state.issuer, every=timedelta(0), margin_ms=AT_ONCE)
    archive = Archive(treasury, url, office.towns[town].id, sealing)
    await archive.fill()
    await treasury.settle()
    child = await billing.child()
    await billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450}), Meal(child, date(2026, 10, 6), {"sgb2": 450}, outcome=Outcome.REVIEW)])
    return archive


@pytest.fixture
async def superuser(archive: Archive) -> AsyncIterator[asyncpg.Connection]:
    """Somebody who may do everything; what they do is taken back."""
    connection = await asyncpg.connect(asyncpg_dsn(archive.url))
    transaction = connection.transaction(isolation="repeatable_read")
    await transaction.start()
    await connection.execute("SET LOCAL session_replication_role = replica")
    yield connection
    await transaction.rollback()
    await connection.close()

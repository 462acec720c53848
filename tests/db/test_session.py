"""Transactions end as they should, whatever becomes of the statements, the server or whoever waits for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest

from but_gateway.db.engine import Database, connect_arguments
from but_gateway.db.session import RolledBackError
from but_gateway.db.tenancy import Scope
from but_gateway.db.trouble import Trouble, trouble_of

INSTANCE = Scope()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """With one connection of each kind, so that the next transaction meets what the last one left."""
    made = await Database.open(database_url, pool_size=1)
    await made.start()
    yield made
    await made.close()


async def lock(driver: asyncpg.Connection, name: str) -> bool:
    """Takes a lock that lasts as long as the transaction; whether it was free."""
    free: bool = await driver.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))", name)
    return free


async def end(database: Database, process: int) -> None:
    """Has the server end a connection."""
    admin = await asyncpg.connect(**connect_arguments(database.url))
    await admin.execute("SELECT pg_terminate_backend($1)", process)
    await admin.close()


KINDS = ("transaction", "short_transaction")


@asynccontextmanager
async def opened(database: Database, kind: str) -> AsyncIterator[asyncpg.Connection]:
    """A transaction of either kind."""
    async with getattr(database, kind)(INSTANCE) as one:
        yield one.driver if kind == "transaction" else one


async def fail_and_go_on(database: Database, kind: str) -> None:
    async with opened(database, kind) as driver:
        with pytest.raises(asyncpg.UndefinedTableError):
            await driver.execute("SELECT * FROM nowhere")


async def lock_and_give_up(database: Database, kind: str, name: str) -> None:
    async with opened(database, kind) as driver:
        assert await lock(driver, name)
        raise LookupError


async def lock_and_wait(database: Database, kind: str, name: str, begun: asyncio.Event) -> None:
    async with opened(database, kind) as driver:
        assert await lock(driver, name)
        begun.set()
        await driver.execute("SELECT pg_sleep(30)")


async def lose(database: Database) -> None:
    async with opened(database, "transaction") as driver:
        await end(database, driver.get_server_pid())
        await driver.execute("SELECT 1")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_failed_statement_that_nobody_heeded_is_not_committed_in_silence(database: Database, kind: str) -> None:
    with pytest.raises(RolledBackError):
        await fail_and_go_on(database, kind)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_error_rolls_back_and_leaves_a_connection_that_can_be_used(database: Database, kind: str) -> None:
    name = uuid4().hex
    for _ in range(3):
        with pytest.raises(LookupError):
            await lock_and_give_up(database, kind, name)


@pytest.mark.parametrize("kind", KINDS)
async def test_who_is_cancelled_while_a_statement_runs_leaves_nothing_open(database: Database, kind: str) -> None:
    name, begun = uuid4().hex, asyncio.Event()
    task = asyncio.create_task(lock_and_wait(database, kind, name, begun))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with opened(database, kind) as driver:
        assert await lock(driver, name)


async def test_what_is_discarded_is_not_kept(database: Database) -> None:
    async with database.transaction(INSTANCE) as unit:
        await unit.driver.execute("CREATE TEMPORARY TABLE kept () ON COMMIT PRESERVE ROWS")
        unit.discard()
        process = unit.driver.get_server_pid()
    async with database.transaction(INSTANCE) as unit:
        assert unit.driver.get_server_pid() == process
        assert await unit.driver.fetchval("SELECT to_regclass('kept')") is None


async def test_a_connection_that_the_server_ended_while_it_lay_there_is_made_anew(database: Database) -> None:
    async with database.transaction(INSTANCE) as unit:
        process = unit.driver.get_server_pid()
    await end(database, process)
    await asyncio.sleep(0.1)  # until it is heard of
    async with database.transaction(INSTANCE) as unit:
        assert unit.driver.get_server_pid() != process


async def test_a_connection_that_breaks_in_a_transaction_is_told_of_and_thrown_away(database: Database) -> None:
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)) as lost:
        await lose(database)
    assert trouble_of(lost.value) is Trouble.AWAY
    async with database.transaction(INSTANCE) as unit:
        assert await unit.driver.fetchval("SELECT 1") == 1

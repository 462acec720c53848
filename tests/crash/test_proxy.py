"""The proxy before a real PostgreSQL, spoken to as the gateway does: through asyncpg and through SQLAlchemy."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.db.engine import Database
from but_gateway.db.tenancy import Scope
from but_gateway.db.trouble import Trouble, trouble_of
from tests.crash.proxy import Proxy, Weather


@asynccontextmanager
async def before(url: str, **bad: float) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy before the server of a URL, and the URL through it."""
    parts = urlsplit(url)
    (folder,) = parse_qs(parts.query)["host"]
    proxy = Proxy(Path(folder) / ".s.PGSQL.5432", Weather(random.Random(1), **bad))  # noqa: S311 - weather is no secret
    await proxy.open()
    try:
        yield proxy, f"postgresql://postgres@127.0.0.1:{proxy.port}{parts.path}"
    finally:
        await proxy.close()


@pytest.fixture
async def direct(new_database: Callable[[], str]) -> AsyncIterator[tuple[str, asyncpg.Connection]]:
    """A database with a table, and the way around the proxy."""
    url = new_database()
    connection = await asyncpg.connect(asyncpg_dsn(url))
    await connection.execute("CREATE TABLE kept (x int); GRANT ALL ON kept TO but_app")
    yield url, connection
    await connection.close()


async def test_in_calm_weather_everything_passes(direct: tuple[str, asyncpg.Connection]) -> None:
    url, around = direct
    async with before(url) as (proxy, through):
        connection = await asyncpg.connect(through)
        async with connection.transaction():
            await connection.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
            assert len(await connection.fetch("SELECT x, repeat('y', 200) FROM kept")) == 1000
        await connection.close()
        assert proxy.counts["commits"] == 1
    assert await around.fetchval("SELECT count(*) FROM kept") == 1000


async def test_a_commit_that_is_not_heard_of_was_done(direct: tuple[str, asyncpg.Connection]) -> None:
    url, around = direct
    async with before(url, unheard=1.0) as (proxy, through):
        connection = await asyncpg.connect(through)
        with pytest.raises((asyncpg.PostgresConnectionError, OSError)):
            async with connection.transaction():
                await connection.execute("INSERT INTO kept VALUES (1)")
        assert proxy.counts["unheard"] == 1
    assert await around.fetchval("SELECT count(*) FROM kept") == 1


async def test_a_prepared_commit_is_lost_as_well(direct: tuple[str, asyncpg.Connection]) -> None:
    url, around = direct
    async with before(url, unheard=1.0) as (proxy, through):
        connection = await asyncpg.connect(through)
        await connection.execute("BEGIN")
        await connection.execute("INSERT INTO kept VALUES (1)")
        with pytest.raises((asyncpg.PostgresConnectionError, OSError)):
            await connection.fetch("COMMIT")
        assert proxy.counts["unheard"] == 1
    assert await around.fetchval("SELECT count(*) FROM kept") == 1


async def test_a_commit_that_was_not_said_was_not_done(direct: tuple[str, asyncpg.Connection]) -> None:
    url, around = direct
    async with before(url, unsaid=1.0) as (proxy, through):
        connection = await asyncpg.connect(through)
        with pytest.raises((asyncpg.PostgresConnectionError, OSError)):
            async with connection.transaction():
                await connection.execute("INSERT INTO kept VALUES (1)")
        assert proxy.counts["unsaid"] == 1
    assert await around.fetchval("SELECT count(*) FROM kept") == 0


async def test_what_only_read_is_let_alone(direct: tuple[str, asyncpg.Connection]) -> None:
    url, _ = direct
    async with before(url, unheard=1.0) as (proxy, through):
        connection = await asyncpg.connect(through)
        async with connection.transaction():
            assert await connection.fetchval("SELECT 7") == 7
        await connection.close()
        assert proxy.counts["commits"] == 0


async def test_the_commit_of_a_unit_of_work_is_lost_and_told_as_a_database_that_is_away(direct: tuple[str, asyncpg.Connection]) -> None:
    url, around = direct
    async with before(url, unheard=1.0) as (proxy, through):
        database = await Database.open(through.replace("postgresql://", "postgresql+asyncpg://"))
        await database.start()

        async def write() -> None:
            async with database.transaction(Scope()) as unit:
                await unit.driver.execute("INSERT INTO kept VALUES (1)")

        with pytest.raises(Exception) as lost:  # noqa: PT011 - which one is what is asked next
            await write()
        assert trouble_of(lost.value) is Trouble.AWAY
        assert proxy.counts["unheard"] == 1
        await database.close()
    assert await around.fetchval("SELECT count(*) FROM kept") == 1

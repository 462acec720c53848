"""SQL of the demo: its database is thrown away and made anew, so that every run begins with an empty town."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from but_gateway.db.embedded import asyncpg_dsn

DATABASE: Final = "demo"


async def renew_database(server_url: str) -> str:
    """Drops the demo's database where there is one, makes an empty one and gives its URL."""
    async with _connected(server_url) as connection:  # outside of a transaction: these statements allow none
        await connection.execute(f'DROP DATABASE IF EXISTS "{DATABASE}"')
        await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    return server_url.replace("@/postgres?", f"@/{DATABASE}?", 1)


async def keep_house(url: str) -> None:
    """Gathers statistics, as autovacuum does within a minute of every larger change: here a month lasts half a minute."""
    async with _connected(url) as connection:
        await connection.execute("ANALYZE")


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(asyncpg_dsn(url), timeout=10)
    try:
        yield connection
    finally:
        await connection.close(timeout=5)

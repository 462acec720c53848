"""SQL of the demo: its database is thrown away and made anew, so that every run begins with an empty town."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from but_gateway.db.embedded import asyncpg_dsn

DATABASE: Final = "demo"


async def is_in_use(server_url: str) -> bool:
    """Whether somebody is connected to the demo's database."""
    async with _connected(server_url) as connection:
        return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = $1)", DATABASE))


async def renew_database(server_url: str) -> str:
    """Drops the demo's database where there is one, makes an empty one and gives its URL."""
    async with _connected(server_url) as connection:  # outside of a transaction: these statements allow none
        await connection.execute(f'DROP DATABASE IF EXISTS "{DATABASE}"')
        await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    return server_url.replace("@/postgres?", f"@/{DATABASE}?", 1)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(asyncpg_dsn(url), timeout=10)
    try:
        yield connection
    finally:
        await connection.close(timeout=5)

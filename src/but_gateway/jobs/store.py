"""SQL of the worker: who leads, which towns there are."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from but_gateway.db.engine import Database
from but_gateway.db.tenancy import Scope
from but_gateway.identity.principal import Town

_RUNNING: Final = "SELECT id FROM grant_import WHERE municipality_id = $1 AND state = 'running' ORDER BY id"
_REDECIDING: Final = "SELECT id FROM redecision WHERE municipality_id = $1 AND state = 'running' ORDER BY id"
_LEADER: Final = 0x627574_10  # "but", worker


@asynccontextmanager
async def leadership(database: Database) -> AsyncIterator[bool]:
    """Whether this process leads while the block runs. The lock belongs to the session: it ends with the process, however that ends."""
    async with database.pool.acquire() as connection:
        leads: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LEADER)
        try:
            yield leads
        finally:
            if leads and not connection.is_closed():
                await connection.execute("SELECT pg_advisory_unlock($1)", _LEADER)


async def town_keys(database: Database) -> list[str]:
    """Keys of all towns of the instance."""
    async with database.pool.acquire() as connection:
        return [row[0] for row in await connection.fetch("SELECT key FROM municipality ORDER BY id")]


async def running_imports(database: Database, towns: Iterable[Town]) -> list[tuple[Town, UUID]]:
    """Large imports that are not done, town by town, oldest first."""
    return await _running(database, towns, _RUNNING)


async def running_redecisions(database: Database, towns: Iterable[Town]) -> list[tuple[Town, UUID]]:
    """Re-decisions that are not done, town by town, oldest first."""
    return await _running(database, towns, _REDECIDING)


async def _running(database: Database, towns: Iterable[Town], query: str) -> list[tuple[Town, UUID]]:
    """One transaction looks into all towns, one after the other."""
    found = []
    async with database.pool.acquire() as connection, connection.transaction():
        for town in towns:
            await connection.execute(Scope(town.id).statement())
            found += [(town, row[0]) for row in await connection.fetch(query, town.id)]
    return found

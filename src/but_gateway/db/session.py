"""Transactions: one request, one transaction; only this module commits."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from but_gateway.db.tenancy import Scope


@dataclass(slots=True)
class UnitOfWork:
    """An open transaction and whose rows it sees.

    ``at_end`` is done right before the commit, in its order, and not at all where nothing is kept: what takes locks that others wait for
    is best collected until then.
    """

    connection: AsyncConnection
    driver: asyncpg.Connection
    scope: Scope
    keep: bool = True
    locks: set[str] = field(default_factory=set)  # what it holds already and need not ask for again
    at_end: dict[object, Callable[["UnitOfWork"], Awaitable[None]]] = field(default_factory=dict)

    @property
    def municipality_id(self) -> UUID:
        """The town of this transaction. Refuses when it has none (LookupError)."""
        if self.scope.municipality_id is None:
            raise LookupError("this transaction belongs to no town")
        return self.scope.municipality_id

    async def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Runs a Core statement in this transaction."""
        return await self.connection.execute(statement, parameters)

    def discard(self) -> None:
        """Makes the transaction end without keeping anything: dry runs are the same code, rolled back."""
        self.keep = False

    async def narrow(self, provider_id: UUID | None) -> None:
        """From here on only this provider's rows are seen (None: all of the town's, which decisions about shared lunches need)."""
        if provider_id == self.scope.provider_id:
            return
        self.scope = replace(self.scope, provider_id=provider_id)
        await self.driver.execute(self.scope.statement())


class RolledBackError(Exception):
    """A transaction in which a statement had failed was to be committed: PostgreSQL rolled it back instead, and says so only in passing."""


@asynccontextmanager
async def transaction(engine: AsyncEngine, scope: Scope) -> AsyncIterator[UnitOfWork]:
    """A transaction in a scope: committed at the end of the block, rolled back when it raises or was discarded.

    SQLAlchemy opens none of its own (db/engine.py: AUTOCOMMIT).
    """
    async with engine.connect() as connection:
        driver = await _driver_of(connection)
        if driver.is_closed():  # the server ended it while it lay in the pool
            await connection.invalidate()
            driver = await _driver_of(connection)
        try:
            await begin(driver, scope)
            unit = UnitOfWork(connection, driver, scope)
            yield unit
            if unit.keep:
                for last in unit.at_end.values():
                    await last(unit)
                await commit(driver)
        finally:
            await _leave(connection, driver)


async def _driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None  # noqa: S101 - asyncpg's own connection always stands behind the dialect's
    return driver


async def begin(driver: asyncpg.Connection, scope: Scope) -> None:
    """Opens a transaction and says whose rows it sees, in one round trip."""
    await driver.execute(f"BEGIN; {scope.statement()}")


async def commit(driver: asyncpg.Connection) -> None:
    """Ends a transaction. Refuses when nothing was kept because a statement in it had failed (RolledBackError)."""
    if await driver.execute("COMMIT") != "COMMIT":
        raise RolledBackError


async def _leave(connection: AsyncConnection, driver: asyncpg.Connection) -> None:
    """Gives a connection back with nothing open; one that can't be brought to that is thrown away."""
    if driver.is_closed():
        await connection.invalidate()
    elif driver.is_in_transaction():
        try:
            await driver.execute("ROLLBACK")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError):
            await connection.invalidate()
        except BaseException:  # cancelled while it waits
            await connection.invalidate()
            raise

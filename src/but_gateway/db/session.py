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
        self.scope = replace(self.scope, provider_id=provider_id)
        await self.driver.execute(self.scope.statement())


@asynccontextmanager
async def transaction(engine: AsyncEngine, scope: Scope) -> AsyncIterator[UnitOfWork]:
    """A transaction in a scope: committed at the end of the block, rolled back when it raises or was discarded."""
    async with engine.connect() as connection:
        raw = await connection.get_raw_connection()
        driver = raw.driver_connection
        assert driver is not None  # noqa: S101 - asyncpg's own connection always stands behind the dialect's
        # SQLAlchemy opens its transaction with its first own statement; the scope must come right behind BEGIN.
        await connection.exec_driver_sql(_FIRST)
        await driver.execute(scope.statement())
        unit = UnitOfWork(connection, driver, scope)
        yield unit
        if unit.keep:
            for last in unit.at_end.values():
                await last(unit)
            await connection.commit()
        else:
            await connection.rollback()


_FIRST = "SELECT 1"

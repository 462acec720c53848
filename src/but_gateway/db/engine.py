"""Connections: a SQLAlchemy engine for everything, an asyncpg pool for the hottest look-ups; both as the app role."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

import asyncpg
from sqlalchemy import URL, QueuePool, make_url
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from but_gateway.db.session import begin, commit, transaction
from but_gateway.db.tenancy import APP_ROLE, Scope

POOL_SIZE = 8
# How many requests may wait for a connection, for each that the pool keeps. Whoever waits longer than that many others take gives up
# anyway; refused at once, a client knows when to come again, and what is being worked on is not slowed down by a crowd.
WAITING_PER_CONNECTION = 4


# Look-ups read few rows by whole keys, whatever the tables hold: an array of values first, then one table after the other by its key.
# One plan does for all of them, made once. Left to itself the planner weighs every call anew, which takes longer than a look-up; and in
# tables it has not met yet it takes a whole town for five rows and reads all of it for each value (docs/performance.md).
_LOOK_UPS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
}


@dataclass(slots=True)
class Database:
    """An open database. ``pool`` is for read paths that set their own scope in one round trip."""

    url: URL
    engine: AsyncEngine
    pool: asyncpg.Pool
    places: int = 2 * POOL_SIZE + WAITING_PER_CONNECTION * POOL_SIZE  # requests that work or wait
    _taken: int = 0

    @classmethod
    async def open(cls, url: str, *, pool_size: int = POOL_SIZE, role: str | None = APP_ROLE) -> "Database":
        """Opens a database as the app role. Connections are made when first needed, so a database that is away is no error here."""
        parsed = make_url(url)
        # Tables are joined in the order that a statement names them. Left to itself the planner takes tables that were filled a moment ago
        # (and batches that did not exist when it last looked) for empty, and begins at the wrong end: a first hand-over took minutes.
        # Its guesses of costs are wrong then, too; compiling a plan because of them would take longer than any statement here.
        settings = {
            "application_name": "but-gateway", "timezone": "UTC", "search_path": "public", "join_collapse_limit": "1", "jit": "off",
        }  # fmt: skip
        if role is not None:
            # As a start-up setting it is the session's default: RESET ALL goes back to it, not to the login role.
            settings["role"] = role
        engine = create_async_engine(
            parsed,
            isolation_level="AUTOCOMMIT",  # db/session.py begins and ends transactions itself
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=5,
            pool_pre_ping=False,
            connect_args={"server_settings": settings, "command_timeout": 120, "timeout": 5},
        )
        pool = asyncpg.create_pool(
            **connect_arguments(parsed),
            server_settings=settings | _LOOK_UPS,
            min_size=0,
            max_size=pool_size,
            timeout=5,
            command_timeout=30,
            reset=_leave,
        )
        # The engine may have twice its size open.
        return cls(parsed, engine, pool, (2 + WAITING_PER_CONNECTION) * pool_size)

    async def start(self) -> None:
        """Initialises the asyncpg pool (it makes no connection yet)."""
        await self.pool

    async def close(self) -> None:
        """Closes all connections."""
        await self.pool.close()
        await self.engine.dispose()

    def connections(self) -> int:
        """How many are open, of both pools."""
        queue = cast("QueuePool", self.engine.pool)
        look_ups: int = self.pool.get_size()
        return queue.checkedin() + queue.checkedout() + look_ups

    @property
    def is_crowded(self) -> bool:
        """Whether all places are taken."""
        return self._taken >= self.places

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place among the requests that work or wait for a connection. Refuses at once when all are taken (TimeoutError: busy)."""
        if self.is_crowded:
            raise PoolTimeoutError("too many requests wait for a connection")
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    def transaction(self, scope: Scope) -> Any:  # noqa: ANN401 - an async context manager of UnitOfWork
        """A transaction in a scope; see db/session.py."""
        return transaction(self.engine, scope)

    @asynccontextmanager
    async def short_transaction(self, scope: Scope) -> AsyncIterator[asyncpg.Connection]:
        """A transaction on a connection of the look-ups, for few statements. Whoever holds one of the engine's may open it."""
        driver: asyncpg.Connection
        async with self.pool.acquire() as driver:
            await begin(driver, scope)
            try:
                yield driver
            except BaseException:
                # Of a connection that was lost the server has forgotten everything; what went wrong must not be hidden by saying so.
                with suppress(asyncpg.InterfaceError, asyncpg.InternalClientError):
                    await driver.execute("ROLLBACK")
                raise
            await commit(driver)


async def _leave(connection: asyncpg.Connection) -> None:
    """What a connection goes through on its way back: nothing where nothing is open.

    Whoever borrows one sets its scope by SET LOCAL and gives back what it locked, so there is no state of the session to undo; asking
    for that anyway would be a second round trip for every look-up.
    """
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")


def connect_arguments(url: URL) -> dict[str, Any]:
    """The arguments asyncpg wants for a SQLAlchemy URL: host may stand in the query (a socket directory)."""
    query = dict(url.query)
    arguments: dict[str, Any] = {
        "host": query.get("host") or url.host,
        "port": int(str(query.get("port") or url.port or 5432)),
        "user": url.username,
        "database": url.database,
    }
    if url.password is not None:
        arguments["password"] = str(url.password)
    if "ssl" in query:
        arguments["ssl"] = query["ssl"]
    return arguments

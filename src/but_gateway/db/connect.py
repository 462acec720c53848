"""One connection for one command, without the weight of SQLAlchemy: what the command line opens dozens of times."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.db.tenancy import APP_ROLE

# What a store takes, for modules that hand it on and speak no SQL themselves.
Connection: TypeAlias = asyncpg.Connection


@asynccontextmanager
async def connect(url: str, *, role: str | None = APP_ROLE) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the app role, in one transaction that is kept when the block ends well."""
    settings = {"application_name": "but-gateway", "timezone": "UTC", "search_path": "public"}
    if role is not None:
        settings["role"] = role
    connection = await asyncpg.connect(asyncpg_dsn(url), server_settings=settings, timeout=10, command_timeout=60)
    try:
        async with connection.transaction():
            yield connection
    finally:
        await connection.close(timeout=5)


@asynccontextmanager
async def connect_to_read(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection as whoever the URL names, for checks that take as long as they take; transactions are the caller's."""
    settings = {"application_name": "but-gateway", "timezone": "UTC", "search_path": "public", "default_transaction_read_only": "on"}
    connection = await asyncpg.connect(asyncpg_dsn(url), server_settings=settings, timeout=10)
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


def is_schema_missing(error: BaseException) -> bool:
    """Whether a table or role was looked for that migrations make."""
    state = getattr(error, "sqlstate", None)
    return state in ("42P01", "42703", "22023", "42704") and ("does not exist" in str(error))

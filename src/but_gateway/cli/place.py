"""The database a command works on: the settings' one, or an embedded one that is started for as long as the command needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from but_gateway.cli.report import CommandError, Exit, tell
from but_gateway.settings import Settings, SettingsError, read_settings

if TYPE_CHECKING:  # the driver takes longer to load than help may
    from but_gateway.db.connect import Connection

_T = TypeVar("_T")


def settings_of_environment() -> Settings:
    """The settings. Refuses bad ones with exit code 3."""
    try:
        return read_settings()
    except SettingsError as error:
        raise CommandError(str(error)) from None


@contextmanager
def opened(settings: Settings) -> Iterator[Settings]:
    """The settings with the URL of a running server: an embedded one is started, and stopped again by whoever uses it last."""
    if not settings.embedded:
        yield settings
        return
    from but_gateway.db.embedded import EmbeddedPostgresError, open_embedded  # noqa: PLC0415 - help must not pay for it

    try:
        server = open_embedded(settings.database_url)
        url = server.start()
    except EmbeddedPostgresError as error:
        raise CommandError(str(error)) from None
    try:
        yield replace(settings, database_url=url)
    finally:
        server.stop()


def migrate(settings: Settings) -> None:
    """Brings the database of opened settings to the present schema."""
    from but_gateway.db.migrate import migrate as run  # noqa: PLC0415 - alembic takes a second to load
    from but_gateway.kit.clock import SystemClock  # noqa: PLC0415 - as above

    asyncio.run(run(settings.owner_database_url or settings.database_url, SystemClock().now()))


def run_in_transaction(work: Callable[[Connection, Settings], Awaitable[_T]]) -> _T:
    """Does a piece of work in one transaction as the app role. An embedded database that was never migrated is migrated first."""
    from but_gateway.db.connect import connect, is_schema_missing  # noqa: PLC0415 - help must not pay for the driver

    async def once(settings: Settings) -> _T:
        async with connect(settings.database_url) as connection:
            return await work(connection, settings)

    given = settings_of_environment()
    with opened(given) as settings:
        try:
            try:
                return asyncio.run(once(settings))
            except Exception as error:
                if not is_schema_missing(error):
                    raise
                if not given.embedded:
                    raise CommandError("The database is not migrated. Mend it with: but-gateway db migrate") from None
                tell("Preparing the database …")
                migrate(settings)
                return asyncio.run(once(settings))
        except OSError as error:
            text = f"The database does not answer ({type(error).__name__}). See what is wrong with: but-gateway doctor"
            raise CommandError(text, Exit.ENVIRONMENT) from None

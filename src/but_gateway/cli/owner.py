"""Work that only the owner of the tables may do: the app role can neither delete vouchers nor change what is only added to."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from but_gateway.cli.place import opened, settings_of_environment
from but_gateway.cli.report import CommandError, Exit
from but_gateway.settings import Settings

if TYPE_CHECKING:  # the driver takes longer to load than help may
    from contextlib import AbstractAsyncContextManager

    from but_gateway.db.connect import Connection
    from but_gateway.db.engine import Database
    from but_gateway.db.fields import MasterKey

_T = TypeVar("_T")
ACTOR = "but-gateway|operator"  # who the audit record names for what the command line does


@dataclass(frozen=True, slots=True)
class Office:
    """What a command of the owner works with."""

    settings: Settings
    database: Database  # as the role
    master_key: MasterKey
    url: str
    role: str

    def connect(self) -> AbstractAsyncContextManager[Connection]:
        """A connection as the role, in one transaction."""
        from but_gateway.db.connect import connect  # noqa: PLC0415 - help must not pay for it

        return connect(self.url, role=self.role)


def owner_url(settings: Settings) -> str:
    """The database for whoever may become the owner."""
    return settings.owner_database_url or settings.database_url


def run_as_owner(work: Callable[[Office], Awaitable[_T]]) -> _T:
    """Does a piece of work as the owner of the tables, on a database that is migrated and whose master key is at hand."""
    from but_gateway.db.tenancy import OWNER_ROLE  # noqa: PLC0415 - help must not pay for it

    with _saying_why(), opened(settings_of_environment()) as settings:
        return asyncio.run(_run(settings, owner_url(settings), OWNER_ROLE, work))


def run_as_app(work: Callable[[Office], Awaitable[_T]]) -> _T:
    """The same with no more rights than the service has: for what only reads and notes that it did."""
    from but_gateway.db.tenancy import APP_ROLE  # noqa: PLC0415 - help must not pay for it

    with _saying_why(), opened(settings_of_environment()) as settings:
        return asyncio.run(_run(settings, settings.database_url, APP_ROLE, work))


async def _run(settings: Settings, url: str, role: str, work: Callable[[Office], Awaitable[_T]]) -> _T:
    from but_gateway.db.fields import MasterKey, MasterKeyError  # noqa: PLC0415 - help must not pay for it

    load_tables()
    try:
        master_key = MasterKey.read(settings.master_key_file)
    except MasterKeyError as error:
        raise CommandError(str(error)) from None
    async with _open(url, role) as database:
        office = Office(settings, database, master_key, url, role)
        await _check_key(office)
        return await work(office)


async def _check_key(office: Office) -> None:
    from but_gateway.identity.keys import master_key_fits  # noqa: PLC0415 - help must not pay for it
    from but_gateway.kit.clock import SystemClock  # noqa: PLC0415 - as above

    async with office.connect() as connection:
        if not await master_key_fits(connection, office.master_key, SystemClock().now()):
            raise CommandError(f"{office.settings.master_key_file} is not the master key this database was set up with.")


@asynccontextmanager
async def _open(url: str, role: str) -> AsyncIterator[Database]:
    from but_gateway.db.engine import Database  # noqa: PLC0415 - help must not pay for it

    database = await Database.open(url, pool_size=2, role=role)
    try:
        await database.start()
        yield database
    finally:
        await database.close()


@contextmanager
def _saying_why() -> Iterator[None]:
    from but_gateway.db.connect import is_schema_missing  # noqa: PLC0415 - help must not pay for it

    try:
        yield
    except OSError as error:
        text = f"The database does not answer ({type(error).__name__}). See what is wrong with: but-gateway doctor"
        raise CommandError(text, Exit.ENVIRONMENT) from None
    except Exception as error:
        if is_schema_missing(error):
            raise CommandError("The database is not migrated. Mend it with: but-gateway db migrate") from None
        if getattr(error, "sqlstate", None) in {"42501", "28000"}:
            text = "This login may not become the owner of the tables. Name one that may in BUT_OWNER_DATABASE_URL."
            raise CommandError(text, Exit.ENVIRONMENT) from None
        raise


def load_tables() -> None:
    """Every room's tables register themselves in the metadata when imported."""
    package = importlib.import_module("but_gateway")
    for module in pkgutil.walk_packages(package.__path__, "but_gateway."):
        if module.name.endswith(".tables"):
            importlib.import_module(module.name)

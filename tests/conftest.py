"""What all tests share: no network, a PostgreSQL of their own, databases made from one migrated template."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import asyncpg
import hypothesis
import pytest
import pytest_socket

from but_gateway.db.embedded import EmbeddedPostgres, asyncpg_dsn
from but_gateway.kit.clock import SystemClock

TEMPLATE = "but_template"

hypothesis.settings.register_profile("suite", deadline=None, print_blob=True, derandomize=True, max_examples=100)
# Other examples every time, and many of them: HYPOTHESIS_PROFILE=search.
hypothesis.settings.register_profile("search", deadline=None, print_blob=True, max_examples=2_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def pytest_runtest_setup() -> None:
    """Nothing in a test leaves the machine: sockets of the file system and the loopback addresses only."""
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(scope="session")
def server_programs() -> Path | None:
    """The server programs the suite runs on: those of BUT_TEST_PG_BIN (``make test-pg15``), else the shipped ones."""
    named = os.environ.get("BUT_TEST_PG_BIN")
    return Path(named) if named else None


@pytest.fixture(scope="session")
def open_directory() -> Iterator[Path]:
    """A fresh directory with a short path that other users can pass; pytest's own are closed to the user PostgreSQL runs as under root."""
    directory = Path(tempfile.mkdtemp(prefix="but-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def embedded_postgres(server_programs: Path | None, open_directory: Path) -> Iterator[EmbeddedPostgres]:
    """The server of this test session (of this worker, when several run)."""
    server = EmbeddedPostgres(open_directory / "postgres", server_programs, open_directory / "state")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_url(embedded_postgres: EmbeddedPostgres) -> str:
    """The superuser's URL of the server."""
    return embedded_postgres.start()


@pytest.fixture(scope="session")
def template_url(postgres_url: str) -> str:
    """A database with all migrations; nobody may stay connected to it, for it is copied."""
    from but_gateway.db.migrate import migrate  # noqa: PLC0415 - tests without a database must not pay for alembic

    _administer(postgres_url, f'CREATE DATABASE "{TEMPLATE}"')
    url = database_of(postgres_url, TEMPLATE)
    _finish(migrate(url, SystemClock().now()))
    return url


@pytest.fixture(scope="session")
def new_database(postgres_url: str, template_url: str) -> Iterator[Callable[[], str]]:
    """Make a fresh migrated database and give its superuser URL; all of them go when the session ends."""
    made: list[str] = []

    def make() -> str:
        name = f"but_{uuid4().hex[:12]}"
        _administer(postgres_url, f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}" STRATEGY file_copy')
        made.append(name)
        return database_of(postgres_url, name)

    yield make
    for name in made:
        _administer(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')
    del template_url


@pytest.fixture(scope="module")
def database_url(new_database: Callable[[], str]) -> str:
    """A migrated database of this test module's own."""
    return new_database()


def database_of(server_url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return server_url.replace("@/postgres?", f"@/{name}?", 1)


def _administer(url: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(asyncpg_dsn(url))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    _finish(run())


def _finish(work: Coroutine[object, object, None]) -> None:
    """Run to the end, also where a loop is running already: in a thread with a loop of its own."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, work).result()

"""Dumping and restoring a database with PostgreSQL's own programs, and counting what is in it at the same moment.

The programs must be of the server's major version or newer to dump, and of the same to restore; they are looked for in the package of the
embedded server, in the search path and where Debian puts them.
"""

import asyncio
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
from sqlalchemy import make_url

from but_gateway.db.embedded import asyncpg_dsn, shipped_programs
from but_gateway.db.migrate import make_roles

_DEBIAN: Final = Path("/usr/lib/postgresql")
_MINUTES_MAX: Final = 24 * 60
_ERROR_LENGTH_MAX: Final = 500


class DumpError(Exception):
    """The database cannot be dumped or restored; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of the database that others can look at too, and what is in it then."""

    name: str
    revision: str | None
    server_major: int
    rows: dict[str, int]
    towns: list[str]


@contextlib.asynccontextmanager
async def snapshot(url: str) -> AsyncIterator[Snapshot]:
    """A moment, held while the block runs. Refuses a login that does not see all rows (DumpError)."""
    connection = await asyncpg.connect(asyncpg_dsn(url), server_settings=_SETTINGS, timeout=10)
    try:
        await _refuse_half_sight(connection)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            name = await connection.fetchval("SELECT pg_export_snapshot()")
            yield Snapshot(name, await _revision(connection), await _major(connection), await _count(connection), await _towns(connection))
    finally:
        await connection.close(timeout=5)


async def count_rows(url: str) -> dict[str, int]:
    """Rows of every table, over all towns."""
    connection = await asyncpg.connect(asyncpg_dsn(url), server_settings=_SETTINGS, timeout=10)
    try:
        await _refuse_half_sight(connection)
        return await _count(connection)
    finally:
        await connection.close(timeout=5)


async def refuse_filled(url: str) -> int:
    """The server's major version. Refuses a database that holds tables already (DumpError): restoring never overwrites."""
    connection = await asyncpg.connect(asyncpg_dsn(url), timeout=10)
    try:
        if await connection.fetchval("SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"):
            raise DumpError("The database is not empty. Restore into a new one.")
        return await _major(connection)
    finally:
        await connection.close(timeout=5)


async def dump(url: str, file: Path, moment: Snapshot) -> None:
    """Writes a moment of the database to a file. Refuses what pg_dump refuses (DumpError)."""
    program = _program("pg_dump", moment.server_major, newer=True)
    await _run(url, program, "--format=custom", "--no-password", f"--snapshot={moment.name}", "--lock-wait-timeout=60s", f"--file={file}")


async def restore(url: str, file: Path) -> None:
    """Reads a dump into an empty database, all of it or nothing. Refuses a filled one, and what pg_restore refuses (DumpError)."""
    major = await refuse_filled(url)
    program = _program("pg_restore", major, newer=False)
    await make_roles(url)
    await _run(url, program, "--exit-on-error", "--single-transaction", "--no-password", last=str(file))


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file of any size, in hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


_SETTINGS: Final = {"application_name": "but-gateway backup", "timezone": "UTC", "search_path": "public"}


async def _refuse_half_sight(connection: asyncpg.Connection) -> None:
    if not await connection.fetchval("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"):
        raise DumpError(
            "This login sees no rows past row-level security. Name a superuser, or one with BYPASSRLS and pg_read_all_data, in "
            "BUT_OWNER_DATABASE_URL."
        )


async def _major(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval("SELECT current_setting('server_version_num')::int")) // 10_000


async def _revision(connection: asyncpg.Connection) -> str | None:
    if await connection.fetchval("SELECT to_regclass('public.alembic_version')") is None:
        raise DumpError("The database is not migrated: there is nothing to back up.")
    found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    return found


async def _count(connection: asyncpg.Connection) -> dict[str, int]:
    """Partitions count with the table they belong to."""
    tables = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace "
        "ORDER BY 1"
    )
    return {row["relname"]: await connection.fetchval(f'SELECT count(*) FROM "{row["relname"]}"') for row in tables}  # noqa: S608 - names of the catalog


async def _towns(connection: asyncpg.Connection) -> list[str]:
    return [row["key"] for row in await connection.fetch("SELECT key FROM municipality ORDER BY key")]


def _program(name: str, major: int, *, newer: bool) -> Path:
    """A program of the server's version, or of a newer one where that is as good. Refuses when there is none (DumpError)."""
    places = [shipped_programs(), *sorted(_DEBIAN.glob("*/bin"), reverse=True)]
    found = [place / name for place in places if (place / name).exists()]
    if (in_path := shutil.which(name)) is not None:
        found.insert(0, Path(in_path))
    versions = {path: _version(path) for path in found}
    same = [path for path in found if versions[path] == major]
    later = [path for path in found if versions[path] > major]
    if same or (newer and later):
        return (same or later)[0]
    raise DumpError(f"{name} of PostgreSQL {major} is not installed on this machine. On Debian: apt install postgresql-client-{major}")


def _version(program: Path) -> int:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=10)  # noqa: S603 - found above
    except OSError:
        return 0
    number = re.search(r"(\d+)(\.|\s|$)", done.stdout)
    return int(number[1]) if number else 0


async def _run(url: str, program: Path, *options: str, last: str | None = None) -> None:
    parsed = make_url(url)
    query: dict[str, Any] = dict(parsed.query)
    names = {
        "PGHOST": query.get("host") or parsed.host,
        "PGPORT": query.get("port") or parsed.port,
        "PGUSER": parsed.username,
        "PGDATABASE": parsed.database,
        # By the environment and not by an argument, which every user of the machine could read.
        "PGPASSWORD": None if parsed.password is None else str(parsed.password),
    }
    environment = {**os.environ, **{name: str(value) for name, value in names.items() if value is not None}}
    target = (f"--dbname={parsed.database}",) if last is not None else ()
    process = await asyncio.create_subprocess_exec(
        program, *options, *target, *([last] if last is not None else []), env=environment,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await asyncio.wait_for(process.communicate(), _MINUTES_MAX * 60)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise
    if process.returncode:
        raise DumpError(f"{program.name} failed: {said.decode(errors='replace').strip()[-_ERROR_LENGTH_MAX:]}")

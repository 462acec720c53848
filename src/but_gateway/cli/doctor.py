"""``but-gateway doctor``: what is wrong, and the exact command that mends it."""

import asyncio
import importlib.util
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from but_gateway.cli.report import CommandError, Exit, say, say_json
from but_gateway.settings import Settings, SettingsError, read_settings

PYTHON_MIN, PYTHON_MAX = (3, 11), (3, 14)


class Finding(NamedTuple):
    """One thing that was looked at. ``mend`` is empty when it is well."""

    what: str
    state: str
    mend: str = ""


def doctor(
    port: Annotated[int, typer.Option(help="Port that serve shall listen on.", min=1, max=65535)] = 8080,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look at Python, settings, keys, database and port; exit code 1 when something has to be mended."""
    findings = list(_look(port))
    if as_json:
        say_json([finding._asdict() for finding in findings])
    else:
        for finding in findings:
            say(
                f"{'ok  ' if not finding.mend else 'MEND'} {finding.what}: {finding.state}"
                + (f"\n     {finding.mend}" if finding.mend else "")
            )
    if any(finding.mend for finding in findings):
        raise typer.Exit(Exit.FINDINGS)


def _look(port: int) -> Iterator[Finding]:
    version = sys.version_info[:2]
    suits = PYTHON_MIN <= version <= PYTHON_MAX
    yield Finding("Python", ".".join(map(str, version)), "" if suits else "Install Python 3.11 to 3.14, then: ./run setup")
    try:
        settings = read_settings()
    except SettingsError as error:
        yield Finding("Settings", "refused", str(error))
        return
    yield Finding("Settings", settings.environment)
    yield _viewer()
    yield from _oidc(settings)
    yield _master_key(settings)
    yield from _database(settings)
    yield _port(port)


def _viewer() -> Finding:
    there = importlib.util.find_spec("fastapi_offline") is not None
    return Finding("API docs", "packaged" if there else "the viewer is missing", "" if there else "./run setup")


def _oidc(settings: Settings) -> Iterator[Finding]:
    if settings.oidc_file is None:
        return
    from but_gateway.identity.oidc import OidcFileError, read_issuers  # noqa: PLC0415 - most instances have none

    try:
        yield Finding("OIDC issuers", f"{len(read_issuers(settings.oidc_file))} configured")
    except OidcFileError as error:
        yield Finding("OIDC issuers", "refused", str(error))


def _master_key(settings: Settings) -> Finding:
    from but_gateway.db.fields import MasterKey, MasterKeyError  # noqa: PLC0415 - help must not pay for it

    try:
        MasterKey.read(settings.master_key_file)
    except MasterKeyError as error:
        if settings.makes_keys and not settings.master_key_file.exists():
            return Finding("Master key", f"{settings.master_key_file} will be made by serve")
        return Finding("Master key", "missing or refused", str(error))
    return Finding("Master key", str(settings.master_key_file))


def _database(settings: Settings) -> Iterator[Finding]:
    from but_gateway.cli.place import opened  # noqa: PLC0415 - help must not pay for it

    where = settings.database_url if settings.embedded else "PostgreSQL of your own"
    if settings.embedded:
        folder = Path(settings.database_url.removeprefix("embedded:"))
        if not folder.exists():
            yield Finding("Database", f"{where} will be made by serve")
            return
    try:
        with opened(settings) as ready:
            faults = asyncio.run(_faults(ready))
    except CommandError as error:
        yield Finding("Database", where, str(error))
        return
    for fault, mend in faults:
        yield Finding("Database", fault, mend)
    if not faults:
        yield Finding("Database", f"{where}: reachable, migrated, durable")


async def _faults(settings: Settings) -> list[tuple[str, str]]:
    from but_gateway.db.connect import connect, is_schema_missing  # noqa: PLC0415 - help must not pay for the driver
    from but_gateway.db.fields import MasterKey  # noqa: PLC0415 - as above
    from but_gateway.db.readiness import faults_of, head_revision  # noqa: PLC0415 - as above
    from but_gateway.identity.keys import master_key_fits  # noqa: PLC0415 - as above
    from but_gateway.kit.clock import SystemClock  # noqa: PLC0415 - as above

    try:
        async with connect(settings.database_url) as connection:
            faults = [(fault, _mend(fault)) for fault in await faults_of(connection, head_revision())]
            if not faults and settings.master_key_file.exists():
                fits = await master_key_fits(connection, MasterKey.read(settings.master_key_file), SystemClock().now())
                mend = "Name the right file in BUT_MASTER_KEY_FILE, or restore it from its backup."
                faults = [] if fits else [("the master key is not the one this database was set up with", mend)]
            return faults
    except OSError as error:
        return [(f"does not answer ({type(error).__name__})", "Start PostgreSQL, or correct BUT_DATABASE_URL.")]
    except Exception as error:  # noqa: BLE001 - whatever the driver says is what the doctor reports
        if is_schema_missing(error):
            return [("is not migrated", "but-gateway db migrate")]
        return [(f"refuses this login ({type(error).__name__})", "Correct user and password in BUT_DATABASE_URL.")]


def _mend(fault: str) -> str:
    if "migrated" in fault or "revision" in fault:
        return "but-gateway db migrate"
    if " is off" in fault:
        return f"ALTER SYSTEM SET {fault.split(maxsplit=1)[0]} = on; SELECT pg_reload_conf();"
    if "too old" in fault:
        return "Name a PostgreSQL 15 or newer in BUT_DATABASE_URL."
    return "GRANT but_app TO the login of BUT_DATABASE_URL;"


def _port(port: int) -> Finding:
    with socket.socket() as probe:
        probe.settimeout(1)
        taken = probe.connect_ex(("127.0.0.1", port)) == 0
    return Finding(f"Port {port}", "taken" if taken else "free", f"but-gateway serve --port {port + 1}" if taken else "")

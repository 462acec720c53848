"""``but-gateway backup`` and ``restore``: a dump with a manifest, and its way back with every check there is."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from but_gateway.cli.owner import ACTOR, Office, load_tables, owner_url, run_as_owner
from but_gateway.cli.place import migrate, opened, settings_of_environment
from but_gateway.cli.report import CommandError, Exit, say, say_json, tell

if TYPE_CHECKING:  # help must not pay for it
    from collections.abc import Iterator, Mapping, Sequence

    from but_gateway.settings import Settings

DUMP: Final = "database.dump"
MANIFEST: Final = "manifest.json"
KEY: Final = "master.key"
ERASURES: Final = "erasures.json"
FORMAT: Final = 1
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def backup(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="New directory for the dump.")],
    *,
    keys: Annotated[
        Path | None, typer.Option("--keys", metavar="DIR", help="New directory, kept apart, for the master key and the list of erasures.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Back up the database while it works, with a manifest that restore checks. Keep the master key apart: without it nothing opens."""
    settings = settings_of_environment()
    _refuse_together(directory, keys)
    for one in filter(None, (directory, keys)):
        _make(one)
    with _saying_why(), opened(settings) as ready:
        manifest = asyncio.run(_dump(ready, directory))
    if keys is not None:
        _copy_key(settings.master_key_file, keys / KEY)
        erasures = run_as_owner(_erasures)
        _write(keys / ERASURES, json.dumps(erasures, indent=1))
    if as_json:
        say_json(manifest)
    else:
        say(f"{directory / DUMP}: {manifest['bytes']} bytes, {sum(manifest['rows'].values())} rows of {len(manifest['towns'])} towns")
    if keys is None:
        tell(f"Not in it: the master key ({settings.master_key_file}). Back it up too, at another place (--keys DIR).")


def restore(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Directory that backup made.")],
    *,
    keys: Annotated[
        Path | None, typer.Option("--keys", metavar="DIR", help="Directory with the master key and the list of erasures.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Restore a backup into an empty database, check all of it, and erase again who was erased since. Refuses a damaged backup."""
    settings = settings_of_environment()
    manifest = _read_manifest(directory)
    if keys is not None:
        _bring_key(keys / KEY, settings.master_key_file)
    _refuse_other_key(settings.master_key_file, manifest)
    with _saying_why(), opened(settings) as ready:
        asyncio.run(_bring_back(ready, directory, manifest))
        migrate(ready)
        load_tables()
        findings = _verify(ready)
    erased = {}
    if keys is not None and (keys / ERASURES).exists():
        listed = json.loads((keys / ERASURES).read_text("utf-8"))
        erased = run_as_owner(lambda office: _erase_again(office, listed))
    if as_json:
        say_json({"rows": manifest["rows"], "towns": manifest["towns"], "findings": findings, "erased_again": erased})
    else:
        say(f"{sum(manifest['rows'].values())} rows of {len(manifest['towns'])} municipalities restored and checked.")
        for child, state in erased.items():
            say(f"{child}: {state}")
        tell("Next: but-gateway retention --apply, so that nothing comes back whose time was over; then but-gateway doctor.")
    if findings:
        raise CommandError(f"What was restored is not sound: {'; '.join(findings)}. See: but-gateway verify --database", Exit.FINDINGS)


# ---- backing up
async def _dump(settings: Settings, directory: Path) -> dict[str, Any]:
    from but_gateway.db import dump  # noqa: PLC0415 - help must not pay for it
    from but_gateway.kit.clock import SystemClock  # noqa: PLC0415 - as above

    url, file = owner_url(settings), directory / DUMP
    async with dump.snapshot(url) as moment:
        await dump.dump(url, file, moment)
    file.chmod(0o600)
    manifest = {
        "format": FORMAT,
        "created_at": SystemClock().now().isoformat(timespec="seconds"),
        "revision": moment.revision,
        "postgresql": moment.server_major,
        "towns": moment.towns,
        "rows": moment.rows,
        "bytes": file.stat().st_size,
        "sha256": dump.sha256_of(file),
        "master_key": _fingerprint(settings.master_key_file),
    }
    # Last, so that a directory with a manifest is a whole backup.
    _write(directory / MANIFEST, json.dumps(manifest, indent=1))
    return manifest


def _fingerprint(path: Path) -> str:
    """What tells master keys apart and says nothing of them: they are random."""
    from but_gateway.db.fields import MasterKeyError, MasterKeyFile  # noqa: PLC0415 - help must not pay for it

    try:
        return _print_key(MasterKeyFile.read(path).current)
    except MasterKeyError as error:
        raise CommandError(str(error)) from None


def _print_key(key: bytes) -> str:
    return hashlib.sha256(b"but-gateway master key\n" + key).hexdigest()[:16]


async def _erasures(office: Office) -> list[dict[str, Any]]:
    from but_gateway.db.tenancy import Scope  # noqa: PLC0415 - help must not pay for it
    from but_gateway.procedures.privacy.store import read_erasures  # noqa: PLC0415 - as above
    from but_gateway.procedures.retention.partition_store import all_towns  # noqa: PLC0415 - as above

    found = []
    for key, town in await all_towns(office.database):
        async with office.database.transaction(Scope(town)) as unit:
            found += [{"municipality": key, "child": str(child), "erased": done} for child, done in await read_erasures(unit)]
    return found


# ---- restoring
def _read_manifest(directory: Path) -> dict[str, Any]:
    from but_gateway.db.dump import sha256_of  # noqa: PLC0415 - help must not pay for it

    try:
        manifest: dict[str, Any] = json.loads((directory / MANIFEST).read_text("utf-8"))
        missing = {"format", "rows", "towns", "bytes", "sha256", "master_key", "revision"} - set(manifest)
    except (OSError, ValueError, TypeError):
        raise CommandError(f"{directory} holds no backup: its {MANIFEST} is missing or damaged.", Exit.FINDINGS) from None
    if missing or manifest["format"] != FORMAT:
        raise CommandError(f"{directory / MANIFEST} is damaged or of another release.", Exit.FINDINGS)
    try:
        same = (directory / DUMP).stat().st_size == manifest["bytes"] and sha256_of(directory / DUMP) == manifest["sha256"]
    except OSError:
        same = False
    if not same:
        raise CommandError(f"{directory / DUMP} is not what its manifest says: the backup is damaged. Nothing was restored.", Exit.FINDINGS)
    return manifest


def _refuse_other_key(path: Path, manifest: dict[str, Any]) -> None:
    from but_gateway.db.fields import MasterKeyError, MasterKeyFile  # noqa: PLC0415 - help must not pay for it

    try:
        file = MasterKeyFile.read(path)
    except MasterKeyError as error:
        raise CommandError(str(error)) from None
    if manifest["master_key"] not in {_print_key(key) for key in (file.current, file.next, *file.old) if key}:
        raise CommandError(f"{path} is not the master key of this backup. Name the one of {manifest.get('created_at')} (--keys DIR).")


async def _bring_back(settings: Settings, directory: Path, manifest: dict[str, Any]) -> None:
    from but_gateway.db import dump  # noqa: PLC0415 - help must not pay for it

    url = owner_url(settings)
    await dump.restore(url, directory / DUMP)
    found = await dump.count_rows(url)
    wrong = sorted(table for table in found.keys() | manifest["rows"].keys() if found.get(table) != manifest["rows"].get(table))
    if wrong:
        raise CommandError(f"Not all rows came back: {', '.join(wrong)}.", Exit.FINDINGS)


def _verify(settings: Settings) -> list[str]:
    """Invariants, audit chain, stored facts and files."""
    from but_gateway.cli.verify_database import check  # noqa: PLC0415 - help must not pay for it

    report = asyncio.run(check(settings, None, ()))
    return [f"{one.code} {one.file} {one.place}".strip() for one in report.findings.kept if not one.note]


async def _erase_again(office: Office, listed: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Who was erased after the backup was made is in it again."""
    from but_gateway.db.tenancy import Scope  # noqa: PLC0415 - help must not pay for it
    from but_gateway.kit.clock import SystemClock, business_day  # noqa: PLC0415 - as above
    from but_gateway.procedures.privacy.erase_child import erase_child  # noqa: PLC0415 - as above
    from but_gateway.procedures.retention.partition_store import all_towns  # noqa: PLC0415 - as above

    towns, done = dict(await all_towns(office.database)), {}
    for one in listed:
        if one["municipality"] not in towns:
            continue
        now = SystemClock().now()
        today: date = business_day(now)
        async with office.database.transaction(Scope(towns[one["municipality"]])) as unit:
            erased = await erase_child(unit, UUID(one["child"]), at=now, today=today, actor=ACTOR, after_retention=True)
        if erased is not None:
            done[one["child"]] = "waits for the end of retention" if erased.reasons else "erased again"
    return done


# ---- files
def _refuse_together(directory: Path, keys: Path | None) -> None:
    if keys is not None:
        one, other = directory.resolve(), keys.resolve()
        if one == other or one in other.parents or other in one.parents:
            raise CommandError("The master key is not kept where the backup is: whoever finds both reads everything.", Exit.USAGE)


def _make(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise CommandError(f"{directory} is not empty: each backup has a directory of its own.", Exit.USAGE)
    except OSError as error:
        raise CommandError(f"{directory} cannot be made ({error.strerror}).") from None


def _copy_key(source: Path, target: Path) -> None:
    """Nobody else can read the copy, not even while it is written, and it is on disk when this returns."""
    _write(target, source.read_text("ascii").rstrip("\n"))


def _bring_key(source: Path, target: Path) -> None:
    if target.exists():
        return  # what is there is asked whether it fits
    if not source.exists():
        raise CommandError(f"There is no {source}.")
    target.parent.mkdir(parents=True, exist_ok=True)
    _copy_key(source, target)


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _saying_why() -> Iterator[None]:
    from but_gateway.db.dump import DumpError  # noqa: PLC0415 - help must not pay for it

    try:
        yield
    except DumpError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"The database does not answer ({type(error).__name__}). See what is wrong with: but-gateway doctor") from None

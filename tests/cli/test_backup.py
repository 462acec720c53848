"""The drill: a town is backed up, restored elsewhere, and everything about it is asked again. A damaged backup is refused."""

import json
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from but_gateway.audit.invariants import violations
from but_gateway.db.embedded import asyncpg_dsn
from tests.cli.test_commands import Shell
from tests.isolation.stage import build
from tests.procedures.adjudication.town import served


@pytest.fixture(scope="module")
async def filled(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A database with a settled town, and the folder of its master key."""
    url, folder = new_database(), tmp_path_factory.mktemp("filled")
    async with served(url, folder) as instance:
        await build(instance)
    return url, folder


def shell_of(folder: Path, url: str) -> Shell:
    return Shell(folder, BUT_DATABASE_URL=url, BUT_MASTER_KEY_FILE=str(folder / "master.key"))


@pytest.fixture(scope="module")
def backup(filled: tuple[str, Path]) -> Path:
    """A backup, with its keys apart."""
    url, folder = filled
    shell_of(folder, url).ok("backup", str(folder / "data"), "--keys", str(folder / "apart"))
    return folder / "data"


@pytest.fixture
async def empty_url(postgres_url: str) -> AsyncIterator[str]:
    """A database with nothing in it."""
    name = f"empty_{uuid4().hex[:12]}"
    await administer(postgres_url, f'CREATE DATABASE "{name}" TEMPLATE template0')
    yield postgres_url.replace("@/postgres?", f"@/{name}?", 1)
    await administer(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')


async def administer(url: str, statement: str) -> None:
    connection = await asyncpg.connect(asyncpg_dsn(url))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def content_of(url: str) -> dict[str, int]:
    connection = await asyncpg.connect(asyncpg_dsn(url))
    try:
        assert await violations(connection) == {}
        tables = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
        )
        return {row[0]: await connection.fetchval(f'SELECT count(*) FROM "{row[0]}"') for row in tables}  # noqa: S608 - names of the catalog
    finally:
        await connection.close()


def test_a_backup_says_what_is_in_it_and_holds_no_key(filled: tuple[str, Path], backup: Path) -> None:
    manifest = json.loads((backup / "manifest.json").read_text("utf-8"))
    assert manifest["rows"]["position"] > 3
    assert len(manifest["towns"]) == 2
    key = (filled[1] / "master.key").read_text("ascii").strip()
    for file in backup.iterdir():
        assert key.encode() not in file.read_bytes()
        assert bytes.fromhex(key) not in file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0
    assert (backup.parent / "apart" / "master.key").read_text("ascii").strip() == key


async def test_what_was_restored_is_what_was_there(filled: tuple[str, Path], backup: Path, empty_url: str, tmp_path: Path) -> None:
    shell = shell_of(tmp_path, empty_url)
    told = json.loads(shell.ok("restore", str(backup), "--keys", str(backup.parent / "apart"), "--json"))
    assert told["findings"] == []
    before, after = await content_of(filled[0]), await content_of(empty_url)
    assert after == before
    assert (tmp_path / "master.key").exists()
    told = json.loads(shell.ok("subject-access", told["towns"][0], "A", "--json"))
    assert told["sections"][0]["rows"][0]["family_name"] == "Müller-Öztürk"
    assert json.loads(shell.ok("verify", "--database", "--json"))["ok"] is True
    # Only an empty database is restored into.
    refused = shell.run("restore", str(backup))
    assert refused.returncode == 3
    assert "not empty" in refused.stderr


def test_backups_lie_alone_and_apart_from_their_keys(filled: tuple[str, Path], backup: Path, tmp_path: Path) -> None:
    shell = shell_of(filled[1], filled[0])
    assert shell.run("backup", str(tmp_path / "one"), "--keys", str(tmp_path / "one" / "keys")).returncode == 2
    assert shell.run("backup", str(tmp_path / "one"), "--keys", str(tmp_path / "one")).returncode == 2
    assert shell.run("backup", str(backup)).returncode == 2


@pytest.mark.parametrize("damage", ["a byte", "cut short", "no dump", "no manifest", "a torn manifest", "another manifest"])
def test_a_damaged_backup_is_refused_before_anything_is_restored(backup: Path, tmp_path: Path, damage: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(backup, copy)
    dump, manifest = copy / "database.dump", copy / "manifest.json"
    match damage:
        case "a byte":
            content = bytearray(dump.read_bytes())
            content[len(content) // 2] ^= 1
            dump.write_bytes(content)
        case "cut short":
            dump.write_bytes(dump.read_bytes()[:-1])
        case "no dump":
            dump.unlink()
        case "no manifest":
            manifest.unlink()
        case "a torn manifest":
            manifest.write_text(manifest.read_text("utf-8")[:-20])
        case _:
            manifest.write_text(json.dumps({"format": 1}))
    shutil.copy(backup.parent / "apart" / "master.key", tmp_path / "master.key")
    refused = shell_of(tmp_path, "postgresql://nobody@127.0.0.1:1/nowhere").run("restore", str(copy))
    assert refused.returncode == 1, refused.stderr
    assert "damaged" in refused.stderr


def test_a_backup_of_another_master_key_is_refused(backup: Path, tmp_path: Path) -> None:
    key = tmp_path / "master.key"
    key.write_text("ab" * 32)
    key.chmod(0o600)
    refused = shell_of(tmp_path, "postgresql://nobody@127.0.0.1:1/nowhere").run("restore", str(backup))
    assert refused.returncode == 3
    assert "not the master key of this backup" in refused.stderr


async def test_who_was_erased_since_is_erased_from_the_restored_backup_too(
    empty_url: str, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    url, folder = new_database(), tmp_path / "live"
    folder.mkdir()
    async with served(url, folder) as instance:
        stage = await build(instance)
        await stage.town.grant("F")
        await stage.town.grant("F", revocation={"effective_from": "2026-09-01", "notified_on": "2026-09-02"})
    shell = shell_of(folder, url)
    shell.ok("backup", str(tmp_path / "data"))
    shell.ok("child", "erase", stage.town.key, "F")
    refused = shell.run("child", "erase", stage.town.key, "A")
    assert refused.returncode == 4
    assert "läuft noch" in refused.stderr
    shell.ok("backup", str(tmp_path / "later"), "--keys", str(tmp_path / "apart"))
    (tmp_path / "new").mkdir()
    again = shell_of(tmp_path / "new", empty_url)
    told = json.loads(again.ok("restore", str(tmp_path / "data"), "--keys", str(tmp_path / "apart"), "--json"))
    assert list(told["erased_again"].values()) == ["erased again"]
    assert again.run("subject-access", stage.town.key, "F").returncode == 4

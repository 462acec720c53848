"""Retention, keys and rights as operators call them: what they print, refuse and leave behind."""

import json
from pathlib import Path

import asyncpg
import pytest

from but_gateway.db.embedded import asyncpg_dsn
from tests.cli.test_commands import Shell


@pytest.fixture(scope="module")
def shell(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    made = Shell(tmp_path_factory.mktemp("upkeep"), BUT_DATABASE_URL=database_url)
    made.ok("municipality", "add", "krefeld", "--name", "Stadt Krefeld", "--ags", "05114000", "--state", "NW", "--sandbox")
    return made


def test_retention_reports_and_deletes_nothing_where_nothing_is_due(shell: Shell) -> None:
    assert json.loads(shell.ok("retention", "--json")) == {"applied": False, "rows": [], "held": [], "dropped": []}
    assert "nichts" in shell.ok("retention", "--apply", "--municipality", "krefeld")
    assert shell.run("retention", "--municipality", "nowhere").returncode == 4


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("krefeld", "2024", "2025-06-30"), 0), (("krefeld", "2024", "2025-09-30"), 0), (("krefeld", "2024", "2024-12-31"), 2),
     (("krefeld", "2024", "2999-01-01"), 2), (("krefeld", "2024", "soon"), 2), (("nowhere", "2024", "2025-06-30"), 4)],
)  # fmt: skip
async def test_the_adoption_of_accounts_is_recorded_and_may_be_corrected(
    shell: Shell, database_url: str, arguments: tuple[str, ...], code: int
) -> None:
    assert shell.run("municipality", "accounts-adopted", *arguments).returncode == code
    connection = await asyncpg.connect(asyncpg_dsn(database_url))
    rows = await connection.fetch("SELECT adopted_on FROM accounts_adoption")
    await connection.close()
    assert [str(row["adopted_on"]) for row in rows] == [arguments[2] if code == 0 else "2025-09-30"]


def test_keys_change_one_after_the_other(shell: Shell) -> None:
    key = shell.folder / "var" / "keys" / "master.key"
    before = key.read_text("ascii").strip()
    shell.ok("key", "rotate-wrapping", "--prepare")
    assert key.read_text("ascii").startswith(f"{before}\nnext ")
    assert shell.run("key", "forget-wrapping").returncode == 4
    assert json.loads(shell.ok("key", "rotate-wrapping", "--json"))["wrapped"] >= 1
    assert key.read_text("ascii").strip().endswith(f"old {before}")
    assert json.loads(shell.ok("key", "forget-wrapping", "--json"))["forgotten"] == 1
    assert before not in key.read_text("ascii")
    shell.ok("municipality", "add", "moers", "--name", "Stadt Moers", "--ags", "05170024", "--state", "NW", "--sandbox")
    rotated = json.loads(shell.ok("key", "rotate-data", "krefeld", "--notice", "0", "--json"))
    assert rotated == {"municipality": "krefeld", "number": 2, "rows": {}}
    refused = shell.run("key", "forget-data", "krefeld")
    assert (refused.returncode, "for a day" in refused.stderr) == (4, True)
    assert json.loads(shell.ok("key", "forget-data", "moers", "--json"))["forgotten"] == 0
    rotated = json.loads(shell.ok("key", "rotate-index", "krefeld", "--notice", "0", "--json"))
    assert rotated == {"municipality": "krefeld", "number": 2, "rows": {}}
    refused = shell.run("key", "forget-index", "krefeld")
    assert (refused.returncode, "for a day" in refused.stderr) == (4, True)
    assert json.loads(shell.ok("key", "forget-index", "moers", "--json"))["forgotten"] == 0
    assert "0 hashes made" in shell.ok("key", "rotate-index", "krefeld", "--notice", "0")
    assert "0 older index keys" in shell.ok("key", "forget-index", "moers")
    assert shell.run("key", "rotate-index", "nowhere").returncode == 4
    shell.ok("key", "rotate")
    shell.ok("key", "rotate-wrapping")


def test_a_child_that_is_not_there_is_named(shell: Shell) -> None:
    for arguments in (("subject-access", "krefeld", "A"), ("child", "erase", "krefeld", "A"), ("subject-access", "nowhere", "A")):
        refused = shell.run(*arguments)
        assert refused.returncode == 4
        assert "There is no" in refused.stderr


def test_a_strange_master_key_is_refused_before_anything_is_done(shell: Shell, tmp_path: Path) -> None:
    key = tmp_path / "other.key"
    key.write_text("cd" * 32)
    key.chmod(0o600)
    other = Shell(shell.folder, **(shell.environment | {"BUT_MASTER_KEY_FILE": str(key)}))
    shell.ok("key", "rotate")
    assert other.run("key", "rotate-data", "krefeld").returncode == 3
    assert other.run("retention", "--apply").returncode == 3

"""``but-gateway verify``: exit codes, the two languages, JSON, and the database with its chain."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from but_gateway.audit.chain import GENESIS
from but_gateway.audit.checkpoint import latest_checkpoints
from but_gateway.cli.report import CommandError
from but_gateway.cli.root import app
from but_gateway.cli.verify_database import _reader
from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.db.fields import MasterKey
from but_gateway.identity.principal import Role
from but_gateway.procedures.verification.check_database import DatabaseReport, UnknownTownError, check_database
from but_gateway.procedures.verification.texts import TEXTS
from but_gateway.settings import Settings
from tests.audit.conftest import Archive, open_archive
from tests.registers.office import open_office

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("verify")


@pytest.fixture(scope="module")
async def archive(new_database: Callable[[], str], folder: Path) -> AsyncIterator[Archive]:
    """A sealed town with a handed-over batch."""
    url = new_database()
    async with open_office(url, folder) as office:
        archive = await open_archive(office, url)
        await archive.seal()
        yield archive


@pytest.fixture
async def superuser(archive: Archive) -> AsyncIterator[asyncpg.Connection]:
    """Somebody who may do everything; a test takes back what it does."""
    connection = await asyncpg.connect(asyncpg_dsn(archive.url))
    yield connection
    await connection.close()


async def checked(archive: Archive, folder: Path, *kept: str, town: str | None = None) -> DatabaseReport:
    """The database, checked on a connection of its own."""
    settings = Settings(database_url=archive.url, master_key_file=folder / "master.key")
    async with archive.sealing.database.pool.acquire() as connection:
        read_token = await _reader(connection, settings)
    connection = await asyncpg.connect(asyncpg_dsn(archive.url))
    try:
        return await check_database(connection, town, read_token, kept, master_key=MasterKey.read(settings.master_key_file))
    finally:
        await connection.close()


# ---- the command
def run(*arguments: str) -> tuple[int, str]:
    """Exit code and output; a refusal's code is that of its error, which the entry point turns into one."""
    result = CliRunner().invoke(app, ["verify", *arguments])
    error = result.exception
    return (int(error.code) if isinstance(error, CommandError) else result.exit_code), result.output


@pytest.mark.parametrize("arguments", [(), ("x", "--database"), ("x", "--municipality", "m"), ("x", "--language", "fr"), ("nowhere",)])
def test_what_cannot_be_meant_is_usage(arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2


def write_manifest(folder: Path) -> Path:
    document: Any = {
        "batch": "2026-0001", "municipality": "krefeld", "created_at": "2026-11-02T10:00:00.000Z",
        "totals": {"gross": "10.00", "receipts": "0.00", "net": "10.01"}, "files": [],
    }  # fmt: skip
    path = folder / "BuT-krefeld_2026-11_Lauf-2026-0001_manifest.json"
    path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    return folder


def test_findings_are_told_with_their_place_in_both_languages_and_as_json(tmp_path: Path) -> None:
    package = str(write_manifest(tmp_path))
    code, german = run(package)
    assert code == 1
    assert "FEHLER [sum_wrong] manifest.json totals: Summe stimmt nicht mit ihren Teilen überein" in german
    assert german.endswith("Abweichungen\n")
    code, english = run(package, "--language", "en")
    assert "FAULT [sum_wrong] manifest.json totals: a sum is not that of its parts" in english
    code, text = run(package, "--json")
    told = json.loads(text)
    assert (code, told["ok"], told["batch"], told["counts"]["sum_wrong"]) == (1, False, "2026-0001", 1)
    assert {"code": "sum_wrong", "kind": "violation", "file": "manifest.json", "place": "totals"}.items() <= told["findings"][0].items()


def test_every_finding_has_its_line_in_the_document() -> None:
    table = [line.split("|")[1].strip() for line in (DOCS / "verify.md").read_text("utf-8").splitlines() if line.startswith("| `")]
    assert table == [f"`{code}`" for code in TEXTS]


# ---- the database
async def test_a_sound_database_is_told_to_hold(archive: Archive, folder: Path) -> None:
    report = await checked(archive, folder)
    assert report.findings.violations == 0, report.findings.kept
    assert (report.towns, report.checkpoints) == (1, 1)
    assert report.rows > 10
    assert report.files >= 4


async def test_without_the_master_key_files_stay_unchecked_and_it_says_so(superuser: asyncpg.Connection) -> None:
    report = await check_database(superuser, None, None)
    assert (report.findings.violations, report.files) == (0, 0), report.findings.kept
    assert {"files_unchecked", "signatures_unchecked"} <= report.findings.counts.keys()


async def test_a_town_that_is_not_there_is_said_so(archive: Archive, folder: Path) -> None:
    with pytest.raises(UnknownTownError):
        await checked(archive, folder, town="nowhere")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE posting SET cents = cents + 1 WHERE kind = 'settlement'", "row_changed"),
        ("UPDATE payment SET net = net + 1, gross = gross + 1", "invariant"),
        ("UPDATE package_part SET sealed_content = set_byte(sealed_content, 40, 255 - get_byte(sealed_content, 40))", "file_changed"),
        ("UPDATE package_part SET content = 'x', sealed_content = NULL, bytes = NULL WHERE part = 0", "file_changed"),
        ("UPDATE municipality SET data_key = sha256(data_key)", "file_changed"),
        ("UPDATE audit_checkpoint SET head = sha256(head)", "checkpoint_contradicts"),
        (
            "INSERT INTO fact_part SELECT municipality_id, decode('00112233445566778899aabbccddeeff', 'hex'), '{}' FROM audit_head",
            "part_changed",
        ),
    ],
)
async def test_what_a_superuser_changed_is_found(
    archive: Archive, superuser: asyncpg.Connection, folder: Path, change: str, code: str
) -> None:
    tables = ["municipality", "posting", "payment", "package_part", "audit_checkpoint", "fact_part"]
    for table in tables:
        await superuser.execute(f"CREATE TEMP TABLE kept_{table} AS SELECT * FROM {table}")  # noqa: S608 - our own names
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute(change)
    try:
        assert code in (await checked(archive, folder)).findings.counts
    finally:
        for table in tables:
            await superuser.execute(f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table}")  # noqa: S608 - our own names
    assert (await checked(archive, folder)).findings.violations == 0


async def test_a_kept_checkpoint_proves_what_was_rewritten(archive: Archive, superuser: asyncpg.Connection, folder: Path) -> None:
    async with archive.billing.unit() as unit:
        (kept,) = await latest_checkpoints(unit, 1)
    assert (await checked(archive, folder, kept.token)).findings.violations == 0
    forged = kept.token[:-4] + "AAAA"
    assert "checkpoint_signature" in (await checked(archive, folder, forged)).findings.counts
    before = await superuser.fetchval("SELECT hash FROM audit_seal WHERE number = $1", kept.length)
    await superuser.execute("UPDATE audit_seal SET hash = $2 WHERE number = $1", kept.length, GENESIS)
    assert "checkpoint_contradicts" in (await checked(archive, folder, kept.token)).findings.counts
    await superuser.execute("UPDATE audit_seal SET hash = $2 WHERE number = $1", kept.length, before)


# ---- over HTTP
async def test_the_auditor_reads_the_chain_and_the_events_it_seals(archive: Archive) -> None:
    office, town = archive.treasury.office, archive.treasury.town
    auditor = await office.staff(town, Role.AUDITOR)
    chain = (await auditor.get("/audit-chain")).json()
    assert chain["verified"] is True
    assert (chain["faults"], len(chain["checkpoints"])) == ([], 1)
    assert chain["checkpoints"][0]["head"] == chain["head"]
    events: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = (await auditor.get(f"/audit-events?limit=2{cursor and f'&cursor={cursor}'}")).json()
        events += answer["items"]
        cursor = answer["next_cursor"]
    assert [event["id"] for event in events] == sorted(event["id"] for event in events)
    batch = next(event for event in events if event["action"] == "settlement.hand_over")
    wanted = f"/audit-events?object_type=settlement_batch&object_id={batch['object']['id']}&action=settlement.hand_over"
    assert (await auditor.get(wanted)).json()["items"] == [batch]
    day = batch["at"][:10]
    assert batch in (await auditor.get(f"/audit-events?from={day}&to={day}&actor={batch['actor']}")).json()["items"]
    assert (await auditor.get("/audit-events?to=2019-01-01")).json()["items"] == []


async def test_only_auditors_read_it(archive: Archive) -> None:
    clerk = await archive.treasury.office.staff(archive.treasury.town, Role.CLERK, Role.FINANCE)
    assert [(await clerk.get(path)).status_code for path in ("/audit-chain", "/audit-events")] == [403, 403]

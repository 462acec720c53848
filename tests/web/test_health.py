"""Alive, ready, and what happens when the database goes away."""

from pathlib import Path

import pytest

from but_gateway.db.connect import connect
from but_gateway.db.embedded import EmbeddedPostgres
from but_gateway.db.migrate import migrate
from but_gateway.db.readiness import head_revision, migrations_folder
from but_gateway.identity.principal import Role
from but_gateway.kit.clock import SystemClock
from tests.factories.instance import running


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the master key that belongs to the module's database."""
    return tmp_path_factory.mktemp("keys")


async def test_with_its_database_the_service_is_ready(database_url: str, keys: Path) -> None:
    async with running(database_url, keys) as made:
        for path in ("live", "ready"):
            answer = await made.http.get(f"/health/{path}")
            assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_without_a_database_it_starts_answers_and_is_not_ready(tmp_path: Path) -> None:
    async with running("postgresql+asyncpg://nobody@127.0.0.1:1/nothing", tmp_path) as made:
        assert (await made.http.get("/health/live")).status_code == 200
        answer = await made.http.get("/health/ready")
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
        assert answer.headers["content-type"] == "application/problem+json"
        token = await made.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=("a", "b"))
        assert (token.status_code, token.json()["code"]) == (503, "unavailable")
        assert int(token.headers["retry-after"]) > 0
        guarded = await made.http.get("/v1/municipalities", headers={"Authorization": "Bearer a.b.c"})
        assert guarded.status_code == 401


HEAD_AGAIN = f"UPDATE alembic_version SET version_num = '{head_revision()}'"  # noqa: S608 - a revision of ours


async def execute(url: str, statement: str) -> None:
    async with connect(url, role=None) as connection:
        await connection.execute(statement.replace("{name}", await connection.fetchval("SELECT quote_ident(current_database())")))


@pytest.mark.parametrize(
    ("broken", "mended", "fault"),
    [
        ("ALTER TABLE alembic_version RENAME TO other", "ALTER TABLE other RENAME TO alembic_version", "the database is not migrated"),
        (
            "UPDATE alembic_version SET version_num = '0000'",
            HEAD_AGAIN,
            "stands at revision 0000",
        ),
        (
            "ALTER DATABASE {name} SET synchronous_commit = off",
            "ALTER DATABASE {name} RESET synchronous_commit",
            "synchronous_commit is off",
        ),
        (
            "ALTER DATABASE {name} SET synchronous_commit = local",
            "ALTER DATABASE {name} RESET synchronous_commit",
            "synchronous_commit is off",
        ),
    ],
)
async def test_a_database_that_cannot_be_trusted_is_not_ready(database_url: str, keys: Path, broken: str, mended: str, fault: str) -> None:
    await execute(database_url, broken)
    try:
        async with running(database_url, keys) as made:
            answer = await made.http.get("/health/ready")
    finally:
        await execute(database_url, mended)
    assert answer.status_code == 503
    assert fault in answer.json()["errors"][0]["detail"]


async def test_the_service_comes_back_with_its_database(tmp_path: Path, open_directory: Path, server_programs: Path | None) -> None:
    server = EmbeddedPostgres(open_directory / "leaving", server_programs, open_directory / "state-leaving")
    url = server.start()
    await migrate(url, SystemClock().now())
    async with running(url, tmp_path) as made:
        headers = await made.bearer(Role.OPERATOR)
        await made.town("krefeld")
        registrar = await made.bearer(Role.REGISTRAR, town="krefeld")
        address = "/v1/municipalities/krefeld/settings"
        assert (await made.http.get(address, headers=registrar)).status_code == 200
        server.stop()
        assert (await made.http.get("/health/ready")).status_code == 503
        for _ in range(3):
            away = await made.http.get(address, headers=registrar)
            assert (away.status_code, away.json()["code"]) == (503, "unavailable")
        assert (await made.http.get("/v1/nothing", headers=headers)).status_code == 404
        server.start()
        assert (await made.http.get("/health/ready")).status_code == 200
        assert {(await made.http.get(address, headers=registrar)).status_code for _ in range(3)} == {200}
    server.stop()


def test_the_newest_migration_is_known_without_running_any() -> None:
    newest = max((migrations_folder() / "versions").glob("*.py"))
    assert f'revision = "{head_revision()}"' in newest.read_text("utf-8")

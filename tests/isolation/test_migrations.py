"""The schema goes down and up again on a populated database, and is what the tables in code say."""

import ast
import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.db.migrate import alembic_config, migrate
from but_gateway.db.readiness import migrations_folder
from but_gateway.db.tenancy import OWNER_ROLE
from but_gateway.kit.clock import SystemClock
from tests.isolation.stage import build
from tests.procedures.adjudication.lines import lunch
from tests.procedures.adjudication.town import open_town, served

SHAPE = """
    SELECT 'column', table_name, column_name, data_type || is_nullable || coalesce(column_default, '') FROM information_schema.columns
    WHERE table_schema = 'public'
    UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'policy', tablename, policyname, permissive || cmd || qual || with_check FROM pg_policies
    UNION ALL SELECT 'rights', relname, relacl::text, relrowsecurity::text || relforcerowsecurity FROM pg_class
    WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
    ORDER BY 1, 2, 3, 4
"""


async def shape_of(url: str) -> list[tuple[str, ...]]:
    """Columns, constraints, indexes, policies and rights."""
    connection = await asyncpg.connect(asyncpg_dsn(url))
    try:
        return [tuple(row) for row in await connection.fetch(SHAPE)]
    finally:
        await connection.close()


async def run(url: str, *commands: Callable[[Connection], None]) -> None:
    """Alembic as the owner."""
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.exec_driver_sql(f"SET ROLE {OWNER_ROLE}")
            await connection.commit()
            for one in commands:
                await connection.run_sync(one)
    finally:
        await engine.dispose()


def check(connection: Connection) -> None:
    """Fails where tables in code and database differ."""
    command.check(alembic_config(connection))


def down(connection: Connection) -> None:
    """Back to nothing."""
    command.downgrade(alembic_config(connection), "base")


async def test_the_schema_is_what_the_tables_say(new_database: Callable[[], str]) -> None:
    await run(new_database(), check)


async def test_a_populated_database_goes_down_and_up_again(new_database: Callable[[], str], tmp_path: Path) -> None:
    url = new_database()
    async with served(url, tmp_path) as instance:
        await build(instance)
    before = await shape_of(url)
    assert len(before) > 1000
    await run(url, down)
    left = {row[1] for row in await shape_of(url)} - {"alembic_version"}
    assert left == set()
    await migrate(url, SystemClock().now())
    assert await shape_of(url) == before
    await run(url, check)


async def test_while_a_newer_release_migrates_this_one_goes_on_working(new_database: Callable[[], str], tmp_path: Path) -> None:
    url = new_database()
    later = ["ALTER TABLE {table} ADD COLUMN added text", "ALTER TABLE {table} ADD COLUMN counted int NOT NULL DEFAULT 0"]
    async with served(url, tmp_path) as instance:
        town = await open_town(instance)
        await town.grant("A")
        answers: list[int] = []

        async def bill(days: list[str]) -> None:
            for day in days:
                answers.append((await town.send("c1", lunch("A", day))).status_code)
                answers.append((await instance.http.get("/health/ready")).status_code)

        await town.send("c1", lunch("A", "2026-10-01"))
        billing = asyncio.create_task(bill([f"2026-10-{day:02d}" for day in (5, 6, 7, 8, 9, 12, 13, 14, 15, 16)]))
        owner = await asyncpg.connect(asyncpg_dsn(url))
        await owner.execute(f"SET ROLE {OWNER_ROLE}; SET lock_timeout = '10s'")
        for table in ("invoice", "invoice_line", "position", "decision", "position_state", "posting", "audit_event", "payment"):
            for statement in later:
                await owner.execute(statement.format(table=table))
        await owner.execute("UPDATE alembic_version SET version_num = '9999'")
        await owner.close()
        await billing
        assert set(answers) == {200, 201}
        assert (await instance.http.get("/health/ready")).status_code == 200
        await town.settle()
        await town.assert_sound()


def test_what_comes_after_the_first_schema_only_adds() -> None:
    """Processes of the release before work on while the new schema is there already."""
    for path in sorted((migrations_folder() / "versions").glob("*.py"))[1:]:
        upgrade = next(n for n in ast.parse(path.read_text("utf-8")).body if isinstance(n, ast.FunctionDef) and n.name == "upgrade")
        text = ast.unparse(upgrade)
        taken = re.findall(r"op\.drop_(?:table|column)|op\.rename_table|RENAME |DROP (?:TABLE|COLUMN)|SET NOT NULL|new_column_name", text)
        assert taken == [], f"{path.name} takes away what the release before needs"
        for column in re.findall(r"op\.add_column\(.*?\)\)", text):
            assert "nullable=True" in column or "server_default" in column, f"{path.name}: the release before does not fill {column}"


async def test_migrating_again_changes_nothing(new_database: Callable[[], str]) -> None:
    url = new_database()
    before = await shape_of(url)
    await migrate(url, SystemClock().now())
    assert await shape_of(url) == before


async def test_a_check_that_differs_is_told(new_database: Callable[[], str]) -> None:
    url = new_database()
    connection = await asyncpg.connect(asyncpg_dsn(url))
    await connection.execute("ALTER TABLE notice ADD COLUMN surprise int")
    await connection.close()
    with pytest.raises(Exception, match="surprise"):
        await run(url, check)

"""The database's own catalog says that towns cannot mix, and the app role can do no more than it should, whatever the code does."""

import importlib
import pkgutil
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import CheckConstraint

import but_gateway
from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.db.schema import metadata
from but_gateway.db.tenancy import APP_ROLE, OWNER_ROLE, Scope
from but_gateway.kit.ids import first_id_at
from tests.factories.instance import Instance
from tests.isolation.stage import build

# Tenant tables that name a provider and yet show all of the town's rows to a provider's transaction, each with its reason.
SHOWN_TO_ALL: Final = {
    "agreement": "the register is read by key; my/* asks for the caller's own",
    "bank_account": "read by staff, and by the comparison of an invoice's IBAN",
    "carried_forward": "settlement: never read for a provider",
    "family_payment": "a family may have paid anybody; decisions must know",
    "grant_version": "a notice may name a provider; decisions must know whom",
    "lunch_month_slot": "one lunch per child and day, whoever bills it",
    "lunch_slot": "one lunch per child and day, whoever bills it",
    "number_freeze": "counted and asked by the guard alone",
    "payment": "settlement: for a provider only the day of payment of its own remittances",
    "posting": "the ledger: budgets are sums over everybody's postings",
    "review": "read by clerks",
    "used_proof": "a proof is used once, whoever uses it",
}
for module in pkgutil.walk_packages(but_gateway.__path__, "but_gateway."):
    if module.name.endswith(".tables"):
        importlib.import_module(module.name)
TENANT: Final = sorted(name for name, table in metadata.tables.items() if table.info["tenant"])
# Columns whose names say that they hold something private. Others that would are found by the canaries.
PRIVATE_WORDS: Final = ("family_name", "given_names", "date_of_birth", "iban", "holder", "tax_number", "private_key", "data_key", "secret")
NOTICE: Final = (
    "INSERT INTO notice (municipality_id, id, kind, at, subject_type, subject_id, text, state) "
    "VALUES ('{}', '{}', 'x', now(), 'x', 'x', 'x', 'open')"
)


@pytest.fixture(scope="module")
async def superuser(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(asyncpg_dsn(database_url))
    yield connection
    await connection.close()


@pytest.fixture
async def app(isolation_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A session of the app role itself, which cannot take another role, on a populated database."""
    connection = await asyncpg.connect(asyncpg_dsn(isolation_url))
    await connection.execute(f"SET SESSION AUTHORIZATION {APP_ROLE}")
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


@pytest.fixture(scope="module")
async def towns(instance: Instance) -> tuple[UUID, UUID]:
    """The ids of a populated town and of another one, in the database of ``app``."""
    stage = await build(instance)
    connection = await asyncpg.connect(asyncpg_dsn(instance.database_url))
    found = [await connection.fetchval("SELECT id FROM municipality WHERE key = $1", town.key) for town in (stage.town, stage.other)]
    await connection.close()
    return found[0], found[1]


async def enter(connection: asyncpg.Connection, town: UUID | None, provider: UUID | None = None) -> None:
    await connection.execute(Scope(town, provider).statement())


async def refuses(connection: asyncpg.Connection, statement: str) -> bool:
    """Whether a statement is refused for want of a privilege; what was done before stays."""
    try:
        async with connection.transaction():
            await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return True
    return False


# ---- the shape of the tables
def test_every_table_says_whether_it_belongs_to_a_town() -> None:
    assert len(TENANT) >= 35
    assert {name for name, table in metadata.tables.items() if "municipality_id" in table.c} - set(TENANT) == {
        "account_town",
        "client",
        "town_key",
    }


async def test_every_key_and_index_of_a_towns_table_begins_with_the_town(superuser: asyncpg.Connection) -> None:
    rows = await superuser.fetch(
        """SELECT t.relname AS table, i.relname AS index, x.indisprimary, a.attname AS first
           FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
           LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
           WHERE t.relnamespace = 'public'::regnamespace"""
    )
    ours = [row for row in rows if is_tenant(row["table"])]
    assert [(row["table"], row["index"]) for row in ours if row["first"] != "municipality_id"] == []
    assert {row["table"] for row in ours if row["indisprimary"]} >= set(TENANT)


def is_tenant(name: str) -> bool:
    """Whether a table, or the table it is a part of, belongs to towns."""
    return name in TENANT or any(name.startswith((f"{one}_m2", f"{one}_rest")) for one in TENANT)


async def test_every_foreign_key_stays_in_its_town(superuser: asyncpg.Connection) -> None:
    rows = await superuser.fetch(
        """SELECT c.conname, s.relname AS source, t.relname AS target,
             (SELECT array_agg(a.attname::text ORDER BY o) FROM unnest(c.conkey) WITH ORDINALITY k(n, o)
              JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n) AS "from",
             (SELECT array_agg(a.attname::text ORDER BY o) FROM unnest(c.confkey) WITH ORDINALITY k(n, o)
              JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n) AS "to"
           FROM pg_constraint c JOIN pg_class s ON s.oid = c.conrelid JOIN pg_class t ON t.oid = c.confrelid WHERE c.contype = 'f'"""
    )
    inside = [row for row in rows if is_tenant(row["source"]) and is_tenant(row["target"])]
    assert len(inside) > 30
    assert [row["conname"] for row in inside if (row["from"][0], row["to"][0]) != ("municipality_id", "municipality_id")] == []
    assert [row["conname"] for row in rows if is_tenant(row["target"]) and not is_tenant(row["source"])] == []
    crossing = {(row["source"], row["target"]) for row in rows if is_tenant(row["source"]) and not is_tenant(row["target"])}
    assert crossing <= {("provider", "account")}


async def test_every_check_of_the_tables_stands_in_the_database(superuser: asyncpg.Connection) -> None:
    rows = await superuser.fetch(
        "SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND convalidated"
    )
    declared = {
        str(check.name)
        for table in metadata.tables.values()
        for check in (*table.constraints, *(one for column in table.columns for one in column.constraints))
        if isinstance(check, CheckConstraint)
    }
    assert len(declared) > 50
    assert declared - {row["conname"] for row in rows} == set()


async def test_there_are_no_triggers_sequences_or_exclusion_constraints(superuser: asyncpg.Connection) -> None:
    assert await superuser.fetch("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal") == []
    assert await superuser.fetch("SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace") == []
    assert await superuser.fetch("SELECT conname FROM pg_constraint WHERE contype = 'x'") == []
    assert await superuser.fetch("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace") == []
    assert await superuser.fetch("SELECT relname FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace") == []


async def test_the_planner_keeps_no_statistics_of_towns(superuser: asyncpg.Connection) -> None:
    rows = await superuser.fetch(
        "SELECT attrelid::regclass::text AS table, attstattarget AS target FROM pg_attribute JOIN pg_class c ON c.oid = attrelid "
        "WHERE attname = 'municipality_id' AND relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    )
    ours = {row["table"]: row["target"] for row in rows if is_tenant(row["table"].strip('"'))}
    assert len(ours) > len(TENANT) + 30  # partitions too
    assert {table for table, target in ours.items() if target != 0} == set()


async def test_private_columns_are_sealed(superuser: asyncpg.Connection) -> None:
    rows = await superuser.fetch("SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'")
    private = [row for row in rows if any(word in row["column_name"] for word in PRIVATE_WORDS)]
    assert len(private) >= 12
    assert [(row["table_name"], row["column_name"]) for row in private if row["data_type"] not in {"bytea", "boolean"}] == []
    bound = {(t.name, c.name, c.info["sealed_row"], c.info["sealed_beside"]) for t in metadata.tables.values() for c in t.c if c.info}
    assert ("package_part", "sealed_content", "batch_id", ("name", "part")) in bound
    beside = {(table, column) for table, column, *rest in bound if rest[1]}
    assert beside == {("package_part", "sealed_content")}, "seal() with the id alone must not be used for these"


# ---- policies
async def test_every_towns_table_is_held_by_its_policies(superuser: asyncpg.Connection) -> None:
    tables = await superuser.fetch("SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relkind IN ('r', 'p')")
    secured = {row["relname"] for row in tables if row["relrowsecurity"] and row["relforcerowsecurity"]}
    assert secured == {*TENANT, "idempotency_record"}
    rows = await superuser.fetch("SELECT * FROM pg_policies")
    policies = {(row["tablename"], row["policyname"]): row for row in rows}
    town = "(municipality_id = (NULLIF(current_setting('but.municipality'::text, true), ''::text))::uuid)"
    for name in TENANT:
        policy = policies[name, "town"]
        assert (policy["permissive"], policy["cmd"], policy["roles"]) == ("PERMISSIVE", "ALL", ["public"])
        assert policy["qual"] == policy["with_check"] == town
    scoped = {name for name in TENANT if metadata.tables[name].info.get("provider_scoped")}
    for name in scoped:
        policy = policies[name, "provider"]
        assert (policy["permissive"], policy["cmd"]) == ("RESTRICTIVE", "ALL")
        assert "provider_id = " in policy["qual"]
        assert policy["qual"] == policy["with_check"]
    answers = {("idempotency_record", "client"), ("idempotency_record", "upkeep")}
    assert set(policies) == {(n, "town") for n in TENANT} | {(n, "provider") for n in scoped} | answers
    # Answers belong to clients, not to towns: deleting old ones and changing keys is the owner's, whom the app role cannot become.
    assert policies["idempotency_record", "upkeep"]["roles"] == [OWNER_ROLE]
    naming = {name for name in TENANT if "provider_id" in metadata.tables[name].c}
    assert naming - scoped == set(SHOWN_TO_ALL)


async def test_without_a_town_no_row_is_seen(app: asyncpg.Connection, towns: tuple[UUID, UUID]) -> None:
    filled = 0
    for name in TENANT:
        await enter(app, towns[0])
        filled += await app.fetchval(f'SELECT count(*) > 0 FROM "{name}"')  # noqa: S608 - our own table names
        await enter(app, None)
        assert await app.fetchval(f'SELECT count(*) FROM "{name}"') == 0, name  # noqa: S608 - our own table names
        await enter(app, towns[1])
        assert await app.fetchval(f'SELECT count(*) FROM "{name}" WHERE municipality_id = $1', towns[0]) == 0, name  # noqa: S608 - as above
    assert filled > 28
    fresh = await app.fetchval("SELECT current_setting('but.nothing', true)")
    assert fresh is None


async def test_no_row_can_be_written_into_another_town_or_moved_there(app: asyncpg.Connection, towns: tuple[UUID, UUID]) -> None:
    await enter(app, towns[1])
    assert await refuses(app, NOTICE.format(towns[0], uuid4()))
    await app.execute(NOTICE.format(towns[1], uuid4()))
    assert await refuses(app, f"UPDATE notice SET municipality_id = '{towns[0]}'")  # noqa: S608 - ids of our own
    assert await app.execute(f"UPDATE provider SET name = 'x' WHERE municipality_id = '{towns[0]}'") == "UPDATE 0"  # noqa: S608 - ids of our own
    assert await app.execute(f"DELETE FROM lunch_slot WHERE municipality_id = '{towns[0]}'") == "DELETE 0"  # noqa: S608 - ids of our own
    await enter(app, None)
    assert await refuses(app, NOTICE.format(towns[1], uuid4()))


async def test_a_provider_sees_and_writes_its_own_rows_only(app: asyncpg.Connection, towns: tuple[UUID, UUID]) -> None:
    await enter(app, towns[0])
    providers = dict(await app.fetch("SELECT key, id FROM provider"))
    for name in TENANT:
        if metadata.tables[name].info.get("provider_scoped"):
            await enter(app, towns[0], providers["c1"])
            seen = await app.fetch(f'SELECT DISTINCT provider_id FROM "{name}"')  # noqa: S608 - our own table names
            assert {row["provider_id"] for row in seen} <= {providers["c1"]}, name
    await enter(app, towns[0], providers["c1"])
    link = "INSERT INTO provider_link SELECT municipality_id, '{}', entitlement_id, {} FROM provider_link LIMIT 1"
    rest = ", ".join(
        c.name for c in metadata.tables["provider_link"].c if c.name not in {"municipality_id", "provider_id", "entitlement_id"}
    )
    assert await app.fetchval("SELECT count(*) FROM provider_link") > 0
    assert await refuses(app, f"UPDATE provider_link SET provider_id = '{providers['c2']}'")  # noqa: S608 - ids of our own
    assert await refuses(app, link.format(providers["c2"], rest))
    assert await app.execute(f"UPDATE position_state SET approved = 0 WHERE provider_id = '{providers['c2']}'") == "UPDATE 0"  # noqa: S608 - ids of our own


# ---- the app role
async def test_the_app_role_owns_nothing_and_passes_no_policy(superuser: asyncpg.Connection) -> None:
    for role in (APP_ROLE, OWNER_ROLE):
        row = await superuser.fetchrow("SELECT * FROM pg_roles WHERE rolname = $1", role)
        assert not any(
            row[right] for right in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolcanlogin", "rolreplication")
        )
    owners = await superuser.fetch(
        "SELECT DISTINCT pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    )
    assert [row["owner"] for row in owners] == [OWNER_ROLE]
    member = "SELECT pg_has_role($1, $2, 'MEMBER')"
    assert not await superuser.fetchval(member, APP_ROLE, OWNER_ROLE)


async def test_the_app_role_has_exactly_its_rights(superuser: asyncpg.Connection) -> None:
    rows = await superuser.fetch(
        """SELECT c.relname, array_agg(a.privilege_type::text) AS rights
           FROM pg_class c, aclexplode(c.relacl) a WHERE a.grantee = $1::regrole AND c.relkind IN ('r', 'p') GROUP BY 1""",
        APP_ROLE,
    )
    rights = {row["relname"]: set(row["rights"]) for row in rows}
    assert rights.pop("alembic_version") == {"SELECT"}
    expected = {
        name: {"SELECT", "INSERT"}
        | (set() if table.info.get("append_only") else {"UPDATE"})
        | ({"DELETE"} if table.info.get("deletable") else set())
        for name, table in metadata.tables.items()
    }
    assert rights == expected  # none on partitions: whoever could name one would pass its parent's policies
    everybody = "SELECT count(*) FROM pg_class c, aclexplode(c.relacl) a WHERE a.grantee = 0 AND relnamespace = 'public'::regnamespace"
    assert await superuser.fetchval(everybody) == 0
    columns = (
        "SELECT count(*) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid "
        "WHERE attacl IS NOT NULL AND c.relnamespace = 'public'::regnamespace"
    )
    assert await superuser.fetchval(columns) == 0


async def test_what_is_written_for_ever_cannot_be_changed_by_sql(app: asyncpg.Connection, towns: tuple[UUID, UUID]) -> None:
    await enter(app, towns[0])
    tried = 0
    for name, table in sorted(metadata.tables.items()):
        column = list(table.c)[-1].name
        if table.info.get("append_only"):
            assert await refuses(app, f'UPDATE "{name}" SET "{column}" = "{column}"'), name  # noqa: S608 - our own names
            tried += 1
        if not table.info.get("deletable"):
            assert await refuses(app, f'DELETE FROM "{name}"'), name  # noqa: S608 - our own names
            tried += 1
        assert await refuses(app, f'TRUNCATE "{name}"'), name
    assert tried > 45


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE decision DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE decision NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY town ON decision",
        "CREATE POLICY all_of_it ON decision USING (true)",
        "DROP TABLE decision",
        "ALTER TABLE audit_event ADD COLUMN x int",
        "CREATE TABLE mine (x int)",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE ROLE mine",
        "ALTER ROLE but_app BYPASSRLS",
        "SET ROLE but_owner",
        "SET LOCAL session_replication_role = replica",
        "SELECT * FROM decision_rest",
        "SELECT * FROM pg_authid",
        "COPY decision TO '/dev/null'",
        "COPY municipality TO PROGRAM 'true'",
        "SELECT pg_read_file('PG_VERSION')",
    ],
)
async def test_the_app_role_cannot_help_itself(app: asyncpg.Connection, towns: tuple[UUID, UUID], statement: str) -> None:
    await enter(app, towns[0])
    assert await refuses(app, statement)


async def test_turning_row_security_off_shows_nothing(app: asyncpg.Connection, towns: tuple[UUID, UUID]) -> None:
    await enter(app, towns[0])
    await app.execute("SET LOCAL row_security = off")
    assert await refuses(app, "SELECT * FROM child")


# ---- partitions
@pytest.mark.parametrize("year", [1999, 2031, 2099])
async def test_the_default_partition_catches_other_months(app: asyncpg.Connection, towns: tuple[UUID, UUID], year: int) -> None:
    await enter(app, towns[0])
    identity = first_id_at((year - 1970) * 31_556_952_000)
    await app.execute(
        "INSERT INTO access_log (municipality_id, id, at, client_id, provider_id, benefit, first_day, last_day, confirmed, cause) "
        "SELECT $1, $2, now(), 'x', id, 'lunch', now(), now(), false, 'x' FROM provider LIMIT 1",
        towns[0],
        identity,
    )
    where = "SELECT tableoid::regclass::text FROM access_log WHERE id = $1"
    assert await app.fetchval(where, identity) == "access_log_rest"


async def test_every_partitioned_table_has_its_months_and_a_rest(superuser: asyncpg.Connection) -> None:
    for name, table in metadata.tables.items():
        if table.info.get("partitioned"):
            rows = await superuser.fetch("SELECT inhrelid::regclass::text AS part FROM pg_inherits WHERE inhparent = $1::regclass", name)
            parts = {row["part"] for row in rows}
            assert f"{name}_rest" in parts
            assert len(parts) == 14, "this month, twelve ahead, the rest"

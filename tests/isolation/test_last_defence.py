"""What the database itself refuses when everything before it fails: a second lunch, a second number, a budget overdrawn.

Locks and look-ups come first and give the better answer; these keys and checks stand behind them.
"""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import Index, PrimaryKeyConstraint, UniqueConstraint

from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.db.schema import metadata
from but_gateway.db.tenancy import APP_ROLE, Scope
from but_gateway.kit.ids import new_id
from tests.factories.instance import Instance
from tests.isolation.stage import build

# What there may be once, and what differs in the second row that tries: all else is copied.
ONCE: Final = {
    "a lunch of a child's day, whoever bills it": ("lunch_slot", ("position_id", "provider_id")),
    "a lunch of a child's month, whoever bills it": ("lunch_month_slot", ("position_id", "provider_id")),
    "an invoice's number of a provider": ("invoice", ("id",)),
    "a line's number in its invoice": ("invoice_line", ("id",)),
    "the state of a position, which names its one batch": ("position_state", ()),
    "a proof of a provider": ("used_proof", ("position_id",)),
    "an open review of a position": ("review", ("id",)),
    "an entitlement number": ("entitlement_number", ("entitlement_id",)),
    "a batch's number in its year": ("settlement_batch", ("id",)),
    "a payment's reference at the bank": ("payment", ("id",)),
    "a payment's order for one legal basis, benefit and year": ("payment_order", ("id",)),
    "a position in an order": ("order_item", ()),
}


@pytest.fixture(scope="module")
async def town_id(instance: Instance) -> UUID:
    """A town with one of everything."""
    stage = await build(instance)
    connection = await asyncpg.connect(asyncpg_dsn(instance.database_url))
    found: UUID = await connection.fetchval("SELECT id FROM municipality WHERE key = $1", stage.town.key)
    await connection.close()
    return found


@pytest.fixture
async def compromised(isolation_url: str, town_id: UUID) -> AsyncIterator[asyncpg.Connection]:
    """A session of the app role in the town that does what no code of ours would do; nothing of it stays."""
    connection = await asyncpg.connect(asyncpg_dsn(isolation_url))
    await connection.execute(f"SET SESSION AUTHORIZATION {APP_ROLE}")
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(Scope(town_id).statement())
    yield connection
    await transaction.rollback()
    await connection.close()


@pytest.mark.parametrize("what", ONCE)
async def test_there_is_only_one(compromised: asyncpg.Connection, what: str) -> None:
    name, fresh = ONCE[what]
    if name == "lunch_month_slot":
        await compromised.execute(
            "INSERT INTO lunch_month_slot (municipality_id, child_id, month, position_id, provider_id, state) "
            "SELECT municipality_id, child_id, date_trunc('month', day), position_id, provider_id, state FROM lunch_slot LIMIT 1"
        )
    if name == "used_proof":
        await compromised.execute(
            "INSERT INTO used_proof SELECT municipality_id, provider_id, 'SN-1', position_id FROM position_state LIMIT 1"
        )
    rows = f"{name} WHERE state <> 'resolved'" if name == "review" else name
    columns = [column.name for column in metadata.tables[name].c]
    values = [f"'{new_id()}'::uuid" if column in fresh else column for column in columns]
    copied = f"INSERT INTO {name} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {rows} LIMIT 1"  # noqa: S608 - our own names
    assert await compromised.fetchval(f"SELECT count(*) > 0 FROM {rows}"), "nothing to copy"  # noqa: S608 - as above
    with pytest.raises(asyncpg.UniqueViolationError):
        await compromised.execute(copied)


@pytest.mark.parametrize(
    "overdrawn",
    ["budget_limit = used + reserved - 1", "used = coalesce(budget_limit, 0) + 1, budget_limit = 0", "used = -1", "reserved = -1"],
)
async def test_no_budget_is_overdrawn(compromised: asyncpg.Connection, overdrawn: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await compromised.execute(f"UPDATE entitlement_grant SET {overdrawn}")  # noqa: S608 - written above


async def test_only_what_is_payable_lies_in_a_batch(compromised: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await compromised.execute("UPDATE position_state SET outcome = 'rejected', approved = 0 WHERE batch_id IS NOT NULL")


async def test_every_key_of_the_tables_stands_in_the_database(compromised: asyncpg.Connection) -> None:
    """Tables and migrations are written apart: a key that stands only in the tables would hold nothing."""
    rows = await compromised.fetch(
        """SELECT t.relname AS table, x.indpred IS NOT NULL AS partial,
             (SELECT array_agg(a.attname::text ORDER BY o) FROM unnest(x.indkey::int[]) WITH ORDINALITY k(n, o)
              JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.n) AS columns
           FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid WHERE x.indisunique AND t.relnamespace = 'public'::regnamespace"""
    )
    there = {(row["table"], tuple(row["columns"]), row["partial"]) for row in rows if row["columns"]}
    declared = {
        (
            table.name,
            tuple(column.name for column in key.columns),
            isinstance(key, Index) and key.dialect_options["postgresql"]["where"] is not None,
        )
        for table in metadata.tables.values()
        for key in (*table.constraints, *table.indexes)
        if isinstance(key, PrimaryKeyConstraint | UniqueConstraint) or (isinstance(key, Index) and key.unique)
    }
    declared = {one for one in declared if one[1]}
    assert len(declared) > 60
    assert declared - there == set()

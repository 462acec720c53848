"""SQL of months: which partitions there are, whether anybody's rows are in them, and how one is dropped."""

import re
from datetime import date
from typing import Final
from uuid import UUID

from but_gateway.db.engine import Database
from but_gateway.db.session import UnitOfWork
from but_gateway.db.tenancy import Scope

_NAME: Final = re.compile(r"_m(\d{4})_(\d\d)")
# Dropping takes the table's lock for a moment, and whoever comes meanwhile waits behind us: so give up soon and try again.
LOCK_SECONDS: Final = 1


async def months_of(database: Database, table: str) -> dict[date, str]:
    """The month partitions of a table: first day and name."""
    async with database.transaction(Scope()) as unit:
        rows = await unit.driver.fetch(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::text::regclass", table
        )
    found = {}
    for row in rows:
        if match := _NAME.fullmatch(row["relname"].removeprefix(table)):
            found[date(int(match[1]), int(match[2]), 1)] = row["relname"]
    return dict(sorted(found.items()))


async def all_towns(database: Database) -> list[tuple[str, UUID]]:
    """Key and id of every town of the instance."""
    async with database.transaction(Scope()) as unit:
        return [(row["key"], row["id"]) for row in await unit.driver.fetch("SELECT key, id FROM municipality ORDER BY key")]


async def is_empty(database: Database, table: str, low: UUID, high: UUID) -> bool:
    """Whether no town has rows between two ids. The owner is held by row-level security like everybody: each town is asked."""
    for _, town in await all_towns(database):
        async with database.transaction(Scope(town)) as unit:
            if await unit.driver.fetchval(
                f"SELECT EXISTS (SELECT FROM {table} WHERE municipality_id = $1 AND id >= $2 AND id < $3)",  # noqa: S608 - our own names
                town, low, high,
            ):  # fmt: skip
                return False
    return True


async def drop_month(unit: UnitOfWork, partition: str) -> bool:
    """Drops a month's partition; False when its lock was not to be had soon. In a transaction of its own."""
    await unit.driver.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
    try:
        await unit.driver.execute(f'DROP TABLE "{partition}"')
    except Exception as error:
        if getattr(error, "sqlstate", None) != "55P03":  # lock_not_available
            raise
        unit.discard()
        return False
    return True

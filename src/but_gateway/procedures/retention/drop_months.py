"""Drops month partitions whose time is over for every town: of the access log with what is in them, of others when they are empty."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import date, datetime
from typing import Final

from but_gateway.db.engine import Database
from but_gateway.db.tenancy import Scope
from but_gateway.procedures.retention import partition_store, short_store, store
from but_gateway.procedures.retention.catalogue import BY_RULE
from but_gateway.procedures.retention.model import Deleted, Place, Run, bound_of, counted, months_before

RULE: Final = "checks_confirmed"
EMPTIED: Final = ("decision", "position")  # vouchers: deleted by town, dropped when the last town's are gone
ATTEMPTS: Final = 5
ROWS_AT_ONCE: Final = 5_000


async def drop_months(database: Database, now: datetime, *, actor: str, dry: bool) -> AsyncGenerator[tuple[str | None, Deleted], None]:
    """Yields what is deleted of which town, and (without a town, as a count of 1) each partition that is dropped.

    What a month holds of each town is counted before it is dropped; who is killed in between counts a month that is there once more.
    """
    limit = months_before(now.date(), BY_RULE[RULE].months or 0)
    towns = await partition_store.all_towns(database)
    for first, partition in (await partition_store.months_of(database, "access_log")).items():
        if first >= limit:
            break
        low, high = bound_of(first), bound_of(months_before(first, -1))
        for key, town in towns:
            run = Run(database, town, now, actor, dry)
            async with run.whole(), run.transaction() as unit:
                rows = await short_store.count_checks(unit, low, high)
                deleted = await store.note(unit, run, RULE, {Place("access_log", first): rows} if rows else {})
            yield key, deleted
        if dry or await _drop(database, partition):
            yield None, Deleted(RULE, {Place(partition, first): 1})
    for key, town in towns:  # rows of months without a partition
        run = Run(database, town, now, actor, dry)
        more = not dry
        while more:
            async with run.transaction() as unit:
                ids = await short_store.delete_stray_checks(unit, bound_of(limit), ROWS_AT_ONCE)
                deleted = await store.note(unit, run, RULE, counted("access_log", ids))
            yield key, deleted
            more = len(ids) == ROWS_AT_ONCE
    async for dropped in _drop_empty(database, now.date(), dry=dry):
        yield None, dropped


async def _drop_empty(database: Database, today: date, *, dry: bool) -> AsyncGenerator[Deleted, None]:
    year_ago = months_before(today, 12)
    for table in EMPTIED:
        for first, partition in (await partition_store.months_of(database, table)).items():
            if first >= year_ago:
                break
            low, high = bound_of(first), bound_of(months_before(first, -1))
            if await partition_store.is_empty(database, table, low, high) and (dry or await _drop(database, partition)):
                yield Deleted("vouchers", {Place(partition, first): 1})


async def _drop(database: Database, partition: str) -> bool:
    for _ in range(ATTEMPTS):
        async with database.transaction(Scope()) as unit:
            dropped = await partition_store.drop_month(unit, partition)
        if dropped:
            return True
        await asyncio.sleep(1)
    return False

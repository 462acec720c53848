"""Deletes of a town what is kept for months: failed checks, tallies, done work."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.procedures.retention import short_store, store
from but_gateway.procedures.retention.catalogue import BY_RULE
from but_gateway.procedures.retention.model import Deleted, Place, Run, bound_of, counted, months_before

ROWS_AT_ONCE: Final = 5_000
_Delete = Callable[[UnitOfWork, int], Awaitable[list[UUID]]]


async def delete_short_lived(run: Run) -> AsyncGenerator[Deleted, None]:
    """Yields what each transaction deleted.

    Months count whole: a check of the 3rd of March that failed goes with all of March, when the last day of March is three months past.
    Confirmed checks go by whole months of all towns (drop_months.py); here those that lie outside of a month's partition.
    """
    today = run.now.date()
    firsts = {rule: months_before(today, period.months or 0) for rule, period in BY_RULE.items() if period.months}
    moments = {rule: datetime(first.year, first.month, 1, tzinfo=UTC) for rule, first in firsts.items()}
    work: list[tuple[str, str, _Delete]] = [
        ("checks_failed", "access_log", partial(_failed_checks, below=bound_of(firsts["checks_failed"]))),
        ("import_bodies", "grant_import", partial(_emptied, before=moments["import_bodies"])),
        *(
            (rule, BY_RULE[rule].tables[0], partial(_done, rule=rule, before=moments[rule]))
            for rule in ("import_reports", "sweeps", "notices")
        ),
    ]
    for rule, source, delete in work:
        more = True
        while more:
            async with run.transaction() as unit:
                ids = await delete(unit, ROWS_AT_ONCE)
                deleted = await store.note(unit, run, rule, counted(source, ids))
            yield deleted
            more = len(ids) == ROWS_AT_ONCE
    more = True
    while more:
        async with run.transaction() as unit:
            rows = await short_store.delete_tallies(unit, firsts["tallies"], ROWS_AT_ONCE)
            place = Place("identity_tally", today.replace(day=1))
            deleted = await store.note(unit, run, "tallies", {place: rows} if rows else {})
        yield deleted
        more = rows == ROWS_AT_ONCE


async def _failed_checks(unit: UnitOfWork, limit: int, *, below: UUID) -> list[UUID]:
    return await short_store.delete_failed_checks(unit, below, limit)


async def _emptied(unit: UnitOfWork, limit: int, *, before: datetime) -> list[UUID]:
    return await short_store.empty_imports(unit, before, limit)


async def _done(unit: UnitOfWork, limit: int, *, rule: str, before: datetime) -> list[UUID]:
    return await short_store.delete_done(unit, rule, before, limit)

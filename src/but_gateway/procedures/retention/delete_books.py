"""Deletes of a town the books whose time is over: batches with all of theirs, then the rest, the audit record last."""

from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime
from typing import Final

from but_gateway.procedures.retention import book_store, store
from but_gateway.procedures.retention.catalogue import BY_RULE
from but_gateway.procedures.retention.groups import groups_of
from but_gateway.procedures.retention.model import Deleted, Run, bound_of, counted, horizon

RULE: Final = "books"
ROWS_AT_ONCE: Final = 5_000


async def delete_books(run: Run) -> AsyncGenerator[Deleted, None]:
    """Yields what each transaction deleted: a batch with all of it at a time, so that the books balance after each.

    A batch stays while a voucher of it is there, while it is not finished, and with the batches that repeat its payments. Postings stay
    while their position or their grant is there; entries of the audit record while the step they tell of is there.
    """
    async with run.transaction() as unit:
        adoptions, first = await store.load_adoptions(unit), await store.first_year(unit)
        year = horizon(adoptions, first, BY_RULE[RULE].years or 0, run.now.date())
        if year is None:
            return
        bound = bound_of(date(year + 1, 1, 1))
        batches = await book_store.batches_before(unit, bound, datetime(year + 1, 1, 1, tzinfo=UTC))
        groups = list(groups_of(batches, await book_store.repeats(unit)))
    due = [group for group in groups if all(not batches.get(one, True) for one in group)]
    run.hold(RULE, "der Lauf ist nicht abgeschlossen, oder Belege von ihm sind noch da", len(batches) - sum(map(len, due)))
    for group in due:
        async with run.transaction() as unit:
            deleted = await store.note(unit, run, RULE, await book_store.delete_batches(unit, group))
        yield deleted
    for table in book_store.REST:
        more = True
        while more:
            async with run.transaction() as unit:
                ids = await book_store.delete_rest(unit, table, bound, ROWS_AT_ONCE)
                deleted = await store.note(unit, run, RULE, counted(table, ids))
            yield deleted
            more = len(ids) == ROWS_AT_ONCE
    async with run.transaction() as unit:
        run.hold(RULE, "Buchungen zu Belegen, die noch da sind", await book_store.count_held(unit, bound))

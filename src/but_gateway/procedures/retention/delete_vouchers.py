"""Deletes of a town the vouchers whose time is over: invoices with all that hangs on them, then grants, entitlements, children."""

from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from datetime import date
from typing import Final
from uuid import UUID

from but_gateway.procedures.retention import store, vouchers_store
from but_gateway.procedures.retention.catalogue import BY_RULE
from but_gateway.procedures.retention.groups import groups_of
from but_gateway.procedures.retention.model import Deleted, Place, Run, bound_of, counted, horizon
from but_gateway.registers.entitlements.removal_store import remove_children, remove_entitlements, remove_grants

RULE: Final = "vouchers"
POSITIONS_AT_ONCE: Final = 2_000
ROWS_AT_ONCE: Final = 500


async def delete_vouchers(run: Run, *, positions_at_once: int = POSITIONS_AT_ONCE) -> AsyncGenerator[Deleted, None]:
    """Yields what each transaction deleted.

    An invoice goes with all of its positions, and together with the invoices it names or that name it. What is not finished stays, with
    all that hangs together with it, however old it is, and is reported.
    """
    async with run.transaction() as unit:
        adoptions, first = await store.load_adoptions(unit), await store.first_year(unit)
        year = horizon(adoptions, first, BY_RULE[RULE].years or 0, run.now.date())
        if year is None:
            return
        bound = bound_of(date(year + 1, 1, 1))
        sizes, held = await vouchers_store.invoices_before(unit, bound)
        groups = list(groups_of(sizes, await vouchers_store.links(unit)))
    for chunk in _chunks(_due(run, groups, sizes, held), sizes, positions_at_once):
        async with run.transaction() as unit:
            deleted = await store.note(unit, run, RULE, await vouchers_store.delete_invoices(unit, chunk))
        yield deleted
    async for deleted in _registers(run, bound, date(year, 12, 31)):
        yield deleted


async def _registers(run: Run, bound: UUID, last_day: date) -> AsyncGenerator[Deleted, None]:
    """What providers were told, then grants, entitlements and children: each only when nothing hangs on it any more."""
    for step in ("changes", "grants", "entitlements", "children"):
        more = True
        while more:
            async with run.transaction() as unit:
                if step == "changes":
                    ids = await vouchers_store.delete_changes(unit, bound, ROWS_AT_ONCE)
                    gone = {"provider_change": ids}
                elif step == "grants":
                    ids = await vouchers_store.grants_before(unit, bound, last_day, ROWS_AT_ONCE)
                    gone = await remove_grants(unit, ids)
                elif step == "entitlements":
                    ids = await vouchers_store.entitlements_before(unit, bound, ROWS_AT_ONCE)
                    gone = await remove_entitlements(unit, ids)
                else:
                    ids = await vouchers_store.children_before(unit, bound, ROWS_AT_ONCE)
                    gone = await remove_children(unit, ids, by=run.actor, at=run.now)
                rows = sum((counted(source, one) for source, one in gone.items()), Counter[Place]())
                deleted = await store.note(unit, run, RULE, rows)
            yield deleted
            more = bool(ids)  # children merged into others go before those


def _due(run: Run, groups: Iterable[list[UUID]], sizes: Mapping[UUID, int], held: Mapping[UUID, str]) -> Iterator[list[UUID]]:
    """The groups of which nothing must stay; of the others it is reported why they do."""
    kept: Counter[str] = Counter()
    for group in groups:
        reasons = [held[one] for one in group if one in held]
        if reasons:
            kept[reasons[0]] += len(group)
        elif any(one not in sizes for one in group):
            kept["eine spätere Abrechnung verweist darauf"] += len(group)
        else:
            yield group
    for why, count in kept.items():
        run.hold(RULE, why, count)


def _chunks(groups: Iterable[list[UUID]], sizes: Mapping[UUID, int], limit: int) -> Iterator[list[UUID]]:
    """Groups put together up to so many positions; one that has more stands alone."""
    chunk: list[UUID] = []
    total = 0
    for group in groups:
        size = sum(sizes[one] for one in group)
        if chunk and total + size > limit:
            yield chunk
            chunk, total = [], 0
        chunk += group
        total += size
    if chunk:
        yield chunk

"""What is owed at the end of a day: by provider and state, against the term, and to the cent what the ledger says."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from but_gateway.kit.clock import SystemClock, business_day
from but_gateway.kit.money import parse_money
from but_gateway.procedures.reporting.model import Rewind
from but_gateway.procedures.reporting.store import liabilities
from but_gateway.rules.verdict import Outcome
from tests.factories.billing import Meal
from tests.procedures.reporting.books import balances, bank, items, report
from tests.procedures.settlement.conftest import BOTH, Treasury, created, done

JSON = Any
MONDAY, TUESDAY, WEDNESDAY = date(2026, 10, 5), date(2026, 10, 6), date(2026, 10, 7)
# Received on 2 November at noon.
ON = "liabilities?on=2026-11-02"


async def states(treasury: Treasury, on: str) -> list[tuple[JSON, ...]]:
    """Provider, state, amount and receipts on a day."""
    return [(i["provider"], i["state"], i["amount"], i["receipts"]) for i in await items(treasury, f"liabilities?on={on}")]


async def test_what_is_owed_by_provider_and_state(treasury: Treasury) -> None:
    billing = treasury.billing
    child, other = await billing.child(), await billing.child()
    await billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450}), Meal(child, TUESDAY, {"sgb2": 400}, outcome=Outcome.REVIEW)])
    await billing.invoice("c1", [Meal(child, WEDNESDAY, {}, claimed=450, outcome=Outcome.REJECTED)])
    await billing.invoice("c2", [Meal(other, MONDAY, {"sgb2": 500})])
    await treasury.draw_up(providers=["c2"])
    assert await items(treasury, ON) == [
        {
            "provider": "c1", "state": "review", "invoices": 1, "positions": 1, "amount": "4.00", "receipts": "0.00", "net": "4.00",
            "in_time": "4.00", "soon": "0.00", "late": "0.00", "late_invoices": 0, "oldest_received_on": "2026-11-02",
            "term_ends_on": "2026-12-02",
        },
        {
            "provider": "c1", "state": "unsettled", "invoices": 1, "positions": 1, "amount": "4.50", "receipts": "0.00", "net": "4.50",
            "in_time": "4.50", "soon": "0.00", "late": "0.00", "late_invoices": 0, "oldest_received_on": "2026-11-02",
            "term_ends_on": "2026-12-02",
        },
        {
            "provider": "c2", "state": "in_batch", "invoices": 1, "positions": 1, "amount": "5.00", "receipts": "0.00", "net": "5.00",
            "in_time": "5.00", "soon": "0.00", "late": "0.00", "late_invoices": 0, "oldest_received_on": "2026-11-02",
            "term_ends_on": "2026-12-02",
        },
    ]  # fmt: skip


async def test_age_is_told_against_the_term(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    for day, received_on in ((5, 1), (6, 2), (7, 20)):
        at = datetime(2026, 11, received_on, 12, tzinfo=UTC)
        await treasury.billing.invoice("c1", [Meal(child, date(2026, 10, day), {"sgb2": 100 * received_on})], received_at=at)
    ages = {}
    for on in ("2026-11-23", "2026-11-24", "2026-12-01", "2026-12-02", "2026-12-03"):
        [one] = await items(treasury, f"liabilities?on={on}")
        ages[on] = (one["in_time"], one["soon"], one["late"], one["late_invoices"])
    assert ages == {
        "2026-11-23": ("23.00", "0.00", "0.00", 0),
        "2026-11-24": ("22.00", "1.00", "0.00", 0),  # the term of the first ends on 1 December
        "2026-12-01": ("20.00", "3.00", "0.00", 0),
        "2026-12-02": ("20.00", "2.00", "1.00", 1),
        "2026-12-03": ("20.00", "0.00", "3.00", 2),
    }
    assert done(await report(treasury, "liabilities?on=2026-12-03"))["late"] == "3.00"


async def test_a_day_in_the_past_is_told_as_it_was(treasury: Treasury) -> None:
    billing = treasury.billing
    child = await billing.child()
    await billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})], received_at=datetime(2026, 11, 2, 12, tzinfo=UTC))
    finance, orderer = treasury.finance, treasury.orderer
    wish = {"cutoff": "2026-11-30", "due_on": "2026-12-15"}
    drawn = created(await finance.at("2026-11-04T10:00:00Z").post("/settlement-batches", wish))
    path = f"/settlement-batches/{drawn['id']}"
    done(await finance.at("2026-11-05T10:00:00Z").post(f"{path}/withdrawal"))
    again = created(await finance.at("2026-11-06T10:00:00Z").post("/settlement-batches", wish))
    path = f"/settlement-batches/{again['id']}"
    done(await finance.at("2026-11-07T10:00:00Z").post(f"{path}/certification", BOTH))
    done(await orderer.at("2026-11-07T10:00:00Z").post(f"{path}/order"))
    handed = done(await finance.at("2026-11-08T10:00:00Z").post(f"{path}/hand-over"))
    await bank(treasury, "2026-11-10", *handed["payments"])
    await bank(treasury, "2026-11-12", *handed["payments"], status="returned")
    seen = {day: [(state, amount) for _, state, amount, _ in await states(treasury, f"2026-11-{day:02d}")] for day in range(1, 14)}
    unsettled, in_batch, handed_over = ([(state, "4.50")] for state in ("unsettled", "in_batch", "handed_over"))
    assert seen == {
        1: [], 2: unsettled, 3: unsettled, 4: in_batch, 5: unsettled, 6: in_batch, 7: in_batch, 8: handed_over, 9: handed_over,
        10: [], 11: [], 12: handed_over, 13: handed_over,
    }  # fmt: skip


async def test_a_repeat_pays_what_came_back(treasury: Treasury) -> None:
    child, other = await treasury.billing.child(), await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    payments = (await treasury.settle())["payments"]
    await bank(treasury, "2026-11-02", *payments)
    await bank(treasury, "2026-11-02", *payments, status="returned")
    assert await states(treasury, "2026-11-02") == [("c1", "handed_over", "4.50", "0.00")]
    await treasury.billing.invoice("c2", [Meal(other, MONDAY, {"sgb2": 400})])
    repeated = (await treasury.settle())["payments"]
    await bank(treasury, "2026-11-20", *repeated)
    assert await states(treasury, "2026-11-19") == [("c1", "handed_over", "4.50", "0.00"), ("c2", "handed_over", "4.00", "0.00")]
    assert await states(treasury, "2026-11-20") == []


async def test_what_was_reviewed_is_owed_until_the_day_it_was_rejected(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    billed = await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450}, outcome=Outcome.REVIEW)])
    await treasury.billing.resolve(billed, 0, Outcome.REJECTED, at=datetime(2026, 11, 9, 10, tzinfo=UTC))
    assert await states(treasury, "2026-11-08") == [("c1", "review", "4.50", "0.00")]
    assert await states(treasury, "2026-11-09") == []


@pytest.mark.parametrize(("rewind", "seen"), [(Rewind.NOTHING, 450), (Rewind.BY_ID, 900), (Rewind.BY_MOMENT, 900)])
async def test_what_was_rejected_since_is_found_by_id_as_well_as_by_moment(treasury: Treasury, rewind: Rewind, seen: int) -> None:
    now = SystemClock().now()
    child = await treasury.billing.child()
    meals = [Meal(child, MONDAY, {"sgb2": 450}), Meal(child, TUESDAY, {"sgb2": 450})]
    billed = await treasury.billing.invoice("c1", meals, received_at=now - timedelta(days=10))
    await treasury.billing.resolve(billed, 0, Outcome.REJECTED, at=now, before=Outcome.ACCEPTED)
    async with treasury.billing.unit() as unit:
        rows = await liabilities(unit, business_day(now) - timedelta(days=1), term_days=30, warning_days=7, rewind=rewind)
    assert [row.amount for row in rows] == [seen]


async def test_what_is_owed_is_what_the_ledger_says(treasury: Treasury, superuser: asyncpg.Connection) -> None:
    billing = treasury.billing
    child = await billing.child("sgb2", "bkgg")
    billed = await billing.invoice("c1", [Meal(child, date(2026, 9, day), {"sgb2": 200, "bkgg": 250}) for day in range(1, 6)])
    await billing.invoice("c2", [Meal(child, date(2026, 9, 7), {"sgb2": 400})])
    first, _ = (await treasury.settle())["payments"]
    await bank(treasury, "2026-11-02", first)
    await billing.correction("c1", billed, 2)
    await billing.invoice("c1", [Meal(child, MONDAY, {"bkgg": 900}), Meal(child, TUESDAY, {"sgb2": 300}, outcome=Outcome.REVIEW)])
    await billing.invoice("c2", [Meal(child, WEDNESDAY, {"bkgg": 700})])
    await treasury.draw_up(providers=["c2"])
    found = await items(treasury, ON)

    def net(*wanted: str) -> int:
        return sum(parse_money(i["net"]) for i in found if i["state"] in wanted)

    ledger = await balances(superuser, treasury)
    assert net("unsettled", "in_batch") == -ledger["payable"] == 900 - 450 + 700
    assert net("handed_over") == -ledger["ordered"] == 400
    assert net("review") == 300

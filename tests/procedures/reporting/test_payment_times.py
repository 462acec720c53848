"""How long invoices take from receipt to decision, hand-over and payment: in whole days, by month of receipt and kind of provider."""

from datetime import UTC, date, datetime, timedelta

from but_gateway.rules.verdict import Outcome
from tests.factories.billing import Meal
from tests.procedures.reporting.books import bank, items
from tests.procedures.settlement.conftest import Treasury


async def test_the_days_until_hand_over_and_payment(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    for number in range(1, 11):  # received 1 to 10 days before the hand-over at noon of 2 November
        at = datetime(2026, 11, 2, 9, tzinfo=UTC) - timedelta(days=number)
        await treasury.billing.invoice("c1", [Meal(child, date(2026, 9, number), {"sgb2": 450})], received_at=at)
    await bank(treasury, "2026-11-05", *(await treasury.settle())["payments"])
    nine, one = ({"invoices": n, "median_days": 0, "p90_days": 0, "longest_days": 0} for n in (9, 1))
    assert await items(treasury, "payment-times?year=2026") == [
        {
            "month": "2026-10", "provider_kind": "caterer", "received": 9, "decision": nine,
            "hand_over": {"invoices": 9, "median_days": 6, "p90_days": 10, "longest_days": 10},
            "payment": {"invoices": 9, "median_days": 9, "p90_days": 13, "longest_days": 13},
        },
        {
            "month": "2026-11", "provider_kind": "caterer", "received": 1, "decision": one,
            "hand_over": {"invoices": 1, "median_days": 1, "p90_days": 1, "longest_days": 1},
            "payment": {"invoices": 1, "median_days": 4, "p90_days": 4, "longest_days": 4},
        },
    ]  # fmt: skip
    assert await items(treasury, "payment-times?year=2025") == []


async def test_an_invoice_is_as_far_as_its_last_position(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    meals = [Meal(child, date(2026, 10, 5), {"sgb2": 450}), Meal(child, date(2026, 10, 6), {"sgb2": 450}, outcome=Outcome.REVIEW)]
    billed = await treasury.billing.invoice("c1", meals)
    await bank(treasury, "2026-11-20", *(await treasury.settle())["payments"])
    [one] = await items(treasury, "payment-times")
    assert (one["received"], one["decision"], one["hand_over"], one["payment"]) == (1, None, None, None)
    await treasury.billing.resolve(billed, 1, Outcome.REJECTED, at=datetime(2026, 11, 12, 10, tzinfo=UTC))
    [one] = await items(treasury, "payment-times")
    assert (one["decision"]["median_days"], one["hand_over"]["median_days"], one["payment"]["median_days"]) == (10, 0, 18)


async def test_a_payment_that_came_back_counts_from_its_repeat(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, date(2026, 10, 5), {"sgb2": 450})])
    payments = (await treasury.settle())["payments"]
    await bank(treasury, "2026-11-04", *payments)
    await bank(treasury, "2026-11-06", *payments, status="returned")
    [one] = await items(treasury, "payment-times")
    assert one["payment"] is None
    await treasury.billing.invoice("c2", [Meal(child, date(2026, 10, 6), {"sgb2": 450})])
    await bank(treasury, "2026-11-16", *(await treasury.settle())["payments"])
    [both] = await items(treasury, "payment-times")
    assert both["payment"] == {"invoices": 2, "median_days": 14, "p90_days": 14, "longest_days": 14}

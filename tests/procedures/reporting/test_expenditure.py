"""Spending counts on the day the bank booked it, receipts stand beside it, and every figure is a sum over postings."""

from datetime import date

import asyncpg

from but_gateway.kit.money import parse_money
from tests.factories.billing import Meal
from tests.procedures.reporting.books import balances, bank, items, report
from tests.procedures.settlement.conftest import Treasury, done

MONDAY, TUESDAY, LAST_YEAR = date(2026, 10, 5), date(2026, 10, 6), date(2025, 12, 1)


async def test_nothing_is_spent_before_the_bank_paid(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    await treasury.settle()
    nothing = {"paid": "0.00", "receipts": "0.00", "net": "0.00"}
    assert done(await report(treasury, "expenditure?year=2026")) == {"year": 2026, "items": [], "total": nothing, "section_46": nothing}


async def test_spending_by_legal_basis_benefit_and_month_of_payment(treasury: Treasury) -> None:
    billing = treasury.billing
    one, two = await billing.child("sgb2", "bkgg"), await billing.child("sgb12_4")
    await billing.invoice("c1", [Meal(one, MONDAY, {"sgb2": 200, "bkgg": 250}), Meal(one, LAST_YEAR, {"sgb2": 450})])
    await billing.invoice("c2", [Meal(two, MONDAY, {"sgb12_4": 400}), Meal(one, MONDAY, {"sgb2": 2250}, benefit="tutoring")])
    first, second = (await treasury.settle())["payments"]
    await bank(treasury, "2026-11-30", first)
    await bank(treasury, "2026-12-01", second)
    found = done(await report(treasury, "expenditure?year=2026"))
    assert [(i["month"], i["legal_basis"], i["benefit"], i["paid"], i["receipts"], i["net"]) for i in found["items"]] == [
        ("2026-11", "bkgg", "lunch", "2.50", "0.00", "2.50"),
        ("2026-11", "sgb2", "lunch", "6.50", "0.00", "6.50"),  # the service of last year as well: the day of the payment counts
        ("2026-12", "sgb12_4", "lunch", "4.00", "0.00", "4.00"),
        ("2026-12", "sgb2", "tutoring", "22.50", "0.00", "22.50"),
    ]
    assert found["total"]["paid"] == "35.50"
    assert found["section_46"]["paid"] == "31.50"
    assert await items(treasury, "expenditure?year=2025") == []


async def test_receipts_stand_beside_spending_and_do_not_lessen_it(treasury: Treasury) -> None:
    """The worked example of § 46 (11) S. 7: the next payment is 18.00, the books show 22.50 and 4.50."""
    child = await treasury.billing.child()
    billed = await treasury.billing.invoice("c1", [Meal(child, date(2026, 9, day), {"sgb2": 450}) for day in range(1, 11)])
    await bank(treasury, "2026-11-05", *(await treasury.settle())["payments"])
    await treasury.billing.correction("c1", billed, 6)
    await treasury.billing.invoice("c1", [Meal(child, date(2026, 10, day), {"sgb2": 450}) for day in range(5, 10)])
    await bank(treasury, "2026-12-05", *(await treasury.settle())["payments"])
    found = await items(treasury, "expenditure?year=2026")
    assert [(i["month"], i["paid"], i["receipts"], i["net"]) for i in found] == [
        ("2026-11", "45.00", "0.00", "45.00"),
        ("2026-12", "22.50", "4.50", "18.00"),
    ]


async def test_a_returned_payment_is_taken_back_in_the_month_it_came_back(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    payments = (await treasury.settle())["payments"]
    await bank(treasury, "2026-12-30", *payments)
    await bank(treasury, "2027-01-04", *payments, status="returned")
    assert [(i["month"], i["paid"]) for i in await items(treasury, "expenditure?year=2026")] == [("2026-12", "4.50")]
    assert [(i["month"], i["paid"]) for i in await items(treasury, "expenditure?year=2027")] == [("2027-01", "-4.50")]


async def test_what_is_paid_ahead_for_next_year_counts_next_year(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, date(2027, 1, 4), {"sgb2": 450}), Meal(child, MONDAY, {"sgb2": 400})])
    await bank(treasury, "2026-12-28", *(await treasury.settle())["payments"])
    assert [(i["month"], i["paid"]) for i in await items(treasury, "expenditure?year=2026")] == [("2026-12", "4.00")]
    assert [(i["month"], i["paid"]) for i in await items(treasury, "expenditure?year=2027")] == [("2027-01", "4.50")]


async def test_without_a_year_it_is_the_present_one(treasury: Treasury) -> None:
    assert done(await report(treasury, "expenditure"))["year"] == 2026
    assert (await report(treasury, "expenditure?year=1999")).status_code == 422


async def test_spending_is_what_left_the_bank(treasury: Treasury, superuser: asyncpg.Connection) -> None:
    child = await treasury.billing.child("sgb2", "bkgg")
    billed = await treasury.billing.invoice("c1", [Meal(child, date(2026, 9, day), {"sgb2": 200, "bkgg": 250}) for day in range(1, 6)])
    await bank(treasury, "2026-11-05", *(await treasury.settle())["payments"])
    await treasury.billing.correction("c1", billed, 2)
    await treasury.billing.invoice("c1", [Meal(child, TUESDAY, {"bkgg": 900})])
    payments = (await treasury.settle())["payments"]
    await bank(treasury, "2026-12-05", *payments)
    await bank(treasury, "2026-12-09", *payments, status="returned")
    spent = sum(parse_money(i["net"]) for i in await items(treasury, "expenditure?year=2026"))
    assert spent == -(await balances(superuser, treasury))["bank"] == 2250

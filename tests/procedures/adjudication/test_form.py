"""H: deadlines, the future, amounts, and refusals of whole invoices."""

import pytest

from tests.procedures.adjudication.lines import fee, lesson, lunch, lunch_month
from tests.procedures.adjudication.town import Town

DAY = "2026-10-05"


async def test_h01_a_number_is_used_once_by_a_provider_in_a_town(town: Town) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", DAY), number="R-1")
    again = await town.send("c1", lunch("A", "2026-10-06"), number="R-1")
    assert (again.status_code, again.json()["code"]) == (409, "H-01")
    assert (await town.bill("c2", lunch("A", "2026-10-06"), number="R-1")).says == ["accepted 4.50"]
    assert (await town.cancel(bill, "R-1")).json()["code"] == "H-01"
    assert (await town.cancel(bill, "S-1")).status_code == 200
    assert (await town.send("c1", lunch("A", "2026-10-07"), number="S-1")).json()["code"] == "H-01"


async def test_h02_every_missing_field_is_named(town: Town) -> None:
    await town.need_provider("c1")
    body = town.body([lunch("A", DAY)])
    for name in ("number", "issued_on", "total"):
        del body[name]
    del body["lines"][0]["amount"]
    answer = await town.call("c1", "POST", "/invoices", body)
    assert answer.status_code == 422
    assert {e["pointer"] for e in answer.json()["errors"]} == {"/number", "/issued_on", "/total", "/lines/0/amount"}


async def test_h03_sums_must_be_right(town: Town) -> None:
    await town.grant("A")
    answer = await town.send("c1", lunch("A", DAY, amount="4.60"), lunch("A", "2026-10-06"), total="9.20")
    assert (answer.status_code, answer.json()["code"]) == (422, "H-03")
    assert {e["pointer"] for e in answer.json()["errors"]} == {"/lines/0/amount", "/total"}
    assert (await town.bill("c1", lunch("A", DAY))).says == ["accepted 4.50"]


async def test_h04_no_lunch_or_lesson_before_its_day(town: Town) -> None:
    await town.grant("A")
    await town.grant("A", "tutoring")
    await town.grant("A", "participation")
    await town.grant("H", attends="daycare")
    bill = await town.bill("c1", lunch("A", "2026-11-02"), lunch("A", "2026-11-03"))
    assert bill.says == ["accepted 4.50", "rejected 0.00 H-04"]
    assert (await town.bill("t1", lesson("A", "2026-11-03"))).says == ["rejected 0.00 H-04"]
    assert (await town.bill("v1", fee("A", "2026-12-01", "2026-12-31", "15.00"))).says == ["accepted 15.00"]
    assert (await town.bill("c3", lunch_month("H", "2026-11", attended_days=1))).says == ["accepted 60.00 M-09"]
    assert (await town.bill("c3", lunch_month("H", "2026-12", attended_days=1))).says == ["rejected 0.00 H-04 M-09"]


async def test_h04_a_day_is_over_at_midnight_in_berlin(town: Town) -> None:
    await town.grant("A")
    assert (await town.bill("c1", lunch("A", "2026-10-06"), at="2026-10-05T21:59:00Z")).says == ["rejected 0.00 H-04"]
    assert (await town.bill("c1", lunch("A", "2026-10-06"), at="2026-10-05T22:00:00Z")).says == ["accepted 4.50"]


@pytest.mark.parametrize(
    ("effect", "said"), [("accept", "accepted 4.50"), ("review", "review ?4.50 H-06"), ("reject", "rejected 0.00 H-06")]
)
async def test_h06_the_town_says_what_becomes_of_late_lines(town: Town, effect: str, said: str) -> None:
    await town.set(late_effect=effect)
    await town.grant("A")
    assert (await town.bill("c1", lunch("A", DAY), at="2027-01-31T22:59:00Z")).says == ["accepted 4.50"]
    assert (await town.bill("c1", lunch("A", "2026-10-06"), at="2027-01-31T23:00:00Z")).says == [said]


async def test_h06_the_agreement_goes_before_the_towns_setting(town: Town) -> None:
    await town.agree("c1", submission_months=1, late_effect="reject")
    await town.grant("A")
    assert (await town.bill("c1", lunch("A", DAY), at="2026-11-30T12:00:00Z")).says == ["accepted 4.50"]
    assert (await town.bill("c1", lunch("A", "2026-10-06"), at="2026-12-01T12:00:00Z")).says == ["rejected 0.00 H-06"]


async def test_h06_a_range_counts_from_its_last_day(town: Town) -> None:
    await town.grant("A", "participation")
    lines = [fee("A", "2026-09-01", "2026-10-01", "15.00"), fee("A", "2026-09-02", "2026-09-30", "15.00", item="equipment")]
    bill = await town.bill("v1", *lines, at="2027-01-10T12:00:00Z")
    assert bill.says == ["accepted 15.00", "review ?15.00 H-06 X-05"]


async def test_h08_nothing_and_less_than_nothing_is_no_amount(town: Town) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", DAY, unit_price="0.00"), lunch("A", "2026-10-06", quantity=-1))
    assert bill.says == ["rejected 0.00 H-08 P-06", "rejected 0.00 H-08"]
    assert (await town.bill("c1", lunch("A", DAY), lunch("A", "2026-10-06"))).says == ["accepted 4.50", "accepted 4.50"]


async def test_h05_the_period_must_be_as_long_as_agreed(town: Town) -> None:
    await town.agree("c1", min_period_months=1)
    await town.grant("A")
    short = await town.send("c1", lunch("A", DAY), period={"from": "2026-10-01", "to": "2026-10-30"})
    assert (short.status_code, short.json()["code"]) == (422, "H-05")
    assert (await town.bill("c1", lunch("A", DAY), period={"from": "2026-10-01", "to": "2026-10-31"})).says == ["accepted 4.50"]


async def test_p02_no_invoice_without_the_undertaking(town: Town) -> None:
    await town.provider("c1", undertaking_signed_on=None)
    answer = await town.send("c1", lunch("A", DAY))
    assert (answer.status_code, answer.json()["code"]) == (403, "P-02")
    await town.provider("c1", undertaking_signed_on="2026-11-03")
    assert (await town.send("c1", lunch("A", DAY))).status_code == 403


async def test_a_day_outside_the_period_refuses_the_invoice(town: Town) -> None:
    answer = await town.send("c1", lunch("A", DAY), period={"from": "2026-10-06", "to": "2026-10-31"})
    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/lines/0/service_dates/0"]


async def test_all_faults_of_a_body_at_once_and_nothing_is_kept(town: Town) -> None:
    await town.grant("A")
    lines = [lunch("A", DAY, facility="nowhere"), lunch("A", DAY, "2026-10-06", quantity=1), lesson("A", DAY, end="14:00", minutes=45)]
    answer = await town.send("c1", *lines, number="R-1")
    assert answer.status_code == 422
    assert {e["pointer"] for e in answer.json()["errors"]} == {"/lines/0/facility", "/lines/1/quantity", "/lines/2/tutoring/recorded_to"}
    assert (await town.bill("c1", lunch("A", DAY), number="R-1")).says == ["accepted 4.50"]


async def test_no_provider_record_no_such_town(town: Town) -> None:
    await town.instance.account(f"{town.key}-c4")
    answer = await town.call("c4", "POST", "/invoices", town.body([lunch("A", DAY)]))
    assert answer.status_code == 404

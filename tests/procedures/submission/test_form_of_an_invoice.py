"""Everything a schema alone cannot say is told at once, each with its pointer; nothing of such an invoice is kept."""

from typing import Any

import pytest

from tests.procedures.adjudication.lines import correction, fee, lesson, lunch, lunch_month
from tests.procedures.adjudication.town import Town

JSON = Any
DAY, OTHER = "2026-10-05", "2026-10-06"


def without(line: JSON, *names: str) -> JSON:
    return {name: value for name, value in line.items() if name not in names}


def taught(**differs: JSON) -> JSON:
    """A lesson whose details differ."""
    line = lesson("A", DAY)
    return line | {"tutoring": line["tutoring"] | differs}


MEAL = lunch("A", DAY)
FAULTS = {
    "a day twice": (lunch("A", DAY, DAY), "/lines/0/service_dates", "duplicate"),
    "days and a month": (MEAL | {"service_month": "2026-10"}, "/lines/0/service_dates", "one_form"),
    "days and a range": (MEAL | {"service_from": DAY, "service_to": DAY}, "/lines/0/service_dates", "one_form"),
    "a range without its end": (without(fee("A", DAY, OTHER, "9.00"), "service_to"), "/lines/0/service_from", "one_form"),
    "a range that ends before it begins": (fee("A", OTHER, DAY, "9.00"), "/lines/0/service_to", "before_start"),
    "no quantity": (without(MEAL, "quantity"), "/lines/0/quantity", "missing"),
    "a quantity of lessons": (lesson("A", DAY) | {"quantity": 1}, "/lines/0/quantity", "not_allowed"),
    "two lessons in a line": (lesson("A", DAY) | {"service_dates": [DAY, OTHER]}, "/lines/0/service_dates", "one_lesson"),
    "a month of lessons": (
        without(lesson("A", DAY), "service_dates") | {"service_month": "2026-10"}, "/lines/0/service_dates", "one_lesson",
    ),
    "no lesson": (without(lesson("A", DAY), "tutoring"), "/lines/0/tutoring", "missing"),
    "a lesson at lunch": (MEAL | {"tutoring": lesson("A", DAY)["tutoring"]}, "/lines/0/tutoring", "not_allowed"),
    "a lesson without times": (taught(recorded_from=None, recorded_to=None), "/lines/0/tutoring/recorded_from", "missing"),
    "a missed lesson with times": (lesson("A", DAY) | {"attended": False}, "/lines/0/tutoring/recorded_from", "not_allowed"),
    "a lesson that ends before it begins": (taught(recorded_to="14:00"), "/lines/0/tutoring/recorded_to", "before_start"),
    "lunch without a facility": (without(MEAL, "facility"), "/lines/0/facility", "missing"),
    "lunch in an unknown facility": (MEAL | {"facility": "x9"}, "/lines/0/facility", "unknown_key"),
    "equipment at lunch": (MEAL | {"item": "equipment"}, "/lines/0/item", "not_allowed"),
    "a drink at a lesson": (lesson("A", DAY) | {"item": "drink"}, "/lines/0/item", "not_allowed"),
    "a lesson at the club": (fee("A", DAY, OTHER, "9.00") | {"item": "individual"}, "/lines/0/item", "not_allowed"),
    "taxed and exempt": (MEAL | {"vat_exemption": "exempt_4_23"}, "/lines/0/vat_exemption", "contradiction"),
    "an activity at lunch": (MEAL | {"activity": "sport"}, "/lines/0/activity", "not_allowed"),
    "cancelled late and there": (MEAL | {"cancelled_late": True}, "/lines/0/cancelled_late", "contradiction"),
    "a flat month without attendance": (lunch_month("A", "2026-10"), "/lines/0/attended_days", "missing"),
    "a positive correction": (
        correction(MEAL, "R-0", 1) | {"quantity": 1, "amount": "4.50"}, "/lines/0/quantity", "not_negative",
    ),
    "a correction of more than its days": (
        correction(MEAL, "R-0", 1) | {"quantity": -2, "amount": "-9.00"}, "/lines/0/quantity", "not_number_of_days",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
async def test_a_line_is(town: Town, name: str) -> None:
    line, pointer, code = FAULTS[name]
    await town.grant("A")
    by = {"tutoring": "t1", "participation": "v1"}.get(line["benefit"], "c3" if "month" in name else "c1")
    if "unknown facility" in name or "without its end" in name:
        # The town would make the one and stumble over the other.
        await town.need_provider(by)
        body = town.body([MEAL])
        body["lines"][0] = {"line_no": 1} | without(line, "child")
        answer = await town.call(by, "POST", "/invoices", body)
    else:
        answer = await town.send(by, line)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "invalid"
    assert (pointer, code) in [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]
    assert (await town.ok(by, "GET", "/invoices"))["items"] == []


async def test_all_lines_and_the_head_are_looked_at_before_anything_is_said(town: Town) -> None:
    await town.need_provider("c1")
    body = town.body([lunch("A", DAY, DAY), lunch("A", "2026-09-30"), MEAL | {"activity": "sport"}])
    body |= {"period": {"from": "2026-10-31", "to": "2026-10-01"}}
    body["lines"][2]["line_no"] = 1
    answer = await town.call("c1", "POST", "/invoices", body)
    found = {fault["pointer"]: fault["code"] for fault in answer.json()["errors"]}
    assert found["/period/to"] == "before_start"
    assert found["/lines/0/service_dates"] == "duplicate"
    assert found["/lines/1/service_dates/0"] == "outside_period"
    assert found["/lines/2/line_no"] == "duplicate"
    assert found["/lines/2/activity"] == "not_allowed"


@pytest.mark.parametrize(
    ("line", "pointer"),
    [
        (lunch("A", "2026-09-30"), "/lines/0/service_dates/0"),
        (lunch_month("A", "2026-09", attended_days=3), "/lines/0/service_month"),
        (fee("A", "2026-09-30", "2026-10-02", "9.00"), "/lines/0/service_from"),
        (fee("A", "2026-10-30", "2026-11-02", "9.00"), "/lines/0/service_to"),
    ],
)
async def test_every_day_lies_in_the_period(town: Town, line: JSON, pointer: str) -> None:
    period = {"from": "2026-10-01", "to": "2026-10-31"}
    answer = await town.send("c3", line, period=period)
    assert answer.status_code == 422
    assert [(f["pointer"], f["code"]) for f in answer.json()["errors"]] == [(pointer, "outside_period")]


async def test_h03_fewer_meals_than_days_are_a_wrong_sum(town: Town) -> None:
    await town.grant("A")
    answer = await town.send("c1", lunch("A", DAY, OTHER, quantity=1))
    assert (answer.status_code, answer.json()["code"]) == (422, "H-03")
    assert [(f["pointer"], f["code"]) for f in answer.json()["errors"]] == [("/lines/0/quantity", "less_than_days")]


async def test_no_more_positions_than_one_request_can_decide(town: Town) -> None:
    await town.need_provider("c1")
    days = [f"2026-10-{day:02d}" for day in range(1, 32)]
    body = town.body([lunch("A", *days) for _ in range(646)])
    answer = await town.call("c1", "POST", "/invoices", body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "too_many_positions")


async def test_differences_of_sums_are_told_all_at_once(town: Town) -> None:
    await town.grant("A")
    answer = await town.send("c1", MEAL | {"amount": "4.51"}, lunch("A", OTHER) | {"amount": "4.49"}, total="9.05")
    assert (answer.status_code, answer.json()["code"]) == (422, "H-03")
    assert [f["pointer"] for f in answer.json()["errors"]] == ["/lines/0/amount", "/lines/1/amount", "/total"]


async def test_a_lessons_amount_is_not_recomputed(town: Town) -> None:
    await town.grant("A", "tutoring")
    assert (await town.bill("t1", lesson("A", DAY) | {"amount": "44.00"})).says == ["accepted 44.00"]


async def test_an_account_that_is_not_the_providers_is_noticed(town: Town) -> None:
    await town.grant("A")
    for iban in ("DE02120300000000202051", "not an iban"):
        bill = await town.bill("c1", lunch("A", f"2026-10-{12 + len(iban) % 5:02d}"), iban=iban)
        assert any(f["rule"] == "H-07" for p in bill.seen[0]["positions"] for f in p["findings"])

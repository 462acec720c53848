import pytest

from tests.procedures.adjudication.lines import lunch_month
from tests.procedures.adjudication.town import Town


async def test_m09_a_flat_month_with_attendance_is_paid_whole(town: Town) -> None:
    await town.grant("H", attends="daycare")
    bill = await town.bill("c3", lunch_month("H", "2026-10", attended_days=1))
    assert bill.says == ["accepted 60.00 M-09"]
    assert bill.codes == [set()]


async def test_m11_a_flat_month_without_attendance_is_reviewed(town: Town) -> None:
    await town.grant("H", attends="daycare")
    bill = await town.bill("c3", lunch_month("H", "2026-10", attended_days=0))
    assert bill.says == ["review ?60.00 M-11"]


async def test_a_flat_month_says_how_often_the_child_came(town: Town) -> None:
    await town.grant("H", attends="daycare")
    answer = await town.send("c3", lunch_month("H", "2026-10"))
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/lines/0/attended_days"]


# 21 opening days in October at k2; 10 of them until the 15th. 15 of 30 calendar days.
@pytest.mark.parametrize(("setting", "said"), [("opening_days", "reduced 28.57 M-10"), ("calendar_30ths", "reduced 30.00 M-10")])
async def test_m10_a_part_of_the_month(town: Town, setting: str, said: str) -> None:
    await town.set(flat_proration=setting)
    await town.grant("H", attends="daycare", valid_to="2026-10-15")
    assert (await town.bill("c3", lunch_month("H", "2026-10", attended_days=8))).says == [said]


async def test_e04_asks_on_the_first_day_of_a_month(town: Town) -> None:
    await town.grant("H", attends=None, born="2001-10-16")
    # E-04 asks on the first day of the position: the month was begun in time and counts whole.
    assert (await town.bill("c3", lunch_month("H", "2026-10", attended_days=8))).says == ["accepted 60.00 M-09"]


async def test_m01_a_second_flat_month_of_the_same_provider(town: Town) -> None:
    await town.grant("H", attends="daycare")
    bill = await town.bill("c3", lunch_month("H", "2026-10", attended_days=12), lunch_month("H", "2026-10", attended_days=12))
    assert bill.says == ["accepted 60.00 M-09", "rejected 0.00 M-01 M-09"]
    assert (await town.bill("c3", lunch_month("H", "2026-11", attended_days=1))).says == ["accepted 60.00 M-09"]


async def test_m03_a_second_flat_month_of_another_provider(town: Town) -> None:
    await town.agree("c4", mode="flat", prices=[{"item": "lunch", "valid_from": "2026-01-01", "unit_price": "60.00"}])
    await town.grant("H", attends="daycare")
    first = await town.bill("c3", lunch_month("H", "2026-10", attended_days=12))
    second = await town.bill("c4", lunch_month("H", "2026-10", attended_days=12))
    assert second.says == ["review ?60.00 M-03 M-09"]
    assert (await first.again()).says == ["review ?60.00 M-03 M-09"]


async def test_m18_more_meals_than_opening_days(town: Town) -> None:
    await town.agree("c1", evidence="monthly_count")
    await town.grant("H", attends="daycare")
    bill = await town.bill("c1", lunch_month("H", "2026-10", quantity=22, unit_price="4.50"))
    assert bill.says == ["reduced 94.50 M-18"]
    assert (await town.bill("c1", lunch_month("H", "2026-09", quantity=20, unit_price="4.20"))).says == ["accepted 84.00"]


async def test_m18_a_count_over_part_of_a_month(town: Town) -> None:
    await town.agree("c1", evidence="monthly_count")
    await town.grant("H", attends="daycare", valid_to="2026-10-15", budget={"kind": "days", "days": 8})
    bill = await town.bill("c1", lunch_month("H", "2026-10", quantity=20, unit_price="4.50"))
    assert bill.says == ["reduced 36.00 B-01 M-18"]
    assert bill.bears() == [("sgb2", "36.00", 8)]


async def test_m01_a_monthly_count_holds_its_month(town: Town) -> None:
    await town.agree("c1", evidence="monthly_count")
    await town.grant("H", attends="daycare")
    line = lunch_month("H", "2026-10", quantity=5, unit_price="4.50")
    assert (await town.bill("c1", line, line)).says == ["accepted 22.50", "rejected 0.00 M-01"]


async def test_m11_absence_up_to_the_agreed_threshold_is_reviewed(town: Town) -> None:
    await town.agree("c3", absence_threshold_days=9)
    await town.grant("H", attends="daycare")
    await town.grant("I", attends="daycare")
    # 21 opening days: at 13 attended eight are missing, at 12 nine.
    bill = await town.bill("c3", lunch_month("H", "2026-10", attended_days=13), lunch_month("I", "2026-10", attended_days=12))
    assert bill.says == ["accepted 60.00 M-09", "review ?60.00 M-11"]

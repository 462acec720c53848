import pytest

from tests.procedures.adjudication.lines import lunch
from tests.procedures.adjudication.town import Town

DAY, NEXT, LATER = "2026-10-05", "2026-10-06", "2026-10-07"


async def test_a_plain_month_is_paid_as_billed(town: Town) -> None:
    await town.grant("A", facility="s1")
    bill = await town.bill("c1", lunch("A", DAY, NEXT, LATER))
    assert bill.says == ["accepted 13.50"]


async def test_m01_the_same_provider_bills_a_day_twice_in_one_or_two_invoices(town: Town) -> None:
    await town.grant("A")
    first = await town.bill("c1", lunch("A", DAY), lunch("A", DAY))
    assert first.says == ["accepted 4.50", "rejected 0.00 M-01"]
    second = await town.bill("c1", lunch("A", DAY, NEXT))
    assert second.says == ["mixed 4.50 M-01"]
    assert second.days() == [f"{DAY} rejected 0.00 M-01", f"{NEXT} accepted 4.50"]


async def test_m01_also_when_the_first_is_paid(town: Town) -> None:
    await town.grant("A")
    await town.bill("c1", lunch("A", DAY))
    await town.settle()
    assert (await town.bill("c1", lunch("A", DAY), at="2026-12-03T10:00:00Z")).says == ["rejected 0.00 M-01"]


async def test_m01_not_after_a_rejection_and_not_for_other_items(town: Town) -> None:
    await town.grant("A")
    first = await town.bill("c1", lunch("A", DAY, attended=False), lunch("A", DAY, item="snack", unit_price="1.00"))
    assert first.says == ["rejected 0.00 M-07", "rejected 0.00 M-12"]
    assert (await town.bill("c1", lunch("A", DAY))).says == ["accepted 4.50"]


async def test_m01_two_grants_of_one_child_are_one_lunch(town: Town) -> None:
    await town.grant("A")
    await town.grant("A", key="A-other", entitlement="A-lunch-2")
    bill = await town.bill("c1", lunch("A", DAY), lunch("A", DAY, entitlement="A-lunch-2"))
    assert bill.says == ["accepted 4.50", "rejected 0.00 M-01"]


async def test_m04_one_portion_a_day(town: Town) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", DAY, quantity=2), lunch("A", NEXT, LATER, quantity=4))
    assert bill.says == ["reduced 4.50 M-04", "mixed 9.00 M-04"]
    assert bill.days(2) == [f"{NEXT} accepted 4.50", f"{LATER} reduced 4.50 M-04"]


@pytest.mark.parametrize(("facility", "attends"), [("s1", "school"), ("k1", "daycare")])
async def test_m05_closed_days_by_the_facilitys_own_calendar(town: Town, facility: str, attends: str) -> None:
    await town.facility(facility, closed=[{"from": "2026-10-09", "to": "2026-10-09", "reason": "Planungstag"}])
    await town.grant("A", attends=attends)
    days = ["2026-10-03", "2026-10-04", "2026-10-09", "2026-10-16", "2026-10-19"]
    bill = await town.bill("c1", lunch("A", *days, facility=facility))
    last = "rejected 0.00 M-05" if facility == "s1" else "accepted 4.50"
    assert bill.days() == [*(f"{day} rejected 0.00 M-05" for day in days[:3]), "2026-10-16 accepted 4.50", f"2026-10-19 {last}"]


async def test_m05_public_holidays_close_everybody(town: Town) -> None:
    await town.grant("A", attends="daycare", valid_from="2026-04-01")
    bill = await town.bill("c1", lunch("A", "2026-05-01", "2026-06-04", facility="k1", unit_price="4.20"), at="2026-07-01T10:00:00Z")
    assert bill.says == ["rejected 0.00 M-05"]


@pytest.mark.parametrize(
    ("setting", "said"), [("accept", "accepted 4.50"), ("review", "review ?4.50 M-06"), ("reject", "rejected 0.00 M-06")]
)
async def test_m06_lunch_in_holiday_care_is_for_the_town_to_say(town: Town, setting: str, said: str) -> None:
    await town.set(holiday_lunch=setting)
    await town.grant("A", facility="s1")
    bill = await town.bill("c1", lunch("A", "2026-10-19", facility="k4"), lunch("A", "2026-10-16", facility="k4"))
    assert bill.says == [said, "accepted 4.50"]


async def test_m07_m08_missed_lunches(town: Town) -> None:
    await town.grant("A")
    missed = {"attended": False}
    bill = await town.bill("c1", lunch("A", DAY, **missed), lunch("A", NEXT, **missed, cancelled_late=True))
    assert bill.says == ["rejected 0.00 M-07", "rejected 0.00 M-07"]
    await town.agree("c2", late_cancellation_share="0.50")
    bill = await town.bill("c2", lunch("A", DAY, **missed), lunch("A", NEXT, **missed, cancelled_late=True))
    assert bill.says == ["rejected 0.00 M-07", "reduced 2.25 M-08"]
    cheap = await town.bill("c2", lunch("A", LATER, **missed, cancelled_late=True, unit_price="2.25"))
    assert cheap.says == ["accepted 2.25"]


async def test_m12_m13_only_the_lunch(town: Town) -> None:
    await town.agree("c1", drink_included=True)
    await town.grant("A")
    lines = [lunch("A", DAY, item=item, unit_price="1.00") for item in ("breakfast", "snack", "drink")]
    bill = await town.bill("c1", *lines, lunch("A", DAY))
    assert bill.says == ["rejected 0.00 M-12", "rejected 0.00 M-12", "rejected 0.00 M-13", "accepted 4.50"]


async def test_m14_the_own_share_until_july_2019(town: Town) -> None:
    await town.agree("c1", valid_from="2019-01-01", prices=[{"item": "lunch", "valid_from": "2019-01-01", "unit_price": "3.50"}])
    await town.grant("E", attends="daycare", legal_basis="sgb12_3", valid_from="2019-01-01", valid_to="2019-12-31")
    meals = lunch("E", "2019-07-31", "2019-08-01", facility="k1", unit_price="3.50", vat_rate="19.00")
    bill = await town.bill("c1", meals, at="2019-08-20T10:00:00Z")
    assert bill.days() == ["2019-07-31 reduced 2.50 M-14", "2019-08-01 accepted 3.50"]


async def test_m15_a_pupil_in_after_school_care_needs_a_cooperating_school(town: Town) -> None:
    await town.grant("A", facility="s1")
    await town.grant("B", attends="daycare", facility="k1")
    assert (await town.bill("c1", lunch("A", DAY, facility="k3"))).says == ["rejected 0.00 M-15 M-16"]
    assert (await town.bill("c1", lunch("A", DAY, facility="k4"))).says == ["accepted 4.50"]
    assert (await town.bill("c1", lunch("B", DAY, facility="k1"))).says == ["accepted 4.50"]


async def test_m16_another_facility_than_granted_is_reviewed(town: Town) -> None:
    await town.grant("A", facility="s1")
    await town.grant("B")
    bill = await town.bill("c1", lunch("A", DAY, facility="s2"), lunch("B", DAY, facility="s2"), lunch("A", NEXT))
    assert bill.says == ["review ?4.50 M-16", "accepted 4.50", "accepted 4.50"]

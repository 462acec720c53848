from tests.procedures.adjudication.lines import fee, lesson, lunch, lunch_month
from tests.procedures.adjudication.town import Town

DAY = "2026-10-05"


async def test_p01_the_agreement_must_hold_on_the_day_of_service_at_the_facility(town: Town) -> None:
    await town.agree("c1", valid_from="2026-10-06", valid_to="2026-10-07", facilities=["s1"])
    await town.grant("A", attends=None)
    days = [lunch("A", f"2026-10-0{day}") for day in (5, 6, 7, 8)]
    bill = await town.bill("c1", *days, lunch("A", "2026-10-06", facility="k1"))
    assert bill.says == ["rejected 0.00 P-01", "accepted 4.50", "accepted 4.50", "rejected 0.00 P-01", "rejected 0.00 P-01"]


async def test_p01_each_facility_has_the_prices_of_its_own_agreement(town: Town) -> None:
    await town.agree("c1", facilities=["s1"])
    await town.agree("c1", "c1-own", facilities=["s2"], prices=[{"item": "lunch", "valid_from": "2026-01-01", "unit_price": "4.00"}])
    await town.grant("A", attends=None)
    bill = await town.bill("c1", lunch("A", DAY), lunch("A", "2026-10-06", facility="s2"))
    assert bill.says == ["accepted 4.50", "reduced 4.00 P-05"]


async def test_p03_what_a_suspended_provider_sends_is_reviewed_from_that_day_on(town: Town) -> None:
    await town.provider("c1", status="suspended", suspended_from="2026-11-02")
    await town.grant("A")
    assert (await town.bill("c1", lunch("A", DAY), at="2026-11-01T10:00:00Z")).says == ["accepted 4.50"]
    assert (await town.bill("c1", lunch("A", "2026-10-06"))).says == ["review ?4.50 P-03"]


async def test_p04_the_grant_names_the_provider(town: Town) -> None:
    await town.grant("A", provider="c2")
    assert (await town.bill("c1", lunch("A", DAY))).says == ["rejected 0.00 P-04"]
    assert (await town.bill("c2", lunch("A", DAY))).says == ["accepted 4.50"]


async def test_p05_p06_the_agreed_price_of_the_day_or_less(town: Town) -> None:
    await town.grant("A")
    prices = [("2026-09-15", "4.50"), ("2026-09-16", "4.50"), ("2026-09-17", "4.20"), ("2026-09-18", "5.00")]
    bill = await town.bill("c1", *(lunch("A", day, unit_price=price) for day, price in prices))
    assert bill.says == ["reduced 4.20 P-05", "accepted 4.50", "accepted 4.20 P-06", "reduced 4.50 P-05"]


async def test_p05_a_dearer_lesson_is_paid_at_the_agreed_price(town: Town) -> None:
    await town.grant("A", "tutoring")
    bill = await town.bill("t1", lesson("A", "2026-10-12", unit_price="24.00"))
    assert bill.says == ["reduced 45.00 P-05"]


async def test_p07_the_towns_ceiling_bounds_the_agreed_price(town: Town) -> None:
    await town.set(lunch_price_ceilings=[{"valid_from": "2026-10-06", "unit_price": "4.00"}])
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", DAY), lunch("A", "2026-10-06"), lunch("A", "2026-10-07", unit_price="4.00"))
    assert bill.says == ["accepted 4.50", "reduced 4.00 P-07", "accepted 4.00 P-06"]
    dear = await town.bill("c1", lunch("A", "2026-10-08", unit_price="5.00"))
    assert dear.says == ["reduced 4.00 P-05 P-07"]


async def test_p08_relatives_where_the_town_excludes_them(town: Town) -> None:
    await town.grant("A", "tutoring")
    assert (await town.bill("t1", lesson("A", "2026-10-12", relative=True))).says == ["rejected 0.00 P-08"]
    await town.set(relatives_excluded=False)
    assert (await town.bill("t1", lesson("A", "2026-10-13", relative=True))).says == ["accepted 45.00"]


async def test_p09_items_and_ways_of_charging_that_are_not_agreed(town: Town) -> None:
    await town.grant("A")
    await town.grant("H", attends="daycare")
    await town.grant("A", "participation")
    assert (await town.bill("c3", lunch("H", DAY, facility="k2"))).says == ["rejected 0.00 P-06 P-09"]
    assert (await town.bill("c1", lunch_month("H", "2026-10", quantity=5, unit_price="4.50"))).says == ["rejected 0.00 P-09"]
    bill = await town.bill(
        "v1", fee("A", "2026-10-01", "2026-10-31", "5.00", item="material"), fee("A", "2026-10-01", "2026-10-31", "5.00")
    )
    assert bill.says == ["rejected 0.00 P-09", "accepted 5.00"]


async def test_h07_another_account_is_noted_and_decides_nothing(town: Town) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", DAY), iban="DE79100100100004711002")
    assert bill.says == ["accepted 4.50 H-07"]

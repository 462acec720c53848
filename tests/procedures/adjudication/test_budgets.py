from tests.procedures.adjudication.lines import lunch, lunch_month
from tests.procedures.adjudication.town import Town

DAYS = [f"2026-10-{day:02d}" for day in (5, 6, 7, 8, 9, 12)]


async def test_b01_whole_days_are_left_or_none(town: Town) -> None:
    await town.grant("A", budget={"kind": "days", "days": 2})
    bill = await town.bill("c1", lunch("A", *DAYS[:3]))
    assert bill.days() == [f"{DAYS[0]} accepted 4.50", f"{DAYS[1]} accepted 4.50", f"{DAYS[2]} rejected 0.00 B-01"]
    assert bill.codes == [{"BUDGET_USED"}]


async def test_b01_cents_are_left_or_none(town: Town) -> None:
    await town.grant("A", budget={"kind": "amount", "amount": "10.00"})
    bill = await town.bill("c1", *(lunch("A", day) for day in DAYS[:4]))
    assert bill.says == ["accepted 4.50", "accepted 4.50", "reduced 1.00 B-01", "rejected 0.00 B-01"]


async def test_b01_a_budget_of_nothing_pays_nothing(town: Town) -> None:
    await town.grant("A", budget={"kind": "amount", "amount": "0.00"})
    await town.grant("B", budget={"kind": "days", "days": 0})
    bill = await town.bill("c1", lunch("A", DAYS[0]), lunch("B", DAYS[0]))
    assert bill.says == ["rejected 0.00 B-01", "rejected 0.00 B-01"]


async def test_b01_a_review_reserves_what_it_would_pay(town: Town) -> None:
    await town.grant("A", facility="s1", budget={"kind": "amount", "amount": "6.00"})
    bill = await town.bill("c1", lunch("A", DAYS[0], facility="s2"), lunch("A", DAYS[1]))
    assert bill.says == ["review ?4.50 M-16", "reduced 1.50 B-01"]


async def test_b01_a_flat_month_uses_opening_days(town: Town) -> None:
    await town.grant("H", attends="daycare", budget={"kind": "days", "days": 7})
    bill = await town.bill("c3", lunch_month("H", "2026-10", attended_days=12))
    assert bill.says == ["reduced 20.00 B-01 M-09"]
    assert bill.bears() == [("sgb2", "20.00", 7)]


async def test_b03_rejected_and_cancelled_lines_free_what_they_held(town: Town) -> None:
    await town.grant("A", budget={"kind": "days", "days": 1})
    missed = await town.bill("c1", lunch("A", DAYS[0], attended=False))
    assert missed.says == ["rejected 0.00 M-07"]
    taken = await town.bill("c1", lunch("A", DAYS[0]))
    assert taken.says == ["accepted 4.50"]
    short = await town.bill("c1", lunch("A", DAYS[1]))
    assert short.says == ["rejected 0.00 B-01"]
    await town.cancel(taken)
    assert (await short.again()).says == ["rejected 0.00 B-01"]
    assert (await town.bill("c1", lunch("A", DAYS[1]))).says == ["accepted 4.50"]


async def test_b04_a_lost_number_counts_for_services_before_the_loss(town: Town) -> None:
    await town.grant("A", budget={"kind": "days", "days": 2})
    old = await town.replace_number("A-lunch", "2026-10-06", at="2026-10-07T10:00:00Z")
    bill = await town.bill(
        "c1",
        lunch("A", DAYS[0], entitlement_number=old),
        lunch("A", DAYS[1], entitlement_number=old),
        lunch("A", DAYS[1]),
        lunch("A", DAYS[2]),
    )
    assert bill.says == ["accepted 4.50", "rejected 0.00 B-04", "accepted 4.50", "rejected 0.00 B-01"]


async def test_b04_external_numbers_of_old_cards_count_too(town: Town) -> None:
    await town.grant("A", number="KARTE-4711")
    bill = await town.bill("c1", lunch("A", DAYS[0], entitlement_number="karte-4711"))
    assert bill.says == ["accepted 4.50"]

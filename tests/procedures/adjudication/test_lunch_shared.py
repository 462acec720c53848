"""M-02, M-03: two providers bill the same lunch."""

import pytest

from tests.procedures.adjudication.lines import lunch, lunch_month
from tests.procedures.adjudication.town import Town

DAY = "2026-10-05"


@pytest.mark.parametrize("first", ["c1", "c2"])
async def test_m02_the_facility_of_the_grant_decides_whoever_comes_first(town: Town, first: str) -> None:
    await town.grant("A", facility="s1")
    here = {"c1": lunch("A", DAY), "c2": lunch("A", DAY, facility="s2")}
    second = {"c1": "c2", "c2": "c1"}[first]
    bills = {by: await town.bill(by, here[by]) for by in (first, second)}
    for bill in bills.values():
        await bill.again()
    assert bills["c1"].says == ["accepted 4.50"]
    # Another facility is a question of its own when nobody else was there first.
    assert bills["c2"].says == (["rejected 0.00 M-02 M-16"] if first == "c1" else ["review ?4.50 M-16"])


async def test_m02_the_provider_of_one_of_two_grants_decides(town: Town) -> None:
    await town.grant("A", provider="c2")
    await town.grant("A", key="A-other", entitlement="A-lunch-2")
    first = await town.bill("c1", lunch("A", DAY, entitlement="A-lunch-2"))
    assert first.says == ["accepted 4.50"]
    second = await town.bill("c2", lunch("A", DAY))
    assert second.says == ["accepted 4.50"]
    assert (await first.again()).says == ["rejected 0.00 M-02"]
    assert await town.history(first) == ["accepted 4.50", "rejected 0.00 M-02"]


@pytest.mark.parametrize("facility", [None, "s1"])
async def test_m03_none_or_both_attributed_go_to_review_both(town: Town, facility: str | None) -> None:
    await town.grant("A", facility=facility)
    first = await town.bill("c1", lunch("A", DAY))
    second = await town.bill("c2", lunch("A", DAY))
    assert second.says == ["review ?4.50 M-03"]
    assert (await first.again()).says == ["review ?4.50 M-03"]


async def test_m03_first_is_paid_already(town: Town) -> None:
    await town.grant("A")
    first = await town.bill("c1", lunch("A", DAY))
    await town.settle()
    second = await town.bill("c2", lunch("A", DAY), at="2026-12-03T10:00:00Z")
    assert second.says == ["review ?4.50 M-03"]
    assert (await first.again()).says == ["accepted 4.50"]
    assert (await town.bill("c2", lunch("A", DAY), at="2026-12-03T10:00:00Z")).says == ["rejected 0.00 M-01"]
    notices = (await town.ok("clerk", "GET", "/notices"))["items"]
    assert [n["kind"] for n in notices] == ["contested_day"]


async def test_m03_three_providers(town: Town) -> None:
    await town.grant("A")
    bills = [await town.bill(by, lunch("A", DAY)) for by in ("c1", "c2", "c4")]
    for bill in bills:
        assert (await bill.again()).says == ["review ?4.50 M-03"]
    again = await town.bill("c1", lunch("A", DAY))
    assert again.says == ["rejected 0.00 M-01"]


async def test_m03_a_third_to_whom_the_day_belongs_ends_the_contest(town: Town) -> None:
    await town.grant("A", facility="s1")
    strangers = [await town.bill(by, lunch("A", DAY, facility="s2")) for by in ("c2", "c4")]
    owner = await town.bill("c1", lunch("A", DAY))
    assert owner.says == ["accepted 4.50"]
    assert [(await bill.again()).says for bill in strangers] == [["review ?4.50 M-16"]] * 2


async def test_m03_after_the_first_was_cancelled_the_second_is_plain(town: Town) -> None:
    await town.grant("A")
    first = await town.bill("c1", lunch("A", DAY))
    await town.cancel(first)
    assert first.says == ["cancelled 0.00"]
    assert (await town.bill("c2", lunch("A", DAY))).says == ["accepted 4.50"]


async def test_m03_when_one_of_two_is_cancelled_the_other_waits_for_a_person_and_nobody_else_gets_in(town: Town) -> None:
    await town.grant("A")
    first = await town.bill("c1", lunch("A", DAY))
    second = await town.bill("c2", lunch("A", DAY))
    await town.cancel(first)
    assert (await second.again()).says == ["review ?4.50 M-03"]
    assert (await town.bill("c1", lunch("A", DAY))).says == ["review ?4.50 M-03"]


async def test_m03_a_flat_month_and_a_single_day_of_it(town: Town) -> None:
    await town.grant("H", attends="daycare")
    month = await town.bill("c3", lunch_month("H", "2026-10", attended_days=12))
    assert month.says == ["accepted 60.00 M-09"]
    day = await town.bill("c1", lunch("H", DAY, facility="k1"))
    assert day.says == ["review ?4.50 M-03"]
    assert (await month.again()).says == ["review ?60.00 M-03 M-09"]


async def test_m03_a_day_and_then_a_flat_month_around_it(town: Town) -> None:
    await town.grant("H", attends="daycare")
    days = await town.bill("c1", lunch("H", DAY, "2026-10-06", facility="k1"))
    month = await town.bill("c3", lunch_month("H", "2026-10", attended_days=12))
    assert month.says == ["review ?60.00 M-03 M-09"]
    assert (await days.again()).says == ["review ?9.00 M-03"]


async def test_m02_the_last_day_of_a_budget_is_free_for_the_one_it_belongs_to(town: Town) -> None:
    await town.grant("A", budget={"kind": "days", "days": 1})
    await town.grant("A", key="A-other", entitlement="A-lunch-2", provider="c2", valid_to="2026-10-31")
    stranger = await town.bill("c1", lunch("A", DAY))
    assert stranger.says == ["accepted 4.50"]
    owner = await town.bill("c2", lunch("A", DAY))
    assert owner.says == ["accepted 4.50"]
    assert (await stranger.again()).says == ["rejected 0.00 B-01 M-02"]


async def test_m01_the_day_is_held_at_another_facility_than_the_grants(town: Town) -> None:
    await town.agree("c1", facilities=["s1", "k4"])
    await town.grant("A", facility="s1")
    assert (await town.bill("c1", lunch("A", DAY, facility="k4"))).says == ["accepted 4.50"]
    assert (await town.bill("c1", lunch("A", DAY))).says == ["rejected 0.00 M-01"]


async def test_m03_the_day_is_paid_at_another_facility_than_the_grants(town: Town) -> None:
    await town.agree("c1", facilities=["k4"])
    await town.grant("A", facility="s1")
    await town.bill("c1", lunch("A", DAY, facility="k4"))
    await town.settle()
    assert (await town.bill("c2", lunch("A", DAY), at="2026-12-03T10:00:00Z")).says == ["review ?4.50 M-03"]


async def test_a_grant_import_re_decides_beside_a_day_that_is_paid_at_another_facility(town: Town) -> None:
    await town.agree("c1", facilities=["k4"])
    await town.grant("A")
    first = await town.bill("c1", lunch("A", DAY, facility="k4"))
    second = await town.bill("c2", lunch("A", DAY))
    review = next(r["id"] for r in (await town.ok("clerk", "GET", "/reviews?state=open"))["items"] if r["invoice_id"] == first.id)
    await town.ok("clerk", "POST", f"/reviews/{review}/resolution", {"decision": "accept", "approved": None, "reason": "Geklärt."})
    await town.settle()
    await town.grant("A", facility="s1", at="2026-12-04T10:00:00Z")
    assert (await second.again()).says == ["review ?4.50 M-03"]

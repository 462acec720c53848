from datetime import date

import asyncpg
import pytest

from but_gateway.db.tenancy import Scope
from but_gateway.kit.period import DayRange
from but_gateway.procedures.replay import replay as verb
from but_gateway.procedures.replay import store
from but_gateway.procedures.replay.model import Replayed, Supposition
from tests.procedures.adjudication.lines import lesson, lunch
from tests.procedures.adjudication.town import Town
from tests.procedures.replay.seasoned import MONDAY, TUESDAY, live, replayed, rows, supposed, take_a_decision, town_id

NOTHING = Supposition()
CEILING = 'town: {lunch_price_ceilings: [{valid_from: 2026-01-01, unit_price: "4.00"}]}'


def by_rule(result: Replayed) -> dict[str, tuple[int, int, int]]:
    """Per rule: found anew, found no longer, cents."""
    return {rule: (one.anew, one.no_longer, one.cents) for rule, one in result.by_rule.items()}


def assert_adds_up(result: Replayed) -> None:
    """The differences by rule and by outcome are the difference of the whole."""
    difference = result.all.approved_after - result.all.approved_before
    assert sum(one.cents for one in result.by_rule.values()) == difference
    assert sum(one.approved_after - one.approved_before for one in result.by_outcome.values()) == difference
    assert sum(one.positions for one in result.by_outcome.values()) == result.changed.positions


async def test_with_everything_as_stored_every_decision_comes_out_the_same(town: Town) -> None:
    await live(town)
    await take_a_decision(town)
    before = await rows(town)
    seen: list[tuple[int, int]] = []
    result = await replayed(town, NOTHING, seen=seen)
    assert result.changed.positions == 0
    assert (result.by_outcome, result.by_rule) == ({}, {})
    assert result.all.approved_before == result.all.approved_after > 0
    assert result.left_out == {"by_person": 1, "cancelled": 2, "corrected": 2, "without_facts": 0}
    assert result.other_rule_sets == 0
    in_all = before["position_state"]
    assert result.all.positions + sum(result.left_out.values()) == in_all
    assert (seen[0], seen[-1]) == ((0, in_all), (in_all, in_all))
    assert await rows(town) == before


async def test_a_price_ceiling_takes_its_part_of_every_dearer_lunch_and_nothing_else(town: Town) -> None:
    await town.grant("A")
    await town.bill("c1", lunch("A", "2026-09-14", MONDAY, TUESDAY), lunch("A", "2026-10-07", unit_price="3.90"))
    before = await rows(town)
    result = await replayed(town, supposed(CEILING))
    # 14 September is agreed at 4.20 (P-05 has taken 0.30 of 4.50), October at 4.50; 3.90 lies under the ceiling.
    assert by_rule(result) == {"P-07": (3, 0, -(20 + 50 + 50))}
    assert (result.all.approved_before, result.all.approved_after) == (1710, 1590)
    assert (result.changed.positions, result.changed.lines) == (3, 1)
    assert {(str(a), str(b)): one.positions for (a, b), one in result.by_outcome.items()} == {
        ("accepted", "reduced"): 2,
        ("reduced", "reduced"): 1,
    }
    assert_adds_up(result)
    assert await rows(town) == before


async def test_a_whole_autumn_under_another_set_adds_up(town: Town) -> None:
    await live(town)
    text = """
        town: {submission_months: 0, late_effect: reject, holiday_lunch: accept, lunch_price_ceilings: []}
        agreements: [{benefit: tutoring, terms: {tutoring: {minutes_rule: whole_units}}}]
        law: [{parameter: bkgg_limitation_months, from: 2026-10-01, value: 0}]
    """
    result = await replayed(town, supposed(text))
    assert_adds_up(result)
    found = by_rule(result)
    assert found["H-06"][0] > 5
    assert result.all.approved_after < result.all.approved_before
    assert ("accepted", "rejected") in {(str(a), str(b)) for a, b in result.by_outcome}


async def test_a_law_may_differ_for_some_days(town: Town) -> None:
    await town.grant("A")
    await town.bill("c1", lunch("A", MONDAY, TUESDAY))
    rate = "law: [{parameter: vat_catering_service_bp, from: 2026-10-06, to: 2026-10-06, value: '19.00'}]"
    assert by_rule(await replayed(town, supposed(rate))) == {"T-01": (1, 0, 0)}
    assert by_rule(await replayed(town, supposed(f"{rate}\ntown: {{tax_effect: review}}"))) == {"T-01": (1, 0, -450)}


async def test_terms_may_differ_for_one_provider_and_benefit(town: Town) -> None:
    await town.grant("A")
    await town.grant("O", "tutoring")
    await town.bill("c1", lunch("A", MONDAY))
    await town.bill("c2", lunch("A", TUESDAY))
    await town.bill("t1", lesson("O", MONDAY, "15:00", "16:00"))
    cheaper = "[{item: lunch, valid_from: 2026-01-01, unit_price: '4.00'}]"
    one = f"agreements: [{{provider: c2, benefit: lunch, terms: {{prices: {cheaper}}}}}]"
    assert by_rule(await replayed(town, supposed(one))) == {"P-05": (1, 0, -50)}
    other = f"agreements: [{{provider: c2, benefit: tutoring, terms: {{prices: {cheaper}}}}}, {{provider: c9, terms: {{mode: flat}}}}]"
    assert by_rule(await replayed(town, supposed(other))) == {}
    whole = "agreements: [{terms: {tutoring: {minutes_rule: whole_units}}}]"
    result = await replayed(town, supposed(whole))
    assert result.changed.positions == 1  # 60 minutes are one unit of 45: 22.50 instead of 30.00
    assert sum(one.cents for one in result.by_rule.values()) == -750


async def test_what_becomes_payable_counts_for_the_rule_that_no_longer_holds(town: Town) -> None:
    await town.set(holiday_lunch="reject")
    await town.grant("A", facility="s1")
    bill = await town.bill("c1", lunch("A", "2026-10-19", facility="k4"))
    assert bill.says == ["rejected 0.00 M-06"]
    assert by_rule(await replayed(town, supposed("town: {holiday_lunch: accept}"))) == {"M-06": (0, 1, 450)}


async def test_what_is_under_review_is_not_paid_but_shown(town: Town) -> None:
    await town.grant("A")
    await town.bill("c1", lunch("A", MONDAY))
    result = await replayed(town, supposed("town: {submission_months: 0}"))
    assert by_rule(result) == {"H-06": (1, 0, -450)}
    assert (result.all.proposed_before, result.all.proposed_after) == (0, 450)


async def test_what_stays_refused_moves_no_money_between_rules(town: Town) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", "2026-10-10"))  # a Saturday
    assert bill.says == ["rejected 0.00 M-05"]
    result = await replayed(town, supposed(CEILING))
    assert by_rule(result) == {"P-07": (1, 0, 0)}
    assert_adds_up(result)


async def test_only_the_service_days_asked_for_are_looked_at(town: Town) -> None:
    await town.grant("A")
    await town.bill("c1", lunch("A", MONDAY, TUESDAY))
    day = date(2026, 10, 6)
    assert (await replayed(town, supposed(CEILING), DayRange(day, day))).all.positions == 1
    assert (await replayed(town, NOTHING, DayRange(date(2025, 1, 1), date(2025, 12, 31)))).all.positions == 0


async def test_batches_and_forgotten_parts_change_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    await live(town)
    whole = await replayed(town, supposed(CEILING))
    monkeypatch.setattr(store, "BATCH", 3)
    monkeypatch.setattr(verb, "_KEPT_MAX", 2)
    assert await replayed(town, supposed(CEILING)) == whole


async def test_the_database_refuses_to_write_in_a_replay(town: Town) -> None:
    async with town.instance.app.state.database.transaction(Scope(await town_id(town))) as unit:
        await store.only_read(unit)
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await unit.driver.execute("DELETE FROM lunch_slot")

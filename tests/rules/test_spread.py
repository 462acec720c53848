"""How amounts are spread over grants and budgets: sums to the cent, units in each budget's own unit."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from but_gateway.rules.evaluate import evaluate
from but_gateway.rules.examples import CLUB_FEE, COUNTED_MONTH, FLAT_MONTH, LESSON, MEAL, varied
from but_gateway.rules.facts import Budget, Facts, Grant
from but_gateway.rules.verdict import Outcome


def grant(key: str, kind: str = "unlimited", limit: int | None = None, basis: str = "sgb2", **fields: object) -> Grant:
    base = Grant(key, 1, key, basis, date(2026, 9, 1), date(2027, 8, 31), budget=Budget(kind, limit))
    return replace(base, **fields)  # type: ignore[arg-type] # the fields are those of Grant


def with_grants(base: Facts, left: tuple[int | None, ...], *grants: Grant) -> Facts:
    return varied(base, situation={"budgets_left": left}, facts={"grants": grants})


def parts(facts: Facts) -> list[tuple[str, int, int]]:
    return [(facts.grants[one.grant].key, one.cents, one.units) for one in evaluate(facts).allocations]


FIRST_HALF: dict[str, Any] = {"valid_to": date(2026, 10, 15)}  # 10 of the 21 opening days of October
SECOND_HALF: dict[str, Any] = {"valid_from": date(2026, 10, 16)}


def test_a_day_goes_to_the_next_grant_when_the_first_has_no_day_left() -> None:
    facts = with_grants(MEAL, (0, 5), grant("a", "days", 20), grant("b", "days", 20))
    assert parts(facts) == [("b", 450, 1)]
    assert evaluate(facts).findings == ()


def test_cents_left_in_one_grant_are_used_before_the_next() -> None:
    assert parts(with_grants(MEAL, (300, None), grant("a", "amount", 2000), grant("b"))) == [("a", 300, 300), ("b", 150, 0)]


def test_minutes_left_in_one_grant_are_used_before_the_next() -> None:
    facts = with_grants(LESSON, (30, 900), grant("a", "minutes", 900), grant("b", "minutes", 900))
    assert parts(facts) == [("a", 1500, 30), ("b", 3000, 60)]


def test_whole_units_leave_a_started_unit_unused() -> None:
    facts = varied(
        with_grants(LESSON, (60, 900), grant("a", "minutes", 900), grant("b", "minutes", 900)), terms={"minutes_rule": "whole_units"}
    )
    assert parts(facts) == [("a", 2250, 45), ("b", 2250, 45)]
    short = varied(with_grants(LESSON, (89,), grant("a", "minutes", 900)), terms={"minutes_rule": "whole_units"})
    assert parts(short) == [("a", 2250, 45)]
    assert evaluate(short).findings[0].values == {"remaining_minutes": "89"}


def test_cents_and_minutes_share_a_lesson() -> None:
    facts = with_grants(LESSON, (1500, 900), grant("a", "amount", 1500), grant("b", "minutes", 900))
    assert parts(facts) == [("a", 1500, 1500), ("b", 3000, 60)]


def test_several_short_budgets_are_added_up_in_the_unit_of_the_first() -> None:
    facts = with_grants(LESSON, (30, 15), grant("a", "minutes", 900), grant("b", "minutes", 900))
    verdict = evaluate(facts)
    assert parts(facts) == [("a", 1500, 30), ("b", 750, 15)]
    assert (verdict.outcome, verdict.approved) == (Outcome.REDUCED, 2250)
    assert [(one.rule, one.values) for one in verdict.findings] == [("L-02", {"remaining_minutes": "45"})]


def test_a_cheaper_lesson_is_cut_by_its_own_price() -> None:
    facts = varied(with_grants(LESSON, (30,), grant("a", "minutes", 900)), situation={"claimed": 4000})
    assert parts(facts) == [("a", 1333, 30)]


def test_a_negative_remainder_counts_as_nothing() -> None:
    assert evaluate(with_grants(MEAL, (-5,), grant("a", "amount", 2000))).outcome is Outcome.REJECTED
    assert evaluate(with_grants(FLAT_MONTH, (-5,), grant("a", "amount", 2000))).outcome is Outcome.REJECTED


def test_savings_that_come_from_the_law_bind_like_an_amount() -> None:
    facts = with_grants(CLUB_FEE, (1000,), grant("a"))
    assert parts(facts) == [("a", 1000, 1000)]
    assert evaluate(facts).findings[0].values == {"available": "10.00"}


@pytest.mark.parametrize("limited", [{"provider_named": True}, {"facility_named": True}, {"status": "disputed"}, {"flagged": True}])
def test_money_never_spills_onto_a_grant_that_would_be_refused_or_reviewed(limited: dict[str, Any]) -> None:
    facts = with_grants(MEAL, (0, None), grant("a", "days", 20), grant("b", **limited))
    verdict = evaluate(facts)
    assert verdict.outcome is Outcome.REJECTED
    assert [one.rule for one in verdict.findings] == ["B-01"]


def test_a_review_may_reserve_on_every_grant_of_the_same_kind_of_doubt() -> None:
    facts = with_grants(MEAL, (300, None), grant("a", "amount", 2000, status="disputed"), grant("b"))
    assert parts(facts) == [("a", 300, 300), ("b", 150, 0)]
    elsewhere = with_grants(MEAL, (300, None), grant("a", "amount", 2000, facility_named=True), grant("b", facility_named=True))
    assert evaluate(elsewhere).outcome is Outcome.REVIEW
    assert parts(elsewhere) == [("a", 300, 300), ("b", 150, 0)]


def test_a_refused_first_grant_bears_alone() -> None:
    named = grant("a", provider_named=True)
    verdict = evaluate(with_grants(MEAL, (None, None), named, grant("b", provider_named=True)))
    assert [one.rule for one in verdict.findings] == ["P-04"]


# ---- months


def test_a_flat_month_is_split_by_opening_days_to_the_cent() -> None:
    facts = with_grants(FLAT_MONTH, (None, None), grant("a", **FIRST_HALF), grant("b", basis="bkgg", valid_from=date(2026, 11, 1)))
    assert parts(facts) == [("a", 2857, 0)]
    facts = with_grants(FLAT_MONTH, (None, None), grant("a", **FIRST_HALF), grant("b", basis="sgb12_4", **SECOND_HALF))
    assert parts(facts) == [("b", 3143, 0), ("a", 2857, 0)]
    assert evaluate(facts).approved == 6000


def test_days_of_a_flat_month_go_to_the_next_grant_when_one_runs_out() -> None:
    facts = with_grants(FLAT_MONTH, (7, None), grant("a", "days", 20), grant("b"))
    assert parts(facts) == [("a", 2000, 7), ("b", 4000, 0)]


def test_a_flat_month_beyond_its_days_is_paid_by_the_days_left() -> None:
    facts = with_grants(FLAT_MONTH, (7,), grant("a", "days", 20))
    verdict = evaluate(facts)
    assert (verdict.approved, verdict.findings[-1].values) == (2000, {"remaining_days": "7"})
    assert parts(facts) == [("a", 2000, 7)]


def test_days_left_in_one_half_do_not_pay_for_the_other() -> None:
    facts = with_grants(FLAT_MONTH, (0, None), grant("a", "days", 20, **FIRST_HALF), grant("b", **SECOND_HALF))
    assert parts(facts) == [("b", 3143, 0)]
    assert evaluate(facts).outcome is Outcome.REDUCED


def test_cents_over_a_budget_go_to_a_grant_of_the_same_days() -> None:
    both = with_grants(FLAT_MONTH, (2000, None), grant("a", "amount", 9000), grant("b"))
    assert parts(both) == [("a", 2000, 2000), ("b", 4000, 0)]
    apart = with_grants(FLAT_MONTH, (2000, None), grant("a", "amount", 9000, **FIRST_HALF), grant("b", **SECOND_HALF))
    assert parts(apart) == [("a", 2000, 2000), ("b", 3143, 0)]
    assert evaluate(apart).findings[-1].values == {"remaining_amount": "20.00"}
    three = with_grants(FLAT_MONTH, (2000, 5, 1000), grant("a", "amount", 9000), grant("b", "days", 20), grant("c", "amount", 9000))
    assert parts(three) == [("a", 2000, 2000), ("c", 1000, 1000)]


def test_counted_meals_are_taken_to_lie_evenly_in_the_month() -> None:
    count = varied(COUNTED_MONTH, situation={"quantity": 4, "claimed": 1800})
    facts = with_grants(count, (50, 50), grant("a", "days", 50, **FIRST_HALF), grant("b", "days", 50, **SECOND_HALF))
    assert parts(facts) == [("a", 900, 2), ("b", 900, 2)]
    short = with_grants(count, (1,), grant("a", "days", 50))
    assert parts(short) == [("a", 450, 1)]
    assert evaluate(short).findings[-1].values == {"remaining_days": "1"}


def test_budgets_that_are_not_given_are_unlimited() -> None:
    assert parts(with_grants(MEAL, (), grant("a", "days", 1))) == [("a", 450, 0)]

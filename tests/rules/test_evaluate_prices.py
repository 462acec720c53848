"""Whole decisions: prices, ceilings, taxes, budgets and what the town may choose."""

from datetime import date

from but_gateway.rules.evaluate import evaluate
from but_gateway.rules.examples import (
    CLASS_TRIP,
    CLUB_FEE,
    COUNTED_MONTH,
    LESSON,
    MEAL,
    on,
    varied,
)
from but_gateway.rules.facts import Budget, Closed, DatedPrice, Facts, Overlap
from but_gateway.rules.verdict import Allocation, Effect, Outcome, Verdict

ACCEPTED, REDUCED, REVIEW, REJECTED = Outcome.ACCEPTED, Outcome.REDUCED, Outcome.REVIEW, Outcome.REJECTED


def rules(verdict: Verdict) -> list[str]:
    return [finding.rule for finding in verdict.findings]


def short(verdict: Verdict) -> tuple[Outcome, int, list[str]]:
    return verdict.outcome, verdict.approved, rules(verdict)


# ---- prices


def test_the_ceiling_bounds_a_late_cancellation_too() -> None:
    facts = varied(
        MEAL,
        claim={"attended": False, "cancelled_late": True},
        agreement={"late_cancellation_share": 5000},
        town={"lunch_price_ceilings": (DatedPrice("lunch", date(2026, 1, 1), 400),)},
    )
    assert short(evaluate(facts)) == (REDUCED, 200, ["P-07", "M-08"])


def test_nothing_agreed_for_late_cancellations_is_a_refusal_and_zero_is_too() -> None:
    missed = varied(MEAL, claim={"attended": False, "cancelled_late": True})
    assert short(evaluate(missed)) == (REJECTED, 0, ["M-07"])
    verdict = evaluate(varied(missed, agreement={"late_cancellation_share": 0}))
    assert short(verdict) == (REJECTED, 0, ["M-08"])
    assert verdict.findings[0].values == {"share": "0.00"}


def test_the_size_of_the_group_decides_which_price_holds() -> None:
    facts = varied(LESSON, lesson={"group_size": 3})
    (finding, *_) = evaluate(facts).findings
    assert (finding.rule, finding.values) == ("P-05", {"agreed": "12.00", "billed": "22.50"})
    assert evaluate(facts).approved == 2400


def test_actual_cost_is_paid_where_no_price_is_agreed() -> None:
    assert short(evaluate(CLASS_TRIP)) == (ACCEPTED, 24000, [])
    facts = varied(LESSON, agreement={"prices": ()}, claim={"unit_price": 3000}, situation={"claimed": 7000})
    assert short(evaluate(facts)) == (REDUCED, 6000, ["L-03"])


def test_a_fee_over_several_units_is_reduced_unit_by_unit() -> None:
    facts = varied(
        CLUB_FEE,
        situation={"quantity": 3, "claimed": 4500},
        agreement={"prices": (DatedPrice("fee", date(2026, 1, 1), 1200),)},
    )
    assert short(evaluate(facts)) == (REDUCED, 3600, ["P-05"])


def test_tax_rules_review_only_where_the_town_asks_for_it() -> None:
    wrong = varied(MEAL, claim={"vat_rate": 1900})
    assert short(evaluate(wrong)) == (ACCEPTED, 450, ["T-01"])
    assert evaluate(wrong).findings[0].values == {"billed_rate": "19.00", "expected_rate": "7.00"}
    assert evaluate(varied(wrong, town={"tax_effect": "review"})).outcome is REVIEW
    small = varied(CLUB_FEE, claim={"vat_rate": 1900})
    assert rules(evaluate(varied(small, town={"tax_effect": "review"}))) == ["T-02"]
    unnamed = varied(LESSON, claim={"vat_exemption": None}, town={"tax_effect": "review"})
    assert rules(evaluate(unnamed)) == ["T-03"]


def test_a_lesson_twice_by_the_same_provider_is_refused_once() -> None:
    facts = varied(LESSON, situation={"overlap": Overlap(same_provider=True, same_start=True)})
    assert short(evaluate(facts)) == (REJECTED, 0, ["D-01"])


def test_budget_kinds_that_cannot_count_a_position_do_not_bind_it() -> None:
    meal = varied(MEAL, grant={"budget": Budget("minutes", 10)}, situation={"budgets_left": (0,)})
    assert short(evaluate(meal)) == (ACCEPTED, 450, [])
    assert evaluate(meal).allocations == (Allocation(0, 450, 0),)


def test_a_budget_of_minutes_is_counted_at_the_individual_price_where_no_group_price_is_agreed() -> None:
    facts = varied(
        LESSON,
        situation={"budgets_left": (45,)},
        grant={"tutoring_form": "group"},
        agreement={"prices": (DatedPrice("individual", date(2026, 1, 1), 2250),)},
    )
    verdict = evaluate(facts)
    assert [(finding.rule, finding.payable) for finding in verdict.findings] == [("P-09", None), ("L-02", 2250)]


def effect_of(facts: Facts, rule: str) -> Effect:
    (found,) = [finding.effect for finding in evaluate(facts).findings if finding.rule == rule]
    return found


def test_the_town_or_the_agreement_says_whether_lateness_is_reviewed_or_refused() -> None:
    late = varied(MEAL, situation={"received_on": date(2027, 2, 1)})
    assert effect_of(late, "H-06") is Effect.REVIEW
    assert effect_of(varied(late, town={"late_effect": "reject"}), "H-06") is Effect.REJECT
    assert effect_of(varied(late, town={"late_effect": "reject"}, agreement={"late_effect": "review"}), "H-06") is Effect.REVIEW


def test_the_town_says_whether_holiday_lunches_are_reviewed_or_refused() -> None:
    holiday = varied(MEAL, situation={"closed": Closed.SCHOOL_HOLIDAY}, facility={"kind": "after_school"}, grant={"attends": None})
    assert effect_of(holiday, "M-06") is Effect.REVIEW
    assert effect_of(varied(holiday, town={"holiday_lunch": "reject"}), "M-06") is Effect.REJECT


def test_the_same_service_twice_is_refused_to_one_provider_and_reviewed_between_two() -> None:
    assert effect_of(varied(CLUB_FEE, situation={"overlap": Overlap(same_provider=True)}), "D-01") is Effect.REJECT
    assert effect_of(varied(CLUB_FEE, situation={"overlap": Overlap(same_provider=False)}), "D-01") is Effect.REVIEW


def test_a_reduction_that_leaves_a_cent_is_none_to_nothing() -> None:
    assert effect_of(varied(MEAL, grant={"budget": Budget("amount", 2000)}, situation={"budgets_left": (1,)}), "B-01") is Effect.REDUCE
    assert effect_of(varied(MEAL, grant={"budget": Budget("amount", 2000)}, situation={"budgets_left": (0,)}), "B-01") is Effect.REJECT


def test_material_is_not_agreed_even_when_a_lesson_stands_beside_it() -> None:
    (finding,) = [one for one in evaluate(varied(LESSON, claim={"item": "material"})).findings if one.rule == "P-09"]
    assert finding.values == {"item": "material"}


def test_a_price_holds_from_its_first_day_on() -> None:
    assert short(evaluate(varied(MEAL, situation=on(date(2026, 9, 15))))) == (REDUCED, 420, ["P-05"])
    assert short(evaluate(varied(MEAL, situation=on(date(2026, 9, 16))))) == (ACCEPTED, 450, [])


def test_the_ceiling_holds_for_every_meal_counted() -> None:
    cap = {"lunch_price_ceilings": (DatedPrice("lunch", date(2026, 1, 1), 400),)}
    assert short(evaluate(varied(COUNTED_MONTH, town=cap))) == (REDUCED, 8000, ["P-07"])

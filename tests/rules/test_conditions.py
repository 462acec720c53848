"""Each half of a condition decides: cases in which one part of a rule's condition holds and another does not (see docs/mutation.md)."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from but_gateway.law.parameters import law_at
from but_gateway.rules.context import Context
from but_gateway.rules.document import part_document
from but_gateway.rules.evaluate import evaluate
from but_gateway.rules.examples import CLUB_FEE, CORRECTION, COUNTED_MONTH, FLAT_MONTH, LESSON, MEAL, on, varied, workdays
from but_gateway.rules.facts import Budget, Closed, Corrected, DatedPrice, Facts, Form, Grant, Overlap, Rival, SlotState
from but_gateway.rules.header import period_too_short
from but_gateway.rules.pricing import item_of, price_on
from but_gateway.rules.reconsider import Borne, without_refusals
from but_gateway.rules.spread import plan_of
from but_gateway.rules.verdict import Allocation, Outcome

MISSED: dict[str, Any] = {"attended": False}
WITH_FEE: dict[str, Any] = {"absence_share": 5000, "absences_per_month": 1}
HALF: dict[str, Any] = {"late_cancellation_share": 5000}
GROUP_ONLY: dict[str, Any] = {"tutoring_form": "group"}
NO_LESSON: dict[str, Any] = {"lesson": None}
LATE_IN_2010: dict[str, Any] = {**on(date(2010, 12, 31)), "received_on": date(2012, 3, 1)}
SINCE_2010: dict[str, Any] = {"valid_from": date(2010, 1, 1)}


def found(facts: Facts) -> list[str]:
    return [finding.rule for finding in evaluate(facts).findings]


def paid_by(facts: Facts) -> list[str]:
    return [facts.grants[one.grant].key for one in evaluate(facts).allocations]


def grant(key: str, basis: str, **fields: Any) -> Grant:  # noqa: ANN401 - fields of all types
    return replace(Grant(key, 1, key, basis, date(2026, 9, 1), date(2027, 8, 31)), **fields)


# ---- which grant


def test_a_grant_that_names_this_provider_keeps_its_place() -> None:
    named = grant("a", "sgb12_4", provider_named=True, provider_is_this=True)
    assert paid_by(replace(MEAL, grants=(named, grant("b", "sgb2")))) == ["a"]


def test_participation_knows_no_age_limit_of_education() -> None:
    assert found(varied(CLUB_FEE, situation={"age": 25, "age_before_month": 25})) == ["X-02"]


def test_why_nothing_is_granted_is_said_once() -> None:
    assert found(replace(MEAL, grants=())) == ["E-02"]
    assert found(varied(MEAL, situation={"age": 25})) == ["E-04"]
    assert found(varied(MEAL, grant={"valid_from": date(2026, 10, 6)})) == ["E-01"]


@pytest.mark.parametrize("base", [MEAL, LESSON, CLUB_FEE, FLAT_MONTH, COUNTED_MONTH])
def test_without_a_grant_for_the_day_only_that_is_refused(base: Facts) -> None:
    facts = varied(base, grant={"valid_from": date(2027, 3, 1), "valid_to": date(2027, 4, 30), "provider_named": True, "flagged": True})
    assert found(facts) == ["E-01"]
    assert evaluate(facts).outcome is Outcome.REJECTED


def test_a_missed_lesson_without_a_grant_has_still_its_fee() -> None:
    facts = varied(LESSON, grant={"valid_from": date(2026, 11, 1)}, claim=MISSED, terms=WITH_FEE)
    assert found(facts) == ["E-01", "L-08"]


def test_without_the_law_of_the_day_a_person_looks_and_no_term_is_counted() -> None:
    old = {"prices": ()}
    meal = varied(MEAL, situation=LATE_IN_2010, grant={**SINCE_2010, "legal_basis": "bkgg"}, agreement=old, town={"late_effect": "accept"})
    assert found(meal) == ["law_not_loaded"]
    fee = varied(CLUB_FEE, situation={**LATE_IN_2010, "age": 30}, grant=SINCE_2010, agreement=old, town={"late_effect": "accept"})
    assert found(fee) == ["law_not_loaded"]


def test_only_grants_that_pay_tell_of_trust() -> None:
    untold = {"revoked_from": date(2026, 9, 1)}
    assert found(replace(MEAL, grants=(grant("a", "sgb2"), grant("b", "sgb2", **untold)))) == []
    first = grant("a", "sgb2", valid_to=date(2026, 10, 15))
    second = grant("b", "sgb2", valid_from=date(2026, 10, 16), revoked_from=date(2026, 10, 20))
    assert found(varied(FLAT_MONTH, facts={"grants": (first, second)})) == ["E-08", "M-09"]
    over = replace(first, revoked_from=date(2026, 10, 20))  # later than its end: nothing was paid by trust
    assert found(varied(FLAT_MONTH, facts={"grants": (over, replace(second, revoked_from=None))})) == ["M-09"]


# ---- prices


def test_only_a_flat_month_is_one_price_for_all() -> None:
    facts = varied(
        CLUB_FEE,
        situation={"quantity": 3, "claimed": 3600},
        claim={"unit_price": 1200},
        agreement={"mode": "flat", "prices": (DatedPrice("fee", date(2026, 1, 1), 1200),)},
    )
    assert found(facts) == []
    assert evaluate(facts).approved == 3600


def test_at_the_agreed_price_the_duration_speaks_and_not_the_price() -> None:
    assert found(varied(LESSON, situation={"claimed": 4800})) == ["L-03"]


def test_at_the_ceiling_the_ceiling_is_silent() -> None:
    facts = varied(
        MEAL,
        situation={"claimed": 450},
        claim={"unit_price": 400},
        town={"lunch_price_ceilings": (DatedPrice("lunch", date(2026, 1, 1), 400),)},
    )
    assert "P-07" not in found(facts)


def test_prices_need_not_stand_in_order() -> None:
    prices = (
        DatedPrice("lunch", date(2026, 9, 16), 450),
        DatedPrice("lunch", date(2026, 1, 1), 420),
        DatedPrice("x", date(2026, 10, 1), 1),
    )
    assert price_on(prices, "lunch", date(2026, 10, 5)) == 450
    assert price_on(prices, "lunch", date(2026, 9, 15)) == 420
    assert price_on(prices, "lunch", date(2025, 12, 31)) is None


def test_an_item_without_a_lesson_is_what_the_line_says() -> None:
    assert item_of(replace(LESSON.claim, lesson=None)) == "individual"


def test_two_children_are_a_group() -> None:
    assert found(varied(LESSON, lesson={"group_size": 2})) == ["P-05"]


def test_lunch_over_several_days_is_not_agreed_under_a_monthly_count_either() -> None:
    assert "P-09" in found(varied(COUNTED_MONTH, claim={"form": Form.RANGE}))


def test_a_group_at_actual_cost_needs_no_price_list() -> None:
    facts = varied(LESSON, claim={"item": "group"}, lesson={"group_size": 3}, grant=GROUP_ONLY, agreement={"prices": ()})
    assert found(facts) == []
    assert "P-09" in found(varied(facts, lesson={"group_size": 1}))


# ---- lunch


def rival(state: SlotState = SlotState.HELD, *, own: bool = False, theirs: bool = False, mine: bool = False) -> Facts:
    return varied(MEAL, situation={"rival": Rival(own, state, attributed=theirs, this_attributed=mine)})


def test_a_lunch_billed_twice_is_refused_for_one_reason() -> None:
    assert found(rival(own=True, theirs=True)) == ["M-01"]
    assert found(rival()) == ["M-03"]
    assert found(rival(theirs=True)) == ["M-02"]
    assert found(rival(SlotState.SETTLED, theirs=True)) == ["M-02"]
    assert found(rival(SlotState.SETTLED, mine=True)) == ["M-03"]
    assert found(rival(SlotState.CONTESTED, mine=True)) == []


def test_a_lunch_that_was_eaten_is_paid_whole_even_when_it_was_cancelled() -> None:
    assert found(varied(MEAL, claim={"cancelled_late": True}, agreement=HALF)) == []
    assert found(varied(MEAL, claim=MISSED, agreement=HALF)) == ["M-07"]


def test_a_line_without_a_facility_is_closed_and_no_holiday_care() -> None:
    assert found(varied(MEAL, situation={"closed": Closed.SCHOOL_HOLIDAY}, facts={"facility": None})) == ["M-05"]
    assert found(varied(MEAL, facts={"facility": None})) == []


def test_a_childminder_needs_no_contract_with_the_school() -> None:
    assert found(varied(MEAL, facility={"kind": "childminder"})) == []


def test_the_own_share_of_a_flat_month_without_attendance_is_nothing() -> None:
    facts = varied(
        FLAT_MONTH,
        situation={"first_day": date(2019, 7, 1), "last_day": date(2019, 7, 31), "received_on": date(2019, 8, 20), "open_days": ()},
        claim={"attended_days": None},
        grant={"valid_from": date(2019, 1, 1)},
        agreement={"prices": (), "vat_treatment": "food_delivery"},
    )
    assert found(facts) == ["M-11"]


def test_absence_counts_where_a_threshold_is_agreed_by_its_run_or_where_that_is_not_known_as_a_whole() -> None:
    assert found(varied(FLAT_MONTH, situation={"absence_days_run": 9})) == ["M-09"]
    assert found(varied(FLAT_MONTH, situation={"absence_days_run": 9}, agreement={"absence_threshold_days": 5})) == ["M-11"]
    assert found(varied(FLAT_MONTH, situation={"absence_days_run": 4}, agreement={"absence_threshold_days": 5})) == ["M-09"]
    # Nine of 21 opening days without attendance: where their longest run is not known, all of them count.
    assert found(varied(FLAT_MONTH, agreement={"absence_threshold_days": 9})) == ["M-11"]
    assert found(varied(FLAT_MONTH, agreement={"absence_threshold_days": 10})) == ["M-09"]


def test_a_counted_month_is_no_flat_month_whatever_it_says_of_attendance() -> None:
    assert found(varied(COUNTED_MONTH, claim={"attended_days": 20})) == []


def test_february_is_a_whole_month_in_thirtieths() -> None:
    days = {"first_day": date(2027, 2, 1), "last_day": date(2027, 2, 28), "received_on": date(2027, 3, 1)}
    open_days = workdays(date(2027, 2, 1), date(2027, 2, 28))
    facts = varied(FLAT_MONTH, situation={**days, "open_days": open_days}, town={"flat_proration": "calendar_30ths"})
    assert found(facts) == ["M-09"]


# ---- tutoring


def test_a_missed_lesson_is_not_measured_by_recorded_times() -> None:
    facts = varied(LESSON, claim=MISSED, lesson={"recorded_to": 930}, terms=WITH_FEE)
    assert found(facts) == ["L-08"]
    assert evaluate(facts).approved == 2250


def test_a_lesson_without_its_beginning_has_no_record() -> None:
    assert found(varied(LESSON, lesson={"recorded_from": None})) == ["L-14"]


def test_the_same_beginning_at_another_provider_is_an_overlap_and_no_double() -> None:
    assert found(varied(LESSON, situation={"overlap": Overlap(same_provider=False, same_start=True)})) == ["L-09"]
    assert found(varied(LESSON, situation={"overlap": Overlap(same_provider=True, same_start=True)})) == ["D-01"]


def test_material_is_refused_as_such_and_not_by_its_duration() -> None:
    assert found(varied(LESSON, claim={"item": "material", **NO_LESSON})) == ["P-09"]
    two = varied(LESSON, claim={"item": "material", **NO_LESSON}, facts={"grants": (*LESSON.grants, *LESSON.grants)})
    assert found(two) == ["P-09"]


def test_the_group_price_is_for_lessons_only() -> None:
    facts = varied(LESSON, claim={"item": "material"}, grant=GROUP_ONLY, situation={"budgets_left": (45,)})
    assert "L-05" not in found(facts)
    assert without_refusals(facts).cents == 2250


@pytest.mark.parametrize("attended", [True, False])
def test_a_line_without_a_lesson_has_no_group_price_and_no_fee(attended: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    facts = varied(LESSON, claim={**NO_LESSON, "attended": attended}, grant=GROUP_ONLY, terms=WITH_FEE)
    assert found(facts) == []
    alone = varied(facts, agreement={"prices": (DatedPrice("individual", date(2026, 1, 1), 2250),)})
    assert found(alone) == []


def test_a_lesson_at_just_the_agreed_price_is_cut_at_that_price() -> None:
    facts = varied(
        LESSON,
        situation={"claimed": 1587},
        claim={"unit_price": 1190},
        lesson={"minutes": 60, "recorded_to": 930},
        agreement={"prices": (DatedPrice("individual", date(2026, 1, 1), 1190),)},
    )
    assert found(facts) == ["L-04"]
    assert evaluate(facts).approved == 793  # 30 minutes at 11.90 a unit, not half of the rounded 15.87


# ---- budgets


def spread(base: Facts, left: tuple[int | None, ...], *grants: Grant) -> list[tuple[str, int, int]]:
    facts = varied(base, situation={"budgets_left": left}, facts={"grants": grants})
    return [(grants[one.grant].key, one.cents, one.units) for one in evaluate(facts).allocations]


def in_cents(key: str, **fields: Any) -> Grant:  # noqa: ANN401 - fields of all types
    return grant(key, "sgb2", budget=Budget("amount", 9000), **fields)


def test_a_cent_short_is_short() -> None:
    facts = varied(MEAL, situation={"budgets_left": (449,)}, facts={"grants": (in_cents("a"),)})
    assert (found(facts), evaluate(facts).approved) == (["B-01"], 449)
    month = varied(FLAT_MONTH, situation={"budgets_left": (5999,)}, facts={"grants": (in_cents("a"),)})
    assert (found(month)[-1], evaluate(month).approved) == ("B-01", 5999)


def test_a_cent_is_borne_like_any_amount_and_nothing_by_nobody() -> None:
    one = {"claimed": 1}
    assert without_refusals(varied(MEAL, situation=one)).allocations == (Allocation(0, 1, 0),)
    assert without_refusals(varied(MEAL, situation={"claimed": 0})) == Borne(0, ())
    assert spread(varied(FLAT_MONTH, situation=one), (None,), grant("a", "sgb2")) == [("a", 1, 0)]


def test_a_minute_is_counted_like_any_number_of_them() -> None:
    facts = varied(LESSON, situation={"claimed": 50}, lesson={"minutes": 1, "recorded_to": 901})
    assert evaluate(facts).allocations == (Allocation(0, 50, 1),)


def test_what_one_budget_cannot_bear_goes_only_into_the_room_another_has_beside_its_own_part() -> None:
    first, second = in_cents("a", valid_to=date(2026, 10, 15)), in_cents("b")
    assert spread(FLAT_MONTH, (2000, 3500), first, second) == [("a", 2000, 2000), ("b", 3500, 3500)]


def test_a_plan_is_made_anew_when_something_else_reduces_what_is_left() -> None:
    context = Context(MEAL, law_at(date(2026, 10, 5)))
    assert plan_of(context).payable == 450
    context.left = 300
    assert plan_of(context).payable == 300


# ---- amounts, documents, periods


def test_a_correction_of_nothing_that_refers_to_nothing_fails_twice() -> None:
    assert found(varied(CORRECTION, situation={"claimed": 0, "corrected": Corrected(found=False)})) == ["H-08", "S-03"]
    assert found(varied(CORRECTION, situation={"claimed": -1})) == []


def test_a_share_of_nothing_is_a_refusal_a_person_can_set_aside() -> None:
    facts = varied(MEAL, claim={"attended": False, "cancelled_late": True}, agreement={"late_cancellation_share": 0})
    assert without_refusals(facts).cents == 450


def test_what_equals_the_default_is_left_out_of_documents_even_when_it_is_another_object() -> None:
    assert "b" not in part_document(replace(MEAL.grants[0], budget=Budget("unlimited")))


def test_a_period_from_the_last_day_of_a_longer_month_ends_the_day_before() -> None:
    assert not period_too_short(date(2027, 3, 30), date(2027, 4, 29), 1)
    assert period_too_short(date(2027, 3, 30), date(2027, 4, 28), 1)

from dataclasses import replace
from datetime import date
from typing import Any

from but_gateway.rules.evaluate import evaluate
from but_gateway.rules.examples import LESSON, MEAL
from but_gateway.rules.facts import Closed, Facts, Identity
from but_gateway.rules.reconsider import Borne, bear, without_refusals
from but_gateway.rules.verdict import Allocation


def differs(facts: Facts, **situation: Any) -> Facts:  # noqa: ANN401 - fields of all types
    return replace(facts, situation=replace(facts.situation, **situation))


def test_what_nothing_refuses_comes_to_what_it_came_to() -> None:
    for facts in (MEAL, LESSON):
        verdict = evaluate(facts)
        assert without_refusals(facts) == Borne(verdict.approved, verdict.allocations)


def test_refusals_and_reviews_are_set_aside_and_reductions_are_not() -> None:
    closed = differs(MEAL, closed=Closed.WEEKEND, iban_differs=True, claimed=500)
    closed = replace(closed, claim=replace(closed.claim, unit_price=500))
    assert evaluate(closed).approved == 0
    assert without_refusals(closed).cents == 450


def test_a_name_that_differs_hides_nothing_from_a_person() -> None:
    assert without_refusals(differs(MEAL, identity=Identity.NAME_DIFFERS)).cents == 450


def test_nothing_is_said_of_a_grant_where_identity_or_agreement_fail() -> None:
    assert without_refusals(differs(MEAL, identity=Identity.WRONG_BIRTH_DATE)) == Borne(0, ())
    assert without_refusals(replace(MEAL, agreement=None)) == Borne(0, ())


def test_without_a_grant_nothing_is_borne() -> None:
    uncovered = differs(MEAL, first_day=date(2025, 1, 6), last_day=date(2025, 1, 6))
    assert without_refusals(uncovered) == bear(uncovered, 450) == Borne(0, (), covered=False)


def test_a_persons_amount_is_borne_within_the_budgets() -> None:
    assert bear(LESSON, 100).cents == 100
    short = differs(LESSON, budgets_left=(0,))
    assert bear(short, 100) == Borne(0, ())
    assert bear(MEAL, 450) == Borne(450, (Allocation(0, 450, 0),))


def test_a_day_the_law_is_not_loaded_for_is_reconsidered_without_it() -> None:
    far = date(1990, 1, 8)
    grant = replace(MEAL.grants[0], valid_from=far)
    assert bear(replace(differs(MEAL, first_day=far, last_day=far), grants=(grant,)), 450).cents == 450

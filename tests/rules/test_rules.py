"""Every rule by its own examples, and what must hold for the catalogue as a whole."""

from collections.abc import Iterator

import pytest

from but_gateway.law.parameters import law_at
from but_gateway.rules.catalogue import BY_ID, CATALOGUE, ELSEWHERE, checks_for, turning_days
from but_gateway.rules.context import Context
from but_gateway.rules.evaluate import evaluate
from but_gateway.rules.examples import CLASS_TRIP, CLUB_FEE, CORRECTION, COUNTED_MONTH, FLAT_MONTH, LESSON, MEAL
from but_gateway.rules.facts import Form
from but_gateway.rules.rule import REJECT, Example, Rule, rule
from but_gateway.rules.texts import catalogue
from but_gateway.rules.verdict import Effect, Finding, Verdict

PUBLISHED = {
    "H": range(1, 9), "I": range(1, 6), "E": range(1, 15), "P": range(1, 10), "M": range(1, 19), "L": range(1, 18), "X": range(1, 9),
    "B": range(1, 5), "T": range(1, 4), "S": range(1, 11), "D": range(1, 2),
}  # fmt: skip


def cases() -> Iterator[object]:
    for one in CATALOGUE:
        for example in one.examples:
            verb = "fires" if example.holds else "passes"
            yield pytest.param(one, example, id=f"{one.id} {verb}: {example.says}")


def findings_of(verdict: Verdict) -> dict[str, Finding]:
    return {finding.rule: finding for finding in verdict.findings}


@pytest.mark.parametrize(("one", "example"), list(cases()))
def test_rule(one: Rule, example: Example) -> None:
    found = findings_of(evaluate(example.facts)).get(one.id)
    assert (found is not None) == example.holds
    if found is not None:
        assert found.effect in one.effects
        catalogue().reason(one.id).check(found.values)  # the names are those that reasons.yaml declares


@pytest.mark.parametrize("one", CATALOGUE, ids=lambda one: one.id)
def test_every_effect_of_a_rule_is_shown_by_an_example(one: Rule) -> None:
    shown = {found.effect for example in one.examples if (found := findings_of(evaluate(example.facts)).get(one.id)) is not None}
    assert shown <= set(one.effects)
    if one.effects != (Effect.REDUCE, Effect.REJECT):  # the refusal of a reduction to nothing is one piece of code
        assert shown == set(one.effects)


def test_every_id_of_the_published_catalogue_has_its_place_and_only_one() -> None:
    published = {f"{family}-{number:02d}" for family, numbers in PUBLISHED.items() for number in numbers}
    assert set(BY_ID) | set(ELSEWHERE) == published | {"law_not_loaded"}
    assert not set(BY_ID) & set(ELSEWHERE)
    assert len(BY_ID) == len(CATALOGUE)


@pytest.mark.parametrize("one", CATALOGUE, ids=lambda one: one.id)
def test_every_rule_says_what_it_asks_and_where_it_stands(one: Rule) -> None:
    assert one.condition.endswith(".")
    assert one.basis
    assert one.check.__doc__


def test_a_rule_without_both_kinds_of_examples_is_refused() -> None:
    with pytest.raises(ValueError, match="needs an example that holds and one that does not"):
        rule("Z-01", effect=REJECT, condition="", basis="", examples=(Example("", holds=True, facts=MEAL),))


@pytest.mark.parametrize("one", CATALOGUE, ids=lambda one: one.id)
def test_a_rule_asked_about_anything_finds_only_itself_and_changes_nothing(one: Rule) -> None:
    for facts in (MEAL, FLAT_MONTH, COUNTED_MONTH, LESSON, CLUB_FEE, CLASS_TRIP, CORRECTION):
        context = Context(facts, law_at(facts.situation.first_day))
        left = context.left
        found = one.check(context)
        assert found is None or found.rule == one.id
        assert context.left == left


def test_findings_stand_in_catalogue_order() -> None:
    place = {one.id: number for number, one in enumerate(CATALOGUE)}
    for one in CATALOGUE:
        for example in one.examples:
            found = [place[finding.rule] for finding in evaluate(example.facts).findings]
            assert found == sorted(found)


def test_the_own_share_is_asked_for_until_july_2019_only() -> None:
    (turning,) = turning_days()
    check = BY_ID["M-14"].check
    before = turning.replace(month=7, day=31)
    assert check in checks_for("lunch", Form.DAY, before)
    assert check not in checks_for("lunch", Form.DAY, turning)


def test_a_rule_holds_from_its_first_to_its_last_day() -> None:
    own_share = BY_ID["M-14"]
    assert own_share.until is not None
    since = rule("Z-02", effect=REJECT, condition="", basis="", examples=own_share.examples, since=own_share.until)(own_share.check)
    assert since.applies("lunch", Form.DAY, own_share.until)
    assert not since.applies("lunch", Form.DAY, own_share.until.replace(day=30))
    assert own_share.applies("lunch", Form.DAY, own_share.until)
    assert not own_share.applies("lunch", Form.DAY, own_share.until.replace(month=8, day=1))


def test_rules_are_asked_only_about_their_benefits_and_forms() -> None:
    lunch_days = checks_for("lunch", Form.DAY, MEAL.situation.first_day)
    lunch_months = checks_for("lunch", Form.MONTH, FLAT_MONTH.situation.first_day)
    assert BY_ID["M-05"].check in lunch_days
    assert BY_ID["M-05"].check not in lunch_months
    assert BY_ID["M-09"].check in lunch_months
    assert BY_ID["L-01"].check not in lunch_days
    assert not {BY_ID[one].check for one in ("I-01", "P-01", "S-03")} & {*lunch_days, *lunch_months}

"""Facts as documents: compact, JSON-able, exact, and readable for ever."""

import json
import time
from dataclasses import MISSING, fields

import pytest

from but_gateway.rules import document, facts
from but_gateway.rules.catalogue import CATALOGUE
from but_gateway.rules.document import (
    from_document,
    part_document,
    part_from_document,
    situation_document,
    situation_from_document,
    to_document,
)
from but_gateway.rules.evaluate import evaluate
from but_gateway.rules.examples import CORRECTION, COUNTED_MONTH, FLAT_MONTH, LESSON, MEAL
from but_gateway.rules.facts import Agreement, Claim, Facility, Facts, Grant, Provider, Situation, Town

EXAMPLES = [example.facts for one in CATALOGUE for example in one.examples]


def test_every_example_reads_back_exactly_and_decides_the_same() -> None:
    for given in EXAMPLES:
        stored = json.loads(json.dumps(to_document(given), allow_nan=False))
        assert from_document(stored) == given
        assert evaluate(from_document(stored)) == evaluate(given)


def test_parts_read_back_exactly_on_their_own() -> None:
    for given in (MEAL, LESSON, FLAT_MONTH, CORRECTION):
        assert situation_from_document(situation_document(given.situation)) == given.situation
        assert part_from_document(Town, part_document(given.town)) == given.town
        assert part_from_document(Provider, part_document(given.provider)) == given.provider
        assert part_from_document(Claim, part_document(given.claim)) == given.claim
        assert part_from_document(Grant, part_document(given.grants[0])) == given.grants[0]
        assert given.agreement is not None
        assert part_from_document(Agreement, part_document(given.agreement)) == given.agreement
    assert MEAL.facility is not None
    assert part_from_document(Facility, part_document(MEAL.facility)) == MEAL.facility


def test_the_parts_of_a_document_are_the_documents_of_the_parts() -> None:
    whole = to_document(COUNTED_MONTH)
    assert whole["s"] == situation_document(COUNTED_MONTH.situation)
    assert whole["c"] == part_document(COUNTED_MONTH.claim)
    assert whole["g"] == [part_document(one) for one in COUNTED_MONTH.grants]


def test_defaults_are_left_out() -> None:
    assert part_document(Town()) == {}
    assert part_document(Provider()) == {}
    assert part_document(Town(submission_months=6)) == {"sm": 6}


def test_a_document_of_this_version_stays_readable() -> None:
    stored = (
        '{"s":{"f":"2026-10-05","t":"2026-10-05","q":1,"c":450,"r":"2026-11-02","a":10,"am":10,"bl":[null]},'
        '"c":{"b":"lunch","i":"lunch","f":"day","p":450,"v":700},"t":{},"p":{},'
        '"a":{"p":[{"i":"lunch","f":"2026-01-01","p":420},{"i":"lunch","f":"2026-09-16","p":450}]},"f":{"k":"school"},'
        '"g":[{"id":"g1","v":1,"k":"a-lunch-2026","lb":"sgb2","f":"2026-09-01","t":"2027-08-31","a":"school","fn":true,"ft":true}]}'
    )
    assert from_document(json.loads(stored)) == MEAL
    assert json.dumps(to_document(MEAL), separators=(",", ":")) == stored


def test_defaults_never_change_because_stored_documents_rely_on_them() -> None:
    defaults = {
        f"{kind.__name__}.{one.name}": repr(one.default)
        for kind in (Situation, Claim, Town, Provider, Agreement, Facility, Grant, facts.TutoringTerms, facts.Budget, facts.Corrected)
        for one in fields(kind)
        if one.default is not MISSING and one.default is not None and one.default is not False and one.default != ()
    }
    assert defaults == {
        "Situation.identity": "<Identity.CONFIRMED: 'confirmed'>", "Situation.age": "0", "Situation.age_before_month": "0",
        "Situation.minutes_that_day": "0", "Situation.absences_paid": "0", "Claim.attended": "True", "Town.protect_good_faith": "True",
        "Town.holiday_lunch": "'review'", "Town.submission_months": "3", "Town.late_effect": "'review'", "Town.tax_effect": "'note'",
        "Town.relatives_excluded": "True", "Town.participation_saving": "'period_total'", "Town.flat_proration": "'opening_days'",
        "Provider.status": "'active'", "Agreement.mode": "'per_use'", "Agreement.evidence": "'dates'",
        "Agreement.vat_treatment": "'catering_service'", "Grant.status": "'active'", "Grant.tutoring_form": "'any'",
        "Grant.budget": "Budget(kind='unlimited', limit=None)", "TutoringTerms.unit_minutes": "45", "TutoringTerms.group_max": "4",
        "TutoringTerms.minutes_rule": "'pro_rata'", "TutoringTerms.units_per_day_max": "4", "TutoringTerms.absences_per_month": "0",
        "Budget.kind": "'unlimited'", "Corrected.approved": "0", "Corrected.corrected": "0",
    }  # fmt: skip


def test_every_field_has_a_short_name_of_its_own() -> None:
    for kind, names in document._SHORT.items():  # noqa: SLF001 - the table is what is stored
        assert list(names) == [one.name for one in fields(kind)]
        assert len(set(names.values())) == len(names)


@pytest.mark.parametrize("wrong", [{"zz": 1}, {"s": {"f": "2026-13-01"}}, {"s": {}}])
def test_what_was_never_written_is_refused(wrong: document.Document) -> None:
    with pytest.raises((KeyError, ValueError, TypeError)):
        from_document(wrong)


def test_ten_thousand_documents_a_second() -> None:
    began = time.perf_counter()
    for _ in range(1_000):
        from_document(to_document(MEAL))
    assert time.perf_counter() - began < 0.2
    assert isinstance(from_document(to_document(MEAL)), Facts)

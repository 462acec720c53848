import re
from datetime import date
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest

from but_gateway.law.parameters import Law, law_at, law_book
from but_gateway.procedures.replay.schemas import DECIDING_LAW, BadSuppositionError, TownChange, read_supposition
from but_gateway.rules.catalogue import CATALOGUE
from but_gateway.rules.evaluate import evaluate
from but_gateway.rules.facts import DatedPrice, Town
from tests.tidy.source import ROOT

read = partial(read_supposition, law=law_book(), law_differs=False)
GUIDE = (ROOT / "docs" / "replay.md").read_text(encoding="utf-8")


def test_an_empty_file_supposes_nothing() -> None:
    assert read("").nothing
    assert read("town: {}\nagreements: []\nlaw: []").nothing


def test_only_what_is_named_differs() -> None:
    what = read("town: {protect_good_faith: false, lunch_price_ceilings: [{valid_from: 2026-01-01, unit_price: '4.00'}]}")
    assert what.town == {"protect_good_faith": False, "lunch_price_ceilings": (DatedPrice("lunch", date(2026, 1, 1), 400),)}
    (other,) = read("agreements: [{terms: {late_effect: null, tutoring: {absence_share: '0.50'}}}]").agreements
    assert (other.terms, other.tutoring) == ({"late_effect": None}, {"absence_share": 5000})


def test_the_example_of_the_guide_is_a_file() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    what = read(example)
    assert (len(what.town), len(what.agreements)) == (3, 2)
    assert what.law is not None
    assert what.law.at(date(2026, 9, 1)).vat_catering_service_bp == 1900


def test_the_guide_names_every_setting_and_parameter_that_may_be_supposed() -> None:
    assert [name for name in (*TownChange.model_fields, *DECIDING_LAW) if f"`{name}`" not in GUIDE] == []


def test_every_setting_of_the_town_that_facts_hold_may_differ_but_the_one_that_acts_through_budgets() -> None:
    assert set(TownChange.model_fields) == set(Town.__slots__) - {"participation_saving"}


def test_the_law_that_may_differ_is_the_law_that_rules_ask_for() -> None:
    asked: set[str] = set()

    class Noticing(SimpleNamespace):
        """A law that notes what it is asked for."""

        def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - values of the law are of all kinds
            if name == "vat_bp_of":
                return partial(Law.vat_bp_of, cast("Law", self))
            if not name.startswith("_"):
                asked.add(name)
            return super().__getattribute__(name)

    def law_on(day: date) -> Law:
        law = law_at(max(day, date(2011, 1, 1)))
        return cast("Law", Noticing(**{name: getattr(law, name) for name in Law.__slots__}))

    for rule in CATALOGUE:
        for example in rule.examples:
            evaluate(example.facts, law_on)
    assert asked - DECIDING_LAW == set()
    assert DECIDING_LAW - asked <= {"vat_food_delivery_bp", "vat_standard_bp"}  # by the agreement's VAT treatment, as vat_bp_of says


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("town: {submission_month: 2}", "/town/submission_month"),
        ("town: {submission_months: '2'}", "/town/submission_months"),
        ("town: {lunch_price_ceilings: [{valid_from: 2026-01-01, unit_price: 4.00}]}", "/town/lunch_price_ceilings/0/unit_price"),
        ("town: {lunch_price_ceilings: [{valid_from: 2026-02-30, unit_price: '4.00'}]}", "/town/lunch_price_ceilings/0/valid_from"),
        ("town: {participation_saving: monthly_cap}", "/town/participation_saving"),
        ("agreements: [{provider: c1}]", "/agreements/0/terms"),
        ("agreements: [{terms: {tutoring: {unit_minutes: 0}}}]", "/agreements/0/terms/tutoring/unit_minutes"),
        ("law: [{parameter: school_supplies_august_cents, from: 2026-01-01, value: '1.00'}]", "/law/0"),
        ("law: [{parameter: lunch_own_share_cents, from: 2026-01-01, value: 1}]", "lunch_own_share_cents"),
        ("law: [{parameter: lunch_own_share_cents, from: 2010-01-01, value: '1.00'}]", "lunch_own_share_cents"),
        ("law: [{parameter: lunch_own_share_cents, value: '1.00'}]", "/law/0/from"),
        ("towns: {}", "/towns"),
        ("town: {tax_effect: note, tax_effect: review}", "given twice"),
        ("- a", "/"),
        ("town: [", "YAML"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(BadSuppositionError, match=re.escape(place)):
        read(text)

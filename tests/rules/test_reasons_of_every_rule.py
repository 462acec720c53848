"""Rules and texts agree: whatever a rule finds in its own examples can be said to staff and, where it has a code, to the provider."""

import importlib
import pkgutil

import pytest

from but_gateway import rules
from but_gateway.law.parameters import Law, LawNotLoaded, law_at
from but_gateway.rules.context import Context
from but_gateway.rules.facts import Facts
from but_gateway.rules.rule import Rule
from but_gateway.rules.texts import clerk_text, provider_finding_text, public_code, rule_texts
from but_gateway.rules.wording import LANGUAGES


def rules_written() -> dict[str, Rule]:
    modules = [importlib.import_module(f"but_gateway.rules.{found.name}") for found in pkgutil.iter_modules(rules.__path__)]
    return {one.id: one for module in modules for one in vars(module).values() if isinstance(one, Rule)}


def law_of(facts: Facts) -> Law | None:
    try:
        return law_at(facts.situation.first_day)
    except LawNotLoaded:
        return None


@pytest.mark.parametrize("one", rules_written().values(), ids=lambda one: one.id)
def test_what_a_rule_finds_can_be_said(one: Rule) -> None:
    for example in one.examples:
        if not example.holds:
            continue
        finding = one.check(Context(example.facts, law_of(example.facts)))
        assert finding is not None
        assert finding.rule == one.id
        for lang in LANGUAGES:
            assert clerk_text(finding.rule, finding.values, lang)
            if public_code(finding.rule, finding.effect) is not None:
                day = example.facts.situation.first_day
                assert provider_finding_text(finding.rule, finding.values, 450, 0, day, lang, effect=finding.effect).text


@pytest.mark.parametrize("one", rules_written().values(), ids=lambda one: one.id)
def test_every_effect_a_rule_can_have_beyond_a_note_is_told_to_the_provider(one: Rule) -> None:
    assert rule_texts(one.id, "de").clerk
    silent = {effect.name for effect in one.effects if effect.name != "NOTE" and public_code(one.id, effect) is None}
    assert silent == set()

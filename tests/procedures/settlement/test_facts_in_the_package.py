"""Facts travel with the positions as the verifier reads them."""

import json

import pytest

from but_gateway.procedures.adjudication.dossier import Dossier
from but_gateway.procedures.settlement.package import FactTexts
from but_gateway.rules.document import from_document
from but_gateway.rules.examples import CLASS_TRIP, CORRECTION, FLAT_MONTH, LESSON, MEAL
from but_gateway.rules.facts import Facts


@pytest.mark.parametrize("facts", [MEAL, LESSON, FLAT_MONTH, CLASS_TRIP, CORRECTION])
def test_stored_facts_become_the_document_of_all_facts(facts: Facts) -> None:
    dossier, texts = Dossier(), FactTexts()
    stored = dossier.text(facts)
    rounds = 0
    while missing := texts.missing([stored, None]):
        texts.add({h: dossier.bodies[h] for h in missing})
        rounds += 1
    assert rounds == 2
    text = texts.text(stored)
    assert text is not None
    assert from_document(json.loads(text)) == facts


def test_a_decision_without_facts_has_none() -> None:
    assert FactTexts().text(None) is None
    assert FactTexts().missing([None]) == set()


def test_what_was_read_is_let_go_when_it_is_much() -> None:
    dossier, texts = Dossier(), FactTexts()
    stored = dossier.text(MEAL)
    while missing := texts.missing([stored]):
        texts.add({h: dossier.bodies[h] for h in missing})
    texts.trim()
    assert texts.text(stored) is not None
    texts.add({number.to_bytes(4): "{}" for number in range(10_001)})
    texts.trim()
    assert len(texts.missing([stored])) == 1


def test_a_missing_part_is_an_error_and_not_an_empty_fact() -> None:
    with pytest.raises(KeyError):
        FactTexts().text(Dossier().text(MEAL))

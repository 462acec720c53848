import pytest

from but_gateway.procedures.replay.model import Decided
from but_gateway.rules.catalogue import CATALOGUE
from but_gateway.rules.evaluate import evaluate
from but_gateway.rules.facts import Facts


@pytest.mark.parametrize("facts", [pytest.param(one.facts, id=f"{rule.id} {one.says}") for rule in CATALOGUE for one in rule.examples])
def test_what_is_not_paid_is_with_the_rules_that_found_something_to_the_cent(facts: Facts) -> None:
    verdict = evaluate(facts)
    decided = Decided(verdict.outcome, verdict.approved, verdict.proposed, verdict.findings, ())
    kept = decided.kept_back(facts.situation.claimed)
    assert sum(kept.values()) == facts.situation.claimed - verdict.approved
    assert kept.keys() <= decided.rules

"""``evaluate(facts)``: the decision of one position. Pure, and the same for ever at the same rule set."""

from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache
from typing import Final

from but_gateway.law.parameters import Law, LawNotLoaded, law_at
from but_gateway.rules.catalogue import CORRECTION_RULES, IDENTITY_RULES, checks_for
from but_gateway.rules.context import Context
from but_gateway.rules.facts import Facts, Identity
from but_gateway.rules.other_benefits import cash_only
from but_gateway.rules.provider import no_agreement
from but_gateway.rules.rule import Check
from but_gateway.rules.spread import plan_of
from but_gateway.rules.verdict import Effect, Finding, Outcome, Verdict

_OUTCOMES: Final = {
    Effect.NOTE: Outcome.ACCEPTED,
    Effect.REDUCE: Outcome.REDUCED,
    Effect.REVIEW: Outcome.REVIEW,
    Effect.REJECT: Outcome.REJECTED,
}


LawOn = Callable[[date], Law | None]  # the law of a service day; None where none is loaded


@lru_cache(maxsize=8192)
def _law_on(day: date) -> Law | None:
    try:
        return law_at(day)
    except LawNotLoaded:
        return None


def evaluate(facts: Facts, law_on: LawOn = _law_on) -> Verdict:
    """Decides one position. Never raises, never changes its input.

    ``law_on`` is another law to decide by, for replays of what a change would do; decisions are made by the loaded one.

    A correction is only asked for its reference. A failed identity and a missing agreement answer with one finding alone. Else
    every rule runs, every finding is kept, the strongest effect wins, and reductions apply in catalogue order to what is left.
    """
    situation = facts.situation
    context = Context(facts, law_on(situation.first_day))
    if situation.corrected is not None:
        return _correction(context)
    if situation.identity is not Identity.CONFIRMED:
        return _unconfirmed(context)
    if facts.agreement is None:
        return _alone(cash_only.check(context) or no_agreement.check(context))
    return decide(context, checks_for(facts.claim.benefit, facts.claim.form, situation.first_day))


def decide(context: Context, checks: Iterable[Check]) -> Verdict:
    """The verdict of these checks in this order; reductions apply as they come."""
    findings = []
    strongest = Effect.NOTE
    for check in checks:
        finding = check(context)
        if finding is not None:
            findings.append(finding)
            strongest = max(strongest, finding.effect)
            if finding.payable is not None:
                context.left = finding.payable
    outcome = _OUTCOMES[strongest]
    if outcome is Outcome.REJECTED:
        return Verdict(outcome, 0, None, tuple(findings), ())
    plan = plan_of(context)
    if outcome is Outcome.REVIEW:
        return Verdict(outcome, 0, context.left, tuple(findings), plan.allocations)
    return Verdict(outcome, context.left, None, tuple(findings), plan.allocations)


def _correction(context: Context) -> Verdict:
    findings = tuple(found for rule in CORRECTION_RULES if (found := rule.check(context)) is not None)
    if findings:
        return Verdict(Outcome.REJECTED, 0, None, findings, ())
    return Verdict(Outcome.ACCEPTED, context.situation.claimed, None, (), ())


def _unconfirmed(context: Context) -> Verdict:
    """The one neutral finding. Only another name under right number and birth date is reviewed, with what the other rules would pay."""
    finding = next(found for rule in IDENTITY_RULES if (found := rule.check(context)) is not None)
    if finding.effect is Effect.REJECT:
        return _alone(finding)
    facts = context.facts
    if facts.agreement is None:
        return Verdict(Outcome.REVIEW, 0, 0, (finding,), ())
    silent = decide(context, checks_for(facts.claim.benefit, facts.claim.form, context.day))
    proposed = silent.approved if silent.proposed is None else silent.proposed
    return Verdict(Outcome.REVIEW, 0, proposed, (finding,), silent.allocations)


def _alone(finding: Finding | None) -> Verdict:
    findings = () if finding is None else (finding,)
    return Verdict(Outcome.REJECTED, 0, None, findings, ())

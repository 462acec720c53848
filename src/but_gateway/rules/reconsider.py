"""What a person may decide with: the amount a position would come to if nothing refused it, and who bears an amount a person sets.

Both are pure like ``evaluate``: facts in, allocations out. Laws that no person can set aside stay: no grant, no money.
"""

from dataclasses import dataclass
from datetime import date

from but_gateway.law.parameters import Law, LawNotLoaded, law_at
from but_gateway.rules.catalogue import checks_for
from but_gateway.rules.context import Context
from but_gateway.rules.facts import Facts, Identity
from but_gateway.rules.spread import plan_of
from but_gateway.rules.verdict import Allocation, Effect

_KNOWN = (Identity.CONFIRMED, Identity.NAME_DIFFERS)


@dataclass(frozen=True, slots=True)
class Borne:
    """How much of an amount grants bear (cents), and how. ``covered`` is False where no grant covers the position at all."""

    cents: int
    allocations: tuple[Allocation, ...]
    covered: bool = True


def without_refusals(facts: Facts) -> Borne:
    """What the position would pay if no rule refused it or sent it to review; reductions apply, budgets bind.

    Nothing where number or birth date failed or no agreement holds: then nothing may be said about the grant.
    """
    if facts.agreement is None or facts.situation.identity not in _KNOWN:
        return Borne(0, ())
    context = _context(facts)
    for check in checks_for(facts.claim.benefit, facts.claim.form, context.day):
        finding = check(context)
        if finding is not None and finding.effect is Effect.REDUCE and finding.payable is not None:
            context.left = finding.payable
    return _borne(context)


def bear(facts: Facts, cents: int) -> Borne:
    """Which grants bear an amount a person sets, in the order of E-06 and within what each budget has left."""
    context = _context(facts)
    context.left = cents
    return _borne(context)


def _borne(context: Context) -> Borne:
    allocations = plan_of(context).allocations
    return Borne(sum(a.cents for a in allocations), allocations, bool(context.bearing))


def _context(facts: Facts) -> Context:
    return Context(facts, _law_on(facts.situation.first_day))


def _law_on(day: date) -> Law | None:
    try:
        return law_at(day)
    except LawNotLoaded:
        return None

"""What a rule is: a pure function with its effects, legal basis, dates and examples. The examples are its tests and its page."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from but_gateway.rules.context import Context
from but_gateway.rules.facts import Facts, Form
from but_gateway.rules.verdict import Effect, Finding

Check = Callable[[Context], Finding | None]

NOTE: Final = (Effect.NOTE,)
REDUCE: Final = (Effect.REDUCE, Effect.REJECT)  # nothing left to pay is a refusal
REVIEW: Final = (Effect.REVIEW,)
REJECT: Final = (Effect.REJECT,)


@dataclass(frozen=True, slots=True)
class Example:
    """A case for or against a rule. ``says`` is German, for the rule's page."""

    says: str
    holds: bool
    facts: Facts


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the catalogue.

    ``effects`` are those it can have; ``condition`` is German, for staff; ``basis`` is its legal source; ``benefits`` and ``forms``
    None = all; ``since`` and ``until`` are the first and last service day it holds for, None = always.
    """

    id: str
    effects: tuple[Effect, ...]
    condition: str
    basis: str
    benefits: frozenset[str] | None
    forms: frozenset[Form] | None
    since: date | None
    until: date | None
    examples: tuple[Example, ...]
    check: Check

    def applies(self, benefit: str, form: Form, day: date) -> bool:
        """Whether the rule is asked about a position of this benefit, form and first day."""
        return (
            (self.benefits is None or benefit in self.benefits)
            and (self.forms is None or form in self.forms)
            and (self.since is None or self.since <= day)
            and (self.until is None or day <= self.until)
        )


def rule(  # noqa: PLR0913 - these are the fields of a rule; all but the id are given by name
    rule_id: str,
    *,
    effect: tuple[Effect, ...],
    condition: str,
    basis: str,
    examples: tuple[Example, ...],
    benefits: Iterable[str] | None = None,
    forms: Iterable[Form] | None = None,
    since: date | None = None,
    until: date | None = None,
) -> Callable[[Check], Rule]:
    """Makes a rule of a check.

    Refuses a rule without an example that holds and one that does not (ValueError).
    """
    if {one.holds for one in examples} != {True, False}:
        raise ValueError(f"{rule_id} needs an example that holds and one that does not")

    def decorate(check: Check) -> Rule:
        return Rule(
            id=rule_id,
            effects=effect,
            condition=condition,
            basis=basis,
            benefits=None if benefits is None else frozenset(benefits),
            forms=None if forms is None else frozenset(forms),
            since=since,
            until=until,
            examples=examples,
            check=check,
        )

    return decorate


def reduction(context: Context, rule_id: str, payable: int, values: dict[str, str]) -> Finding | None:
    """The finding that reduces to ``payable`` cents: none where no more is left anyway, a refusal where nothing remains."""
    if payable >= context.left:
        return None
    if payable <= 0:
        return Finding(rule_id, Effect.REJECT, values, 0)
    return Finding(rule_id, Effect.REDUCE, values, payable)

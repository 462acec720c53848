"""What a replay supposes and what it finds. Amounts in cents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from but_gateway.law.parameters import Law, LawBook, LawNotLoaded
from but_gateway.rules.evaluate import LawOn
from but_gateway.rules.facts import Agreement, Facts
from but_gateway.rules.verdict import Finding, Outcome

# Why a position is not decided again.
LEFT_OUT: Final = ("by_person", "cancelled", "corrected", "without_facts")


@dataclass(frozen=True, slots=True)
class OtherTerms:
    """Terms that replace those of stored agreements: of one provider or all, of one benefit or all. ``tutoring`` likewise, within them."""

    provider: str | None
    benefit: str | None
    terms: Mapping[str, Any]
    tutoring: Mapping[str, Any]

    def concern(self, provider: str, benefit: str) -> bool:
        """Whether they are meant for a provider's positions of a benefit."""
        return self.provider in (None, provider) and self.benefit in (None, benefit)

    def put_into(self, agreement: Agreement) -> Agreement:
        """The agreement with these terms."""
        changed = replace(agreement, **self.terms)
        if self.tutoring and changed.tutoring is not None:
            changed = replace(changed, tutoring=replace(changed.tutoring, **self.tutoring))
        return changed


@dataclass(frozen=True, slots=True)
class Supposition:
    """What is supposed in place of what was: settings of the town, terms of agreements, law. Empty: all as stored."""

    town: Mapping[str, Any] = field(default_factory=dict)
    agreements: tuple[OtherTerms, ...] = ()
    law: LawBook | None = None

    @property
    def nothing(self) -> bool:
        """Whether everything stays as it was: then every decision must come out the same."""
        return not self.town and not self.agreements and self.law is None

    def put_into(self, facts: Facts, provider: str) -> Facts:
        """The facts with town and agreement as supposed. A position without an agreement stays without."""
        agreement = facts.agreement
        for other in self.agreements:
            if agreement is not None and other.concern(provider, facts.claim.benefit):
                agreement = other.put_into(agreement)
        return replace(facts, town=replace(facts.town, **self.town), agreement=agreement)

    def law_on(self) -> LawOn | None:
        """The supposed law by day; None: the loaded one."""
        book = self.law
        if book is None:
            return None

        @lru_cache(maxsize=8192)
        def law_on(day: date) -> Law | None:
            try:
                return book.at(day)
            except LawNotLoaded:
                return None

        return law_on


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as far as it is compared. ``borne`` names grant, cents and budget units of each share."""

    outcome: Outcome
    approved: int
    proposed: int | None
    findings: tuple[Finding, ...]
    borne: tuple[tuple[str, int, int], ...]

    @property
    def rules(self) -> frozenset[str]:
        """The rules that found something."""
        return frozenset(one.rule for one in self.findings)

    def kept_back(self, claimed: int) -> dict[str, int]:
        """Cents that each rule keeps from being paid; together claimed − approved.

        What is not paid at all, or not yet, is with the first finding of the strongest effect; else each reduction has what it took.
        """
        if not self.findings or self.outcome in (Outcome.REJECTED, Outcome.REVIEW):
            deciding = max(self.findings, key=lambda one: one.effect, default=None)
            return {} if deciding is None else {deciding.rule: claimed - self.approved}
        found: dict[str, int] = {}
        left = claimed
        for one in self.findings:
            if one.payable is not None:
                found[one.rule] = found.get(one.rule, 0) + left - one.payable
                left = one.payable
        return found


@dataclass(slots=True)
class Change:
    """What became of positions: how many, in how many lines, what they paid and had under review before and after."""

    positions: int = 0
    lines: int = 0
    approved_before: int = 0
    approved_after: int = 0
    proposed_before: int = 0
    proposed_after: int = 0
    _line: UUID | None = None

    def count(self, line: UUID, before: Decided, after: Decided) -> None:
        """Counts a position; positions of one line come one after the other."""
        self.positions += 1
        self.lines += self._line != line
        self._line = line
        self.approved_before += before.approved
        self.approved_after += after.approved
        self.proposed_before += before.proposed or 0
        self.proposed_after += after.proposed or 0


@dataclass(slots=True)
class RuleChange:
    """What a rule did to changed positions: found anew, found no longer, and cents that are paid more (or, negative, less) by it."""

    anew: int = 0
    no_longer: int = 0
    lines: int = 0
    cents: int = 0
    _line: UUID | None = None

    def count(self, line: UUID, *, before: bool, after: bool, cents: int) -> None:
        """Counts a position."""
        self.anew += after and not before
        self.no_longer += before and not after
        self.lines += self._line != line
        self._line = line
        self.cents += cents


@dataclass(slots=True)
class Replayed:
    """The result. ``all`` are the positions decided again, ``changed`` those that came out otherwise; the sums by rule add up."""

    all: Change = field(default_factory=Change)
    changed: Change = field(default_factory=Change)
    by_outcome: dict[tuple[Outcome, Outcome], Change] = field(default_factory=dict)
    by_rule: dict[str, RuleChange] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LEFT_OUT, 0))
    other_rule_sets: int = 0

    def count(self, line: UUID, claimed: int, before: Decided, after: Decided) -> None:
        """Counts a position that was decided again."""
        self.all.count(line, before, after)
        if before == after:
            return
        self.changed.count(line, before, after)
        self.by_outcome.setdefault((before.outcome, after.outcome), Change()).count(line, before, after)
        kept, keeps = before.kept_back(claimed), after.kept_back(claimed)
        for rule in _touched(before, after, kept, keeps):
            self.by_rule.setdefault(rule, RuleChange()).count(
                line, before=rule in before.rules, after=rule in after.rules, cents=kept.get(rule, 0) - keeps.get(rule, 0)
            )


def _touched(before: Decided, after: Decided, kept: Mapping[str, int], keeps: Mapping[str, int]) -> Sequence[str]:
    """The rules that were found anew or no longer, with other values, or that keep back another amount."""
    found = [one.rule for one in (*before.findings, *after.findings) if one not in before.findings or one not in after.findings]
    found += [rule for rule in {**kept, **keeps} if kept.get(rule) != keeps.get(rule)]
    return tuple(dict.fromkeys(found))

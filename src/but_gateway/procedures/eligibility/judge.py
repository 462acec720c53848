"""Judges checks from what was read for all of them (§ 79 SGB X: no search, no reason). Pure but for the seal of birth dates.

Whatever the cause of a refusal, a birth date is opened, so that time tells nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from but_gateway.db.fields import TownKeys
from but_gateway.kit.period import DayRange
from but_gateway.procedures.eligibility import store
from but_gateway.procedures.eligibility.model import (
    FROZEN,
    IDENTITY_FAILURES,
    NOT_ALLOWED,
    NUMBER_REPLACED,
    OTHER_BENEFIT,
    UNKNOWN_NUMBER,
    WRONG_BIRTH_DATE,
    Ask,
    Asker,
    Verdict,
)
from but_gateway.registers.entitlements import guard
from but_gateway.registers.entitlements.coverage import (
    Offer,
    Question,
    agreed_days,
    agreed_price,
    cover_agreed,
    covers_amount,
    minutes_left,
)
from but_gateway.registers.entitlements.model import GrantRecord
from but_gateway.registers.entitlements.terms import PARTICIPATION, TUTORING

NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all checks that ask the same of different children have in common: most of a round, and all of a caterer's nightly one."""

    question: Question
    offers: Sequence[Offer]
    agreed: Sequence[DayRange]
    prices: dict[tuple[date, tuple[str, ...]], int | None] = field(default_factory=dict)

    def price(self, day: date, items: tuple[str, ...]) -> int | None:
        """The price of the first of the items that is priced on a day (cents)."""
        if (day, items) not in self.prices:
            self.prices[day, items] = agreed_price(self.offers, self.question, day, items)
        return self.prices[day, items]


class Judge:
    """Judges the checks of one round."""

    def __init__(self, keys: TownKeys, known: dict[bytes, store.Known], grants: store.Grants, terms: store.Terms) -> None:
        self._keys, self._known, self._grants, self._terms = keys, known, grants, terms
        self._frames: dict[tuple[object, ...], _Frame] = {}
        # What is opened where there is nothing to open.
        self._dummy = keys.seal("0001-01-01", "child", NOBODY, "date_of_birth")

    def judge(self, check_id: UUID, asker: Asker, ask: Ask) -> Verdict:
        """The verdict on one check."""
        verdict = Verdict(check_id, asker, ask)
        if ask.facility is not None:
            verdict.facility_id = self._terms.facilities.get(ask.facility)
            verdict.unknown_facility = verdict.facility_id is None
        known = self._known.get(ask.number_index)
        if known is None:
            self._keys.open(self._dummy, "child", NOBODY, "date_of_birth")
            verdict.cause = UNKNOWN_NUMBER
            return verdict
        verdict.entitlement_id = known.entitlement_id
        right = self._keys.open(known.date_of_birth, "child", known.child_id, "date_of_birth") == ask.date_of_birth.isoformat()
        if asker.provider_id in known.frozen_for:
            verdict.cause = FROZEN
        elif not right:
            verdict.cause = WRONG_BIRTH_DATE
        elif known.benefit != ask.benefit:
            verdict.cause = OTHER_BENEFIT
        elif not known.information_allowed:
            verdict.cause = NOT_ALLOWED
        else:
            self._cover(verdict, known)
        return verdict

    def _cover(self, verdict: Verdict, known: store.Known) -> None:
        ask, asker = verdict.ask, verdict.asker
        days = ask.days if known.lost_on is None else _before(ask.days, known.lost_on)
        if days is None:
            verdict.cause = NUMBER_REPLACED
            return
        frame = self._frame(asker, ask.benefit, days, verdict.facility_id)
        coverage = cover_agreed(frame.question, ask.date_of_birth, self._grants.of(known.entitlement_id, asker.provider_id), frame.agreed)
        if coverage.cause is not None:
            verdict.cause = coverage.cause
            return
        verdict.periods = coverage.periods
        verdict.link = asker.provider_id not in known.linked_with
        items: tuple[str, ...] = ("lunch",) if ask.benefit == "lunch" else ()
        if ask.benefit == TUTORING:
            verdict.remaining_minutes = minutes_left(coverage.grants)
            verdict.subjects = _subjects(coverage.grants)
            verdict.form = _form(coverage.grants)
            items = ("group", "individual") if verdict.form == "group" else ("individual", "group")
        verdict.unit_price = frame.price(coverage.periods[0].first, items)
        if ask.benefit == PARTICIPATION and ask.amount is not None:
            verdict.covered = covers_amount(coverage.grants, ask.amount)

    def _frame(self, asker: Asker, benefit: str, days: DayRange, facility_id: UUID | None) -> _Frame:
        key = (benefit, days.first, days.last, facility_id, asker.provider_id, asker.today)
        frame = self._frames.get(key)
        if frame is None:
            question = Question(benefit, days, facility_id, asker.provider_id, asker.today, self._terms.protect_good_faith)
            offers = self._terms.offers.get(asker.provider_id, [])
            frame = self._frames[key] = _Frame(question, offers, agreed_days(question, offers))
        return frame


def attempt_of(verdicts: Sequence[Verdict]) -> guard.Attempt:
    """What the guard counts of a request."""
    asker = verdicts[0].asker
    failures = [v for v in verdicts if v.cause in IDENTITY_FAILURES]
    wrong = tuple(v.entitlement_id for v in failures if v.cause == WRONG_BIRTH_DATE and v.entitlement_id)
    return guard.Attempt(asker.client_id, asker.provider_id, asker.today, len(verdicts), len(failures), wrong)


def _before(days: DayRange, lost_on: date) -> DayRange | None:
    """The days before a loss (B-04): the day of the loss no longer counts."""
    return days.cut(DayRange(date.min, date.fromordinal(lost_on.toordinal() - 1)))


def _subjects(grants: Sequence[GrantRecord]) -> tuple[str, ...]:
    """Subjects that are granted, in order of their names; none = all."""
    if any(not grant.subjects for grant in grants):
        return ()
    return tuple(sorted({subject for grant in grants for subject in grant.subjects}))


def _form(grants: Sequence[GrantRecord]) -> str:
    forms = {grant.tutoring_form or "any" for grant in grants}
    return forms.pop() if len(forms) == 1 else "any"

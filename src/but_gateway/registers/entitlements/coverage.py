"""Which days a child's grants and a provider's agreements cover together: what a check may confirm. Pure; days are closed ranges."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from but_gateway.kit.period import DayRange, Month, merge_ranges
from but_gateway.law.basis import LegalBasis
from but_gateway.law.parameters import law_at
from but_gateway.registers.entitlements.model import GrantRecord
from but_gateway.registers.entitlements.terms import PARTICIPATION, last_day_before_age
from but_gateway.rules.facts import DatedPrice
from but_gateway.rules.other_benefits import CASH_ONLY
from but_gateway.rules.pricing import price_on

# Causes of "not confirmed": for the access log only, never for the answer.
NO_AGREEMENT: Final = "no_agreement"
NO_GRANT: Final = "no_grant"
OTHER_PROVIDER: Final = "other_provider"
NOT_IN_PERIOD: Final = "not_in_period"


@dataclass(frozen=True, slots=True)
class Offer:
    """What of an agreement a check looks at."""

    key: str
    benefit: str
    facility_ids: frozenset[UUID]  # empty = any
    valid: DayRange
    prices: tuple[DatedPrice, ...]

    def fits(self, benefit: str, facility_id: UUID | None) -> bool:
        """Whether it holds for the benefit at the facility (None: any). Cash benefits are never paid to a provider (X-01)."""
        if benefit in CASH_ONLY:
            return False
        return benefit == self.benefit and (facility_id is None or not self.facility_ids or facility_id in self.facility_ids)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: may this provider bill the benefit in these days? ``today`` is the business day of the question."""

    benefit: str
    days: DayRange
    facility_id: UUID | None
    provider_id: UUID
    today: date
    protect_good_faith: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """The days covered, in order, and the grants that cover them. Without days ``cause`` says why."""

    periods: tuple[DayRange, ...]
    grants: tuple[GrantRecord, ...]
    cause: str | None = None


def agreed_days(question: Question, offers: Iterable[Offer]) -> list[DayRange]:
    """The days of the question for which the provider has an agreement, in order."""
    return merge_ranges([days for o in offers if o.fits(question.benefit, question.facility_id) and (days := o.valid.cut(question.days))])


def cover(question: Question, born: date, grants: Iterable[GrantRecord], offers: Iterable[Offer]) -> Coverage:
    """The days of the question that grants of the entitlement and offers of the provider cover."""
    return cover_agreed(question, born, grants, agreed_days(question, offers))


def cover_agreed(question: Question, born: date, grants: Iterable[GrantRecord], agreed: Sequence[DayRange]) -> Coverage:
    """The same where the ``agreed_days`` are known: many children are asked about alike."""
    if not agreed:
        return Coverage((), (), NO_AGREEMENT)
    grants = list(grants)
    own = [g for g in grants if g.provider_id in (None, question.provider_id)]
    spans = [(grant, days) for grant in own if (days := paid_days(grant, question, born))]
    covered = merge_ranges([days for _, days in spans]) if len(spans) > 1 else [days for _, days in spans]
    periods = tuple(days for one in covered for other in agreed if (days := one.cut(other)))
    if periods:
        bearing = tuple(grant for grant, days in spans if any(days.overlaps(period) for period in periods))
        return Coverage(periods, bearing)
    if not grants:
        return Coverage((), (), NO_GRANT)
    return Coverage((), (), NOT_IN_PERIOD if own else OTHER_PROVIDER)


def paid_days(grant: GrantRecord, question: Question, born: date) -> DayRange | None:
    """The days of the question on which the grant pays this provider: its period, cut by age (E-04, X-02) and revocation (E-07, E-08)."""
    last = min(grant.valid_to, _last_by_age(grant, question, born))
    if grant.revoked_from is not None:
        last = min(last, _first_unpaid(grant, grant.revoked_from, question) - timedelta(days=1))
    return question.days.cut(DayRange(grant.valid_from, last)) if grant.valid_from <= last else None


def _first_unpaid(grant: GrantRecord, revoked_from: date, question: Question) -> date:
    """A provider in good faith is paid until told. Who asks while nobody was told is confirmed no day from today on."""
    if not question.protect_good_faith:
        return revoked_from
    return max(revoked_from, grant.notified_on or question.today)


def _last_by_age(grant: GrantRecord, question: Question, born: date) -> date:
    law = law_at(max(question.days.first, grant.valid_from))
    if question.benefit == PARTICIPATION:
        return last_day_before_age(born, law.participation_age_limit_years)
    years = law.education_age_limit_years[LegalBasis(grant.legal_basis)]
    if years is None:
        return date.max
    last = last_day_before_age(born, years)
    # bkgg pays whole months: to the end of the month of the birthday.
    return Month.of(last + timedelta(days=1)).last if grant.legal_basis == "bkgg" else last


def agreed_price(offers: Iterable[Offer], question: Question, day: date, items: Sequence[str]) -> int | None:
    """The price of the first of the items that is priced on a day (cents); None = actual cost or nothing agreed.

    An offer that names the facility goes before one for any.
    """
    fitting = [o for o in offers if o.fits(question.benefit, question.facility_id) and day in o.valid]
    if not fitting:
        return None
    offer = min(fitting, key=lambda o: (not o.facility_ids, o.key))
    return next((price for item in items if (price := price_on(offer.prices, item, day)) is not None), None)


def minutes_left(grants: Iterable[GrantRecord]) -> int | None:
    """Minutes that the grants together still allow; None where one of them is not limited in minutes."""
    total = 0
    for grant in grants:
        if grant.budget_kind != "minutes" or grant.left is None:
            return None
        total += grant.left
    return total


def covers_amount(grants: Iterable[GrantRecord], cents: int) -> bool:
    """Whether the grants together still allow so many cents."""
    total = 0
    for grant in grants:
        if grant.left is None:
            return True
        total += grant.left
    return cents <= total

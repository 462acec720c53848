"""What a rule looks at: the facts of one position, opened once, and what every rule would otherwise work out again."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, cast

from but_gateway.kit.period import Month
from but_gateway.law.basis import PAYMENT_ORDER
from but_gateway.law.parameters import Law
from but_gateway.rules.facts import Agreement, Facts, Form, Grant, Situation, Town
from but_gateway.rules.pricing import item_of, price_on
from but_gateway.rules.verdict import Allocation

BKGG: Final = "bkgg"
LUNCH: Final = "lunch"
TUTORING: Final = "tutoring"
PARTICIPATION: Final = "participation"
# Ranks of E-06; a basis nobody knows pays last.
RANKS: Final[dict[str, int]] = {str(basis): rank for rank, basis in enumerate(PAYMENT_ORDER)}
_LAST_RANK: Final = len(RANKS)
_NOTHING_AGREED: Final = Agreement()
_NO_LIMITS: Final[Mapping[str, int | None]] = {}


class Context:
    """One position before the rules. Only ``left`` and ``plan`` change while they run, and only ``evaluate`` sets ``left``.

    ``covering`` are indexes into ``grants`` in the order of E-06, ``bearing`` those of them that may pay, ``grant`` is the first
    of them or None. For months ``month_days`` are the days that count (the opening days; all days where there are none) and
    ``covered_days`` those of them that a bearing grant covers.
    """

    __slots__ = (
        "aged", "agreed", "agreement", "bearing", "claim", "covered_days", "covering", "day", "ended", "facility", "facts", "flat", "grant",
        "grants", "item", "law", "left", "month", "month_days", "plan", "provider", "situation", "town",
    )  # fmt: skip

    def __init__(self, facts: Facts, law: Law | None) -> None:
        situation = facts.situation
        claim = facts.claim
        self.facts = facts
        self.law = law
        self.situation = situation
        self.claim = claim
        self.town = facts.town
        self.provider = facts.provider
        self.facility = facts.facility
        self.grants = facts.grants
        self.agreement = facts.agreement or _NOTHING_AGREED
        self.day = situation.first_day
        self.month = claim.form is Form.MONTH
        self.flat = self.month and self.agreement.mode == "flat"
        self.item = claim.item if claim.lesson is None else item_of(claim)
        self.agreed = price_on(self.agreement.prices, self.item, situation.first_day)
        self.left = max(situation.claimed, 0)
        self.plan: tuple[int, Plan] | None = None
        self.aged = False
        self.ended: Grant | None = None
        self.month_days: Sequence[date] = _days_that_count(situation) if self.month else ()
        self.covered_days: Sequence[date] = ()
        self.covering = self._find_covering()
        if len(self.covering) > 1:
            self.covering.sort(key=self._order)
        self.grant = self.grants[self.covering[0]] if self.covering else None
        self.bearing = self.covering if len(self.covering) <= 1 else self._find_bearing()
        if self.month:
            self.covered_days = [one for one in self.month_days if any(self.covers(index, one) for index in self.bearing)]

    def _find_covering(self) -> list[int]:
        """Which grants cover the day, or for a month at least one of the days that count; notes why others do not."""
        covering = []
        limits = _NO_LIMITS
        if self.law is not None and self.claim.benefit != PARTICIPATION:
            # Legal bases are strings by value, so facts may ask with the plain word.
            limits = cast("Mapping[str, int | None]", self.law.education_age_limit_years)
        for index, grant in enumerate(self.grants):
            day = self._first_day_in(grant)
            if day is None:
                continue
            limit = limits.get(grant.legal_basis)
            if limit is not None and _age(self.situation, grant) >= limit:
                self.aged = True
            elif grant.revoked_from is None:
                covering.append(index)
            else:
                stop = first_unpaid_day(grant, self.town, self.situation)
                if stop is None or day < stop:
                    covering.append(index)
                elif self.ended is None:
                    self.ended = grant
        return covering

    def _first_day_in(self, grant: Grant) -> date | None:
        """The first of the position's days that lies in the grant's period, or None."""
        if not self.month:
            return self.day if in_period(grant, self.day) else None
        return next((one for one in self.month_days if in_period(grant, one)), None)

    def _order(self, index: int) -> tuple[bool, int, date, str, int]:
        grant = self.grants[index]
        misfit = not (self.fits_terms(grant) and fits_facility(grant))
        return (misfit, RANKS.get(grant.legal_basis, _LAST_RANK), grant.valid_to, grant.key, index)

    def _find_bearing(self) -> list[int]:
        """The grants a position may be spread over.

        Money never spills onto a grant that would by itself be refused or go to review for another reason than the first one's.
        """
        first = self.grants[self.covering[0]]
        if not self.fits_terms(first):
            return self.covering[:1]
        doubtful = is_doubtful(first)
        facility = fits_facility(first)
        return [
            index
            for index in self.covering
            if self.fits_terms(grant := self.grants[index])
            and (fits_facility(grant) or not facility)
            and (doubtful or not is_doubtful(grant))
        ]

    def fits_terms(self, grant: Grant) -> bool:
        """Whether provider and subject are those the grant confirms (P-04, L-01)."""
        if grant.provider_named and not grant.provider_is_this:
            return False
        lesson = self.claim.lesson
        return lesson is None or not grant.subjects or lesson.subject in grant.subjects

    def covers(self, index: int, day: date) -> bool:
        """Whether a covering grant pays on a day."""
        grant = self.grants[index]
        if not in_period(grant, day):
            return False
        stop = first_unpaid_day(grant, self.town, self.situation)
        return stop is None or day < stop

    def budget_left(self, index: int) -> int | None:
        """What a grant still allows; None = unlimited."""
        left = self.situation.budgets_left
        return left[index] if index < len(left) else None


class Plan:
    """How an amount is spread over grants: what budgets allow and, where they fall short, what they had left in their own unit."""

    __slots__ = ("allocations", "kind", "payable", "remaining")

    def __init__(self, payable: int, allocations: tuple[Allocation, ...], kind: str, remaining: int) -> None:
        self.payable = payable
        self.allocations = allocations
        self.kind = kind
        self.remaining = remaining


def in_period(grant: Grant, day: date) -> bool:
    """Whether a day lies in the grant's period, both ends included; bkgg counts whole months (E-03, § 5 (1) BKGG)."""
    if grant.valid_from <= day <= grant.valid_to:
        return True
    if grant.legal_basis != BKGG:
        return False
    month = (day.year, day.month)
    return (grant.valid_from.year, grant.valid_from.month) <= month <= (grant.valid_to.year, grant.valid_to.month)


def first_unpaid_day(grant: Grant, town: Town, situation: Situation) -> date | None:
    """From which day on a revoked grant no longer pays; None where it pays as if it had not been revoked.

    A provider in good faith is paid until told (E-07, E-08); so is one who names a check confirmed before that.
    """
    if grant.revoked_from is None:
        return None
    if not town.protect_good_faith:
        return grant.revoked_from
    if situation.promised or grant.notified_on is None:
        return None
    return max(grant.revoked_from, grant.notified_on)


def fits_facility(grant: Grant) -> bool:
    """Whether the grant names no facility or the one on the line (M-16)."""
    return grant.facility_is_this or not grant.facility_named


def is_doubtful(grant: Grant) -> bool:
    """Whether lines under this grant go to review whatever else is found (E-09, E-12)."""
    return grant.flagged or grant.status == "disputed"


def _age(situation: Situation, grant: Grant) -> int:
    """E-04: completed years that count; sgb2 ends with the birthday, bkgg with the month of the birthday."""
    return situation.age_before_month if grant.legal_basis == BKGG else situation.age


def _days_that_count(situation: Situation) -> Sequence[date]:
    """The opening days of a month; all its days where there are none, so that a flat rate averaged over the year is still spread."""
    return situation.open_days or tuple(Month.of(situation.first_day).days)


def months_between(earlier: date, later: date) -> int:
    """Calendar months from the month of one day to that of another."""
    return (later.year - earlier.year) * 12 + later.month - earlier.month

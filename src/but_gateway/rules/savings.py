"""How much of the participation benefit is available: from the monthly amount of the law and the town's saving mode (X-03)."""

from dataclasses import dataclass
from datetime import date

from but_gateway.kit.period import DayRange, Month
from but_gateway.law.parameters import law_at


@dataclass(frozen=True, slots=True)
class Savings:
    """What a grant without a budget of its own allows: ``limit`` cents for all services whose first day lies in ``days``."""

    days: DayRange
    limit: int


def savings_of(  # noqa: PLR0913 - what the four modes look at; the last two by name
    mode: str, grant: DayRange, day: date, received_on: date, last_good_day: date | None = None, *, last_day: date | None = None
) -> Savings:
    """The savings that a service on a day of the grant may use (§ 28 (7) SGB II; a month begun counts whole).

    ``period_total``: every month of the grant. ``accrued_to_date``: those up to the month of receipt. ``monthly_cap``: the months of the
    service, which ends on ``last_day`` where it takes several. ``calendar_year``: the grant's months of that year. Months after the one of
    ``last_good_day`` (the day before the 18th birthday) never count. The caller subtracts what was used and reserved for services in
    ``days``.

    Refuses a month before 2011 (LawNotLoaded).
    """
    days = grant
    if mode == "monthly_cap":
        days = DayRange(Month.of(day).first, Month.of(last_day or day).last).cut(grant) or DayRange(day, day)
    elif mode == "calendar_year":
        days = DayRange(date(day.year, 1, 1), date(day.year, 12, 31)).cut(grant) or DayRange(day, day)
    last = days.last if mode != "accrued_to_date" else min(days.last, received_on)
    if last_good_day is not None:
        last = min(last, last_good_day)
    limit, month = 0, Month.of(days.first)
    while month <= Month.of(last):
        limit += law_at(month.first).participation_monthly_cents
        month = month.plus(1)
    return Savings(days, limit)

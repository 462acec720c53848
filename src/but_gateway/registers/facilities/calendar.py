"""When a facility is open: its weekdays, its closing days, the holidays of its state."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from but_gateway.kit.period import DayRange
from but_gateway.rules.facts import Closed

_SATURDAY: Final = 6


@dataclass(frozen=True, slots=True)
class FacilityCalendar:
    """The calendar of one facility. Weekdays as in ISO 8601: Monday is 1.

    ``public_loaded`` and ``school_loaded`` say for which days holidays are known at all (None: none). Outside of them only weekdays
    and closing days close; whoever must not guess asks ``knows`` first.
    """

    kind: str  # school | daycare | after_school | childminder
    open_weekdays: frozenset[int]
    observes_school_holidays: bool
    closings: tuple[DayRange, ...] = ()
    public_holidays: frozenset[date] = frozenset()
    school_holidays: frozenset[date] = frozenset()
    public_loaded: DayRange | None = None
    school_loaded: DayRange | None = None

    def closed(self, day: date) -> Closed | None:
        """Why no lunch is expected on a day, None if it is an opening day.

        For after-school care (Hort, OGS) a day of the school holidays is told even where the facility is open: whether such a
        lunch is eaten "in schulischer Verantwortung" (§ 28 (6) S. 2 SGB II) is for rule M-06 to say.
        """
        why = self._shut(day)
        if why is None and self.kind == "after_school" and day in self.school_holidays:
            return Closed.SCHOOL_HOLIDAY
        return why

    def open_days(self, days: DayRange) -> tuple[date, ...]:
        """The opening days of a range, in order."""
        return tuple(day for day in days if self._shut(day) is None)

    def knows(self, days: DayRange) -> bool:
        """Whether the holidays of all these days are loaded."""
        needed = [self.public_loaded, self.school_loaded] if self.observes_school_holidays else [self.public_loaded]
        return all(loaded is not None and loaded.cut(days) == days for loaded in needed)

    def _shut(self, day: date) -> Closed | None:
        weekday = day.isoweekday()
        if weekday not in self.open_weekdays:
            return Closed.WEEKEND if weekday >= _SATURDAY else Closed.CLOSURE
        if day in self.public_holidays:
            return Closed.PUBLIC_HOLIDAY
        if any(day in closing for closing in self.closings):
            return Closed.CLOSURE
        if self.observes_school_holidays and day in self.school_holidays:
            return Closed.SCHOOL_HOLIDAY
        return None


@dataclass(frozen=True, slots=True)
class StateHolidays:
    """The holidays of one state, and for which days they are known. School holidays end with the last one that is published."""

    public: frozenset[date]
    school: frozenset[date]
    public_loaded: DayRange | None
    school_loaded: DayRange | None

    @classmethod
    def of(cls, public: frozenset[date], school: frozenset[date]) -> "StateHolidays":
        """Holidays and what their days say about how far they reach.

        Public holidays are loaded by whole years. School holidays are published in order, so they are known until the last day of
        the last ones: what lies behind it is not published yet, not free of holidays.
        """
        return cls(
            public,
            school,
            DayRange(date(min(public).year, 1, 1), date(max(public).year, 12, 31)) if public else None,
            DayRange(date(min(school).year, 1, 1), max(school)) if school else None,
        )

    def is_working_day(self, day: date) -> bool:
        """Whether banks and offices work: no weekend, no public holiday of the state."""
        return day.isoweekday() < _SATURDAY and day not in self.public

    def after_working_days(self, day: date, count: int) -> date:
        """The ``count``-th working day after a day; the day itself for 0."""
        while count > 0:
            day = date.fromordinal(day.toordinal() + 1)
            count -= self.is_working_day(day)
        return day

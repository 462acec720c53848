"""Closed day ranges, calendar months, school years: days as ``datetime.date``, both ends included."""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Self

_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)
SCHOOL_YEAR_STARTS_IN: Final = 8
# Days from outside lie in these years. 9999-12-31 has no day after it, which every last day of a range is asked for.
YEARS: Final = range(1900, 2200)


@dataclass(frozen=True, slots=True, order=True)
class DayRange:
    """A range of days, both ends included. Refuses when the last day lies before the first (ValueError)."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("the last day lies before the first")

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=i) for i in range(len(self)))

    def overlaps(self, other: "DayRange") -> bool:
        """Whether at least one day lies in both."""
        return self.first <= other.last and other.first <= self.last

    def cut(self, other: "DayRange") -> "DayRange | None":
        """The days that lie in both, or None."""
        if other.first <= self.first and self.last <= other.last:
            return self  # which is the rule where many children are looked up: no new range for each
        first, last = max(self.first, other.first), min(self.last, other.last)
        return DayRange(first, last) if first <= last else None


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The month written as ``YYYY-MM``. Refuses anything else (ValueError)."""
        found = _MONTH.fullmatch(text)
        if not found:
            raise ValueError("not a month such as 2026-10")
        year = int(found[1])
        if year == 0:
            raise ValueError("not a month such as 2026-10")
        return cls(year, int(found[2]))

    @classmethod
    def of(cls, day: date) -> Self:
        """The month a day lies in."""
        return cls(day.year, day.month)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return date(self.year, self.number, calendar.monthrange(self.year, self.number)[1])

    @property
    def days(self) -> DayRange:
        """All its days."""
        return DayRange(self.first, self.last)

    def plus(self, months: int) -> "Month":
        """The month so many months later (earlier when negative)."""
        index = self.year * 12 + self.number - 1 + months
        return Month(index // 12, index % 12 + 1)


def merge_ranges(ranges: list[DayRange]) -> list[DayRange]:
    """The same days as the fewest ranges, in order: overlapping and adjoining ranges become one."""
    merged: list[DayRange] = []
    for one in sorted(ranges):
        if merged and one.first.toordinal() <= merged[-1].last.toordinal() + 1:
            merged[-1] = DayRange(merged[-1].first, max(merged[-1].last, one.last))
        else:
            merged.append(one)
    return merged


def school_year_of(day: date) -> DayRange:
    """The school year (1 August to 31 July) a day lies in."""
    start = day.year if day.month >= SCHOOL_YEAR_STARTS_IN else day.year - 1
    return DayRange(date(start, SCHOOL_YEAR_STARTS_IN, 1), date(start + 1, SCHOOL_YEAR_STARTS_IN - 1, 31))


def years_completed(born: date, on: date) -> int:
    """Completed years of life at the start of a day (§§ 187 (2), 188 (2) BGB): the birthday itself counts as completed.

    Somebody born on 29 February completes a year at the end of 28 February in a common year.
    """
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))

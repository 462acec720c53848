"""Days, months and school years."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from but_gateway.kit.period import DayRange, Month, merge_ranges, school_year_of, years_completed

DAYS = some.dates(date(2019, 1, 1), date(2030, 12, 31))
RANGES = some.builds(lambda first, length: DayRange(first, first + timedelta(days=length)), DAYS, some.integers(0, 60))


def test_a_range_includes_both_its_ends() -> None:
    october = DayRange(date(2026, 10, 1), date(2026, 10, 31))
    assert len(october) == 31
    assert october.first in october
    assert october.last in october
    assert date(2026, 11, 1) not in october
    assert date(2026, 9, 30) not in october


def test_a_range_of_one_day_is_one_day() -> None:
    assert list(DayRange(date(2026, 10, 5), date(2026, 10, 5))) == [date(2026, 10, 5)]


def test_a_range_cannot_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="before the first"):
        DayRange(date(2026, 10, 2), date(2026, 10, 1))


@given(RANGES)
def test_walking_a_range_meets_each_of_its_days_once(days: DayRange) -> None:
    walked = list(days)
    assert len(walked) == len(set(walked)) == len(days)
    assert all(day in days for day in walked)
    assert walked == sorted(walked)


@given(RANGES, RANGES)
def test_the_cut_holds_just_the_common_days(one: DayRange, other: DayRange) -> None:
    common = one.cut(other)
    assert set(common or ()) == set(one) & set(other)
    assert one.cut(other) == other.cut(one)
    assert one.overlaps(other) == other.overlaps(one) == (common is not None)


@given(some.lists(RANGES, max_size=12))
def test_merging_keeps_the_days_and_leaves_gaps_between(ranges: list[DayRange]) -> None:
    merged = merge_ranges(ranges)
    assert {day for one in merged for day in one} == {day for one in ranges for day in one}
    assert merge_ranges(merged) == merged
    for before, after in pairwise(merged):
        assert before.last + timedelta(days=1) < after.first


def test_merging_takes_a_range_without_end() -> None:
    endless = DayRange(date(2026, 1, 1), date.max)
    assert merge_ranges([endless, DayRange(date(2027, 1, 1), date(2027, 2, 1)), endless]) == [endless]


@given(some.dates(date(1, 1, 1), date(9998, 12, 31)))
def test_a_month_is_written_and_read_back_and_holds_its_days(day: date) -> None:
    month = Month.of(day)
    assert Month.parse(str(month)) == month
    assert day in month.days
    assert month.first.day == 1
    assert Month.of(month.last + timedelta(days=1)) == month.plus(1)


@given(some.builds(Month, some.integers(1900, 2100), some.integers(1, 12)), some.integers(-500, 500), some.integers(-500, 500))
def test_adding_months_adds_up(month: Month, one: int, other: int) -> None:
    assert month.plus(one).plus(other) == month.plus(one + other)
    assert (month.plus(one) > month) == (one > 0)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-00", "2026-13", "2026-1", "26-10", "2026-10-01", "0000-01", "2026/10", "2026-10\n", "٢٠٢٦-10"]
)
def test_anything_else_is_no_month(text: str) -> None:
    with pytest.raises(ValueError, match="not a month"):
        Month.parse(text)


def test_february_knows_leap_years() -> None:
    assert Month(2028, 2).last == date(2028, 2, 29)
    assert Month(2026, 2).last == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("day", "first"), [(date(2026, 7, 31), date(2025, 8, 1)), (date(2026, 8, 1), date(2026, 8, 1)), (date(2027, 1, 1), date(2026, 8, 1))]
)
def test_a_school_year_runs_from_august_to_july(day: date, first: date) -> None:
    assert school_year_of(day) == DayRange(first, date(first.year + 1, 7, 31))


@given(DAYS)
def test_every_day_lies_in_its_school_year(day: date) -> None:
    assert day in school_year_of(day)


@pytest.mark.parametrize(
    ("born", "on", "years"),
    [
        (date(2008, 11, 22), date(2026, 11, 21), 17),
        (date(2008, 11, 22), date(2026, 11, 22), 18),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2008, 2, 29), date(2028, 2, 29), 20),
        (date(2026, 11, 22), date(2026, 11, 22), 0),
    ],
)
def test_a_year_of_life_is_complete_on_the_birthday(born: date, on: date, years: int) -> None:
    assert years_completed(born, on) == years


@given(DAYS, some.integers(0, 9000))
def test_age_never_falls(born: date, days: int) -> None:
    on = born + timedelta(days=days)
    assert 0 <= years_completed(born, on + timedelta(days=1)) - years_completed(born, on) <= 1

"""Moments and business days."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as some

from but_gateway.kit.clock import FixedClock, SystemClock, business_day, end_of_day, print_moment

MOMENTS = some.datetimes(datetime(2019, 1, 1), datetime(2035, 1, 1), timezones=some.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds
NAIVE = datetime(2026, 11, 22, 12)  # noqa: DTZ001 - the fault under test


def test_the_system_clock_speaks_utc_and_goes_on() -> None:
    clock = SystemClock()
    first = clock.now()
    assert first.tzinfo is UTC
    assert clock.now() >= first


def test_a_fixed_clock_stands_still_and_speaks_utc() -> None:
    clock = FixedClock(datetime(2026, 11, 22, 1, tzinfo=timezone(timedelta(hours=1))))
    assert clock.now() == clock.now() == datetime(2026, 11, 22, 0, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


@pytest.mark.parametrize("refuses", [FixedClock, business_day, print_moment])
def test_a_moment_without_a_zone_is_refused(refuses: type[FixedClock]) -> None:
    with pytest.raises(ValueError, match="without a zone"):
        refuses(NAIVE)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 22, 22, 59, 59, tzinfo=UTC), date(2026, 11, 22)),
        (datetime(2026, 11, 22, 23, 0, tzinfo=UTC), date(2026, 11, 23)),
        (datetime(2026, 7, 1, 21, 59, tzinfo=UTC), date(2026, 7, 1)),
        (datetime(2026, 7, 1, 22, 0, tzinfo=UTC), date(2026, 7, 2)),
    ],
)
def test_a_business_day_changes_at_midnight_in_berlin(moment: datetime, day: date) -> None:
    assert business_day(moment) == day


@given(MOMENTS)
def test_a_moment_lies_before_the_end_of_its_day_and_not_before_the_end_of_the_day_before(moment: datetime) -> None:
    day = business_day(moment)
    assert end_of_day(day - timedelta(days=1)) <= moment < end_of_day(day)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 11, 22), 24)])
def test_the_days_of_the_clock_change_are_shorter_and_longer(day: date, hours: int) -> None:
    assert end_of_day(day) - end_of_day(day - timedelta(days=1)) == timedelta(hours=hours)


@given(MOMENTS)
def test_a_printed_moment_is_rfc_3339_in_utc(moment: datetime) -> None:
    text = print_moment(moment)
    assert text.endswith("Z")
    assert moment - datetime.fromisoformat(text) < timedelta(milliseconds=1)


def test_a_printed_moment_always_has_milliseconds() -> None:
    assert print_moment(datetime(2026, 11, 22, 13, tzinfo=timezone(timedelta(hours=1)))) == "2026-11-22T12:00:00.000Z"

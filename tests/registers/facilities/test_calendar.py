from datetime import date

import pytest

from but_gateway.kit.period import DayRange, Month
from but_gateway.registers.facilities.calendar import FacilityCalendar, StateHolidays
from but_gateway.registers.facilities.store import load_holidays
from but_gateway.rules.facts import Closed
from tests.registers.office import Office

WEEK = frozenset({1, 2, 3, 4, 5})


async def holidays(office: Office, state: str = "NW") -> StateHolidays:
    async with office.app.state.database.transaction(office.scope(await office.town())) as unit:
        return await load_holidays(unit, state)


def calendar(known: StateHolidays, kind: str = "school", *, observes: bool = True, closings: tuple[DayRange, ...] = ()) -> FacilityCalendar:
    return FacilityCalendar(kind, WEEK, observes, closings, known.public, known.school, known.public_loaded, known.school_loaded)


async def test_the_autumn_holidays_of_2026_in_nrw_are_the_known_ones(office: Office) -> None:
    known = await holidays(office)
    autumn = {day for day in known.school if Month.of(day) == Month(2026, 10)}
    assert autumn == set(DayRange(date(2026, 10, 17), date(2026, 10, 31)))


async def test_the_public_holidays_of_2026_in_nrw_are_the_known_ones(office: Office) -> None:
    known = await holidays(office)
    assert sorted(day for day in known.public if day.year == 2026) == [
        date(2026, 1, 1),
        date(2026, 4, 3),
        date(2026, 4, 6),
        date(2026, 5, 1),
        date(2026, 5, 14),
        date(2026, 5, 25),
        date(2026, 6, 4),
        date(2026, 10, 3),
        date(2026, 11, 1),
        date(2026, 12, 25),
        date(2026, 12, 26),
    ]


async def test_states_keep_different_holidays(office: Office) -> None:
    reformation = date(2026, 10, 31)
    assert reformation in (await holidays(office, "SN")).public
    assert reformation not in (await holidays(office, "NW")).public


@pytest.mark.parametrize(
    ("month", "school", "daycare"),
    [
        (Month(2026, 5), 17, 18),  # 1, 14 and 25 May are public holidays; 26 May is a school holiday
        (Month(2026, 6), 21, 21),  # Fronleichnam on 4 June
        (Month(2026, 7), 13, 23),  # summer holidays from 20 July on
        (Month(2026, 8), 0, 21),
        (Month(2026, 9), 21, 22),  # school begins on 2 September
        (Month(2026, 10), 12, 22),
        (Month(2026, 12), 16, 22),  # Christmas holidays from 23 December on
    ],
    ids=str,
)
async def test_opening_days_of_schools_and_daycare_in_nrw(office: Office, month: Month, school: int, daycare: int) -> None:
    known = await holidays(office)
    assert len(calendar(known).open_days(month.days)) == school
    assert len(calendar(known, "daycare", observes=False).open_days(month.days)) == daycare


async def test_every_reason_for_a_closed_day_has_its_name(office: Office) -> None:
    known = await holidays(office)
    school = calendar(known, closings=(DayRange(date(2026, 10, 2), date(2026, 10, 2)),))
    assert school.closed(date(2026, 10, 1)) is None
    assert school.closed(date(2026, 10, 2)) is Closed.CLOSURE
    assert school.closed(date(2026, 10, 4)) is Closed.WEEKEND
    assert school.closed(date(2026, 10, 19)) is Closed.SCHOOL_HOLIDAY
    assert school.closed(date(2026, 5, 14)) is Closed.PUBLIC_HOLIDAY
    only_mornings = FacilityCalendar("daycare", frozenset({1, 2}), observes_school_holidays=False)
    assert only_mornings.closed(date(2026, 10, 7)) is Closed.CLOSURE  # a Wednesday is no weekend
    assert FacilityCalendar("daycare", frozenset({6}), observes_school_holidays=False).closed(date(2026, 10, 10)) is None


async def test_after_school_care_is_open_in_the_holidays_but_its_lunch_is_told_apart(office: Office) -> None:
    known = await holidays(office)
    care = calendar(known, "after_school", observes=False, closings=(DayRange(date(2026, 10, 20), date(2026, 10, 20)),))
    assert date(2026, 10, 19) in care.open_days(Month(2026, 10).days)
    assert care.closed(date(2026, 10, 19)) is Closed.SCHOOL_HOLIDAY
    assert care.closed(date(2026, 10, 20)) is Closed.CLOSURE
    assert care.closed(date(2026, 10, 12)) is None


async def test_what_is_not_published_yet_is_not_known(office: Office) -> None:
    known = await holidays(office)
    school, daycare = calendar(known), calendar(known, "daycare", observes=False)
    far, near = Month(2030, 10).days, Month(2026, 10).days
    assert (school.knows(near), daycare.knows(near)) == (True, True)
    assert (school.knows(far), daycare.knows(far)) == (False, True)
    assert not daycare.knows(Month(2040, 1).days)
    assert not school.knows(Month(2010, 12).days)
    # Only weekdays close then; nothing is guessed.
    assert school.closed(date(2040, 1, 2)) is None
    assert not FacilityCalendar("school", WEEK, observes_school_holidays=True).knows(near)


@pytest.mark.parametrize(
    ("day", "count", "then"),
    [
        (date(2026, 11, 4), 0, date(2026, 11, 4)),
        (date(2026, 11, 2), 3, date(2026, 11, 5)),  # within a week
        (date(2026, 11, 6), 1, date(2026, 11, 9)),  # over a weekend
        (date(2026, 11, 7), 1, date(2026, 11, 9)),  # from a weekend on
        (date(2026, 12, 23), 3, date(2026, 12, 29)),  # over Christmas
        (date(2026, 5, 13), 2, date(2026, 5, 18)),  # over Christi Himmelfahrt and a weekend
    ],
)
async def test_working_days_leave_out_weekends_and_public_holidays(office: Office, day: date, count: int, then: date) -> None:
    assert (await holidays(office)).after_working_days(day, count) == then

"""The law is complete on every day on which any of it changes, and on the day before."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from but_gateway.law.parameters import (
    FIRST_DAY,
    LAW_DIRECTORY,
    LawNotLoaded,
    NotLoaded,
    law_at,
    law_book,
    law_version,
    readings_on,
    require,
    stale,
    turning_days,
)
from but_gateway.law.statute import FEDERAL_FIELDS, STATE_FIELDS

TODAY = date(2026, 11, 22)
DAYS = sorted({day for turning in turning_days() for day in (turning, turning - timedelta(days=1)) if day >= FIRST_DAY})


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_every_parameter_has_one_entry_on_every_turning_day_and_the_day_before(day: date) -> None:
    law = law_at(day)
    readings = {reading.parameter.key: reading for reading in readings_on(day)}
    assert set(readings) == set(FEDERAL_FIELDS) | {f"NW.{name}" for name in STATE_FIELDS}
    for reading in readings.values():
        holder = law if reading.parameter.state is None else law.of_state(reading.parameter.state)
        assert getattr(holder, reading.parameter.name) == reading.entry.value
        assert [one for one in reading.parameter.entries if one.in_force_on(day)] == [reading.entry]


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_what_is_not_loaded_says_why_and_refuses_to_be_guessed(day: date) -> None:
    for reading in readings_on(day):
        if reading.not_loaded is None:
            assert reading.entry.written is not None
            assert require(reading.entry.value) is reading.entry.value
        else:
            with pytest.raises(LawNotLoaded, match=reading.not_loaded) as refusal:
                require(reading.entry.value)
            assert refusal.value.parameter == reading.parameter.key
            assert refusal.value.reason == reading.not_loaded


def test_every_entry_names_its_paragraph_and_a_confirmation_that_is_not_in_the_future() -> None:
    for parameter in law_book().parameters:
        for entry in parameter.entries:
            assert "§" in entry.reference, parameter.key
            assert entry.still_valid_on <= TODAY, parameter.key


def test_the_same_law_object_answers_for_every_day_between_two_turning_days() -> None:
    assert law_at(date(2026, 1, 1)) is law_at(date(2026, 12, 31))
    assert law_at(date(2027, 1, 1)) is not law_at(date(2026, 12, 31))


def test_turning_days_rise_and_begin_with_the_first_day_of_the_benefit() -> None:
    days = turning_days()
    assert days[0] == FIRST_DAY == date(2011, 1, 1)
    assert list(days) == sorted(set(days))
    written = set()
    for path in LAW_DIRECTORY.glob("*.yaml"):
        for body in yaml.safe_load(path.read_text(encoding="utf-8"))["parameters"].values():
            written |= {row["from"] for row in body["values"]}
    assert set(days) == written


def test_a_day_before_the_benefit_existed_is_refused() -> None:
    with pytest.raises(LawNotLoaded, match=r"Vor dem 01\.01\.2011 ist kein Recht geladen\."):
        law_at(date(2010, 12, 31))
    with pytest.raises(LawNotLoaded):
        readings_on(date(2010, 12, 31))


def test_school_supplies_of_2027_are_a_refusal_to_guess() -> None:
    law = law_at(date(2027, 2, 1))
    for value in (law.school_supplies_august_cents, law.school_supplies_february_cents):
        assert isinstance(value, NotLoaded)
        with pytest.raises(LawNotLoaded, match="2027"):
            require(value)


def test_nothing_is_stale_on_the_day_everything_was_confirmed_and_all_that_is_in_force_a_year_later() -> None:
    assert stale(TODAY, 12) == ()
    assert stale(date(2027, 11, 22), 12) == ()
    found = stale(date(2027, 11, 23), 12)
    assert {reading.parameter.key for reading in found} == {reading.parameter.key for reading in readings_on(date(2027, 11, 23))}
    assert all(reading.entry.last is None for reading in found)


def test_months_of_staleness_end_on_the_last_day_of_a_shorter_month() -> None:
    # Three months before 31 May is 28 February: a confirmation of 22 November lies before it.
    assert stale(date(2027, 5, 31), 3)
    assert stale(date(2027, 2, 28), 3)
    assert not stale(date(2027, 2, 22), 3)


def test_the_version_of_the_law_is_a_digest_of_its_files() -> None:
    assert len(law_version()) == 16
    assert int(law_version(), 16) >= 0
    assert law_version() == law_book().version


def test_the_directory_of_the_law_holds_one_file_per_area() -> None:
    assert sorted(path.name for path in Path(LAW_DIRECTORY).glob("*.yaml")) == [
        "entitlement.yaml",
        "lunch.yaml",
        "participation.yaml",
        "school.yaml",
        "state_nw.yaml",
        "tax.yaml",
    ]

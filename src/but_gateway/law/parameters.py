"""``law_at(day)``: the law as it stood on a day, from the YAML files beside this module."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

from but_gateway.law.book import LawBook, Reading
from but_gateway.law.loader import read_law
from but_gateway.law.statute import FIRST_DAY, Law, LawNotLoaded, MonthDay, NotLoaded, StateLaw, require

__all__ = [
    "FIRST_DAY",
    "LAW_DIRECTORY",
    "Law",
    "LawBook",
    "LawNotLoaded",
    "MonthDay",
    "NotLoaded",
    "Reading",
    "StateLaw",
    "law_at",
    "law_book",
    "law_version",
    "readings_on",
    "require",
    "stale",
    "turning_days",
]

LAW_DIRECTORY: Final = Path(__file__).parent


@cache
def law_book() -> LawBook:
    """All loaded law; read once per process, at the first question."""
    return read_law(LAW_DIRECTORY)


def law_at(day: date) -> Law:
    """The law in force on a day: the same object for every day between two turning days.

    Refuses a day before the Bildungs- und Teilhabepaket began, 2011-01-01 (LawNotLoaded). A single value that is not loaded
    stands in the result as ``NotLoaded``; ``require(value)`` turns it into the same refusal.
    """
    return law_book().at(day)


def turning_days() -> tuple[date, ...]:
    """Every day on which any parameter changes, in order; the first is 2011-01-01."""
    return law_book().turning_days


def readings_on(day: date) -> tuple[Reading, ...]:
    """Every parameter with the entry in force on a day, its description and reference (``GET /v1/law?on=``, ``law show``)."""
    return law_book().readings_on(day)


def stale(on: date, months: int) -> tuple[Reading, ...]:
    """Entries still in force on a day, or beginning later, that nobody has confirmed for so many months, oldest first."""
    return law_book().stale(on, months)


def law_version() -> str:
    """The first 16 hex digits of the SHA-256 over the YAML files: part of the rule-set version a decision names."""
    return law_book().version

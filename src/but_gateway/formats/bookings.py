"""What reports of bank and treasury say of payments, whatever their format."""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from but_gateway.kit.period import YEARS

FAULTS_MAX: Final = 100
_DAY: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(T.*|Z|[+-]\d{2}:\d{2})?", re.ASCII)


class Direction(StrEnum):
    """Which way money went: out to a provider, or back."""

    PAID = "paid"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Booking:
    """What a report says of one payment, or of a whole batch in one sum.

    ``cents`` positive, None where the report names no amount in EUR; ``charges`` were kept back from it; ``instructed``: what was ordered
    according to the bank. ``references``: ids of the payment file. ``texts``: remittance texts; neither they nor anything else of a party
    is stored. ``plain``: money came in and nothing says that it is money coming back. ``place``: where in the report.
    """

    direction: Direction
    booked_on: date
    cents: int | None
    currency: str
    place: str
    end_to_end_id: str | None = None
    references: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    charges: int = 0
    instructed: int | None = None
    return_reason: str | None = None
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What was read. ``kind``: camt.053, camt.054, pain.002, json, csv. ``not_booked``: announced or accepted, but no booking yet."""

    kind: str
    bookings: tuple[Booking, ...]
    not_booked: int = 0


@dataclass(frozen=True, slots=True)
class ReportFault:
    """A fault of a report: where, which, in German and English."""

    place: str
    code: str
    de: str
    en: str


class FaultyReportError(Exception):
    """A report that says too little or nonsense; carries all its faults, up to a number."""

    def __init__(self, faults: list[ReportFault]) -> None:
        super().__init__("faulty report")
        self.faults = faults


class UnreadVersionError(Exception):
    """A document of a kind or version that is not read."""


def parse_day(text: str) -> date:
    """The day of an ISO date or moment, as it is written there: what a bank calls the 15th was booked on the 15th.

    Refuses when it is none, or lies in no year anything is booked in (ValueError).
    """
    found = _DAY.fullmatch(text)
    if found is None:
        raise ValueError("not a day")
    day = date.fromisoformat(found[1])
    if day.year not in YEARS:
        raise ValueError("not a year")
    return day

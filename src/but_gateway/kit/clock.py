"""Time as a value: clocks are handed in, business days are days in Europe/Berlin."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

BERLIN: Final = ZoneInfo("Europe/Berlin")


class Clock(Protocol):
    """Tells what time it is."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still: tests, and the sandbox's Test-Clock."""

    moment: datetime

    def __post_init__(self) -> None:
        if self.moment.tzinfo is None:
            raise ValueError("a moment without a zone is no moment")

    def now(self) -> datetime:
        """The fixed moment in UTC."""
        return self.moment.astimezone(UTC)


def business_day(moment: datetime) -> date:
    """The day in Europe/Berlin that a moment falls on. Refuses a naive moment (ValueError)."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone is no moment")
    return moment.astimezone(BERLIN).date()


def end_of_day(day: date) -> datetime:
    """The moment a business day ends: midnight in Europe/Berlin after it, in UTC. Compare with ``<``."""
    next_day = date.fromordinal(day.toordinal() + 1)
    return datetime(next_day.year, next_day.month, next_day.day, tzinfo=BERLIN).astimezone(UTC)


def print_moment(moment: datetime) -> str:
    """A moment as RFC 3339 in UTC with milliseconds. Refuses a naive moment (ValueError)."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone is no moment")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

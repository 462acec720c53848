"""Entries of reports, payments as reconciliation sees them, and the history of a payment at the bank. Money in cents."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from but_gateway.formats.bookings import Direction


class State(StrEnum):
    """What became of an entry. Everything but ``matched`` is for a person, until it is done."""

    MATCHED = "matched"
    RETURNED = "returned"
    UNMATCHED = "unmatched"
    PARTIAL = "partial"
    OVERPAID = "overpaid"
    DUPLICATE = "duplicate"


class Source(StrEnum):
    """Who says it: the bank's own booking, or a message about one (treasury, status report). A message may confirm, never double."""

    STATEMENT = "statement"
    MESSAGE = "message"

    @classmethod
    def of(cls, report_kind: str) -> "Source":
        """Who speaks in a report of a kind (``formats.bookings.Report``)."""
        return cls.STATEMENT if report_kind in {"camt.053", "camt.054"} else cls.MESSAGE


# Where a payment stands once it was handed over.
HANDED_OVER, PAID, RETURNED = "handed_over", "paid", "returned"
AT_THE_BANK = frozenset({HANDED_OVER, PAID, RETURNED})


@dataclass(frozen=True, slots=True)
class Target:
    """A payment that a report may mean."""

    id: UUID
    batch_id: UUID
    end_to_end_id: str
    remittance_text: str
    net: int
    state: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A booking with the payment it means, if one was found. ``whole``: it stands for the payment's whole amount."""

    direction: Direction
    booked_on: date
    cents: int | None
    currency: str
    end_to_end_id: str | None
    batch_number: str | None
    return_reason: str | None
    target: Target | None
    whole: bool
    given: tuple[str | None, str | None, int | None]  # id, batch number and cents as the report gave them


@dataclass(frozen=True, slots=True)
class Said:
    """An entry as a part of its payment's history. ``effective``: it made the payment paid or returned before."""

    id: UUID
    payment_id: UUID
    direction: Direction
    source: Source
    booked_on: date
    cents: int | None
    whole: bool
    state: State
    effective: bool
    return_reason: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the history of a payment comes to. ``paid`` and ``returned``: the days of all executions and returns, in order.

    ``marks``: the state of every entry, and whether it is effective.
    """

    state: str
    paid_on: date | None
    returned_on: date | None
    return_reason: str | None
    paid: tuple[date, ...]
    returned: tuple[date, ...]
    marks: dict[UUID, tuple[State, bool]]


@dataclass(frozen=True, slots=True)
class Account:
    """A payment under lock, with what was booked of it so far. ``repeated``: its repeat was handed over."""

    id: UUID
    batch_id: UUID
    provider_id: UUID
    net: int
    state: str
    paid_on: date | None
    returned_on: date | None
    repeated: bool
    paid: tuple[date, ...]
    returned: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """Who did something and when."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the bookings of a report. ``unrelated`` of the unmatched are other business of the bank account."""

    matched: int
    unmatched: int
    already_known: int
    unrelated: int
    not_booked: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the list to work through."""

    id: UUID
    report_kind: str
    reported_at: datetime
    direction: Direction
    end_to_end_id: str | None
    batch_number: str | None
    cents: int | None
    currency: str
    booked_on: date
    return_reason: str | None
    state: State
    payment_id: UUID | None
    payment_batch_id: UUID | None
    payment_net: int | None
    payment_state: str | None
    provider_key: str | None
    repeated_by: UUID | None
    assigned: Step | None
    assigned_reason: bytes | None
    done: Step | None
    done_reason: bytes | None

    @property
    def is_open(self) -> bool:
        """Whether a person still has something to do. A return is over when its payment was repeated, or executed after all."""
        if self.state is State.RETURNED and (self.repeated_by is not None or self.payment_state != RETURNED):
            return False
        return self.state is not State.MATCHED and self.done is None

"""What reports say, as values. Money in cents, terms in days, both ends of a range included."""

from dataclasses import dataclass
from datetime import date
from enum import Enum, StrEnum, auto

from but_gateway.kit.period import Month


@dataclass(frozen=True, slots=True)
class Spending:
    """What the bank paid in a month for a legal basis and benefit, and what came back by corrections, as a positive amount."""

    legal_basis: str
    benefit: str
    month: Month
    paid: int
    receipts: int

    @property
    def net(self) -> int:
        """What it cost."""
        return self.paid - self.receipts


class Owed(StrEnum):
    """How far something that is owed has come."""

    REVIEW = "review"  # a person must decide it
    UNSETTLED = "unsettled"  # accepted, in no batch
    IN_BATCH = "in_batch"  # in a batch that was not handed over
    HANDED_OVER = "handed_over"  # the bank has not paid it, or it came back


class Rewind(Enum):
    """How a report of a day finds what was decided after it."""

    NOTHING = auto()  # there is nothing: the day is today
    BY_ID = auto()  # by the ids of postings, which tell when they were made
    BY_MOMENT = auto()  # by their moments, one by one: a sandbox has a clock of its own


@dataclass(frozen=True, slots=True)
class Liability:
    """What is owed to a provider in one state. The three amounts by age make ``amount``; ``receipts`` is what the provider owes back."""

    provider_key: str
    state: Owed
    invoices: int
    positions: int
    amount: int
    receipts: int
    in_time: int
    soon: int  # the term ends within a week
    late: int  # the term is over
    late_invoices: int
    oldest_received_on: date | None

    @property
    def net(self) -> int:
        """What remains when it is netted."""
        return self.amount - self.receipts


@dataclass(frozen=True, slots=True)
class Days:
    """How long invoices took, in whole days: half of them at most the median, nine of ten at most ``p90``."""

    invoices: int
    median: int
    p90: int
    longest: int


@dataclass(frozen=True, slots=True)
class Speed:
    """How long the invoices received in a month from one kind of provider took. None: none has come so far."""

    month: Month
    provider_kind: str
    received: int
    decision: Days | None
    hand_over: Days | None
    payment: Days | None


@dataclass(frozen=True, slots=True)
class Reach:
    """How many children of a facility are granted a benefit under a legal basis and how many used it. Hidden counts are None."""

    benefit: str
    facility_key: str | None  # None: the grant names none
    legal_basis: str | None  # None with facility None in sums: all of them
    granted: int | None
    used: int | None
    expiring: int | None

    @property
    def share(self) -> int | None:
        """Ten-thousandths of the children granted it, rounded down."""
        return None if self.granted is None or self.used is None else self.used * 10_000 // self.granted

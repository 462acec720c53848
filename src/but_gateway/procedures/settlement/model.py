"""Batches, payments and orders as values. Money in cents; ``by`` is issuer|subject."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from but_gateway.kit.period import Month


class State(StrEnum):
    """Where a batch stands: drawn_up → certified → ordered → handed_over → paid | partly_returned; withdrawn until hand-over."""

    DRAWN_UP = "drawn_up"
    CERTIFIED = "certified"
    ORDERED = "ordered"
    HANDED_OVER = "handed_over"
    PAID = "paid"
    PARTLY_RETURNED = "partly_returned"
    WITHDRAWN = "withdrawn"


# Until the hand-over a batch is only a plan: payments can be held, all of it can be taken back.
BEFORE_HAND_OVER: Final = frozenset({State.DRAWN_UP, State.CERTIFIED, State.ORDERED})


class Kind(StrEnum):
    """What is certified (§ 31 KomHVO NRW): the ground of a payment, its amount."""

    FACTUAL = "factual"
    ARITHMETICAL = "arithmetical"


class Cause(StrEnum):
    """Why a payment is held. Only a missing account clears by itself, at certification."""

    ACCOUNT = "account"
    IBAN = "iban"  # H-07
    PERSON = "person"
    RETURNED = "returned"  # a repeat that would go where the payment came back from


@dataclass(frozen=True, slots=True)
class Hold:
    """A payment's hold: its cause and the reason people read."""

    cause: Cause
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """Who did something and when."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """A settlement batch without what it carries."""

    id: UUID
    fiscal_year: int
    serial: int
    state: State
    cutoff: date
    due_on: date
    benefits: tuple[str, ...] | None
    provider_ids: tuple[UUID, ...] | None
    drawn_up: Step
    factual: Step | None
    arithmetical: Step | None
    ordered: Step | None
    handed_over: Step | None
    withdrawn_at: datetime | None

    @property
    def number(self) -> str:
        """How people call it: fiscal year of the draw-up and running number."""
        return batch_number(self.fiscal_year, self.serial)


@dataclass(frozen=True, slots=True)
class Payment:
    """What one provider gets by one batch."""

    id: UUID
    serial: int
    provider_id: UUID
    provider_key: str
    gross: int
    receipts: int
    hold: Hold | None
    end_to_end_id: str
    remittance_text: str
    state: str  # open | left | handed_over | paid | returned
    repeats_id: UUID | None

    @property
    def net(self) -> int:
        """What the bank transfers."""
        return self.gross - self.receipts

    @property
    def has_left(self) -> bool:
        """Whether it left the batch at hand-over because it was held."""
        return self.state == "left"


@dataclass(frozen=True, slots=True)
class Order:
    """The part of a payment for one legal basis, benefit and fiscal year of service: what the books see."""

    id: UUID
    serial: int
    payment_id: UUID
    legal_basis: str
    benefit: str
    fiscal_year: int
    positions: int
    gross: int
    receipts: int

    @property
    def net(self) -> int:
        """Negative where receipts outweigh the spending of this part."""
        return self.gross - self.receipts


@dataclass(frozen=True, slots=True)
class CarriedForward:
    """A provider that nets to nothing or less."""

    provider_id: UUID
    provider_key: str
    balance: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums in cents; ``net`` = gross − receipts."""

    gross: int
    receipts: int

    @property
    def net(self) -> int:
        """What is paid."""
        return self.gross - self.receipts


@dataclass(frozen=True, slots=True)
class Compared:
    """What a batch pays in cents, and what the month before paid for the same: a provider, or a legal basis and a benefit."""

    key: tuple[str, ...]
    net: int
    before: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A batch beside all batches drawn up in the calendar month before it. Repeats of returned payments count in neither."""

    month: Month
    batches: tuple[str, ...]  # numbers of that month's batches
    parts: tuple[Compared, ...]  # by legal basis and benefit
    providers: tuple[Compared, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """A batch with all it carries. Payments that left at hand-over stand apart, and so do their orders: nowhere."""

    batch: Batch
    payments: tuple[Payment, ...]
    left: tuple[Payment, ...]
    orders: tuple[Order, ...]
    carried_forward: tuple[CarriedForward, ...]
    provider_keys: tuple[str, ...] | None  # the filter it was drawn up with
    difference: Difference

    @property
    def totals(self) -> Totals:
        """Sums over its payments."""
        return Totals(sum(p.gross for p in self.payments), sum(p.receipts for p in self.payments))


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A file of a package as it is listed."""

    name: str
    package: str
    media_type: str
    sha256: str
    bytes: int


def batch_number(fiscal_year: int, serial: int) -> str:
    """``2026-0007``."""
    return f"{fiscal_year}-{serial:04d}"

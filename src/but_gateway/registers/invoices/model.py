"""Invoices, lines and positions as they are read: frozen values, money in cents, days closed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from but_gateway.rules.verdict import Finding, Outcome


@dataclass(frozen=True, slots=True)
class PositionView:
    """A position with its current decision. ``shares`` as in decision.allocations: [grant id, version, legal basis, cents, units]."""

    id: UUID
    form: str  # day | month | range
    first_day: date
    last_day: date
    claimed: int
    outcome: Outcome
    approved: int
    proposed: int | None
    findings: tuple[Finding, ...]
    shares: Sequence[Sequence[object]]
    batch_id: UUID | None = None
    rule_set: str | None = None

    @property
    def service_date(self) -> str | None:
        """The day of a day's position; None for months and ranges."""
        return self.first_day.isoformat() if self.form == "day" else None


@dataclass(frozen=True, slots=True)
class LineView:
    """A line with its positions in order of their days."""

    line_no: int
    positions: Sequence[PositionView]


@dataclass(frozen=True, slots=True)
class InvoiceHead:
    """An invoice without its lines; sums and counts over the current decisions."""

    id: UUID
    provider_key: str
    number: str
    kind: str  # invoice | cancellation
    issued_on: date
    first_day: date
    last_day: date
    total: int
    received_at: datetime
    cancelled_by: str | None  # number of the cancellation
    claimed: int = 0
    approved: int = 0
    in_review: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """``cancelled`` once a cancellation exists, else ``decided``."""
        return "cancelled" if self.cancelled_by is not None else "decided"

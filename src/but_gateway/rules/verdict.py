"""What a decision is: outcome, amounts in cents, findings, allocations."""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class Effect(IntEnum):
    """What a finding does; the strongest of a position wins."""

    NOTE = 0
    REDUCE = 1
    REVIEW = 2
    REJECT = 3


class Outcome(StrEnum):
    """Decision of a position."""

    ACCEPTED = "accepted"
    REDUCED = "reduced"
    REJECTED = "rejected"
    REVIEW = "review"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found. ``values`` are strings in contract form, by the names that reasons.yaml declares."""

    rule: str
    effect: Effect
    values: dict[str, str] = field(default_factory=dict)
    payable: int | None = None  # reductions: what is left to pay, in cents


@dataclass(frozen=True, slots=True)
class Allocation:
    """The part of a decision that one grant bears. ``units`` in the unit of the grant's budget (minutes, days, cents; 0 if unlimited)."""

    grant: int  # index into Facts.grants
    cents: int
    units: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision. Under review ``approved`` is 0 and ``proposed`` is what acceptance would pay; else ``proposed`` is None."""

    outcome: Outcome
    approved: int
    proposed: int | None
    findings: tuple[Finding, ...]
    allocations: tuple[Allocation, ...]

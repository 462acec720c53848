"""What checking finds, and what a package says, file by file."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

FINDINGS_PER_CODE_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth telling. ``code`` is a heading of docs/verify.md; ``place`` a line, row, order or payment, never a name or account.

    A ``note`` is nothing wrong: it says what was not checked, or happened on purpose.
    """

    code: str
    file: str
    place: str
    note: bool = False


@dataclass(slots=True)
class Findings:
    """Collects what is found. Of each kind the first fifty are kept, all are counted."""

    kept: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    violations: int = 0

    def add(self, code: str, file: str, place: str = "", *, note: bool = False) -> None:
        """Notes a finding."""
        self.counts[code] += 1
        self.violations += not note
        if self.counts[code] <= FINDINGS_PER_CODE_MAX:
            self.kept.append(Finding(code, file, place, note))

    def require(self, holds: object, code: str, file: str, place: str = "") -> bool:
        """Notes a violation unless something holds; answers whether it does."""
        if not holds:
            self.add(code, file, place)
        return bool(holds)


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as the manifest lists it."""

    name: str
    package: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What manifest.json says. Money in cents."""

    batch: str
    municipality: str
    created_at: str
    gross: int
    receipts: int
    net: int
    files: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Transfer:
    """What the bank is told to pay (pain001.xml)."""

    end_to_end_id: str
    cents: int
    name: str
    iban: str
    text: str


@dataclass(frozen=True, slots=True)
class BankFile:
    """pain001.xml as a whole."""

    message_id: str
    created_at: str
    due_on: str
    debtor_iban: str
    transfers: Mapping[str, Transfer]


@dataclass(frozen=True, slots=True)
class PaidRow:
    """A row of the sheet Zahlungen."""

    place: str
    serial: int
    end_to_end_id: str
    provider: str
    creditor: str
    name: str
    iban: str
    net: int
    gross: int
    receipts: int
    due_on: str
    text: str
    repeats: bool


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as a file tells it; None for what that file does not say. Money in cents, days as ``YYYY-MM-DD``."""

    place: str
    number: str
    creditor: str
    name: str
    iban: str | None
    legal_basis: str
    benefit: str
    fiscal_year: int
    books: tuple[str, str, str]
    net: int
    gross: int | None
    receipts: int | None
    positions: int | None
    due_on: str
    end_to_end_id: str | None
    text: str


@dataclass(slots=True)
class OrderSum:
    """What the positions of an order come to."""

    payment: str
    legal_basis: str
    benefit: str
    fiscal_year: int
    positions: int = 0
    gross: int = 0
    receipts: int = 0


@dataclass(slots=True)
class Positions:
    """What Einzelposten.ndjson comes to. ``digests`` holds a short digest of what other files repeat of a position, by position id."""

    count: int = 0
    recomputed: int = 0
    by_person: int = 0
    other_rule_set: int = 0
    orders: dict[str, OrderSum] = field(default_factory=dict)
    digests: dict[str, bytes] = field(default_factory=dict)
    providers: dict[str, str] = field(default_factory=dict)  # by payment
    told: dict[str, Counter[tuple[Any, ...]]] = field(default_factory=dict)  # per payment: what its advice must tell


@dataclass(slots=True)
class AdviceSum:
    """What an advice of a provider comes to, and the rows of it that are paid for."""

    place: str
    gross: int = 0
    receipts: int = 0
    rows: Counter[tuple[Any, ...]] = field(default_factory=Counter)

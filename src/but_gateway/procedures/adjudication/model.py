"""What adjudication works on: lines, pieces (positions to be decided), standings (what was decided so far) and rulings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from but_gateway.rules.facts import Claim, Corrected, Identity
from but_gateway.rules.verdict import Finding, Outcome


@dataclass(slots=True)
class Line:
    """A line of an invoice as far as deciding needs it. Amounts in cents, days closed."""

    id: UUID
    invoice_id: UUID
    invoice_number: str
    line_no: int
    provider_id: UUID
    claim: Claim
    identity: Identity
    received_at: datetime
    received_on: date
    entitlement_id: UUID | None = None
    child_id: UUID | None = None
    facility_id: UUID | None = None
    number_lost_on: date | None = None
    iban_differs: bool = False
    tutor: str | None = None
    proof: str | None = None
    check_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a decision one grant bears: cents, and units of its budget (minutes, days or cents)."""

    grant_id: UUID
    version: int
    legal_basis: str
    cents: int
    units: int

    def document(self) -> list[object]:
        """As it stands in decision.allocations."""
        return [str(self.grant_id), self.version, self.legal_basis, self.cents, self.units]


def read_shares(documents: Sequence[Sequence[object]]) -> tuple[Share, ...]:
    """Shares from decision.allocations."""
    return tuple(Share(UUID(str(d[0])), int(str(d[1])), str(d[2]), int(str(d[3])), int(str(d[4]))) for d in documents)


@dataclass(frozen=True, slots=True)
class Standing:
    """What was decided about a position so far."""

    decision_id: UUID
    outcome: Outcome
    approved: int
    proposed: int | None
    findings: tuple[Finding, ...]
    shares: tuple[Share, ...]
    by_person: bool = False


@dataclass(slots=True)
class Piece:
    """A position to be decided. ``before`` is None the first time."""

    id: UUID
    line: Line
    first_day: date
    last_day: date
    quantity: int
    claimed: int
    corrects: "Corrects | None" = None
    before: Standing | None = None


@dataclass(slots=True)
class Corrects:
    """The position a negative one takes back. ``position_id`` None: it was not found (S-03)."""

    position_id: UUID | None
    approved: int = 0
    corrected: int = 0  # grows while the lines of one invoice are decided
    shares: tuple[Share, ...] = ()
    legal_day: date | None = None

    def facts(self) -> Corrected:
        """What the rules see of it."""
        return Corrected(self.position_id is not None, self.approved, self.corrected)


@dataclass(slots=True)
class Ruling:
    """A new decision about a piece, ready to be written."""

    piece: Piece
    outcome: Outcome
    approved: int
    proposed: int | None
    findings: tuple[Finding, ...]
    shares: tuple[Share, ...]
    facts: str | None = None  # JSON text; a person's decision keeps what the person had before them, without a rule set
    rule_set: str | None = None
    decided_by: str | None = None  # issuer|subject for a person's decision
    reason: bytes | None = None  # a person's words, sealed for the position: table decision, row = position id
    decision_seq: int | None = None

    def changes(self) -> bool:
        """Whether it differs from what stood before. A new version of a grant alone is no difference: the decision stands as made."""
        before = self.piece.before
        return before is None or (
            (before.outcome, before.approved, before.proposed) != (self.outcome, self.approved, self.proposed)
            or before.findings != self.findings
            or _borne(before.shares) != _borne(self.shares)
        )


def _borne(shares: Sequence[Share]) -> list[tuple[UUID, str, int, int]]:
    return [(s.grant_id, s.legal_basis, s.cents, s.units) for s in shares]

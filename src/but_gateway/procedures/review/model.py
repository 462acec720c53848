"""Reviews as they are read."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from but_gateway.registers.invoices.model import PositionView


@dataclass(frozen=True, slots=True)
class ReviewView:
    """A review with the position it is about. What people wrote is still sealed."""

    id: UUID
    state: str  # open | query | resolved
    opened_at: datetime
    invoice_id: UUID
    invoice_number: str
    provider_key: str
    line_no: int
    entitlement_id: UUID | None
    position: PositionView
    objection: bytes | None
    query: bytes | None
    reason: bytes | None  # of the present decision

    @property
    def proposed(self) -> int | None:
        """What accepting pays, in cents; where a decision was only reopened, what stands now. None once resolved."""
        if self.state == "resolved":
            return None
        return self.position.approved if self.position.proposed is None else self.position.proposed

"""What the office knows of a child's entitlements, as values. Days are closed ranges; budgets are minutes, days or cents by kind."""

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from but_gateway.db.fields import TownKeys

# Flag of a grant that begins before its separate application: a person decides its lines (§ 37 (2) S. 1 SGB II).
LATE_APPLICATION_FLAG: Final = "E-12"
# Flag of a bkgg grant that was widened to whole months (§ 5 (1) BKGG).
WIDENED_FLAG: Final = "E-03"


def child_reference(keys: TownKeys, provider_id: UUID, child_id: UUID) -> str:
    """How a provider refers to a child: two providers cannot find out that they know the same one."""
    return f"k-{keys.reference('my_child', f'{provider_id}|{child_id}').hex()[:16]}"


@dataclass(frozen=True, slots=True)
class NumberRecord:
    """A known entitlement number with its entitlement and child. Names and birth date are still sealed (table ``child``)."""

    number_index: bytes
    kind: str  # issued | external
    lost_on: date | None  # the number counts for services before this day
    entitlement_id: UUID
    entitlement_key: str
    benefit: str
    information_allowed: bool
    child_id: UUID
    child_key: str
    family_name: bytes
    given_names: bytes
    date_of_birth: bytes
    frozen: bool  # it counts as unknown for the provider that asks (too many wrong birth dates)
    linked: bool  # the provider that asks is linked with the entitlement


@dataclass(frozen=True, slots=True)
class GrantRecord:
    """The current version of a grant with its counters.

    ``limit`` is what the current version grants (None = unlimited). The counter in the database may allow more for a while: where a
    budget was lowered below what is used, the counter stays at what is used, and nothing is left.
    """

    id: UUID
    key: str
    entitlement_id: UUID
    version: int
    legal_basis: str
    valid_from: date  # bkgg: widened to whole months already
    valid_to: date
    applied_on: date | None
    status: str  # active | provisional | disputed
    attends: str | None
    facility_id: UUID | None
    provider_id: UUID | None
    budget_kind: str  # unlimited | minutes | days | amount | saving
    limit: int | None
    subjects: tuple[str, ...]
    tutoring_form: str | None
    revoked_from: date | None
    notified_on: date | None
    flags: tuple[str, ...]
    used: int
    reserved: int

    @property
    def left(self) -> int | None:
        """What may still be used: limit − used − reserved, never below zero; None = unlimited."""
        return None if self.limit is None else max(0, self.limit - self.used - self.reserved)

    @property
    def widened(self) -> bool:
        """Whether its import was flagged because a bkgg grant came with other days than whole months (E-03)."""
        return WIDENED_FLAG in self.flags

    @property
    def doubtful(self) -> bool:
        """Whether its import was flagged so that a person decides its lines (E-12). A missing application (E-11) is only told."""
        return LATE_APPLICATION_FLAG in self.flags

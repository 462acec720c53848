"""A check as a value: what is asked, what is answered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

from but_gateway.kit.period import DayRange

# Causes that count as identity failures (I-01, I-02).
UNKNOWN_NUMBER: Final = "unknown_number"
WRONG_BIRTH_DATE: Final = "wrong_birth_date"
FROZEN: Final = "frozen"  # too many wrong birth dates: the number is unknown to this provider
# Causes that do not: number and birth date are right.
NUMBER_REPLACED: Final = "number_replaced"
NOT_ALLOWED: Final = "information_not_allowed"
OTHER_BENEFIT: Final = "other_benefit"
IDENTITY_FAILURES: Final = frozenset({UNKNOWN_NUMBER, WRONG_BIRTH_DATE, FROZEN})
CONFIRMED: Final = "confirmed"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and when. ``today`` is the business day of ``at``."""

    client_id: str
    provider_id: UUID
    at: datetime
    today: date


@dataclass(slots=True)  # not frozen: making a frozen one takes three times as long, and one is made for every check
class Ask:
    """One check. ``number_index`` is the keyed hash of the folded number, ``amount`` cents."""

    number_index: bytes
    date_of_birth: date
    benefit: str
    days: DayRange
    facility: str | None
    amount: int | None


@dataclass(slots=True)
class Verdict:
    """What became of a check. Only a confirmed one says more than that; ``cause`` goes into the access log."""

    id: UUID
    asker: Asker
    ask: Ask
    cause: str = CONFIRMED
    entitlement_id: UUID | None = None
    facility_id: UUID | None = None
    periods: tuple[DayRange, ...] = ()
    unit_price: int | None = None
    remaining_minutes: int | None = None
    subjects: tuple[str, ...] | None = None
    form: str | None = None
    covered: bool | None = None
    link: bool = field(default=False)  # confirmed, and not linked before
    unknown_facility: bool = field(default=False)

    @property
    def confirmed(self) -> bool:
        """Whether the service will be paid."""
        return self.cause == CONFIRMED


@dataclass(frozen=True, slots=True)
class Visit:
    """A request: one or more checks of one asker, answered together or not at all.

    ``account``: whose record of the town is to be found first; until then the asker's ``provider_id`` is nobody's.
    """

    asker: Asker
    asks: Sequence[Ask]
    account: str | None = None


class Locked(Exception):  # noqa: N818 - it says what is the matter with the client
    """The client of the request is locked: nothing of the answer may be given."""

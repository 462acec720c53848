"""What a decision is made from: everything a rule may look at, and nothing else.

Money is integer cents, days are ``date``, day ranges are closed, times of day are minutes since midnight, shares are
ten-thousandths, tax rates are hundredths of a percent. No name, no birth date, no number ever stands in here: facts are
stored with every decision so that it can be recomputed for ever.

The parts differ in how long they live: ``Town``, ``Provider``, ``Agreement``, ``Facility`` and ``Grant`` are the same for
many positions (they are stored once, by content); ``Claim`` is one line's; ``Situation`` is one position's.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Form(StrEnum):
    """How a position lies in time."""

    DAY = "day"  # one service date
    MONTH = "month"  # a calendar month: flat rate or monthly count
    RANGE = "range"  # a fee or a trip from one day to another


class Identity(StrEnum):
    """What became of number, birth date and name (rules I-01 to I-05)."""

    CONFIRMED = "confirmed"
    UNKNOWN_NUMBER = "unknown_number"  # I-01: unknown, mistyped or frozen
    WRONG_BIRTH_DATE = "wrong_birth_date"  # I-02
    NAME_DIFFERS = "name_differs"  # I-04: number and birth date are right
    NUMBER_MISSING = "number_missing"  # I-05
    BIRTH_DATE_MISSING = "birth_date_missing"  # left out although provider and entitlement are not linked


class Closed(StrEnum):
    """Why a facility is closed on a day."""

    WEEKEND = "weekend"
    PUBLIC_HOLIDAY = "public_holiday"
    SCHOOL_HOLIDAY = "school_holiday"
    CLOSURE = "closure"  # the facility's own closing day


class SlotState(StrEnum):
    """State of another claim for the same lunch (child and day, or child and month)."""

    HELD = "held"
    CONTESTED = "contested"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a tutoring line says of the one lesson it bills. Times are minutes since midnight."""

    subject: str
    group_size: int
    minutes: int
    recorded_from: int | None
    recorded_to: int | None
    proof: bool  # whether a proof is named


@dataclass(frozen=True, slots=True)
class Claim:
    """A line as it was billed."""

    benefit: str
    item: str
    form: Form
    unit_price: int
    attended: bool = True
    attended_days: int | None = None  # flat month: days the child came; monthly count: not used (quantity counts)
    cancelled_late: bool = False
    relative: bool = False
    activity: str | None = None
    vat_rate: int | None = None
    vat_exemption: str | None = None
    lesson: Lesson | None = None


@dataclass(frozen=True, slots=True)
class DatedPrice:
    """A price per unit from a day on, until the next one of the same item."""

    item: str
    valid_from: date
    unit_price: int


@dataclass(frozen=True, slots=True)
class Town:
    """The settings of a municipality that decide lines (contract: PUT settings)."""

    protect_good_faith: bool = True
    holiday_lunch: str = "review"  # accept | review | reject
    submission_months: int = 3
    late_effect: str = "review"  # accept | review | reject
    tax_effect: str = "note"  # note | review
    relatives_excluded: bool = True
    participation_saving: str = "period_total"  # period_total | accrued_to_date | monthly_cap | calendar_year
    flat_proration: str = "opening_days"  # opening_days | calendar_30ths
    lunch_price_ceilings: tuple[DatedPrice, ...] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """The town's record of the billing provider."""

    status: str = "active"  # active | suspended | ended
    suspended_from: date | None = None


@dataclass(frozen=True, slots=True)
class TutoringTerms:
    """The tutoring part of an agreement."""

    unit_minutes: int = 45
    group_max: int = 4
    minutes_rule: str = "pro_rata"  # pro_rata | whole_units
    absence_share: int | None = None
    absences_per_month: int = 0
    units_per_day_max: int = 4


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement that covers benefit, facility and first day of the position."""

    mode: str = "per_use"  # per_use | flat
    evidence: str = "dates"  # dates | monthly_count
    prices: tuple[DatedPrice, ...] = ()  # none = actual cost
    vat_treatment: str = "catering_service"
    drink_included: bool = False
    late_cancellation_share: int | None = None
    absence_threshold_days: int | None = None
    submission_months: int | None = None  # None = the town's
    late_effect: str | None = None  # None = the town's
    tutoring: TutoringTerms | None = None


@dataclass(frozen=True, slots=True)
class Facility:
    """The facility a line names."""

    kind: str  # school | daycare | after_school | childminder
    has_cooperating_school: bool = False


@dataclass(frozen=True, slots=True)
class Budget:
    """What a grant allows in all. ``limit`` in minutes, days or cents by kind; None = unlimited."""

    kind: str = "unlimited"  # unlimited | minutes | days | amount
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """One version of a grant under the line's entitlement, as it stood when the decision was made."""

    ref: str  # the grant's id; stored, never shown to a provider
    version: int
    key: str  # the town's key: last tie-break of E-06
    legal_basis: str
    valid_from: date
    valid_to: date  # bkgg: already widened to whole months (E-03)
    status: str = "active"  # active | provisional | disputed
    attends: str | None = None  # school | daycare | childminder
    provider_named: bool = False  # the notice names a provider …
    provider_is_this: bool = False  # … and it is the one that bills
    facility_named: bool = False
    facility_is_this: bool = False  # the line's facility, or one that cooperates with the grant's school (M-15)
    subjects: tuple[str, ...] = ()
    tutoring_form: str = "any"  # individual | group | any
    budget: Budget = Budget()
    revoked_from: date | None = None
    notified_on: date | None = None  # the earlier of the office's date and the delivery through the change feed
    flagged: bool = False  # E-12 flagged the import: lines go to review
    widened: bool = False  # bkgg: it came with other days than whole months (E-03)


@dataclass(frozen=True, slots=True)
class Rival:
    """Another live claim for the same lunch, by slot."""

    same_provider: bool
    state: SlotState
    attributed: bool  # the grant names the rival's provider or the rival's facility
    this_attributed: bool  # the grant names this provider or this facility


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another live position of the same child (tutoring: lesson; else: same entitlement and item) at overlapping time."""

    same_provider: bool
    same_start: bool = False  # tutoring: both recorded times begin at the same minute


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a correction line refers to. ``found`` is False where invoice, line or day do not exist or are not this provider's."""

    found: bool
    approved: int = 0  # approved for the corrected position, before corrections
    corrected: int = 0  # Σ of earlier corrections, as a positive amount


@dataclass(frozen=True, slots=True)
class Situation:
    """One position, and how things stand around it at the moment of the decision."""

    first_day: date
    last_day: date
    quantity: int
    claimed: int
    received_on: date  # business day of receipt
    identity: Identity = Identity.CONFIRMED
    number_lost_on: date | None = None  # the number used was reported lost on this day (B-04)
    age: int = 0  # completed years on the first day
    age_before_month: int = 0  # completed years on the last day before the month of the first day (bkgg)
    closed: Closed | None = None  # day form
    sunday_or_holiday: bool = False
    open_days: tuple[date, ...] = ()  # month form: the facility's opening days of the whole month
    budgets_left: tuple[int | None, ...] = ()  # parallel to Facts.grants: limit − used − reserved; None = unlimited
    rival: Rival | None = None
    overlap: Overlap | None = None
    tutor_overlap: bool = False  # L-10
    proof_used: bool = False  # the proof was used before by this provider
    minutes_that_day: int = 0  # other live lessons of the same child that day (L-11)
    absences_paid: int = 0  # missed lessons already paid in that month (L-08)
    absence_days_run: int | None = None  # flat month: longest run of absent opening days, where known
    paid_by_family: tuple[date, date] | None = None  # E-14: the recorded range that covers the first day
    iban_differs: bool = False  # H-07
    promised: bool = False  # a confirmed check, named by the line, covers the day and was made before notice of a change
    corrected: Corrected | None = None  # only on correction lines


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it."""

    situation: Situation
    claim: Claim
    town: Town
    provider: Provider
    agreement: Agreement | None
    facility: Facility | None
    grants: tuple[Grant, ...]
    other_benefits: bool = False  # the child has a grant of another benefit only (E-02 instead of E-01)

"""What the law of a day is: the typed parameters, and what stands where a value is not known."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Final, NamedTuple, TypeVar

from but_gateway.law.basis import LegalBasis

T = TypeVar("T")

# The Bildungs- und Teilhabepaket begins on this day; no question about an earlier day has an answer.
FIRST_DAY: Final = date(2011, 1, 1)


class LawNotLoaded(LookupError):  # noqa: N818 - the name says what is the matter, as the rule that reports it does
    """The law is not known for a day: the answer is a refusal to guess, and lines go to review."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter}: {reason}")
        self.parameter = parameter
        self.reason = reason


@dataclass(frozen=True, slots=True)
class NotLoaded:
    """Stands where a value is not known. ``reason`` is German, for staff."""

    parameter: str
    reason: str


class MonthDay(NamedTuple):
    """A day of every year."""

    month: int
    day: int


def require(value: T | NotLoaded) -> T:
    """The value itself.

    Refuses when it is not loaded (LawNotLoaded).
    """
    if isinstance(value, NotLoaded):
        raise LawNotLoaded(value.parameter, value.reason)
    return value


# How a value is written in YAML (see loader.py) and, second, whether its parameter may be not loaded for some days.
MONEY: Final = {"kind": "money", "may_be_missing": False}
RATE: Final = {"kind": "rate", "may_be_missing": False}
COUNT: Final = {"kind": "count", "may_be_missing": False}
FLAG: Final = {"kind": "flag", "may_be_missing": False}
MONTH_DAY: Final = {"kind": "month_day", "may_be_missing": False}
WORDS: Final = {"kind": "words", "may_be_missing": False}
COUNT_BY_BASIS: Final = {"kind": "count_by_basis", "may_be_missing": False}
FLAG_BY_BASIS: Final = {"kind": "flag_by_basis", "may_be_missing": False}
MONEY_OR_MISSING: Final = {"kind": "money", "may_be_missing": True}
COUNT_OR_MISSING: Final = {"kind": "count", "may_be_missing": True}


@dataclass(frozen=True, slots=True)
class StateLaw:
    """Parameters of one state (Land). Only North Rhine-Westphalia is loaded."""

    retention_booking_records_years: int | NotLoaded = field(metadata=COUNT_OR_MISSING)
    retention_ledgers_years: int | NotLoaded = field(metadata=COUNT_OR_MISSING)


@dataclass(frozen=True, slots=True)
class Law:
    """The law of one day. ``*_cents`` are euro cents, ``*_bp`` hundredths of a percent (700 = 7 %)."""

    participation_monthly_cents: int = field(metadata=MONEY)
    participation_age_limit_years: int = field(metadata=COUNT)
    education_age_limit_years: Mapping[LegalBasis, int | None] = field(metadata=COUNT_BY_BASIS)
    lunch_own_share_cents: int = field(metadata=MONEY)
    lunch_communal_required: bool = field(metadata=FLAG)
    school_supplies_august_cents: int | NotLoaded = field(metadata=MONEY_OR_MISSING)
    school_supplies_february_cents: int | NotLoaded = field(metadata=MONEY_OR_MISSING)
    school_transport_own_share_monthly_cents: int = field(metadata=MONEY)
    tutoring_separate_application: Mapping[LegalBasis, bool] = field(metadata=FLAG_BY_BASIS)
    other_benefits_separate_application: Mapping[LegalBasis, bool] = field(metadata=FLAG_BY_BASIS)
    school_supplies_separate_application: Mapping[LegalBasis, bool] = field(metadata=FLAG_BY_BASIS)
    bkgg_limitation_months: int = field(metadata=COUNT)
    bkgg_whole_months: bool = field(metadata=FLAG)
    social_benefit_limitation_years: int = field(metadata=COUNT)
    asylblg_waiting_months: int | NotLoaded = field(metadata=COUNT_OR_MISSING)
    federal_report_due: MonthDay = field(metadata=MONTH_DAY)
    vat_standard_bp: int = field(metadata=RATE)
    vat_catering_service_bp: int = field(metadata=RATE)
    vat_food_delivery_bp: int = field(metadata=RATE)
    vat_drinks_bp: int = field(metadata=RATE)
    vat_tutoring_treatments: tuple[str, ...] = field(metadata=WORDS)
    small_business_previous_year_cents: int = field(metadata=MONEY)
    small_business_current_year_cents: int = field(metadata=MONEY)
    retention_provider_invoices_years: int = field(metadata=COUNT)
    states: Mapping[str, StateLaw]

    def needs_separate_application(self, benefit: str, basis: LegalBasis) -> bool:
        """Whether a benefit of this name had to be applied for by itself (§ 37 (1) S. 2 SGB II, § 34a (1) SGB XII, § 9 BKGG)."""
        if benefit == "tutoring":
            return self.tutoring_separate_application[basis]
        if benefit == "school_supplies":
            return self.school_supplies_separate_application[basis]
        return self.other_benefits_separate_application[basis]

    def of_state(self, state: str) -> StateLaw:
        """The law of a state by its two letters ("NW").

        Refuses when that state's law is not loaded (LawNotLoaded).
        """
        found = self.states.get(state)
        if found is None:
            raise LawNotLoaded(f"state.{state}", "Für dieses Land sind keine Werte geladen.")
        return found

    def vat_bp_of(self, treatment: str) -> int | None:
        """The tax rate that belongs to an agreement's VAT treatment, or None where no tax may be shown (exempt, § 19 UStG)."""
        match treatment:
            case "catering_service":
                return self.vat_catering_service_bp
            case "food_delivery":
                return self.vat_food_delivery_bp
            case "standard":
                return self.vat_standard_bp
            case _:
                return None


FEDERAL_FIELDS: Final = {one.name: one.metadata for one in fields(Law) if one.metadata}
STATE_FIELDS: Final = {one.name: one.metadata for one in fields(StateLaw)}

"""Providers, agreements and bank accounts as values."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from but_gateway.db.fields import TownKeys
from but_gateway.kit.period import DayRange
from but_gateway.rules.facts import Agreement, DatedPrice, Provider, TutoringTerms


@dataclass(frozen=True, slots=True)
class ProviderRecord:
    """A provider as the town keeps it. ``account`` is the key of the login that acts for it."""

    id: UUID
    key: str
    account: str | None
    account_id: UUID | None
    name: str
    kind: str  # caterer | tutor | club | school | other
    status: str  # active | suspended | ended
    suspended_from: date | None
    undertaking_signed_on: date | None  # § 78 SGB X; without it no invoice is taken (P-02)
    creditor_number: str | None
    contact_email: str | None
    vat_id: str | None
    sealed_tax_number: bytes | None
    version: int

    def tax_number(self, keys: TownKeys) -> str | None:
        """The tax number in the clear."""
        return keys.open(self.sealed_tax_number, "provider", self.id, "tax_number") if self.sealed_tax_number else None

    def facts(self) -> Provider:
        """What of it rules look at."""
        return Provider(self.status, self.suspended_from)


@dataclass(frozen=True, slots=True)
class AgreementRecord:
    """An agreement: what a provider may bill a benefit for, where, when and at which prices (cents)."""

    id: UUID
    key: str
    provider_id: UUID
    benefit: str
    facilities: tuple[UUID, ...]  # as the town wrote them; empty = any
    facility_ids: frozenset[UUID]  # the same
    valid: DayRange
    mode: str  # per_use | flat
    evidence: str  # dates | monthly_count
    prices: tuple[DatedPrice, ...]  # in order of item and day; none = actual cost
    vat_treatment: str
    drink_included: bool
    late_cancellation_share: int | None  # ten-thousandths
    absence_threshold_days: int | None
    min_period_months: int
    submission_months: int | None  # None = the town's
    late_effect: str | None  # None = the town's
    tutoring: TutoringTerms | None
    version: int

    def covers(self, benefit: str, facility_id: UUID | None, day: date) -> bool:
        """Whether it holds for a benefit at a facility (None: the service names none) on a day."""
        at = facility_id is None or not self.facility_ids or facility_id in self.facility_ids
        return benefit == self.benefit and at and day in self.valid

    def overlaps(self, other: "AgreementRecord") -> bool:
        """Whether there are a day and a facility for which both hold, so that a service date could not choose."""
        if self.benefit != other.benefit or self.provider_id != other.provider_id or not self.valid.overlaps(other.valid):
            return False
        return not self.facility_ids or not other.facility_ids or not self.facility_ids.isdisjoint(other.facility_ids)

    def facts(self) -> Agreement:
        """What of it rules look at."""
        return Agreement(
            mode=self.mode,
            evidence=self.evidence,
            prices=self.prices,
            vat_treatment=self.vat_treatment,
            drink_included=self.drink_included,
            late_cancellation_share=self.late_cancellation_share,
            absence_threshold_days=self.absence_threshold_days,
            submission_months=self.submission_months,
            late_effect=self.late_effect,
            tutoring=self.tutoring,
        )


@dataclass(frozen=True, slots=True)
class BankAccount:
    """A provider's bank account. IBAN and holder are opened only where they are needed."""

    id: UUID
    provider_id: UUID
    sealed_iban: bytes
    sealed_holder: bytes
    state: str  # proposed | confirmed
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    usable_from: date | None

    def iban(self, keys: TownKeys) -> str:
        """The IBAN in electronic form."""
        return keys.open(self.sealed_iban, "bank_account", self.id, "iban")

    def holder(self, keys: TownKeys) -> str:
        """Whose account it is."""
        return keys.open(self.sealed_holder, "bank_account", self.id, "holder")

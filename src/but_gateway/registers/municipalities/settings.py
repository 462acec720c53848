"""The settings of a town: what decides lines, deadlines and payments there, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from but_gateway.rules.facts import DatedPrice, Town


@dataclass(frozen=True, slots=True)
class PriceCeiling:
    """The highest price of a lunch (cents) that the town pays from a day on."""

    valid_from: date
    unit_price: int


@dataclass(frozen=True, slots=True)
class Debtor:
    """The account the town's treasury pays from."""

    name: str
    iban: str
    bic: str | None


@dataclass(frozen=True, slots=True)
class AccountAssignment:
    """Where the books record the spending of a legal basis and a benefit from a day on (Kontierung); None: since ever."""

    legal_basis: str
    benefit: str
    product: str
    account: str
    cost_centre: str | None
    valid_from: date | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. Money in cents; deadlines in months, cooling-off in working days, payment term in days.

    The defaults are those of a town that has not set anything yet; it then has no debtor account and cannot hand over payments.
    """

    name: str
    leitweg_id: str | None = None
    protect_good_faith: bool = True
    protected_checks: bool = True
    holiday_lunch: str = "review"
    submission_months: int = 3
    late_effect: str = "review"
    tax_effect: str = "note"
    relatives_excluded: bool = True
    participation_saving: str = "period_total"
    flat_proration: str = "opening_days"
    bank_cooling_days: int = 3
    payment_term_days: int = 30
    hkr_profile: str = "generic"
    lunch_price_ceilings: tuple[PriceCeiling, ...] = ()  # in order of valid_from
    debtor: Debtor | None = None
    account_assignments: tuple[AccountAssignment, ...] = ()

    def facts(self) -> Town:
        """What of it rules look at."""
        return Town(
            protect_good_faith=self.protect_good_faith,
            holiday_lunch=self.holiday_lunch,
            submission_months=self.submission_months,
            late_effect=self.late_effect,
            tax_effect=self.tax_effect,
            relatives_excluded=self.relatives_excluded,
            participation_saving=self.participation_saving,
            flat_proration=self.flat_proration,
            lunch_price_ceilings=tuple(DatedPrice("lunch", c.valid_from, c.unit_price) for c in self.lunch_price_ceilings),
        )

    def assignment(self, legal_basis: str, benefit: str, day: date) -> AccountAssignment | None:
        """Where the books record this spending on a day: what began last; None where nothing is assigned then."""
        fitting = [
            a
            for a in self.account_assignments
            if (a.legal_basis, a.benefit) == (legal_basis, benefit) and (a.valid_from is None or a.valid_from <= day)
        ]
        return max(fitting, key=lambda a: a.valid_from or date.min, default=None)

    def document(self) -> dict[str, Any]:
        """All of it as it is stored, in plain JSON: amounts in cents, days as text."""
        return {
            **{field: getattr(self, field) for field in _PLAIN},
            "lunch_price_ceilings": [{"valid_from": str(c.valid_from), "unit_price": c.unit_price} for c in self.lunch_price_ceilings],
            "debtor": {"name": self.debtor.name, "iban": self.debtor.iban, "bic": self.debtor.bic} if self.debtor else None,
            "account_assignments": [
                {field: getattr(a, field) for field in AccountAssignment.__slots__} | {"valid_from": a.valid_from and str(a.valid_from)}
                for a in self.account_assignments
            ],
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Settings":
        """The settings of a stored document."""
        return cls(
            **{field: document[field] for field in _PLAIN if field in document},
            lunch_price_ceilings=tuple(
                PriceCeiling(date.fromisoformat(c["valid_from"]), c["unit_price"]) for c in document["lunch_price_ceilings"]
            ),
            debtor=Debtor(**document["debtor"]) if document["debtor"] else None,
            account_assignments=tuple(
                AccountAssignment(**a | {"valid_from": date.fromisoformat(a["valid_from"]) if a.get("valid_from") else None})
                for a in document["account_assignments"]
            ),
        )


_PLAIN = tuple(f for f in Settings.__slots__ if f not in {"lunch_price_ceilings", "debtor", "account_assignments"})

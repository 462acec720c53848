"""Bodies and answers: settings of a town, towns as those with business there may know them, code lists."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, JsonValue

from but_gateway.identity.principal import Town
from but_gateway.kit.money import print_money
from but_gateway.law.basis import LegalBasis
from but_gateway.registers.municipalities.scalars import Benefit, Bic, Holder, Iban, LateEffect, LeitwegId, Months, Price
from but_gateway.registers.municipalities.settings import AccountAssignment, Debtor, PriceCeiling, Settings
from but_gateway.registers.municipalities.store import KnownTown
from but_gateway.web.body import AnswerModel, Day, Flag, Key, Line, StrictModel, Whole

_PLAIN = (
    "name",
    "leitweg_id",
    "protect_good_faith",
    "protected_checks",
    "holiday_lunch",
    "submission_months",
    "late_effect",
    "tax_effect",
    "relatives_excluded",
    "participation_saving",
    "flat_proration",
    "bank_cooling_days",
    "payment_term_days",
    "hkr_profile",
)
_SETTINGS_EXAMPLE: dict[str, JsonValue] = {
    "name": "Musterstadt",
    "leitweg_id": "05999-12345-93",
    "protect_good_faith": True,
    "protected_checks": True,
    "holiday_lunch": "review",
    "submission_months": 3,
    "late_effect": "review",
    "tax_effect": "note",
    "relatives_excluded": True,
    "participation_saving": "period_total",
    "flat_proration": "opening_days",
    "bank_cooling_days": 3,
    "payment_term_days": 30,
    "hkr_profile": "generic",
    "lunch_price_ceilings": [{"valid_from": "2026-01-01", "unit_price": "5.00"}],
    "debtor": {"name": "Musterstadt", "iban": "DE02120300000000202051", "bic": "BYLADEM1001"},
    "account_assignments": [
        {"legal_basis": "sgb2", "benefit": "lunch", "product": "05.311.01", "account": "533110", "cost_centre": "50-4"},
        {
            "legal_basis": "sgb2",
            "benefit": "lunch",
            "product": "05.311.02",
            "account": "533110",
            "cost_centre": "50-4",
            "valid_from": "2027-01-01",
        },
        {"legal_basis": "bkgg", "benefit": "tutoring", "product": "05.321.01", "account": "533121", "cost_centre": "50-4"},
    ],
}


class PriceCeilingBody(StrictModel):
    """Höchstpreis eines Mittagessens ab einem Tag."""

    valid_from: Day = Field(description="Erster Tag, an dem der Höchstpreis gilt")
    unit_price: Price = Field(description="Höchstpreis je Essen, EUR brutto")


class DebtorBody(StrictModel):
    """Konto, von dem die Stadtkasse zahlt (Auftraggeber der Überweisungen)."""

    name: Holder = Field(description="Kontoinhaber, wie er in der Überweisung steht (höchstens 70 Zeichen)", examples=["Musterstadt"])
    iban: Iban = Field(description="IBAN des Kontos")
    bic: Bic | None = Field(None, description="BIC; im SEPA-Raum nicht nötig")


class AccountAssignmentBody(StrictModel):
    """Kontierung: wo ein Rechtskreis und eine Leistungsart im Haushalt gebucht werden, ab einem Tag oder seit jeher."""

    legal_basis: LegalBasis = Field(description="Rechtskreis")
    benefit: Benefit = Field(description="Leistungsart")
    product: Annotated[Line, Field(max_length=35)] = Field(description="Produkt", examples=["05.311.01"])
    account: Annotated[Line, Field(max_length=35)] = Field(description="Sachkonto", examples=["533110"])
    cost_centre: Annotated[Line, Field(max_length=35)] | None = Field(None, description="Kostenstelle", examples=["50-4"])
    valid_from: Day | None = Field(
        None,
        description="Erster Tag, an dem die Kontierung gilt; null = seit jeher",
        examples=["2027-01-01"],
        exclude_if=lambda day: day is None,  # who sent none gets back what was sent
    )


class SettingsIn(StrictModel):
    """Einstellungen einer Kommune. Was fehlt, bekommt den Vorgabewert."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SETTINGS_EXAMPLE, {"holiday_lunch": "reject"}]})

    name: Line | None = Field(None, description="Name der Kommune; ohne Angabe der, unter dem sie angelegt ist", examples=["Stadt Krefeld"])
    leitweg_id: LeitwegId | None = Field(None, description="Leitweg-ID für elektronische Rechnungen")
    protect_good_faith: Flag = Field(
        default=True, description="Vertrauensschutz: bis zur Mitteilung einer Aufhebung an den Anbieter wird bezahlt"
    )
    protected_checks: Flag = Field(
        default=True,
        description="Zusage: nennt eine Zeile eine bestätigte Prüfung (`check_id`), werden die bestätigten Tage bezahlt, solange der "
        "Anbieter von einer Änderung noch nichts wusste; wirkt nur mit `protect_good_faith`",
    )
    holiday_lunch: LateEffect = Field("review", description="Essen in der Ferienbetreuung (Hort, OGS): annehmen, prüfen oder ablehnen")
    submission_months: Months = Field(3, description="Einreichungsfrist in Monaten nach dem Leistungsmonat")
    late_effect: LateEffect = Field("review", description="Was mit verspätet eingereichten Positionen geschieht")
    tax_effect: Literal["note", "review"] = Field("note", description="Auffällige Steuerangaben: nur Hinweis oder Klärfall")
    relatives_excluded: Flag = Field(default=True, description="Lernförderung durch Angehörige wird nicht bezahlt")
    participation_saving: Literal["period_total", "accrued_to_date", "monthly_cap", "calendar_year"] = Field(
        "period_total",
        description="Ansparen der Teilhabe: Gesamtbetrag des Zeitraums, bisher angesparter Betrag, monatlich oder je Kalenderjahr",
    )
    flat_proration: Literal["opening_days", "calendar_30ths"] = Field(
        "opening_days", description="Anteilige Monatspauschale: nach Öffnungstagen oder nach Dreißigsteln"
    )
    bank_cooling_days: Annotated[Whole, Field(ge=0, le=30)] = Field(
        3, description="Wartezeit in Arbeitstagen, bis an eine weitere Bankverbindung gezahlt wird"
    )
    payment_term_days: Annotated[Whole, Field(ge=1, le=60)] = Field(30, description="Zahlungsziel in Tagen (§ 286 (3) BGB)")
    hkr_profile: Annotated[Line, Field(max_length=40)] = Field(
        "generic", description="Profil der Schnittstellendatei an das Finanzverfahren (HKR.csv)", examples=["generic"]
    )
    lunch_price_ceilings: list[PriceCeilingBody] = Field([], max_length=100, description="Höchstpreise für Mittagessen, nach Datum")
    debtor: DebtorBody | None = Field(None, description="Konto der Stadtkasse; ohne ist keine Übergabe an die Kasse möglich")
    account_assignments: list[AccountAssignmentBody] = Field(
        [], max_length=420, description="Kontierungen je Rechtskreis und Leistungsart, nach Datum; es gilt die zuletzt begonnene"
    )

    def settings(self, default_name: str) -> Settings:
        """The settings that the body means."""
        plain = {field: getattr(self, field) for field in _PLAIN} | {"name": self.name or default_name}
        ceilings = sorted((PriceCeiling(c.valid_from, c.unit_price) for c in self.lunch_price_ceilings), key=lambda c: c.valid_from)
        return Settings(
            **plain,
            lunch_price_ceilings=tuple(ceilings),
            debtor=Debtor(self.debtor.name, self.debtor.iban, self.debtor.bic) if self.debtor else None,
            account_assignments=tuple(
                AccountAssignment(a.legal_basis.value, a.benefit, a.product, a.account, a.cost_centre, a.valid_from)
                for a in self.account_assignments
            ),
        )


class SettingsOut(SettingsIn, AnswerModel):
    """Einstellungen einer Kommune, wie sie gelten."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SETTINGS_EXAMPLE]})

    name: Line = Field(description="Name der Kommune", examples=["Stadt Krefeld"])

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The answer for settings."""
        return cls.model_validate(
            {
                **{field: getattr(settings, field) for field in _PLAIN},
                "lunch_price_ceilings": [
                    {"valid_from": c.valid_from, "unit_price": print_money(c.unit_price)} for c in settings.lunch_price_ceilings
                ],
                "debtor": {f: getattr(settings.debtor, f) for f in Debtor.__slots__} if settings.debtor else None,
                "account_assignments": [{f: getattr(a, f) for f in AccountAssignment.__slots__} for a in settings.account_assignments],
            }
        )


class TownOut(AnswerModel):
    """Eine Kommune (kommunaler Träger)."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"key": "musterstadt", "name": "Musterstadt", "state": "NW", "sandbox": True}]}
    )

    key: Key = Field(description="Schlüssel, der in den Adressen steht", examples=["musterstadt"])
    name: str = Field(description="Name", examples=["Musterstadt"])
    state: str = Field(description="Bundesland", examples=["NW"])
    sandbox: bool = Field(description="Ob es eine Testkommune ist, in der die Uhr verstellt werden darf")

    @classmethod
    def of(cls, town: KnownTown | Town) -> Self:
        """The answer for a town."""
        return cls(key=town.key, name=town.name, state=town.state, sandbox=town.sandbox)


class TownsOut(AnswerModel):
    """Kommunen, älteste zuerst."""

    items: list[TownOut] = Field(description="Die Kommunen")
    next_cursor: str | None = Field(description="Für die nächste Seite; null, wenn es keine gibt")

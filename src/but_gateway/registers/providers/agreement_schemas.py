"""Bodies and answers: agreements, for the town and for the provider itself."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue

from but_gateway.kit.money import print_money, print_share
from but_gateway.registers.municipalities.scalars import Benefit, LateEffect, Months, Price
from but_gateway.registers.municipalities.settings import Settings
from but_gateway.registers.providers.model import AgreementRecord
from but_gateway.rules.facts import TutoringTerms
from but_gateway.web.body import AnswerModel, Day, Flag, Key, Share, StrictModel, Whole

BENEFIT_NAMES: Final = {
    "lunch": "Mittagsverpflegung",
    "tutoring": "Lernförderung",
    "participation": "Soziale und kulturelle Teilhabe",
    "day_trip": "Ausflug",
    "class_trip": "Mehrtägige Klassenfahrt",
    "school_supplies": "Schulbedarf",
    "school_transport": "Schülerbeförderung",
}
_ITEM_ORDER: Final = ("lunch", "individual", "group", "fee", "equipment", "material")
_TERMS: dict[str, JsonValue] = {
    "valid_from": "2026-01-01",
    "valid_to": "2027-07-31",
    "mode": "per_use",
    "evidence": "dates",
    "drink_included": False,
    "late_cancellation_share": None,
    "absence_threshold_days": None,
    "min_period_months": 0,
    "submission_months": None,
    "late_effect": None,
}
_LUNCH: dict[str, JsonValue] = {
    "provider": "c1",
    "benefit": "lunch",
    "facilities": ["s1", "k1"],
    **_TERMS,
    "prices": [
        {"item": "lunch", "valid_from": "2026-01-01", "unit_price": "4.20"},
        {"item": "lunch", "valid_from": "2026-09-16", "unit_price": "4.50"},
    ],
    "vat_treatment": "catering_service",
    "tutoring": None,
}
_TUTORING: dict[str, JsonValue] = {
    "provider": "t3",
    "benefit": "tutoring",
    "facilities": [],
    **_TERMS,
    "prices": [
        {"item": "individual", "valid_from": "2026-01-01", "unit_price": "22.50"},
        {"item": "group", "valid_from": "2026-01-01", "unit_price": "12.00"},
    ],
    "vat_treatment": "exempt_4_21",
    "tutoring": {
        "unit_minutes": 45,
        "group_max": 4,
        "minutes_rule": "pro_rata",
        "absence_share": "0.50",
        "absences_per_month": 1,
        "units_per_day_max": 4,
    },
}


class DatedPriceBody(StrictModel):
    """Vereinbarter Preis ab einem Tag, bis zum nächsten desselben Postens."""

    item: Literal["lunch", "individual", "group", "fee", "equipment", "material"] = Field(
        description="Posten: Essen; Einzel- oder Gruppenstunde je Einheit; Beitrag oder Kosten; Ausrüstung; Material"
    )
    valid_from: Day = Field(description="Erster Tag, an dem der Preis gilt")
    unit_price: Price = Field(description="Preis je Einheit, EUR brutto")


class TutoringBody(StrictModel):
    """Besondere Vereinbarungen für Lernförderung."""

    unit_minutes: Annotated[Whole, Field(ge=1, le=480)] = Field(45, description="Minuten einer Einheit, auf die sich die Preise beziehen")
    group_max: Annotated[Whole, Field(ge=1, le=100)] = Field(4, description="Höchste Zahl der Kinder in einer Gruppe")
    minutes_rule: Literal["pro_rata", "whole_units"] = Field(
        "pro_rata", description="Andere Dauern: anteilig nach Minuten oder nur ganze Einheiten"
    )
    absence_share: Share | None = Field(None, description="Ausfallentgelt als Anteil des Preises; ohne Angabe wird Ausfall nicht bezahlt")
    absences_per_month: Annotated[Whole, Field(ge=0, le=31)] = Field(0, description="So viele Ausfälle je Kind und Monat werden bezahlt")
    units_per_day_max: Annotated[Whole, Field(ge=1, le=24)] = Field(4, description="Mehr Einheiten an einem Tag werden geprüft")

    def terms(self) -> TutoringTerms:
        """The terms that the body means."""
        return TutoringTerms(**{field: getattr(self, field) for field in TutoringTerms.__slots__})


class _Terms(StrictModel):
    """What an agreement says, whoever reads it."""

    benefit: Benefit = Field(description="Leistungsart")
    facilities: list[Key] = Field([], max_length=1000, description="Schlüssel der Einrichtungen; leer: alle", examples=[["s1", "k1"]])
    valid_from: Day = Field(description="Erster Tag der Vereinbarung")
    valid_to: Day = Field(description="Letzter Tag der Vereinbarung")
    mode: Literal["per_use", "flat"] = Field("per_use", description="Spitzabrechnung je Leistung oder Monatspauschale")
    evidence: Literal["dates", "monthly_count"] = Field("dates", description="Nachweis: einzelne Tage oder Zahl der Essen im Monat")
    prices: list[DatedPriceBody] = Field([], max_length=1000, description="Vereinbarte Preise nach Datum; leer: tatsächliche Kosten")
    vat_treatment: Literal["catering_service", "food_delivery", "exempt_4_21", "exempt_4_23", "small_business", "standard"] = Field(
        description="Umsatzsteuer: Restaurantleistung, Lieferung von Speisen, befreit nach § 4 Nr. 21 oder 23 UStG, "
        "Kleinunternehmer (§ 19 UStG), Regelsteuersatz"
    )
    drink_included: Flag = Field(default=False, description="Ein Getränk ist im Preis enthalten; einzelne Getränke werden nie bezahlt")
    late_cancellation_share: Share | None = Field(None, description="Verspätete Abmeldung: dieser Anteil des Preises wird bezahlt")
    absence_threshold_days: Annotated[Whole, Field(ge=1, le=366)] | None = Field(
        None, description="Pauschale: ab so vielen Fehltagen hintereinander wird geprüft"
    )
    min_period_months: Annotated[Whole, Field(ge=0, le=12)] = Field(0, description="Kürzester Abrechnungszeitraum in Monaten")


class AgreementIn(_Terms):
    """(Leistungs-)Vereinbarung: ein Anbieter, eine Leistungsart, Einrichtungen, Preise nach Datum."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LUNCH, _TUTORING]})

    provider: Key = Field(description="Schlüssel des Anbieters", examples=["c1"])
    submission_months: Months | None = Field(None, description="Einreichungsfrist in Monaten; ohne Angabe die der Kommune")
    late_effect: LateEffect | None = Field(None, description="Folge verspäteter Einreichung; ohne Angabe die der Kommune")
    tutoring: TutoringBody | None = Field(None, description="Nur und immer bei Lernförderung")


class AgreementOut(AgreementIn, AnswerModel):
    """(Leistungs-)Vereinbarung, wie sie gespeichert ist."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"key": "c1-lunch", **_LUNCH}]})

    key: Key = Field(description="Schlüssel der Vereinbarung", examples=["c1-lunch"])

    @classmethod
    def of(cls, record: AgreementRecord, facility_keys: Mapping[UUID, str], provider_key: str) -> Self:
        """The answer for an agreement."""
        return cls.model_validate(
            {
                **_document(record, facility_keys),
                "provider": provider_key,
                "submission_months": record.submission_months,
                "late_effect": record.late_effect,
            }
        )


class AgreementsOut(AnswerModel):
    """Vereinbarungen, älteste zuerst."""

    items: list[AgreementOut] = Field(description="Die Vereinbarungen")
    next_cursor: str | None = Field(description="Für die nächste Seite; null, wenn es keine gibt")


class MyAgreementOut(_Terms, AnswerModel):
    """Eine Vereinbarung, wie der Anbieter sie kennt."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "key": "c1-lunch",
                    "name": "Mittagsverpflegung, 01.01.2026 bis 31.07.2027",
                    **{k: v for k, v in _LUNCH.items() if k != "provider"},
                    "submission_months": 3,
                    "late_effect": "review",
                }
            ]
        }
    )

    key: Key = Field(description="Schlüssel der Vereinbarung", examples=["c1-lunch"])
    name: str = Field(description="Leistungsart und Zeitraum in Worten")
    submission_months: Months = Field(description="Einreichungsfrist in Monaten nach dem Leistungsmonat")
    late_effect: LateEffect = Field(description="Was mit verspätet eingereichten Positionen geschieht")
    tutoring: TutoringBody | None = Field(description="Besondere Vereinbarungen für Lernförderung")

    @classmethod
    def of(cls, record: AgreementRecord, facility_keys: Mapping[UUID, str], settings: Settings) -> Self:
        """The answer for an agreement; what it leaves to the town is filled in from the settings."""
        months = record.submission_months
        first, last = (f"{day:%d.%m.%Y}" for day in (record.valid.first, record.valid.last))
        return cls.model_validate(
            {
                **_document(record, facility_keys),
                "name": f"{BENEFIT_NAMES[record.benefit]}, {first} bis {last}",
                "submission_months": settings.submission_months if months is None else months,
                "late_effect": record.late_effect or settings.late_effect,
            }
        )


class MyAgreementsOut(AnswerModel):
    """Meine Vereinbarungen, älteste zuerst."""

    items: list[MyAgreementOut] = Field(description="Die Vereinbarungen")
    next_cursor: str | None = Field(description="Für die nächste Seite; null, wenn es keine gibt")


def _document(record: AgreementRecord, facility_keys: Mapping[UUID, str]) -> dict[str, Any]:
    prices = sorted(record.prices, key=lambda p: (_ITEM_ORDER.index(p.item), p.valid_from))
    terms = record.tutoring
    return {
        "key": record.key,
        "benefit": record.benefit,
        "facilities": [facility_keys[facility_id] for facility_id in record.facilities],
        "valid_from": record.valid.first,
        "valid_to": record.valid.last,
        "mode": record.mode,
        "evidence": record.evidence,
        "prices": [{"item": p.item, "valid_from": p.valid_from, "unit_price": print_money(p.unit_price)} for p in prices],
        "vat_treatment": record.vat_treatment,
        "drink_included": record.drink_included,
        "late_cancellation_share": _share(record.late_cancellation_share),
        "absence_threshold_days": record.absence_threshold_days,
        "min_period_months": record.min_period_months,
        "tutoring": None
        if terms is None
        else {**{f: getattr(terms, f) for f in TutoringTerms.__slots__}, "absence_share": _share(terms.absence_share)},
    }


def _share(share: int | None) -> str | None:
    return None if share is None else print_share(share)

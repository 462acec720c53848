"""Answers: rules and parameters of the law, for staff."""

from typing import Literal, Self

from pydantic import ConfigDict, Field, JsonValue

from but_gateway.registers.rulebook.model import FAMILIES, ParameterEntry, RuleEntry
from but_gateway.web.body import AnswerModel, Day

_RULE: dict[str, JsonValue] = {
    "id": "P-05",
    "family": "P",
    "family_name": "Anbieter und Vereinbarung",
    "decides": True,
    "condition": "Der Preis je Einheit ist höher als am Leistungstag vereinbart.",
    "effects": ["reduce", "reject"],
    "legal_basis": "Vereinbarung; angemessene Aufwendungen, § 28 SGB II",
    "benefits": None,
    "forms": None,
    "since": None,
    "until": None,
    "codes": ["OVER_AGREED_PRICE"],
    "values": {"agreed": "money", "billed": "money"},
    "texts": {
        "clerk": "Der Preis {billed} liegt über dem vereinbarten Preis {agreed}.",
        "provider": [
            {
                "text": "{result} Vereinbart sind {agreed} je Einheit, Sie haben {billed} berechnet.",
                "next_step": "Sie müssen nichts tun. Berechnen Sie künftig den vereinbarten Preis.",
            }
        ],
    },
    "examples": [
        {"says": "4,50 € am 14. September, vereinbart sind bis dahin 4,20 €.", "holds": True},
        {"says": "Der vereinbarte Preis.", "holds": False},
    ],
}
_AMOUNT: dict[str, JsonValue] = {
    "parameter": "participation_monthly_cents",
    "area": "participation",
    "state": None,
    "description": "Teilhabe – Betrag je Monat",
    "value": "15.00",
    "by_legal_basis": None,
    "unit": "EUR",
    "valid_from": "2019-08-01",
    "valid_to": None,
    "reference": "§ 28 (7) S. 1 SGB II; Starke-Familien-Gesetz, BGBl. I 2019 S. 530",
    "still_valid_on": "2026-11-22",
    "not_loaded": None,
}
_SUPPLIES: dict[str, JsonValue] = {
    **_AMOUNT,
    "parameter": "school_supplies_august_cents",
    "area": "school",
    "description": "Schulbedarf – Betrag des ersten Schulhalbjahres (fällig am 1. August), nach Kalenderjahr",
    "value": None,
    "valid_from": "2027-01-01",
    "reference": "§ 28 (3) SGB II, § 34 (3), (3a) SGB XII",
    "not_loaded": "Die Beträge für 2027 sind noch nicht verkündet.",
}


class AdviceOut(AnswerModel):
    """Was ein Anbieter liest: Begründung und nächster Schritt."""

    text: str = Field(description="Begründung, mit Platzhaltern für die Werte")
    next_step: str = Field(description="Was der Anbieter tun kann")


class RuleTextsOut(AnswerModel):
    """Die Texte einer Regel, wie sie im Katalog stehen."""

    clerk: str = Field(description="Was die Sachbearbeitung liest; Platzhalter stehen für Werte, Teile in [Klammern] entfallen ohne Wert")
    provider: list[AdviceOut] = Field(description="Was ein Anbieter liest, je Code; leer: die Regel ist nur für die Verwaltung")


class RuleExampleOut(AnswerModel):
    """Ein Beispiel, das zugleich ein Test der Regel ist."""

    says: str = Field(description="Der Fall in einem Satz")
    holds: bool = Field(description="Ob die Regel in diesem Fall zutrifft")


class RuleOut(AnswerModel):
    """Eine Regel mit Bedingung, Wirkung, Rechtsgrundlage, Texten und Beispielen."""

    model_config = ConfigDict(json_schema_extra={"examples": [_RULE]})

    id: str = Field(description="Kennung im Regelkatalog", examples=["E-01"])
    family: str = Field(description="Familie der Regel", examples=["E"])
    family_name: str = Field(description="Wovon die Familie handelt", examples=["Berechtigung"])
    decides: bool = Field(description="Ob die Regel über Positionen entscheidet; sonst wirkt sie an anderer Stelle")
    condition: str = Field(description="Wann sie zutrifft, oder wo sie wirkt")
    effects: list[Literal["note", "reduce", "review", "reject"]] = Field(
        description="Mögliche Wirkungen: Hinweis, Kürzung, Klärfall, Ablehnung; die stärkste einer Position gilt"
    )
    legal_basis: str | None = Field(description="Rechtsgrundlage oder Quelle")
    benefits: list[str] | None = Field(description="Nur bei diesen Leistungsarten; null: bei allen")
    forms: list[Literal["day", "month", "range"]] | None = Field(description="Nur bei Tag, Monat oder Zeitraum; null: bei allen")
    since: Day | None = Field(description="Erster Leistungstag, für den sie gilt; null: schon immer")
    until: Day | None = Field(description="Letzter Leistungstag, für den sie gilt; null: bis auf Weiteres")
    codes: list[str] = Field(description="Codes, die ein Anbieter sieht; leer: die Regel ist nur für die Verwaltung")
    values: dict[str, str] = Field(description="Die Werte eines Befunds und ihre Art")
    texts: RuleTextsOut = Field(description="Texte, auf Deutsch oder (Accept-Language) Englisch")
    examples: list[RuleExampleOut] = Field(description="Beispiele, für die sie zutrifft und für die nicht")

    @classmethod
    def of(cls, entry: RuleEntry) -> Self:
        """The answer for a rule."""
        texts = entry.texts
        return cls.model_validate(
            {
                "id": entry.id,
                "family": entry.family,
                "family_name": FAMILIES[entry.family],
                "decides": entry.decides,
                "condition": entry.condition,
                "effects": list(entry.effects),
                "legal_basis": entry.basis,
                "benefits": None if entry.benefits is None else list(entry.benefits),
                "forms": None if entry.forms is None else list(entry.forms),
                "since": entry.since,
                "until": entry.until,
                "codes": list(texts.codes),
                "values": dict(texts.values),
                "texts": {"clerk": texts.clerk, "provider": [{"text": one.text, "next_step": one.next_step} for one in texts.provider]},
                "examples": [{"says": says, "holds": holds} for says, holds in entry.examples],
            }
        )


class RulesOut(AnswerModel):
    """Die Regeln, die für Leistungen eines Tages gelten."""

    on: Day = Field(description="Der Leistungstag")
    rule_set: str = Field(description="Name des Regelwerks, den Entscheidungen nennen", examples=["2026-11-22.5"])
    items: list[RuleOut] = Field(description="Die Regeln in der Reihenfolge des Katalogs")


class ParameterOut(AnswerModel):
    """Ein Rechtswert mit seinem Zeitraum und seiner Fundstelle."""

    model_config = ConfigDict(json_schema_extra={"examples": [_AMOUNT, _SUPPLIES]})

    parameter: str = Field(description="Name; Landesrecht beginnt mit dem Land", examples=["participation_monthly_cents"])
    area: str = Field(description="Rechtsgebiet", examples=["participation"])
    state: str | None = Field(description="Bundesland; null: Bundesrecht", examples=["NW"])
    description: str = Field(description="Was der Wert bedeutet")
    value: str | None = Field(description="Der Wert; null: nicht geladen, oder nach Rechtskreis verschieden", examples=["15.00"])
    by_legal_basis: dict[str, str | None] | None = Field(description="Werte je Rechtskreis; darin null: ohne Grenze")
    unit: Literal["EUR", "%", "years", "months"] | None = Field(description="Einheit des Werts: Euro, Prozent, Jahre, Monate")
    valid_from: Day = Field(description="Erster Tag, an dem der Wert gilt")
    valid_to: Day | None = Field(description="Letzter Tag; null: bis auf Weiteres")
    reference: str = Field(description="Fundstelle")
    still_valid_on: Day = Field(description="Tag, an dem der Wert zuletzt an der Quelle bestätigt wurde")
    not_loaded: str | None = Field(description="Warum kein Wert geladen ist; Positionen, die ihn brauchen, gehen in den Klärfall")

    @classmethod
    def of(cls, entry: ParameterEntry) -> Self:
        """The answer for a parameter."""
        return cls.model_validate(
            {
                "parameter": entry.key,
                "area": entry.area,
                "state": entry.state,
                "description": entry.description,
                "value": entry.value,
                "by_legal_basis": None if entry.by_basis is None else dict(entry.by_basis),
                "unit": entry.unit,
                "valid_from": entry.first,
                "valid_to": entry.last,
                "reference": entry.reference,
                "still_valid_on": entry.still_valid_on,
                "not_loaded": entry.not_loaded,
            }
        )


class LawOut(AnswerModel):
    """Das Recht eines Tages: alle Bundes- und Landeswerte, die das Gateway kennt."""

    on: Day = Field(description="Der Tag")
    version: str = Field(description="Kennung der geladenen Rechtswerte", examples=["3f9c1b7a52d04e68"])
    items: list[ParameterOut] = Field(description="Die Werte")

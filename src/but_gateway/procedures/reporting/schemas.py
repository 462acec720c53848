"""Answers: the four reports."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, JsonValue, PlainSerializer, WithJsonSchema

from but_gateway.kit.money import MONEY_PATTERN, print_money, print_share
from but_gateway.procedures.reporting.model import Days, Liability, Owed, Reach, Speed, Spending
from but_gateway.procedures.reporting.suppression import LEAST
from but_gateway.web.body import AnswerModel, MonthOfYear

LegalBasis = Literal["sgb2", "bkgg", "sgb12_3", "sgb12_4", "asylblg_2", "asylblg_3"]
Benefit = Literal["lunch", "tutoring", "participation", "day_trip", "class_trip", "school_supplies", "school_transport"]
# § 46 (8), (11) SGB II: what the federal share is measured by.
SECTION_46 = ("sgb2", "bkgg")
_SPENDING: dict[str, JsonValue] = {
    "legal_basis": "sgb2", "benefit": "lunch", "month": "2026-10", "paid": "12345.50", "receipts": "45.00", "net": "12300.50",
}  # fmt: skip
_SUM: dict[str, JsonValue] = {"paid": "12345.50", "receipts": "45.00", "net": "12300.50"}
_DAYS: dict[str, JsonValue] = {"invoices": 40, "median_days": 9, "p90_days": 21, "longest_days": 34}
_REACH: dict[str, JsonValue] = {
    "benefit": "lunch", "facility": "s1", "legal_basis": "sgb2", "granted": 61, "used": 40, "share": "0.65", "expiring_unused": None,
}  # fmt: skip
# Cents and ten-thousandths inside, as the contract writes them outside.
Amount = Annotated[
    int,
    PlainSerializer(print_money, return_type=str),
    WithJsonSchema({"type": "string", "description": "Betrag in EUR", "examples": ["4.50"], "pattern": MONEY_PATTERN}),
]
Part = Annotated[
    int,
    PlainSerializer(print_share, return_type=str),
    WithJsonSchema({"type": "string", "description": "Anteil zwischen 0 und 1", "examples": ["0.65"]}),
]
Count = Annotated[int | None, Field(description=f"Anzahl Kinder; null = unterdrückt (unter {LEAST} oder daraus berechenbar)")]


class SpendingOut(AnswerModel):
    """Ausgaben eines Rechtskreises und einer Leistungsart in einem Zahlungsmonat."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SPENDING]})

    legal_basis: LegalBasis = Field(description="Rechtskreis")
    benefit: Benefit = Field(description="Leistungsart")
    month: MonthOfYear = Field(description="Monat der Zahlung (Buchungstag der Bank)")
    paid: Amount = Field(description="Ausgezahlt, ohne Absetzung der Einnahmen; Rückläufer sind abgezogen")
    receipts: Amount = Field(description="Einnahmen aus Korrekturen, positiv")
    net: Amount = Field(description="`paid` − `receipts`")

    @classmethod
    def of(cls, row: Spending) -> Self:
        """The row as it is answered."""
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


class SpendingSumOut(AnswerModel):
    """Summe der Ausgaben."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SUM]})

    paid: Amount = Field(description="Ausgezahlt")
    receipts: Amount = Field(description="Einnahmen aus Korrekturen, positiv")
    net: Amount = Field(description="`paid` − `receipts`")

    @classmethod
    def of(cls, rows: Sequence[Spending]) -> Self:
        """The sum of rows."""
        return cls(paid=sum(r.paid for r in rows), receipts=sum(r.receipts for r in rows), net=sum(r.net for r in rows))


class ExpenditureOut(AnswerModel):
    """Ausgaben eines Jahres nach dem Tag der Zahlung."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"year": 2026, "items": [_SPENDING], "total": _SUM, "section_46": _SUM}]})

    year: int = Field(description="Jahr der Zahlung", examples=[2026])
    items: list[SpendingOut] = Field(description="Je Monat, Rechtskreis und Leistungsart")
    total: SpendingSumOut = Field(description="Summe über alles")
    section_46: SpendingSumOut = Field(description="Davon SGB II und BKGG: Gesamtausgaben nach § 46 (8), (11) SGB II")

    @classmethod
    def of(cls, year: int, rows: Sequence[Spending]) -> Self:
        """The report."""
        return cls(
            year=year,
            items=[SpendingOut.of(row) for row in rows],
            total=SpendingSumOut.of(rows),
            section_46=SpendingSumOut.of([row for row in rows if row.legal_basis in SECTION_46]),
        )


class LiabilityOut(AnswerModel):
    """Was einem Anbieter in einem Zustand noch zusteht."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "provider": "c1", "state": "unsettled", "invoices": 3, "positions": 240, "amount": "1080.00", "receipts": "9.00",
                    "net": "1071.00", "in_time": "900.00", "soon": "135.00", "late": "45.00", "late_invoices": 1,
                    "oldest_received_on": "2026-10-02", "term_ends_on": "2026-11-01",
                }
            ]
        }
    )  # fmt: skip

    provider: str = Field(description="Anbieter (Schlüssel)", examples=["c1"])
    state: Owed = Field(
        description="`review` Klärfall · `unsettled` anerkannt, in keinem Lauf · `in_batch` in einem Lauf, nicht übergeben · "
        "`handed_over` an die Kasse übergeben, nicht bezahlt oder zurückgekommen"
    )
    invoices: int = Field(description="Anzahl Rechnungen")
    positions: int = Field(description="Anzahl Positionen")
    amount: Amount = Field(description="Was ihm zusteht; bei Klärfällen, was bei Anerkennung bezahlt würde")
    receipts: Amount = Field(description="Was er aus Korrekturen schuldet und verrechnet wird, positiv")
    net: Amount = Field(description="`amount` − `receipts`")
    in_time: Amount = Field(description="Teil von `amount`, dessen Zahlungsziel später als in einer Woche endet")
    soon: Amount = Field(description="Teil von `amount`, dessen Zahlungsziel binnen einer Woche endet")
    late: Amount = Field(description="Teil von `amount`, dessen Zahlungsziel überschritten ist (§ 286 (3) BGB)")
    late_invoices: int = Field(description="Anzahl Rechnungen mit überschrittenem Zahlungsziel")
    oldest_received_on: date | None = Field(description="Eingang der ältesten Rechnung darin")
    term_ends_on: date | None = Field(description="Wann deren Zahlungsziel endet oder endete")

    @classmethod
    def of(cls, row: Liability, term_days: int) -> Self:
        """The row as it is answered."""
        received_on = row.oldest_received_on
        given = {"provider": row.provider_key, "term_ends_on": received_on and received_on + timedelta(days=term_days)}
        return cls.model_validate({name: given[name] if name in given else getattr(row, name) for name in cls.model_fields})


class LiabilitiesOut(AnswerModel):
    """Offene Verbindlichkeiten am Ende eines Tages."""

    on: date = Field(description="Stichtag")
    payment_term_days: int = Field(description="Zahlungsziel der Kommune in Tagen", examples=[30])
    items: list[LiabilityOut] = Field(description="Je Anbieter und Zustand")
    total: Amount = Field(description="Summe von `amount`")
    receipts: Amount = Field(description="Summe von `receipts`")
    late: Amount = Field(description="Summe von `late`")

    @classmethod
    def of(cls, on: date, term_days: int, rows: Sequence[Liability]) -> Self:
        """The report."""
        return cls(
            on=on,
            payment_term_days=term_days,
            items=[LiabilityOut.of(row, term_days) for row in rows],
            total=sum(row.amount for row in rows),
            receipts=sum(row.receipts for row in rows),
            late=sum(row.late for row in rows),
        )


class DaysOut(AnswerModel):
    """Dauer in ganzen Kalendertagen ab Eingang."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DAYS]})

    invoices: int = Field(description="Anzahl Rechnungen, die so weit sind")
    median_days: int = Field(description="Die Hälfte dauerte höchstens so lange")
    p90_days: int = Field(description="Neun von zehn dauerten höchstens so lange")
    longest_days: int = Field(description="Die längste Dauer")

    @classmethod
    def of(cls, days: Days | None) -> Self | None:
        """The days as they are answered."""
        if days is None:
            return None
        return cls(invoices=days.invoices, median_days=days.median, p90_days=days.p90, longest_days=days.longest)


class SpeedOut(AnswerModel):
    """Wie lange die Rechnungen eines Eingangsmonats brauchten."""

    month: MonthOfYear = Field(description="Monat des Eingangs")
    provider_kind: Literal["caterer", "tutor", "club", "school", "other"] = Field(description="Art der Anbieter")
    received: int = Field(description="Anzahl eingegangener Rechnungen")
    decision: DaysOut | None = Field(description="Bis zur Entscheidung der letzten Position; null = noch keine so weit")
    hand_over: DaysOut | None = Field(description="Bis zur Übergabe der letzten Position an die Kasse")
    payment: DaysOut | None = Field(description="Bis zum Buchungstag der letzten Zahlung")

    @classmethod
    def of(cls, row: Speed) -> Self:
        """The row as it is answered."""
        steps = {name: DaysOut.of(getattr(row, name)) for name in ("decision", "hand_over", "payment")}
        return cls.model_validate({name: steps[name] if name in steps else getattr(row, name) for name in cls.model_fields})


class PaymentTimesOut(AnswerModel):
    """Bearbeitungszeiten der in einem Jahr eingegangenen Rechnungen."""

    year: int = Field(description="Jahr des Eingangs", examples=[2026])
    items: list[SpeedOut] = Field(description="Je Monat des Eingangs und Art der Anbieter")

    @classmethod
    def of(cls, year: int, rows: Sequence[Speed]) -> Self:
        """The report."""
        return cls(year=year, items=[SpeedOut.of(row) for row in rows])


class ReachOut(AnswerModel):
    """Inanspruchnahme einer Leistungsart in einer Einrichtung je Rechtskreis."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REACH]})

    benefit: Benefit = Field(description="Leistungsart")
    facility: str | None = Field(description="Einrichtung (Schlüssel) aus der Bewilligung; null = keine genannt", examples=["s1"])
    legal_basis: LegalBasis | None = Field(description="Rechtskreis; in Summen null")
    granted: Count = Field(description=f"Kinder mit gültiger Bewilligung; null = unterdrückt (unter {LEAST} oder daraus berechenbar)")
    used: Count = Field(description="Davon Kinder, für die schon etwas anerkannt wurde; null = unterdrückt")
    share: Part | None = Field(description="`used` / `granted`, abgerundet; null, wenn eines unterdrückt ist")
    expiring_unused: Count = Field(description="Davon Kinder ohne Inanspruchnahme, deren Bewilligung bald endet; null = unterdrückt")

    @classmethod
    def of(cls, row: Reach) -> Self:
        """The row as it is answered."""
        given = {"facility": row.facility_key, "expiring_unused": row.expiring, "share": row.share and row.share // 100 * 100}
        return cls.model_validate({name: given[name] if name in given else getattr(row, name) for name in cls.model_fields})


class TakeUpOut(AnswerModel):
    """Inanspruchnahme an einem Tag."""

    on: date = Field(description="Stichtag")
    expiring_until: date = Field(description="Bis zu diesem Tag endende Bewilligungen gelten als bald endend")
    items: list[ReachOut] = Field(description="Je Leistungsart, Einrichtung und Rechtskreis")
    totals: list[ReachOut] = Field(description="Je Leistungsart; jedes Kind zählt einmal")

    @classmethod
    def of(cls, on: date, expiring_until: date, items: Sequence[Reach], totals: Sequence[Reach]) -> Self:
        """The report."""
        return cls(
            on=on,
            expiring_until=expiring_until,
            items=[ReachOut.of(row) for row in items],
            totals=[ReachOut.of(row) for row in totals],
        )

"""Bodies and answers: settlement batches, their positions and files."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, PlainSerializer, WithJsonSchema

from but_gateway.kit.money import MONEY_PATTERN, print_money
from but_gateway.procedures.settlement.model import (
    Batch,
    Compared,
    Contents,
    Difference,
    Kind,
    Order,
    PackageFile,
    Payment,
    State,
    Step,
    Totals,
)
from but_gateway.web.body import AnswerModel, Day, Key, LongText, MonthOfYear, StrictModel

LegalBasis = Literal["sgb2", "bkgg", "sgb12_3", "sgb12_4", "asylblg_2", "asylblg_3"]
Benefit = Literal["lunch", "tutoring", "participation", "day_trip", "class_trip", "school_supplies", "school_transport"]

# Cents inside, money as the contract writes it outside.
Amount = Annotated[
    int,
    PlainSerializer(print_money, return_type=str),
    WithJsonSchema({"type": "string", "description": "Betrag in EUR", "examples": ["4.50"], "pattern": MONEY_PATTERN}),
]

_ID: JsonValue = "0198f0c2-7a10-7000-8000-000000000001"
_STEP: JsonValue = {"by": "but-gateway|p-3f9c", "at": "2026-12-01T09:00:00Z"}
_BATCH: dict[str, JsonValue] = {
    "id": _ID,
    "number": "2026-0007",
    "state": "drawn_up",
    "cutoff": "2026-11-30",
    "due_on": "2026-12-15",
    "totals": {"gross": "22.50", "receipts": "4.50", "net": "18.00"},
    "drawn_up": _STEP,
    "factual": None,
    "arithmetical": None,
    "ordered": None,
    "handed_over": None,
    "withdrawn_at": None,
}
_PAYMENT: dict[str, JsonValue] = {
    "id": "0198f0c2-7a10-7000-8000-000000000002",
    "provider": "c1",
    "net": "18.00",
    "gross": "22.50",
    "receipts": "4.50",
    "held": None,
    "end_to_end_id": "BUT-2026-0007-00001",
    "remittance_text": "BuT krefeld 2026-0007 R-2026-10-001",
    "repeats": None,
}
_DIFFERENCE: dict[str, JsonValue] = {
    "month": "2026-11",
    "batches": ["2026-0006"],
    "parts": [{"legal_basis": "sgb2", "benefit": "lunch", "net": "18.00", "before": "27.00", "difference": "-9.00"}],
    "providers": [{"provider": "c1", "net": "18.00", "before": "27.00", "difference": "-9.00"}],
}
_ORDER: dict[str, JsonValue] = {
    "id": "0198f0c2-7a10-7000-8000-000000000003",
    "number": "2026-0007-0001",
    "payment_id": "0198f0c2-7a10-7000-8000-000000000002",
    "legal_basis": "sgb2",
    "benefit": "lunch",
    "fiscal_year": 2026,
    "positions": 6,
    "gross": "22.50",
    "receipts": "4.50",
}


class BatchIn(StrictModel):
    """Was ein Abrechnungslauf umfassen soll."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"cutoff": "2026-11-30", "due_on": "2026-12-15", "benefits": None, "providers": None}]}
    )

    cutoff: Day = Field(description="Stichtag: Alles, was bis zum Ende dieses Tages (Europe/Berlin) einging")
    due_on: Day = Field(description="Fälligkeit: Tag, an dem die Bank ausführen soll")
    benefits: list[Benefit] | None = Field(None, min_length=1, max_length=7, description="Nur diese Leistungsarten; null = alle")
    providers: list[Key] | None = Field(None, min_length=1, max_length=1000, description="Nur diese Anbieter (Schlüssel); null = alle")


class CertificationIn(StrictModel):
    """Sachliche und rechnerische Feststellung (§ 31 KomHVO NRW)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"kinds": ["factual", "arithmetical"]}]})

    kinds: Annotated[list[Kind], Field(min_length=1, max_length=2)] = Field(
        description="Was festgestellt wird: `factual` sachlich, `arithmetical` rechnerisch; eine Person beides oder zwei je eines"
    )


class ReasonIn(StrictModel):
    """Begründung eines Schritts."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Rückfrage beim Anbieter zur Rechnung R-2026-10-001"}]})

    reason: LongText = Field(description="Grund, ohne Namen von Kindern")


class StepOut(AnswerModel):
    """Wer etwas wann getan hat."""

    by: str = Field(description="Person (Aussteller|Kennung)", examples=["but-gateway|p-3f9c"])
    at: datetime = Field(description="Zeitpunkt", examples=["2026-12-01T09:00:00Z"])

    @classmethod
    def of(cls, step: Step | None) -> Self | None:
        """The step as it is answered."""
        return None if step is None else cls(by=step.by, at=step.at)


class TotalsOut(AnswerModel):
    """Summen über die Zahlungen; `receipts` (Rückforderungen aus Korrekturen) positiv, `net` = `gross` − `receipts`."""

    gross: Amount = Field(description="Ausgaben")
    receipts: Amount = Field(description="Einnahmen aus Korrekturen, positiv")
    net: Amount = Field(description="Auszahlung")

    @classmethod
    def of(cls, totals: Totals) -> Self:
        """The sums as they are answered."""
        return cls(gross=totals.gross, receipts=totals.receipts, net=totals.net)


class PaymentOut(AnswerModel):
    """Zahlung: eine je Anbieter und Lauf; sie verrät nichts über Rechtskreise."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PAYMENT]})

    id: UUID = Field(description="Id der Zahlung")
    provider: str = Field(description="Anbieter (Schlüssel)", examples=["c1"])
    net: Amount = Field(description="Auszahlung")
    gross: Amount = Field(description="Ausgaben")
    receipts: Amount = Field(description="Einnahmen aus Korrekturen, positiv")
    held: str | None = Field(description="Warum die Zahlung angehalten ist; null = nicht angehalten")
    end_to_end_id: str = Field(description="EndToEndId der Überweisung", examples=["BUT-2026-0007-00001"])
    remittance_text: str = Field(description="Verwendungszweck, wie er auf dem Kontoauszug steht; `+3` = drei weitere Rechnungen")
    repeats: UUID | None = Field(description="Zurückgekommene Zahlung, die diese wiederholt")

    @classmethod
    def of(cls, payment: Payment) -> Self:
        """The payment as it is answered."""
        return cls(
            id=payment.id,
            provider=payment.provider_key,
            net=payment.net,
            gross=payment.gross,
            receipts=payment.receipts,
            held=payment.hold.reason if payment.hold else None,
            end_to_end_id=payment.end_to_end_id,
            remittance_text=payment.remittance_text,
            repeats=payment.repeats_id,
        )


class OrderOut(AnswerModel):
    """Anordnungsposition: Teil einer Zahlung je Rechtskreis, Leistungsart und Haushaltsjahr der Leistung."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ORDER]})

    id: UUID = Field(description="Id der Anordnungsposition")
    number: str = Field(description="Nummer im Lauf, wie sie in HKR.csv steht", examples=["2026-0007-0001"])
    payment_id: UUID = Field(description="Zahlung, zu der sie gehört")
    legal_basis: LegalBasis = Field(description="Rechtskreis")
    benefit: Benefit = Field(description="Leistungsart")
    fiscal_year: int = Field(description="Haushaltsjahr der Leistung", examples=[2026])
    positions: int = Field(description="Anzahl der Positionen", examples=[6])
    gross: Amount = Field(description="Ausgaben")
    receipts: Amount = Field(description="Einnahmen aus Korrekturen, positiv")

    @classmethod
    def of(cls, batch: Batch, order: Order) -> Self:
        """The order as it is answered."""
        return cls(
            id=order.id,
            number=order_number(batch.number, order.serial),
            payment_id=order.payment_id,
            legal_basis=order.legal_basis,  # type: ignore[arg-type] # as stored; pydantic checks it
            benefit=order.benefit,  # type: ignore[arg-type] # as stored; pydantic checks it
            fiscal_year=order.fiscal_year,
            positions=order.positions,
            gross=order.gross,
            receipts=order.receipts,
        )


class CarriedForwardOut(AnswerModel):
    """Anbieter, dessen Saldo null oder negativ ist: seine Positionen bleiben frei und werden vorgetragen."""

    provider: str = Field(description="Anbieter (Schlüssel)", examples=["c2"])
    balance: Amount = Field(description="Saldo, null oder negativ")


class ComparedPartOut(AnswerModel):
    """Auszahlung je Rechtskreis und Leistungsart gegen den Vormonat."""

    legal_basis: LegalBasis = Field(description="Rechtskreis")
    benefit: Benefit = Field(description="Leistungsart")
    net: Amount = Field(description="In diesem Lauf")
    before: Amount = Field(description="In allen Läufen des Vormonats")
    difference: Amount = Field(description="`net` − `before`")


class ComparedProviderOut(AnswerModel):
    """Auszahlung je Anbieter gegen den Vormonat."""

    provider: str = Field(description="Anbieter (Schlüssel)", examples=["c1"])
    net: Amount = Field(description="In diesem Lauf")
    before: Amount = Field(description="In allen Läufen des Vormonats")
    difference: Amount = Field(description="`net` − `before`")


class DifferenceOut(AnswerModel):
    """Unterschied zum Vormonat: was vor der Feststellung auffallen soll. Wiederholte Zahlungen zählen auf keiner Seite."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DIFFERENCE]})

    month: MonthOfYear = Field(description="Der Kalendermonat vor dem der Erstellung")
    batches: list[str] = Field(description="Läufe, die in ihm erstellt und nicht zurückgezogen wurden", examples=[["2026-0006"]])
    parts: list[ComparedPartOut] = Field(description="Je Rechtskreis und Leistungsart, auch was nur im Vormonat vorkam")
    providers: list[ComparedProviderOut] = Field(description="Je Anbieter, auch wer nur im Vormonat vorkam")

    @classmethod
    def of(cls, difference: Difference) -> Self:
        """The difference as it is answered."""
        parts = [
            ComparedPartOut(legal_basis=basis, benefit=benefit, **_compared(one))  # type: ignore[arg-type] # as stored; pydantic checks it
            for one in difference.parts
            for basis, benefit in [one.key]
        ]
        providers = [ComparedProviderOut(provider=one.key[0], **_compared(one)) for one in difference.providers]
        return cls(month=difference.month, batches=list(difference.batches), parts=parts, providers=providers)


def _compared(one: Compared) -> dict[str, int]:
    return {"net": one.net, "before": one.before, "difference": one.net - one.before}


class BatchSummaryOut(AnswerModel):
    """Abrechnungslauf ohne Zahlungen und Anordnungen."""

    model_config = ConfigDict(json_schema_extra={"examples": [_BATCH]})

    id: UUID = Field(description="Id des Laufs")
    number: str = Field(description="Laufnummer: Haushaltsjahr der Erstellung und laufende Nummer", examples=["2026-0007"])
    state: State = Field(description="Zustand")
    cutoff: date = Field(description="Stichtag")
    due_on: date = Field(description="Fälligkeit")
    totals: TotalsOut = Field(description="Summen")
    drawn_up: StepOut = Field(description="Wer den Lauf erstellt hat")
    factual: StepOut | None = Field(description="Wer sachlich festgestellt hat")
    arithmetical: StepOut | None = Field(description="Wer rechnerisch festgestellt hat")
    ordered: StepOut | None = Field(description="Wer angeordnet hat")
    handed_over: StepOut | None = Field(description="Wer an die Kasse übergeben hat")
    withdrawn_at: datetime | None = Field(description="Wann der Lauf zurückgezogen wurde")

    @classmethod
    def fields_of(cls, batch: Batch, totals: Totals) -> dict[str, object]:
        """What every view of a batch shows."""
        drawn_up = StepOut(by=batch.drawn_up.by, at=batch.drawn_up.at)
        steps = {name: StepOut.of(getattr(batch, name)) for name in ("factual", "arithmetical", "ordered", "handed_over")}
        return {
            "id": batch.id,
            "number": batch.number,
            "state": batch.state,
            "cutoff": batch.cutoff,
            "due_on": batch.due_on,
            "totals": TotalsOut.of(totals),
            "drawn_up": drawn_up,
            **steps,
            "withdrawn_at": batch.withdrawn_at,
        }

    @classmethod
    def of(cls, batch: Batch, totals: Totals) -> Self:
        """The batch in a list."""
        return cls.model_validate(cls.fields_of(batch, totals))


class BatchOut(BatchSummaryOut):
    """Abrechnungslauf mit allem, was er trägt."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_BATCH,
                    "benefits": None,
                    "providers": None,
                    "payments": [_PAYMENT],
                    "orders": [_ORDER],
                    "carried_forward": [{"provider": "c2", "balance": "-9.00"}],
                    "left": [],
                    "difference": _DIFFERENCE,
                }
            ]
        }
    )

    benefits: list[Benefit] | None = Field(description="Leistungsarten, auf die der Lauf beschränkt ist")
    providers: list[str] | None = Field(description="Anbieter, auf die der Lauf beschränkt ist")
    payments: list[PaymentOut] = Field(description="Zahlungen, eine je Anbieter")
    orders: list[OrderOut] = Field(description="Anordnungspositionen für die Bücher")
    carried_forward: list[CarriedForwardOut] = Field(description="Vorgetragene Anbieter")
    left: list[PaymentOut] = Field(description="Zahlungen, die bei der Übergabe angehalten waren und den Lauf verlassen haben")
    difference: DifferenceOut = Field(description="Unterschied zum Vormonat")

    @classmethod
    def showing(cls, contents: Contents) -> Self:
        """The batch as it is answered."""
        batch = contents.batch
        return cls.model_validate(
            {
                **cls.fields_of(batch, contents.totals),
                "benefits": batch.benefits and list(batch.benefits),
                "providers": contents.provider_keys and list(contents.provider_keys),
                "payments": [PaymentOut.of(p) for p in contents.payments],
                "orders": [OrderOut.of(batch, o) for o in contents.orders],
                "carried_forward": [CarriedForwardOut(provider=c.provider_key, balance=c.balance) for c in contents.carried_forward],
                "left": [PaymentOut.of(p) for p in contents.left],
                "difference": DifferenceOut.of(contents.difference),
            }
        )


class BatchesOut(AnswerModel):
    """Eine Seite der Läufe, ältester zuerst."""

    items: list[BatchSummaryOut] = Field(description="Läufe")
    next_cursor: str | None = Field(description="Cursor der nächsten Seite; null = letzte Seite")


class BatchPositionOut(AnswerModel):
    """Position in einer Anordnungsposition; verteilt sie sich auf mehrere Rechtskreise, steht sie mehrmals da, jeweils mit ihrem Teil."""

    id: UUID = Field(description="Id der Position")
    invoice_id: UUID = Field(description="Id der Rechnung")
    line_no: int = Field(description="Zeile der Rechnung", examples=[2])
    service_date: date | None = Field(description="Leistungstag; null bei Monaten und Zeiträumen")
    approved: Amount = Field(description="Anerkannter Betrag in dieser Anordnungsposition")
    payment_id: UUID = Field(description="Id der Zahlung")
    order_id: UUID = Field(description="Id der Anordnungsposition")


class BatchPositionsOut(AnswerModel):
    """Eine Seite der Positionen eines Laufs."""

    items: list[BatchPositionOut] = Field(description="Positionen")
    next_cursor: str | None = Field(description="Cursor der nächsten Seite; null = letzte Seite")


class PackageFileOut(AnswerModel):
    """Datei eines Pakets. Sie ändert sich nie."""

    name: str = Field(description="Dateiname", examples=["BuT-krefeld_2026-12_Lauf-2026-0007_pain001.xml"])
    package: Literal["treasury", "audit", "advice"] = Field(description="Paket: Kasse, Prüfung, Avise")
    media_type: str = Field(description="Medientyp", examples=["application/xml"])
    sha256: str = Field(description="SHA-256 des Inhalts, hexadezimal")
    bytes: int = Field(description="Länge in Bytes", examples=[1475])

    @classmethod
    def of(cls, file: PackageFile) -> Self:
        """The file as it is listed."""
        return cls.model_validate({name: getattr(file, name) for name in cls.model_fields})


def order_number(batch: str, serial: int) -> str:
    """``2026-0007-0001``: how the books name an order."""
    return f"{batch}-{serial:04d}"

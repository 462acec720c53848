"""Bodies and answers: payment reports, and the entries to work through."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, PlainSerializer, StringConstraints, WithJsonSchema, model_validator

from but_gateway.db.fields import TownKeys
from but_gateway.formats.sepa import ID_LENGTH_MAX, is_id
from but_gateway.kit.money import MONEY_PATTERN, print_money
from but_gateway.procedures.reconciliation.model import Entry, State, Step, Tally
from but_gateway.web.body import AnswerModel, BadValueError, Cents, Day, Line, LongText, StrictModel

PAYMENTS_MAX = 50_000


def _positive(cents: int) -> int:
    if cents <= 0:
        raise BadValueError("not_positive", "Der Betrag muss größer als null sein.", "The amount must be greater than zero.")
    return cents


def _id(text: str) -> str:
    if not is_id(text):
        raise BadValueError(
            "bad_format", "Das ist keine EndToEndId (SEPA-Zeichen, höchstens 35).", "This is no end-to-end id (SEPA, ≤ 35)."
        )
    return text


EndToEndId = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=ID_LENGTH_MAX), AfterValidator(_id)]
Amount = Annotated[
    int,
    PlainSerializer(print_money, return_type=str),
    WithJsonSchema({"type": "string", "description": "Betrag in EUR", "examples": ["4.50"], "pattern": MONEY_PATTERN}),
]
_PAID: JsonValue = {"end_to_end_id": "BUT-2026-0007-00001", "status": "paid", "on": "2026-12-15", "amount": "18.00"}
_BACK: JsonValue = {
    "end_to_end_id": "BUT-2026-0007-00002",
    "status": "returned",
    "on": "2026-12-17",
    "amount": "96.50",
    "return_reason": "AC04",
}


class ReportedPaymentIn(StrictModel):
    """Was die Kasse zu einer Zahlung meldet."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PAID, _BACK]})

    end_to_end_id: EndToEndId | None = Field(description="EndToEndId der Überweisung; null nur, wenn `reference` genannt ist")
    status: Literal["paid", "returned"] = Field(description="`paid` bezahlt, `returned` zurückgekommen")
    on: Day = Field(description="Buchungstag der Bank; er entscheidet über das Berichtsjahr")
    amount: Annotated[Cents, AfterValidator(_positive)] = Field(description="Betrag in EUR, immer positiv")
    reference: Line | None = Field(None, description="Verwendungszweck; dient der Zuordnung und wird nicht gespeichert")
    return_reason: Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z0-9]{1,4}$")] | None = Field(
        None, description="Rückgabegrund als ISO-20022-Code", examples=["AC04"]
    )

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if self.end_to_end_id is None and self.reference is None:
            raise BadValueError("missing", "Nennen Sie end_to_end_id oder reference.", "Name end_to_end_id or reference.")
        return self


class PaymentReportIn(StrictModel):
    """Meldung der Kasse: was bezahlt wurde und was zurückkam."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"payments": [_PAID, _BACK]}]})

    payments: Annotated[list[ReportedPaymentIn], Field(min_length=1, max_length=PAYMENTS_MAX)] = Field(description="Zahlungen")


class PaymentReportOut(AnswerModel):
    """Was aus den Buchungen einer Meldung wurde."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"matched": 2, "unmatched": 0, "already_known": 0, "unrelated": 0, "not_booked": 0}]}
    )

    matched: int = Field(description="Neu zugeordnet: Die Zahlung ist jetzt bezahlt oder zurückgekommen", examples=[2])
    unmatched: int = Field(
        description="Ohne Wirkung: keine Zahlung gefunden, Betrag weicht ab oder doppelt; siehe payment-entries", examples=[0]
    )
    already_known: int = Field(description="War schon bekannt und ändert nichts", examples=[0])
    unrelated: int = Field(description="Von `unmatched`: andere Umsätze des Kontos ohne Bezug zu BuT; nicht gespeichert", examples=[0])
    not_booked: int = Field(description="Übergangen: vorgemerkt oder nur angenommen, noch nicht gebucht", examples=[0])

    @classmethod
    def of(cls, tally: Tally) -> Self:
        """The counts as they are answered."""
        return cls(
            matched=tally.matched,
            unmatched=tally.unmatched,
            already_known=tally.already_known,
            unrelated=tally.unrelated,
            not_booked=tally.not_booked,
        )


class AssignmentIn(StrictModel):
    """Zuordnung einer Buchung von Hand."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"payment_id": "0198f0c2-7a10-7000-8000-000000000002", "reason": "Kasse bestätigt: Rückläufer abzüglich Gebühr"}]
        }
    )

    payment_id: Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9a-fA-F-]{36}$")] = Field(description="Id der Zahlung")
    reason: LongText = Field(description="Grund, ohne Namen von Kindern")


class DoneIn(StrictModel):
    """Abschluss eines Eintrags."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Doppelte Zahlung vom Anbieter zurückgefordert"}]})

    reason: LongText = Field(description="Was getan wurde, ohne Namen von Kindern")


class HandledOut(AnswerModel):
    """Wer einen Eintrag wann und warum zugeordnet oder abgeschlossen hat."""

    by: str = Field(description="Person (Aussteller|Kennung)", examples=["but-gateway|p-3f9c"])
    at: datetime = Field(description="Zeitpunkt", examples=["2026-12-18T09:00:00Z"])
    reason: str = Field(description="Grund", examples=["Doppelte Zahlung vom Anbieter zurückgefordert"])


class MeantPaymentOut(AnswerModel):
    """Die Zahlung, die gemeint ist."""

    id: UUID = Field(description="Id der Zahlung")
    batch_id: UUID = Field(description="Id des Laufs")
    provider: str = Field(description="Anbieter (Schlüssel)", examples=["c1"])
    net: Amount = Field(description="Betrag der Zahlung")
    state: str = Field(description="Zustand der Zahlung: handed_over, paid, returned", examples=["returned"])
    repeated_by: UUID | None = Field(description="Zahlung, die diese zurückgekommene wiederholt, ab deren Übergabe")


class PaymentEntryOut(AnswerModel):
    """Eine Buchung aus einer Meldung und was aus ihr wurde."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198f0c2-7a10-7000-8000-000000000009",
                    "state": "returned",
                    "open": True,
                    "report": "camt.053",
                    "reported_at": "2026-12-18T08:00:00Z",
                    "status": "returned",
                    "end_to_end_id": "BUT-2026-0007-00002",
                    "batch_number": "2026-0007",
                    "on": "2026-12-17",
                    "amount": "96.50",
                    "currency": "EUR",
                    "return_reason": "AC04",
                    "payment": {
                        "id": "0198f0c2-7a10-7000-8000-000000000002",
                        "batch_id": "0198f0c2-7a10-7000-8000-000000000001",
                        "provider": "c1",
                        "net": "96.50",
                        "state": "returned",
                        "repeated_by": None,
                    },
                    "assigned": None,
                    "done": None,
                }
            ]
        }
    )

    id: UUID = Field(description="Id des Eintrags")
    state: State = Field(
        description="`matched` zugeordnet · `returned` zurückgekommen · `unmatched` keine Zahlung gefunden · `partial` weniger ·"
        " `overpaid` mehr als die Zahlung · `duplicate` dieselbe Zahlung ein zweites Mal"
    )
    open: bool = Field(description="Ob noch jemand etwas tun muss")
    report: Literal["camt.053", "camt.054", "pain.002", "json", "csv"] = Field(description="Art der Meldung, die es zuerst sagte")
    reported_at: datetime = Field(description="Wann sie eingelesen wurde", examples=["2026-12-18T08:00:00Z"])
    status: Literal["paid", "returned"] = Field(description="Was gemeldet ist")
    end_to_end_id: str | None = Field(description="EndToEndId", examples=["BUT-2026-0007-00002"])
    batch_number: str | None = Field(description="Laufnummer aus dem Verwendungszweck", examples=["2026-0007"])
    on: date = Field(description="Buchungstag")
    amount: Amount | None = Field(description="Betrag; null, wenn keiner in EUR genannt ist")
    currency: str = Field(description="Währung", examples=["EUR"])
    return_reason: str | None = Field(description="Rückgabegrund (ISO 20022)", examples=["AC04"])
    payment: MeantPaymentOut | None = Field(description="Gemeinte Zahlung; null = keine gefunden")
    assigned: HandledOut | None = Field(description="Zuordnung von Hand")
    done: HandledOut | None = Field(description="Abschluss")

    @classmethod
    def of(cls, entry: Entry, keys: TownKeys) -> Self:
        """The entry as it is answered."""
        return cls.model_validate(
            {
                "id": entry.id,
                "state": entry.state,
                "open": entry.is_open,
                "report": entry.report_kind,
                "reported_at": entry.reported_at,
                "status": entry.direction.value,
                "end_to_end_id": entry.end_to_end_id,
                "batch_number": entry.batch_number,
                "on": entry.booked_on,
                "amount": entry.cents,
                "currency": entry.currency,
                "return_reason": entry.return_reason,
                "payment": _payment(entry),
                "assigned": _handled(entry, keys, entry.assigned, entry.assigned_reason, "assigned_reason"),
                "done": _handled(entry, keys, entry.done, entry.done_reason, "done_reason"),
            }
        )


class PaymentEntriesOut(AnswerModel):
    """Eine Seite der Einträge, ältester zuerst."""

    items: list[PaymentEntryOut] = Field(description="Einträge")
    next_cursor: str | None = Field(description="Cursor der nächsten Seite; null = letzte Seite")


def _payment(entry: Entry) -> dict[str, object] | None:
    if entry.payment_id is None:
        return None
    return {
        "id": entry.payment_id,
        "batch_id": entry.payment_batch_id,
        "provider": entry.provider_key,
        "net": entry.payment_net,
        "state": entry.payment_state,
        "repeated_by": entry.repeated_by,
    }


def _handled(entry: Entry, keys: TownKeys, step: Step | None, reason: bytes | None, column: str) -> HandledOut | None:
    if step is None or reason is None:
        return None
    return HandledOut(by=step.by, at=step.at, reason=keys.open(reason, "payment_entry", entry.id, column))

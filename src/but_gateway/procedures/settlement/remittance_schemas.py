"""Answers: remittances."""

from datetime import date, datetime
from typing import Any, Final, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue

from but_gateway.formats.remittance import AdvisedPosition
from but_gateway.procedures.settlement.remittance_store import KeptRemittance
from but_gateway.procedures.settlement.schemas import Amount, Benefit
from but_gateway.web.body import AnswerModel

_SUMMARY: Final[dict[str, JsonValue]] = {
    "id": "0198f0c2-7a10-7000-8000-000000000002",
    "number": "2026-0007-00001",
    "batch": "2026-0007",
    "provider": "c1",
    "created_at": "2026-12-01T09:00:00Z",
    "state": "handed_over",
    "paid_on": None,
    "returned_on": None,
    "remittance_text": "BuT krefeld 2026-0007 R-2026-10-001",
    "totals": {"claimed": "9.00", "approved": "8.70", "receipts": "4.50", "net": "4.20"},
}
_REDUCED: Final[dict[str, JsonValue]] = {
    "invoice": "R-2026-10-001",
    "line_no": 1,
    "service_date": "2026-10-05",
    "from": "2026-10-05",
    "to": "2026-10-05",
    "benefit": "lunch",
    "decision": "reduced",
    "claimed": "4.50",
    "approved": "4.20",
    "code": "OVER_AGREED_PRICE",
    "text": "Wir bezahlen 4,20 € statt 4,50 €. Vereinbart sind 4,20 € je Essen bis 15.09.2026.",
    "next_step": "Sie müssen nichts tun.",
    "further_reasons": [],
    "correction": None,
}
_CORRECTION: Final[dict[str, JsonValue]] = {
    **_REDUCED,
    "invoice": "K-1",
    "service_date": "2026-09-05",
    "from": "2026-09-05",
    "to": "2026-09-05",
    "decision": "accepted",
    "claimed": "-4.50",
    "approved": "-4.50",
    "code": None,
    "text": None,
    "next_step": None,
    "correction": {"invoice": "R-2026-09-001", "line_no": 12, "previous": "4.50", "new": "0.00", "difference": "-4.50"},
}


class RemittanceTotalsOut(AnswerModel):
    """Summen eines Avises; `net` = `approved` − `receipts`."""

    claimed: Amount = Field(description="Abgerechnet: Summe der Positionen dieses Avises ohne Korrekturen")
    approved: Amount = Field(description="Bezahlt, vor Verrechnung von Korrekturen")
    receipts: Amount = Field(description="Verrechnete Korrekturen, positiv")
    net: Amount = Field(description="Zahlbetrag: was überwiesen wird")


class CorrectionOut(AnswerModel):
    """Was eine Korrektur oder Stornierung ändert: bisher, neu, Differenz. Null, wo die Korrektur nicht übernommen wurde."""

    invoice: str = Field(description="Rechnung, deren Zeile korrigiert wird", examples=["R-2026-09-001"])
    line_no: int = Field(description="Korrigierte Zeile", examples=[12])
    previous: Amount | None = Field(description="Bisher bezahlt für die korrigierte Position")
    new: Amount | None = Field(description="Was davon bleibt")
    difference: Amount | None = Field(description="Differenz, negativ: mit dieser Zahlung verrechnet")

    @classmethod
    def of(cls, position: AdvisedPosition) -> Self | None:
        """What a position corrects, None where it corrects nothing."""
        correction = position.correction
        if correction is None:
            return None
        previous, difference = correction.previous, None if correction.previous is None else position.approved
        new = None if previous is None else previous + position.approved
        return cls(invoice=correction.invoice, line_no=correction.line_no, previous=previous, new=new, difference=difference)


class FurtherReasonOut(AnswerModel):
    """Ein weiterer Grund, warum eine Position nicht vollständig bezahlt ist."""

    code: str | None = Field(description="Öffentlicher Code", examples=["OVER_AGREED_PRICE"])
    text: str = Field(description="Begründung")
    next_step: str = Field(description="Was zu tun ist")


class RemittancePositionOut(AnswerModel):
    """Position eines Avises. `code`, `text` und `next_step` sind null, wenn sie vollständig bezahlt ist."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REDUCED, _CORRECTION]})

    invoice: str = Field(description="Rechnungsnummer", examples=["R-2026-10-001"])
    line_no: int = Field(description="Zeile der Rechnung", examples=[1])
    service_date: date | None = Field(description="Leistungstag; null bei Monaten und Zeiträumen")
    first_day: date = Field(alias="from", description="Erster Tag der Leistung")
    last_day: date = Field(alias="to", description="Letzter Tag der Leistung")
    benefit: Benefit = Field(description="Leistungsart")
    decision: Literal["accepted", "reduced", "rejected", "review"] = Field(description="Entscheidung, wie sie bei der Übergabe stand")
    claimed: Amount = Field(description="Abgerechnet")
    approved: Amount = Field(description="Mit dieser Zahlung bezahlt; negativ bei Korrekturen")
    code: str | None = Field(description="Öffentlicher Code des ausschlaggebenden Grundes")
    text: str | None = Field(description="Begründung")
    next_step: str | None = Field(description="Was zu tun ist")
    further_reasons: list[FurtherReasonOut] = Field(description="Weitere Gründe, in absteigender Stärke")
    correction: CorrectionOut | None = Field(description="Nur bei Korrekturen und Stornierungen: was sie ändern")

    @classmethod
    def of(cls, position: AdvisedPosition) -> Self:
        """The position as it is answered."""
        first, *further = position.reasons or (None,)
        return cls.model_validate(
            {
                **{name: getattr(position, name) for name in ("invoice", "line_no", "service_date", "benefit", "decision", "claimed")},
                "from": position.first_day,
                "to": position.last_day,
                "approved": position.approved,
                "code": first and first.code,
                "text": first and first.text,
                "next_step": first and first.next_step,
                "further_reasons": [FurtherReasonOut(code=r.code, text=r.text, next_step=r.next_step) for r in further if r],
                "correction": CorrectionOut.of(position),
            }
        )


class RemittanceSummaryOut(AnswerModel):
    """Zahlungsavis ohne Positionen."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SUMMARY]})

    id: UUID = Field(description="Id des Avises; es ist die Id der Zahlung")
    number: str = Field(description="Nummer des Avises: Laufnummer und Nummer der Zahlung darin", examples=["2026-0007-00001"])
    batch: str = Field(description="Nummer des Abrechnungslaufs", examples=["2026-0007"])
    provider: str = Field(description="Anbieter (Schlüssel)", examples=["c1"])
    created_at: datetime = Field(description="Übergabe an die Kasse")
    state: Literal["handed_over", "paid", "returned"] = Field(description="Zustand der Zahlung")
    paid_on: date | None = Field(description="Buchungstag der Bank; null bis zur Ausführung und bei Rückgabe")
    returned_on: date | None = Field(description="Tag, an dem die Zahlung zurückkam; sie wird dann mit einem neuen Avis wiederholt")
    remittance_text: str = Field(description="Verwendungszweck, genau wie auf dem Kontoauszug")
    totals: RemittanceTotalsOut = Field(description="Summen")

    @classmethod
    def fields_of(cls, kept: KeptRemittance) -> dict[str, Any]:
        """What every view of a remittance shows."""
        names = ("id", "number", "batch", "provider", "created_at", "state", "paid_on", "returned_on", "remittance_text")
        totals = RemittanceTotalsOut(claimed=kept.claimed, approved=kept.approved, receipts=kept.receipts, net=kept.net)
        return {name: getattr(kept, name) for name in names} | {"totals": totals}

    @classmethod
    def of(cls, kept: KeptRemittance) -> Self:
        """The remittance in a list."""
        return cls(**cls.fields_of(kept))


class RemittanceOut(RemittanceSummaryOut):
    """Zahlungsavis: was bezahlt ist, und was nicht vollständig, mit Grund und nächstem Schritt."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_SUMMARY, "positions": [_REDUCED, _CORRECTION]}]})

    positions: list[RemittancePositionOut] = Field(description="Positionen, nach Rechnung und Zeile")


class RemittancesOut(AnswerModel):
    """Eine Seite der Avise, ältestes zuerst."""

    items: list[RemittanceSummaryOut] = Field(description="Avise")
    next_cursor: str | None = Field(description="Cursor der nächsten Seite; null = letzte Seite")

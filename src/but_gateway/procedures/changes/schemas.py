"""Answers: what changed for a provider."""

from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from but_gateway.web.body import AnswerModel

_DECISION: dict[str, Any] = {
    "id": "0198f0c2-0000-7000-8000-000000000001",
    "at": "2026-11-12T08:30:00.000Z",
    "kind": "decision",
    "subject": {"type": "invoice", "id": "0198f0c2-0000-7000-8000-000000000002"},
    "line_no": 1,
    "service_date": "2026-11-13",
    "benefit": None,
    "from": None,
    "covered": None,
    "state": None,
}
_EMPTY = dict.fromkeys(("line_no", "service_date", "benefit", "from", "covered", "state"))
_PERIOD: dict[str, Any] = {
    "id": "0198f0c2-0000-7000-8000-000000000003",
    "at": "2026-11-12T08:30:00.000Z",
    "kind": "period",
    "subject": {"type": "child", "id": "k-4f1c2a90b7d3e586"},
    **_EMPTY,
    "benefit": "lunch",
    "from": "2026-09-01",
    "covered": False,
}
_PAYMENT: dict[str, Any] = {
    "id": "0198f0c2-0000-7000-8000-000000000004",
    "at": "2026-12-01T10:00:00.000Z",
    "kind": "payment",
    "subject": {"type": "remittance", "id": "0198f0c2-0000-7000-8000-000000000005"},
    **_EMPTY,
    "state": "handed_over",
}

_BANK_ACCOUNT: dict[str, Any] = {
    "id": "0198f0c2-0000-7000-8000-000000000006",
    "at": "2026-12-01T10:00:00.000Z",
    "kind": "bank_account",
    "subject": {"type": "bank_account", "id": "0198f0c2-0000-7000-8000-000000000007"},
    **_EMPTY,
    "state": "confirmed",
    "from": "2026-12-04",
}


class ChangeSubject(AnswerModel):
    """Worum es geht."""

    type: Literal["invoice", "child", "remittance", "bank_account"] = Field(
        description="`invoice`: Abrechnung, `child`: Kind (mit Ihrer Kennung aus `my/children`), `remittance`: Zahlungsavis, "
        "`bank_account`: Bankverbindung"
    )
    id: str = Field(description="Kennung", examples=["0198f0c2-0000-7000-8000-000000000002"])


class ChangeOut(AnswerModel):
    """Eine Änderung. Sie sagt, was sich geändert hat und ab wann; den Stand lesen Sie bei der Sache selbst."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DECISION, _PERIOD, _PAYMENT, _BANK_ACCOUNT]})

    id: UUID = Field(description="Kennung der Änderung; bei erneutem Lesen dieselbe")
    at: str = Field(description="Zeitpunkt")
    kind: Literal["decision", "period", "payment", "bank_account"] = Field(
        description="`decision`: eine Position ist neu entschieden, `period`: Tage eines Kindes kommen hinzu oder fallen weg, "
        "`payment`: eine Zahlung ist übergeben, bezahlt oder zurückgekommen, "
        "`bank_account`: eine Bankverbindung für Sie ist vorgeschlagen oder bestätigt"
    )
    subject: ChangeSubject = Field(description="Worum es geht")
    line_no: int | None = Field(default=None, description="decision: Zeile der Abrechnung")
    service_date: str | None = Field(default=None, description="decision: Leistungstag; null bei Monaten, Beiträgen und Fahrten")
    benefit: str | None = Field(default=None, description="period: Leistungsart")
    from_: str | None = Field(
        default=None, alias="from", description="period: erster Tag, für den sich etwas ändert; bank_account: ab wann dorthin gezahlt wird"
    )
    covered: bool | None = Field(default=None, description="period: ob die Tage ab da hinzukommen (true) oder wegfallen (false)")
    state: Literal["handed_over", "paid", "returned", "proposed", "confirmed"] | None = Field(
        default=None,
        description="payment: an die Kasse übergeben, bezahlt oder zurückgekommen; bank_account: vorgeschlagen oder bestätigt",
    )


class ChangesOut(AnswerModel):
    """Änderungen, älteste zuerst."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_DECISION, _PERIOD, _PAYMENT], "next_cursor": "My4wYTFiMmMzZA"}]})

    items: list[ChangeOut] = Field(description="Die Änderungen")
    next_cursor: str = Field(
        description="Immer gesetzt: mit `after` gelesen geht es lückenlos weiter, auch wenn gerade nichts Neues da ist"
    )

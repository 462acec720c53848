"""Bodies and answers of reviews, to the letter of the contract."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from but_gateway.db.fields import TownKeys
from but_gateway.kit.money import print_money
from but_gateway.procedures.review.model import ReviewView
from but_gateway.registers.entitlements.model import GrantRecord
from but_gateway.registers.invoices.view import show_findings
from but_gateway.rules.wording import Lang
from but_gateway.web.body import AnswerModel, Cents, Day, LongText, StrictModel

BULK_MAX: Final = 500
_REVIEW: Final = "0198f0c2-0000-7000-8000-000000000010"
_POSITION: Final[dict[str, Any]] = {
    "service_date": "2026-10-12", "decision": "reduced", "claimed": "45.00", "approved": "40.00", "proposed": None,
    "findings": [{
        "code": "DECIDED_BY_OFFICE", "effect": "reduce", "text": "Wir bezahlen 40,00 € statt 45,00 €. …",
        "next_step": "Erheben Sie zu dieser Zeile einen Einwand, wenn Sie das anders sehen.", "bearer": "open",
        "values": {}, "rule": "person_reduce", "clerk_text": "Eine Person hat die Position gekürzt.",
    }],
    "id": "0198f0c2-0000-7000-8000-000000000011", "from": "2026-10-12", "to": "2026-10-12", "rule_set": None, "batch_id": None,
    "allocations": [{
        "grant": "0198f0c2-0000-7000-8000-000000000012", "grant_version": 1, "legal_basis": "sgb2", "amount": "40.00", "units": 80,
    }],
}  # fmt: skip
_ITEM: Final[dict[str, Any]] = {
    "id": _REVIEW, "invoice_id": "0198f0c2-0000-7000-8000-000000000013", "invoice_number": "R-2026-10-002", "provider": "t1", "line_no": 1,
    "position_id": "0198f0c2-0000-7000-8000-000000000011", "service_date": "2026-10-12", "from": "2026-10-12", "to": "2026-10-12",
    "claimed": "45.00", "proposed": "45.00",
    "findings": [{
        "code": "IN_CLARIFICATION", "effect": "review", "text": "Für den 12.10.2026 klären wir noch eine offene Frage. Es geht um 45,00 €.",
        "next_step": "Sie müssen nichts tun. Wir teilen Ihnen die Entscheidung von selbst mit.", "bearer": None, "values": {},
        "rule": "L-14", "clerk_text": "Der Stundennachweis fehlt.",
    }],
    "grants": [{
        "id": "0198f0c2-0000-7000-8000-000000000012", "key": "O-tutoring-2026", "version": 1, "legal_basis": "sgb2",
        "valid_from": "2026-09-01", "valid_to": "2027-01-31", "status": "active", "facility": None, "provider": "t1",
        "revoked_from": None, "notified_on": None, "budget": {"kind": "minutes", "minutes": 900},
        "left": {"kind": "minutes", "minutes": 360},
    }],
    "state": "open", "decision": "review", "opened_at": "2026-11-02T10:00:00Z", "objection": None, "query": None, "reason": None,
}  # fmt: skip

Decision = Literal["accept", "reduce", "reject", "query"]
Reason = Annotated[LongText, Field(description="Begründung, nur für die Kommune; bei `query` die Rückfrage")]


class ResolutionIn(StrictModel):
    """Was mit einem Klärfall geschieht: anerkennen, kürzen, ablehnen oder beim Anbieter nachfragen."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"decision": "accept", "reason": "Der Nachweis wurde nachgereicht."},
                {"decision": "reduce", "approved": "40.00", "reason": "Nur 80 Minuten sind nachgewiesen."},
                {"decision": "query", "reason": "Bitte reichen Sie den Stundennachweis nach."},
            ]
        }
    )

    decision: Decision = Field(
        description="`accept` bezahlt `proposed`, `reduce` den Betrag in `approved`, `reject` nichts; `query` fragt nach (Rückfrage)"
    )
    approved: Cents | None = Field(default=None, description="Nur bei `reduce`: was bezahlt wird, mehr als 0, höchstens das Berechnete")
    reason: Reason


class ResolutionsIn(StrictModel):
    """Eine Entscheidung für viele gleichartige Klärfälle."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ids": [_REVIEW], "decision": "accept", "reason": "Ferienbetreuung der Schule."}]}
    )

    ids: Annotated[list[UUID], Field(min_length=1, max_length=BULK_MAX)] = Field(description="Kennungen der Klärfälle, höchstens 500")
    decision: Literal["accept", "reject", "query"] = Field(description="Gekürzt wird einzeln")
    reason: Reason


class ResolutionOut(AnswerModel):
    """Was aus einem der Klärfälle wurde."""

    id: UUID
    status: int = Field(description="200, oder der Status, den die einzelne Entscheidung hätte (404, 409)")
    code: str | None = Field(description="Grund der Weigerung, sonst null")


class ResolutionsOut(AnswerModel):
    """Je Klärfall ein Ergebnis, in der Reihenfolge der Anfrage; jeder steht oder fällt für sich."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [{"id": _REVIEW, "status": 200, "code": None}]}]})

    items: list[ResolutionOut]


class StaffFindingOut(AnswerModel):
    """Ein Befund, wie ihn die Kommune sieht."""

    code: str | None
    effect: Literal["note", "reduce", "review", "reject"]
    text: str | None = Field(description="Was der Anbieter dazu liest")
    next_step: str | None
    bearer: Literal["provider", "family", "other_payer", "open"] | None
    values: dict[str, str]
    rule: str
    clerk_text: str


class ShareOut(AnswerModel):
    """Zuordnung: der Teil, den eine Bewilligung trägt."""

    grant: UUID
    grant_version: int
    legal_basis: str
    amount: Cents
    units: int = Field(description="Verbrauch in der Einheit des Budgets: Minuten, Tage oder Cent")


class ResolvedPositionOut(AnswerModel):
    """Die Position mit ihrer neuen Entscheidung."""

    model_config = ConfigDict(json_schema_extra={"examples": [_POSITION]})

    service_date: Day | None
    decision: Literal["accepted", "reduced", "rejected", "review"]
    claimed: Cents
    approved: Cents
    proposed: Cents | None
    findings: list[StaffFindingOut]
    id: UUID
    from_: Day = Field(alias="from")
    to: Day
    rule_set: str | None = Field(description="null: ein Mensch hat entschieden")
    batch_id: UUID | None
    allocations: list[ShareOut]


class GrantLeftOut(AnswerModel):
    """Eine Bewilligung neben der Zeile: Fassung, Zeitraum, Budget und was davon frei ist."""

    id: UUID
    key: str
    version: int
    legal_basis: str = Field(description="Rechtskreis")
    valid_from: Day
    valid_to: Day
    status: str = Field(description="active (bewilligt), provisional (vorläufig) oder disputed (strittig)")
    facility: str | None = Field(description="Einrichtung, wenn der Bescheid eine nennt")
    provider: str | None = Field(description="Anbieter, wenn der Bescheid einen nennt")
    revoked_from: Day | None = Field(description="Tag, ab dem eine Aufhebung wirkt")
    notified_on: Day | None = Field(description="Tag, an dem die Anbieter davon unterrichtet wurden")
    budget: dict[str, Any] = Field(description="Kontingent oder Budget")
    left: dict[str, Any] = Field(description="Was davon frei ist: weder verbraucht noch vorgemerkt")

    @classmethod
    def of(cls, grant: GrantRecord, facilities: Mapping[UUID, str], providers: Mapping[UUID, str]) -> Self:
        """The answer for a grant; keys by id."""
        return cls(
            id=grant.id,
            key=grant.key,
            version=grant.version,
            legal_basis=grant.legal_basis,
            valid_from=grant.valid_from,
            valid_to=grant.valid_to,
            status=grant.status,
            facility=None if grant.facility_id is None else facilities[grant.facility_id],
            provider=None if grant.provider_id is None else providers[grant.provider_id],
            revoked_from=grant.revoked_from,
            notified_on=grant.notified_on,
            budget=_budget(grant.budget_kind, grant.limit),
            left=_budget(grant.budget_kind, grant.left),
        )


def _budget(kind: str, units: int | None) -> dict[str, Any]:
    if units is None:
        return {"kind": kind}
    return {"kind": kind, kind: units} if kind in {"minutes", "days"} else {"kind": kind, "amount": print_money(units)}


class ReviewOut(AnswerModel):
    """Ein Klärfall: die Position, was die Regeln fanden, und die Bewilligungen daneben."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ITEM]})

    id: UUID
    invoice_id: UUID
    invoice_number: str
    provider: str
    line_no: int
    position_id: UUID
    service_date: Day | None = Field(description="Leistungstag; null bei Monaten und Zeiträumen")
    from_: Day = Field(alias="from", description="Erster Tag")
    to: Day = Field(description="Letzter Tag")
    claimed: Cents
    proposed: Cents | None = Field(description="Was `accept` bezahlt; null, wenn entschieden")
    findings: list[StaffFindingOut]
    grants: list[GrantLeftOut]
    state: Literal["open", "query", "resolved"]
    decision: Literal["accepted", "reduced", "rejected", "review", "cancelled"] = Field(
        description="Wie die Position jetzt steht; anders als `review`, wenn eine spätere Tatsache eine entschiedene wieder geöffnet hat"
    )
    opened_at: datetime
    objection: str | None = Field(description="Einwand des Anbieters")
    query: str | None = Field(description="Rückfrage an den Anbieter")
    reason: str | None = Field(description="Begründung der letzten Entscheidung einer Person")

    @classmethod
    def of(cls, review: ReviewView, grants: list[GrantLeftOut], keys: TownKeys, language: Lang) -> Self:
        """The answer for a review."""
        position = review.position

        def opened(sealed: bytes | None, table: str, row: UUID, column: str) -> str | None:
            return None if sealed is None else keys.open(sealed, table, row, column)

        return cls.model_validate(
            {
                "id": review.id,
                "invoice_id": review.invoice_id,
                "invoice_number": review.invoice_number,
                "provider": review.provider_key,
                "line_no": review.line_no,
                "position_id": position.id,
                "service_date": position.first_day if position.form == "day" else None,
                "from": position.first_day,
                "to": position.last_day,
                "claimed": print_money(position.claimed),
                "proposed": None if review.proposed is None else print_money(review.proposed),
                "findings": show_findings(position, language, staff=True),
                "grants": grants,
                "state": review.state,
                "decision": position.outcome.value,
                "opened_at": review.opened_at,
                "objection": opened(review.objection, "review", review.id, "objection"),
                "query": opened(review.query, "review", review.id, "query"),
                "reason": opened(review.reason, "decision", position.id, "reason"),
            }
        )


class ReviewsOut(AnswerModel):
    """Klärfälle, älteste zuerst."""

    items: list[ReviewOut]
    next_cursor: str | None = Field(description="Für die nächste Seite; null, wenn es keine gibt")

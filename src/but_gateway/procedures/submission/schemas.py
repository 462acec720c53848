"""Bodies and answers of invoices, to the letter of the contract."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from but_gateway.web.body import AnswerModel, Cents, Day, Flag, Key, Line, LongText, MonthOfYear, StrictModel, TimeOfDay, Whole

Benefit = Literal["lunch", "tutoring", "participation", "day_trip", "class_trip", "school_supplies", "school_transport"]
Item = Literal["lunch", "individual", "group", "fee", "drink", "breakfast", "snack", "material", "pocket_money", "equipment"]
Activity = Literal["sport", "play", "culture", "music_lesson", "art_lesson", "leisure_camp", "other"]
Subject = Literal[
    "mathematik", "deutsch", "englisch", "franzoesisch", "latein", "spanisch", "physik", "chemie", "biologie", "sachunterricht",
    "geschichte", "erdkunde", "politik", "lesen_schreiben", "rechnen", "deutsch_als_zweitsprache", "weitere",
]  # fmt: skip
Exemption = Literal["exempt_4_21", "exempt_4_22", "exempt_4_23", "exempt_4_25", "small_business", "not_taxable"]
Number = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=64, pattern=r"^[!-~À-ÿ]([ -~À-ÿ]*[!-~À-ÿ])?$")]
Rate = Annotated[str, StringConstraints(strict=True, pattern=r"^\d{1,2}\.\d{2}$")]
ServiceDates = Annotated[list[Day], Field(min_length=1, max_length=31)]
LineNo = Annotated[Whole, Field(ge=1, le=1_000_000)]

LINES_MAX = 20_000
POSITIONS_MAX = 20_000

EXAMPLE_LUNCH: dict[str, Any] = {
    "number": "R-2026-10-001", "issued_on": "2026-11-02", "period": {"from": "2026-10-01", "to": "2026-10-31"}, "total": "9.00",
    "lines": [{
        "line_no": 1, "benefit": "lunch", "entitlement_number": "K7Q2-M9XD-4TB8H", "date_of_birth": "2017-04-02", "facility": "s1",
        "service_dates": ["2026-10-05", "2026-10-06"], "quantity": 2, "unit_price": "4.50", "amount": "9.00", "vat_rate": "7.00",
    }],
}  # fmt: skip
EXAMPLE_TUTORING: dict[str, Any] = {
    "number": "R-2026-10-002", "issued_on": "2026-11-02", "period": {"from": "2026-10-01", "to": "2026-10-31"}, "total": "45.00",
    "lines": [{
        "line_no": 1, "benefit": "tutoring", "entitlement_number": "3WPA-00ZF-6RN5V", "service_dates": ["2026-10-12"],
        "unit_price": "22.50", "amount": "45.00", "vat_exemption": "exempt_4_21",
        "tutoring": {
            "subject": "mathematik", "group_size": 1, "minutes": 90, "recorded_from": "15:00", "recorded_to": "16:30", "tutor": "T-17",
            "proof": "SN-77",
        },
    }],
}  # fmt: skip


class Period(StrictModel):
    """A closed range of days."""

    from_: Day = Field(alias="from", description="Erster Tag")
    to: Day = Field(description="Letzter Tag, eingeschlossen")


class LessonIn(StrictModel):
    """The one lesson (Unterrichtseinheit) that a tutoring line bills."""

    subject: Subject = Field(description="Fach, aus `/v1/code-lists/subjects`")
    group_size: Annotated[Whole, Field(ge=1, le=100)] = Field(description="Zahl der Kinder in der Stunde; 1 = Einzelunterricht")
    minutes: Annotated[Whole, Field(ge=1, le=1440)] = Field(description="Abgerechnete Dauer in Minuten")
    recorded_from: TimeOfDay | None = Field(default=None, description="Beginn laut Stundennachweis; nur wenn die Stunde stattfand")
    recorded_to: TimeOfDay | None = Field(default=None, description="Ende laut Stundennachweis")
    tutor: Key | None = Field(default=None, description="Ihr eigenes Kürzel der Lehrkraft, kein Name")
    proof: Line | None = Field(default=None, description="Nummer des unterschriebenen Stundennachweises")


class CorrectsIn(StrictModel):
    """Which of your earlier lines a correction (Rechnungskorrektur) takes back."""

    invoice: Number = Field(description="Nummer Ihrer früheren Abrechnung")
    line_no: LineNo = Field(description="Zeile darin")


class LineIn(StrictModel):
    """A line (Zeile): one child, one benefit, one item."""

    line_no: LineNo = Field(description="Nummer der Zeile, eindeutig in der Abrechnung")
    benefit: Benefit = Field(description="Leistungsart")
    entitlement_number: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=64)] | None = Field(
        default=None, description="Berechtigungsnummer; Striche und Groß-/Kleinschreibung sind gleichgültig"
    )
    date_of_birth: Day | None = Field(default=None, description="Geburtsdatum; kann fehlen, sobald Sie mit der Berechtigung verbunden sind")
    name: Line | None = Field(default=None, description="Name des Kindes; wird verglichen, nie gespeichert")
    facility: Key | None = Field(default=None, description="Einrichtung (Schlüssel)")
    service_dates: ServiceDates | None = Field(default=None, description="Leistungstage, 1 bis 31, jeder einmal")
    service_month: MonthOfYear | None = Field(default=None, description="Leistungsmonat einer Pauschale oder Monatszahl")
    service_from: Day | None = Field(default=None, description="Erster Tag eines Beitrags oder einer Fahrt")
    service_to: Day | None = Field(default=None, description="Letzter Tag")
    quantity: Annotated[Whole, Field(ge=-100_000, le=100_000)] | None = Field(
        default=None, description="Menge; bei Lernförderung weglassen"
    )
    unit_price: Cents = Field(description="Einzelpreis, brutto")
    amount: Cents = Field(description="Betrag der Zeile, brutto")
    vat_rate: Rate | None = Field(default=None, description="Umsatzsteuersatz in Prozent", examples=["7.00"])
    vat_exemption: Exemption | None = Field(default=None, description="Grund der Steuerbefreiung")
    item: Item | None = Field(default=None, description="Was abgerechnet wird; Vorgabe nach Leistungsart")
    attended: Flag = Field(default=True, description="Ob das Kind teilnahm")
    attended_days: Annotated[Whole, Field(ge=0, le=31)] | None = Field(
        default=None, description="Monatspauschale: Tage, an denen das Kind kam"
    )
    cancelled_late: Flag = Field(default=False, description="Nicht teilgenommen und zu spät abgemeldet")
    relative: Flag = Field(default=False, description="Die Lehrkraft ist mit dem Kind verwandt")
    activity: Activity | None = Field(default=None, description="Art des Teilhabeangebots")
    check_id: UUID | None = Field(default=None, description="Eine frühere bestätigte Berechtigungsprüfung")
    corrects: CorrectsIn | None = Field(default=None, description="Rechnungskorrektur: die Zeile, die zurückgenommen wird")
    tutoring: LessonIn | None = Field(default=None, description="Angaben zur Unterrichtsstunde")


class InvoiceIn(StrictModel):
    """An invoice (Abrechnung). Amounts are gross."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_LUNCH, EXAMPLE_TUTORING]})

    number: Number = Field(description="Ihre Rechnungsnummer, eindeutig je Kommune")
    issued_on: Day = Field(description="Rechnungsdatum")
    period: Period = Field(description="Abrechnungszeitraum")
    total: Cents = Field(description="Summe aller Zeilen")
    iban: Annotated[str, StringConstraints(strict=True, max_length=42)] | None = Field(
        default=None, description="Nur zum Abgleich mit der bestätigten Bankverbindung"
    )
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=LINES_MAX)] = Field(description="Zeilen")


class CancellationIn(StrictModel):
    """A cancellation (Stornorechnung) of a whole invoice."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"number": "S-2026-10-001", "issued_on": "2026-11-05"}]})

    number: Number = Field(description="Nummer der Stornorechnung; aus derselben Reihe wie Ihre Rechnungsnummern")
    issued_on: Day = Field(description="Datum der Stornorechnung")


class ObjectionIn(StrictModel):
    """Why a provider thinks that a line was decided wrongly (Einwand)."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"line_no": 2, "text": "Die Stunde hat stattgefunden, der Nachweis liegt bei."}]}
    )

    line_no: LineNo = Field(description="Zeile")
    text: LongText = Field(description="Begründung")


class FindingOut(BaseModel):
    """A finding (Befund). Staff also reads rule and clerk_text."""

    code: str | None
    effect: Literal["note", "reduce", "review", "reject"]
    text: str | None
    next_step: str | None
    bearer: Literal["provider", "family", "other_payer", "open"] | None
    values: dict[str, str]
    rule: str | None = Field(default=None, description="Nur für die Kommune")
    clerk_text: str | None = Field(default=None, description="Nur für die Kommune")


class AllocationOut(BaseModel):
    """The part of a decision one grant bears (Zuordnung); only for staff."""

    grant: UUID
    grant_version: int
    legal_basis: str
    amount: Cents
    units: int


_LINE_OUT: Final[dict[str, JsonValue]] = {
    "line_no": 2,
    "decision": "reduced",
    "claimed": "48.00",
    "approved": "45.00",
    "proposed": None,
    "findings": [
        {
            "code": "OVER_AGREED_PRICE",
            "effect": "reduce",
            "text": "Wir bezahlen 45,00 € statt 48,00 €. Vereinbart sind 22,50 € je Einheit, Sie haben 24,00 € berechnet.",
            "next_step": "Sie müssen nichts tun. Berechnen Sie künftig den vereinbarten Preis.",
            "bearer": "provider",
            "values": {"agreed": "22.50", "billed": "24.00"},
        }
    ],
    "positions": [],
}
_HEAD_OUT: Final[dict[str, JsonValue]] = {
    "id": "0198f0c2-5a10-7000-8000-000000000001",
    "municipality": "krefeld",
    "provider": "t1",
    "number": "R-2026-10-001",
    "state": "decided",
    "issued_on": "2026-11-02",
    "period": {"from": "2026-10-01", "to": "2026-10-31"},
    "received_at": "2026-11-02T10:00:00.000Z",
    "dry_run": False,
    "cancelled_by": None,
    "totals": {"claimed": "48.00", "approved": "45.00", "in_review": "0.00", "refused": "3.00"},
    "counts": {"accepted": 0, "reduced": 1, "rejected": 0, "review": 0, "cancelled": 0},
}
Outcome = Literal["accepted", "reduced", "rejected", "review", "cancelled"]


class PositionOut(BaseModel):
    """A position (one day, month, fee or trip)."""

    service_date: Day | None
    decision: Outcome
    claimed: Cents
    approved: Cents
    proposed: Cents | None
    findings: list[FindingOut]
    id: UUID | None = Field(default=None, description="Nur für die Kommune")
    from_: Day | None = Field(default=None, alias="from", description="Nur für die Kommune")
    to: Day | None = Field(default=None, description="Nur für die Kommune")
    rule_set: str | None = Field(default=None, description="Nur für die Kommune")
    batch_id: UUID | None = Field(default=None, description="Nur für die Kommune")
    allocations: list[AllocationOut] | None = Field(default=None, description="Nur für die Kommune")


class LineOut(BaseModel):
    """A decided line."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LINE_OUT]})

    line_no: int
    decision: Literal["accepted", "reduced", "rejected", "review", "cancelled", "mixed"]
    claimed: Cents
    approved: Cents
    proposed: Cents | None
    findings: list[FindingOut]
    positions: list[PositionOut]


class Totals(AnswerModel):
    """Sums of an invoice: claimed = approved + in_review + refused."""

    claimed: Cents
    approved: Cents
    in_review: Cents
    refused: Cents


class Counts(AnswerModel):
    """How many positions have which decision."""

    accepted: int
    reduced: int
    rejected: int
    review: int
    cancelled: int


class InvoiceHeadOut(AnswerModel):
    """An invoice without its lines."""

    model_config = ConfigDict(json_schema_extra={"examples": [_HEAD_OUT]})

    id: UUID
    municipality: str
    provider: str
    number: str
    state: Literal["decided", "cancelled"]
    issued_on: Day
    period: Period
    received_at: str
    dry_run: bool
    cancelled_by: str | None = Field(description="Nummer der Stornorechnung")
    totals: Totals
    counts: Counts


class InvoiceOut(InvoiceHeadOut):
    """An invoice with its decided lines."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_HEAD_OUT, "lines": [_LINE_OUT]}]})

    lines: list[LineOut]


class InvoicesOut(AnswerModel):
    """A page of invoices."""

    items: list[InvoiceHeadOut]
    next_cursor: str | None


class LinesOut(AnswerModel):
    """A page of lines."""

    items: list[LineOut]
    next_cursor: str | None


class DecisionOut(PositionOut):
    """One decision in the history of a line's positions."""

    decided_at: str
    decided_by: Literal["rule", "office", "provider"] = Field(description="Regel, Sachbearbeitung, oder Anbieter (Storno, Einwand)")
    reason: str | None = Field(default=None, description="Begründung der Sachbearbeitung; nur für die Kommune")


class DecisionsOut(AnswerModel):
    """The history of a line, newest last."""

    items: list[DecisionOut]
    next_cursor: str | None

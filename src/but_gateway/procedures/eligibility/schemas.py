"""Bodies and answers of checks. Answers are written by hand: the refusal must be the same to the byte, whatever its cause."""

import json
from datetime import date
from functools import lru_cache
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, JsonValue, StringConstraints

from but_gateway.db.fields import TownKeys
from but_gateway.kit.clock import print_moment
from but_gateway.kit.ids import fold_entitlement_number
from but_gateway.kit.money import print_money
from but_gateway.kit.period import DayRange, Month
from but_gateway.procedures.eligibility.model import Ask, Verdict
from but_gateway.registers.entitlements.plan import NUMBER_PURPOSE
from but_gateway.registers.entitlements.schemas import Benefit
from but_gateway.web.body import AnswerModel, Cents, Day, Key, StrictModel
from but_gateway.web.problems import Fault, Text

CHECKS_MAX: Final = 1000
DAYS_MAX: Final = 92
MONTHS_BACK: Final = 6
NumberText = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=64)]
_EXAMPLE: Final[dict[str, JsonValue]] = {
    "benefit": "lunch",
    "entitlement_number": "7K3M-9QXT-2VAB4",
    "date_of_birth": "2017-04-02",
    "from": "2026-11-01",
    "to": "2026-11-30",
    "facility": "s1",
}
_CONFIRMED: Final[dict[str, JsonValue]] = {
    "id": "0198f0c2-0000-7000-8000-000000000000",
    "checked_at": "2026-11-02T10:00:00.000Z",
    "eligible": True,
    "periods": [{"from": "2026-11-01", "to": "2026-11-30"}],
    "facility": "s1",
    "unit_price": "4.50",
    "remaining_minutes": None,
    "subjects": None,
    "form": None,
}


class CheckIn(StrictModel):
    """Eine Berechtigungsprüfung: Nummer und Geburtsdatum, die die Familie genannt hat."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    benefit: Benefit = Field(description="Leistungsart")
    entitlement_number: NumberText = Field(description="Berechtigungsnummer; Striche und Groß-/Kleinschreibung sind gleich")
    date_of_birth: Day = Field(description="Geburtsdatum des Kindes")
    first_day: Day = Field(alias="from", description="Erster Tag; höchstens sechs Monate zurück")
    last_day: Day = Field(alias="to", description="Letzter Tag; höchstens 92 Tage")
    facility: Key | None = Field(None, description="Einrichtung; bei Mittagsverpflegung nötig")
    amount: Cents | None = Field(None, ge=1, description="Nur Teilhabe: reicht das Budget für diesen Betrag?")

    def faults(self, today: date, pointer: str = "") -> list[Fault]:
        """What is wrong with the content; ``pointer`` leads to this check in the body."""
        found = []
        if self.last_day < self.first_day:
            found.append(
                Fault(f"{pointer}/to", "before_from", Text("Der letzte Tag liegt vor dem ersten.", "The last day lies before the first."))
            )
        elif (self.last_day - self.first_day).days >= DAYS_MAX:
            found.append(Fault(f"{pointer}/to", "too_long", Text("Möglich sind höchstens 92 Tage.", "At most 92 days are possible.")))
        if self.first_day < _months_before(today):
            text = Text("Der erste Tag liegt mehr als sechs Monate zurück.", "The first day lies more than six months back.")
            found.append(Fault(f"{pointer}/from", "too_old", text))
        if self.facility is None and self.benefit == "lunch":
            found.append(Fault(f"{pointer}/facility", "missing", Text("Nennen Sie die Einrichtung.", "Name the facility.")))
        if self.amount is not None and self.benefit != "participation":
            text = Text("Einen Betrag gibt es nur bei Teilhabe.", "An amount exists for participation only.")
            found.append(Fault(f"{pointer}/amount", "not_participation", text))
        return found

    def ask(self, keys: TownKeys) -> Ask:
        """What is asked, the number as its keyed hash. Only where ``faults`` finds nothing."""
        return Ask(
            number_index=keys.index(NUMBER_PURPOSE, fold_entitlement_number(self.entitlement_number)),
            date_of_birth=self.date_of_birth,
            benefit=self.benefit,
            days=DayRange(self.first_day, self.last_day),
            facility=self.facility,
            amount=self.amount,
        )


@lru_cache(maxsize=8)
def _months_before(today: date) -> date:
    month = Month.of(today).plus(-MONTHS_BACK)
    return date(month.year, month.number, min(today.day, month.last.day))


class BatchIn(StrictModel):
    """Bis zu 1.000 Prüfungen auf einmal."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"checks": [_EXAMPLE]}]})

    checks: list[CheckIn] = Field(max_length=CHECKS_MAX)


class PeriodOut(AnswerModel):
    """Ein Zeitraum, beide Tage eingeschlossen."""

    first_day: Day = Field(alias="from")
    last_day: Day = Field(alias="to")


class Confirmed(AnswerModel):
    """Bestätigt: diese Leistung wird bezahlt."""

    # ``covered`` stands in the answer only where it was asked for.
    model_config = ConfigDict(json_schema_extra={"examples": [_CONFIRMED]}, json_schema_serialization_defaults_required=False)

    id: str
    checked_at: str
    eligible: Literal[True]
    periods: list[PeriodOut] = Field(description="Die bestätigten Tage des angefragten Zeitraums")
    facility: str | None
    unit_price: str | None = Field(description="Vereinbarter Preis am ersten bestätigten Tag; null = tatsächliche Kosten")
    remaining_minutes: int | None = Field(description="Lernförderung: bewilligt − verbraucht − vorgemerkt; null = ohne Obergrenze")
    subjects: list[str] | None = Field(description="Lernförderung: bestätigte Fächer; leer = alle")
    form: str | None = Field(description="Lernförderung: individual, group oder any")
    covered: bool | None = Field(None, description="Nur auf Anfrage mit `amount`: ob das Budget reicht")


class NotConfirmed(AnswerModel):
    """Nicht bestätigt. Einen Grund nennen wir nicht, immer ist es dieselbe Antwort."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "0198f0c2-0000-7000-8000-000000000000", "checked_at": "2026-11-02T10:00:00.000Z", "eligible": False}]
        }
    )

    id: str
    checked_at: str
    eligible: Literal[False]


class BatchOut(AnswerModel):
    """Die Antworten in der Reihenfolge der Prüfungen."""

    results: list[Confirmed | NotConfirmed]


class MyChild(AnswerModel):
    """Ein Kind, das der Anbieter kennt, unter seinem eigenen Kennzeichen."""

    reference: str = Field(description="Kennzeichen des Kindes, für jeden Anbieter ein anderes", examples=["k-5f0c9a71d2e84b36"])
    benefit: Benefit
    periods: list[PeriodOut] = Field(description="Bestätigte Zeiträume, die nicht länger als sechs Monate zurückliegen")
    remaining_minutes: int | None


class MyChildren(AnswerModel):
    """Die Kinder eines Anbieters."""

    items: list[MyChild]
    next_cursor: str | None


def document(verdict: Verdict) -> dict[str, object]:
    """The answer to a check as JSON values."""
    head: dict[str, object] = {"id": str(verdict.id), "checked_at": _printed(verdict.asker.at), "eligible": verdict.confirmed}
    if not verdict.confirmed:
        return head
    head["periods"] = [{"from": days.first.isoformat(), "to": days.last.isoformat()} for days in verdict.periods]
    head["facility"] = verdict.ask.facility
    head["unit_price"] = print_money(verdict.unit_price) if verdict.unit_price is not None else None
    head["remaining_minutes"] = verdict.remaining_minutes
    head["subjects"] = list(verdict.subjects) if verdict.subjects is not None else None
    head["form"] = verdict.form
    if verdict.ask.amount is not None:
        head["covered"] = verdict.covered
    return head


_printed = lru_cache(maxsize=8)(print_moment)  # all checks of a batch were made at one moment
_JSON: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)  # made once: json.dumps would make one for every answer


def content(value: object) -> bytes:
    """JSON values as they are sent."""
    return _JSON.encode(value).encode()

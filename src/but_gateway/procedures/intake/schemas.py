"""Bodies and answers of grant imports, number replacements and family payments."""

from typing import Final, Literal

from pydantic import ConfigDict, Field, JsonValue

from but_gateway.web.body import AnswerModel, Day, Key, StrictModel


class RowFault(AnswerModel):
    """Ein Fehler einer Zeile; `pointer` zählt ab der Zeile, etwa `/grant/valid_to`."""

    pointer: str
    code: str
    detail: str


class RejectedRow(AnswerModel):
    """Eine abgelehnte Zeile mit allen Fehlern. Zeilen zählen ab 1."""

    row: int
    grant: str | None = Field(description="Schlüssel der Bewilligung, soweit lesbar")
    errors: list[RowFault]


class FlaggedRow(AnswerModel):
    """Eine übernommene Zeile, die jemand prüfen sollte (E-03, E-11, E-12, B-01)."""

    row: int
    grant: str
    rule: str
    text: str


class IssuedNumber(AnswerModel):
    """Die Berechtigungsnummer, die die Familie erhält."""

    key: str = Field(description="Schlüssel der Berechtigung")
    entitlement_number: str = Field(description="Berechtigungsnummer, 4-4-5")


_REPORT: Final[dict[str, JsonValue]] = {
    "received": 2,
    "created": 1,
    "updated": 0,
    "unchanged": 0,
    "rejected": [
        {
            "row": 2,
            "grant": "B-lunch-2026",
            "errors": [{"pointer": "/grant/facility", "code": "unknown_key", "detail": "Diese Einrichtung ist nicht angelegt."}],
        }
    ],
    "flagged": [],
    "entitlements": [{"key": "A-lunch", "entitlement_number": "7K3M-9QXT-2VAB4"}],
}


class ImportReport(AnswerModel):
    """Bericht über eine Einlieferung: jede Zeile steht oder fällt für sich."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REPORT]})

    received: int
    created: int
    updated: int
    unchanged: int
    rejected: list[RejectedRow]
    flagged: list[FlaggedRow]
    entitlements: list[IssuedNumber] = Field(description="Jede Berechtigung der übernommenen Zeilen einmal, auch bei Wiederholung")


class ImportJob(ImportReport):
    """Bericht über eine große Einlieferung, die im Hintergrund läuft."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": "0198f0c2-0000-7000-8000-000000000000", "state": "done", "progress": 2, **_REPORT}]}
    )

    id: str
    state: Literal["running", "done", "failed"]
    progress: int = Field(description="Bearbeitete Zeilen")


class NumberReplacementIn(StrictModel):
    """Eine verlorene Nummer wird ersetzt."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"lost_on": "2026-10-12"}]})

    lost_on: Day = Field(description="Tag des Verlusts; die alte Nummer gilt nur für Leistungen davor")


class NumberReplacementOut(AnswerModel):
    """Die neue Nummer."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"entitlement_number": "7K3M-9QXT-2VAB4"}]})

    entitlement_number: str = Field(description="Berechtigungsnummer, 4-4-5", examples=["7K3M-9QXT-2VAB4"])


class FamilyPaymentIn(StrictModel):
    """Die Familie hat den Anbieter schon selbst bezahlt (§ 30 SGB II)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"provider": "c1", "from": "2026-10-01", "to": "2026-10-31"}]})

    provider: Key = Field(description="Anbieter")
    first_day: Day = Field(alias="from", description="Erster bezahlter Tag")
    last_day: Day = Field(alias="to", description="Letzter bezahlter Tag")


class FamilyPaymentOut(AnswerModel):
    """Der Vermerk."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "0198f0c2-6a10-7000-8000-000000000001"}]})

    id: str


class MergeIn(StrictModel):
    """Das Kind wurde unter zwei Schlüsseln geliefert."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"into": "K-2041"}]})

    into: Key = Field(description="Schlüssel des Kindes, das bleibt")


class MergeOut(AnswerModel):
    """Was zusammengeführt wurde."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"child": "K-2041", "also": "K-1987", "entitlements": ["K-1987-lunch"], "redecided": 2, "contested": 0}]
        }
    )

    child: str = Field(description="Das Kind, das bleibt")
    also: str = Field(description="Der alte Schlüssel; spätere Einlieferungen unter ihm kommen bei diesem Kind an")
    entitlements: list[str] = Field(description="Berechtigungen, die umgezogen sind")
    redecided: int = Field(description="Positionen, über die neu entschieden wurde")
    contested: int = Field(description="Tage mit zwei Mittagessen, die beide schon feststehen; je einer ist ein Hinweis")

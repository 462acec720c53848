"""Bodies and answers: facilities and their closing days."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, JsonValue

from but_gateway.registers.facilities.store import FacilityRecord
from but_gateway.web.body import AnswerModel, Day, Flag, Key, Line, StrictModel, Whole

_SCHOOL: dict[str, JsonValue] = {
    "name": "Grundschule Am Stadtpark",
    "kind": "school",
    "open_weekdays": [1, 2, 3, 4, 5],
    "observes_school_holidays": True,
    "closed": [],
    "cooperating_school": None,
}
_AFTER_SCHOOL: dict[str, JsonValue] = {
    "name": "Hort Sonnenblume",
    "kind": "after_school",
    "open_weekdays": [1, 2, 3, 4, 5],
    "observes_school_holidays": False,
    "closed": [{"from": "2026-10-02", "to": "2026-10-02", "reason": "Brückentag"}],
    "cooperating_school": "s1",
}


class ClosingBody(StrictModel):
    """Schließtage einer Einrichtung, erster und letzter Tag eingeschlossen."""

    model_config = ConfigDict(serialize_by_alias=True)

    first_day: Day = Field(alias="from", description="Erster Schließtag")
    last_day: Day = Field(alias="to", description="Letzter Schließtag")
    reason: Line = Field(description="Grund", examples=["Brückentag"])


class FacilityIn(StrictModel):
    """Einrichtung: Schule, Kita, Hort/OGS oder Kindertagespflege, mit ihrem Kalender."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SCHOOL, _AFTER_SCHOOL]})

    name: Line = Field(description="Name der Einrichtung", examples=["Grundschule Am Stadtpark"])
    kind: Literal["school", "daycare", "after_school", "childminder"] = Field(description="Art: Schule, Kita, Hort/OGS, Kindertagespflege")
    open_weekdays: list[Annotated[Whole, Field(ge=1, le=7)]] = Field(
        [1, 2, 3, 4, 5], min_length=1, max_length=7, description="Wochentage, an denen geöffnet ist; Montag ist 1"
    )
    observes_school_holidays: Flag = Field(description="Ob in den Schulferien des Landes geschlossen ist. Feiertage schließen immer.")
    closed: list[ClosingBody] = Field([], max_length=1000, description="Eigene Schließtage")
    cooperating_school: Key | None = Field(
        None,
        description="Schlüssel der Schule, mit der ein Kooperationsvertrag über das Mittagessen besteht (§ 28 (6) S. 2 SGB II)",
        examples=["s1"],
    )


class FacilityOut(FacilityIn, AnswerModel):
    """Einrichtung, wie sie gespeichert ist."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"key": "s1", **_SCHOOL}]})

    key: Key = Field(description="Schlüssel der Einrichtung", examples=["s1"])

    @classmethod
    def of(cls, record: FacilityRecord) -> Self:
        """The answer for a facility."""
        return cls.model_validate(
            {
                "key": record.key,
                "name": record.name,
                "kind": record.kind,
                "open_weekdays": list(record.open_weekdays),
                "observes_school_holidays": record.observes_school_holidays,
                "closed": [{"from": c.first_day, "to": c.last_day, "reason": c.reason} for c in record.closings],
                "cooperating_school": record.cooperating_school,
            }
        )


class FacilitiesOut(AnswerModel):
    """Einrichtungen, älteste zuerst."""

    items: list[FacilityOut] = Field(description="Die Einrichtungen")
    next_cursor: str | None = Field(description="Für die nächste Seite; null, wenn es keine gibt")

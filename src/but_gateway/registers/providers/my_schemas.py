"""Answers about calendars: to staff for one facility, to a provider for its facilities."""

from datetime import date
from typing import Self

from pydantic import ConfigDict, Field

from but_gateway.kit.period import Month
from but_gateway.registers.facilities.calendar import FacilityCalendar
from but_gateway.registers.facilities.store import FacilityRecord
from but_gateway.web.body import AnswerModel, Key, MonthOfYear

_OCTOBER = ["2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06", "2026-10-07", "2026-10-08", "2026-10-09", "2026-10-12", "2026-10-13"]
_OCTOBER_LEFT = ["2026-10-14", "2026-10-15", "2026-10-16"]


class CalendarOut(AnswerModel):
    """Öffnungstage einer Einrichtung in einem Monat."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"open_days": [*_OCTOBER, *_OCTOBER_LEFT]}]})

    open_days: list[date] = Field(description="Die Öffnungstage, der Reihe nach")


class MonthOut(AnswerModel):
    """Öffnungstage eines Monats."""

    month: MonthOfYear = Field(description="Der Monat")
    open_days: list[date] | None = Field(description="Die Öffnungstage; null, wenn die Ferien dieses Monats noch nicht bekannt sind")


class MyFacilityOut(AnswerModel):
    """Eine Einrichtung, für die ich abrechnen kann, mit ihrem Kalender."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "key": "s1",
                    "name": "Grundschule Am Stadtpark",
                    "kind": "school",
                    "calendar": [{"month": "2026-10", "open_days": [*_OCTOBER, *_OCTOBER_LEFT]}],
                }
            ]
        }
    )

    key: Key = Field(description="Schlüssel der Einrichtung", examples=["s1"])
    name: str = Field(description="Name", examples=["Grundschule Am Stadtpark"])
    kind: str = Field(description="Art: school, daycare, after_school, childminder", examples=["school"])
    calendar: list[MonthOut] = Field(description="Öffnungstage je Monat")

    @classmethod
    def of(cls, record: FacilityRecord, calendar: FacilityCalendar, months: list[Month]) -> Self:
        """The answer for a facility and months."""
        shown = [MonthOut(month=m, open_days=list(calendar.open_days(m.days)) if calendar.knows(m.days) else None) for m in months]
        return cls(key=record.key, name=record.name, kind=record.kind, calendar=shown)


class MyFacilitiesOut(AnswerModel):
    """Meine Einrichtungen, älteste zuerst."""

    items: list[MyFacilityOut] = Field(description="Die Einrichtungen")
    next_cursor: str | None = Field(description="Für die nächste Seite; null, wenn es keine gibt")

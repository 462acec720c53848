"""SQL of facilities, their closing days and the holidays of the states."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Row, Select, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by

from but_gateway.db.session import UnitOfWork
from but_gateway.kit.period import DayRange
from but_gateway.registers.facilities.calendar import FacilityCalendar, StateHolidays
from but_gateway.registers.facilities.tables import closing, facility
from but_gateway.rules.facts import Facility

_HOLIDAYS = "SELECT kind, array_agg(day) AS days FROM state_holiday WHERE state = $1 GROUP BY kind"


@dataclass(frozen=True, slots=True, order=True)
class Closing:
    """Closing days of a facility, both ends included."""

    first_day: date
    last_day: date
    reason: str


@dataclass(frozen=True, slots=True)
class FacilityRecord:
    """A facility as the town keeps it. ``cooperating_school`` is that school's key."""

    id: UUID
    key: str
    name: str
    kind: str
    open_weekdays: tuple[int, ...]
    observes_school_holidays: bool
    closings: tuple[Closing, ...]
    cooperating_school: str | None
    cooperating_school_id: UUID | None
    version: int

    def facts(self) -> Facility:
        """What of it rules look at."""
        return Facility(self.kind, has_cooperating_school=self.cooperating_school_id is not None)

    def calendar(self, holidays: StateHolidays) -> FacilityCalendar:
        """When it is open; ``holidays``: those of the state the town lies in."""
        return FacilityCalendar(
            self.kind,
            frozenset(self.open_weekdays),
            self.observes_school_holidays,
            tuple(DayRange(closing.first_day, closing.last_day) for closing in self.closings),
            holidays.public,
            holidays.school,
            holidays.public_loaded,
            holidays.school_loaded,
        )


async def load_holidays(unit: UnitOfWork, state: str) -> StateHolidays:
    """The holidays of a state as they were loaded with the last migration."""
    days: dict[str, frozenset[date]] = {row["kind"]: frozenset(row["days"]) for row in await unit.driver.fetch(_HOLIDAYS, state)}
    return StateHolidays.of(days.get("public", frozenset()), days.get("school", frozenset()))


async def find_facility(unit: UnitOfWork, key: str) -> FacilityRecord | None:
    """The facility of a key."""
    found = await _select(unit, facility.c.key == key)
    return found[0] if found else None


async def load_facilities(unit: UnitOfWork, facility_ids: Collection[UUID]) -> dict[UUID, FacilityRecord]:
    """Facilities by id."""
    return {record.id: record for record in await _select(unit, facility.c.id.in_(facility_ids))} if facility_ids else {}


async def find_facilities(unit: UnitOfWork, keys: Collection[str]) -> dict[str, FacilityRecord]:
    """Those of the keys that name a facility."""
    return {record.key: record for record in await _select(unit, facility.c.key.in_(keys))} if keys else {}


async def facility_keys(unit: UnitOfWork, facility_ids: Collection[UUID]) -> dict[UUID, str]:
    """The keys of facilities by id."""
    if not facility_ids:
        return {}
    query = select(facility.c.id, facility.c.key).where(facility.c.municipality_id == unit.municipality_id, facility.c.id.in_(facility_ids))
    return {row.id: row.key for row in await unit.execute(query)}


async def list_facilities(
    unit: UnitOfWork, after: UUID | None, limit: int, only: Collection[UUID] | None = None
) -> Sequence[FacilityRecord]:
    """Facilities in order of their making, one more than the limit where there are more; ``only``: of these ids."""
    conditions = [] if after is None else [facility.c.id > after]
    if only is not None:
        conditions.append(facility.c.id.in_(only))
    return await _select(unit, *conditions, limit=limit + 1)


async def count_cooperations(unit: UnitOfWork, school_id: UUID) -> int:
    """How many facilities name this school as the one they cooperate with."""
    here = (facility.c.municipality_id == unit.municipality_id, facility.c.cooperating_school_id == school_id)
    return int((await unit.execute(select(func.count()).select_from(facility).where(*here))).scalar_one())


async def write_facility(unit: UnitOfWork, record: FacilityRecord) -> None:
    """Stores a facility as its version says: 1 is a new one."""
    values = {
        "name": record.name,
        "kind": record.kind,
        "open_weekdays": list(record.open_weekdays),
        "observes_school_holidays": record.observes_school_holidays,
        "cooperating_school_id": record.cooperating_school_id,
        "version": record.version,
    }
    town = unit.municipality_id
    if record.version == 1:
        await unit.execute(insert(facility).values(municipality_id=town, id=record.id, key=record.key, **values))
    else:
        await unit.execute(update(facility).where(facility.c.municipality_id == town, facility.c.id == record.id).values(**values))
        await unit.execute(delete(closing).where(closing.c.municipality_id == town, closing.c.facility_id == record.id))
    rows = [
        {"municipality_id": town, "facility_id": record.id, "first_day": c.first_day, "last_day": c.last_day, "reason": c.reason}
        for c in record.closings
    ]
    if rows:
        await unit.execute(insert(closing), rows)


def _with_school_and_closings() -> Select[Any]:
    school = facility.alias("school")

    def column(of: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.array_agg(aggregate_order_by(of, closing.c.first_day, closing.c.last_day), type_=ARRAY(of.type))

    closings = (
        select(
            closing.c.facility_id,
            column(closing.c.first_day).label("first_days"),
            column(closing.c.last_day).label("last_days"),
            column(closing.c.reason).label("reasons"),
        )
        .where(closing.c.municipality_id == facility.c.municipality_id)
        .where(closing.c.facility_id == facility.c.id)
        .group_by(closing.c.facility_id)
        .lateral("closings")
    )
    joined = facility.outerjoin(
        school, (school.c.municipality_id == facility.c.municipality_id) & (school.c.id == facility.c.cooperating_school_id)
    ).outerjoin(closings, closings.c.facility_id == facility.c.id)
    return select(facility, school.c.key.label("school_key"), closings.c.first_days, closings.c.last_days, closings.c.reasons).select_from(
        joined
    )


# Made once: putting its columns together takes longer than asking for them, and every invoice asks.
_WITH_SCHOOL_AND_CLOSINGS: Final = _with_school_and_closings()


async def _select(unit: UnitOfWork, *conditions: ColumnElement[bool], limit: int | None = None) -> Sequence[FacilityRecord]:
    query = _WITH_SCHOOL_AND_CLOSINGS.where(facility.c.municipality_id == unit.municipality_id, *conditions)
    return [_record(row) for row in await unit.execute(query.order_by(facility.c.id).limit(limit))]


def _record(row: Row[Any]) -> FacilityRecord:
    closings = zip(row.first_days or (), row.last_days or (), row.reasons or (), strict=True)
    return FacilityRecord(
        row.id,
        row.key,
        row.name,
        row.kind,
        tuple(row.open_weekdays),
        row.observes_school_holidays,
        tuple(Closing(*one) for one in closings),
        row.school_key,
        row.cooperating_school_id,
        row.version,
    )

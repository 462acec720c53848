"""Operations for providers: my agreements, my facilities; and the calendar of a facility, which staff reads too."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call, CurrentCall
from but_gateway.identity.principal import STAFF_ROLES, Role
from but_gateway.identity.route import town_router
from but_gateway.kit.period import Month
from but_gateway.registers.facilities.store import facility_keys, find_facility, list_facilities, load_holidays
from but_gateway.registers.municipalities.scalars import key_of_path
from but_gateway.registers.municipalities.store import read_settings
from but_gateway.registers.providers import store
from but_gateway.registers.providers.agreement_schemas import MyAgreementOut, MyAgreementsOut
from but_gateway.registers.providers.my_schemas import CalendarOut, MyFacilitiesOut, MyFacilityOut
from but_gateway.web.operation import operation
from but_gateway.web.pagination import CurrentPage, decode_id_cursor
from but_gateway.web.problems import Fault, Invalid, NotFound, Text

router = town_router("Für Anbieter")
MONTHS_MAX = 12
_MONTH_PATTERN = "^[0-9]{4}-(0[1-9]|1[0-2])$"
_NO_MONTH = Text("Schreiben Sie den Monat wie 2026-10.", "Write the month as 2026-10.")
_NOT_LOADED = Text(
    "Für diesen Monat sind die Ferien oder Feiertage des Landes nicht geladen.", "Holidays of the state are not loaded for this month."
)
_MONTH_RANGE = Text(
    f"Der letzte Monat darf nicht vor dem ersten liegen und höchstens {MONTHS_MAX} Monate umfassen.",
    f"The last month may not lie before the first, and the range spans at most {MONTHS_MAX} months.",
)


@router.get(
    "/facilities/{key}/calendar",
    summary="Kalender einer Einrichtung",
    description="Die Öffnungstage eines Monats: Wochentage ohne Feiertage, Schließtage und, wo sie schließen, Schulferien. "
    "Für die Verwaltung und für Anbieter mit einer Vereinbarung für die Einrichtung.",
    **operation(roles={Role.PROVIDER, *STAFF_ROLES}),
)
async def get_calendar(
    key: Annotated[str, Depends(key_of_path)],
    call: CurrentCall,
    month: Annotated[str, Query(pattern=_MONTH_PATTERN, description="Monat", examples=["2026-10"])],
) -> CalendarOut:
    """GET the calendar of a facility."""
    days = _month(month, "?month").days
    async with call.transaction() as unit:
        facility = await find_facility(unit, key)
        mine = await _my_facilities(unit, call) if call.is_provider else None
        if facility is None or (mine is not None and facility.id not in mine):
            raise NotFound
        calendar = facility.calendar(await load_holidays(unit, call.town.state))
    if not calendar.knows(days):
        raise Invalid(faults=[Fault("?month", "calendar_not_loaded", _NOT_LOADED)])
    return CalendarOut(open_days=list(calendar.open_days(days)))


@router.get(
    "/my/agreements",
    summary="Meine Vereinbarungen",
    description="Die (Leistungs-)Vereinbarungen des aufrufenden Anbieters mit dieser Kommune, älteste zuerst.",
    **operation(roles={Role.PROVIDER}),
)
async def list_my_agreements(call: CurrentCall, page: CurrentPage) -> MyAgreementsOut:
    """GET the caller's agreements."""
    async with call.transaction() as unit:
        rows = await store.list_agreements(unit, decode_id_cursor(page.after), page.limit, _me(call))
        keys = await facility_keys(unit, {facility for row in rows for facility in row.facility_ids})
        settings = await read_settings(unit)
    records, cursor = page.cut(rows, lambda record: record.id)
    return MyAgreementsOut(items=[MyAgreementOut.of(record, keys, settings) for record in records], next_cursor=cursor)


@router.get(
    "/my/facilities",
    summary="Meine Einrichtungen",
    description="Die Einrichtungen, für die der aufrufende Anbieter eine Vereinbarung hat, mit ihren Öffnungstagen von Monat `from` "
    f"bis Monat `to` (höchstens {MONTHS_MAX}; ohne Angabe der laufende Monat). Gilt eine Vereinbarung für alle Einrichtungen: alle.",
    **operation(roles={Role.PROVIDER}),
)
async def list_my_facilities(
    call: CurrentCall,
    page: CurrentPage,
    first: Annotated[str | None, Query(alias="from", pattern=_MONTH_PATTERN, description="Erster Monat", examples=["2026-10"])] = None,
    last: Annotated[str | None, Query(alias="to", pattern=_MONTH_PATTERN, description="Letzter Monat", examples=["2026-11"])] = None,
) -> MyFacilitiesOut:
    """GET the caller's facilities."""
    months = _months(call, first, last)
    async with call.transaction() as unit:
        mine = await _my_facilities(unit, call)
        rows = await list_facilities(unit, decode_id_cursor(page.after), page.limit, mine)
        holidays = await load_holidays(unit, call.town.state)
    records, cursor = page.cut(rows, lambda record: record.id)
    items = [MyFacilityOut.of(record, record.calendar(holidays), months) for record in records]
    return MyFacilitiesOut(items=items, next_cursor=cursor)


def _me(call: Call) -> UUID:
    if call.provider_id is None:
        raise LookupError("only providers call this")
    return call.provider_id


async def _my_facilities(unit: UnitOfWork, call: Call) -> frozenset[UUID] | None:
    """The facilities named by the caller's agreements; None: all, because one of them names none."""
    agreements = await store.load_agreements(unit, _me(call))
    if any(not agreement.facility_ids for agreement in agreements):
        return None
    return frozenset(facility for agreement in agreements for facility in agreement.facility_ids)


def _month(text: str, pointer: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError:
        raise Invalid(faults=[Fault(pointer, "bad_month", _NO_MONTH)]) from None


def _months(call: Call, first: str | None, last: str | None) -> list[Month]:
    start = _month(first, "?from") if first else _month(last, "?to") if last else Month.of(call.today())
    end = _month(last, "?to") if last else start
    count = (end.year - start.year) * 12 + end.number - start.number + 1
    if not 1 <= count <= MONTHS_MAX:
        raise Invalid(faults=[Fault("?to", "bad_range", _MONTH_RANGE)])
    return [start.plus(i) for i in range(count)]

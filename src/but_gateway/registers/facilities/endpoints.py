"""Operations: the register of facilities. The calendar of a facility is read in providers/, which knows who may."""

from typing import Annotated

from fastapi import Depends, Response

from but_gateway.identity.call import CurrentCall
from but_gateway.identity.principal import STAFF_ROLES, Role
from but_gateway.identity.route import town_router
from but_gateway.registers.facilities import store
from but_gateway.registers.facilities.put_facility import put_facility
from but_gateway.registers.facilities.schemas import FacilitiesOut, FacilityIn, FacilityOut
from but_gateway.registers.municipalities.follow_up import CurrentFollowUp
from but_gateway.registers.municipalities.scalars import key_of_path
from but_gateway.web.conditional import IfMatch, etag, reading_operation, replacing_operation, respond
from but_gateway.web.operation import operation
from but_gateway.web.pagination import CurrentPage, decode_id_cursor
from but_gateway.web.problems import NotFound

router = town_router("Einrichtungen")
FacilityKey = Annotated[str, Depends(key_of_path)]


@router.put(
    "/facilities/{key}",
    summary="Einrichtung anlegen oder ersetzen",
    description="Schule, Kita, Hort/OGS oder Kindertagespflege mit Öffnungs- und Schließtagen. Feiertage des Landes schließen immer.",
    response_model=FacilityOut,
    **replacing_operation(FacilityOut, roles={Role.REGISTRAR}),
)
async def replace_facility(
    key: FacilityKey, body: FacilityIn, call: CurrentCall, follow_up: CurrentFollowUp, if_match: IfMatch = None
) -> Response:
    """PUT a facility."""
    async with call.transaction() as unit:
        answer = await put_facility(unit, call, key, body, if_match)
    await follow_up(call)
    return respond(answer)


@router.get(
    "/facilities/{key}",
    summary="Einrichtung lesen",
    description="Eine Einrichtung, wie sie gespeichert ist. Ihre Öffnungstage eines Monats stehen unter `/calendar`.",
    **reading_operation(roles=STAFF_ROLES),
)
async def get_facility(key: FacilityKey, call: CurrentCall, response: Response) -> FacilityOut:
    """GET a facility."""
    async with call.transaction() as unit:
        found = await store.find_facility(unit, key)
    if found is None:
        raise NotFound
    response.headers["ETag"] = etag(found.version)
    return FacilityOut.of(found)


@router.get(
    "/facilities",
    summary="Einrichtungen auflisten",
    description="Alle Einrichtungen der Kommune, älteste zuerst.",
    **operation(roles=STAFF_ROLES),
)
async def list_facilities(call: CurrentCall, page: CurrentPage) -> FacilitiesOut:
    """GET facilities."""
    async with call.transaction() as unit:
        rows = await store.list_facilities(unit, decode_id_cursor(page.after), page.limit)
    records, cursor = page.cut(rows, lambda record: record.id)
    return FacilitiesOut(items=[FacilityOut.of(record) for record in records], next_cursor=cursor)

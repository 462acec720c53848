"""Operations of staff: read entitlements with their grants. They are written by grant imports only."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from but_gateway.identity.call import CurrentCall
from but_gateway.identity.principal import STAFF_ROLES
from but_gateway.identity.route import town_router
from but_gateway.registers.entitlements.answers import EntitlementOut, EntitlementsOut, entitlement_out
from but_gateway.registers.entitlements.register_store import read_entitlements
from but_gateway.web.body import KEY_PATTERN
from but_gateway.web.operation import operation
from but_gateway.web.pagination import CurrentPage, decode_id_cursor
from but_gateway.web.problems import NotFound

router: APIRouter = town_router("Bewilligungen")


@router.get("/entitlements", summary="Berechtigungen auflisten", **operation(roles=STAFF_ROLES))
async def list_entitlements(
    call: CurrentCall,
    page: CurrentPage,
    child: Annotated[str | None, Query(description="Nur die eines Kindes (Schlüssel)", pattern=KEY_PATTERN)] = None,
) -> EntitlementsOut:
    """Älteste zuerst, mit allen Fassungen der Bewilligungen."""
    async with call.transaction() as unit:
        found = await read_entitlements(unit, call.keys, child=child, after=decode_id_cursor(page.after), limit=page.limit + 1)
    rows, cursor = page.cut(found, lambda row: row.id)
    return EntitlementsOut(items=[entitlement_out(row) for row in rows], next_cursor=cursor)


@router.get("/entitlements/{key}", summary="Berechtigung lesen", **operation(roles=STAFF_ROLES))
async def read_entitlement(
    key: Annotated[str, Path(description="Schlüssel der Berechtigung", pattern=KEY_PATTERN, examples=["A-lunch"])], call: CurrentCall
) -> EntitlementOut:
    """Kind, Nummer, Bewilligungen mit Verbrauch und allen Fassungen."""
    async with call.transaction() as unit:
        found = await read_entitlements(unit, call.keys, key=key)
    if not found:
        raise NotFound
    return entitlement_out(found[0])

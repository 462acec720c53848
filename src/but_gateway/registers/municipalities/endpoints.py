"""Operations: settings of a town; the towns one has business with."""

from fastapi import APIRouter, Request, Response

from but_gateway.db.tenancy import Scope
from but_gateway.identity.call import CurrentCall
from but_gateway.identity.principal import STAFF_ROLES, Principal, Role
from but_gateway.identity.route import GatewayRoute, town_router
from but_gateway.registers.municipalities import code_list_endpoints, store
from but_gateway.registers.municipalities.follow_up import CurrentFollowUp
from but_gateway.registers.municipalities.hkr_profiles import CurrentHkrProfiles
from but_gateway.registers.municipalities.put_settings import put_settings
from but_gateway.registers.municipalities.schemas import SettingsIn, SettingsOut, TownOut, TownsOut
from but_gateway.web.conditional import IfMatch, etag, reading_operation, replacing_operation, respond
from but_gateway.web.operation import operation
from but_gateway.web.pagination import CurrentPage, decode_id_cursor

settings_router = town_router("Einstellungen")
# Not of one town: it tells which towns there are for the caller.
towns_router = APIRouter(prefix="/v1", route_class=GatewayRoute, tags=["Kommunen"])


@settings_router.put(
    "/settings",
    summary="Einstellungen setzen",
    description="Ersetzt alle Einstellungen der Kommune; was nicht genannt ist, bekommt den Vorgabewert. "
    "Dieselben Einstellungen noch einmal zu senden, ändert nichts.",
    response_model=SettingsOut,
    **replacing_operation(SettingsOut, roles={Role.REGISTRAR}),
)
async def replace_settings(
    body: SettingsIn, call: CurrentCall, follow_up: CurrentFollowUp, profiles: CurrentHkrProfiles, if_match: IfMatch = None
) -> Response:
    """PUT settings."""
    async with call.transaction() as unit:
        answer = await put_settings(unit, call, body, if_match, profiles)
    await follow_up(call)
    return respond(answer)


@settings_router.get(
    "/settings",
    summary="Einstellungen lesen",
    description='Die geltenden Einstellungen. Solange keine gesetzt sind: die Vorgabewerte, mit dem ETag `"0"`.',
    **reading_operation(roles=STAFF_ROLES),
)
async def get_settings(call: CurrentCall, response: Response) -> SettingsOut:
    """GET settings."""
    async with call.transaction() as unit:
        settings, version = await store.read_settings_version(unit)
    response.headers["ETag"] = etag(version)
    return SettingsOut.of(settings)


@towns_router.get(
    "/municipalities",
    summary="Meine Kommunen",
    description="Für Anbieter: die Kommunen, die ihren Zugang als (Leistungs-)Anbieter führen. Für die Verwaltung: die eigene Kommune.",
    **operation(roles={Role.PROVIDER, *STAFF_ROLES}),
)
async def list_municipalities(request: Request, page: CurrentPage) -> TownsOut:
    """GET municipalities."""
    principal: Principal = request.state.principal
    async with request.app.state.database.transaction(Scope()) as unit:
        if principal.has(Role.PROVIDER):
            rows = await store.list_towns_of_accounts(unit, principal.accounts, decode_id_cursor(page.after), page.limit)
        else:
            own = await store.find_known_town(unit, principal.municipality or "")
            rows = [own] if own and page.after is None else []
    towns, cursor = page.cut(rows, lambda town: town.id)
    return TownsOut(items=[TownOut.of(town) for town in towns], next_cursor=cursor)


router = APIRouter()
for part in (towns_router, settings_router, code_list_endpoints.router):
    router.include_router(part)

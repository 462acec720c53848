"""Operations of providers: may I bill this, whom do I know."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from but_gateway.identity.call import Call, CurrentCall
from but_gateway.identity.principal import Role
from but_gateway.identity.route import thin_route, town_router
from but_gateway.kit.ids import fold_entitlement_number
from but_gateway.kit.period import DayRange
from but_gateway.procedures.eligibility.desk import Desk
from but_gateway.procedures.eligibility.list_children import list_children as list_known_children
from but_gateway.procedures.eligibility.model import Ask, Locked, Verdict
from but_gateway.procedures.eligibility.schemas import BatchIn, BatchOut, CheckIn, Confirmed, MyChildren, NotConfirmed, content, document
from but_gateway.registers.entitlements.guard import locked_until
from but_gateway.registers.entitlements.plan import NUMBER_PURPOSE
from but_gateway.web.faults import problem_of
from but_gateway.web.operation import operation
from but_gateway.web.pagination import CurrentPage
from but_gateway.web.problems import Fault, Invalid, Text

router: APIRouter = town_router("Berechtigungsprüfung")
_UNKNOWN_FACILITY = Text("Diese Einrichtung ist nicht angelegt.", "There is no such facility.")


def _desk(request: Request) -> Desk:
    """The desk of this process, set up with the first check. No dependency: each of them costs more than the look-up itself."""
    state = request.app.state
    if not hasattr(state, "desk"):
        state.desk = Desk(state.database)
    desk: Desk = state.desk
    return desk


async def check_eligibility(body: CheckIn, call: CurrentCall, request: Request) -> Response:
    """Bestätigt eine Nummer, die die Familie genannt hat – oder nicht, ohne Grund und immer mit derselben Antwort.

    Falsche Nummern, Geburtsdaten und Namen zählen: über 20 am Tag (oder 1 % der Zeilen) ist der Zugang bis zum nächsten Tag gesperrt.
    """
    faults = body.faults(call.today())
    if faults:
        raise Invalid(faults=faults)
    verdicts = await _answers(call, _desk(request), [body], "")
    return Response(content(document(verdicts[0])), media_type="application/json")


async def _answer_check(request: Request) -> Response:
    """The short way of a single check, the hottest operation of all."""
    value = await request.json()
    try:
        body = CheckIn.model_validate(value)
    except ValidationError as error:
        raise problem_of([{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)], value) from None
    return await check_eligibility(body, request.state.call, request)


router.add_api_route(
    "/eligibility-checks",
    check_eligibility,
    methods=["POST"],
    summary="Berechtigung prüfen",
    response_model=Confirmed | NotConfirmed,
    route_class_override=thin_route(_answer_check),
    **operation(roles={Role.PROVIDER}, body=True),
)


@router.post(
    "/eligibility-checks/batch",
    summary="Viele Berechtigungen prüfen",
    response_model=BatchOut,
    **operation(roles={Role.PROVIDER}, body=True),
)
async def check_eligibilities(body: BatchIn, call: CurrentCall, request: Request) -> Response:
    """Bis zu 1.000 Prüfungen; die Antworten stehen in derselben Reihenfolge."""
    today = call.today()
    faults = [fault for place, one in enumerate(body.checks) for fault in one.faults(today, f"/checks/{place}")]
    if faults:
        raise Invalid(faults=faults)
    verdicts = await _answers(call, _desk(request), body.checks, "/checks/{}") if body.checks else []
    return Response(content({"results": [document(verdict) for verdict in verdicts]}), media_type="application/json")


@router.get("/my/children", summary="Kinder, die ich kenne", **operation(roles={Role.PROVIDER}))
async def list_children(call: CurrentCall, page: CurrentPage) -> MyChildren:
    """Nur Kinder, die durch eine bestätigte Prüfung, eine namentliche Bewilligung oder eine anerkannte Zeile bekannt sind."""
    assert call.provider_id is not None  # noqa: S101 - the route admits providers only
    async with call.transaction() as unit:
        return await list_known_children(unit, call.keys, call.provider_id, call.today(), page)


async def _answers(call: Call, desk: Desk, checks: Sequence[CheckIn], pointer: str) -> list[Verdict]:
    at, today = call.now(), call.today()
    assert call.provider_id is not None  # noqa: S101 - the route admits providers only
    asks = [
        Ask(
            client_id=call.principal.client_id,
            provider_id=call.provider_id,
            at=at,
            today=today,
            number_index=call.keys.index(NUMBER_PURPOSE, fold_entitlement_number(one.entitlement_number)),
            date_of_birth=one.date_of_birth,
            benefit=one.benefit,
            days=DayRange(one.first_day, one.last_day),
            facility=one.facility,
            amount=one.amount,
        )
        for one in checks
    ]
    verdicts = await desk.ask(call.keys, asks)
    if isinstance(verdicts, Locked):
        raise locked_until(today, at)
    unknown = [
        Fault(f"{pointer.format(i)}/facility", "unknown_key", _UNKNOWN_FACILITY) for i, v in enumerate(verdicts) if v.unknown_facility
    ]
    if unknown:
        raise Invalid(faults=unknown)
    return verdicts

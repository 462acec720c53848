"""Operations of providers: may I bill this, whom do I know."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from but_gateway.identity.call import Call, CurrentCall
from but_gateway.identity.principal import Role
from but_gateway.identity.route import town_router
from but_gateway.procedures.eligibility.check import check
from but_gateway.procedures.eligibility.express import Outcome, desk_of
from but_gateway.procedures.eligibility.list_children import list_children as list_known_children
from but_gateway.procedures.eligibility.model import Asker, Locked, Verdict, Visit
from but_gateway.procedures.eligibility.schemas import BatchIn, BatchOut, CheckIn, Confirmed, MyChildren, NotConfirmed, content, document
from but_gateway.registers.entitlements.guard import locked_until
from but_gateway.web.operation import operation
from but_gateway.web.pagination import CurrentPage
from but_gateway.web.problems import Fault, Invalid, Text

router: APIRouter = town_router("Berechtigungsprüfung")
_UNKNOWN_FACILITY = Text("Diese Einrichtung ist nicht angelegt.", "There is no such facility.")


@router.post(
    "/eligibility-checks",
    summary="Berechtigung prüfen",
    response_model=Confirmed | NotConfirmed,
    **operation(roles={Role.PROVIDER}, body=True),
)
async def check_eligibility(body: CheckIn, call: CurrentCall) -> Response:
    """Bestätigt eine Nummer, die die Familie genannt hat – oder nicht, ohne Grund und immer mit derselben Antwort.

    Falsche Nummern, Geburtsdaten und Namen zählen: über 20 am Tag (oder 1 % der Zeilen) ist der Zugang bis zum nächsten Tag gesperrt.
    """
    faults = body.faults(call.today())
    if faults:
        raise Invalid(faults=faults)
    visit = _visit(call, [body])
    verdicts = _checked(call, await check(call.database, call.keys, visit), "")
    return Response(content(document(verdicts[0])), media_type="application/json")


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
    verdicts = []
    if body.checks:
        verdicts = _checked(call, await desk_of(request.app.state).ask(call.keys, _visit(call, body.checks)), "/checks/{}")
    return Response(content({"results": [document(verdict) for verdict in verdicts]}), media_type="application/json")


@router.get("/my/children", summary="Kinder, die ich kenne", **operation(roles={Role.PROVIDER}))
async def list_children(call: CurrentCall, page: CurrentPage) -> MyChildren:
    """Nur Kinder, die durch eine bestätigte Prüfung, eine namentliche Bewilligung oder eine anerkannte Zeile bekannt sind."""
    assert call.provider_id is not None  # noqa: S101 - the route admits providers only
    async with call.transaction() as unit:
        return await list_known_children(unit, call.keys, call.provider_id, call.today(), page)


def _visit(call: Call, checks: Sequence[CheckIn]) -> Visit:
    assert call.provider_id is not None  # noqa: S101 - the route admits providers only
    return Visit(Asker(call.principal.client_id, call.provider_id, call.now(), call.today()), [one.ask(call.keys) for one in checks])


def _checked(call: Call, verdicts: list[Verdict] | Locked | Outcome, pointer: str) -> list[Verdict]:
    """The verdicts. Refuses for a locked client (TooManyRequests) and where a facility is not known (Invalid)."""
    if isinstance(verdicts, Locked):
        raise locked_until(call.today(), call.now())
    assert not isinstance(verdicts, Outcome)  # noqa: S101 - the provider is known, and who has to wait has waited
    unknown = [
        Fault(f"{pointer.format(i)}/facility", "unknown_key", _UNKNOWN_FACILITY) for i, v in enumerate(verdicts) if v.unknown_facility
    ]
    if unknown:
        raise Invalid(faults=unknown)
    return verdicts

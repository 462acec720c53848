"""Operations: the rules and the law of a day, for the staff of any town. They belong to no town; a provider never sees them."""

import re
from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response

from but_gateway.identity.principal import STAFF_ROLES
from but_gateway.identity.route import GatewayRoute
from but_gateway.kit.clock import business_day
from but_gateway.law.parameters import LawNotLoaded, law_version
from but_gateway.registers.rulebook.model import parameter_entries, rule_entries, rule_entry
from but_gateway.registers.rulebook.page import rule_page
from but_gateway.registers.rulebook.schemas import LawOut, ParameterOut, RuleOut, RulesOut
from but_gateway.rules.catalogue import RULE_SET
from but_gateway.rules.wording import Lang
from but_gateway.web.body import Day
from but_gateway.web.operation import operation
from but_gateway.web.problems import Fault, Invalid, NotFound, Text, language_of

router = APIRouter(prefix="/v1", route_class=GatewayRoute, tags=["Regeln und Recht"])
_HTML: Final = "text/html"
_WEIGHT: Final = re.compile(r";\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*(?:;|$)", re.ASCII)
_PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, max-age=300",
    "Vary": "Accept",
}
_UNKNOWN: Final = Text("Eine Regel mit dieser Kennung gibt es nicht.", "There is no rule of this id.")
_TOO_EARLY: Final = Text("Für diesen Tag ist kein Recht geladen; es beginnt am 01.01.2011.", "No law is loaded for this day.")
_STAFF: Final = operation(roles=STAFF_ROLES)
On = Annotated[Day | None, Query(description="Leistungstag; ohne Angabe heute", examples=["2026-11-22"])]


@router.get(
    "/rules",
    summary="Regeln eines Tages",
    description="Alle Regeln, die für Leistungen dieses Tages gelten, mit Bedingung, Wirkung, Rechtsgrundlage, Texten und Beispielen. "
    "Nur für die Verwaltung: Anbieter lesen die Codes unter `/v1/code-lists/codes`.",
    **_STAFF,
)
async def list_rules(request: Request, on: On = None) -> RulesOut:
    """GET the rules in force on a day."""
    day = on or _today(request)
    return RulesOut(on=day, rule_set=RULE_SET, items=[RuleOut.of(one) for one in rule_entries(day, _language(request))])


@router.get(
    "/rules/{rule_id}",
    summary="Eine Regel",
    description="Eine Regel des Katalogs. Mit `Accept: text/html` kommt ihre Seite für Menschen, deutsch mit englischen Texten.",
    response_model=RuleOut,
    **{**_STAFF, "responses": {**_STAFF["responses"], 200: {"content": {_HTML: {"schema": {"type": "string"}}}}}},
)
async def get_rule(
    request: Request, rule_id: Annotated[str, Path(description="Kennung der Regel", max_length=40, examples=["E-01"])]
) -> Response:
    """GET a rule, for machines or for people."""
    german, english = rule_entry(rule_id, "de"), rule_entry(rule_id, "en")
    if german is None or english is None:
        raise NotFound(_UNKNOWN)
    if _wants_page(request.headers.get("accept", "")):
        return HTMLResponse(rule_page(german, english), headers=_PAGE_HEADERS)
    answer = RuleOut.of(english if _language(request) == "en" else german)
    return Response(answer.model_dump_json(), media_type="application/json", headers={"Vary": "Accept, Accept-Language"})


@router.get(
    "/law",
    summary="Recht eines Tages",
    description="Alle Bundes- und Landeswerte an diesem Tag, mit Zeitraum, Fundstelle und dem Tag der letzten Bestätigung. "
    "Ein Wert, der nicht geladen ist, steht mit seinem Grund da; er wird nie geraten. "
    "Was Kommune oder Vereinbarung festlegen, steht in deren Einstellungen.",
    **_STAFF,
)
async def get_law(request: Request, on: On = None) -> LawOut:
    """GET the law of a day."""
    day = on or _today(request)
    try:
        entries = parameter_entries(day)
    except LawNotLoaded:
        raise Invalid(faults=[Fault("?on", "not_loaded", _TOO_EARLY)]) from None
    return LawOut(on=day, version=law_version(), items=[ParameterOut.of(one) for one in entries])


def _today(request: Request) -> date:
    return business_day(request.app.state.clock.now())


def _language(request: Request) -> Lang:
    return language_of(request.headers.get("accept-language"))


def _wants_page(accept: str) -> bool:
    """Whether a page is preferred to JSON (RFC 9110 § 12.5.1): browsers name text/html, machines seldom say anything."""
    weights: dict[str, int] = {}
    for part in accept[:500].lower().split(","):
        found = _WEIGHT.search(part)
        # In thousandths: "0.9" is 900, and without a weight it is the whole.
        weights[part.split(";")[0].strip()] = int(f"{found[1]}000".replace(".", "")[:4]) if found else 1000
    return weights.get(_HTML, 0) > weights.get("application/json", 0)

"""Operations: reviews (Klärfälle)."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import Depends, Query, Response

from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import CurrentCall
from but_gateway.identity.principal import Role
from but_gateway.identity.route import town_router
from but_gateway.procedures.adjudication.problems import BudgetUsed, DayTaken, NoGrant, NothingProposed
from but_gateway.procedures.review.model import ReviewView
from but_gateway.procedures.review.resolve import resolve
from but_gateway.procedures.review.resolve_alike import resolve_alike
from but_gateway.procedures.review.schemas import (
    GrantLeftOut,
    ResolutionIn,
    ResolutionsIn,
    ResolutionsOut,
    ResolvedPositionOut,
    ReviewOut,
    ReviewsOut,
)
from but_gateway.procedures.review.store import ReviewFilter, list_reviews
from but_gateway.registers.entitlements.store import load_grants
from but_gateway.registers.facilities.store import facility_keys
from but_gateway.registers.municipalities.scalars import id_of_path
from but_gateway.registers.providers.store import find_provider, load_providers
from but_gateway.rules.texts import public_code, rules_with_code
from but_gateway.rules.verdict import Effect
from but_gateway.web.operation import operation
from but_gateway.web.pagination import CurrentPage, decode_id_cursor
from but_gateway.web.problems import Fault, Invalid, Text, WrongState

router = town_router("Klärfälle")
ReviewId = Annotated[UUID, Depends(id_of_path)]
_NO_CODE: Final = Fault("?code", "unknown_key", Text("Diesen Code gibt es nicht.", "There is no such code."))
_NO_PROVIDER: Final = Fault(
    "?provider", "unknown_key", Text("Diesen Anbieter kennt die Kommune nicht.", "The town does not know this provider.")
)


@router.get(
    "/reviews",
    summary="Klärfälle auflisten",
    description="Positionen, die ein Mensch entscheiden muss, älteste zuerst: Zeile, Befunde und Bewilligungen nebeneinander. "
    "`code` filtert nach dem Code, den der Anbieter zur Position sieht.",
    **operation(roles={Role.CLERK, Role.FINANCE, Role.AUDITOR}),
)
async def get_reviews(
    call: CurrentCall,
    page: CurrentPage,
    state: Annotated[
        Literal["open", "query", "resolved"] | None, Query(description="Offen, beim Anbieter nachgefragt, oder entschieden")
    ] = None,
    code: Annotated[str | None, Query(description="Nur mit einem Befund dieses Codes", examples=["IN_CLARIFICATION"])] = None,
    provider: Annotated[str | None, Query(description="Nur von diesem Anbieter (Schlüssel)", examples=["c1"])] = None,
) -> ReviewsOut:
    """GET reviews."""
    async with call.transaction() as unit:
        wanted = await _filter(unit, state, code, provider)
        rows = await list_reviews(unit, wanted, after=decode_id_cursor(page.after), limit=page.limit)
        reviews, cursor = page.cut(rows, lambda review: review.id)
        grants = await _grants(unit, reviews)
    items = [
        ReviewOut.of(review, grants.get(review.entitlement_id, []) if review.entitlement_id else [], call.keys, call.language)
        for review in reviews
    ]
    return ReviewsOut(items=items, next_cursor=cursor)


@router.post(
    "/reviews/{id}/resolution",
    summary="Klärfall entscheiden",
    description="Anerkennen, kürzen, ablehnen oder beim Anbieter nachfragen (Rückfrage). Was ein Mensch entscheidet, ändert keine Regel; "
    "eine spätere Tatsache öffnet den Klärfall wieder. Ein zweites Mittagessen und ein überzogenes Budget gibt es auch hier nicht.",
    response_model=ResolvedPositionOut,
    **operation(roles={Role.CLERK}, keyed=True, body=True, problems=(WrongState, DayTaken, BudgetUsed, NoGrant, NothingProposed)),
)
async def create_resolution(review_id: ReviewId, body: ResolutionIn, call: CurrentCall) -> Response:
    """POST the decision about a review."""
    return await call.write(lambda unit: resolve(unit, call, review_id, body))


@router.post(
    "/reviews/resolutions",
    summary="Gleichartige Klärfälle zusammen entscheiden",
    description="Höchstens 500. Jeder steht oder fällt für sich: `items` nennt je Klärfall den Status, den er einzeln hätte.",
    response_model=ResolutionsOut,
    **operation(roles={Role.CLERK}, keyed=True, body=True),
)
async def create_resolutions(body: ResolutionsIn, call: CurrentCall) -> Response:
    """POST one decision about many reviews."""
    return await call.write(lambda unit: resolve_alike(unit, call, body))


async def _filter(unit: UnitOfWork, state: str | None, code: str | None, provider: str | None) -> ReviewFilter:
    faults = []
    codes = rules_with_code()
    if code is not None and code not in codes:
        faults.append(_NO_CODE)
    record = None if provider is None else await find_provider(unit, provider)
    if provider is not None and record is None:
        faults.append(_NO_PROVIDER)
    if faults:
        raise Invalid(faults=faults)
    findings = None if code is None else [(rule, int(e)) for rule in codes[code] for e in Effect if public_code(rule, e) == code]
    return ReviewFilter(state, record.id if record else None, findings)


async def _grants(unit: UnitOfWork, reviews: Sequence[ReviewView]) -> dict[UUID, list[GrantLeftOut]]:
    """The grants of the reviews' entitlements as answers, by entitlement."""
    found = await load_grants(unit, {review.entitlement_id for review in reviews if review.entitlement_id is not None})
    grants = [grant for several in found.values() for grant in several]
    facilities = await facility_keys(unit, {grant.facility_id for grant in grants if grant.facility_id is not None})
    records = await load_providers(unit, {grant.provider_id for grant in grants if grant.provider_id is not None})
    providers = {provider_id: record.key for provider_id, record in records.items()}
    return {entitlement: [GrantLeftOut.of(grant, facilities, providers) for grant in several] for entitlement, several in found.items()}

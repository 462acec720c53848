"""A clerk resolves one review (Klärfall)."""

import json
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.procedures.adjudication.model import Ruling
from but_gateway.procedures.adjudication.resolution import Choice, Decision, resolve_reviews
from but_gateway.procedures.review.schemas import ResolutionIn
from but_gateway.registers.invoices.model import PositionView
from but_gateway.registers.invoices.view import show_position
from but_gateway.web.answers import Answer
from but_gateway.web.problems import Fault, Invalid, Problem, Text

_MISSING = Fault("/approved", "missing", Text("Geben Sie an, welcher Betrag bezahlt wird.", "Give the amount to be paid."))
_TOO_LOW = Fault(
    "/approved",
    "too_low",
    Text("Der Betrag muss größer als 0 sein; sonst lehnen Sie ab.", "The amount must be more than 0; else reject."),
)
_NOT_HERE = Fault("/approved", "not_allowed", Text("Ein Betrag gehört nur zu „reduce“.", "An amount belongs to “reduce” only."))


async def resolve(unit: UnitOfWork, call: Call, review_id: UUID, body: ResolutionIn) -> Answer:
    """Decides the position of a review, or asks its provider; answers the position with its new decision.

    Refuses when there is no such review (NotFound), it is resolved already or settled meanwhile (WrongState), the amount does not fit
    the decision (Invalid), it would pay a second lunch (DayTaken), overdraw (BudgetUsed), or there is nothing to pay from or to accept
    (NoGrant, NothingProposed).
    """
    _check(body)
    choice = Choice(review_id, Decision(body.decision), body.reason, body.approved)
    result = (await resolve_reviews(unit, call, [choice]))[0]
    if isinstance(result, Problem):
        raise result
    return Answer(json.dumps(show_position(_view(result), call.language, staff=True), ensure_ascii=False).encode())


def _check(body: ResolutionIn) -> None:
    if body.decision != "reduce":
        if body.approved is not None:
            raise Invalid(faults=[_NOT_HERE])
    elif body.approved is None:
        raise Invalid(faults=[_MISSING])
    elif body.approved <= 0:
        raise Invalid(faults=[_TOO_LOW])


def _view(ruling: Ruling) -> PositionView:
    piece = ruling.piece
    return PositionView(
        id=piece.id,
        form=piece.line.claim.form.value,
        first_day=piece.first_day,
        last_day=piece.last_day,
        claimed=piece.claimed,
        outcome=ruling.outcome,
        approved=ruling.approved,
        proposed=ruling.proposed,
        findings=ruling.findings,
        shares=[share.document() for share in ruling.shares],
    )

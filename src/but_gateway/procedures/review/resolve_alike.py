"""A clerk resolves like reviews together."""

from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.procedures.adjudication.resolution import Choice, Decision, resolve_reviews
from but_gateway.procedures.review.schemas import ResolutionOut, ResolutionsIn, ResolutionsOut
from but_gateway.web.answers import Answer
from but_gateway.web.problems import Problem


async def resolve_alike(unit: UnitOfWork, call: Call, body: ResolutionsIn) -> Answer:
    """Takes one decision about each of the reviews, in their order; one that cannot be decided so keeps none of the others back.

    All are decided on one picture of the children concerned, and each refusal is found there, before anything is written: so they need
    no savepoints, and 500 of them no more statements than one.
    """
    choices = [Choice(review_id, Decision(body.decision), body.reason) for review_id in body.ids]
    results = await resolve_reviews(unit, call, choices)
    items = [
        ResolutionOut(id=choice.review_id, status=result.status, code=result.code)
        if isinstance(result, Problem)
        else ResolutionOut(id=choice.review_id, status=200, code=None)
        for choice, result in zip(choices, results, strict=True)
    ]
    return Answer(ResolutionsOut(items=items))

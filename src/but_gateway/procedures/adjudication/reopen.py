"""A later fact about what a person decided: the decision stands, and its review is opened again where the rules now see it otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.kit.ids import new_ids
from but_gateway.procedures.adjudication import review_store
from but_gateway.procedures.adjudication.casefile import CaseFile
from but_gateway.procedures.adjudication.dossier import part_hashes, read_facts
from but_gateway.procedures.adjudication.model import Piece
from but_gateway.rules.evaluate import evaluate
from but_gateway.rules.facts import Facts


async def reopen_reviews(unit: UnitOfWork, case: CaseFile, pieces: Sequence[Piece], at: datetime) -> int:
    """Opens reviews of pieces that a person decided on other facts than these; answers how many.

    The case is open, the pieces' children and states are locked, no review of theirs is open.
    """
    known = await _facts_before(unit, [p.before.decision_id for p in pieces if p.before is not None])
    changed = [p.id for p in pieces if p.before is not None and p.before.decision_id in known and _differs(case, p, known)]
    if changed:
        await review_store.reopen(unit, at, new_ids(len(changed)), changed)
    return len(changed)


async def _facts_before(unit: UnitOfWork, decision_ids: Sequence[UUID]) -> dict[UUID, Facts]:
    """What the persons had before them."""
    stored = await review_store.load_facts(unit, decision_ids)
    if not stored:
        return {}
    parts = await review_store.load_parts(unit, {h for one in stored.values() for h in part_hashes(one)})
    wanted = {h for one in stored.values() for h in part_hashes(one, parts[part_hashes(one)[0]])}
    parts |= await review_store.load_parts(unit, wanted)
    return {decision: read_facts(one, parts) for decision, one in stored.items()}


def _differs(case: CaseFile, piece: Piece, known: Mapping[UUID, Facts]) -> bool:
    """Whether the rules would now decide otherwise than they did on the facts of the person, and otherwise than the person did."""
    before = piece.before
    if before is None:
        return False
    old = known[before.decision_id]
    was, now = evaluate(old), evaluate(_as_it_stood(old, case.facts(piece)))
    return was.outcome != now.outcome and (now.outcome, now.approved) != (before.outcome, before.approved)


def _as_it_stood(old: Facts, new: Facts) -> Facts:
    """The new facts with the competition of the old ones: what other lines took since is no fact about this one."""
    was = old.situation
    situation = replace(
        new.situation,
        budgets_left=_budgets_left(old, new),
        rival=was.rival,
        overlap=was.overlap,
        tutor_overlap=was.tutor_overlap,
        proof_used=was.proof_used,
        minutes_that_day=was.minutes_that_day,
        absences_paid=was.absences_paid,
    )
    return replace(new, situation=situation)


def _budgets_left(old: Facts, new: Facts) -> tuple[int | None, ...]:
    """What the grants had left then, with what was added to or taken from their limits since."""
    then = {grant.ref: (grant.budget.limit, left) for grant, left in zip(old.grants, old.situation.budgets_left, strict=True)}
    lefts = []
    for grant, left in zip(new.grants, new.situation.budgets_left, strict=True):
        limit, before = then.get(grant.ref, (None, None))
        if left is None or limit is None or before is None or grant.budget.limit is None:
            lefts.append(left)
        else:
            lefts.append(max(before + grant.budget.limit - limit, 0))
    return tuple(lefts)

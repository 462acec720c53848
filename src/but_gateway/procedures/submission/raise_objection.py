"""A provider objects to how a line was decided (Einwand): what was reduced or refused goes to a person."""

import json
from collections.abc import Sequence
from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.procedures.adjudication import review_store, ruling_store, store
from but_gateway.procedures.adjudication.casefile import CaseFile
from but_gateway.procedures.adjudication.docket import PAYABLE
from but_gateway.procedures.adjudication.gather import lock_positions, open_case, to_pieces
from but_gateway.procedures.adjudication.model import Piece, Ruling
from but_gateway.procedures.adjudication.registers import read_registers
from but_gateway.procedures.adjudication.resolution import shares_of, standing, without_persons
from but_gateway.procedures.adjudication.store import Row
from but_gateway.procedures.adjudication.write import write_rulings, write_slots
from but_gateway.procedures.submission.problems import NothingToObject
from but_gateway.procedures.submission.schemas import ObjectionIn
from but_gateway.registers.invoices.store import find_head, load_lines
from but_gateway.registers.invoices.view import show_line
from but_gateway.rules.reconsider import without_refusals
from but_gateway.rules.verdict import Outcome
from but_gateway.web.answers import Answer
from but_gateway.web.problems import Fault, Invalid, NotFound, Text

# Once against the rules, and once more against the person who decided then.
OBJECTIONS_MAX = 2
_NO_LINE = Fault("/line_no", "unknown_key", Text("Diese Zeile hat die Abrechnung nicht.", "The invoice has no such line."))


async def raise_objection(unit: UnitOfWork, call: Call, invoice_id: UUID, body: ObjectionIn) -> Answer:
    """Puts what was reduced or refused of a line under review; answers the line as it now stands.

    A reduced position is not paid while it is looked at. What is in a live batch, corrected, cancelled or already under review
    stays as it is, and so does a line whose identity failed: it belongs to no child, so that nobody is asked to look one up.

    Refuses when there is no such invoice of the provider (NotFound) or no such line (Invalid), or nothing of it can be looked at
    again (NothingToObject).
    """
    head = await find_head(unit, invoice_id)
    if head is None or head.kind != "invoice" or call.provider_id is None:
        raise NotFound
    await unit.narrow(None)
    position_ids = await store.positions_of_line(unit, invoice_id, body.line_no)
    if not position_ids:
        raise Invalid(faults=[_NO_LINE])
    rows = await lock_positions(unit, position_ids)
    objected = await review_store.count_objections(unit, position_ids)
    pieces = to_pieces(row for row in rows if _open_to_objection(row, objected.get(row["position_id"], 0)))
    if not pieces:
        raise NothingToObject
    await _review(unit, call, pieces, body.text)
    await record(
        unit,
        at=call.now(),
        actor=call.principal.actor,
        action="invoice.object",
        object_type="invoice",
        object_id=invoice_id,
        payload={"line_no": body.line_no, "positions": len(pieces)},
    )
    await unit.narrow(call.provider_id)
    line = (await load_lines(unit, invoice_id, after=body.line_no - 1, limit=1))[0]
    return Answer(json.dumps(show_line(line, call.language, staff=False), ensure_ascii=False).encode(), status=201)


def _open_to_objection(row: Row, objections: int) -> bool:
    """Whether a position was decided against the provider and can still be decided otherwise."""
    return (
        row["outcome"] in {Outcome.REDUCED, Outcome.REJECTED}
        and row["child_id"] is not None
        and row["claimed"] > 0  # a correction is mended, not objected to
        and row["batch_id"] is None
        and not row["corrected"]
        and objections < OBJECTIONS_MAX
    )


async def _review(unit: UnitOfWork, call: Call, pieces: Sequence[Piece], text: str) -> None:
    case, _ = await open_case(unit, call.keys, await read_registers(unit, call.town.state), pieces)
    rulings = [_ruling(case, piece, call.principal.actor) for piece in pieces]
    await write_rulings(unit, rulings, call.now(), {})
    await write_slots(unit, case.docket)
    await ruling_store.count_decisions(unit, {p.line.child_id for p in pieces if p.line.child_id is not None})
    reviews = list((await review_store.open_reviews_of(unit, [p.id for p in pieces])).values())
    sealed = [call.keys.seal(text, "review", review, "objection") for review in reviews]
    await review_store.note_objections(unit, reviews, sealed)


def _ruling(case: CaseFile, piece: Piece, actor: str) -> Ruling:
    """Under review with what it would pay if nothing refused it, at least what was approved. No machine decides it from here on."""
    before = standing(piece)
    case.docket.release(piece)
    borne = without_refusals(case.facts(piece))
    cents, shares = borne.cents, shares_of(case, piece, borne)
    if cents < before.approved:
        cents, shares = before.approved, before.shares
    seq = case.seqs.get(piece.line.child_id) if piece.line.child_id else None
    findings = without_persons(before.findings)
    ruling = Ruling(piece, Outcome.REVIEW, 0, cents, findings, shares, decided_by=actor, decision_seq=seq)
    # A lunch that was paid in part keeps its day while it is looked at; one that was refused has none.
    case.docket.apply(ruling, contested=before.outcome in PAYABLE)
    return ruling

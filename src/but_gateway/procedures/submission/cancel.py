"""Cancels an invoice (Stornorechnung): what is not settled is cancelled, what is gets negative counterparts for the next batch."""

import json
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.kit.ids import new_id, new_ids
from but_gateway.procedures.adjudication import ruling_store, store
from but_gateway.procedures.adjudication.casefile import CaseFile
from but_gateway.procedures.adjudication.decide import mirror
from but_gateway.procedures.adjudication.gather import open_case, to_pieces
from but_gateway.procedures.adjudication.model import Corrects, Line, Piece, Ruling
from but_gateway.procedures.adjudication.registers import read_registers
from but_gateway.procedures.adjudication.write import write_rulings, write_slots
from but_gateway.procedures.submission.draft import position_columns
from but_gateway.procedures.submission.problems import NumberUsed
from but_gateway.procedures.submission.schemas import CancellationIn
from but_gateway.registers.invoices.store import copy_lines, find_head, insert_invoice, insert_positions, load_lines
from but_gateway.registers.invoices.view import show_invoice, show_line
from but_gateway.rules.verdict import Outcome
from but_gateway.web.answers import Answer
from but_gateway.web.problems import NotFound, Text, WrongState

_DONE = Text("Diese Abrechnung ist schon storniert.", "This invoice is cancelled already.")
_CORRECTS = Text(
    "Diese Abrechnung enthält Rechnungskorrekturen und kann nicht storniert werden. Stellen Sie die korrigierten Tage neu in Rechnung.",
    "This invoice holds corrections and cannot be cancelled. Bill the corrected days anew.",
)


async def cancel(unit: UnitOfWork, call: Call, invoice_id: UUID, body: CancellationIn) -> Answer:
    """Cancels all of an invoice; days and budgets are free again.

    Refuses when there is no such invoice of the provider (NotFound), it is cancelled already or holds corrections (WrongState),
    or the number of the cancellation was used (H-01).
    """
    head = await find_head(unit, invoice_id)
    if head is None or head.kind != "invoice" or call.provider_id is None:
        raise NotFound
    await unit.narrow(None)
    children = await store.children_of(unit, invoice_id)
    await store.lock_children(unit, children)
    rows = await store.lock_invoice_pieces(unit, invoice_id)
    if await store.is_cancelled(unit, invoice_id):
        raise WrongState(_DONE)
    if any(row["corrects_id"] is not None and row["outcome"] == Outcome.ACCEPTED for row in rows):
        raise WrongState(_CORRECTS)
    cancellation_id = new_id()
    if not await insert_invoice(unit, _values(call, cancellation_id, invoice_id, body)):
        raise NumberUsed
    settled = {row["position_id"]: row["corrected"] for row in rows if row["batch_id"] is not None or row["corrected"]}
    pieces = to_pieces(rows)
    case, _ = await open_case(unit, call.keys, await read_registers(unit, call.town.state), pieces)
    counterparts = await _counterparts(unit, call, cancellation_id, [p for p in pieces if p.id in settled], settled)
    rulings = [_cancelled(case, p, call) for p in pieces if p.id not in settled] + [_taken_back(case, p) for p in counterparts]
    await write_rulings(unit, rulings, call.now(), {})
    await write_slots(unit, case.docket)
    await ruling_store.count_decisions(unit, children)
    await record(
        unit,
        at=call.now(),
        actor=call.principal.actor,
        action="invoice.cancel",
        object_type="invoice",
        object_id=invoice_id,
        payload={"number": body.number, "cancelled": len(pieces) - len(settled), "counterparts": len(counterparts)},
    )
    await unit.narrow(call.provider_id)
    now = await find_head(unit, invoice_id)
    assert now is not None  # noqa: S101 - it was there when this transaction began, and nothing deletes invoices
    shown = show_invoice(now, call.town.key)
    shown["lines"] = [show_line(line, call.language, staff=False) for line in await load_lines(unit, invoice_id)]
    return Answer(json.dumps(shown, ensure_ascii=False).encode())


def _values(call: Call, cancellation_id: UUID, invoice_id: UUID, body: CancellationIn) -> dict[str, object]:
    return {
        "id": cancellation_id,
        "provider_id": call.provider_id,
        "number": body.number,
        "kind": "cancellation",
        "cancels_id": invoice_id,
        "issued_on": body.issued_on,
        "first_day": body.issued_on,
        "last_day": body.issued_on,
        "total": 0,
        "iban_differs": False,
        "received_at": call.now(),
        "client_id": call.principal.subject,
    }


def _cancelled(case: CaseFile, piece: Piece, call: Call) -> Ruling:
    """S-01: the position is cancelled, its reservation released."""
    case.docket.release(piece)
    seq = case.seqs.get(piece.line.child_id) if piece.line.child_id else None
    return Ruling(piece, Outcome.CANCELLED, 0, None, (), (), decided_by=call.principal.actor, decision_seq=seq)


async def _counterparts(
    unit: UnitOfWork, call: Call, cancellation_id: UUID, pieces: Sequence[Piece], corrected: dict[UUID, int]
) -> list[Piece]:
    """S-02: negative positions, in lines of the cancellation, for what is in a live batch (or was corrected) and still paid."""
    paid = [p for p in pieces if p.before is not None and p.before.approved > corrected[p.id]]
    originals = {p.line.id: p.line for p in paid}
    line_ids = dict(zip(originals, new_ids(len(originals)), strict=True))
    lines: dict[UUID, Line] = {
        old: replace(line, id=line_ids[old], invoice_id=cancellation_id, received_at=call.now(), received_on=call.today(), proof=None)
        for old, line in originals.items()
    }
    made = []
    for piece, new in zip(paid, new_ids(len(paid)), strict=True):
        before = piece.before
        assert before is not None  # noqa: S101 - `paid` holds decided positions only
        taken_back = Corrects(piece.id, before.approved, corrected[piece.id], before.shares)
        left = before.approved - corrected[piece.id]
        made.append(Piece(new, lines[piece.line.id], piece.first_day, piece.last_day, -piece.quantity, -left, taken_back))
    if made:
        await copy_lines(unit, cancellation_id, list(line_ids), list(line_ids.values()))
        await insert_positions(unit, position_columns(made))
    return made


def _taken_back(case: CaseFile, piece: Piece) -> Ruling:
    corrects = piece.corrects
    assert corrects is not None  # noqa: S101 - counterparts always take something back
    assert corrects.position_id is not None  # noqa: S101 - as above
    shares = mirror(corrects.shares, corrects.approved, corrects.corrected, -piece.claimed)
    corrects.corrected = corrects.approved
    case.docket.move(shares, Outcome.ACCEPTED, 1)
    case.docket.free(piece, corrects.position_id)
    seq = case.seqs.get(piece.line.child_id) if piece.line.child_id else None
    return Ruling(piece, Outcome.ACCEPTED, piece.claimed, None, (), shares, decision_seq=seq)

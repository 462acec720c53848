"""A later fact decides again what it touches: never what is settled or cancelled; what a person decided is only reopened as a review."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.principal import Town
from but_gateway.procedures.adjudication import ruling_store, store
from but_gateway.procedures.adjudication.decide import TUTOR_OVERLAP, Bench
from but_gateway.procedures.adjudication.gather import open_case, to_pieces
from but_gateway.procedures.adjudication.model import Piece
from but_gateway.procedures.adjudication.registers import read_registers
from but_gateway.procedures.adjudication.reopen import reopen_reviews
from but_gateway.procedures.adjudication.write import write_rulings, write_slots


async def redecide_children(unit: UnitOfWork, town: Town, keys: TownKeys, child_ids: Collection[UUID], *, at: datetime) -> int:
    """Decides all open positions of the children again, in the order in which they were billed; answers how many changed.

    All of them are taken out first, so that what one frees is there for the next as if the fact had been known at once. Lessons of other
    children that wait because their tutor was elsewhere at the time (L-10) are decided with them.
    Decisions are only added where something changed. What a person decided stands; where rules now see it otherwise, its review is opened
    again.
    """
    if not child_ids:
        return 0
    await store.lock_children(unit, child_ids)
    pieces = to_pieces(await store.lock_open_pieces(unit, child_ids))
    by_persons = to_pieces(await store.lock_person_pieces(unit, child_ids))
    if not (pieces or by_persons):
        return 0
    case, known = await open_case(unit, keys, await read_registers(unit, town.state), [*pieces, *by_persons])
    for piece in by_persons:
        del known[piece.id]
    pieces = sorted({p.id: p for p in (*pieces, *filter(_waits_for_tutor, known.values()))}.values(), key=lambda p: p.id)
    for piece in pieces:
        case.docket.release(piece)
    bench = Bench(case, known)
    changed = [ruling for ruling in bench.decide(pieces) if ruling.changes()]
    await write_rulings(unit, changed, at, bench.dossier.bodies)
    await write_slots(unit, case.docket)
    await ruling_store.count_decisions(unit, {r.piece.line.child_id for r in changed if r.piece.line.child_id is not None})
    await reopen_reviews(unit, case, by_persons, at)
    return len(changed)


def _waits_for_tutor(piece: Piece) -> bool:
    return piece.before is not None and any(f.rule == TUTOR_OVERLAP for f in piece.before.findings)

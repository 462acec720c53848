"""A later fact decides again what it touches: never what is settled, cancelled or decided by a person."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.principal import Town
from but_gateway.procedures.adjudication import ruling_store, store
from but_gateway.procedures.adjudication.decide import Bench
from but_gateway.procedures.adjudication.gather import open_case, to_pieces
from but_gateway.procedures.adjudication.write import write_rulings, write_slots


async def redecide_children(unit: UnitOfWork, town: Town, keys: TownKeys, child_ids: Collection[UUID], *, at: datetime) -> int:
    """Decides all open positions of the children again, in the order in which they were billed; answers how many changed.

    All of them are taken out first, so that what one frees is there for the next as if the fact had been known at once.
    Decisions are only added where something changed.
    """
    if not child_ids:
        return 0
    await store.lock_children(unit, child_ids)
    pieces = to_pieces(await store.lock_open_pieces(unit, child_ids))
    if not pieces:
        return 0
    case, known = await open_case(unit, town, keys, pieces)
    for piece in pieces:
        case.docket.release(piece)
    bench = Bench(case, known)
    changed = [ruling for ruling in bench.decide(pieces) if ruling.changes()]
    await write_rulings(unit, changed, at, bench.dossier.bodies)
    await write_slots(unit, case.docket)
    await ruling_store.count_decisions(unit, {r.piece.line.child_id for r in changed if r.piece.line.child_id is not None})
    return len(changed)

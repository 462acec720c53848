"""Withdrawing a batch: its positions and the returned payments it repeats are free for the next one."""

from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.procedures.settlement import draw_store, repeat_store, store
from but_gateway.procedures.settlement.model import BEFORE_HAND_OVER, State, Step
from but_gateway.procedures.settlement.problems import wrong_state
from but_gateway.procedures.settlement.schemas import BatchOut
from but_gateway.web.answers import Answer
from but_gateway.web.problems import NotFound


async def withdraw(unit: UnitOfWork, call: Call, batch_id: UUID) -> Answer:
    """Ends a batch before hand-over and frees all its positions; its number is not used again. Refuses later (WrongState)."""
    batch = await store.lock_batch(unit, batch_id)
    if batch is None:
        raise NotFound
    if batch.state not in BEFORE_HAND_OVER:
        raise wrong_state(batch.state)
    step = Step(call.principal.actor, call.now())
    await draw_store.free_positions(unit, batch_id)
    await repeat_store.let_lapse(unit, batch_id)
    await store.move_batch(unit, batch_id, state=State.WITHDRAWN, withdrawn_at=step.at)
    await store.note_step(unit, batch, "withdraw", step, State.WITHDRAWN)
    await record(unit, at=step.at, actor=step.by, action="settlement.withdraw", object_type="settlement_batch", object_id=batch_id)
    return Answer(BatchOut.showing(await store.load_contents(unit, batch_id)))

"""Marking an entry as worked through: what it needed happened elsewhere."""

from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.procedures.reconciliation import store
from but_gateway.procedures.reconciliation.model import Step
from but_gateway.procedures.reconciliation.problems import NOTHING_TO_DO
from but_gateway.procedures.reconciliation.schemas import DoneIn, PaymentEntryOut
from but_gateway.web.answers import Answer
from but_gateway.web.problems import NotFound, WrongState


async def finish(unit: UnitOfWork, call: Call, entry_id: UUID, wish: DoneIn) -> Answer:
    """Takes an entry from the list; books nothing. Refuses when there is nothing to do about it any more (WrongState)."""
    entry = await store.lock_entry(unit, entry_id)
    if entry is None:
        raise NotFound
    if not entry.is_open:
        raise WrongState(NOTHING_TO_DO)
    step = Step(call.principal.actor, call.now())
    await store.finish_entry(unit, entry_id, step, call.keys.seal(wish.reason, "payment_entry", entry_id, "done_reason"))
    await record(unit, at=step.at, actor=step.by, action="reconciliation.done", object_type="payment_entry", object_id=entry_id)
    return Answer(PaymentEntryOut.of(await store.read_entry(unit, entry_id), call.keys))

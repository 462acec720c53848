"""Releasing a held payment."""

from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.procedures.settlement import store
from but_gateway.procedures.settlement.model import BEFORE_HAND_OVER, Step
from but_gateway.procedures.settlement.problems import NOT_HELD, AccountMissing, wrong_state
from but_gateway.procedures.settlement.schemas import BatchOut
from but_gateway.registers.providers.bank_store import usable_account
from but_gateway.web.answers import Answer
from but_gateway.web.problems import NotFound, WrongState


async def release(unit: UnitOfWork, call: Call, batch_id: UUID, payment_id: UUID) -> Answer:
    """Lets a held payment be paid with its batch.

    Refuses when the batch was handed over or withdrawn, the payment is not held (WrongState), or no account is usable (AccountMissing).
    """
    batch = await store.lock_batch(unit, batch_id)
    payment = await store.find_payment(unit, batch_id, payment_id) if batch else None
    if batch is None or payment is None:
        raise NotFound
    if batch.state not in BEFORE_HAND_OVER:
        raise wrong_state(batch.state)
    if payment.hold is None:
        raise WrongState(NOT_HELD)
    if await usable_account(unit, payment.provider_id, call.today()) is None:
        raise AccountMissing
    step = Step(call.principal.actor, call.now())
    await store.set_hold(unit, [payment_id], None)
    await store.note_step(unit, batch, "release", step, batch.state, payment_id=payment_id)
    await record(unit, at=step.at, actor=step.by, action="settlement.release", object_type="payment", object_id=payment_id)
    return Answer(BatchOut.showing(await store.load_contents(unit, batch_id)))

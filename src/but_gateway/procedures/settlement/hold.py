"""Holding a payment, and letting it go again, until the batch is handed over."""

from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.kit.ids import new_id
from but_gateway.procedures.settlement import store
from but_gateway.procedures.settlement.model import BEFORE_HAND_OVER, Cause, Hold, Step
from but_gateway.procedures.settlement.problems import HELD_ALREADY, wrong_state
from but_gateway.procedures.settlement.schemas import BatchOut
from but_gateway.web.answers import Answer
from but_gateway.web.problems import NotFound, WrongState


async def hold(unit: UnitOfWork, call: Call, batch_id: UUID, payment_id: UUID, reason: str) -> Answer:
    """Holds a payment: it leaves the batch at hand-over unless it is released before.

    Refuses when the batch was handed over or withdrawn, or the payment is held already (WrongState).
    """
    batch = await store.lock_batch(unit, batch_id)
    payment = await store.find_payment(unit, batch_id, payment_id) if batch else None
    if batch is None or payment is None:
        raise NotFound
    if batch.state not in BEFORE_HAND_OVER:
        raise wrong_state(batch.state)
    if payment.hold is not None:
        raise WrongState(HELD_ALREADY)
    step, step_id = Step(call.principal.actor, call.now()), new_id()
    await store.set_hold(unit, [payment_id], Hold(Cause.PERSON, reason))
    await store.record_step(
        unit, step_id=step_id, batch_id=batch_id, payment_id=payment_id, action="hold", step=step, from_state=batch.state,
        to_state=batch.state, reason=call.keys.seal(reason, "batch_step", step_id, "reason"),
    )  # fmt: skip
    await record(unit, at=step.at, actor=step.by, action="settlement.hold", object_type="payment", object_id=payment_id)
    return Answer(BatchOut.showing(await store.load_contents(unit, batch_id)))

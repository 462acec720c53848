"""Ordering a batch: another person than those who drew it up, certified it, or decided what is in it."""

from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.procedures.settlement import store
from but_gateway.procedures.settlement.model import Batch, State, Step
from but_gateway.procedures.settlement.problems import wrong_state
from but_gateway.procedures.settlement.schemas import BatchOut
from but_gateway.registers.providers.bank_store import usable_accounts
from but_gateway.web.answers import Answer
from but_gateway.web.problems import FourEyes, NotFound


async def order(unit: UnitOfWork, call: Call, batch_id: UUID) -> Answer:
    """Orders payment (S-05, § 31 (3) KomHVO NRW).

    Refuses when the caller drew up or certified the batch, resolved a review in it, or proposed or confirmed an account it pays to
    (FourEyes), or when it is not certified (WrongState).
    """
    batch = await store.lock_batch(unit, batch_id)
    if batch is None:
        raise NotFound
    step = Step(call.principal.actor, call.now())
    if await _took_part(unit, call, batch):
        raise FourEyes
    if batch.state is not State.CERTIFIED:
        raise wrong_state(batch.state)
    await store.move_batch(unit, batch_id, state=State.ORDERED, ordered_by=step.by, ordered_at=step.at)
    await store.note_step(unit, batch, "order", step, State.ORDERED)
    contents = await store.load_contents(unit, batch_id)
    await record(
        unit, at=step.at, actor=step.by, action="settlement.order", object_type="settlement_batch", object_id=batch_id,
        payload={"gross": contents.totals.gross, "receipts": contents.totals.receipts},
    )  # fmt: skip
    return Answer(BatchOut.showing(contents))


async def _took_part(unit: UnitOfWork, call: Call, batch: Batch) -> bool:
    actor = call.principal.actor
    if actor in {step.by for step in (batch.drawn_up, batch.factual, batch.arithmetical) if step is not None}:
        return True
    if await store.has_decided_in(unit, batch.id, actor):
        return True
    payments = await store.load_payments(unit, batch.id)
    accounts = await usable_accounts(unit, {p.provider_id for p in payments}, call.today())
    return any(actor in (account.proposed_by, account.confirmed_by) for account in accounts.values())

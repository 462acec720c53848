"""Reopening a batch: what was certified and ordered is void, and everything is looked at again."""

from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.kit.ids import new_id
from but_gateway.procedures.settlement import store
from but_gateway.procedures.settlement.model import State, Step
from but_gateway.procedures.settlement.problems import wrong_state
from but_gateway.procedures.settlement.schemas import BatchOut
from but_gateway.web.answers import Answer
from but_gateway.web.problems import NotFound

_VOIDED = dict.fromkeys(f"{step}_{part}" for step in ("factual", "arithmetical", "ordered") for part in ("by", "at"))


async def reopen(unit: UnitOfWork, call: Call, batch_id: UUID, reason: str) -> Answer:
    """Brings a certified or ordered batch back to drawn_up; its history stays. Refuses in any other state (WrongState)."""
    batch = await store.lock_batch(unit, batch_id)
    if batch is None:
        raise NotFound
    if batch.state not in {State.CERTIFIED, State.ORDERED}:
        raise wrong_state(batch.state)
    step, step_id = Step(call.principal.actor, call.now()), new_id()
    await store.move_batch(unit, batch_id, state=State.DRAWN_UP, **_VOIDED)
    await store.record_step(
        unit, step_id=step_id, batch_id=batch_id, action="reopen", step=step, from_state=batch.state, to_state=State.DRAWN_UP,
        reason=call.keys.seal(reason, "batch_step", step_id, "reason"),
    )  # fmt: skip
    await record(unit, at=step.at, actor=step.by, action="settlement.reopen", object_type="settlement_batch", object_id=batch_id)
    return Answer(BatchOut.showing(await store.load_contents(unit, batch_id)))

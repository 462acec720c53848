"""Certifying a batch: its ground (factual) and its amounts (arithmetical), § 31 KomHVO NRW."""

from collections.abc import Sequence
from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.procedures.settlement import store
from but_gateway.procedures.settlement.assignments import demand_assignments
from but_gateway.procedures.settlement.model import Batch, Cause, Kind, State, Step
from but_gateway.procedures.settlement.problems import ALREADY_CERTIFIED, wrong_state
from but_gateway.procedures.settlement.schemas import BatchOut
from but_gateway.procedures.settlement.texts import NO_ACCOUNT
from but_gateway.registers.municipalities.store import read_settings
from but_gateway.registers.providers.bank_store import usable_accounts
from but_gateway.web.answers import Answer
from but_gateway.web.problems import Fault, Invalid, NotFound, Text, WrongState


async def certify(unit: UnitOfWork, call: Call, batch_id: UUID, kinds: Sequence[Kind]) -> Answer:
    """Records one or both certifications; with both the batch is certified.

    Payments that only wait for a bank account are looked at again, so that who orders sees what will be paid.
    Refuses when a kind is named twice (Invalid), made already or the batch is not drawn_up (WrongState), or when the books would not know
    where to record an order (AssignmentMissing): what cannot be recorded is not certified, not even in part.
    """
    if len(set(kinds)) != len(kinds):
        text = Text("Jede Feststellung nur einmal nennen.", "Name each certification once.")
        raise Invalid(faults=[Fault("/kinds/1", "duplicate", text)])
    batch = await store.lock_batch(unit, batch_id)
    if batch is None:
        raise NotFound
    if batch.state is not State.DRAWN_UP:
        raise wrong_state(batch.state)
    made = {kind for kind, step in ((Kind.FACTUAL, batch.factual), (Kind.ARITHMETICAL, batch.arithmetical)) if step is not None}
    if made & set(kinds):
        raise WrongState(ALREADY_CERTIFIED)
    state = State.CERTIFIED if made | set(kinds) == set(Kind) else State.DRAWN_UP
    step = Step(call.principal.actor, call.now())
    demand_assignments(await read_settings(unit), await store.load_contents(unit, batch_id))
    await _look_for_accounts(unit, call, batch)
    await store.certify_batch(unit, batch_id, kinds, step, state)
    await store.note_step(unit, batch, "certify_" + "_".join(sorted(kinds)), step, state)
    await record(
        unit, at=step.at, actor=step.by, action="settlement.certify", object_type="settlement_batch", object_id=batch_id,
        payload={"kinds": sorted(kinds)},
    )  # fmt: skip
    return Answer(BatchOut.showing(await store.load_contents(unit, batch_id)))


async def _look_for_accounts(unit: UnitOfWork, call: Call, batch: Batch) -> None:
    payments = await store.load_payments(unit, batch.id)
    accounts = await usable_accounts(unit, {p.provider_id for p in payments}, call.today())
    found = [p.id for p in payments if p.hold is not None and p.hold.cause is Cause.ACCOUNT and p.provider_id in accounts]
    lost = [p.id for p in payments if p.hold is None and p.provider_id not in accounts]
    await store.set_hold(unit, found, None)
    await store.set_hold(unit, lost, NO_ACCOUNT)

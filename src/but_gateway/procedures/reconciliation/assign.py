"""Assigning an entry to a payment by hand: somebody knows what the report did not say."""

from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.formats.bookings import Direction
from but_gateway.formats.camt import CURRENCY
from but_gateway.identity.call import Call
from but_gateway.procedures.reconciliation import effect_store, store
from but_gateway.procedures.reconciliation.model import AT_THE_BANK, Entry, Said, Source, State, Step, Target
from but_gateway.procedures.reconciliation.problems import HAS_ITS_PAYMENT, NOT_AT_THE_BANK, AmountDiffers
from but_gateway.procedures.reconciliation.schemas import AssignmentIn, PaymentEntryOut
from but_gateway.web.answers import Answer
from but_gateway.web.problems import Fault, Invalid, NotFound, Text, WrongState


async def assign(unit: UnitOfWork, call: Call, entry_id: UUID, wish: AssignmentIn) -> Answer:
    """Gives an entry its payment; from then on it counts as if the report had named it.

    An unmatched entry may get any payment that was handed over, a return of less than the whole (charges kept back) its own. Part of a
    payment that was paid stays a part until the rest comes. Refuses when there is no such entry (NotFound) or payment (Invalid), when the
    entry has its payment or the payment is not at the bank (WrongState), or the amount is more than the payment (AmountDiffers).
    """
    await store.take_turn(unit)
    entry = await store.lock_entry(unit, entry_id)
    if entry is None:
        raise NotFound
    target = await store.find_target(unit, UUID(wish.payment_id)) if _is_uuid(wish.payment_id) else None
    if target is None:
        raise Invalid(faults=[Fault("/payment_id", "unknown_id", Text("Diese Zahlung gibt es nicht.", "There is no such payment."))])
    partial_return = entry.state is State.PARTIAL and entry.direction is Direction.RETURNED and entry.payment_id == target.id
    if entry.state is not State.UNMATCHED and not partial_return:
        raise WrongState(HAS_ITS_PAYMENT)
    if target.state not in AT_THE_BANK:
        raise WrongState(NOT_AT_THE_BANK)
    whole = _is_whole(entry, target)
    step = Step(call.principal.actor, call.now())
    histories = await effect_store.lock_histories(unit, [target.id])
    said = _said(entry, target, whole=whole)
    rest = {payment: [s for s in before if s.id != entry.id] for payment, before in histories.said.items()}
    histories = effect_store.Histories(histories.accounts, rest)
    outcomes = histories.come_to([said])
    state, effective = outcomes[target.id].marks[entry.id]
    reason = call.keys.seal(wish.reason, "payment_entry", entry.id, "assigned_reason")
    await store.assign_entry(
        unit, entry.id, target,
        {"state": state, "effective": effective, "whole": whole, "cents": said.cents, "assigned_by": step.by, "assigned_at": step.at,
         "assigned_reason": reason},
    )  # fmt: skip
    await effect_store.write_outcomes(unit, histories, outcomes, step)
    await record(
        unit, at=step.at, actor=step.by, action="reconciliation.assign", object_type="payment_entry", object_id=entry.id,
        payload={"payment": str(target.id), "cents": said.cents},
    )  # fmt: skip
    return Answer(PaymentEntryOut.of(await store.read_entry(unit, entry.id), call.keys))


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _is_whole(entry: Entry, target: Target) -> bool:
    if entry.currency != CURRENCY or (entry.cents or 0) > target.net:
        raise AmountDiffers
    return entry.cents in {None, target.net} or entry.direction is Direction.RETURNED


def _said(entry: Entry, target: Target, *, whole: bool) -> Said:
    return Said(
        id=entry.id,
        payment_id=target.id,
        direction=entry.direction,
        source=Source.of(entry.report_kind),
        booked_on=entry.booked_on,
        cents=target.net if entry.cents is None else entry.cents,
        whole=whole,
        state=entry.state,
        effective=False,
        return_reason=entry.return_reason,
    )

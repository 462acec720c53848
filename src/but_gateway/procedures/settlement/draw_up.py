"""Drawing up a batch: every payable position up to a day, in one payment per provider and one order per part of the books.

Returned payments are repeated beside them, each as a payment of its own.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.kit.clock import end_of_day
from but_gateway.kit.ids import new_id, new_ids
from but_gateway.procedures.settlement import draw_store, repeat_store, store
from but_gateway.procedures.settlement.draw_store import Balance, Part, Selection
from but_gateway.procedures.settlement.model import CarriedForward, Cause, Order, Payment, State, Step, batch_number
from but_gateway.procedures.settlement.problems import NOTHING_TO_PAY, NothingToSettle
from but_gateway.procedures.settlement.repeat_store import Returned
from but_gateway.procedures.settlement.schemas import BatchIn, BatchOut
from but_gateway.procedures.settlement.texts import (
    BilledInvoice,
    account_missing_notice,
    automatic_hold,
    has_words,
    negative_balance_notice,
    remittance_text,
    repeat_hold,
    repeat_text,
)
from but_gateway.registers.municipalities.store import add_notice
from but_gateway.registers.providers.bank_store import usable_accounts
from but_gateway.registers.providers.model import BankAccount
from but_gateway.registers.providers.store import find_providers
from but_gateway.web.answers import Answer
from but_gateway.web.problems import Fault, Invalid, Text

# A provider carried forward by so many batches in a row is brought to the office's attention (Annahmeanordnung).
CARRIED_MAX = 2


class AllocationsBrokenError(Exception):
    """Allocations of decisions do not add up to what was approved: nothing may be paid from them."""


async def draw_up(unit: UnitOfWork, call: Call, wish: BatchIn, *, dry_run: bool) -> Answer:
    """Makes a batch of what is free up to the end of the cutoff day.

    Children are locked in order before anything is claimed, so what is being decided meanwhile is either in or out as a whole; draw-ups
    of a town wait for each other. A provider netting to zero or less is carried forward, its positions stay free. A returned payment
    whose provider has a usable account is repeated with the amounts of its orders; its positions stay settled where they are.
    Refuses when a provider is unknown (Invalid), when nothing is free or nobody would be paid (NothingToSettle).
    """
    selection = await _selection(unit, wish)
    await draw_store.take_turn(unit)
    batch_id, step = new_id(), Step(call.principal.actor, call.now())
    balances = await draw_store.claim_free(unit, selection, batch_id)
    payers = [b for b in balances if b.net > 0]
    returned = await repeat_store.lock_returned(unit, selection)
    accounts = await usable_accounts(unit, {b.provider_id for b in payers} | {r.provider_id for r in returned}, call.today())
    returned = [r for r in returned if r.provider_id in accounts]
    if not payers and not returned:
        raise NothingToSettle(NOTHING_TO_PAY if balances else None)
    year = call.today().year
    serial = await draw_store.next_serial(unit, year)
    number = batch_number(year, serial)
    await draw_store.insert_batch(
        unit,
        {
            "id": batch_id, "fiscal_year": year, "serial": serial, "state": State.DRAWN_UP, "cutoff": wish.cutoff, "due_on": wish.due_on,
            "benefits": wish.benefits, "provider_ids": selection.provider_ids and list(selection.provider_ids), "drawn_up_by": step.by,
            "drawn_up_at": step.at,
        },
    )  # fmt: skip
    parts = await draw_store.split(unit, batch_id)
    texts = await _remittance_texts(unit, call, batch_id, number)
    payments, orders = _payments(payers, parts, accounts, (number, texts))
    await _keep(unit, batch_id, payers, payments, orders)
    repeats = _repeats(returned, accounts, (call.town.key, number), len(payments))
    await draw_store.insert_payments(unit, batch_id, repeats)
    again = _repeated_orders(repeats, await repeat_store.load_orders(unit, [r.id for r in returned]), len(orders))
    await draw_store.insert_orders(unit, batch_id, again)
    carried = [CarriedForward(b.provider_id, b.provider_key, b.net) for b in balances if b.net <= 0]
    await draw_store.insert_carried(unit, batch_id, carried)
    await _tell_office(unit, call, number, payments, carried)
    await store.record_step(
        unit, step_id=new_id(), batch_id=batch_id, action="draw_up", step=step, from_state=None, to_state=State.DRAWN_UP
    )
    contents = await store.load_contents(unit, batch_id)
    totals = contents.totals
    await record(
        unit, at=step.at, actor=step.by, action="settlement.draw_up", object_type="settlement_batch", object_id=batch_id,
        payload={
            "number": number, "gross": totals.gross, "receipts": totals.receipts, "payments": len(contents.payments),
            "orders": len(contents.orders), "repeats": len(repeats),
        },
    )  # fmt: skip
    location = f"/v1/municipalities/{call.town.key}/settlement-batches/{batch_id}"
    return Answer(BatchOut.showing(contents), 200 if dry_run else 201, {} if dry_run else {"Location": location}, keep=not dry_run)


async def _selection(unit: UnitOfWork, wish: BatchIn) -> Selection:
    provider_ids: tuple[UUID, ...] | None = None
    if wish.providers is not None:
        known = await find_providers(unit, wish.providers)
        faults = [
            Fault(f"/providers/{i}", "unknown_key", Text("Diesen Anbieter gibt es nicht.", "There is no such provider."))
            for i, key in enumerate(wish.providers)
            if key not in known
        ]
        if faults:
            raise Invalid(faults=faults)
        provider_ids = tuple(known[key].id for key in dict.fromkeys(wish.providers))
    return Selection(end_of_day(wish.cutoff), tuple(wish.benefits) if wish.benefits else None, provider_ids)


async def _remittance_texts(unit: UnitOfWork, call: Call, batch_id: UUID, number: str) -> Mapping[UUID, str]:
    """What stands on each provider's bank statement."""
    rows = await draw_store.billed_invoices(unit, batch_id)
    worded = [row["id"] for row in rows if has_words(row["number"])]
    names = await draw_store.names_in_invoices(unit, call.keys, batch_id, worded)
    billed: dict[UUID, list[BilledInvoice]] = defaultdict(list)
    for row in rows:
        billed[row["provider_id"]].append(BilledInvoice(row["number"], names[row["id"]]))
    return {provider: remittance_text(call.town.key, number, invoices) for provider, invoices in billed.items()}


def _payments(
    payers: Sequence[Balance], parts: Sequence[Part], accounts: Mapping[UUID, BankAccount], printed: tuple[str, Mapping[UUID, str]]
) -> tuple[list[Payment], list[Order]]:
    """Payments in order of the providers' keys, orders in order of payments, legal bases, benefits and years."""
    number, texts = printed
    of_provider: dict[UUID, list[Part]] = defaultdict(list)
    for part in parts:
        of_provider[part.provider_id].append(part)
    payments: list[Payment] = []
    orders: list[Order] = []
    order_serials, order_ids = count(1), iter(new_ids(len(parts)))
    for serial, (payer, payment_id) in enumerate(zip(payers, new_ids(len(payers)), strict=True), 1):
        mine = of_provider[payer.provider_id]
        hold = automatic_hold(has_account=payer.provider_id in accounts, iban_differs=payer.iban_differs)
        payments.append(
            Payment(
                id=payment_id,
                serial=serial,
                provider_id=payer.provider_id,
                provider_key=payer.provider_key,
                gross=sum(p.gross for p in mine),
                receipts=sum(p.receipts for p in mine),
                hold=hold,
                end_to_end_id=_end_to_end_id(number, serial),
                remittance_text=texts[payer.provider_id],
                state="open",
                repeats_id=None,
            )
        )
        orders += [
            Order(
                next(order_ids), next(order_serials), payment_id, p.legal_basis, p.benefit, p.fiscal_year, p.positions, p.gross, p.receipts
            )
            for p in mine
        ]
    return payments, orders


def _repeats(returned: Sequence[Returned], accounts: Mapping[UUID, BankAccount], names: tuple[str, str], before: int) -> list[Payment]:
    """The repeats of a batch, numbered behind the ``before`` other payments. ``names``: the town, the batch's number."""
    town, number = names
    return [
        Payment(
            id=payment_id,
            serial=serial,
            provider_id=one.provider_id,
            provider_key=one.provider_key,
            gross=one.gross,
            receipts=one.receipts,
            hold=repeat_hold(
                same_account=accounts[one.provider_id].id == one.account_id,
                reason=one.return_reason,
                came_back_before=one.came_back_before,
            ),
            end_to_end_id=_end_to_end_id(number, serial),
            remittance_text=repeat_text(town, number, one.first_batch, one.remittance_text),
            state="open",
            repeats_id=one.id,
        )
        for serial, (one, payment_id) in enumerate(zip(returned, new_ids(len(returned)), strict=True), before + 1)
    ]


def _repeated_orders(repeats: Sequence[Payment], orders: Sequence[Order], before: int) -> list[Order]:
    """The orders of returned payments once more, numbered behind the ``before`` other ones, in the order of the repeats."""
    of_payment: dict[UUID, list[Order]] = defaultdict(list)
    for order in orders:
        of_payment[order.payment_id].append(order)
    again = [(repeat.id, order) for repeat in repeats for order in of_payment[repeat.repeats_id or repeat.id]]
    return [
        replace(order, id=order_id, serial=serial, payment_id=payment_id)
        for serial, (order_id, (payment_id, order)) in enumerate(zip(new_ids(len(again)), again, strict=True), before + 1)
    ]


def _end_to_end_id(number: str, serial: int) -> str:
    return f"BUT-{number}-{serial:05d}"


async def _keep(unit: UnitOfWork, batch_id: UUID, payers: Sequence[Balance], payments: Sequence[Payment], orders: Sequence[Order]) -> None:
    """Stores payments and orders, and refuses to when the books would not agree with the decisions."""
    if [b.net for b in payers] != [p.net for p in payments]:
        raise AllocationsBrokenError
    await draw_store.insert_payments(unit, batch_id, payments)
    provider_of = {p.id: p.provider_id for p in payments}
    await draw_store.insert_orders(unit, batch_id, orders)
    if await draw_store.insert_items(unit, batch_id, orders, provider_of) != sum(p.net for p in payments):
        raise AllocationsBrokenError


async def _tell_office(unit: UnitOfWork, call: Call, number: str, payments: Sequence[Payment], carried: Sequence[CarriedForward]) -> None:
    for payment in payments:
        if (
            payment.hold is None
            or payment.hold.cause is Cause.PERSON
            or await draw_store.has_open_notice(unit, "account_missing", payment.provider_id)
        ):
            continue
        await add_notice(
            unit, "account_missing", "provider", payment.provider_id, account_missing_notice(number, payment.provider_key), call.now()
        )
    for one in carried:
        batches = await draw_store.carried_since_paid(unit, one.provider_id)
        if len(batches) >= CARRIED_MAX and not await draw_store.has_open_notice(unit, "negative_balance", one.provider_id):
            text = negative_balance_notice(one.provider_key, one.balance, batches)
            await add_notice(unit, "negative_balance", "provider", one.provider_id, text, call.now())

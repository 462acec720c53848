"""Handing a batch over to the treasury: accounts are fixed, money is posted, the packages are made. Nothing of it changes ever after."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.formats.manifest import ManifestFile, write_manifest
from but_gateway.identity.call import Call
from but_gateway.procedures.settlement import draw_store, package_store, repeat_store, store
from but_gateway.procedures.settlement.assignments import demand_assignments
from but_gateway.procedures.settlement.files import MAKERS, MANIFEST
from but_gateway.procedures.settlement.model import Hold, PackageFile, Payment, State, Step
from but_gateway.procedures.settlement.package import DraftFile, HandedOver, PackageOptions, Payee, ServiceOf
from but_gateway.procedures.settlement.problems import AllPaymentsHeld, DebtorMissing, wrong_state
from but_gateway.procedures.settlement.schemas import BatchOut
from but_gateway.procedures.settlement.texts import (
    ACCOUNT_BY_ORDERER,
    NO_ACCOUNT,
    PAID_AFTER_ALL,
    BilledInvoice,
    file_stem,
    has_words,
    may_be_printed,
)
from but_gateway.registers.municipalities.store import read_settings
from but_gateway.registers.providers.bank_store import usable_accounts
from but_gateway.registers.providers.change_store import PAYMENT, Change, tell_provider
from but_gateway.registers.providers.model import BankAccount
from but_gateway.registers.providers.store import load_providers
from but_gateway.web.answers import Answer
from but_gateway.web.problems import NotFound


async def hand_over(unit: UnitOfWork, call: Call, batch_id: UUID, options: PackageOptions) -> Answer:
    """Makes the packages of an ordered batch, in the transaction that ends it as a plan.

    Held payments leave, their positions are free again; so does a payment whose account is not usable (any more) or was proposed or
    confirmed by who ordered. Refuses when the batch is not ordered (WrongState), the town has no account to pay from (DebtorMissing),
    nothing is left to pay (AllPaymentsHeld), the books would not know where to record an order (AssignmentMissing), an order does not fit
    the town's interface file (InterfaceUnfit), or the payment file breaks a rule (PaymentFileRefused). Nothing is kept then.
    """
    batch = await store.lock_batch(unit, batch_id)
    if batch is None:
        raise NotFound
    if batch.state is not State.ORDERED:
        raise wrong_state(batch.state)
    settings = await read_settings(unit)
    if settings.debtor is None:
        raise DebtorMissing
    step = Step(call.principal.actor, call.now())
    payments = await store.load_payments(unit, batch_id)
    accounts = await usable_accounts(unit, {p.provider_id for p in payments}, call.today())
    repeatable = await repeat_store.lock_repeated(unit, [p.repeats_id for p in payments if p.repeats_id is not None])
    holds = {p.id: _hold(p, accounts.get(p.provider_id), batch.ordered, repeatable) for p in payments}
    if all(holds.values()):
        raise AllPaymentsHeld
    await _let_leave(unit, batch_id, payments, holds)
    await _fix_accounts(unit, call, [p for p in payments if holds[p.id] is None], accounts)
    await package_store.post_settlement(unit, batch_id, step.at)
    contents = await store.load_contents(unit, batch_id)
    demand_assignments(settings, contents)  # settings may have changed since the certification
    payees = {p.id: _payee(call, accounts[p.provider_id]) for p in contents.payments}
    providers = await load_providers(unit, {p.provider_id for p in contents.payments})
    services = await _services(unit, call, batch_id)
    handed = HandedOver(call.town.key, contents, settings, settings.debtor, payees, providers, step.at, call.today(), options, services)
    manifest = await _make_files(unit, call.keys, handed)
    # The payment file was read back before it was kept: it says the same.
    count, cents = len(contents.payments), contents.totals.net
    await store.move_batch(
        unit, batch_id, state=State.HANDED_OVER, handed_over_by=step.by, handed_over_at=step.at, control_count=count, control_cents=cents
    )
    await store.note_step(unit, batch, "hand_over", step, State.HANDED_OVER)
    tell_provider(unit, _told(contents.payments, step.at))
    await record(
        unit, at=step.at, actor=step.by, action="settlement.hand_over", object_type="settlement_batch", object_id=batch_id,
        payload={"manifest": manifest.sha256, "count": count, "cents": cents},
    )  # fmt: skip
    return Answer(BatchOut.showing(await store.load_contents(unit, batch_id)))


def _payee(call: Call, account: BankAccount) -> Payee:
    return Payee(account.holder(call.keys), account.iban(call.keys))


async def _services(unit: UnitOfWork, call: Call, batch_id: UUID) -> dict[UUID, ServiceOf]:
    """What each order is for. Numbers of invoices that may not be printed (S-07) are left out."""
    rows = await package_store.services_of_orders(unit, batch_id)
    worded = {row["invoice_id"] for row in rows if has_words(row["number"])}
    names = await draw_store.names_in_invoices(unit, call.keys, batch_id, worded)
    services: dict[UUID, ServiceOf] = {}
    for order_id, group in groupby(rows, key=lambda row: row["order_id"]):
        own = list(group)
        printed = [(r["number"], r["issued_on"]) for r in own if may_be_printed(BilledInvoice(r["number"], names[r["invoice_id"]]))]
        services[order_id] = ServiceOf(min(r["first_day"] for r in own), max(r["last_day"] for r in own), tuple(printed))
    return services


def _told(payments: Sequence[Payment], at: datetime) -> list[Change]:
    """What the providers hear: the remittance of each payment is there."""
    return [Change(p.provider_id, at, PAYMENT, "remittance", p.id, {"state": "handed_over"}) for p in payments]


def _hold(payment: Payment, account: BankAccount | None, ordered: Step | None, repeatable: frozenset[UUID]) -> Hold | None:
    """Why a payment leaves, None if it is paid."""
    if payment.hold is not None:
        return payment.hold
    if payment.repeats_id is not None and payment.repeats_id not in repeatable:
        return PAID_AFTER_ALL
    if account is None:
        return NO_ACCOUNT
    # An account may have become usable only after the order: four eyes hold for it as well.
    return ACCOUNT_BY_ORDERER if ordered is not None and ordered.by in (account.proposed_by, account.confirmed_by) else None


async def _let_leave(unit: UnitOfWork, batch_id: UUID, payments: Sequence[Payment], holds: Mapping[UUID, Hold | None]) -> None:
    leaving = [p for p in payments if holds[p.id] is not None]
    if not leaving:
        return
    for payment in leaving:
        if payment.hold is None:
            await store.set_hold(unit, [payment.id], holds[payment.id])
    await package_store.leave(unit, [p.id for p in leaving])
    # A repeat has no positions of its own; those of its provider's other payment stay.
    await draw_store.free_positions(unit, batch_id, {p.provider_id for p in leaving if p.repeats_id is None})
    await repeat_store.let_lapse(unit, batch_id, [p.id for p in leaving])


async def _fix_accounts(unit: UnitOfWork, call: Call, payments: Sequence[Payment], accounts: Mapping[UUID, BankAccount]) -> None:
    rows = []
    for payment in payments:
        account = accounts[payment.provider_id]
        iban = call.keys.seal(account.iban(call.keys), "payment", payment.id, "iban")
        rows.append((payment.id, account.id, iban, call.keys.seal(account.holder(call.keys), "payment", payment.id, "holder")))
    await package_store.snapshot_accounts(unit, rows)


async def _make_files(unit: UnitOfWork, keys: TownKeys, handed: HandedOver) -> PackageFile:
    """Makes and stores all files of a batch; answers the manifest.

    Refuses when a maker does: nothing of the hand-over is kept then.
    """
    stem = file_stem(handed.town, handed.today, handed.contents.batch.number)
    made: list[PackageFile] = []
    for maker in MAKERS:
        drafts = [DraftFile(f"{stem}{kind.name}", kind.package, kind.media_type) for kind in maker.kinds]
        try:
            await maker.make(unit, handed, made, drafts)
            made += [await _keep(unit, keys, handed, draft) for draft in drafts]
        finally:
            for draft in drafts:
                draft.close()
    with DraftFile(f"{stem}{MANIFEST.name}", MANIFEST.package, MANIFEST.media_type) as draft:
        sums = handed.contents.totals
        listed = [ManifestFile(f.name, f.package, f.sha256, f.bytes) for f in made]
        draft.write(
            write_manifest(handed.contents.batch.number, handed.town, handed.made_at, (sums.gross, sums.receipts, sums.net), listed)
        )
        return await _keep(unit, keys, handed, draft)


async def _keep(unit: UnitOfWork, keys: TownKeys, handed: HandedOver, draft: DraftFile) -> PackageFile:
    file = draft.done()
    await package_store.insert_file(unit, keys, handed.contents.batch.id, file, draft.pieces())
    return file

"""Handing a batch over to the treasury: accounts are fixed, money is posted, the packages are made. Nothing of it changes ever after."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.formats.hkr_csv import HkrRow, write_hkr
from but_gateway.formats.manifest import ManifestFile, write_manifest
from but_gateway.formats.pain001 import Controls, Instruction, Transfer, read_controls, write_pain001
from but_gateway.formats.positions_ndjson import write_position
from but_gateway.formats.sepa import bank_name
from but_gateway.identity.call import Call
from but_gateway.kit.clock import BERLIN
from but_gateway.procedures.settlement import draw_store, package_store, store
from but_gateway.procedures.settlement.model import Contents, Hold, PackageFile, Payment, State, Step
from but_gateway.procedures.settlement.package import DraftFile, FactTexts, position_record
from but_gateway.procedures.settlement.problems import AllPaymentsHeld, DebtorMissing, wrong_state
from but_gateway.procedures.settlement.schemas import BatchOut, order_number
from but_gateway.procedures.settlement.texts import ACCOUNT_BY_ORDERER, NO_ACCOUNT, file_stem
from but_gateway.registers.municipalities.settings import Debtor, Settings
from but_gateway.registers.municipalities.store import read_settings
from but_gateway.registers.providers.bank_store import usable_accounts
from but_gateway.registers.providers.change_store import PAYMENT, Change, tell_provider
from but_gateway.registers.providers.model import BankAccount
from but_gateway.registers.providers.store import load_providers
from but_gateway.web.answers import Answer
from but_gateway.web.problems import NotFound


class ControlSumError(Exception):
    """The payment file pays something else than the batch says: it must not leave."""


async def hand_over(unit: UnitOfWork, call: Call, batch_id: UUID) -> Answer:
    """Makes the packages of an ordered batch, in the transaction that ends it as a plan.

    Held payments leave, their positions are free again; so does a payment whose account is not usable (any more) or was proposed or
    confirmed by who ordered. Refuses when the batch is not ordered (WrongState), the town has no account to pay from (DebtorMissing),
    or nothing is left to pay (AllPaymentsHeld).
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
    holds = {p.id: _hold(p, accounts.get(p.provider_id), batch.ordered) for p in payments}
    if all(holds.values()):
        raise AllPaymentsHeld
    await _let_leave(unit, batch_id, payments, holds)
    await _fix_accounts(unit, call, [p for p in payments if holds[p.id] is None], accounts)
    await package_store.post_settlement(unit, batch_id, step.at)
    contents = await store.load_contents(unit, batch_id)
    controls, manifest = await _make_packages(unit, call, contents, accounts, (settings, settings.debtor))
    await store.move_batch(
        unit, batch_id, state=State.HANDED_OVER, handed_over_by=step.by, handed_over_at=step.at, control_count=controls.count,
        control_cents=controls.cents,
    )  # fmt: skip
    await store.note_step(unit, batch, "hand_over", step, State.HANDED_OVER)
    tell_provider(unit, _told(contents.payments, step.at))
    await record(
        unit, at=step.at, actor=step.by, action="settlement.hand_over", object_type="settlement_batch", object_id=batch_id,
        payload={"manifest": manifest.sha256, "count": controls.count, "cents": controls.cents},
    )  # fmt: skip
    return Answer(BatchOut.showing(await store.load_contents(unit, batch_id)))


def _told(payments: Sequence[Payment], at: datetime) -> list[Change]:
    """What the providers hear: the remittance of each payment is there."""
    return [Change(p.provider_id, at, PAYMENT, "remittance", p.id, {"state": "handed_over"}) for p in payments]


def _hold(payment: Payment, account: BankAccount | None, ordered: Step | None) -> Hold | None:
    """Why a payment leaves, None if it is paid."""
    if payment.hold is not None:
        return payment.hold
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
    await draw_store.free_positions(unit, batch_id, {p.provider_id for p in leaving})


async def _fix_accounts(unit: UnitOfWork, call: Call, payments: Sequence[Payment], accounts: Mapping[UUID, BankAccount]) -> None:
    rows = []
    for payment in payments:
        account = accounts[payment.provider_id]
        iban = call.keys.seal(account.iban(call.keys), "payment", payment.id, "iban")
        rows.append((payment.id, account.id, iban, call.keys.seal(account.holder(call.keys), "payment", payment.id, "holder")))
    await package_store.snapshot_accounts(unit, rows)


async def _make_packages(
    unit: UnitOfWork, call: Call, contents: Contents, accounts: Mapping[UUID, BankAccount], setting: tuple[Settings, Debtor]
) -> tuple[Controls, PackageFile]:
    """Writes and stores all files; answers what the payment file pays, and the manifest."""
    settings, debtor = setting
    stem = file_stem(call.town.key, call.today(), contents.batch.number)
    payees = {p.id: (accounts[p.provider_id].holder(call.keys), accounts[p.provider_id].iban(call.keys)) for p in contents.payments}
    files: list[PackageFile] = []

    async def keep(draft: DraftFile) -> None:
        files.append(draft.done())
        await package_store.insert_file(unit, contents.batch.id, files[-1], draft.pieces())

    with DraftFile(f"{stem}pain001.xml", "treasury", "application/xml") as draft:
        write_pain001(draft.as_writer(), _instruction(contents, debtor, call.now(), call.today()), _transfers(contents, payees))
        controls = read_controls(draft.reader())
        if (controls.count, controls.cents) != (len(contents.payments), contents.totals.net):
            raise ControlSumError
        await keep(draft)
    with DraftFile(f"{stem}HKR.csv", "treasury", "text/csv; charset=utf-8") as draft:
        write_hkr(draft.as_writer(), await _hkr_rows(unit, contents, settings, payees))
        await keep(draft)
    with DraftFile(f"{stem}Einzelposten.ndjson", "audit", "application/x-ndjson") as draft:
        await _write_positions(unit, contents, draft)
        await keep(draft)
    with DraftFile(f"{stem}manifest.json", "treasury", "application/json") as draft:
        totals = (contents.totals.gross, contents.totals.receipts, contents.totals.net)
        listed = [ManifestFile(f.name, f.package, f.sha256, f.bytes) for f in files]
        draft.write(write_manifest(contents.batch.number, call.town.key, call.now(), totals, listed))
        await keep(draft)
    return controls, files[-1]


def _instruction(contents: Contents, debtor: Debtor, made_at: datetime, today: date) -> Instruction:
    """A bank executes nothing in the past: what is due already is due today."""
    return Instruction(
        message_id=f"BUT-{contents.batch.number}",
        created_at=made_at.astimezone(BERLIN),
        due_on=max(contents.batch.due_on, today),
        debtor_name=bank_name(debtor.name).text,
        debtor_iban=debtor.iban,
        debtor_bic=debtor.bic,
    )


def _transfers(contents: Contents, payees: Mapping[UUID, tuple[str, str]]) -> list[Transfer]:
    return [
        Transfer(p.end_to_end_id, p.net, bank_name(payees[p.id][0]).text, payees[p.id][1], p.remittance_text) for p in contents.payments
    ]


async def _hkr_rows(unit: UnitOfWork, contents: Contents, settings: Settings, payees: Mapping[UUID, tuple[str, str]]) -> list[HkrRow]:
    payments = {p.id: p for p in contents.payments}
    providers = await load_providers(unit, {p.provider_id for p in contents.payments})
    assigned = {(a.legal_basis, a.benefit): a for a in settings.account_assignments}
    rows = []
    for order in contents.orders:
        payment, assignment = payments[order.payment_id], assigned.get((order.legal_basis, order.benefit))
        holder, iban = payees[payment.id]
        printed = bank_name(holder)
        rows.append(
            HkrRow(
                batch=contents.batch.number,
                order=order_number(contents.batch.number, order.serial),
                creditor=providers[payment.provider_id].creditor_number or "",
                # What the bank cannot take whole is shown as the bank gets it, and said to be cut.
                name=f"{printed.text} [gekürzt]" if printed.shortened else holder,
                iban=iban,
                net_cents=order.net,
                due_on=contents.batch.due_on,
                fiscal_year=order.fiscal_year,
                product=assignment.product if assignment else "",
                account=assignment.account if assignment else "",
                cost_centre=(assignment.cost_centre or "") if assignment else "",
                legal_basis=order.legal_basis,
                benefit=order.benefit,
                remittance_text=payment.remittance_text,
            )
        )
    return rows


async def _write_positions(unit: UnitOfWork, contents: Contents, draft: DraftFile) -> None:
    texts = FactTexts()
    async for rows in package_store.read_positions(unit, contents.batch.id):
        facts = [row["facts"] for row in rows]
        for _ in ("contexts", "the parts they name"):
            missing = texts.missing(facts)
            if missing:
                texts.add(await package_store.load_fact_parts(unit, missing))
        for row in rows:
            draft.write(write_position(position_record(row, contents.batch.number, texts.text(row["facts"]))))

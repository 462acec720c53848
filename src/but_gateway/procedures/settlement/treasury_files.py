"""What the treasury gets: the payment file for the bank, the orders for its books. Payments and orders only, no position, no child."""

from collections.abc import Sequence
from typing import Final

from but_gateway.db.session import UnitOfWork
from but_gateway.formats.hkr_csv import HkrRow, write_hkr
from but_gateway.formats.pain001 import Instruction, Transfer, read_controls, write_pain001
from but_gateway.formats.sepa import bank_name
from but_gateway.kit.clock import BERLIN
from but_gateway.procedures.settlement.model import PackageFile
from but_gateway.procedures.settlement.package import DraftFile, FileKind, FileMaker, HandedOver
from but_gateway.procedures.settlement.schemas import order_number


class ControlSumError(Exception):
    """The payment file pays something else than the batch says: it must not leave."""


async def _make_payments(_unit: UnitOfWork, handed: HandedOver, _made: Sequence[PackageFile], drafts: Sequence[DraftFile]) -> None:
    """Writes pain001.xml and reads it back. Refuses when it breaks a rule (BrokenPaymentFileError) or pays something else."""
    (draft,) = drafts
    contents = handed.contents
    write_pain001(draft.as_writer(), _instruction(handed), _transfers(handed))
    controls = read_controls(draft.reader())
    if (controls.count, controls.cents) != (len(contents.payments), contents.totals.net):
        raise ControlSumError


async def _make_hkr(_unit: UnitOfWork, handed: HandedOver, _made: Sequence[PackageFile], drafts: Sequence[DraftFile]) -> None:
    (draft,) = drafts
    write_hkr(draft.as_writer(), _hkr_rows(handed))


PAYMENTS: Final = FileMaker((FileKind("pain001.xml", "treasury", "application/xml"),), _make_payments)
HKR: Final = FileMaker((FileKind("HKR.csv", "treasury", "text/csv; charset=utf-8"),), _make_hkr)


def _instruction(handed: HandedOver) -> Instruction:
    """A bank executes nothing in the past: what is due already is due today."""
    debtor, batch = handed.debtor, handed.contents.batch
    return Instruction(
        message_id=f"BUT-{batch.number}",
        created_at=handed.made_at.astimezone(BERLIN),
        due_on=max(batch.due_on, handed.today),
        debtor_name=bank_name(debtor.name).text,
        debtor_iban=debtor.iban,
        debtor_bic=debtor.bic,
    )


def _transfers(handed: HandedOver) -> list[Transfer]:
    return [
        Transfer(p.end_to_end_id, p.net, bank_name(handed.payees[p.id].holder).text, handed.payees[p.id].iban, p.remittance_text)
        for p in handed.contents.payments
    ]


def _hkr_rows(handed: HandedOver) -> list[HkrRow]:
    payments = {p.id: p for p in handed.contents.payments}
    assigned = {(a.legal_basis, a.benefit): a for a in handed.settings.account_assignments}
    rows = []
    for order in handed.contents.orders:
        payment, assignment = payments[order.payment_id], assigned.get((order.legal_basis, order.benefit))
        payee = handed.payees[payment.id]
        printed = bank_name(payee.holder)
        rows.append(
            HkrRow(
                batch=handed.contents.batch.number,
                order=order_number(handed.contents.batch.number, order.serial),
                creditor=handed.providers[payment.provider_id].creditor_number or "",
                # What the bank cannot take whole is shown as the bank gets it, and said to be cut.
                name=f"{printed.text} [gekürzt]" if printed.shortened else payee.holder,
                iban=payee.iban,
                net_cents=order.net,
                due_on=handed.contents.batch.due_on,
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

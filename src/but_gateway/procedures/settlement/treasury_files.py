"""What the treasury gets: the payment file for the bank, the orders for its books. Payments and orders only, no position, no child.

All of it is written beside the loop: ten thousand payments take seconds, in which others want answers.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

from but_gateway.db.session import UnitOfWork
from but_gateway.formats.hkr_csv import HkrRow, Signature, UnfitForProfileError, write_hkr
from but_gateway.formats.pain001 import BrokenPaymentFileError, Instruction, Transfer, check_against, read_controls, write_pain001
from but_gateway.formats.sepa import bank_name
from but_gateway.formats.xlsx import write_workbook
from but_gateway.kit.clock import BERLIN, business_day
from but_gateway.law.basis import LegalBasis
from but_gateway.procedures.settlement.file_problems import InterfaceUnfit, PaymentFileRefused, no_profile, refused, unfit
from but_gateway.procedures.settlement.model import PackageFile, Step
from but_gateway.procedures.settlement.package import XLSX, DraftFile, FileKind, FileMaker, HandedOver
from but_gateway.procedures.settlement.schemas import order_number
from but_gateway.procedures.settlement.treasury_book import assignment_of, kind_of, printed_name, treasury_sheets
from but_gateway.registers.providers.agreement_schemas import BENEFIT_NAMES


class ControlSumError(Exception):
    """The payment file pays something else than the batch says: it must not leave."""


async def _make_payments(_unit: UnitOfWork, handed: HandedOver, _made: Sequence[PackageFile], drafts: Sequence[DraftFile]) -> None:
    """Writes pain001.xml and reads it back. Refuses when it breaks a rule (PaymentFileRefused) or pays something else."""
    try:
        await asyncio.to_thread(_write_payments, handed, *drafts)
    except BrokenPaymentFileError as error:
        raise PaymentFileRefused(refused(str(error))) from error


def _write_payments(handed: HandedOver, draft: DraftFile) -> None:
    contents = handed.contents
    write_pain001(draft.as_writer(), _instruction(handed), _transfers(handed))
    controls = read_controls(draft.reader())
    if handed.options.payment_schema is not None:
        check_against(draft.reader(), handed.options.payment_schema)
    if (controls.count, controls.cents) != (len(contents.payments), contents.totals.net):
        raise ControlSumError


async def _make_hkr(_unit: UnitOfWork, handed: HandedOver, _made: Sequence[PackageFile], drafts: Sequence[DraftFile]) -> None:
    """Writes HKR.csv by the town's profile. Refuses when there is none of its name or an order does not fit it (InterfaceUnfit)."""
    (draft,) = drafts
    profile = handed.options.profiles.get(handed.settings.hkr_profile)
    if profile is None:
        raise InterfaceUnfit(no_profile(handed.settings.hkr_profile))
    draft.media_type = profile.media_type
    try:
        await asyncio.to_thread(write_hkr, draft.as_writer(), profile, _hkr_rows(handed))
    except UnfitForProfileError as error:
        raise InterfaceUnfit(unfit(error)) from error


async def _make_book(_unit: UnitOfWork, handed: HandedOver, _made: Sequence[PackageFile], drafts: Sequence[DraftFile]) -> None:
    (draft,) = drafts
    title = f"Abrechnungslauf {handed.contents.batch.number}, {handed.settings.name}"
    await asyncio.to_thread(write_workbook, draft.as_writer(), treasury_sheets(handed), handed.made_at, title=title)


PAYMENTS: Final = FileMaker((FileKind("pain001.xml", "treasury", "application/xml"),), _make_payments)
HKR: Final = FileMaker((FileKind("HKR.csv", "treasury", "text/csv; charset=utf-8"),), _make_hkr)
BOOK: Final = FileMaker((FileKind("Zahlungen.xlsx", "treasury", XLSX),), _make_book)


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


def _hkr_rows(handed: HandedOver) -> Iterator[HkrRow]:
    contents = handed.contents
    payments = {p.id: p for p in contents.payments}
    for order in contents.orders:
        payment, service = payments[order.payment_id], handed.services.get(order.id)
        assignment = assignment_of(handed, order)
        payee, provider = handed.payees[payment.id], handed.providers[payment.provider_id]
        yield HkrRow(
            batch=contents.batch.number,
            order=order_number(contents.batch.number, order.serial),
            creditor=provider.creditor_number or "",
            name=printed_name(payee.holder),
            iban=payee.iban,
            net_cents=order.net,
            gross_cents=order.gross,
            receipts_cents=order.receipts,
            due_on=contents.batch.due_on,
            fiscal_year=order.fiscal_year,
            product=assignment.product if assignment else "",
            account=assignment.account if assignment else "",
            cost_centre=(assignment.cost_centre or "") if assignment else "",
            legal_basis=order.legal_basis,
            legal_basis_name=LegalBasis(order.legal_basis).german_name,
            benefit=order.benefit,
            benefit_name=BENEFIT_NAMES[order.benefit],
            remittance_text=payment.remittance_text,
            end_to_end_id=payment.end_to_end_id,
            payment=payment.serial,
            kind=kind_of(order),
            positions=order.positions,
            municipality=handed.settings.name,
            vat_id=provider.vat_id or "",
            invoices=", ".join(number for number, _ in service.invoices) if service else "",
            service_from=service.first_day if service else None,
            service_to=service.last_day if service else None,
            factual=_signature(contents.batch.factual),
            arithmetical=_signature(contents.batch.arithmetical),
            ordered=_signature(contents.batch.ordered),
            handed_over_on=handed.today,
        )


def _signature(step: Step | None) -> Signature:
    return Signature() if step is None else Signature(step.by, business_day(step.at))

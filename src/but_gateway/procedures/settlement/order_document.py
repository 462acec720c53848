"""Anordnung.pdf of a batch: who certified and ordered what, where the books record it, who is paid. It names the files made before it."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from but_gateway.db.session import UnitOfWork
from but_gateway.formats.pdf_payment_order import BudgetLine, NamedHash, Payee, PaymentOrderDocument, Signed, write_payment_order
from but_gateway.identity.principal import OWN_ISSUER
from but_gateway.identity.store import find_names
from but_gateway.law.basis import LegalBasis
from but_gateway.procedures.settlement.assignments import assignment_of_order
from but_gateway.procedures.settlement.model import Batch, Order, PackageFile, Step
from but_gateway.procedures.settlement.package import DraftFile, FileKind, FileMaker, HandedOver
from but_gateway.procedures.settlement.treasury_book import printed_name
from but_gateway.registers.providers.agreement_schemas import BENEFIT_NAMES

# The provisions that services for education and participation rest on, by legal basis.
_PROVISIONS: Final[Mapping[LegalBasis, str]] = {
    LegalBasis.SGB2: "§§ 28, 29 SGB II",
    LegalBasis.BKGG: "§ 6b BKGG",
    LegalBasis.SGB12_3: "§§ 34, 34a SGB XII",
    LegalBasis.SGB12_4: "§§ 34, 34a, 42 SGB XII",
    LegalBasis.ASYLBLG_2: "§ 2 AsylbLG, §§ 34, 34a SGB XII",
    LegalBasis.ASYLBLG_3: "§ 3 AsylbLG, §§ 34, 34a SGB XII",
}


async def _make_order(unit: UnitOfWork, handed: HandedOver, made: Sequence[PackageFile], drafts: Sequence[DraftFile]) -> None:
    (draft,) = drafts
    steps = _steps(handed.contents.batch)
    own = {step.by: step.by.partition("|")[2] for _, step in steps if step.by.startswith(f"{OWN_ISSUER}|")}
    names = await find_names(unit.driver, own.values())
    signed = [Signed(what, names.get(own.get(step.by, ""), ""), step.by, step.at) for what, step in steps]
    document = _document(handed, signed, made)
    draft.write(await asyncio.to_thread(write_payment_order, document))


def _document(handed: HandedOver, signed: Sequence[Signed], made: Sequence[PackageFile]) -> PaymentOrderDocument:
    batch, totals, debtor = handed.contents.batch, handed.contents.totals, handed.debtor
    return PaymentOrderDocument(
        town=handed.settings.name,
        batch=batch.number,
        debtor_name=debtor.name,
        debtor_iban=debtor.iban,
        debtor_bic=debtor.bic,
        cutoff=batch.cutoff,
        due_on=batch.due_on,
        gross=totals.gross,
        receipts=totals.receipts,
        ground=_ground(handed.contents.orders),
        budget_lines=_budget_lines(handed),
        steps=signed,
        files=[NamedHash(file.name, file.sha256) for file in made],
        payees=_payees(handed),
        made_at=handed.made_at,
    )


def _steps(batch: Batch) -> list[tuple[str, Step]]:
    found = (
        ("Lauf erstellt", batch.drawn_up),
        ("Sachlich richtig festgestellt", batch.factual),
        ("Rechnerisch richtig festgestellt", batch.arithmetical),
        ("Angeordnet", batch.ordered),
    )
    return [(what, step) for what, step in found if step is not None]


def _ground(orders: Iterable[Order]) -> str:
    bases = sorted({LegalBasis(order.legal_basis) for order in orders}, key=lambda basis: basis.payment_rank)
    provisions = "; ".join(_PROVISIONS[basis] for basis in bases)
    return (
        f"Leistungen für Bildung und Teilhabe ({provisions}), erbracht von den unten genannten Anbietern und von ihnen abgerechnet. Jede"
        " Position ist geprüft und entschieden; die Einzelposten mit Gründen, Bewilligungen und Beträgen liegen der Prüfung vor"
        " (Einzelposten.ndjson, Einzelposten.xlsx)."
    )


def _budget_lines(handed: HandedOver) -> list[BudgetLine]:
    """Sums of the orders by where the books record them, by year and in order of payment of the legal bases."""
    sums: dict[tuple[int, str, str, str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for order in handed.contents.orders:
        assigned = assignment_of_order(handed.settings, handed.contents.batch, order)
        accounts = (assigned.product, assigned.account, assigned.cost_centre or "") if assigned else ("", "", "")
        line = sums[order.fiscal_year, *accounts, order.legal_basis, order.benefit]
        line[0] += order.gross
        line[1] += order.receipts
    ordered = sorted(sums.items(), key=lambda item: (item[0][0], LegalBasis(item[0][4]).payment_rank, item[0][1:]))
    return [
        BudgetLine(year, product, account, centre, LegalBasis(basis).german_name, BENEFIT_NAMES[benefit], gross, receipts)
        for (year, product, account, centre, basis, benefit), (gross, receipts) in ordered
    ]


def _payees(handed: HandedOver) -> list[Payee]:
    payees = []
    for payment in handed.contents.payments:
        account = handed.payees[payment.id]
        creditor = handed.providers[payment.provider_id].creditor_number or ""
        name = printed_name(account.holder)
        payees.append(Payee(payment.serial, name, creditor, account.iban, payment.net, payment.remittance_text, payment.end_to_end_id))
    return payees


ORDER_DOCUMENT: Final = FileMaker((FileKind("Anordnung.pdf", "treasury", "application/pdf"),), _make_order)

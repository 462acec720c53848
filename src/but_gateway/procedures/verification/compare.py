"""Compares the files of a package with each other: whatever two of them say of the same thing must be the same, to the cent."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from but_gateway.formats.sepa import bank_name
from but_gateway.kit.clock import print_moment
from but_gateway.kit.money import print_euro_de
from but_gateway.procedures.verification.model import AdviceSum, BankFile, Findings, Listed, Manifest, OrderRow, PaidRow, Positions
from but_gateway.procedures.verification.read_books import TreasuryBook
from but_gateway.procedures.verification.read_order_document import hashes_in
from but_gateway.procedures.verification.read_workbook import Number

_BANK, _BOOK, _HKR, _LINES = "pain001.xml", "Zahlungen.xlsx", "HKR.csv", "Einzelposten.ndjson"
_ADVICES, _PAPER = "Avise.zip", "Anordnung.pdf"
# Of more payments the paper says that they stand elsewhere.
_PAYEES_LISTED_MAX: Final = 1_000
_SHORTENED: Final = " [gekürzt]"


def manifest_with_bank(manifest: Manifest, bank: BankFile, findings: Findings) -> None:
    """The sum that is paid, the batch, and the moment of making."""
    findings.require(sum(one.cents for one in bank.transfers.values()) == manifest.net, "total_differs", _BANK)
    findings.require(bank.message_id == f"BUT-{manifest.batch}", "batch_differs", _BANK)
    try:
        made = print_moment(datetime.fromisoformat(bank.created_at))
    except ValueError:
        made = ""
    # The bank's moment has no milliseconds.
    findings.require(made[:19] == manifest.created_at[:19], "moment_differs", _BANK)


def manifest_with_book(manifest: Manifest, book: TreasuryBook, findings: Findings) -> None:
    """Cover and sheets against the totals."""
    for name, cents in (("Auszahlungen", manifest.gross), ("Absetzungen", manifest.receipts), ("Zahlbetrag", manifest.net)):
        cell = book.cover.get(name)
        findings.require(isinstance(cell, Number) and _cents(cell) == cents, "total_differs", _BOOK, f"Deckblatt {name}")
    findings.require(book.cover.get("Abrechnungslauf") == manifest.batch, "batch_differs", _BOOK, "Deckblatt")
    for name, count in (("Zahlungen", len(book.paid)), ("Anordnungen", len(book.orders))):
        findings.require(book.cover.get(name) == Number(str(count)), "count_wrong", _BOOK, f"Deckblatt {name}")
    rows: Sequence[PaidRow | OrderRow]
    for place, rows in (("Zahlungen", book.paid), ("Anordnungen", book.orders)):
        sums = (sum(r.gross or 0 for r in rows), sum(r.receipts or 0 for r in rows), sum(r.net for r in rows))
        findings.require(sums == (manifest.gross, manifest.receipts, manifest.net), "total_differs", _BOOK, place)


def _cents(cell: Number) -> int | None:
    try:
        return cell.cents
    except ValueError:
        return None


def book_with_bank(book: TreasuryBook, bank: BankFile, findings: Findings) -> None:
    """Each payment: amount, account, name, text."""
    findings.require(len(book.paid) == len(bank.transfers), "count_wrong", _BOOK, "Zahlungen")
    for row in book.paid:
        transfer = bank.transfers.get(row.end_to_end_id)
        if not findings.require(transfer, "payment_missing", _BANK, row.end_to_end_id) or transfer is None:
            continue
        findings.require(transfer.cents == row.net, "amount_differs", _BOOK, row.place)
        findings.require(transfer.iban == row.iban, "iban_differs", _BOOK, row.place)
        findings.require(transfer.text == row.text, "text_differs", _BOOK, row.place)
        findings.require(_same_name(row.name, transfer.name), "name_differs", _BOOK, row.place)
    findings.require(book.cover.get("IBAN des Auftraggebers") == bank.debtor_iban, "iban_differs", _BOOK, "Deckblatt")


def _same_name(listed: str, paid: str) -> bool:
    return (listed.removesuffix(_SHORTENED) if listed.endswith(_SHORTENED) else bank_name(listed).text) == paid


def book_by_itself(book: TreasuryBook, findings: Findings) -> None:
    """Payments are the sums of their orders; the sums by account are those of the orders; reductions are their receipts."""
    numbers = [row.number for row in book.orders]
    findings.require(numbers == sorted(set(numbers)), "order_wrong", _BOOK, "Anordnungen")
    due = {row.due_on for row in book.paid} | {row.due_on for row in book.orders}
    findings.require(len(due) <= 1, "due_differs", _BOOK)
    payments = {row.end_to_end_id: row for row in book.paid}
    findings.require(len(payments) == len(book.paid), "twice", _BOOK, "Zahlungen")
    sums: dict[str, list[int]] = {}
    for row in book.orders:
        payment = payments.get(row.end_to_end_id or "")
        findings.require((row.gross or 0) - (row.receipts or 0) == row.net, "sum_wrong", _BOOK, row.place)
        if not findings.require(payment, "payment_missing", _BOOK, row.place) or payment is None:
            continue
        same = (payment.creditor, payment.name, payment.text) == (row.creditor, row.name, row.text)
        findings.require(same, "text_differs", _BOOK, row.place)
        line = sums.setdefault(payment.end_to_end_id, [0, 0, 0])
        for column, cents in enumerate((row.net, row.gross or 0, row.receipts or 0)):
            line[column] += cents
    for paid in book.paid:
        findings.require(paid.end_to_end_id.endswith(f"-{paid.serial:05d}"), "payment_differs", _BOOK, paid.place)
        findings.require(sums.get(paid.end_to_end_id) == [paid.net, paid.gross, paid.receipts], "sum_wrong", _BOOK, paid.place)
        findings.require(paid.net > 0 and paid.gross - paid.receipts == paid.net, "sum_wrong", _BOOK, paid.place)
    findings.require(book.sums == Counter(_by_account(book.orders)), "sum_wrong", _BOOK, "Summen")
    reductions = Counter((row.number, row.receipts) for row in book.orders if row.receipts)
    findings.require(book.reductions == reductions, "sum_wrong", _BOOK, "Korrekturen")


def _by_account(orders: Iterable[OrderRow]) -> Iterable[tuple[Any, ...]]:
    lines: dict[tuple[Any, ...], list[int]] = {}
    for row in orders:
        line = lines.setdefault((row.legal_basis, row.benefit, row.fiscal_year, *row.books), [0, 0, 0, 0, 0])
        for column, amount in enumerate((1, row.positions or 0, row.gross or 0, row.receipts or 0, row.net)):
            line[column] += amount
    return ((*key, *line) for key, line in lines.items())


def orders_alike(hkr: Sequence[OrderRow], book: TreasuryBook, findings: Findings) -> None:
    """The interface file and the sheet of orders, row by row."""
    findings.require(len(hkr) == len(book.orders), "count_wrong", _HKR)
    listed = {row.number: row for row in book.orders}
    for row in hkr:
        other = listed.get(row.number)
        if findings.require(other, "order_missing", _BOOK, row.number) and other is not None:
            findings.require(_told(row) == _told(other), "order_differs", _HKR, row.place)


def _told(row: OrderRow) -> tuple[Any, ...]:
    return row.creditor, row.name, row.net, row.due_on, row.fiscal_year, row.books, row.legal_basis, row.benefit, row.text


def hkr_with_bank(hkr: Sequence[OrderRow], bank: BankFile, findings: Findings) -> None:
    """Orders carry no payment in the generic profile: they are compared by account and text."""
    numbers = [row.number for row in hkr]
    findings.require(numbers == sorted(set(numbers)), "order_wrong", _HKR)
    paid: Counter[tuple[Any, ...]] = Counter()
    for one in bank.transfers.values():
        paid[one.iban, one.text] += one.cents
    ordered: Counter[tuple[Any, ...]] = Counter()
    for row in hkr:
        ordered[row.iban, row.text] += row.net
    for place in {row.place: None for row in hkr if paid[row.iban, row.text] != ordered[row.iban, row.text]}:
        findings.add("amount_differs", _HKR, place)
    findings.require(paid == ordered, "amount_differs", _HKR)
    names = {(one.iban, one.text): one.name for one in bank.transfers.values()}
    for row in hkr:
        findings.require(_same_name(row.name, names.get((row.iban or "", row.text), "")), "name_differs", _HKR, row.place)


def hkr_with_manifest(hkr: Sequence[OrderRow], manifest: Manifest, findings: Findings) -> None:
    """The sum of the orders."""
    findings.require(sum(row.net for row in hkr) == manifest.net, "total_differs", _HKR)


def positions_with_manifest(positions: Positions, manifest: Manifest, repeated: int | None, findings: Findings) -> None:
    """The sum of the positions, with what repeats of returned payments pay: their positions stand in the batch of the first one.

    ``repeated``: None when nothing at hand tells of repeats; then what is missing may be theirs.
    """
    net = sum(order.gross - order.receipts for order in positions.orders.values())
    if repeated is None and net < manifest.net:
        findings.add("perhaps_repeats", _LINES, note=True)
    else:
        findings.require(net + (repeated or 0) == manifest.net, "total_differs", _LINES)


def positions_with_orders(
    positions: Positions, orders: Sequence[OrderRow], repeats: frozenset[str] | None, file: str, findings: Findings
) -> None:
    """Each order is the sum of its positions."""
    for row in orders:
        found = positions.orders.get(row.number)
        if found is None:
            if repeats is None:
                findings.add("perhaps_repeats", file, row.place, note=True)
            else:
                findings.require(row.end_to_end_id in repeats, "positions_missing", file, row.place)
            continue
        same = (found.legal_basis, found.benefit, found.fiscal_year) == (row.legal_basis, row.benefit, row.fiscal_year)
        findings.require(same, "order_differs", file, row.place)
        findings.require(found.gross - found.receipts == row.net, "amount_differs", file, row.place)
        if row.gross is not None:
            findings.require(
                (found.gross, found.receipts, found.positions) == (row.gross, row.receipts, row.positions),
                "amount_differs",
                file,
                row.place,
            )
            findings.require(found.payment == row.end_to_end_id, "payment_differs", file, row.place)
    for number in sorted(positions.orders.keys() - {row.number for row in orders}):
        findings.add("order_missing", file, number)


def positions_with_payments(positions: Positions, paid: Sequence[PaidRow], findings: Findings) -> None:
    """Each payment goes to the provider of its positions."""
    for row in paid:
        findings.require(positions.providers.get(row.end_to_end_id, row.provider) == row.provider, "payment_differs", _BOOK, row.place)


def positions_with_bank(positions: Positions, bank: BankFile, repeats: frozenset[str] | None, findings: Findings) -> None:
    """Each payment is the sum of its positions."""
    sums: Counter[str] = Counter()
    for order in positions.orders.values():
        sums[order.payment] += order.gross - order.receipts
    for end_to_end_id, transfer in bank.transfers.items():
        if repeats is None and end_to_end_id not in sums:
            findings.add("perhaps_repeats", _BANK, end_to_end_id, note=True)
        elif end_to_end_id not in (repeats or ()):
            findings.require(sums[end_to_end_id] == transfer.cents, "amount_differs", _BANK, end_to_end_id)
    for end_to_end_id in sorted(sums.keys() - bank.transfers.keys()):
        findings.add("payment_missing", _BANK, end_to_end_id)


def advices_with_payments(advised: Mapping[str, AdviceSum], paid: Mapping[str, int], findings: Findings) -> None:
    """Each payment has its advice, which comes to what is paid."""
    for end_to_end_id, cents in paid.items():
        advice = advised.get(_advice_number(end_to_end_id))
        if findings.require(advice, "advice_missing", _ADVICES, end_to_end_id) and advice is not None:
            findings.require(advice.gross - advice.receipts == cents, "amount_differs", _ADVICES, advice.place)
    for number in sorted(advised.keys() - {_advice_number(one) for one in paid}):
        findings.add("payment_missing", _ADVICES, number)


def advices_with_positions(advised: Mapping[str, AdviceSum], positions: Positions, findings: Findings) -> None:
    """Each advice tells every position that is paid, and none else as paid."""
    for end_to_end_id, told in positions.told.items():
        advice = advised.get(_advice_number(end_to_end_id))
        if advice is not None:
            findings.require(told <= advice.rows, "row_missing", _ADVICES, advice.place)
            findings.require(advice.rows <= told, "row_differs", _ADVICES, advice.place)


def _advice_number(end_to_end_id: str) -> str:
    return end_to_end_id.removeprefix("BUT-")


def document_with_manifest(text: str, manifest: Manifest, findings: Findings) -> None:
    """The paper to sign: its sums, the hash of every other file, and the fingerprint over them."""
    for cents in (manifest.net, manifest.gross, manifest.receipts):
        findings.require(_printed(cents) in text, "total_differs", _PAPER)
    findings.require(manifest.batch in text, "batch_differs", _PAPER)
    named = hashes_in(text)
    others = [one for one in manifest.files if not one.name.endswith(_PAPER)]
    for one in others:
        findings.require(one.sha256 in named, "hash_differs", _PAPER, one.name.rpartition("_")[2])
    findings.require(fingerprint(others) in named, "fingerprint_differs", _PAPER)


def document_with_bank(text: str, bank: BankFile, findings: Findings) -> None:
    """The paper to sign: what is paid in all and, where it lists them, each payment."""
    findings.require(_printed(sum(one.cents for one in bank.transfers.values())) in text, "total_differs", _PAPER)
    if len(bank.transfers) > _PAYEES_LISTED_MAX:
        return
    for one in bank.transfers.values():
        listed = one.end_to_end_id in text and one.iban in text and _printed(one.cents) in text
        findings.require(listed, "payment_differs", _PAPER, one.end_to_end_id)


def _printed(cents: int) -> str:
    return "".join(print_euro_de(cents).split())


def fingerprint(files: Iterable[Listed]) -> str:
    """SHA-256 over the lines that ``sha256sum`` prints of the files, in the order of their names."""
    lines = "".join(f"{one.sha256}  {one.name}\n" for one in sorted(files, key=lambda one: one.name))
    return hashlib.sha256(lines.encode()).hexdigest()

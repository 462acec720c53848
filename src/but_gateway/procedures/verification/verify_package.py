"""Checks a package from its files alone: hashes, sums across all files, the schema, and every decision made again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from but_gateway.procedures.verification import compare
from but_gateway.procedures.verification.model import AdviceSum, BankFile, Findings, Manifest, OrderRow, Positions
from but_gateway.procedures.verification.opening import Package, open_package
from but_gateway.procedures.verification.read_advices import read_advices
from but_gateway.procedures.verification.read_bank_file import read_bank_file
from but_gateway.procedures.verification.read_books import TreasuryBook, read_positions_book, read_treasury_book
from but_gateway.procedures.verification.read_hkr import read_hkr
from but_gateway.procedures.verification.read_manifest import read_manifest
from but_gateway.procedures.verification.read_order_document import read_order_document
from but_gateway.procedures.verification.read_positions import read_positions


@dataclass(frozen=True, slots=True)
class PackageReport:
    """What was checked and what was found. Money in cents; None where no file says it."""

    findings: Findings
    batch: str | None
    files: tuple[str, ...]
    net: int | None
    payments: int | None
    orders: int | None
    positions: int | None
    recomputed: int
    by_person: int
    other_rule_set: int


def verify_package(path: Path) -> PackageReport:
    """Checks whatever of a batch's files is there; each file more is compared with the others.

    Refuses when there is nothing to check (NoPackageError).
    """
    findings = Findings()
    package = open_package(path, findings)
    try:
        return _verify(package, findings)
    finally:
        package.close()


def _verify(package: Package, findings: Findings) -> PackageReport:
    read = _read(package, findings)
    _compare(read, findings)
    positions = read.positions or Positions()
    _tell(read, positions, findings)
    manifest, book_orders = read.manifest, None if read.book is None else read.book.orders
    orders = read.hkr if read.hkr is not None else book_orders
    return PackageReport(
        findings, manifest.batch if manifest else None, tuple(sorted(package.names)), manifest.net if manifest else None,
        None if read.paid is None else len(read.paid), None if orders is None else len(orders),
        None if read.positions is None else positions.count, positions.recomputed, positions.by_person, positions.other_rule_set,
    )  # fmt: skip


@dataclass(slots=True)
class _Read:
    """What could be read; None for a file that is not there or is none."""

    manifest: Manifest | None
    bank: BankFile | None
    book: TreasuryBook | None
    hkr: Sequence[OrderRow] | None
    positions: Positions | None
    advised: Mapping[str, AdviceSum] | None
    document: str | None

    @property
    def paid(self) -> Mapping[str, int] | None:
        """What is paid, by EndToEndId: by the bank's file or else the book."""
        if self.bank is not None:
            return {one.end_to_end_id: one.cents for one in self.bank.transfers.values()}
        return {row.end_to_end_id: row.net for row in self.book.paid} if self.book is not None else None

    @property
    def repeats(self) -> frozenset[str] | None:
        """Payments that repeat a returned one: their positions stand in the batch of the first one. None: only the book tells of them."""
        return frozenset(row.end_to_end_id for row in self.book.paid if row.repeats) if self.book is not None else None


def _read(package: Package, findings: Findings) -> _Read:
    manifest = read_manifest(package, findings) if package.has("manifest.json") else None
    positions = read_positions(package, findings) if package.has("Einzelposten.ndjson") else None
    if package.has("Einzelposten.xlsx"):
        read_positions_book(package, positions, findings)
    return _Read(
        manifest,
        read_bank_file(package, findings) if package.has("pain001.xml") else None,
        read_treasury_book(package, findings) if package.has("Zahlungen.xlsx") else None,
        read_hkr(package, manifest.batch if manifest else None, findings) if package.has("HKR.csv") else None,
        positions,
        read_advices(package, findings) if package.has("Avise.zip") else None,
        read_order_document(package, findings) if package.has("Anordnung.pdf") else None,
    )


def _compare(read: _Read, findings: Findings) -> None:
    """Every two files that say the same thing; whoever changes one has to change all of them."""

    def run(check: Callable[..., None], *parts: object) -> None:
        if all(part is not None for part in parts):
            check(*parts, findings)

    manifest, bank, book, hkr, positions, paid = read.manifest, read.bank, read.book, read.hkr, read.positions, read.paid
    run(compare.manifest_with_bank, manifest, bank)
    run(compare.manifest_with_book, manifest, book)
    run(compare.book_by_itself, book)
    run(compare.book_with_bank, book, bank)
    run(compare.hkr_with_bank, hkr, bank)
    run(compare.hkr_with_manifest, hkr, manifest)
    run(compare.orders_alike, hkr, book)
    if positions is not None:
        _compare_positions(read, positions, findings)
    run(compare.advices_with_payments, read.advised, paid)
    run(compare.advices_with_positions, read.advised, positions)
    run(compare.document_with_manifest, read.document, manifest)
    run(compare.document_with_bank, read.document, bank)


def _compare_positions(read: _Read, positions: Positions, findings: Findings) -> None:
    """Positions against what is ordered and paid for them."""
    repeats, book, paid = read.repeats, read.book, read.paid or {}
    if book is not None:
        compare.positions_with_orders(positions, book.orders, repeats, "Zahlungen.xlsx", findings)
        compare.positions_with_payments(positions, book.paid, findings)
    elif read.hkr is not None:
        compare.positions_with_orders(positions, read.hkr, repeats, "HKR.csv", findings)
    if read.bank is not None:
        compare.positions_with_bank(positions, read.bank, repeats, findings)
    if read.manifest is not None:
        repeated = None if repeats is None else sum(paid[one] for one in repeats)
        compare.positions_with_manifest(positions, read.manifest, repeated, findings)


def _tell(read: _Read, positions: Positions, findings: Findings) -> None:
    """What was not checked, so that nobody takes silence for a yes."""
    if read.manifest is None:
        findings.add("no_manifest", "manifest.json", note=True)
    if positions.other_rule_set:
        findings.add("other_rule_set", "Einzelposten.ndjson", str(positions.other_rule_set), note=True)
    if positions.by_person:
        findings.add("by_person", "Einzelposten.ndjson", str(positions.by_person), note=True)

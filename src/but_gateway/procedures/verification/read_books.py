"""Reads Zahlungen.xlsx and Einzelposten.xlsx: their rows, and whether the sums below the rows are what the rows come to."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from but_gateway.law.basis import PAYMENT_ORDER
from but_gateway.procedures.verification.model import Findings, OrderRow, PaidRow, Positions
from but_gateway.procedures.verification.opening import Package
from but_gateway.procedures.verification.read_positions import row_digest
from but_gateway.procedures.verification.read_workbook import BrokenWorkbookError, Cell, Number, Workbook
from but_gateway.registers.providers.agreement_schemas import BENEFIT_NAMES

_PAYMENTS: Final = "Zahlungen.xlsx"
_POSITIONS: Final = "Einzelposten.xlsx"
_EPOCH: Final = date(1899, 12, 30)
_BASES: Final = {basis.german_name: basis.value for basis in PAYMENT_ORDER}
_BENEFITS: Final = {name: key for key, name in BENEFIT_NAMES.items()}
_DECISIONS: Final = {"anerkannt": "accepted", "gekürzt": "reduced"}
_MISSHAPEN: Final = (ValueError, KeyError, TypeError, IndexError, AttributeError)


@dataclass(slots=True)
class TreasuryBook:
    """What Zahlungen.xlsx says. ``cover`` holds gross, receipts and net, number of payments and orders."""

    paid: list[PaidRow] = field(default_factory=list)
    orders: list[OrderRow] = field(default_factory=list)
    cover: Mapping[str, Cell] = field(default_factory=dict)
    sums: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    reductions: Counter[tuple[str, int]] = field(default_factory=Counter)


def read_treasury_book(package: Package, findings: Findings) -> TreasuryBook | None:
    """The sheets of Zahlungen.xlsx. None when it is no such spreadsheet."""
    book = TreasuryBook()
    try:
        with package.open_seekable(_PAYMENTS) as file:
            workbook = Workbook(file)
            book.cover = {str(row[0]): row[1] if len(row) > 1 else None for _, row in workbook.rows("Deckblatt") if row}
            book.paid = [_paid(place, row) for place, row in _table(workbook, "Zahlungen", _PAYMENTS, findings)]
            for place, row in _table(workbook, "Anordnungen", _PAYMENTS, findings):
                book.orders.append(_order(place, row))
                findings.require(row["Art"] == _kind(book.orders[-1]), "order_differs", _PAYMENTS, place)
            for _, row in _table(workbook, "Summen", _PAYMENTS, findings):
                book.sums[_sum_line(row)] += 1
            for _, row in _table(workbook, "Korrekturen", _PAYMENTS, findings):
                if row["Art"] == "Absetzung":
                    book.reductions[_text(row["Anordnung"]), -_cents(row["Betrag"])] += 1
    except (BrokenWorkbookError, *_MISSHAPEN) as error:
        findings.add("unreadable", _PAYMENTS, str(error) if isinstance(error, BrokenWorkbookError) else "")
        return None
    return book


def read_positions_book(package: Package, positions: Positions | None, findings: Findings) -> None:
    """Einzelposten.xlsx against the lines of Einzelposten.ndjson: the same positions, and of each the same."""
    seen: set[str] = set()
    sums: Counter[tuple[Any, ...]] = Counter()
    try:
        with package.open_seekable(_POSITIONS) as file:
            workbook = Workbook(file)
            for place, row in _table(workbook, "Positionen", _POSITIONS, findings):
                position_id = _text(row["Position"])
                findings.require(position_id not in seen, "twice", _POSITIONS, place)
                seen.add(position_id)
                if positions is not None:
                    findings.require(positions.digests.get(position_id) == _position_digest(row), "row_differs", _POSITIONS, place)
            for _, row in _table(workbook, "Summen", _POSITIONS, findings):
                sums[_sum_line(row)[:3]] += _cents(row["Betrag"])
    except (BrokenWorkbookError, *_MISSHAPEN) as error:
        findings.add("unreadable", _POSITIONS, str(error) if isinstance(error, BrokenWorkbookError) else "")
        return
    if positions is None:
        return
    for position_id in sorted(positions.digests.keys() - seen):
        findings.add("row_missing", _POSITIONS, position_id)
    expected: Counter[tuple[Any, ...]] = Counter()
    for order in positions.orders.values():
        expected[order.legal_basis, order.benefit, order.fiscal_year] += order.gross - order.receipts
    findings.require(+sums == +expected and -sums == -expected, "sum_wrong", _POSITIONS, "Summen")


# ---- tables
def _table(workbook: Workbook, title: str, name: str, findings: Findings) -> Iterator[tuple[str, Mapping[str, Cell]]]:
    """The rows of a table, all parts of it; the row of sums is compared with what the rows come to."""
    for part in workbook.parts(title) or [title]:
        header: Sequence[str] = ()
        sums: Counter[str] = Counter()
        last: Mapping[str, Cell] | None = None
        place = ""
        for number, cells in workbook.rows(part):
            if not header:
                header = [str(cell) for cell in cells]
                continue
            row = dict(zip(header, [*cells, *[None] * (len(header) - len(cells))], strict=True))
            if last is not None:
                yield place, last
                _count(sums, last)
            last, place = row, f"{part}!{number}"
        if last is None:
            continue
        if not _is_sums(last, sums):
            yield place, last
            continue
        for column, cell in last.items():
            if isinstance(cell, Number):
                findings.require(_hundredths(cell) == sums[column], "sum_wrong", name, f"{place} {column}")


def _is_sums(row: Mapping[str, Cell], sums: Counter[str]) -> bool:
    """The row below the table: a label or nothing in front, numbers only."""
    first = next(iter(row.values()))
    others = [cell for cell in list(row.values())[1:] if cell is not None]
    return first in ("Summe", None) and all(isinstance(cell, Number) for cell in others) and bool(others) and bool(sums)


def _count(sums: Counter[str], row: Mapping[str, Cell]) -> None:
    for column, cell in row.items():
        if isinstance(cell, Number):
            sums[column] += _hundredths(cell) or 0


def _hundredths(cell: Number) -> int | None:
    """A number in hundredths, whatever it counts; None for moments and the like."""
    try:
        return cell.cents
    except ValueError:
        return None


# ---- rows
def _paid(place: str, row: Mapping[str, Cell]) -> PaidRow:
    note = row["Hinweis"]
    return PaidRow(
        place, _whole(row["Nr."]), _text(row["Ende-zu-Ende-Referenz"]), _text(row["Anbieter"]), _text(row["Kreditor"]),
        _text(row["Empfänger"]), _text(row["IBAN"]), _cents(row["Zahlbetrag"]), _cents(row["Auszahlungen"]),
        _cents(row["Absetzungen"]), _day(row["Fällig"]), _text(row["Verwendungszweck"]),
        repeats=isinstance(note, str) and note.startswith("Wiederholung"),
    )  # fmt: skip


def _order(place: str, row: Mapping[str, Cell]) -> OrderRow:
    return OrderRow(
        place, _text(row["Anordnung"]), _text(row["Kreditor"]), _text(row["Empfänger"]), None, _BASES[_text(row["Rechtskreis"])],
        _BENEFITS[_text(row["Leistungsart"])], _whole(row["Haushaltsjahr"]),
        (_text(row["Produkt"]), _text(row["Sachkonto"]), _text(row["Kostenstelle"])), _cents(row["Betrag"]), _cents(row["Auszahlungen"]),
        _cents(row["Absetzungen"]), _whole(row["Positionen"]), _day(row["Fällig"]), _text(row["Ende-zu-Ende-Referenz"]),
        _text(row["Verwendungszweck"]),
    )  # fmt: skip


def _kind(order: OrderRow) -> str:
    if order.net < 0:
        return "Absetzung"
    return "Einzelanordnung" if order.positions == 1 else "Sammelanordnung"


def _sum_line(row: Mapping[str, Cell]) -> tuple[Any, ...]:
    line: tuple[Any, ...] = (_BASES[_text(row["Rechtskreis"])], _BENEFITS[_text(row["Leistungsart"])], _whole(row["Haushaltsjahr"]))
    if "Produkt" in row:
        line += tuple(_text(row[name]) for name in ("Produkt", "Sachkonto", "Kostenstelle"))
        line += (_whole(row["Anordnungen"]), _whole(row["Positionen"]))
    return (*line, *(_cents(row[name]) for name in ("Auszahlungen", "Absetzungen", "Betrag")))


def _position_digest(row: Mapping[str, Cell]) -> bytes:
    shares = sorted((value, _cents(row[name])) for name, value in _BASES.items() if row[name] is not None)
    corrects = row["Berichtigt Position"]
    return row_digest(
        _text(row["Anbieter"]), _text(row["Rechnung"]), _whole(row["Zeile"]), _BENEFITS[_text(row["Leistungsart"])],
        _text(row["Gegenstand"]), _day(row["Von"]), _day(row["Bis"]), _whole(row["Menge"]), _cents(row["Gefordert"]),
        _cents(row["Anerkannt"]), _DECISIONS[_text(row["Entscheidung"])], row["Von Person"] == "ja", shares, _text(row["Anordnungen"]),
        _text(row["Zahlung"]), row["Regelstand"], corrects, _text(row["Entscheidung Nr."]),
    )  # fmt: skip


def _text(cell: Cell) -> str:
    if isinstance(cell, Number):
        raise TypeError("a number where a text is due")
    return cell or ""


def _number(cell: Cell) -> Number:
    if not isinstance(cell, Number):
        raise TypeError("no number")
    return cell


def _cents(cell: Cell) -> int:
    return _number(cell).cents


def _whole(cell: Cell) -> int:
    return _number(cell).whole


def _day(cell: Cell) -> str:
    return (_EPOCH + timedelta(days=_number(cell).whole)).isoformat()

"""HKR.csv: the orders of a batch for the finance software of a municipality, one row an order, by the profile it chose.

Text that a spreadsheet would take for a formula is disarmed by an apostrophe where the profile says so; amounts and years stay numbers.
A character the encoding cannot carry is spelled with others (``ł`` → ``l``), and a text that does not fit its field is refused, unless the
profile says it may be cut. Nothing is lost without saying so.
"""

import csv
import io
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO, Final, Literal

from but_gateway.formats.hkr_profile import FIELDS, FieldKind, HkrProfile, ProfileColumn, encodable
from but_gateway.formats.sepa import transliterate
from but_gateway.kit.money import parse_money, print_money

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
# Control characters, line and paragraph separators.
_BREAKS: Final = frozenset({"Cc", "Zl", "Zp"})
_QUOTING: Final[dict[str, Literal[0, 1, 3]]] = {"where_needed": csv.QUOTE_MINIMAL, "always": csv.QUOTE_ALL, "never": csv.QUOTE_NONE}
_LINE_ENDS: Final = {"crlf": "\r\n", "lf": "\n"}
_ROWS_AT_ONCE: Final = 500
CURRENCY: Final = "EUR"
PAID_OUT, TAKEN_BACK = "S", "H"


class UnfitForProfileError(Exception):
    """An order the profile cannot carry: which order, which column, and why. Nothing personal."""

    def __init__(self, order: str, column: str, de: str, en: str) -> None:
        super().__init__(f"order {order}, column {column}: {en}")
        self.order, self.column, self.de, self.en = order, column, de, en


@dataclass(frozen=True, slots=True)
class Signature:
    """Who did a step, and on which day."""

    by: str = ""
    on: date | None = None


@dataclass(frozen=True, slots=True)
class HkrRow:
    """An order. Amounts in cents, ``net_cents`` is negative where receipts outweigh spending; unknown fields are empty."""

    batch: str
    order: str
    creditor: str
    name: str
    iban: str
    net_cents: int
    due_on: date
    fiscal_year: int
    product: str
    account: str
    cost_centre: str
    legal_basis: str
    benefit: str
    remittance_text: str
    gross_cents: int = 0
    receipts_cents: int = 0
    municipality: str = ""
    kind: str = ""  # single | collective | reduction
    vat_id: str = ""
    end_to_end_id: str = ""
    legal_basis_name: str = ""
    benefit_name: str = ""
    invoices: str = ""
    payment: int = 0
    positions: int = 0
    service_from: date | None = None
    service_to: date | None = None
    factual: Signature = Signature()
    arithmetical: Signature = Signature()
    ordered: Signature = Signature()
    handed_over_on: date | None = None


_Value = str | int | date | None
# The fields that are not simply attributes of the row.
_READ: Final[dict[str, Callable[[HkrRow], _Value]]] = {
    "currency": lambda _: CURRENCY,
    "net": lambda row: row.net_cents,
    "net_absolute": lambda row: abs(row.net_cents),
    "debit_credit": lambda row: TAKEN_BACK if row.net_cents < 0 else PAID_OUT,
    "gross": lambda row: row.gross_cents,
    "receipts": lambda row: row.receipts_cents,
    "factual_by": lambda row: row.factual.by,
    "factual_on": lambda row: row.factual.on,
    "arithmetical_by": lambda row: row.arithmetical.by,
    "arithmetical_on": lambda row: row.arithmetical.on,
    "ordered_by": lambda row: row.ordered.by,
    "ordered_on": lambda row: row.ordered.on,
}


def write_hkr(out: BinaryIO, profile: HkrProfile, rows: Iterable[HkrRow]) -> None:
    """Writes the file; the same rows give the same bytes.

    Refuses when a value does not fit the profile (UnfitForProfileError).
    """
    text = io.StringIO(newline="")
    encoding = "utf-8" if profile.encoding == "utf-8-sig" else profile.encoding
    if profile.encoding == "utf-8-sig":
        text.write("\ufeff")
    put = _delimited(text, profile) if profile.layout == "delimited" else _fixed(text, profile)
    if profile.header:
        put([_padded(c.name, c) if profile.layout == "fixed" else c.name for c in profile.columns])
    for number, row in enumerate(rows, 1):
        put([_cell(profile, column, row) for column in profile.columns])
        if number % _ROWS_AT_ONCE == 0:
            _move(text, out, encoding)
    _move(text, out, encoding)


def read_net_cents(content: BinaryIO, profile: HkrProfile) -> Iterator[int]:
    """What each row of a file pays, in cents, by the profile it was written with.

    Refuses when a row has not the profile's shape or an amount is none (ValueError).
    """
    text = io.TextIOWrapper(content, encoding=profile.encoding, newline="")
    try:
        lines = _read_delimited(text, profile) if profile.layout == "delimited" else _read_fixed(text, profile)
        for line in lines:
            yield _net_of(line, profile)
    finally:
        text.detach()


def disarm(text: str) -> str:
    """A text cell no spreadsheet runs: what starts like a formula gets an apostrophe in front."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


# ---- writing
def _delimited(text: io.StringIO, profile: HkrProfile) -> Callable[[list[str]], object]:
    writer = csv.writer(
        text,
        delimiter=profile.delimiter or ";",
        lineterminator=_LINE_ENDS[profile.line_end],
        quoting=_QUOTING[profile.quoting],
        quotechar=None if profile.quoting == "never" else '"',
    )
    return writer.writerow


def _fixed(text: io.StringIO, profile: HkrProfile) -> Callable[[list[str]], object]:
    end = _LINE_ENDS[profile.line_end]
    return lambda cells: text.write("".join(cells) + end)


def _move(text: io.StringIO, out: BinaryIO, encoding: str) -> None:
    out.write(text.getvalue().encode(encoding))
    text.seek(0)
    text.truncate()


def _cell(profile: HkrProfile, column: ProfileColumn, row: HkrRow) -> str:
    cell = _printed(profile, column, row)
    if column.width is not None and len(cell) > column.width:
        if not column.cut:
            raise UnfitForProfileError(
                row.order, column.name, f"{len(cell)} Zeichen, {column.width} haben Platz", f"{len(cell)} characters, {column.width} fit"
            )
        cell = cell[: column.width].rstrip(" ")
    if profile.quoting == "never" and profile.delimiter is not None and profile.delimiter in cell:
        raise UnfitForProfileError(
            row.order,
            column.name,
            "enthält das Trennzeichen, das Profil kennt keine Anführungszeichen",
            "holds the delimiter, never quoted",
        )
    return _padded(cell, column) if profile.layout == "fixed" else cell


def _printed(profile: HkrProfile, column: ProfileColumn, row: HkrRow) -> str:
    """A cell's text, as long as it is."""
    if column.field is None:
        return column.constant or ""
    value: _Value = _READ[column.field](row) if column.field in _READ else getattr(row, column.field)
    kind = FIELDS[column.field]
    if kind is FieldKind.TEXT:
        return _text(profile, column, row, str(value))
    if value is None:
        return ""
    if kind is FieldKind.DAY and isinstance(value, date):
        return _day(profile, value)
    return _amount(profile, int(str(value))) if kind is FieldKind.AMOUNT else str(value)


def _text(profile: HkrProfile, column: ProfileColumn, row: HkrRow, text: str) -> str:
    if column.values is not None:
        if text not in column.values:
            raise UnfitForProfileError(
                row.order, column.name, f"das Profil kennt keinen Wert für {text!r}", f"the profile has no value for {text!r}"
            )
        return column.values[text]
    spelled = _spelled(text, profile.encoding)
    if profile.disarm_formulas and text.startswith(_FORMULA_STARTS):
        return f"'{spelled}"
    return disarm(spelled) if profile.disarm_formulas else spelled


def _spelled(text: str, encoding: str) -> str:
    """The text in an encoding: a character it cannot carry is spelled with others, a control character is a blank."""
    if text.isprintable() and (text.isascii() or encodable(text, encoding)):
        return text
    composed = unicodedata.normalize("NFC", "".join(" " if unicodedata.category(c) in _BREAKS else c for c in text))
    return "".join(c if encodable(c, encoding) else " " if c.isspace() else transliterate(c) for c in composed)


def _amount(profile: HkrProfile, cents: int) -> str:
    figures = print_money(abs(cents)).replace(".", profile.decimal)
    if not profile.decimal:
        figures = figures.lstrip("0") or "0"
    if cents >= 0:
        return figures
    return f"-{figures}" if profile.minus == "before" else f"{figures}-"


def _day(profile: HkrProfile, day: date) -> str:
    text = profile.date
    for token, figures in (
        ("YYYY", f"{day.year:04d}"),
        ("YY", f"{day.year % 100:02d}"),
        ("MM", f"{day.month:02d}"),
        ("DD", f"{day.day:02d}"),
    ):
        text = text.replace(token, figures)
    return text


def _padded(cell: str, column: ProfileColumn) -> str:
    width = column.width or 0
    if column.align == "right" and column.fill == "0" and cell.startswith("-"):
        return f"-{cell[1:].rjust(width - 1, column.fill)}"
    return cell.ljust(width, column.fill) if column.align == "left" else cell.rjust(width, column.fill)


# ---- reading
def _read_delimited(text: io.TextIOWrapper, profile: HkrProfile) -> Iterator[dict[str, str]]:
    quoting = _QUOTING[profile.quoting]
    reader = csv.reader(text, delimiter=profile.delimiter or ";", quoting=quoting, strict=True)
    names = [c.name for c in profile.columns]
    if profile.header and next(reader, []) != names:
        raise ValueError("the header is not the profile's")
    for cells in reader:
        if len(cells) != len(names):
            raise ValueError("a row has not as many cells as the profile has columns")
        yield dict(zip(names, cells, strict=True))


def _read_fixed(text: io.TextIOWrapper, profile: HkrProfile) -> Iterator[dict[str, str]]:
    for number, raw in enumerate(text):
        line, at, cells = raw.removesuffix(_LINE_ENDS[profile.line_end]), 0, {}
        if len(line) != sum(c.width or 0 for c in profile.columns):
            raise ValueError("a row has not the profile's length")
        for column in profile.columns:
            cell, at = line[at : at + (column.width or 0)], at + (column.width or 0)
            cells[column.name] = cell.rstrip(column.fill) if column.align == "left" else cell.lstrip(column.fill)
        if number or not profile.header:
            yield cells


def _net_of(line: dict[str, str], profile: HkrProfile) -> int:
    amounts: dict[str, str] = {c.field: line[c.name] for c in profile.columns if c.field is not None}
    if "net" in amounts:
        return _cents(amounts["net"], profile)
    if "gross" in amounts and "receipts" in amounts:
        return _cents(amounts["gross"], profile) - _cents(amounts["receipts"], profile)
    column = next(c for c in profile.columns if c.field == "debit_credit")
    taken_back = (column.values or {}).get(TAKEN_BACK, TAKEN_BACK)
    cents = _cents(amounts["net_absolute"], profile)
    return -cents if amounts["debit_credit"] == taken_back else cents


def _cents(text: str, profile: HkrProfile) -> int:
    """Cents of an amount as the profile prints it, its fill already gone."""
    sign = "-" if "-" in text else ""
    figures = text.replace("-", "").replace(profile.decimal or ".", "").strip()
    if figures and not (figures.isascii() and figures.isdigit()):
        raise ValueError("an amount is none")
    padded = figures.rjust(3, "0")
    return parse_money(f"{sign}{padded[:-2].lstrip('0') or '0'}.{padded[-2:]}")

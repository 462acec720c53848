"""Reads HKR.csv of the generic profile: one row an order. Files of other profiles are a town's own business and known by their hash."""

import csv
import io
import re
from datetime import date
from typing import Final

from but_gateway.kit.money import parse_money
from but_gateway.procedures.verification.model import Findings, OrderRow
from but_gateway.procedures.verification.opening import Package

_NAME: Final = "HKR.csv"
_BYTES_MAX: Final = 512 * 1024**2
_HEADER: Final = (
    "Lauf", "Anordnung", "Kreditor", "Name", "IBAN", "Betrag", "Waehrung", "Faellig", "Haushaltsjahr", "Produkt", "Sachkonto",
    "Kostenstelle", "Rechtskreis", "Leistungsart", "Verwendungszweck",
)  # fmt: skip
_DAY: Final = re.compile(r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})", re.ASCII)
_DISARMED: Final = re.compile(r"'[=+\-@\t\r]")


def read_hkr(package: Package, batch: str | None, findings: Findings) -> list[OrderRow] | None:
    """The orders of the file. None when it is of another profile, or broken."""
    with package.open(_NAME) as file:
        content = file.read(_BYTES_MAX)
    head = ("\ufeff" + ";".join(_HEADER) + "\r\n").encode()
    if not content.startswith(head):
        findings.add("other_profile", _NAME, note=True)
        return None
    try:
        text = content[3:].decode("utf-8", "strict")
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True))
        again = io.StringIO(newline="")
        csv.writer(again, delimiter=";", lineterminator="\r\n").writerows(rows)
        findings.require(again.getvalue() == text, "not_canonical", _NAME)
        return [_order(f"row {number}", row, batch, findings) for number, row in enumerate(rows[1:], 2)]
    except (UnicodeDecodeError, csv.Error, ValueError, TypeError):
        findings.add("unreadable", _NAME)
        return None


def _order(place: str, row: list[str], batch: str | None, findings: Findings) -> OrderRow:
    if len(row) != len(_HEADER):
        raise ValueError("another number of columns")
    cells = dict(zip(_HEADER, (_plain(cell) for cell in row), strict=True))
    findings.require(batch in {None, cells["Lauf"]} and cells["Anordnung"].startswith(f"{cells['Lauf']}-"), "batch_differs", _NAME, place)
    findings.require(cells["Waehrung"] == "EUR", "currency_wrong", _NAME, place)
    books = (cells["Produkt"], cells["Sachkonto"], cells["Kostenstelle"])
    return OrderRow(
        place, cells["Anordnung"], cells["Kreditor"], cells["Name"], cells["IBAN"], cells["Rechtskreis"], cells["Leistungsart"],
        int(cells["Haushaltsjahr"]), books, _cents(row[5]), None, None, None, _day(cells["Faellig"]), None, cells["Verwendungszweck"],
    )  # fmt: skip


def _plain(cell: str) -> str:
    """A cell without the apostrophe that keeps spreadsheets from running it."""
    return cell[1:] if _DISARMED.match(cell) else cell


def _cents(cell: str) -> int:
    if "." in cell:
        raise ValueError("not an amount")
    return parse_money(cell.replace(",", "."))


def _day(cell: str) -> str:
    found = _DAY.fullmatch(cell)
    if found is None:
        raise ValueError("not a day")
    return date(int(found[3]), int(found[2]), int(found[1])).isoformat()

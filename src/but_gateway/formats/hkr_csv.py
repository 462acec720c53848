"""HKR.csv: the orders of a batch for the finance software of a municipality, one row an order (generic profile).

UTF-8 with byte order mark, semicolons, decimal comma, days as DD.MM.YYYY, CRLF. Text that a spreadsheet would take for a formula is
disarmed by an apostrophe; amounts and years stay numbers.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO, Final

from but_gateway.kit.money import print_money

HEADER: Final = (
    "Lauf", "Anordnung", "Kreditor", "Name", "IBAN", "Betrag", "Waehrung", "Faellig", "Haushaltsjahr", "Produkt", "Sachkonto",
    "Kostenstelle", "Rechtskreis", "Leistungsart", "Verwendungszweck",
)  # fmt: skip
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class HkrRow:
    """An order. ``net_cents`` is negative where receipts outweigh the spending of that order; unknown account fields are empty."""

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


def write_hkr(out: BinaryIO, rows: Iterable[HkrRow]) -> None:
    """Writes the file; the same rows give the same bytes."""
    out.write(_BYTE_ORDER_MARK)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADER)
    for row in rows:
        writer.writerow(_cells(row))
        out.write(text.getvalue().encode())
        text.seek(0)
        text.truncate()
    out.write(text.getvalue().encode())


def disarm(text: str) -> str:
    """A text cell no spreadsheet runs: what starts like a formula gets an apostrophe in front."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _cells(row: HkrRow) -> tuple[str, ...]:
    return (
        disarm(row.batch),
        disarm(row.order),
        disarm(row.creditor),
        disarm(row.name),
        disarm(row.iban),
        print_money(row.net_cents).replace(".", ","),
        "EUR",
        row.due_on.strftime("%d.%m.%Y"),
        str(row.fiscal_year),
        disarm(row.product),
        disarm(row.account),
        disarm(row.cost_centre),
        disarm(row.legal_basis),
        disarm(row.benefit),
        disarm(row.remittance_text),
    )

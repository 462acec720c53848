"""Tables as CSV with the columns of a spreadsheet (formats/xlsx.py): what a machine reads and a German spreadsheet opens.

UTF-8 with byte order mark, semicolons, CRLF, decimal comma, days as DD.MM.YYYY; text that a spreadsheet would take for a formula is
disarmed by an apostrophe. An empty cell is empty, not zero.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import BinaryIO, Final

from but_gateway.formats.hkr_csv import disarm
from but_gateway.formats.xlsx import Cell, Column, Euro, Kind
from but_gateway.kit.clock import BERLIN
from but_gateway.kit.money import print_money

MEDIA_TYPE: Final = "text/csv; charset=utf-8"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def write_table(out: BinaryIO, columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> None:
    """Writes header and rows; the same rows give the same bytes. Refuses a row of another length (ValueError)."""
    out.write(_BYTE_ORDER_MARK)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow([disarm(column.title) for column in columns])
    for row in rows:
        writer.writerow([_print(column.kind, cell) for column, cell in zip(columns, row, strict=True)])
        out.write(text.getvalue().encode())
        text.seek(0)
        text.truncate()
    out.write(text.getvalue().encode())


def _print(kind: Kind, cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case Euro(cents):
            return print_money(cents).replace(".", ",")
        case int():
            return print_money(cell).replace(".", ",") if kind is Kind.MONEY else str(cell)
        case datetime():
            return cell.astimezone(BERLIN).strftime("%d.%m.%Y %H:%M:%S")
        case date():
            return cell.strftime("%d.%m.%Y")
        case _:
            return disarm(cell)

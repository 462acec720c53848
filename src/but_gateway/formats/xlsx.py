"""Spreadsheets (XLSX), written as a stream: any number of rows in the memory of one, and the same content makes the same bytes.

How to write one::

    columns = (Column("Anbieter", width=30), Column("Betrag", Kind.MONEY, total=True), Column("Fällig", Kind.DAY))
    write_workbook(out, [Sheet("Zahlungen", columns, rows, totals=True)], created_at, title="Zahlungen 2026")

``rows`` may be any iterable of tuples, a cell for each column: text as ``str``, money as ``int`` cents, days as ``date``, moments as aware
``datetime`` (shown in Europe/Berlin), counts as ``int``, ``None`` for an empty cell. A column of ``Kind.ANY`` takes all of these by their
type, money as ``Euro(cents)``. A table (``is_table``) has a frozen header and a filter; ``totals`` adds a row below it with the sums of the
columns marked so: formulas that follow the filter, with their values stored, so that whoever does not compute reads them too.
Whoever gets rows piece by piece opens a ``Workbook`` and adds to its sheets.

Text is text: IBANs and numbers keep their leading zeros, and what looks like a formula or an address is neither. A table longer than a
sheet can be goes on in a second one, ``Title (2)``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Final, Self

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from but_gateway.kit.clock import BERLIN
from but_gateway.kit.money import print_money

# What a sheet holds: 1,048,576 rows, of which the header and the sums take one each.
ROWS_MAX: Final = 1_048_574
TEXT_LENGTH_MAX: Final = 32_767
MONEY_FORMAT: Final = "#,##0.00 €"
DAY_FORMAT: Final = "dd.mm.yyyy"
MOMENT_FORMAT: Final = "dd.mm.yyyy hh:mm:ss"
_SECONDS_A_DAY: Final = 86_400
_PARTS_OF_A_DAY: Final = 10**10
_TEXT_FORMAT: Final = 49  # "@" among the formats every spreadsheet knows
_A4: Final = 9
# The day a spreadsheet counts as 0.
_EPOCH: Final = date(1899, 12, 30).toordinal()
# Characters that XML cannot carry; spreadsheets have escapes for the other control characters.
_NOT_XML: Final = dict.fromkeys((0xFFFE, 0xFFFF), "\ufffd")
_MADE_WITH: Final[dict[str, Any]] = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


class Kind(StrEnum):
    """What the cells of a column are."""

    TEXT = "text"
    MONEY = "money"  # cents
    DAY = "day"
    MOMENT = "moment"
    WHOLE = "whole"
    ANY = "any"  # told by each cell's type


@dataclass(frozen=True, slots=True)
class Euro:
    """Money (cents) in a column of any kind."""

    cents: int


Cell = str | int | date | datetime | Euro | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, what its cells are, its width in characters, whether it is summed (money, counts), whether long text wraps."""

    title: str
    kind: Kind = Kind.TEXT
    width: int = 14
    total: bool = False
    wraps: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet as a whole. A title has at most 26 characters, no brackets, colons, stars, question marks or slashes."""

    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell]]
    totals: bool = False
    is_table: bool = True


def write_workbook(out: BinaryIO, sheets: Iterable[Sheet], created_at: datetime, *, title: str = "") -> None:
    """Writes all sheets. ``created_at``: aware; it stands in the file's properties instead of the time of writing."""
    with Workbook(out, created_at, title=title) as book:
        for sheet in sheets:
            opened = book.add_sheet(sheet.title, sheet.columns, totals=sheet.totals, is_table=sheet.is_table)
            for row in sheet.rows:
                opened.add(row)


class Workbook:
    """A workbook being written. Use it as a context: nothing is in ``out`` before its end, and nothing at all after an error."""

    def __init__(self, out: BinaryIO, created_at: datetime, *, title: str = "", rows_max: int = ROWS_MAX) -> None:
        # Rows wait in files of a directory of their own, which goes whatever happens: there are names in them.
        self._rows = TemporaryDirectory(prefix="but-xlsx-")
        self._book = xlsxwriter.Workbook(out, {**_MADE_WITH, "tmpdir": self._rows.name})
        made = created_at.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        self._book.set_properties({"title": title, "created": made})
        self._rows_max = rows_max
        self._sheets: list[OpenSheet] = []
        self._formats = _Formats(self._book)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._book.fileclosed = True
            for worksheet in self._book.worksheets():
                worksheet.row_data_fh.close()
            self._rows.cleanup()

    def add_sheet(self, title: str, columns: Sequence[Column], *, totals: bool = False, is_table: bool = True) -> "OpenSheet":
        """A new sheet behind the others. Rows may be added to several sheets in turn."""
        self._sheets.append(OpenSheet(self._book, self._formats, title, columns, totals=totals, is_table=is_table, rows_max=self._rows_max))
        return self._sheets[-1]

    def _finish(self) -> None:
        for sheet in self._sheets:
            sheet.end()
        self._book.close()


class OpenSheet:
    """A sheet that takes rows. ``sums``: what its columns marked ``total`` come to so far, over all its parts, by title."""

    def __init__(  # noqa: PLR0913 - the parts of a sheet, the last ones by name
        self,
        book: Any,  # noqa: ANN401 - xlsxwriter has no types
        formats: "_Formats",
        title: str,
        columns: Sequence[Column],
        *,
        totals: bool,
        is_table: bool,
        rows_max: int,
    ) -> None:
        self._book, self._formats, self._title, self._columns = book, formats, title, tuple(columns)
        self._totals, self._is_table, self._rows_max = totals, is_table, rows_max
        self._cell_formats = [formats.of(c.kind, wraps=c.wraps) for c in self._columns]
        self._kinds = [c.kind for c in self._columns]
        self._summed = [i for i, c in enumerate(self._columns) if c.total]
        self.sums = {self._columns[i].title: 0 for i in self._summed}
        self._part = 0
        self._begin()

    def add(self, cells: Sequence[Cell]) -> None:
        """Adds a row. Refuses when a text is longer than a cell can hold, or a row has not a cell for each column (ValueError)."""
        if self._row > self._rows_max:
            self.end()
            self._begin()
        for column, (kind, cell, its_format) in enumerate(zip(self._kinds, cells, self._cell_formats, strict=True)):
            if cell is not None:
                self._write(column, kind, cell, its_format)
        for column in self._summed:
            cents = cells[column]
            if isinstance(cents, int):
                self._part_sums[column] += cents
        self._row += 1

    def end(self) -> None:
        """Writes the sums below what was added."""
        for column in self._summed:
            self.sums[self._columns[column].title] += self._part_sums[column]
        if self._is_table:
            self._sheet.autofilter(0, 0, max(self._row - 1, 1), len(self._columns) - 1)
        if self._totals:
            self._write_sums()

    def _begin(self) -> None:
        self._part += 1
        self._sheet = self._book.add_worksheet(self._title if self._part == 1 else f"{self._title} ({self._part})")
        self._part_sums = dict.fromkeys(self._summed, 0)
        self._sheet.set_landscape()
        self._sheet.set_paper(_A4)
        self._sheet.fit_to_pages(1, 0)
        self._sheet.set_footer("&L&A&R&P / &N")
        for number, column in enumerate(self._columns):
            self._sheet.set_column(number, number, column.width)
            self._sheet.write_string(0, number, column.title, self._formats.header)
        if self._is_table:
            self._sheet.freeze_panes(1, 0)
            self._sheet.repeat_rows(0)
        self._row = 1

    def _write(self, column: int, kind: Kind, cell: Cell, its_format: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        sheet, row = self._sheet, self._row
        if isinstance(cell, str):
            if cell:
                self._write_text(column, cell, its_format)
        elif isinstance(cell, int):
            if kind is Kind.MONEY:
                sheet.write_number(row, column, _Amount(cell), its_format)
            else:
                sheet.write_number(row, column, cell, self._formats.whole)
        elif isinstance(cell, datetime):
            sheet.write_number(row, column, _moment(cell), self._formats.moment)
        elif isinstance(cell, date):
            sheet.write_number(row, column, cell.toordinal() - _EPOCH, self._formats.day)
        elif isinstance(cell, Euro):
            sheet.write_number(row, column, _Amount(cell.cents), self._formats.money)

    def _write_text(self, column: int, text: str, its_format: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        if len(text) > TEXT_LENGTH_MAX:
            raise ValueError(f"a text in column {self._columns[column].title} is longer than a cell can hold")
        clean = text if text.isascii() else text.translate(_NOT_XML)
        if clean.startswith("<r>") and clean.endswith("</r>"):
            # The writer would take it for its own markup and write it as it is; in pieces it is text.
            self._sheet.write_rich_string(self._row, column, clean[:1], clean[1:2], clean[2:], its_format)
        else:
            self._sheet.write_string(self._row, column, clean, its_format)

    def _write_sums(self) -> None:
        """The row of sums: SUBTOTAL follows the filter; its value over all rows is stored."""
        if self._summed and self._summed[0] > 0:
            self._sheet.write_string(self._row, 0, "Summe", self._formats.sum_label)
        for column in self._summed:
            is_money = self._kinds[column] is Kind.MONEY
            its_format = self._formats.sum_money if is_money else self._formats.sum_whole
            value = _Amount(self._part_sums[column]) if is_money else self._part_sums[column]
            if self._row == 1:
                self._sheet.write_number(self._row, column, value, its_format)
            else:
                first, last = xl_rowcol_to_cell(1, column), xl_rowcol_to_cell(self._row - 1, column)
                self._sheet.write_formula(self._row, column, f"=SUBTOTAL(9,{first}:{last})", its_format, value)


class _Amount(int):
    """Cents that a cell's number is printed from: exact, without a fraction anywhere before the file."""

    def __format__(self, _spec: str) -> str:
        return print_money(self)


class _Moment(int):
    """Seconds on the clocks of Berlin since the spreadsheets' epoch, printed as they count: in days."""

    def __format__(self, _spec: str) -> str:
        days, seconds = divmod(self, _SECONDS_A_DAY)
        return f"{days}.{(seconds * _PARTS_OF_A_DAY + _SECONDS_A_DAY // 2) // _SECONDS_A_DAY:010d}"


@lru_cache(maxsize=4_096)
def _moment(moment: datetime) -> _Moment:
    local = moment.astimezone(BERLIN)
    return _Moment((local.toordinal() - _EPOCH) * _SECONDS_A_DAY + local.hour * 3600 + local.minute * 60 + local.second)


class _Formats:
    """The looks of cells, each made once. Text cells are text also when somebody edits them."""

    def __init__(self, book: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        top = {"valign": "top"}
        line = {"bold": True, "top": 1}
        self.header = book.add_format({"bold": True, "bg_color": "#DDE6EE", "bottom": 1, "text_wrap": True, "valign": "top"})
        self.text = book.add_format(top | {"num_format": _TEXT_FORMAT})
        self.wrapped = book.add_format(top | {"num_format": _TEXT_FORMAT, "text_wrap": True})
        self.money = book.add_format(top | {"num_format": MONEY_FORMAT})
        self.day = book.add_format(top | {"num_format": DAY_FORMAT})
        self.moment = book.add_format(top | {"num_format": MOMENT_FORMAT})
        self.whole = book.add_format(top | {"num_format": "0"})
        self.sum_label = book.add_format(line)
        self.sum_money = book.add_format(line | {"num_format": MONEY_FORMAT})
        self.sum_whole = book.add_format(line | {"num_format": "0"})

    def of(self, kind: Kind, *, wraps: bool) -> Any:  # noqa: ANN401 - xlsxwriter has no types
        """The look of a column's cells; those of any kind look like what they are."""
        if kind in (Kind.TEXT, Kind.ANY):
            return self.wrapped if wraps else self.text
        return {Kind.MONEY: self.money, Kind.DAY: self.day, Kind.MOMENT: self.moment, Kind.WHOLE: self.whole}[kind]

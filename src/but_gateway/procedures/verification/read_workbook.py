"""Reads spreadsheets (XLSX) from their XML: a zip of sheets whose cells come out as texts and numbers, as they are stored.

No formula is computed and nothing outside the file is looked at. Entries are read with a limit, document types are refused.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeAlias

from lxml import etree

from but_gateway.kit.money import parse_money

_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ENTRIES_MAX: Final = 500
_ENTRY_BYTES_MAX: Final = 4 * 1024**3
_PLACE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})", re.ASCII)
_NUMBER: Final = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,2}))?", re.ASCII)
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, etree.LxmlError, OSError, EOFError, NotImplementedError, RuntimeError, ValueError)
# A text, or a number as it is written in the file.
Cell: TypeAlias = "str | Number | None"


class BrokenWorkbookError(Exception):
    """Not a spreadsheet as it should be; the text says where, and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Number:
    """A stored number, unread."""

    text: str

    @property
    def cents(self) -> int:
        """As money. Refuses what has fractions of a cent (ValueError)."""
        found = _NUMBER.fullmatch(self.text)
        if found is None:
            raise ValueError("not an amount")
        return parse_money(f"{found[1]}{int(found[2])}.{(found[3] or '').ljust(2, '0')}")

    @property
    def whole(self) -> int:
        """As a whole number. Refuses what is none (ValueError)."""
        return int(self.text)


class Workbook:
    """An opened spreadsheet."""

    def __init__(self, file: BinaryIO) -> None:
        try:
            self._zip = zipfile.ZipFile(file)
            # Every entry is read once against its checksum: what is never shown may not be changed either.
            self._require_whole()
            self._shared = self._read_shared()
            self.sheets = self._read_sheets()
        except (*_BROKEN, KeyError) as error:
            raise BrokenWorkbookError(type(error).__name__) from None

    def _require_whole(self) -> None:
        entries = self._zip.infolist()
        small = len(entries) <= _ENTRIES_MAX and sum(one.file_size for one in entries) <= _ENTRY_BYTES_MAX
        if not small or self._zip.testzip() is not None:
            raise zipfile.BadZipFile

    def rows(self, title: str) -> Iterator[tuple[int, list[Cell]]]:
        """The rows of a sheet with their numbers, each cell by its column. Refuses a sheet that is not there or not well-formed."""
        try:
            with self._zip.open(self.sheets[title]) as entry:
                for _, element in etree.iterparse(entry, tag=f"{_MAIN}row", resolve_entities=False, no_network=True, load_dtd=False):
                    yield int(element.get("r", "0")), self._cells(element)
                    element.clear()
                    while element.getprevious() is not None:
                        del element.getparent()[0]
        except (*_BROKEN, KeyError, IndexError) as error:
            raise BrokenWorkbookError(f"{title}: {type(error).__name__}") from None

    def parts(self, title: str) -> list[str]:
        """The titles of a sheet and of those that continue it, such as ``Title (2)``."""
        return [one for one in self.sheets if one == title or re.fullmatch(re.escape(title) + r" \([0-9]+\)", one)]

    def _cells(self, row: etree._Element) -> list[Cell]:
        cells: list[Cell] = []
        for cell in row:
            found = _PLACE.fullmatch(cell.get("r", ""))
            if found is None:
                raise ValueError("a cell without a place")
            column = _column(found[1])
            cells += [None] * (column + 1 - len(cells))
            cells[column] = self._value(cell)
        return cells

    def _value(self, cell: etree._Element) -> Cell:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return "".join(part.text or "" for part in cell.iter(f"{_MAIN}t"))
        value = cell.find(f"{_MAIN}v")
        if value is None or value.text is None:
            return None
        if kind == "s":
            return self._shared[int(value.text)]
        return Number(value.text) if kind == "n" else value.text

    def _read_shared(self) -> list[str]:
        if "xl/sharedStrings.xml" not in self._zip.namelist():
            return []
        with self._zip.open("xl/sharedStrings.xml") as entry:
            tree = _parse(entry)
        return ["".join(part.text or "" for part in one.iter(f"{_MAIN}t")) for one in tree.iter(f"{_MAIN}si")]

    def _read_sheets(self) -> dict[str, str]:
        with self._zip.open("xl/_rels/workbook.xml.rels") as entry:
            targets = {one.get("Id"): one.get("Target", "") for one in _parse(entry)}
        with self._zip.open("xl/workbook.xml") as entry:
            sheets = list(_parse(entry).iter(f"{_MAIN}sheet"))
        return {one.get("name", ""): f"xl/{targets[one.get(_LINK)].removeprefix('/xl/')}" for one in sheets}


def _parse(entry: object) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    return etree.parse(entry, parser).getroot()  # type: ignore[arg-type] # an entry of a zip is a binary file


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1

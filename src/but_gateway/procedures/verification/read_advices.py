"""Reads Avise.zip: for every payment an advice as CSV and PDF; the CSV is read, of the PDF only that it is there."""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Sequence
from datetime import date
from typing import Final

from but_gateway.kit.money import parse_money
from but_gateway.procedures.verification.model import AdviceSum, Findings
from but_gateway.procedures.verification.opening import Package

_NAME: Final = "Avise.zip"
_ENTRY: Final = re.compile(r"Avis-([0-9]{4}-[0-9]{4,6}-[0-9]{5,})_[A-Za-z0-9][A-Za-z0-9._-]{0,63}\.(csv|pdf)", re.ASCII)
_ENTRY_BYTES_MAX: Final = 256 * 1024**2
_ENTRIES_MAX: Final = 400_000
_HEADER: Final = (
    "Avis", "Rechnung", "Zeile", "Leistungstag", "Von", "Bis", "Leistungsart", "Entscheidung", "Abgerechnet", "Bezahlt",
)  # fmt: skip
_PAID: Final = frozenset({"anerkannt", "gekürzt"})


def read_advices(package: Package, findings: Findings) -> dict[str, AdviceSum] | None:
    """What the advices come to, by their number (which is the payment's). None when the archive is broken."""
    found: dict[str, AdviceSum] = {}
    kinds: dict[str, set[str]] = {}
    try:
        with package.open_seekable(_NAME) as file, zipfile.ZipFile(file) as archive:
            whole = len(archive.infolist()) <= _ENTRIES_MAX and archive.testzip() is None
            for entry in archive.infolist() if whole else ():
                named = _ENTRY.fullmatch(entry.filename)
                if named is None or entry.file_size > _ENTRY_BYTES_MAX:
                    findings.add("unknown_file", _NAME, "?")
                    continue
                findings.require(named[2] not in kinds.setdefault(named[1], set()), "twice", _NAME, named[1])
                kinds[named[1]].add(named[2])
                content = archive.read(entry)
                if named[2] == "csv":
                    found[named[1]] = _advice(named[1], content, findings)
                else:
                    findings.require(content.startswith(b"%PDF-"), "unreadable", _NAME, named[1])
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError):
        whole = False
    if not findings.require(whole, "unreadable", _NAME):
        return None
    for number, there in sorted(kinds.items()):
        findings.require(there == {"csv", "pdf"}, "advice_incomplete", _NAME, number)
    return found


def _advice(number: str, content: bytes, findings: Findings) -> AdviceSum:
    advice = AdviceSum(number)
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";", strict=True))
        findings.require(tuple(rows[0][: len(_HEADER)]) == _HEADER, "unreadable", _NAME, number)
        for row in rows[1:]:
            _add(advice, number, row)
    except (ValueError, IndexError, csv.Error):
        findings.add("unreadable", _NAME, number)
    return advice


def _add(advice: AdviceSum, number: str, row: Sequence[str]) -> None:
    if row[0] != number:
        raise ValueError("another advice")
    claimed, paid = (parse_money(cell.replace(",", ".")) for cell in row[8:10])
    advice.gross += max(paid, 0)
    advice.receipts += max(-paid, 0)
    if row[7] in _PAID:
        invoice = row[1][1:] if row[1][:2] in {"'=", "'+", "'-", "'@"} else row[1]
        advice.rows[invoice, int(row[2]), _day(row[4]), _day(row[5]), claimed, paid] += 1


def _day(cell: str) -> str:
    day, month, year = cell.split(".")
    return date(int(year), int(month), int(day)).isoformat()

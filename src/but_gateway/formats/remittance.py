"""A remittance as a document: its values, and its shapes as CSV and XLSX with one row a position.

It is for the provider: public codes and their texts, never a rule id, a legal basis or a child.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO, Final, Self

from but_gateway.formats.hkr_csv import disarm
from but_gateway.formats.xlsx import Cell, Column, Euro, Kind, Workbook
from but_gateway.kit.money import print_money

HEADER: Final = (
    "Avis", "Rechnung", "Zeile", "Leistungstag", "Von", "Bis", "Leistungsart", "Entscheidung", "Abgerechnet", "Bezahlt",
    "Korrigiert Rechnung", "Korrigiert Zeile", "Bisher", "Neu", "Differenz", "Code", "Begruendung", "Naechster Schritt",
)  # fmt: skip
DECISIONS: Final = {"accepted": "anerkannt", "reduced": "gekürzt", "rejected": "abgelehnt", "review": "in Prüfung"}
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_FACTS: Final = (Column("Angabe", width=26), Column("Wert", Kind.ANY, width=60, wraps=True))
_COLUMNS: Final = (
    Column("Rechnung", width=22), Column("Zeile", Kind.WHOLE, 7), Column("Von", Kind.DAY, 12), Column("Bis", Kind.DAY, 12),
    Column("Leistungsart", width=26), Column("Entscheidung", width=13), Column("Abgerechnet", Kind.MONEY, 13, total=True),
    Column("Bezahlt", Kind.MONEY, 13, total=True), Column("Korrigiert", width=24), Column("Bisher", Kind.MONEY, 12),
    Column("Neu", Kind.MONEY, 12), Column("Differenz", Kind.MONEY, 12), Column("Code", width=22),
    Column("Begründung", width=60, wraps=True), Column("Nächster Schritt", width=60, wraps=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a position is not paid in full, and what can be done."""

    code: str | None  # null: the decision names none
    text: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Correction:
    """Which line a negative position corrects. ``previous`` (cents): what that was worth before; None where it was not accepted."""

    invoice: str
    line_no: int
    previous: int | None


@dataclass(frozen=True, slots=True)
class AdvisedPosition:
    """A position of a remittance. Money in cents; ``approved`` is what this payment pays for it, negative for a correction."""

    invoice: str
    line_no: int
    form: str  # day | month | range
    first_day: date
    last_day: date
    benefit: str  # its key
    benefit_name: str
    decision: str  # accepted | reduced | rejected | review
    claimed: int
    approved: int
    correction: Correction | None
    reasons: tuple[Reason, ...]  # the decisive one first; none where it is paid in full

    @property
    def service_date(self) -> date | None:
        """The day of a day's position; None for months and ranges."""
        return self.first_day if self.form == "day" else None

    @property
    def is_paid_in_full(self) -> bool:
        """Whether all that was billed is paid (or taken back)."""
        return self.approved == self.claimed


@dataclass(frozen=True, slots=True)
class RemittanceSums:
    """Sums in cents. ``claimed`` over all positions but corrections; ``approved`` − ``receipts`` = ``net``, what the bank transfers."""

    claimed: int
    approved: int
    receipts: int
    net: int


@dataclass(frozen=True, slots=True)
class RemittanceHead:
    """What a remittance says besides its positions. ``remittance_text``: exactly as on the bank statement."""

    number: str
    batch: str
    town: str
    created_at: datetime
    remittance_text: str
    sums: RemittanceSums


class CsvAdvice:
    """The positions of one remittance as CSV, added one after the other.

    UTF-8 with byte order mark, semicolons, decimal comma, days as DD.MM.YYYY, CRLF; no cell is a formula for a spreadsheet.
    """

    def __init__(self, out: BinaryIO, number: str) -> None:
        self._out, self._number = out, number
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text, delimiter=";", lineterminator="\r\n")
        out.write(_BYTE_ORDER_MARK)
        self._write(HEADER)

    def add(self, position: AdvisedPosition) -> None:
        """Adds a row."""
        reason = position.reasons[0] if position.reasons else None
        self._write(
            (
                self._number, disarm(position.invoice), str(position.line_no), _day(position.service_date), _day(position.first_day),
                _day(position.last_day), position.benefit_name, DECISIONS[position.decision], _amount(position.claimed),
                _amount(position.approved), *_correction_cells(position), (reason.code or "") if reason else "",
                _joined(r.text for r in position.reasons), _joined(r.next_step for r in position.reasons),
            )
        )  # fmt: skip

    def _write(self, cells: Sequence[str]) -> None:
        self._writer.writerow(cells)
        self._out.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()


class SpreadsheetAdvice:
    """A remittance as XLSX, its positions added one after the other: a sheet with its sums, one with its positions.

    Use it as a context: nothing is in ``out`` before its end. The same remittance gives the same bytes.
    """

    def __init__(self, out: BinaryIO, head: RemittanceHead) -> None:
        self._book = Workbook(out, head.created_at, title=f"Zahlungsavis {head.number}")
        facts = self._book.add_sheet("Avis", _FACTS, is_table=False)
        for fact in _facts(head):
            facts.add(fact)
        self._positions = self._book.add_sheet("Positionen", _COLUMNS, totals=True)

    def __enter__(self) -> Self:
        self._book.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._book.__exit__(kind, *rest)

    def add(self, position: AdvisedPosition) -> None:
        """Adds a row."""
        self._positions.add(_cells(position))


def _facts(head: RemittanceHead) -> list[tuple[str, Cell]]:
    return [
        ("Zahlungsavis", head.number),
        ("Kommune", head.town),
        ("Abrechnungslauf", head.batch),
        ("Erstellt am", head.created_at),
        ("Verwendungszweck", head.remittance_text),
        ("Abgerechnet", Euro(head.sums.claimed)),
        ("Bezahlt", Euro(head.sums.approved)),
        ("Verrechnete Korrekturen", Euro(-head.sums.receipts)),
        ("Zahlbetrag", Euro(head.sums.net)),
    ]


def _cells(position: AdvisedPosition) -> tuple[Cell, ...]:
    correction = position.correction
    corrected = f"{correction.invoice}, Zeile {correction.line_no}" if correction else None
    worth = (None, None, None) if correction is None or correction.previous is None else _worth(correction.previous, position.approved)
    return (
        position.invoice, position.line_no, position.first_day, position.last_day, position.benefit_name, DECISIONS[position.decision],
        position.claimed, position.approved, corrected, *worth, position.reasons[0].code if position.reasons else None,
        _joined(r.text for r in position.reasons), _joined(r.next_step for r in position.reasons),
    )  # fmt: skip


def _worth(previous: int, difference: int) -> tuple[int, int, int]:
    return previous, previous + difference, difference


def _correction_cells(position: AdvisedPosition) -> Iterator[str]:
    correction = position.correction
    yield disarm(correction.invoice) if correction else ""
    yield str(correction.line_no) if correction else ""
    worth = ("", "", "")
    if correction is not None and correction.previous is not None:
        previous, new, difference = _worth(correction.previous, position.approved)
        worth = (_amount(previous), _amount(new), _amount(difference))
    yield from worth


def _joined(texts: Iterable[str]) -> str:
    """Several reasons one behind the other; a next step that two of them share is said once."""
    return " ".join(dict.fromkeys(texts))


def _amount(cents: int) -> str:
    return print_money(cents).replace(".", ",")


def _day(day: date | None) -> str:
    return "" if day is None else day.strftime("%d.%m.%Y")

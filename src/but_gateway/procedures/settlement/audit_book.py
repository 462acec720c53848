"""Einzelposten.xlsx: every position of a batch as the audit reads it in a spreadsheet, with sums by part of the books. No names."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, BinaryIO, Final, Self

from but_gateway.formats.positions_ndjson import PositionRecord
from but_gateway.formats.xlsx import Cell, Column, Kind, Sheet, Workbook
from but_gateway.law.basis import PAYMENT_ORDER
from but_gateway.procedures.settlement.package import HandedOver
from but_gateway.procedures.settlement.treasury_book import COVER, cover
from but_gateway.registers.providers.agreement_schemas import BENEFIT_NAMES
from but_gateway.rules.texts import UnknownReason, public_code
from but_gateway.rules.verdict import Effect

_BASES: Final = tuple(basis.value for basis in PAYMENT_ORDER)
_POSITIONS: Final = (
    Column("Anbieter", width=18), Column("Rechnung", width=20), Column("Zeile", Kind.WHOLE, 8), Column("Leistungsart", width=26),
    Column("Gegenstand", width=12), Column("Von", Kind.DAY, 11), Column("Bis", Kind.DAY, 11), Column("Menge", Kind.WHOLE, 8),
    Column("Gefordert", Kind.MONEY, 13, total=True), Column("Anerkannt", Kind.MONEY, 13, total=True), Column("Entscheidung", width=12),
    Column("Code", width=24), Column("Regeln", width=20), Column("Von Person", width=8),
    *(Column(basis.german_name, Kind.MONEY, 13, total=True) for basis in PAYMENT_ORDER),
    Column("Anordnungen", width=18), Column("Zahlung", width=22), Column("Eingegangen", Kind.MOMENT, 18),
    Column("Entschieden", Kind.MOMENT, 18),
    Column("Regelstand", width=14), Column("Position", width=38), Column("Berichtigt Position", width=38),
    Column("Entscheidung Nr.", width=38),
)  # fmt: skip
_SUMS: Final = (
    Column("Rechtskreis", width=20), Column("Leistungsart", width=30), Column("Haushaltsjahr", Kind.WHOLE, 10),
    Column("Teile von Positionen", Kind.WHOLE, 12, total=True), Column("Auszahlungen", Kind.MONEY, 16, total=True),
    Column("Absetzungen", Kind.MONEY, 16, total=True), Column("Betrag", Kind.MONEY, 16, total=True),
)  # fmt: skip
_NOTES: Final = (Column("Thema", width=24), Column("Erläuterung", width=110, wraps=True))
_EXPLAINED: Final = (
    ("Position", "Ein Tag, ein Monat, eine Gebühr oder eine Fahrt einer Rechnungszeile: was entschieden, gezahlt und berichtigt wird."),
    ("Gefordert, Anerkannt", "Beträge brutto. Berichtigungen sind negativ und nennen die Position, die sie zurücknehmen."),
    ("Rechtskreise", "Was von der Position auf jeden Rechtskreis entfällt. Zusammen ergibt es den anerkannten Betrag."),
    ("Code, Regeln", "Was der Anbieter als Grund erfährt, und welche Regeln etwas befunden haben. Fakten: Einzelposten.ndjson."),
    ("Namen", "Kinder, Bewilligungen und Personen stehen hier nicht mit Namen."),
)  # fmt: skip
_OUTCOMES: Final = {"accepted": "anerkannt", "reduced": "gekürzt"}


class PositionsBook:
    """The workbook while positions come in. Use it as a context; the file is written at its end."""

    def __init__(self, out: BinaryIO, handed: HandedOver, created_at: datetime) -> None:
        number = handed.contents.batch.number
        self._book = Workbook(out, created_at, title=f"Einzelposten Lauf {number}, {handed.settings.name}")
        self._sums: dict[tuple[str, str, int], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self._add_whole(Sheet("Deckblatt", COVER, cover(handed), is_table=False))
        self._positions = self._book.add_sheet("Positionen", _POSITIONS, totals=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is None:
                self._add_whole(Sheet("Summen", _SUMS, self._sum_rows(), totals=True))
                self._add_whole(Sheet("Erläuterung", _NOTES, _EXPLAINED, is_table=False))
        finally:
            self._book.__exit__(kind, *rest)

    def add(self, records: Iterable[PositionRecord]) -> None:
        """Adds positions."""
        for record in records:
            self._positions.add(self._row(record))

    def _row(self, record: PositionRecord) -> Sequence[Cell]:
        shares = dict.fromkeys(_BASES, 0)
        for _, basis, cents in record.orders:
            shares[basis] += cents
            line = self._sums[basis, record.benefit, record.first_day.year]
            line[0] += 1
            line[1 if cents > 0 else 2] += abs(cents)
            line[3] += cents
        codes, rules = _reasons(record.findings)
        return (
            record.provider, record.invoice, record.line_no, BENEFIT_NAMES[record.benefit], record.item, record.first_day, record.last_day,
            record.quantity, record.claimed, record.approved, _OUTCOMES.get(record.decision, record.decision), codes, rules,
            "ja" if record.by_person else None, *(cents or None for cents in shares.values()),
            ", ".join(number for number, _, _ in record.orders), record.payment, record.received_at, record.decided_at, record.rule_set,
            record.position_id, record.corrects, record.decision_id,
        )  # fmt: skip

    def _sum_rows(self) -> Iterable[Sequence[Cell]]:
        for (basis, benefit, year), line in sorted(self._sums.items(), key=lambda item: (_BASES.index(item[0][0]), item[0][1:])):
            yield (PAYMENT_ORDER[_BASES.index(basis)].german_name, BENEFIT_NAMES[benefit], year, *line)

    def _add_whole(self, sheet: Sheet) -> None:
        opened = self._book.add_sheet(sheet.title, sheet.columns, totals=sheet.totals, is_table=sheet.is_table)
        for row in sheet.rows:
            opened.add(row)


def _reasons(findings: Sequence[Any]) -> tuple[str, str]:
    """Public codes and rules of stored findings, each once, in their order."""
    if not findings:
        return "", ""
    rules = dict.fromkeys(str(f[0]) for f in findings)
    codes = dict.fromkeys(code for f in findings if (code := _code(str(f[0]), int(f[1]))))
    return ", ".join(codes), ", ".join(rules)


@lru_cache(maxsize=512)
def _code(rule: str, effect: int) -> str | None:
    try:
        return public_code(rule, Effect(effect))
    except UnknownReason:  # a rule of former times, or what a person decided
        return None

"""Reports as tables for people: the columns of spreadsheet and CSV, in German. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from but_gateway.formats.xlsx import Cell, Column, Kind, Sheet
from but_gateway.kit.money import print_share
from but_gateway.law.basis import LegalBasis
from but_gateway.procedures.reporting.model import Days, Liability, Reach, Speed, Spending
from but_gateway.registers.providers.agreement_schemas import BENEFIT_NAMES

STATE_NAMES: Final = {
    "review": "Klärfall", "unsettled": "anerkannt, in keinem Lauf", "in_batch": "im Lauf, nicht übergeben",
    "handed_over": "übergeben, nicht bezahlt",
}  # fmt: skip
KIND_NAMES: Final = {
    "caterer": "Verpflegung", "tutor": "Lernförderung", "club": "Vereine", "school": "Schulen", "other": "Sonstige",
}  # fmt: skip
HIDDEN: Final = "•"
_SPENDING: Final = (
    Column("Monat der Zahlung", width=18), Column("Rechtskreis", width=20), Column("Leistungsart", width=30),
    Column("Ausgezahlt", Kind.MONEY, 16, total=True), Column("Einnahmen", Kind.MONEY, 16, total=True),
    Column("Netto", Kind.MONEY, 16, total=True), Column("§ 46 SGB II", width=12),
)  # fmt: skip
_LIABILITIES: Final = (
    Column("Anbieter", width=20), Column("Zustand", width=28), Column("Rechnungen", Kind.WHOLE, 12), Column("Positionen", Kind.WHOLE, 12),
    Column("Offen", Kind.MONEY, 16, total=True), Column("Verrechnung", Kind.MONEY, 16, total=True),
    Column("Im Ziel", Kind.MONEY, 16, total=True), Column("Endet binnen einer Woche", Kind.MONEY, 24, total=True),
    Column("Überschritten", Kind.MONEY, 16, total=True), Column("Rechnungen überschritten", Kind.WHOLE, 24),
    Column("Ältester Eingang", Kind.DAY, 16), Column("Zahlungsziel", Kind.DAY, 14),
)  # fmt: skip
_TIMES: Final = (
    Column("Monat des Eingangs", width=18), Column("Art der Anbieter", width=18), Column("Eingegangen", Kind.WHOLE, 12),
    *(
        Column(f"{step}: {what}", Kind.WHOLE, 24)
        for step in ("Entscheidung", "Übergabe", "Zahlung")
        for what in ("Rechnungen", "Median Tage", "90 % bis Tage", "längste Tage")
    ),
)  # fmt: skip
_TAKE_UP: Final = (
    Column("Leistungsart", width=30), Column("Einrichtung", width=20), Column("Rechtskreis", width=20),
    Column("Bewilligt", Kind.ANY, 12), Column("Genutzt", Kind.ANY, 12), Column("Anteil", width=10),
    Column("Endet ungenutzt", Kind.ANY, 16),
)  # fmt: skip


def spending_sheets(rows: Sequence[Spending], section_46: Sequence[str]) -> list[Sheet]:
    """Expenditure by month, legal basis and benefit; the last column marks what counts for § 46 SGB II."""
    cells = [
        (
            str(row.month), LegalBasis(row.legal_basis).german_name, BENEFIT_NAMES[row.benefit], row.paid, row.receipts, row.net,
            "ja" if row.legal_basis in section_46 else "nein",
        )
        for row in rows
    ]  # fmt: skip
    return [Sheet("Ausgaben", _SPENDING, cells, totals=True)]


def liabilities_sheets(rows: Sequence[Liability], term_days: int) -> list[Sheet]:
    """What is owed by provider and state."""
    cells = [
        (
            row.provider_key, STATE_NAMES[row.state], row.invoices, row.positions, row.amount, row.receipts, row.in_time, row.soon,
            row.late, row.late_invoices, row.oldest_received_on, _term_of(row.oldest_received_on, term_days),
        )
        for row in rows
    ]  # fmt: skip
    return [Sheet("Verbindlichkeiten", _LIABILITIES, cells, totals=True)]


def times_sheets(rows: Sequence[Speed]) -> list[Sheet]:
    """Processing times by month of receipt and kind of provider."""
    cells = [
        (str(row.month), KIND_NAMES[row.provider_kind], row.received, *_days(row.decision), *_days(row.hand_over), *_days(row.payment))
        for row in rows
    ]
    return [Sheet("Bearbeitungszeiten", _TIMES, cells)]


def take_up_sheets(items: Sequence[Reach], totals: Sequence[Reach]) -> list[Sheet]:
    """Take-up by benefit, facility and legal basis, the sums of the benefits behind them; a dot stands for a hidden count."""
    cells = [_reach(row, row.facility_key or "ohne Einrichtung") for row in items]
    return [Sheet("Inanspruchnahme", _TAKE_UP, [*cells, *(_reach(row, "alle") for row in totals)])]


def _reach(row: Reach, facility: str) -> tuple[Cell, ...]:
    basis = LegalBasis(row.legal_basis).german_name if row.legal_basis else "alle"
    counts = [HIDDEN if count is None else count for count in (row.granted, row.used, row.expiring)]
    share = HIDDEN if row.share is None else print_share(row.share // 100 * 100).replace(".", ",")
    return BENEFIT_NAMES[row.benefit], facility, basis, counts[0], counts[1], share, counts[2]


def _days(days: Days | None) -> Iterator[Cell]:
    yield from (None,) * 4 if days is None else (days.invoices, days.median, days.p90, days.longest)


def _term_of(received_on: date | None, term_days: int) -> date | None:
    return received_on and received_on + timedelta(days=term_days)

"""The remittance of one provider as CSV, XLSX and PDF: every position, its reasons, what a correction changes."""

import csv
import io
from datetime import date
from decimal import Decimal

import openpyxl

from but_gateway.formats.pdf import Press
from but_gateway.formats.pdf_remittance import ROWS_MAX, TEMPLATE, PdfAdvice, write_advice
from but_gateway.formats.remittance import HEADER, AdvisedPosition, CsvAdvice, SpreadsheetAdvice
from tests.formats.documents import EVERYTHING, REDUCED, head, position, reader, text_of


def table(*positions: AdvisedPosition) -> list[dict[str, str]]:
    out = io.BytesIO()
    advice = CsvAdvice(out, "2026-0007-00001")
    for one in positions:
        advice.add(one)
    assert out.getvalue().startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(out.getvalue().decode("utf-8-sig"), newline=""), delimiter=";"))


def sheet(*positions: AdvisedPosition) -> openpyxl.Workbook:
    out = io.BytesIO()
    with SpreadsheetAdvice(out, head(positions)) as advice:
        for one in positions:
            advice.add(one)
    return openpyxl.load_workbook(out, data_only=True)


def document(*positions: AdvisedPosition) -> bytes:
    advice = PdfAdvice()
    for one in positions:
        advice.add(one)
    return write_advice(Press(TEMPLATE), advice, head(positions), "Mensa Rheinland GmbH", "DE02…2051")


def test_the_table_has_a_row_for_every_position() -> None:
    rows = table(*EVERYTHING)
    assert tuple(rows[0]) == HEADER
    assert [(row["Rechnung"], row["Zeile"], row["Abgerechnet"], row["Bezahlt"], row["Entscheidung"]) for row in rows] == [
        ("R-2026-10-001", "1", "4,50", "4,50", "anerkannt"),
        ("R-2026-10-001", "2", "4,50", "4,20", "gekürzt"),
        ("R-2026-10-001", "3", "60,00", "0,00", "in Prüfung"),
        ("K-1", "1", "-4,50", "-4,50", "anerkannt"),
        ("K-1", "2", "-9,00", "0,00", "abgelehnt"),
    ]
    assert [(row["Leistungstag"], row["Von"], row["Bis"]) for row in rows[1:3]] == [
        ("05.10.2026", "05.10.2026", "05.10.2026"),
        ("", "01.10.2026", "31.10.2026"),
    ]


def test_reasons_stand_one_behind_the_other_the_decisive_code_first() -> None:
    (row,) = table(REDUCED)
    assert row["Code"] == "OVER_AGREED_PRICE"
    assert row["Begruendung"] == " ".join(reason.text for reason in REDUCED.reasons)
    assert row["Naechster Schritt"] == "Sie müssen nichts tun. Sie müssen nichts tun. Wir melden uns."


def test_a_correction_says_what_was_what_is_and_the_difference() -> None:
    taken, refused = table(*EVERYTHING)[3:]
    names = ("Korrigiert Rechnung", "Korrigiert Zeile", "Bisher", "Neu", "Differenz")
    assert [taken[name] for name in names] == ["R-2026-09-001", "12", "4,50", "0,00", "-4,50"]
    assert [refused[name] for name in names] == ["R-9", "1", "", "", ""]


def test_no_cell_of_the_table_is_a_formula() -> None:
    (row,) = table(position(invoice="=SUMME(A1)"))
    assert row["Rechnung"] == "'=SUMME(A1)"


def test_the_spreadsheet_has_sums_and_positions() -> None:
    book = sheet(*EVERYTHING)
    facts = {row[0]: row[1] for row in book["Avis"].iter_rows(min_row=2, values_only=True)}
    assert facts["Verwendungszweck"] == "BuT krefeld 2026-0007 R-2026-10-001 +2"
    assert [facts[name] for name in ("Abgerechnet", "Bezahlt", "Verrechnete Korrekturen", "Zahlbetrag")] == [69, 8.7, -4.5, 4.2]
    rows = list(book["Positionen"].iter_rows(min_row=2, values_only=True))
    assert len(rows) == len(EVERYTHING) + 1
    assert [Decimal(str(row[7])) for row in rows] == [Decimal(c) for c in ("4.5", "4.2", "0", "-4.5", "0", "4.2")]
    assert rows[3][8:12] == ("R-2026-09-001, Zeile 12", 4.5, 0, -4.5)


def test_the_document_lists_invoices_corrections_and_what_is_not_paid_in_full() -> None:
    text = text_of(document(*EVERYTHING))
    for part in (
        "Wir überweisen Ihnen 4,20 €", "Verwendungszweck BuT krefeld 2026-0007 R-2026-10-001 +2", "R-2026-10-001 3 69,00 € 8,70 € 60,30 €",
        "K-1, Zeile 1 R-2026-09-001, Zeile 12 05.10.2026 4,50 € 0,00 € -4,50 €", "Oktober 2026", "→ Sie müssen nichts tun.", "DE02…2051",
    ):  # fmt: skip
        assert part in text
    for reason in REDUCED.reasons:
        assert reason.text in text


def test_a_payment_without_trouble_has_no_list_of_troubles() -> None:
    text = text_of(document(position()))
    assert "Nicht vollständig bezahlt" not in text
    assert "Korrekturen" not in text


def test_long_lists_of_a_document_end_and_say_how_much_is_left() -> None:
    many = [
        position(invoice=f"R-{n}", line_no=n, approved=420, decision="reduced", reasons=REDUCED.reasons[:1]) for n in range(ROWS_MAX + 7)
    ]
    content = document(*many, *[EVERYTHING[3]] * (ROWS_MAX + 3))
    text = text_of(content)
    assert "Dazu 7 weitere Rechnungen" in text
    assert "Dazu 7 weitere Positionen" in text
    assert "Dazu 3 weitere Korrekturen" in text
    assert len(reader(content).pages) < 60


def test_a_service_over_some_days_is_shown_from_the_first_to_the_last() -> None:
    trip = position(
        form="range", first_day=date(2026, 9, 7), last_day=date(2026, 9, 11), approved=0, decision="rejected", reasons=REDUCED.reasons
    )
    text = text_of(document(trip, position()))
    assert "07.09.2026 bis 11.09.2026" in text

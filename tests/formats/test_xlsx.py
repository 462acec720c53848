"""Spreadsheets: what is read back is what was written, nothing runs, sums are stored, the same content makes the same bytes."""

import io
import os
import time
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from but_gateway.formats.xlsx import DAY_FORMAT, MONEY_FORMAT, Cell, Column, Euro, Kind, Sheet, Workbook, write_workbook
from but_gateway.kit.money import print_money

AT = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
COLUMNS = (
    Column("IBAN", width=26),
    Column("Betrag", Kind.MONEY, total=True),
    Column("Fällig", Kind.DAY),
    Column("Anzahl", Kind.WHOLE, total=True),
)
ROWS: Sequence[Sequence[Cell]] = [
    ("0700123", 450, date(2026, 12, 15), 3),
    ("=SUMME(A1)", -5, None, None),
    ("", 123456789, date(2019, 1, 1), 0),
]


def written(sheets: Sequence[Sheet]) -> bytes:
    out = io.BytesIO()
    write_workbook(out, sheets, AT, title="Zahlungen")
    return out.getvalue()


def read(content: bytes, *, values: bool = True) -> list[Worksheet]:
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=values)
    return [sheet for sheet in book.worksheets if isinstance(sheet, Worksheet)]


def cents(value: object) -> int:
    """What a cell of money says, as cents."""
    return int((Decimal(str(value)) * 100).to_integral_exact())


def test_text_stays_text_days_are_days_and_money_is_money() -> None:
    (sheet,) = read(written([Sheet("Zahlungen", COLUMNS, ROWS, totals=True)]))
    assert [cell.value for cell in sheet[1]] == ["IBAN", "Betrag", "Fällig", "Anzahl"]
    first, second = sheet[2], sheet[3]
    assert (first[0].value, first[0].data_type, first[0].number_format) == ("0700123", "s", "@")
    assert (cents(first[1].value), first[1].number_format) == (450, MONEY_FORMAT)
    assert (first[2].value, first[2].number_format) == (datetime(2026, 12, 15), DAY_FORMAT)  # noqa: DTZ001 - as openpyxl reads a day
    assert (second[0].value, second[0].data_type) == ("=SUMME(A1)", "s")
    assert [second[2].value, second[3].value, sheet["A4"].value] == [None, None, None]


def test_sums_are_formulas_with_their_values_stored() -> None:
    content = written([Sheet("Zahlungen", COLUMNS, ROWS, totals=True)])
    (stored,), (formulas,) = read(content), read(content, values=False)
    assert [stored["A5"].value, cents(stored["B5"].value), stored["C5"].value, stored["D5"].value] == ["Summe", 123457234, None, 3]
    assert (formulas["B5"].value, formulas["D5"].value) == ("=SUBTOTAL(9,B2:B4)", "=SUBTOTAL(9,D2:D4)")
    assert stored["B5"].number_format == MONEY_FORMAT


def test_a_table_has_a_frozen_header_and_a_filter_and_other_sheets_have_none() -> None:
    pairs = Sheet(
        "Deckblatt", (Column("Angabe"), Column("Wert", Kind.ANY)), [("Summe", Euro(450)), ("Am", AT), ("Zahl", 7)], is_table=False
    )
    cover, table = read(written([pairs, Sheet("Zahlungen", COLUMNS, ROWS, totals=True)]))
    assert (table.freeze_panes, table.auto_filter.ref) == ("A2", "A1:D4")
    assert (cover.freeze_panes, cover.auto_filter.ref) == (None, None)
    # A moment is shown as the clocks of the office show it.
    assert (cents(cover["B2"].value), cover["B3"].value, cover["B4"].value) == (450, datetime(2026, 12, 1, 10, 30), 7)  # noqa: DTZ001 - as above


def test_an_empty_table_sums_to_nothing() -> None:
    (sheet,) = read(written([Sheet("Korrekturen", COLUMNS, [], totals=True)]))
    assert (sheet["A2"].value, cents(sheet["B2"].value)) == ("Summe", 0)


def test_a_table_longer_than_a_sheet_goes_on_in_another() -> None:
    out = io.BytesIO()
    with Workbook(out, AT, rows_max=2) as book:
        sheet = book.add_sheet("Positionen", COLUMNS, totals=True)
        for number in range(5):
            sheet.add((str(number), 100, None, None))
    sheets = read(out.getvalue())
    assert [s.title for s in sheets] == ["Positionen", "Positionen (2)", "Positionen (3)"]
    assert [[row[0].value for row in s.iter_rows()] for s in sheets] == [
        ["IBAN", "0", "1", "Summe"],
        ["IBAN", "2", "3", "Summe"],
        ["IBAN", "4", "Summe"],
    ]
    assert [cents(s.cell(s.max_row, 2).value) for s in sheets] == [200, 200, 100]
    assert sheet.sums == {"Betrag": 500, "Anzahl": 0}


def test_the_same_content_makes_the_same_bytes_whatever_the_hour_and_the_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = written([Sheet("Zahlungen", COLUMNS, ROWS, totals=True)])
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    mask = os.umask(0o077)
    try:
        assert written([Sheet("Zahlungen", COLUMNS, ROWS, totals=True)]) == before
    finally:
        os.umask(mask)
        monkeypatch.undo()
        time.tzset()
    with zipfile.ZipFile(io.BytesIO(before)) as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {1980}
        assert b"2026-12-01T09:30:00Z" in archive.read("docProps/core.xml")


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+49 2151", "-5", "@name", "\tx", "http://example.org", "<r><t>x</t></r>", "<r>&</r>", "007", "1e5", " am Rand ", "a\nb"],
)
def test_what_looks_like_something_else_is_text(text: str) -> None:
    content = written([Sheet("Text", (Column("Text"),), [(text,)])])
    (sheet,) = read(content, values=False)
    assert (sheet["A2"].value, sheet["A2"].data_type) == (text, "s")
    assert sheet["A2"].hyperlink is None


letters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="_\ufffe\uffff")


@given(st.lists(st.tuples(st.text(letters, max_size=40), st.integers(-99_999_999_999, 99_999_999_999)), max_size=8))
def test_any_text_and_any_amount_is_read_back(rows: list[tuple[str, int]]) -> None:
    (sheet,) = read(written([Sheet("Zahlungen", (Column("Name"), Column("Betrag", Kind.MONEY, total=True)), rows, totals=True)]))
    assert [((r[0].value or ""), cents(r[1].value)) for r in sheet.iter_rows(min_row=2, max_row=1 + len(rows))] == rows
    assert cents(sheet.cell(2 + len(rows), 2).value) == sum(amount for _, amount in rows)


@pytest.mark.parametrize("text", ["\x00", "\x1b[0m", "\r", "\ufffe", "_x0041_"])
def test_characters_xml_cannot_carry_do_not_break_the_file(text: str) -> None:
    (sheet,) = read(written([Sheet("Text", (Column("Text"),), [(f"a{text}b",)])]))
    assert str(sheet["A2"].value).startswith("a")


def test_a_text_no_cell_can_hold_is_refused_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    out = io.BytesIO()
    with pytest.raises(ValueError, match="column Text"):
        write_workbook(out, [Sheet("Text", (Column("Text"),), [("x" * 32_768,)])], AT)
    assert out.getvalue() == b""
    assert not any(tmp_path.iterdir())
    written([Sheet("Text", (Column("Text"),), [("x",)])])
    assert not any(tmp_path.iterdir())


def test_a_row_has_a_cell_for_each_column() -> None:
    with pytest.raises(ValueError, match="argument"):
        written([Sheet("Text", (Column("A"), Column("B")), [("x",)])])


def test_money_is_printed_from_cents_and_never_rounded() -> None:
    (sheet,) = read(written([Sheet("Text", (Column("B", Kind.MONEY),), [(99_999_999_999,), (1,)])]))
    assert [f"{Decimal(str(sheet.cell(row, 1).value)):.2f}" for row in (2, 3)] == [print_money(99_999_999_999), "0.01"]

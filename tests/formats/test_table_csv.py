"""Tables as CSV: what machines read and a German spreadsheet opens, and no cell that runs."""

import csv
import io
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from but_gateway.formats.table_csv import write_table
from but_gateway.formats.xlsx import Cell, Column, Euro, Kind


def written(columns: list[Column], *rows: tuple[Cell, ...]) -> str:
    out = io.BytesIO()
    write_table(out, columns, rows)
    return out.getvalue().decode("utf-8-sig")


def test_cells_are_written_as_in_germany() -> None:
    columns = [
        Column("Text"),
        Column("Betrag", Kind.MONEY),
        Column("Tag", Kind.DAY),
        Column("Zahl", Kind.WHOLE),
        Column("Zeit", Kind.MOMENT),
    ]
    rows = (("0700123", -123450, date(2026, 11, 2), 7, datetime(2026, 11, 2, 23, 30, tzinfo=UTC)), ("=1+1", 5, None, 0, None))
    assert written(columns, *rows) == (
        "Text;Betrag;Tag;Zahl;Zeit\r\n0700123;-1234,50;02.11.2026;7;03.11.2026 00:30:00\r\n'=1+1;0,05;;0;\r\n"
    )


def test_money_in_a_column_of_any_kind() -> None:
    assert written([Column("Wert", Kind.ANY)], (Euro(1250),), (12,), ("a;b",)) == 'Wert\r\n12,50\r\n12\r\n"a;b"\r\n'


def test_without_rows_the_header_stands_alone() -> None:
    assert written([Column("Text")]) == "Text\r\n"


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        written([Column("Text")], ("a", "b"))


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])))
def test_no_cell_begins_like_a_formula(text: str) -> None:
    [_, [cell]] = list(csv.reader(io.StringIO(written([Column("Text")], (text or "x",)), newline=""), delimiter=";"))
    assert cell.removeprefix("'") == (text or "x").removeprefix("'")
    assert cell[0] not in "=+-@\t\r"

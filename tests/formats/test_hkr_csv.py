"""HKR.csv: what a finance software and a spreadsheet read back is what was ordered, and nothing runs."""

import csv
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from but_gateway.formats.hkr_csv import HkrRow, disarm, write_hkr
from but_gateway.formats.hkr_profile import GENERIC, load_profiles
from but_gateway.kit.money import parse_money

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60) | st.sampled_from(
    ["=1+1", "+49", "-x", "@a", '"', ";", "0700123"]
)
rows = st.lists(
    st.builds(
        HkrRow,
        batch=words,
        order=words,
        creditor=words,
        name=words,
        iban=words,
        net_cents=st.integers(-99_999_999_999, 99_999_999_999),
        due_on=st.dates(date(2019, 1, 1), date(2099, 12, 31)),
        fiscal_year=st.integers(2011, 2099),
        product=words,
        account=words,
        cost_centre=words,
        legal_basis=words,
        benefit=words,
        remittance_text=words,
    ),
    max_size=10,
)
PROFILE = load_profiles()[GENERIC]
HEADER = [column.name for column in PROFILE.columns]
TEXT_CELLS = [HEADER.index(name) for name in HEADER if name not in {"Betrag", "Haushaltsjahr", "Faellig", "Waehrung"}]


def written(batch: list[HkrRow]) -> bytes:
    out = io.BytesIO()
    write_hkr(out, PROFILE, batch)
    return out.getvalue()


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))


@given(rows)
def test_sums_survive_and_no_cell_is_a_formula(batch: list[HkrRow]) -> None:
    head, *body = read(written(batch))
    assert head == HEADER
    assert len(body) == len(batch)
    assert sum(parse_money(cells[5].replace(",", ".")) for cells in body) == sum(row.net_cents for row in batch)
    for cells, row in zip(body, batch, strict=True):
        assert all(not cells[i].startswith(("=", "+", "-", "@", "\t", "\r")) for i in TEXT_CELLS)
        assert cells[3].removeprefix("'") == row.name.removeprefix("'")


def test_the_file_is_what_the_generic_profile_says() -> None:
    row = HkrRow(
        "2026-0007", "2026-0007-0001", "0700123", "Schulküche; Süd", "DE02120300000000202051", -450, date(2026, 12, 15), 2026, "05.311.01",
        "533110", "50-4", "sgb2", "lunch", "BuT krefeld 2026-0007",
    )  # fmt: skip
    assert written([row]) == (
        b"\xef\xbb\xbf"
        b"Lauf;Anordnung;Kreditor;Name;IBAN;Betrag;Waehrung;Faellig;Haushaltsjahr;Produkt;Sachkonto;Kostenstelle;Rechtskreis;Leistungsart;"
        b"Verwendungszweck\r\n"
        b"2026-0007;2026-0007-0001;0700123;"
        b'"Schulk\xc3\xbcche; S\xc3\xbcd";DE02120300000000202051;-4,50;EUR;15.12.2026;2026;05.311.01;533110;50-4;'
        b"sgb2;lunch;BuT krefeld 2026-0007\r\n"
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_formulas_are_disarmed(start: str) -> None:
    assert disarm(f"{start}SUMME(A1)") == f"'{start}SUMME(A1)"


def test_empty_cells_and_plain_text_stay() -> None:
    assert disarm("") == ""
    assert disarm("0700123") == "0700123"

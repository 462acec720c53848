"""Profiles: what they refuse when they are read, and what they make of an order."""

import io
import re
from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from but_gateway.formats.hkr_csv import HkrRow, Signature, UnfitForProfileError, read_net_cents, write_hkr
from but_gateway.formats.hkr_profile import FIELDS, HkrProfile, ProfileError, load_profiles, parse_profile

DOCS = Path(__file__).parents[2] / "docs" / "hkr-profiles.md"
SHIPPED = load_profiles()
ROW = HkrRow(
    "2026-0007", "2026-0007-0001", "0700123", "Schulküche Süd", "DE02120300000000202051", -450, date(2026, 12, 15), 2026, "05.311.01",
    "533110", "50-4", "sgb2", "lunch", "BuT krefeld 2026-0007", receipts_cents=450, municipality="Krefeld", kind="reduction", payment=1,
    positions=1, service_from=date(2026, 10, 5), service_to=date(2026, 10, 5), factual=Signature("x|1", date(2026, 12, 1)),
    handed_over_on=date(2026, 12, 2),
)  # fmt: skip
BASE = """
name: test
title: Test
layout: delimited
encoding: cp1252
delimiter: ";"
columns:
  - {name: A, field: order}
  - {name: B, field: net}
"""


def written(profile: HkrProfile, *rows: HkrRow) -> bytes:
    out = io.BytesIO()
    write_hkr(out, profile, rows)
    return out.getvalue()


def with_options(**options: object) -> HkrProfile:
    return parse_profile(yaml.safe_dump(yaml.safe_load(BASE) | options), "test.yaml")


def with_column(**column: object) -> HkrProfile:
    return with_options(columns=[*yaml.safe_load(BASE)["columns"], {"name": "C", **column}], header=False)


def last_cell(profile: HkrProfile, row: HkrRow = ROW) -> str:
    return written(profile, row).decode(profile.encoding).rstrip("\r\n").split(";")[-1]


def test_two_profiles_are_shipped_and_one_of_them_says_that_nobody_confirmed_it() -> None:
    assert {name: profile.confirmed for name, profile in SHIPPED.items()} == {"generic": True, "sap_style": False}
    assert "abzustimmen" in SHIPPED["sap_style"].title


def test_the_sap_style_file_has_rows_of_one_length() -> None:
    profile = SHIPPED["sap_style"]
    lines = written(profile, ROW, replace(ROW, net_cents=123456, name="Łódź GmbH")).decode("cp1252").split("\r\n")
    assert lines[0].startswith("P0001KR20262026120220261215" + "2026-0007-0001  " + "0000700123" + "H" + "4.50".rjust(15) + "EUR  ")
    assert {len(line) for line in lines[:2]} == {sum(c.width or 0 for c in profile.columns)}
    assert lines[1][53:70] == "S" + "1234.56".rjust(15) + "E"
    assert "Lódz GmbH" in lines[1]
    assert list(read_net_cents(io.BytesIO(written(profile, ROW, replace(ROW, net_cents=99))), profile)) == [-450, 99]


def test_what_does_not_fit_its_field_is_refused_by_order_and_column() -> None:
    with pytest.raises(UnfitForProfileError, match="order 2026-0007-0001, column KREDITOR: 11 characters, 10 fit"):
        written(SHIPPED["sap_style"], replace(ROW, creditor="12345678901"))


def test_only_what_may_be_cut_is_cut() -> None:
    line = written(SHIPPED["sap_style"], replace(ROW, name="N" * 80)).decode("cp1252")
    assert "N" * 35 in line
    assert "N" * 36 not in line


def test_the_worked_example_of_the_documentation_is_what_the_code_does() -> None:
    blocks = dict(re.findall(r"```(yaml|text)\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL))
    profile = parse_profile(blocks["yaml"], "beispielstadt.yaml")
    row = replace(ROW, name="Żabka & Söhne Schulverpflegung")
    assert written(profile, row).decode("cp1252") == blocks["text"]
    assert list(read_net_cents(io.BytesIO(written(profile, row)), profile)) == [-450]


def test_the_documentation_names_every_field_and_every_option() -> None:
    named = set(re.findall(r"`([a-z_0-9]+)`", DOCS.read_text("utf-8")))
    assert FIELDS.keys() <= named
    assert HkrProfile.model_fields.keys() <= named


def test_every_field_can_be_printed() -> None:
    for field in FIELDS:
        assert "\n" not in last_cell(with_column(field=field))


def test_fields_are_what_an_order_tells() -> None:
    derived = {"currency", "net_absolute", "debit_credit", "handed_over_on"}
    attributes = {re.sub(r"_cents$", "", f.name) for f in fields(HkrRow)}
    told = {re.sub(r"_(by|on)$", "", f) if f not in {"due_on", "handed_over_on"} else f for f in FIELDS}
    assert told - derived == attributes - derived


@pytest.mark.parametrize(
    ("options", "cell"),
    [
        ({"decimal": "."}, "-1234.05"),
        ({"decimal": ""}, "-123405"),
        ({"minus": "behind"}, "1234,05-"),
    ],
)
def test_amounts(options: dict[str, object], cell: str) -> None:
    profile = with_options(header=False, **options)
    row = replace(ROW, net_cents=-123405)
    assert last_cell(profile, row) == cell
    assert list(read_net_cents(io.BytesIO(written(profile, row)), profile)) == [-123405]


@pytest.mark.parametrize(("pattern", "cell"), [("YYYY-MM-DD", "2026-12-15"), ("DDMMYY", "151226"), ("MM/DD/YYYY", "12/15/2026")])
def test_dates(pattern: str, cell: str) -> None:
    columns = [*yaml.safe_load(BASE)["columns"], {"name": "C", "field": "due_on"}]
    assert last_cell(with_options(columns=columns, date=pattern, header=False)) == cell


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("Schulküche €", "Schulküche €"),
        ("Łódź Żabka", "Lódz Zabka"),
        ("Çelik Yılmaz Şen", "Çelik Yilmaz Sen"),
        ("日本", ".."),
        ("Mu\u0308ller", "Müller"),
        ("a\nb\x85c\u2028d", "a b c d"),
        ("schmal\u2009es", "schmal es"),
    ],
)
def test_a_character_that_cannot_be_carried_is_spelled_and_never_becomes_a_question_mark(text: str, cell: str) -> None:
    assert last_cell(with_column(field="name"), replace(ROW, name=text)) == cell


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(["cp1252", "iso-8859-1", "iso-8859-15", "utf-8"]))
def test_any_name_can_be_written(name: str, encoding: str) -> None:
    columns = [*yaml.safe_load(BASE)["columns"], {"name": "C", "field": "name"}]
    profile = with_options(columns=columns, header=False, encoding=encoding, disarm_formulas=False)
    content = written(profile, replace(ROW, name=name.replace("?", "")))
    assert b"?" not in content
    assert list(read_net_cents(io.BytesIO(content), profile)) == [-450]


rows = st.lists(st.integers(-99_999_999_999, 99_999_999_999), max_size=20)


@given(rows, st.sampled_from(sorted(SHIPPED)))
def test_sums_survive_every_shipped_profile(amounts: list[int], name: str) -> None:
    profile = SHIPPED[name]
    content = written(profile, *(replace(ROW, net_cents=cents) for cents in amounts))
    assert list(read_net_cents(io.BytesIO(content), profile)) == amounts
    assert written(profile, *(replace(ROW, net_cents=cents) for cents in amounts)) == content


@pytest.mark.parametrize("cents", [0, 7, -7, -123456])
def test_cents_filled_with_noughts_keep_their_sign(cents: int) -> None:
    columns = [{"name": "A", "field": "order", "width": 16}, {"name": "B", "field": "net", "width": 12, "align": "right", "fill": "0"}]
    profile = with_options(layout="fixed", delimiter=None, decimal="", header=False, columns=columns)
    content = written(profile, replace(ROW, net_cents=cents))
    assert len(content) == 16 + 12 + 2
    assert list(read_net_cents(io.BytesIO(content), profile)) == [cents]


def test_codes_of_the_town_replace_ours_and_a_missing_one_is_refused() -> None:
    profile = with_column(field="legal_basis", values={"sgb2": "11"})
    assert last_cell(profile) == "11"
    with pytest.raises(UnfitForProfileError, match="column C: the profile has no value for 'bkgg'"):
        written(profile, replace(ROW, legal_basis="bkgg"))


def test_quoting() -> None:
    columns = [*yaml.safe_load(BASE)["columns"], {"name": "C", "field": "name"}]
    row = replace(ROW, name='a;"b"')
    assert written(with_options(columns=columns, quoting="always", header=False), row).endswith(b';"-4,50";"a;""b"""\r\n')
    assert written(with_options(columns=columns, header=False), row).endswith(b';-4,50;"a;""b"""\r\n')
    with pytest.raises(UnfitForProfileError, match="column C: holds the delimiter"):
        written(with_options(columns=columns, quoting="never", header=False), row)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"colour": "red"}, "test.yaml: colour: Extra inputs"),
        ({"encoding": "ebcdic"}, "test.yaml: encoding: Input should be"),
        ({"delimiter": None}, "a delimited file needs a delimiter"),
        ({"delimiter": "x"}, "the delimiter must not be"),
        ({"delimiter": ","}, "the delimiter must not be"),
        ({"layout": "fixed"}, "a fixed one has none"),
        ({"layout": "fixed", "delimiter": None}, "a width for each column; missing at A, B"),
        ({"date": "%d.%m.%Y"}, "a date is made of"),
        ({"date": "YYYYMMDDYYYY"}, "a date is made of"),
        ({"columns": []}, "columns: List should have at least 1 item"),
        ({"columns": [{"name": "A", "field": "net"}]}, "needs a column for the order"),
        ({"columns": [{"name": "A", "field": "order"}, {"name": "B", "field": "gross"}]}, "and for its amount"),
        ({"columns": [{"name": "A", "field": "order"}, {"name": "A", "field": "net"}]}, "stands twice: A"),
        ({"columns": [{"name": "A", "field": "child"}]}, "columns.0: there is no field child; there are: account"),
        ({"columns": [{"name": "A"}]}, "columns.0: needs either a field or a constant"),
        ({"columns": [{"name": "A", "field": "order", "cut": True}]}, "a text can only be cut to a width"),
        ({"columns": [{"name": "A", "field": "net", "cut": True, "width": 3}]}, "only columns of text can be cut"),
        (
            {"columns": [{"name": "A", "field": "order"}, {"name": "B", "field": "net"}, {"name": "Ł", "constant": "x"}]},
            "column Ł has a character that cp1252 cannot carry",
        ),
        (
            {"columns": [{"name": "A", "field": "order"}, {"name": "B", "field": "net"}, {"name": "C", "constant": "xx", "width": 1}]},
            "column C has a text longer than its width",
        ),
    ],
)
def test_a_broken_profile_is_refused_with_a_sentence_that_names_the_place(options: dict[str, object], message: str) -> None:
    with pytest.raises(ProfileError, match=re.escape(message)):
        with_options(**options)


@pytest.mark.parametrize(("text", "message"), [("a: [", "test.yaml, line 1: not YAML"), ("- a", "test.yaml: a profile is a mapping")])
def test_what_is_no_profile_at_all(text: str, message: str) -> None:
    with pytest.raises(ProfileError, match=re.escape(message)):
        parse_profile(text, "test.yaml")


def test_profiles_of_a_directory_come_beside_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(BASE)
    assert load_profiles(tmp_path).keys() == {"generic", "sap_style", "test"}
    (tmp_path / "twin.yaml").write_text(BASE)
    with pytest.raises(ProfileError, match=r"twin\.yaml: there is a profile test already"):
        load_profiles(tmp_path)
    with pytest.raises(ProfileError, match="no such directory"):
        load_profiles(tmp_path / "missing")
    (tmp_path / "twin.yaml").write_bytes(b"\xff")
    with pytest.raises(ProfileError, match="cannot be read"):
        load_profiles(tmp_path)


def test_a_file_of_another_profile_is_not_read() -> None:
    with pytest.raises(ValueError, match="header"):
        list(read_net_cents(io.BytesIO(written(SHIPPED["generic"], ROW).replace(b"Lauf", b"Batch")), SHIPPED["generic"]))
    with pytest.raises(ValueError, match="length"):
        list(read_net_cents(io.BytesIO(b"P\r\n"), SHIPPED["sap_style"]))
    with pytest.raises(ValueError, match="amount"):
        list(read_net_cents(io.BytesIO(written(SHIPPED["generic"], ROW).replace(b"-4,50", b"4x50")), SHIPPED["generic"]))

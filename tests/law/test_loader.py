"""A law file that breaks its schema is refused, and the refusal says where."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from but_gateway.law.loader import BadLaw, read_law
from but_gateway.law.parameters import LAW_DIRECTORY


@pytest.fixture
def law(tmp_path: Path) -> Path:
    """A copy of the law that a test may spoil."""
    for path in LAW_DIRECTORY.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    return tmp_path


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_an_unspoiled_copy_is_read_like_the_original(law: Path) -> None:
    assert read_law(law) == read_law(LAW_DIRECTORY)


def test_another_set_of_values_has_another_version_and_decides_by_itself(law: Path) -> None:
    spoil(law / "participation.yaml", 'value: "15.00"', 'value: "20.00"')
    book = read_law(law)
    assert book.version != read_law(LAW_DIRECTORY).version
    assert book.at(date(2026, 11, 22)).participation_monthly_cents == 2000


MONTHLY = """area: participation
parameters:
  participation_age_limit_years:
    description: Alter
    values:
      - {from: 2011-01-01, value: 18, reference: "§ 28 (7) SGB II", still_valid_on: 2026-11-22}
  participation_monthly_cents:
    description: Betrag
    values:
"""
REST = 'reference: "§ 28 (7) SGB II", still_valid_on: 2026-11-22}'


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([f'{{from: 2011-01-01, to: 2019-07-30, value: "10.00", {REST}', f'{{from: 2019-08-01, value: "15.00", {REST}'], "gap: 2019-08-01"),
        (
            [f'{{from: 2011-01-01, to: 2019-08-01, value: "10.00", {REST}', f'{{from: 2019-08-01, value: "15.00", {REST}'],
            "overlap: 2019-08-01",
        ),
        ([f'{{from: 2011-01-01, value: "10.00", {REST}', f'{{from: 2019-08-01, value: "15.00", {REST}'], "overlap: an entry follows"),
        ([f'{{from: 2011-01-01, to: 2019-07-31, value: "10.00", {REST}'], "gap: nothing from 2019-08-01"),
        ([f'{{from: 2011-02-01, value: "10.00", {REST}'], "gap: 2011-02-01"),
        ([f'{{from: 2010-01-01, value: "10.00", {REST}'], "overlap: 2010-01-01"),
        ([f'{{from: 2011-01-01, to: 2010-12-31, value: "10.00", {REST}'], "ends before it begins"),
        (['{from: 2011-01-01, value: "10.00", still_valid_on: 2026-11-22}'], "missing reference"),
        (['{from: 2011-01-01, value: "10.00", reference: " ", still_valid_on: 2026-11-22}'], "reference: a text is due"),
        (['{from: 2011-01-01, value: "10.00", reference: 28, still_valid_on: 2026-11-22}'], "reference: a text is due"),
        (['{from: 2011-01-01, value: "10.00", reference: "§ 28"}'], "missing still_valid_on"),
        (['{from: 2011-01-01, value: "10.00", reference: "§ 28", still_valid_on: yes}'], "still_valid_on: a day is due"),
        ([f'{{from: 2011-01-01T10:00:00, value: "10.00", {REST}'], "from: a day is due"),
        ([f'{{from: 2011-01-01, value: "10.00", amount: 1, {REST}'], "unknown key amount"),
        ([f"{{from: 2011-01-01, {REST}"], "exactly one of value and not_loaded"),
        ([f'{{from: 2011-01-01, value: "10.00", not_loaded: "?", {REST}'], "exactly one of value and not_loaded"),
        ([f'{{from: 2011-01-01, not_loaded: "?", {REST}'], "must always be loaded"),
        ([f"{{from: 2011-01-01, value: 10.00, {REST}"], "a decimal string"),
        ([f'{{from: 2011-01-01, value: "10", {REST}'], "a decimal string"),
        ([f'{{from: 2011-01-01, value: "-10.00", {REST}'], "a decimal string"),
        ([f'{{from: 2011-01-01, from: 2012-01-01, value: "10.00", {REST}'], "key given twice: from"),
        (["nothing"], "a mapping is due"),
    ],
)
def test_a_wrong_entry_is_refused(law: Path, rows: list[str], message: str) -> None:
    (law / "participation.yaml").write_text(MONTHLY + "".join(f"      - {row}\n" for row in rows), encoding="utf-8")
    with pytest.raises(BadLaw, match=message):
        read_law(law)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("participation.yaml", "value: 18", 'value: "18"', "a whole number"),
        ("participation.yaml", "value: 18", "value: true", "a whole number"),
        ("participation.yaml", "value: 18", "value: -1", "a whole number"),
        ("participation.yaml", "participation_monthly_cents", "participation_weekly_cents", "unknown parameter participation_weekly_cents"),
        ("participation.yaml", "area: participation", "area: 7", "area: a text is due"),
        ("participation.yaml", "area: participation\n", "", "missing area"),
        ("participation.yaml", "area: participation", "area: participation\ncolour: red", "unknown key colour"),
        ("participation.yaml", "area: participation", "area: [", "not YAML"),
        ("participation.yaml", "parameters:", "parameters: {}\nrest:", "unknown key rest"),
        ("lunch.yaml", "value: true", "value: 1", "true or false"),
        ("entitlement.yaml", 'value: "03-31"', 'value: "31 March"', "a day of the year"),
        ("entitlement.yaml", 'value: "03-31"', "value: 331", "a day of the year"),
        ("entitlement.yaml", "bkgg: 25, ", "", "missing bkgg"),
        ("entitlement.yaml", "bkgg: 25,", "bkgg: many,", "a whole number"),
        ("entitlement.yaml", "bkgg: 25,", "bkgg: 25, sgb9: 25,", "unknown key sgb9"),
        ("entitlement.yaml", "bkgg: true,", "bkgg: 25,", "true or false"),
        ("tax.yaml", "value: [exempt_4_21, small_business, standard]", "value: exempt_4_21", "a list of words"),
        ("tax.yaml", "value: [exempt_4_21, small_business, standard]", "value: []", "a list of words"),
        ("tax.yaml", "value: [exempt_4_21, small_business, standard]", "value: [1]", "a text is due"),
        ("state_nw.yaml", "state: NW", "state: Nordrhein-Westfalen", "two capital letters"),
        ("state_nw.yaml", "state: NW", "state: 5", "two capital letters"),
    ],
)
def test_a_wrong_value_or_key_is_refused(law: Path, file: str, old: str, new: str, message: str) -> None:
    spoil(law / file, old, new)
    with pytest.raises(BadLaw, match=message):
        read_law(law)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("area: a\nparameters: {}\n", "parameters must be a mapping"),
        ("area: a\nparameters: [1]\n", "parameters must be a mapping"),
        ("- 1\n", "a mapping is due"),
        ("area: a\nparameters:\n  lunch_own_share_cents: 1\n", "a mapping is due"),
        ("area: a\nparameters:\n  lunch_own_share_cents: {description: d, values: []}\n", "at least one entry"),
        ("area: a\nparameters:\n  lunch_own_share_cents: {description: d, values: 1}\n", "at least one entry"),
        ("? [a]\n: 1\n", "not YAML"),
    ],
)
def test_a_file_of_another_shape_is_refused(law: Path, content: str, message: str) -> None:
    (law / "more.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(BadLaw, match=message):
        read_law(law)


def test_a_missing_parameter_is_refused(law: Path) -> None:
    (law / "participation.yaml").unlink()
    with pytest.raises(BadLaw, match="missing: participation_age_limit_years, participation_monthly_cents"):
        read_law(law)


def test_a_state_must_have_all_parameters_of_a_state(law: Path) -> None:
    rows = '{from: 2011-01-01, value: 6, reference: "§ 1", still_valid_on: 2026-11-22}'
    body = f"area: retention\nstate: BY\nparameters:\n  retention_booking_records_years: {{description: d, values: [{rows}]}}\n"
    (law / "state_by.yaml").write_text(body, encoding="utf-8")
    with pytest.raises(BadLaw, match=r"missing: BY\.retention_ledgers_years"):
        read_law(law)


def test_a_parameter_given_in_two_files_is_refused(law: Path) -> None:
    shutil.copy(law / "lunch.yaml", law / "lunch_again.yaml")
    with pytest.raises(BadLaw, match="given twice: lunch_communal_required, lunch_own_share_cents"):
        read_law(law)

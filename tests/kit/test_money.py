"""Money: read, printed, divided; nothing is lost on the way."""

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from but_gateway.kit.money import (
    CENTS_MAX,
    MONEY_PATTERN,
    divide_half_up,
    parse_bank_amount,
    parse_money,
    parse_share,
    print_euro_de,
    print_money,
    print_share,
    share_of,
)

CENTS = some.integers(-CENTS_MAX, CENTS_MAX)


@given(CENTS)
def test_what_is_printed_is_read_back(cents: int) -> None:
    assert parse_money(print_money(cents)) == cents


@given(CENTS)
def test_what_is_printed_has_the_shape_of_the_contract(cents: int) -> None:
    assert re.fullmatch(MONEY_PATTERN, print_money(cents))


@pytest.mark.parametrize(
    ("text", "cents"),
    [("0.00", 0), ("-0.00", 0), ("0.01", 1), ("-4.50", -450), ("4.50", 450), ("007.05", 705), ("999999999.99", CENTS_MAX)],
)
def test_amounts_of_the_contract_are_read(text: str, cents: int) -> None:
    assert parse_money(text) == cents


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4",
        "4.5",
        "4.500",
        "4,50",
        ".50",
        "+4.50",
        "--4.50",
        " 4.50",
        "4.50 ",
        "4.50\n",
        "1e2",
        "NaN",
        "1000000000.00",
        "٤.٥٠",
        "4.5a",
        "1 000.00",
    ],
)
def test_anything_else_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        parse_money(text)


@given(some.text(alphabet="0123456789.-+, eE\n", max_size=14))
def test_reading_takes_the_contracts_shape_and_nothing_more(text: str) -> None:
    if re.fullmatch(r"-?[0-9]{1,9}\.[0-9]{2}", text):
        assert Fraction(parse_money(text), 100) == Fraction(text)
    else:
        with pytest.raises(ValueError, match="not an amount"):
            parse_money(text)


@pytest.mark.parametrize(
    ("cents", "text"), [(0, "0,00 €"), (-5, "-0,05 €"), (123450, "1.234,50 €"), (-123456789, "-1.234.567,89 €"), (99, "0,99 €")]
)
def test_people_in_germany_read_a_comma_and_points(cents: int, text: str) -> None:
    assert print_euro_de(cents) == text


@given(CENTS)
def test_the_german_form_holds_the_same_digits(cents: int) -> None:
    assert re.sub(r"[^0-9-]", "", print_euro_de(cents)) == print_money(cents).replace(".", "")


@pytest.mark.parametrize(
    ("numerator", "denominator", "quotient"), [(5, 2, 3), (-5, 2, -3), (4, 2, 2), (1, 3, 0), (2, 3, 1), (-1, 2, -1), (0, 7, 0)]
)
def test_halves_go_away_from_zero(numerator: int, denominator: int, quotient: int) -> None:
    assert divide_half_up(numerator, denominator) == quotient


@given(some.integers(-(10**15), 10**15), some.integers(1, 10**6))
def test_a_quotient_is_never_further_off_than_a_half(numerator: int, denominator: int) -> None:
    quotient = divide_half_up(numerator, denominator)
    assert abs(Fraction(numerator, denominator) - quotient) <= Fraction(1, 2)
    assert divide_half_up(-numerator, denominator) == -quotient


@pytest.mark.parametrize("denominator", [0, -1])
def test_dividing_by_nothing_or_less_is_refused(denominator: int) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        divide_half_up(1, denominator)


@pytest.mark.parametrize(
    ("text", "share"), [("0", 0), ("1", 10_000), ("0.50", 5000), ("0.5", 5000), ("0.3333", 3333), ("1.0000", 10_000), ("0.0001", 1)]
)
def test_shares_are_read(text: str, share: int) -> None:
    assert parse_share(text) == share


@pytest.mark.parametrize("text", ["", "1.1", "2", "-0.5", "0.", ".5", "0.33333", "50%", "0,5", "00.5", "0.5\n", "1.0001"])
def test_anything_else_is_no_share(text: str) -> None:
    with pytest.raises(ValueError, match="not a share"):
        parse_share(text)


@given(some.integers(0, 10_000))
def test_a_printed_share_is_read_back(share: int) -> None:
    assert parse_share(print_share(share)) == share
    assert len(print_share(share).partition(".")[2]) >= 2


@given(CENTS, some.integers(0, 10_000))
def test_a_share_and_its_rest_are_off_the_whole_by_a_cent_at_most(cents: int, share: int) -> None:
    part, rest = share_of(cents, share), share_of(cents, 10_000 - share)
    assert abs(part + rest - cents) <= 1
    assert abs(part) <= abs(cents)


def test_half_a_cent_goes_up() -> None:
    assert share_of(101, 5000) == 51


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("0", 0),
        ("200000", 20_000_000),
        ("3.1", 310),
        ("8.85", 885),
        ("8.85000", 885),
        ("12.", 1200),
        ("999999999999999.99", 99_999_999_999_999_999),
    ],
)
def test_amounts_of_banks_are_read(text: str, cents: int) -> None:
    assert parse_bank_amount(text) == cents


@pytest.mark.parametrize(
    "text", ["", ".", ".5", "-1.00", "+1", "1,00", "1.001", "1.00001", "1.000000", "1e3", "1 000", "٣", "1" * 16, "1.0.0"]
)
def test_anything_else_is_no_amount_of_a_bank(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        parse_bank_amount(text)

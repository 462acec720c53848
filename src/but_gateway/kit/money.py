"""Money as integer cents: the only place where amounts are read, printed, rounded or divided."""

import re
from typing import Final

# Shape of an amount in the contract: at most nine digits before the point, exactly two behind it.
MONEY_PATTERN: Final = r"^-?\d{1,9}\.\d{2}$"
CENTS_MAX: Final = 99_999_999_999
_AMOUNT: Final = re.compile(r"-?[0-9]{1,9}\.[0-9]{2}", re.ASCII)
_BANK_AMOUNT: Final = re.compile(r"([0-9]{1,15})(?:\.([0-9]{0,5}))?", re.ASCII)
_SHARE: Final = re.compile(r"(0(\.[0-9]{1,4})?|1(\.0{1,4})?)", re.ASCII)


def parse_money(text: str) -> int:
    r"""Cents of an amount written as in the contract, such as ``"-4.50"``.

    Refuses when the text is not ``-?\d{1,9}\.\d{2}`` (ValueError). ``-0.00`` is zero.
    """
    if not _AMOUNT.fullmatch(text):
        raise ValueError("not an amount such as 12.30")
    sign = -1 if text[0] == "-" else 1
    return sign * int(text.lstrip("-").replace(".", ""))


def parse_bank_amount(text: str) -> int:
    """Cents of an amount as a bank writes it (ISO 20022): no sign, no or up to five decimals, such as ``"200000"``, ``"3.1"``, ``"8.850"``.

    Refuses when it is none, or holds a fraction of a cent (ValueError).
    """
    found = _BANK_AMOUNT.fullmatch(text)
    decimals = (found[2] or "").ljust(2, "0") if found else ""
    if found is None or decimals[2:].strip("0"):
        raise ValueError("not an amount such as 12.30")
    return int(found[1] + decimals[:2])


def print_money(cents: int) -> str:
    """The amount as the contract writes it: ``-450`` → ``"-4.50"``."""
    sign = "-" if cents < 0 else ""
    euros, rest = divmod(abs(cents), 100)
    return f"{sign}{euros}.{rest:02d}"


def print_euro_de(cents: int) -> str:
    """The amount as people in Germany write it: ``123450`` → ``"1.234,50 €"``."""
    sign = "-" if cents < 0 else ""
    euros, rest = divmod(abs(cents), 100)
    return f"{sign}{euros:,}".replace(",", ".") + f",{rest:02d} €"


def divide_half_up(numerator: int, denominator: int) -> int:
    """Whole quotient, halves away from zero (§ 41 (2) S. 3 SGB II rounds half cents up).

    Refuses when the denominator is not positive (ValueError).
    """
    if denominator <= 0:
        raise ValueError("the denominator must be positive")
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def parse_share(text: str) -> int:
    """Ten-thousandths of a share written as a decimal string: ``"0.50"`` → ``5000``.

    Refuses when it is not between 0 and 1 with at most four decimals (ValueError).
    """
    if not _SHARE.fullmatch(text):
        raise ValueError("not a share such as 0.50")
    whole, _, part = text.partition(".")
    return int(whole) * 10_000 + int(part.ljust(4, "0"))


def print_share(share: int) -> str:
    """A share (ten-thousandths) as the contract writes it, with at least two decimals: ``5000`` → ``"0.50"``."""
    whole, part = divmod(share, 10_000)
    decimals = f"{part:04d}".rstrip("0").ljust(2, "0")
    return f"{whole}.{decimals}"


def share_of(cents: int, share: int) -> int:
    """The share (ten-thousandths) of an amount, half cents up."""
    return divide_half_up(cents * share, 10_000)

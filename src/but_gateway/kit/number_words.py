"""Amounts in German words, as payment orders carry them: a second spelling of the sum that no slipped digit survives."""

from typing import Final

from but_gateway.kit.money import CENTS_MAX

_SMALL: Final = (
    "null", "ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf", "dreizehn", "vierzehn",
    "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn",
)  # fmt: skip
_TENS: Final = ("", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig")
_MILLION: Final = 1_000_000


def euro_in_words(cents: int) -> str:
    """The amount in words: ``123450`` → ``"eintausendzweihundertvierunddreißig Euro und fünfzig Cent"``; no cents: ``"zwei Euro"``.

    Refuses a negative amount and one above 999,999,999.99 EUR (ValueError).
    """
    if not 0 <= cents <= CENTS_MAX:
        raise ValueError("an amount from 0.00 to 999999999.99")
    euros, rest = divmod(cents, 100)
    words = f"{_in_words(euros)} Euro"
    return f"{words} und {_in_words(rest)} Cent" if rest else words


def _in_words(number: int) -> str:
    """A whole number below a billion before a noun: 1 is "ein", as in "ein Euro"."""
    millions, rest = divmod(number, _MILLION)
    if not millions:
        return _below_million(rest)
    words = "eine Million" if millions == 1 else f"{_below_thousand(millions)} Millionen"
    return f"{words} {_below_million(rest)}" if rest else words


def _below_million(number: int) -> str:
    thousands, rest = divmod(number, 1_000)
    if not thousands:
        return _below_thousand(rest)
    return f"{_below_thousand(thousands)}tausend" + (_below_thousand(rest) if rest else "")


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if not hundreds:
        return _below_hundred(rest)
    return f"{_SMALL[hundreds]}hundert" + (_below_hundred(rest) if rest else "")


def _below_hundred(number: int) -> str:
    if number < len(_SMALL):
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return f"{_SMALL[ones]}und{_TENS[tens]}" if ones else _TENS[tens]

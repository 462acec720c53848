"""Amounts in German words."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from but_gateway.kit.money import CENTS_MAX
from but_gateway.kit.number_words import euro_in_words

SMALL = {
    "ein": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9, "zehn": 10, "elf": 11, "zwölf": 12,
    "sechzehn": 16, "siebzehn": 17, "zwanzig": 20, "dreißig": 30, "vierzig": 40, "fünfzig": 50, "sechzig": 60, "siebzig": 70, "achtzig": 80,
    "neunzig": 90, "null": 0,
}  # fmt: skip
SMALL |= {f"{word}zehn": 10 + SMALL[word] for word in ("drei", "vier", "fünf", "acht", "neun")}


def read(words: str) -> int:
    """The number of German number words, read by another way than they are written."""
    if "Million" in words:
        millions, _, rest = re.split(r" (Millionen|Million) ?", words)
        return 1_000_000 * read(millions.replace("eine", "ein")) + (read(rest) if rest else 0)
    for word, value in (("tausend", 1_000), ("hundert", 100)):
        if word in words:
            before, after = words.split(word, 1)
            return value * read(before) + (read(after) if after else 0)
    if words in SMALL:
        return SMALL[words]
    ones, tens = words.split("und")
    return SMALL[ones] + SMALL[tens]


@pytest.mark.parametrize(
    ("cents", "words"),
    [
        (0, "null Euro"),
        (1, "null Euro und ein Cent"),
        (100, "ein Euro"),
        (101, "ein Euro und ein Cent"),
        (1_200, "zwölf Euro"),
        (1_617, "sechzehn Euro und siebzehn Cent"),
        (2_100, "einundzwanzig Euro"),
        (3_030, "dreißig Euro und dreißig Cent"),
        (10_100, "einhundertein Euro"),
        (11_176, "einhundertelf Euro und sechsundsiebzig Cent"),
        (100_000, "eintausend Euro"),
        (123_450, "eintausendzweihundertvierunddreißig Euro und fünfzig Cent"),
        (2_100_001, "einundzwanzigtausend Euro und ein Cent"),
        (10_000_000, "einhunderttausend Euro"),
        (100_000_000, "eine Million Euro"),
        (100_000_100, "eine Million ein Euro"),
        (212_345_678, "zwei Millionen einhundertdreiundzwanzigtausendvierhundertsechsundfünfzig Euro und achtundsiebzig Cent"),
        (
            CENTS_MAX,
            "neunhundertneunundneunzig Millionen neunhundertneunundneunzigtausendneunhundertneunundneunzig Euro und neunundneunzig Cent",
        ),
    ],
)
def test_amounts_read_as_people_write_them(cents: int, words: str) -> None:
    assert euro_in_words(cents) == words


@given(st.integers(0, CENTS_MAX))
def test_words_read_back_are_the_amount(cents: int) -> None:
    euros, _, rest = euro_in_words(cents).partition(" Euro")
    assert 100 * read(euros) + (read(rest.removeprefix(" und ").removesuffix(" Cent")) if rest else 0) == cents


def test_no_two_amounts_below_ten_thousand_euros_read_alike() -> None:
    words = [euro_in_words(cents) for cents in itertools.chain(range(0, 1_000_000, 100), range(1, 100))]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize("cents", [-1, CENTS_MAX + 1])
def test_what_no_order_carries_is_refused(cents: int) -> None:
    with pytest.raises(ValueError, match="an amount from"):
        euro_in_words(cents)

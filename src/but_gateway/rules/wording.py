"""How values read in a sentence: amounts, days and words by language, and sentences with parts that may be left out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Literal

from but_gateway.kit.money import parse_money, parse_share, print_euro_de, print_money
from but_gateway.kit.period import DayRange, Month

Lang = Literal["de", "en"]
LANGUAGES: Final[tuple[Lang, ...]] = ("de", "en")
# When a service was: a day, a month, a range of days, or a number of days that share one finding.
When = date | Month | DayRange | int

_MONTHS: Final[Mapping[Lang, tuple[str, ...]]] = {
    "de": ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"),
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"),
}
_PARTS: Final = re.compile(r"\[([^\[\]]*)\]|([^\[\]]+)")
_PLACEHOLDER: Final = re.compile(r"\{([a-zA-Z_]+)\}")
_CACHE_SIZE: Final = 8192


@dataclass(frozen=True, slots=True)
class Sentence:
    """A compiled text: parts in order, each with the values it needs; a part whose values are not all there is left out."""

    template: str
    parts: tuple[tuple[frozenset[str], str], ...]

    @classmethod
    def compile(cls, text: str) -> "Sentence":
        """The sentence of a text with {placeholders} and [parts that may be left out]."""
        parts = []
        for optional, plain in _PARTS.findall(text):
            needed = frozenset(_PLACEHOLDER.findall(optional)) if optional else frozenset()
            parts.append((needed, optional or plain))
        return cls(text, tuple(parts))

    @property
    def placeholders(self) -> frozenset[str]:
        """Every value the text names."""
        return frozenset(name for _, part in self.parts for name in _PLACEHOLDER.findall(part))

    def fill(self, words: Mapping[str, str]) -> str:
        """The text with its words put in. Refuses when a word is missing that is not in an optional part (KeyError)."""
        return "".join(part.format_map(words) for needed, part in self.parts if needed <= words.keys())


def day_in_words(day: date, lang: Lang) -> str:
    """05.11.2026, or 5 November 2026."""
    return day.strftime("%d.%m.%Y") if lang == "de" else f"{day.day} {_MONTHS['en'][day.month - 1]} {day.year}"


def month_in_words(month: Month, lang: Lang) -> str:
    """Oktober 2026, or October 2026."""
    return f"{_MONTHS[lang][month.number - 1]} {month.year}"


def amount_in_words(cents: int, lang: Lang) -> str:
    """4,50 € for readers of German, EUR 4.50 for others."""
    return print_euro_de(cents) if lang == "de" else f"EUR {print_money(cents)}"


def _hundredths(hundredths: int, lang: Lang) -> str:
    # 1900 hundredths of a percent are "19 %", 750 are "7,5 %": no trailing zeros.
    whole, rest = divmod(hundredths, 100)
    decimals = f"{rest:02d}".rstrip("0")
    number = f"{whole}{',' if lang == 'de' else '.'}{decimals}" if decimals else str(whole)
    return f"{number} %" if lang == "de" else f"{number}%"


def _counted(one: Mapping[Lang, str], many: Mapping[Lang, str]) -> Callable[[str, Lang], str]:
    return lambda value, lang: f"{value} {one[lang] if value == '1' else many[lang]}"


def _range_in_words(value: str, lang: Lang) -> str:
    first, _, last = value.partition("..")
    join = "bis" if lang == "de" else "to"
    return f"{day_in_words(date.fromisoformat(first), lang)} {join} {day_in_words(date.fromisoformat(last), lang)}"


# A value in contract form, by its kind, as people read it. Every kind of reasons.yaml is here or names a list of words there.
KINDS: Final[Mapping[str, Callable[[str, Lang], str]]] = {
    "money": lambda value, lang: amount_in_words(parse_money(value), lang),
    "day": lambda value, lang: day_in_words(date.fromisoformat(value), lang),
    "month": lambda value, lang: month_in_words(Month.parse(value), lang),
    "range": _range_in_words,
    "number": lambda value, lang: value.replace(".", ",") if lang == "de" else value,
    "minutes": _counted({"de": "Minute", "en": "minute"}, {"de": "Minuten", "en": "minutes"}),
    "days": _counted({"de": "Tag", "en": "day"}, {"de": "Tage", "en": "days"}),
    "percent": lambda value, lang: _hundredths(parse_share(value), lang),
    "rate": lambda value, lang: _hundredths(parse_money(value), lang),
    "text": lambda value, _lang: value,
}


@lru_cache(maxsize=_CACHE_SIZE)
def when_in_words(when: When, lang: Lang) -> Mapping[str, str]:
    """The time of a service for the placeholders when ("am 05.11.2026"), for_when ("für den 05.11.2026"), and both with a capital."""
    german = lang == "de"
    match when:
        case Month():
            month = month_in_words(when, lang)
            at, span = f"{'im' if german else 'in'} {month}", f"{'für' if german else 'for'} {month}"
        case DayRange():
            first, last = day_in_words(when.first, lang), day_in_words(when.last, lang)
            at = f"vom {first} bis {last}" if german else f"from {first} to {last}"
            span = f"für die Zeit {at}" if german else f"for the time {at}"
        case date():
            day = day_in_words(when, lang)
            at, span = (f"am {day}", f"für den {day}") if german else (f"on {day}", f"for {day}")
        case 1:
            at, span = ("an einem Tag", "für einen Tag") if german else ("on one day", "for one day")
        case _:
            at, span = (f"an {when} Tagen", f"für {when} Tage") if german else (f"on {when} days", f"for {when} days")
    return {"when": at, "When": at[0].upper() + at[1:], "for_when": span, "For_when": span[0].upper() + span[1:]}

"""Names as they are compared: never shown, never stored."""

import re
import unicodedata
from typing import Final

_UMLAUTS: Final = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "œ": "oe", "å": "aa", "ı": "i", "ł": "l", "đ": "d"}
)
_WORD: Final = re.compile(r"[^\W\d_]+")


def fold_name(name: str) -> frozenset[str]:
    """The words of a name: NFKC, case-folded, ä/ae ö/oe ü/ue ß/ss alike, accents, hyphens, blanks and order ignored."""
    text = unicodedata.normalize("NFKC", name).casefold().translate(_UMLAUTS)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return frozenset(_WORD.findall(text))


def same_name(given: str, stored: str) -> bool:
    """Whether two names are the same set of words (I-03, I-04). An empty name is never the same."""
    words = fold_name(given)
    return bool(words) and words == fold_name(stored)

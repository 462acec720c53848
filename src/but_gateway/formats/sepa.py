"""What a SEPA message may say: its characters, its identifiers, the length of its texts (EPC230-15, DK-Anlage 3)."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

ID_LENGTH_MAX: Final = 35
NAME_LENGTH_MAX: Final = 70
REMITTANCE_LENGTH_MAX: Final = 140
CENTS_MIN: Final = 1
CENTS_MAX: Final = 99_999_999_999

_CLEAN: Final = re.compile(r"[a-zA-Z0-9/\-?:().,'+ ]*", re.ASCII)
_BIC: Final = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?", re.ASCII)
_BLANKS: Final = re.compile(r" {2,}")
# The place of a character that has no likeness in the SEPA character set.
_UNKNOWN: Final = "."
_LETTERS: Final = {
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "oe", "å": "aa", "ł": "l", "đ": "d", "ð": "d", "þ": "th",
    "ı": "i", "ŋ": "n", "ħ": "h",
}  # fmt: skip
_SIGNS: Final = {
    "&": "+", "€": "EUR", "@": "(at)", "_": "-", ";": ",", '"': "'", "`": "'", "´": "'", "’": "'", "‘": "'", "‚": "'", "“": "'", "”": "'",
    "„": "'", "«": "'", "»": "'", "‐": "-", "‑": "-", "–": "-", "—": "-", "−": "-", "[": "(", "]": ")", "{": "(", "}": ")", "\\": "/",
    "…": "...", "·": ".", "•": ".", "×": "x",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class BankName:
    """A name as the bank gets it. ``shortened``: it was longer than the bank takes, which every list of orders must show."""

    text: str
    shortened: bool


def is_clean(text: str) -> bool:
    """Whether a text consists of the SEPA character set only."""
    return _CLEAN.fullmatch(text) is not None


def is_id(text: str) -> bool:
    """Whether a text may be a message, payment or end-to-end id: 1–35 characters, no slash at either end, no two in a row."""
    return (
        0 < len(text) <= ID_LENGTH_MAX
        and is_clean(text)
        and text == text.strip(" ")
        and not text.startswith("/")
        and not text.endswith("/")
        and "//" not in text
    )


def is_bic(text: str) -> bool:
    """Whether a text has the shape of a BIC (ISO 9362)."""
    return _BIC.fullmatch(text) is not None


def transliterate(text: str) -> str:
    """The text in the SEPA character set: ä→ae, ß→ss, &→+, accents dropped, anything else a point; blanks run together."""
    composed = unicodedata.normalize("NFC", text)
    parts = [_spell(composed, i) for i in range(len(composed))]
    return _BLANKS.sub(" ", "".join(parts)).strip(" ")


def bank_name(name: str) -> BankName:
    """A payer's or payee's name in at most 70 characters."""
    clean = transliterate(name)
    return BankName(clean[:NAME_LENGTH_MAX].rstrip(" "), len(clean) > NAME_LENGTH_MAX)


def _spell(text: str, at: int) -> str:
    """One character in the SEPA character set."""
    character = text[at]
    if _CLEAN.fullmatch(character):
        return character
    if character.isspace():
        return " "
    if character in _SIGNS:
        return _SIGNS[character]
    if character.lower() in _LETTERS:
        return _spell_letter(text, at)
    if unicodedata.combining(character) or unicodedata.category(character) == "Cf":
        return ""
    base = [c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)]
    return "".join(c if _CLEAN.fullmatch(c) else _UNKNOWN for c in base) or _UNKNOWN


def _spell_letter(text: str, at: int) -> str:
    """A letter that becomes two: ``Ä`` is ``AE`` beside capitals and ``Ae`` before small letters."""
    spelled = _LETTERS[text[at].lower()]
    if text[at].islower():
        return spelled
    beside = text[at + 1 : at + 2] or text[max(at - 1, 0) : at]
    return spelled.upper() if beside.isupper() else spelled.capitalize()

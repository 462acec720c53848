"""In which format an answer is wanted: the Accept header (RFC 9110, 12.5.1) against the formats an operation has."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from fastapi import Header

from but_gateway.web.problems import NotAcceptable

ACCEPT_LENGTH_MAX: Final = 1000
JSON: Final = "application/json"
CSV: Final = "text/csv"
PDF: Final = "application/pdf"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_QUALITY: Final = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII | re.IGNORECASE)

# As a parameter of an operation: ``accept: Accepted = None``.
Accepted = Annotated[
    str | None, Header(alias="Accept", max_length=ACCEPT_LENGTH_MAX, description="Gewünschtes Format; ohne Angabe JSON", examples=[JSON])
]


def choose_format(accept: str | None, offered: Sequence[str]) -> str:
    """The media type to answer with: what the caller likes best, among equals the first offered; without a wish the first.

    Of the ranges that fit a format the most exact one counts, so that ``text/csv;q=0, */*`` is anything but CSV.
    Refuses when none fits (NotAcceptable).
    """
    if accept is None or not accept.strip():
        return offered[0]
    ranges = [_range(part) for part in accept.split(",")]
    best, liking = "", 0
    for media_type in offered:
        found = _liking(media_type, ranges)
        if found > liking:
            best, liking = media_type, found
    if not best:
        raise NotAcceptable
    return best


def _range(part: str) -> tuple[str, int]:
    """A media range in small letters and how much it is liked, in thousandths; what is not readable is liked not at all."""
    name, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.lower().startswith("q="):
            quality = _QUALITY.fullmatch(parameter)
            whole, _, decimals = (quality.group(1) if quality else "0").partition(".")
            return name.lower(), int(whole) * 1000 + int(decimals.ljust(3, "0") or "0")
    return name.lower(), 1000


def _liking(media_type: str, ranges: Sequence[tuple[str, int]]) -> int:
    family = media_type.partition("/")[0] + "/*"
    exactness: Mapping[str, int] = {media_type: 3, family: 2, "*/*": 1}
    fitting = [(exactness[name], liked) for name, liked in ranges if name in exactness]
    return max(fitting)[1] if fitting else 0

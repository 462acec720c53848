"""Lists: oldest first, a cursor that names the last item seen."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar
from uuid import UUID

from fastapi import Depends, Query

from but_gateway.web.problems import Fault, Invalid, Text

_Row = TypeVar("_Row")

LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 500
NUMBER_MAX: Final = 2_147_483_647  # PostgreSQL's integer
_BAD_CURSOR: Final = Fault(
    "?cursor",
    "bad_cursor",
    Text("Der Cursor ist nicht von dieser Liste. Beginnen Sie ohne Cursor.", "Not a cursor of this list. Begin without one."),
)


@dataclass(frozen=True, slots=True)
class Page:
    """What part of a list is asked for. Fetch ``limit + 1`` rows after ``after`` and hand them to ``cut``."""

    limit: int
    after: str | None

    def cut(self, rows: Sequence[_Row], name: Callable[[_Row], object]) -> tuple[list[_Row], str | None]:
        """The rows of this page and the cursor of the next one; ``name`` gives what the list is sorted by."""
        items = list(rows[: self.limit])
        return items, encode_cursor(str(name(items[-1]))) if len(rows) > self.limit else None


def encode_cursor(after: str) -> str:
    """The cursor that stands for "after this one"."""
    return base64.urlsafe_b64encode(after.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """What a cursor stands for. Refuses when it is none of ours (Invalid)."""
    try:
        raw = cursor.encode("ascii")
        return base64.b64decode(raw + b"=" * (-len(raw) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise Invalid(faults=[_BAD_CURSOR]) from None


def decode_id_cursor(after: str | None) -> UUID | None:
    """The id after which a list sorted by ids goes on; None from the start. Refuses when it is no id (Invalid)."""
    return None if after is None else decode_id(after)


def decode_id(text: str) -> UUID:
    """An id that a cursor holds. Refuses when it is none (Invalid)."""
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(faults=[_BAD_CURSOR]) from None


def decode_number_cursor(after: str | None) -> int:
    """The number after which a list sorted by numbers goes on; 0 from the start. Refuses when it is none (Invalid)."""
    if after is None:
        return 0
    if not after.isdecimal() or not after.isascii() or len(after) > len(str(NUMBER_MAX)):
        raise Invalid(faults=[_BAD_CURSOR])
    return min(int(after), NUMBER_MAX)


async def current_page(
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Höchstzahl der Einträge")] = LIMIT_DEFAULT,
    cursor: Annotated[str | None, Query(max_length=400, description="`next_cursor` der vorigen Seite")] = None,
) -> Page:
    """The page a list operation was asked for."""
    return Page(limit, decode_cursor(cursor) if cursor else None)


CurrentPage = Annotated[Page, Depends(current_page)]

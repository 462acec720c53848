"""Pieces of files, sealed: made smaller first where that helps, because nothing can do it afterwards.

What is sealed is ``0 | the piece`` or ``1 | the piece, deflated``. A piece is bound to its town, table, column, row, file and number:
moved to another place it does not open.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from but_gateway.db.fields import SealBrokenError, TownKeys
from but_gateway.db.schema import bound_to

_TABLE: Final = "package_part"
_COLUMN: Final = "sealed_content"
_AS_IT_IS: Final = b"\x00"
_DEFLATED: Final = b"\x01"
_LEVEL: Final = 1  # the fastest; XML and JSON shrink to a tenth by it


@dataclass(frozen=True, slots=True)
class PiecePlace:
    """Where a piece of a handed-over file lies: batch, name of the file, number of the piece from 0."""

    batch_id: UUID
    name: str
    part: int

    @property
    def bound(self) -> tuple[str, UUID, str]:
        """What it is sealed for."""
        return _TABLE, self.batch_id, bound_to(_COLUMN, self.name, self.part)


def seal_piece(keys: TownKeys, place: PiecePlace, content: bytes) -> bytes:
    """The piece as it is stored."""
    smaller = zlib.compress(content, _LEVEL)
    return keys.seal_bytes(_DEFLATED + smaller if len(smaller) < len(content) else _AS_IT_IS + content, *place.bound)


def open_piece(keys: TownKeys | None, place: PiecePlace, row: Mapping[str, Any]) -> bytes:
    """The piece of a row with ``content`` and ``sealed_content``; pieces of before the migration 0008 lie there as they are.

    Refuses when it does not open (SealBrokenError).
    """
    if row["sealed_content"] is None:
        return bytes(row["content"])
    if keys is None:
        raise SealBrokenError("there is no key to open a sealed piece with")
    opened = keys.open_bytes(bytes(row["sealed_content"]), *place.bound)
    kind, content = opened[:1], opened[1:]
    if kind == _AS_IT_IS:
        return content
    if kind != _DEFLATED:
        raise SealBrokenError("unknown kind of a sealed piece")
    return zlib.decompress(content)

"""Sealing anew what older keys sealed: every encrypted column of the catalog, a few rows in a transaction."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import Integer, LargeBinary, Text, Uuid

from but_gateway.db.fields import TownKeys
from but_gateway.db.schema import bound_to, metadata
from but_gateway.db.session import UnitOfWork

_TYPES: Final = {Uuid: "uuid", LargeBinary: "bytea", Text: "text", Integer: "integer"}
_INFO: Final = ("sealed_row", "sealed_beside", "rows_at_once")


@dataclass(frozen=True, slots=True)
class Place:
    """A table with encrypted columns.

    ``key`` follows the town in its primary key, ``row`` and ``beside`` are what its values are bound to, ``rows_at_once`` may be in
    memory (None: as many as the caller likes).
    """

    table: str
    key: tuple[str, ...]
    key_types: tuple[str, ...]
    row: str
    beside: tuple[str, ...]
    columns: tuple[str, ...]
    rows_at_once: int | None

    @property
    def key_columns(self) -> str:
        """The key, to be compared and ordered by."""
        return ", ".join(f"t.{name}" for name in self.key)

    def keys_from(self, number: int) -> list[str]:
        """Parameters for a key, from a number on, each with its type."""
        return [f"${at}::{kind}" for at, kind in enumerate(self.key_types, number)]


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a transaction did. ``last`` is the key of the last row looked at, None when there was no more."""

    changed: int
    last: tuple[Any, ...] | None


@cache
def sealed_places() -> list[Place]:
    """The towns' tables with encrypted columns, from the metadata: whoever adds such a column has it changed along."""
    places = []
    for table in metadata.sorted_tables:
        columns = [column for column in table.c if "sealed_row" in column.info]
        if not columns:
            continue
        ((row, beside, rows_at_once),) = {tuple(column.info[word] for word in _INFO) for column in columns}
        _, *key = table.primary_key.columns
        types = tuple(_TYPES[type(column.type)] for column in key)
        names = tuple(column.name for column in columns)
        places.append(Place(table.name, tuple(column.name for column in key), types, row, beside, names, rows_at_once))
    return places


def _older(place: Place, prefix: str) -> str:
    return " OR ".join(f"(t.{column} IS NOT NULL AND substr(t.{column}, 1, length({prefix})) <> {prefix})" for column in place.columns)


async def reseal_chunk(unit: UnitOfWork, keys: TownKeys, place: Place, after: tuple[Any, ...] | None, limit: int) -> Chunk:
    """Seals up to so many rows behind a key anew. Rows that others hold are passed over, so that nobody waits."""
    limit = min(limit, place.rows_at_once or limit)
    # Two statements, so that each is answered from the key's index: with "or is null" every chunk would begin at the first row.
    further = "true" if after is None else f"({place.key_columns}) > ({', '.join(place.keys_from(4))})"
    columns = [f"t.{name}" for name in dict.fromkeys((*place.key, place.row, *place.beside, *place.columns))]
    rows = await unit.driver.fetch(
        f"""
        SELECT {", ".join(columns)} FROM {place.table} t
        WHERE t.municipality_id = $1 AND ({further}) AND ({_older(place, "$2::bytea")})
        ORDER BY {place.key_columns} LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
        """,  # noqa: S608 - names of the metadata
        unit.municipality_id, keys.sealing_with, limit, *(after or ()),
    )  # fmt: skip
    if not rows:
        return Chunk(0, None)
    ids = [[row[name] for row in rows] for name in place.key]
    values = [[_again(keys, place, column, row) for row in rows] for column in place.columns]
    sets = ", ".join(f"{column} = x.{column}" for column in place.columns)
    types = (*place.key_types, *("bytea" for _ in place.columns))
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types, 2))
    same = " AND ".join(f"t.{name} = x.{name}" for name in place.key)
    await unit.driver.execute(
        f"""
        UPDATE {place.table} t SET {sets} FROM unnest({arrays}) AS x({", ".join((*place.key, *place.columns))})
        WHERE t.municipality_id = $1 AND {same}
        """,  # noqa: S608 - names of the metadata
        unit.municipality_id, *ids, *values,
    )  # fmt: skip
    return Chunk(len(rows), tuple(rows[-1][name] for name in place.key) if len(rows) == limit else None)


def _again(keys: TownKeys, place: Place, column: str, row: Any) -> bytes | None:  # noqa: ANN401 - a row of the statement
    value = row[column]
    if value is None:
        return None
    where = place.table, row[place.row], bound_to(column, *(row[name] for name in place.beside))
    return keys.seal_bytes(keys.open_bytes(bytes(value), *where), *where)


async def count_older(unit: UnitOfWork, keys: TownKeys, place: Place) -> int:
    """How many rows of a place are sealed with older keys."""
    count: int = await unit.driver.fetchval(
        f"SELECT count(*) FROM {place.table} t WHERE t.municipality_id = $1 AND ({_older(place, '$2::bytea')})",  # noqa: S608 - names of the metadata
        unit.municipality_id,
        keys.sealing_with,
    )
    return count

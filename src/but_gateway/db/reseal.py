"""Sealing anew what older keys sealed: every encrypted column of the catalog, a few rows in a transaction."""

from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid

from but_gateway.db.fields import TownKeys
from but_gateway.db.schema import metadata
from but_gateway.db.session import UnitOfWork


@dataclass(frozen=True, slots=True)
class Place:
    """A table with encrypted columns. ``key`` follows the town in its primary key, ``row`` is what its values are bound to."""

    table: str
    key: str
    key_type: str
    row: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a transaction did. ``last`` is the key of the last row looked at, None when there was no more."""

    changed: int
    last: UUID | bytes | None


@cache
def sealed_places() -> list[Place]:
    """The towns' tables with encrypted columns, from the metadata: whoever adds such a column has it changed along."""
    places = []
    for table in metadata.sorted_tables:
        columns = [column for column in table.c if "sealed_row" in column.info]
        if not columns:
            continue
        (row,) = {column.info["sealed_row"] for column in columns}
        _, key = table.primary_key.columns
        kind = "uuid" if isinstance(key.type, Uuid) else "bytea"
        places.append(Place(table.name, key.name, kind, row, tuple(column.name for column in columns)))
    return places


def _older(place: Place, prefix: str) -> str:
    return " OR ".join(f"(t.{column} IS NOT NULL AND substr(t.{column}, 1, length({prefix})) <> {prefix})" for column in place.columns)


async def reseal_chunk(unit: UnitOfWork, keys: TownKeys, place: Place, after: UUID | bytes | None, limit: int) -> Chunk:
    """Seals up to so many rows behind a key anew. Rows that others hold are passed over, so that nobody waits."""
    rows = await unit.driver.fetch(
        f"""
        SELECT t.{place.key}, t.{place.row}, {", ".join(f"t.{column}" for column in place.columns)} FROM {place.table} t
        WHERE t.municipality_id = $1 AND ($2::{place.key_type} IS NULL OR t.{place.key} > $2) AND ({_older(place, "$3::bytea")})
        ORDER BY t.{place.key} LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED
        """,  # noqa: S608 - names of the metadata
        unit.municipality_id, after, keys.sealing_with, limit,
    )  # fmt: skip
    if not rows:
        return Chunk(0, None)
    values = [[_again(keys, place, column, row) for row in rows] for column in place.columns]
    sets = ", ".join(f"{column} = x.{column}" for column in place.columns)
    arrays = ", ".join(f"${number}::bytea[]" for number, _ in enumerate(place.columns, 3))
    await unit.driver.execute(
        f"""
        UPDATE {place.table} t SET {sets} FROM unnest($2::{place.key_type}[], {arrays}) AS x(key, {", ".join(place.columns)})
        WHERE t.municipality_id = $1 AND t.{place.key} = x.key
        """,  # noqa: S608 - names of the metadata
        unit.municipality_id, [row[place.key] for row in rows], *values,
    )  # fmt: skip
    return Chunk(len(rows), rows[-1][place.key] if len(rows) == limit else None)


def _again(keys: TownKeys, place: Place, column: str, row: Any) -> bytes | None:  # noqa: ANN401 - a row of the statement
    value = row[column]
    if value is None:
        return None
    where = place.table, row[place.row], column
    return keys.seal(keys.open(bytes(value), *where), *where)


async def count_older(unit: UnitOfWork, keys: TownKeys, place: Place) -> int:
    """How many rows of a place are sealed with older keys."""
    count: int = await unit.driver.fetchval(
        f"SELECT count(*) FROM {place.table} t WHERE t.municipality_id = $1 AND ({_older(place, '$2::bytea')})",  # noqa: S608 - names of the metadata
        unit.municipality_id,
        keys.sealing_with,
    )
    return count

"""SQL of moving keyed hashes to another key: in chunks, each a transaction, as the owner of the tables.

What is hashed lies sealed in the same row, so it is opened and hashed again. A line holds the hash of a number only: it is moved along
with the number that has the hash. A hash that belongs to no number (somebody billed one that nobody knows) cannot be moved.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from but_gateway.db.engine import Database
from but_gateway.db.fields import TownKeys
from but_gateway.db.reseal import Chunk
from but_gateway.db.session import UnitOfWork
from but_gateway.db.tenancy import Scope
from but_gateway.identity.index_store import share_index_keys
from but_gateway.registers.entitlements.plan import SAME_CHILD_PURPOSE, number_indexes, same_child_text
from but_gateway.registers.municipalities.redecision_store import share_registers
from but_gateway.registers.providers.bank_store import IBAN_PURPOSE

Work = Callable[[UnitOfWork, UUID], Awaitable[Chunk]]
START: Final = UUID(int=0)  # before every id
_END: Final = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class Hashed:
    """A table with a column that holds the keyed hash of sealed columns of the same row. ``text`` makes of their values what is hashed."""

    table: str
    column: str
    sealed: tuple[str, ...]
    purpose: str
    text: Callable[..., str]

    def right(self, keys: TownKeys, row: Any) -> bytes:  # noqa: ANN401 - a row of a statement
        """The hash with the key in use."""
        values = (keys.open(row[name], self.table, row["id"], name) for name in self.sealed)
        return keys.index(self.purpose, self.text(*values))


# Looked for by every hash there may be, so that nothing has to be kept twice.
SINGLE: Final = (
    Hashed("bank_account", "iban_index", ("iban",), IBAN_PURPOSE, str),
    Hashed("child", "same_child_index", ("family_name", "given_names", "date_of_birth"), SAME_CHILD_PURPOSE, same_child_text),
)
NUMBERS: Final = "entitlement_number"
LINES: Final = "invoice_line"

_LOCK: Final = """
SELECT 1 FROM child WHERE municipality_id = $1
  AND id IN (SELECT child_id FROM entitlement WHERE municipality_id = $1 AND id = ANY($2::uuid[]))
ORDER BY id FOR NO KEY UPDATE
"""
_NUMBERS: Final = """
SELECT n.entitlement_id, n.number_index, n.number, n.kind, n.issued_at, n.lost_on FROM unnest($2::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (SELECT * FROM entitlement_number WHERE municipality_id = $1 AND entitlement_id = wanted.id OFFSET 0) n
"""
_ADD: Final = """
INSERT INTO entitlement_number (municipality_id, number_index, entitlement_id, number, kind, issued_at, lost_on)
SELECT $1, r.* FROM unnest($2::bytea[], $3::uuid[], $4::bytea[], $5::text[], $6::timestamptz[], $7::date[]) AS r
"""
_BY_HASH: Final = """
SELECT n.number_index, n.entitlement_id, n.number FROM unnest($2::bytea[]) AS wanted (number_index)
CROSS JOIN LATERAL (SELECT * FROM entitlement_number WHERE municipality_id = $1 AND number_index = wanted.number_index OFFSET 0) n
"""
_LOSE_STRANGERS: Final = """
UPDATE invoice_line l SET number_index = NULL WHERE l.municipality_id = $1 AND l.id = ANY($2::uuid[]) AND l.number_index IS NOT NULL
  AND NOT EXISTS (SELECT FROM entitlement_number n WHERE n.municipality_id = $1 AND n.number_index = l.number_index)
"""


async def in_chunks(database: Database, town_id: UUID, work: Work) -> AsyncGenerator[int, None]:
    """Does a piece of work from the first row to the last, each chunk in a transaction of its own; yields how many rows it was about."""
    after = START
    while True:
        async with database.transaction(Scope(town_id)) as unit:
            chunk = await work(unit, after)
        yield chunk.changed
        if chunk.last is None:
            return
        (after,) = chunk.last


async def settle_numbers(unit: UnitOfWork, after: UUID, *, keys: TownKeys, limit: int) -> Chunk:
    """Has each number of so many entitlements stand under the hashes of all index keys that there are, and under no other.

    Refuses when the keys are not those of the database (StaleKeysError). Where something is to be done the children are locked as for a
    replacement of a number, so that no loss is missed.
    """
    keys = await share_index_keys(unit, keys, every=True)
    ids = await _page(unit, "entitlement", after, limit)
    missing, over = _differences(keys, await unit.driver.fetch(_NUMBERS, unit.municipality_id, ids))
    if missing or over:
        of = {row["entitlement_id"] for _, row in (*missing, *over)}
        await share_registers(unit)
        await unit.driver.execute(_LOCK, unit.municipality_id, list(of))
        missing, over = _differences(keys, await unit.driver.fetch(_NUMBERS, unit.municipality_id, list(of)))
        await _add(unit, keys, missing)
        await unit.driver.execute(
            "DELETE FROM entitlement_number WHERE municipality_id = $1 AND number_index = ANY($2::bytea[])",
            unit.municipality_id,
            [index for index, _ in over],
        )
    return _chunk(len(missing) + len(over), ids, limit)


_Differences = list[tuple[bytes, Any]]  # a hash, and a row of its number


def _differences(keys: TownKeys, rows: Iterable[Any]) -> tuple[_Differences, _Differences]:
    """Which hashes of the numbers have no row, and which rows have another hash."""
    found: dict[tuple[UUID, tuple[bytes, ...]], dict[bytes, Any]] = {}
    for row in rows:
        indexes = number_indexes(keys, keys.open(row["number"], NUMBERS, row["entitlement_id"], "number"))
        found.setdefault((row["entitlement_id"], indexes), {})[row["number_index"]] = row
    missing = [(one, next(iter(have.values()))) for (_, indexes), have in found.items() for one in indexes if one not in have]
    over = [(one, row) for (_, indexes), have in found.items() for one, row in have.items() if one not in indexes]
    return missing, over


async def _add(unit: UnitOfWork, keys: TownKeys, missing: _Differences) -> None:
    columns: list[list[Any]] = [[], [], [], [], [], []]
    for index, row in missing:
        of = row["entitlement_id"]
        sealed = keys.seal(keys.open(row["number"], NUMBERS, of, "number"), NUMBERS, of, "number")
        for column, value in zip(columns, (index, of, sealed, row["kind"], row["issued_at"], row["lost_on"]), strict=True):
            column.append(value)
    await unit.driver.execute(_ADD, unit.municipality_id, *columns)


async def rehash_rows(  # noqa: PLR0913 - which rows of which table
    unit: UnitOfWork, after: UUID, *, place: Hashed, keys: TownKeys, limit: int, write: bool = True
) -> Chunk:
    """Hashes so many rows with the key in use; ``changed`` are those that were not. Rows that others hold are left for the next round."""
    columns = f"id, {', '.join(place.sealed)}, {place.column}"
    rows = await unit.driver.fetch(
        f"SELECT {columns} FROM {place.table} "  # noqa: S608 - our own names
        "WHERE municipality_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        unit.municipality_id, after, limit,
    )  # fmt: skip
    other = [row["id"] for row in rows if place.right(keys, row) != row[place.column]]
    if other and write:
        held = await unit.driver.fetch(
            f"SELECT {columns} FROM {place.table} "  # noqa: S608 - our own names
            "WHERE municipality_id = $1 AND id = ANY($2::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
            unit.municipality_id, other,
        )  # fmt: skip
        await _set(unit, place.table, place.column, [(row["id"], place.right(keys, row)) for row in held])
    return _chunk(len(other), [row["id"] for row in rows], limit)


async def rehash_lines(unit: UnitOfWork, after: UUID, *, keys: TownKeys, limit: int, write: bool = True) -> Chunk:
    """Moves so many lines to the hashes that their numbers have with the key in use; ``changed`` are those that had another."""
    lines = await unit.driver.fetch(
        "SELECT id, number_index FROM invoice_line WHERE municipality_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        unit.municipality_id, after, limit,
    )  # fmt: skip
    hashes = {line["number_index"] for line in lines if line["number_index"] is not None}
    right = {
        row["number_index"]: number_indexes(keys, keys.open(row["number"], NUMBERS, row["entitlement_id"], "number"))[0]
        for row in await unit.driver.fetch(_BY_HASH, unit.municipality_id, list(hashes))
    }
    other = [(line["id"], right[index]) for line in lines if (index := line["number_index"]) in right and right[index] != index]
    if other and write:
        await _set(unit, LINES, "number_index", other)
    return _chunk(len(other), [line["id"] for line in lines], limit)


async def lose_strangers(unit: UnitOfWork, after: UUID, *, before: UUID, limit: int) -> Chunk:
    """Takes from lines older than an id the hashes that belong to no number: nobody could ever find them by another key."""
    ids = await _page(unit, LINES, after, limit, before=before)
    status: str = await unit.driver.execute(_LOSE_STRANGERS, unit.municipality_id, ids)
    return _chunk(int(status.rsplit(maxsplit=1)[-1]), ids, limit)


async def _page(unit: UnitOfWork, table: str, after: UUID, limit: int, *, before: UUID = _END) -> list[UUID]:
    rows = await unit.driver.fetch(
        f"SELECT id FROM {table} WHERE municipality_id = $1 AND id > $2 AND id < $4 "  # noqa: S608 - our own names
        "ORDER BY id LIMIT $3",
        unit.municipality_id, after, limit, before,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def _set(unit: UnitOfWork, table: str, column: str, values: Collection[tuple[UUID, bytes]]) -> None:
    await unit.driver.execute(
        f"UPDATE {table} t SET {column} = x.hash FROM unnest($2::uuid[], $3::bytea[]) AS x (id, hash) "  # noqa: S608 - our own names
        "WHERE t.municipality_id = $1 AND t.id = x.id",
        unit.municipality_id, [one for one, _ in values], [index for _, index in values],
    )  # fmt: skip


def _chunk(changed: int, ids: Sequence[UUID], limit: int) -> Chunk:
    return Chunk(changed, (ids[-1],) if len(ids) == limit else None)

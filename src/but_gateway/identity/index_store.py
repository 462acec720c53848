"""SQL of a town's index keys, and the lock between those who write numbers and those who change the key of their hashes.

Whoever stores a number shares the keys until its commit and stores it under every one of them; whoever adds, puts into use or destroys
one waits for them and holds the keys alone. So a number is always found by the key in use, and by the one before while that is there.
"""

from typing import Final
from uuid import UUID

from but_gateway.db.connect import Connection
from but_gateway.db.fields import INDEX, StaleKeysError, TownKeys
from but_gateway.db.session import UnitOfWork

_LOCK: Final = "index keys"
_FIRST: Final = {1: True}  # which follows from the data key and has no row


async def share_index_keys(unit: UnitOfWork, keys: TownKeys, *, every: bool = False) -> TownKeys:
    """The keys with those index keys that there are, as they stay until the transaction ends. To be taken before registers and children.

    Refuses when the one in use is not at hand, or with ``every`` when any is not (StaleKeysError).
    """
    if _LOCK not in unit.locks:
        unit.locks.add(_LOCK)
        await unit.driver.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))", f"{unit.municipality_id}|{_LOCK}")
    numbers = await read_index_numbers(unit.driver, unit.municipality_id)
    if every and not keys.index_numbers >= numbers.keys():
        raise StaleKeysError("there is an index key that is not known here yet")
    return keys.as_stored(numbers)


async def hold_index_keys(connection: Connection, town_id: UUID) -> None:
    """Waits until nobody stores numbers, and keeps everybody from it until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{town_id}|{_LOCK}")


async def read_index_numbers(connection: Connection, town_id: UUID) -> dict[int, bool]:
    """The numbers of the town's index keys, each with whether it is in use."""
    rows = await connection.fetch(
        "SELECT number, active_from <= clock_timestamp() AS active FROM town_key WHERE municipality_id = $1 AND purpose = $2",
        town_id,
        INDEX,
    )
    return {row["number"]: row["active"] for row in rows} or dict(_FIRST)


async def announce_index_key(connection: Connection, town_id: UUID, number: int, wrapped: bytes) -> None:
    """Adds a key that numbers are stored under too. Nobody looks anything up by it until it is put into use."""
    await connection.execute(
        "INSERT INTO town_key (municipality_id, purpose, number, wrapped, created_at, active_from) "
        "VALUES ($1, $2, $3, $4, clock_timestamp(), 'infinity')",
        town_id, INDEX, number, wrapped,
    )  # fmt: skip


async def use_index_key(connection: Connection, town_id: UUID, number: int) -> None:
    """Puts an announced key into use."""
    await connection.execute(
        "UPDATE town_key SET active_from = clock_timestamp() WHERE municipality_id = $1 AND purpose = $2 AND number = $3",
        town_id, INDEX, number,
    )  # fmt: skip


async def seconds_of_notice_left(connection: Connection, town_id: UUID, number: int, notice_seconds: float) -> float:
    """How long until every process has seen the last change of a key: that it is there or, if it is in use, that it is. 0 afterwards."""
    seconds: float = await connection.fetchval(
        "SELECT greatest(0, $4 + extract(epoch FROM "
        "CASE WHEN active_from < 'infinity' THEN active_from ELSE created_at END - clock_timestamp()))::float8 "
        "FROM town_key WHERE municipality_id = $1 AND purpose = $2 AND number = $3",
        town_id, INDEX, number, notice_seconds,
    )  # fmt: skip
    return seconds


async def used_since(connection: Connection, town_id: UUID, number: int) -> float:
    """When a key was put into use, in seconds since 1970."""
    moment: float = await connection.fetchval(
        "SELECT extract(epoch FROM active_from)::float8 FROM town_key WHERE municipality_id = $1 AND purpose = $2 AND number = $3",
        town_id, INDEX, number,
    )  # fmt: skip
    return moment

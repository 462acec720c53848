"""SQL of the wrapped keys, for changing them. Run as the owner of the tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from but_gateway.db.connect import Connection
from but_gateway.db.fields import data_key_purpose, town_key_purpose


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A wrapped key and where it lies. ``purpose`` is what it is wrapped for."""

    place: str  # municipality | town_key | signing_key
    key: tuple[object, ...]
    purpose: str
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class TownKeyRow:
    """A further key of a town. ``settled``: it has been in use for so long that nobody writes with an older one."""

    purpose: str
    number: int
    active: bool
    settled: bool


_SAVE: Final = {
    "municipality": "UPDATE municipality SET data_key = $1 WHERE id = $2",
    "town_key": "UPDATE town_key SET wrapped = $1 WHERE municipality_id = $2 AND purpose = $3 AND number = $4",
    "signing_key": "UPDATE signing_key SET private_key = $1 WHERE kid = $2",
}


async def lock_wrapped(connection: Connection) -> list[Wrapped]:
    """All keys that the master key wraps, held until the end of the transaction."""
    towns = await connection.fetch("SELECT id, data_key FROM municipality ORDER BY id FOR UPDATE")
    further = await connection.fetch(
        "SELECT municipality_id, purpose, number, wrapped FROM town_key ORDER BY municipality_id, purpose, number FOR UPDATE"
    )
    signing = await connection.fetch("SELECT kid, private_key FROM signing_key ORDER BY kid FOR UPDATE")
    return [
        *(Wrapped("municipality", (row["id"],), data_key_purpose(row["id"]), bytes(row["data_key"])) for row in towns),
        *(
            Wrapped(
                "town_key",
                (row["municipality_id"], row["purpose"], row["number"]),
                town_key_purpose(row["municipality_id"], row["purpose"], row["number"]),
                bytes(row["wrapped"]),
            )
            for row in further
        ),
        *(Wrapped("signing_key", (row["kid"],), f"signing:{row['kid']}", bytes(row["private_key"])) for row in signing),
    ]


async def save_wrapped(connection: Connection, keys: Sequence[Wrapped]) -> None:
    """Writes keys that were wrapped anew."""
    for place, statement in _SAVE.items():
        rows = [(key.wrapped, *key.key) for key in keys if key.place == place]
        if rows:
            await connection.executemany(statement, rows)


async def lock_town(connection: Connection, town_id: UUID) -> None:
    """Holds the town, so that its keys are changed by one at a time."""
    await connection.execute("SELECT 1 FROM municipality WHERE id = $1 FOR UPDATE", town_id)


async def load_town_keys(connection: Connection, town_id: UUID, settled_seconds: float) -> list[TownKeyRow]:
    """The further keys of a town. The database's clock counts."""
    rows = await connection.fetch(
        "SELECT purpose, number, active_from <= clock_timestamp() AS active, "
        "active_from + make_interval(secs => $2) <= clock_timestamp() AS settled FROM town_key WHERE municipality_id = $1 ORDER BY number",
        town_id,
        settled_seconds,
    )
    return [TownKeyRow(**row) for row in rows]


async def add_town_key(  # noqa: PLR0913 - what a key is, all keyword-only
    connection: Connection, town_id: UUID, *, purpose: str, number: int, wrapped: bytes, notice_seconds: float
) -> None:
    """Adds a key that is used in so many seconds; until then every process learns of it."""
    await connection.execute(
        "INSERT INTO town_key (municipality_id, purpose, number, wrapped, created_at, active_from) "
        "VALUES ($1, $2, $3, $4, clock_timestamp(), clock_timestamp() + make_interval(secs => $5))",
        town_id, purpose, number, wrapped, notice_seconds,
    )  # fmt: skip


async def seconds_until_use(connection: Connection, town_id: UUID, purpose: str, number: int) -> float:
    """How long until a key is used; 0 when it is in use."""
    seconds: float = await connection.fetchval(
        "SELECT greatest(0, extract(epoch FROM active_from - clock_timestamp()))::float8 FROM town_key "
        "WHERE municipality_id = $1 AND purpose = $2 AND number = $3",
        town_id,
        purpose,
        number,
    )
    return seconds


async def drop_town_keys(connection: Connection, town_id: UUID, purpose: str, below: int) -> int:
    """Destroys the town's keys of a purpose with smaller numbers; how many."""
    status: str = await connection.execute(
        "DELETE FROM town_key WHERE municipality_id = $1 AND purpose = $2 AND number < $3", town_id, purpose, below
    )
    return int(status.rsplit(maxsplit=1)[-1])


async def save_data_key(connection: Connection, town_id: UUID, wrapped: bytes) -> None:
    """Replaces the town's first key."""
    await connection.execute("UPDATE municipality SET data_key = $2 WHERE id = $1", town_id, wrapped)

"""SQL of checking the database: towns, stored parts of facts, stored files, and what audit events say of them. It only reads."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from but_gateway.db.connect import Connection
from but_gateway.db.pieces import PiecePlace
from but_gateway.db.tenancy import Scope


@asynccontextmanager
async def one_moment(connection: Connection) -> AsyncIterator[None]:
    """A transaction that sees one moment and can write nothing."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        yield


async def enter(connection: Connection, town_id: UUID) -> None:
    """From here on the transaction sees this town's rows, whoever's connection it is."""
    await connection.execute(Scope(town_id).statement())


async def towns(connection: Connection, key: str | None) -> list[tuple[UUID, str]]:
    """Towns of the instance with their keys; with a key that one, if there is one."""
    rows = await connection.fetch("SELECT id, key FROM municipality WHERE $1::text IS NULL OR key = $1 ORDER BY id", key)
    return [(row["id"], row["key"]) for row in rows]


async def is_all_seeing(connection: Connection) -> bool:
    """Whether row-level security hides nothing from this login."""
    found: bool = await connection.fetchval("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    return found


async def fact_parts(connection: Connection, town_id: UUID) -> AsyncIterator[tuple[bytes, str]]:
    """Stored parts of facts with their hashes."""
    async for row in connection.cursor("SELECT hash, body::text AS body FROM fact_part WHERE municipality_id = $1", town_id, prefetch=1000):
        yield bytes(row["hash"]), row["body"]


async def stored_files(connection: Connection, town_id: UUID) -> list[dict[str, Any]]:
    """The files of all batches: batch, name, hash, length."""
    rows = await connection.fetch(
        "SELECT batch_id, name, sha256, bytes FROM package_file WHERE municipality_id = $1 ORDER BY batch_id, name", town_id
    )
    return [dict(row) for row in rows]


async def file_pieces(
    connection: Connection, town_id: UUID, batch_id: UUID, name: str
) -> AsyncIterator[tuple[PiecePlace, Mapping[str, Any]]]:
    """The content of a file, piece by piece, as it is stored."""
    query = (
        "SELECT part, content, sealed_content FROM package_part WHERE municipality_id = $1 AND batch_id = $2 AND name = $3 ORDER BY part"
    )
    async for row in connection.cursor(query, town_id, batch_id, name, prefetch=2):
        yield PiecePlace(batch_id, name, row["part"]), row


async def hand_overs(connection: Connection, town_id: UUID) -> list[dict[str, Any]]:
    """What was handed over: batch, what the payment file pays, and the hash that the audit event of the hand-over holds."""
    rows = await connection.fetch(
        """
        SELECT b.id AS batch_id, b.control_count, b.control_cents, e.payload_hash
        FROM settlement_batch b
        LEFT JOIN audit_event e ON e.municipality_id = b.municipality_id AND e.object_type = 'settlement_batch'
          AND e.object_id = b.id::text AND e.action = 'settlement.hand_over'
        WHERE b.municipality_id = $1 AND b.handed_over_at IS NOT NULL ORDER BY b.id
        """,
        town_id,
    )
    return [dict(row) for row in rows]


async def seal_at(connection: Connection, town_id: UUID, number: int) -> bytes | None:
    """The hash of a seal."""
    found = await connection.fetchval("SELECT hash FROM audit_seal WHERE municipality_id = $1 AND number = $2", town_id, number)
    return None if found is None else bytes(found)

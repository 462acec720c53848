"""SQL of the audit record as auditors read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from but_gateway.audit.sources import BY_NAME
from but_gateway.db.session import UnitOfWork

_EVENT: Final = BY_NAME["audit_event"]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events are asked for; None: all. ``since`` inclusive, ``until`` exclusive, by the town's clock."""

    object_type: str | None = None
    object_id: str | None = None
    action: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def list_events(unit: UnitOfWork, wanted: Filter, after: UUID | None, limit: int) -> list[Mapping[str, Any]]:
    """Events in the order of their ids, one more than the limit, each with the hash of its row (docs/audit.md)."""
    rows = await unit.driver.fetch(
        f"""
        SELECT t.id, t.at, t.recorded_at, t.actor, t.action, t.object_type, t.object_id, t.payload_hash, {_EVENT.hash} AS hash
        FROM audit_event t
        WHERE t.municipality_id = $1 AND ($2::uuid IS NULL OR t.id > $2) AND ($3::text IS NULL OR t.object_type = $3)
          AND ($4::text IS NULL OR t.object_id = $4) AND ($5::text IS NULL OR t.action = $5) AND ($6::text IS NULL OR t.actor = $6)
          AND ($7::timestamptz IS NULL OR t.at >= $7) AND ($8::timestamptz IS NULL OR t.at < $8)
        ORDER BY t.id LIMIT $9
        """,  # noqa: S608 - our own names
        unit.municipality_id, after, wanted.object_type, wanted.object_id, wanted.action, wanted.actor, wanted.since, wanted.until,
        limit + 1,
    )  # fmt: skip
    return [dict(row) for row in rows]

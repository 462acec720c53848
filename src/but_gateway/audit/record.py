"""Writing the audit record, in the transaction of what it records."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert

from but_gateway.audit.tables import audit_event
from but_gateway.db.session import UnitOfWork
from but_gateway.kit.ids import new_id


def hash_payload(payload: Mapping[str, Any]) -> bytes:
    """SHA-256 of a payload in canonical JSON (sorted keys, no blanks). Payloads hold pseudonyms and amounts, never names."""
    return hashlib.sha256(json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode()).digest()


async def record(  # noqa: PLR0913 - who, what, to what, when: all of it belongs to a record
    unit: UnitOfWork,
    *,
    at: datetime,
    actor: str,
    action: str,
    object_type: str,
    object_id: object,
    payload: Mapping[str, Any] | None = None,
) -> None:
    """Adds one entry: ``actor`` (issuer|subject) did ``action`` to the object."""
    await unit.execute(
        insert(audit_event).values(
            municipality_id=unit.municipality_id,
            id=new_id(),
            at=at,
            recorded_at=func.clock_timestamp(),
            actor=actor,
            action=action,
            object_type=object_type,
            object_id=str(object_id),
            payload_hash=hash_payload(payload or {}),
        )
    )

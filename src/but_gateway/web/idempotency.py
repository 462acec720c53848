"""The same key and the same body give the identical answer, whatever happens in between.

The record is written in the transaction of the work itself: what exists was told or is explained by one key, and what a
client was told exists. A transaction-level advisory lock stands for "still running": it ends with the transaction,
also when the process dies.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, insert, select
from starlette.responses import Response

from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.web.answers import Answer
from but_gateway.web.problems import IdempotencyKeyReused, RequestInProgress
from but_gateway.web.tables import idempotency_record

REPLAYED: Final = "Idempotency-Replayed"


def _lock_key(client_id: str, key: str) -> int:
    digest = hashlib.sha256(f"{client_id}\x00{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def place_of(client_id: str, key: str) -> tuple[str, UUID, str]:
    """What the seal of a record's body is bound to."""
    return "idempotency_record", UUID(bytes=hashlib.sha256(f"{client_id}\x00{key}".encode()).digest()[-16:]), "body"


async def once(  # noqa: PLR0913 - the parts of a request that decide whether it is the same; all keyword-only
    unit: UnitOfWork,
    action: Callable[[UnitOfWork], Awaitable[Answer]],
    *,
    keys: TownKeys,
    client_id: str,
    key: str,
    request_hash: bytes,
    recorded_at: datetime,
) -> Response:
    """Runs the action in the open transaction unless it ran before; then its answer is given again.

    Refuses when the key came with another request (IdempotencyKeyReused) or the first is still running (RequestInProgress).
    Only 2xx are kept: a refusal raises, and the transaction with it. Bodies are kept sealed, because answers carry entitlement
    numbers; a record of another town is told by its request hash before anything is opened.
    """
    place = place_of(client_id, key)
    locked = await unit.execute(select(func.pg_try_advisory_xact_lock(_lock_key(client_id, key))))
    if not locked.scalar_one():
        raise RequestInProgress(headers={"Retry-After": "1"})
    table = idempotency_record
    found = (await unit.execute(select(table).where(table.c.client_id == client_id, table.c.key == key))).one_or_none()
    if found is not None:
        if bytes(found.request_hash) != request_hash:
            raise IdempotencyKeyReused
        return Response(keys.open(bytes(found.body), *place), found.status, headers={**found.headers, REPLAYED: "true"})
    answer = await action(unit)
    content, headers = answer.content(), {"content-type": "application/json", **answer.headers}
    if answer.keep:
        await unit.execute(
            insert(table).values(
                client_id=client_id,
                key=key,
                request_hash=request_hash,
                status=answer.status,
                headers=headers,
                body=keys.seal(content.decode(), *place),
                created_at=recorded_at,
            )
        )
    else:
        unit.discard()
    return Response(content, answer.status, headers=headers)

"""The bare baseline of a check: raw ASGI and one prepared look-up through asyncpg, no token, no tenancy, no log."""

import os
from typing import Any

import asyncpg
from sqlalchemy import make_url

from but_gateway.db.engine import connect_arguments

_pool: Any = None
_ANSWER = b'{"eligible":true}'
_HEAD = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json"), (b"content-length", b"17")]}


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
    """Looks the number of the body up by its hash and says yes."""
    global _pool  # noqa: PLW0603 - the least there can be
    if scope["type"] == "lifespan":
        await receive()
        _pool = await asyncpg.create_pool(**connect_arguments(make_url(os.environ["BUT_DATABASE_URL"])), min_size=8, max_size=8)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    message = await receive()
    async with _pool.acquire() as connection:
        await connection.fetchrow("SELECT entitlement_id FROM entitlement_number WHERE number_index = $1 LIMIT 1", message["body"][:32])
    await send(_HEAD)
    await send({"type": "http.response.body", "body": _ANSWER})

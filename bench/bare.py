"""The bare baseline of a check: raw ASGI and one prepared look-up through asyncpg, no token, no tenancy, no log.

``app`` takes a connection as asyncpg's pool hands it out, which undoes the state of the session on its way back: a second round trip.
``unreset`` leaves that out, which only those may do who leave no state behind: the least there can be.
"""

import os
from typing import Any

import asyncpg
from sqlalchemy import make_url

from but_gateway.db.engine import connect_arguments

_ANSWER = b'{"eligible":true}'
_HEAD = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json"), (b"content-length", b"17")]}


class Bare:
    """Looks the number of the body up by its hash and says yes."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - of the pool
        self.options = options

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """Serves one request."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        message = await receive()
        async with self.pool.acquire() as connection:
            await connection.fetchrow("SELECT entitlement_id FROM entitlement_number WHERE number_index = $1 LIMIT 1", message["body"][:32])
        await send(_HEAD)
        await send({"type": "http.response.body", "body": _ANSWER})

    async def _live(self, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        await receive()
        url = make_url(os.environ["BUT_DATABASE_URL"])
        self.pool: Any = await asyncpg.create_pool(**connect_arguments(url), min_size=8, max_size=8, **self.options)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


async def _leave(_connection: asyncpg.Connection) -> None:
    """Undoes nothing."""


app = Bare()
unreset = Bare(reset=_leave)

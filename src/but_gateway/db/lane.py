"""Statements one after the other while the caller prepares the next: PostgreSQL works on one core, Python on another."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self


class Lane:
    """A lane of one transaction. At most one statement runs; ``put`` waits for the one before, and the block for the last.

    Inside the block nothing else may use the transaction's connection. An error of a statement comes up at the next ``put`` or at the
    end of the block.
    """

    def __init__(self) -> None:
        self._running: asyncio.Task[Any] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def put(self, statement: Coroutine[Any, Any, Any]) -> None:
        """Sends a statement as soon as the one before is done, and comes back while it runs."""
        try:
            await self._wait()
        except BaseException:
            statement.close()
            raise
        self._running = asyncio.create_task(statement)
        # One turn of the loop sends the statement out; from then on the caller may compute.
        await asyncio.sleep(0)

    async def _wait(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            await running

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            await self._wait()
        except Exception:
            if error is None:
                raise

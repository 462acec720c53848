"""Statements one after the other while the caller goes on computing: PostgreSQL works on one core, Python on another."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self


class Lane:
    """A lane of one transaction: statements run in the order they were put, one at a time.

    Inside the block nothing else may use the transaction's connection. An error of a statement comes up at the next ``put`` or at the
    end of the block; what was put behind it is dropped.
    """

    def __init__(self) -> None:
        self._waiting: deque[Coroutine[Any, Any, Any]] = deque()
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def put(self, statement: Coroutine[Any, Any, Any]) -> None:
        """Queues a statement; where nothing runs it is sent out at once."""
        if self._running is not None and self._running.done():
            statement_before, self._running = self._running, None
            try:
                statement_before.result()
            except BaseException:
                statement.close()
                raise
        self._waiting.append(statement)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        await self.breathe()

    async def breathe(self) -> None:
        """Lets the lane send its next statement. Whoever computes for long calls this now and then."""
        await asyncio.sleep(0)

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._waiting.popleft()
        finally:
            while self._waiting:
                self._waiting.popleft().close()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        try:
            await running
        except Exception:
            if error is None:
                raise

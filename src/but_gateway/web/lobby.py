"""Where requests are whose bodies are still coming: not at work yet, and many at a time cost nobody anything but a connection."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

_Received = TypeVar("_Received")

# For each request that may be at work. Whoever sends a body byte by byte takes one of these, not a place of somebody who works.
WAITING_PER_PLACE: Final = 4


class Lobby:
    """Holds so many that wait. When one more comes, the one that came first has to go: who is quick is never kept out by who is slow."""

    def __init__(self, places: int) -> None:
        self.places = places
        self._here: dict[object, asyncio.Timeout | None] = {}  # in the order of their coming; None: it does not wait just now

    async def wait(self, who: object, receive: Callable[[], Awaitable[_Received]], until: float) -> _Received:
        """The next part of somebody's body. Refuses when it does not come until then (loop time), or the place is needed (TimeoutError)."""
        async with asyncio.timeout_at(until) as patience:
            self._here[who] = patience
            if len(self._here) > self.places:
                self._dismiss()
            try:
                return await receive()
            finally:
                if who in self._here:
                    self._here[who] = None

    def leave(self, who: object) -> None:
        """All of the body is here, or nobody waits for it any more."""
        self._here.pop(who, None)

    def _dismiss(self) -> None:
        for who, patience in self._here.items():
            if patience is not None:
                patience.reschedule(asyncio.get_running_loop().time())
                del self._here[who]
                return

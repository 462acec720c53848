"""A TCP proxy between the gateway and PostgreSQL that delays, cuts, and loses acknowledgements of commits.

Random kills alone rarely fall between a commit and its answer; here that is what is aimed at: the COMMIT goes up, the server does it
and says so, and nobody hears it.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Final

from tests.crash.wire import CANCEL_REQUEST, GSS_REQUEST, SSL_REQUEST, Downward, Messages, Upward, first_message

_CHUNK: Final = 65536
_LINGER_NONE: Final = struct.pack("ii", 1, 0)  # close by a reset, as a machine that is gone


class Fate(Enum):
    """What becomes of a commit."""

    PASSES = auto()
    UNHEARD = auto()  # it is done and the answer lost
    UNSAID = auto()  # it never arrives, the transaction is rolled back


@dataclass(slots=True)
class Weather:
    """How bad it is. Shares between 0 and 1; ``unheard`` and ``unsaid`` of commits that wrote something, the others of messages."""

    chance: random.Random
    unheard: float = 0.0
    unsaid: float = 0.0
    cut: float = 0.0
    delay: float = 0.0
    delay_seconds_max: float = 0.03

    def fate(self) -> Fate:
        """Of one commit."""
        drawn = self.chance.random()
        if drawn < self.unheard:
            return Fate.UNHEARD
        return Fate.UNSAID if drawn < self.unheard + self.unsaid else Fate.PASSES

    def pause(self) -> float:
        """Seconds that a message waits."""
        return self.chance.uniform(0, self.delay_seconds_max) if self.chance.random() < self.delay else 0.0

    def cuts(self) -> bool:
        """Whether the connection breaks here."""
        return self.chance.random() < self.cut


class BrokenError(Exception):
    """The connection ends here, by the weather's will."""


@dataclass(slots=True)
class Proxy:
    """Listens on a TCP port of the loopback and speaks to a server's socket in the file system."""

    server_socket: Path
    weather: Weather
    counts: Counter[str] = field(default_factory=Counter)
    port: int = 0
    _listener: asyncio.Server | None = None
    _lives: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self) -> None:
        """Begins to listen."""
        self._listener = await asyncio.start_server(self._live, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Ends it and all connections."""
        if self._listener is not None:
            self._listener.close()
        for life in list(self._lives):
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)

    async def _live(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        life = asyncio.current_task()
        assert life is not None
        self._lives.add(life)
        upstream: asyncio.StreamWriter | None = None
        try:
            answers, upstream = await asyncio.open_unix_connection(str(self.server_socket))
            connection = _Connection(self, reader, writer, answers, upstream)
            await connection.run()
        except (OSError, BrokenError):
            pass  # what breaks is the point of it
        except asyncio.CancelledError:
            pass  # the proxy closes; the stream's own callback would complain of a cancelled task
        finally:
            self._lives.discard(life)
            _reset(writer)
            if upstream is not None:
                upstream.close()


@dataclass(slots=True)
class _Connection:
    proxy: Proxy
    client: asyncio.StreamReader
    to_client: asyncio.StreamWriter
    server: asyncio.StreamReader
    to_server: asyncio.StreamWriter
    said: Upward = field(default_factory=Upward)
    answered: Downward = field(default_factory=Downward)
    deaf: bool = False  # the client hears nothing any more

    async def run(self) -> None:
        """Carries both directions until one of them ends."""
        if not await self._greet():
            return
        ways = [asyncio.ensure_future(self._up()), asyncio.ensure_future(self._down())]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                way.result()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _greet(self) -> bool:
        """Lets the opening message through, refusing encryption; False for a request to cancel, which is only handed on."""
        data = b""
        while True:
            data += await self._read(self.client)
            while (first := first_message(data)) is not None:
                size, code = first
                if code not in (SSL_REQUEST, GSS_REQUEST):
                    self.to_server.write(data)
                    await self.to_server.drain()
                    return code != CANCEL_REQUEST
                self.to_client.write(b"N")
                data = data[size:]

    async def _up(self) -> None:
        messages, weather = Messages(), self.proxy.weather
        while True:
            for kind, message in messages.feed(await self._read(self.client)):
                if pause := weather.pause():
                    self.proxy.counts["delayed"] += 1
                    await asyncio.sleep(pause)
                if weather.cuts():
                    self.proxy.counts["cut"] += 1
                    raise BrokenError
                if self.said.hear(kind, message) and (self.answered.wrote or self.said.writes):
                    self._decide(weather.fate())
                self.to_server.write(message)
            await self.to_server.drain()

    def _decide(self, fate: Fate) -> None:
        self.answered.expect()
        self.proxy.counts["commits"] += 1
        if fate is Fate.UNSAID:
            self.proxy.counts["unsaid"] += 1
            raise BrokenError
        self.deaf = fate is Fate.UNHEARD

    async def _down(self) -> None:
        messages = Messages()
        while True:
            data = await self._read(self.server)
            for kind, message in messages.feed(data):
                self.answered.hear(kind, message)
                if self.deaf and self.answered.ready:
                    # Only what the server has done counts as a lost acknowledgement; a commit it refused is lost all the same.
                    self.proxy.counts["unheard" if self.answered.committed else "refusal unheard"] += 1
                    raise BrokenError
            if not self.deaf:
                self.to_client.write(data)
                await self.to_client.drain()

    @staticmethod
    async def _read(reader: asyncio.StreamReader) -> bytes:
        data = await reader.read(_CHUNK)
        if not data:
            raise BrokenError
        return data


def _reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection as if the other side had gone: by a reset."""
    end = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        if end is not None:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
    writer.transport.abort()

"""The least an HTTP client can be: prepared requests over kept connections, answers counted and not read."""

import asyncio
import time
from collections.abc import Sequence


class _Connection(asyncio.Protocol):
    """Sends its requests one after the other."""

    def __init__(self, requests: Sequence[bytes], expected: bytes, done: asyncio.Future[None]) -> None:
        self.requests, self.expected, self.done = iter(requests), expected, done
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - a stream is asked for
        self.transport = transport
        self._next()

    def _next(self) -> None:
        request = next(self.requests, None)
        if request is not None:
            self.transport.write(request)
        elif not self.done.done():
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head_end = self.buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self.buffer[:head_end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(self.buffer) < head_end + 4 + length:
            return
        if not self.buffer.startswith(b"HTTP/1.1 200") or self.expected not in self.buffer:
            self.done.set_exception(SystemExit(f"unexpected answer: {self.buffer[:300]!r}"))
            return
        self.buffer = b""
        self._next()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(SystemExit("connection lost"))


async def _run(port: int, lanes: Sequence[Sequence[bytes]], expected: bytes) -> float:
    loop = asyncio.get_running_loop()
    futures = []
    start = time.perf_counter()
    for lane in lanes:
        done: asyncio.Future[None] = loop.create_future()
        await loop.create_connection(lambda lane=lane, done=done: _Connection(lane, expected, done), "127.0.0.1", port)  # type: ignore[misc] # bound now
        futures.append(done)
    await asyncio.gather(*futures)
    return time.perf_counter() - start


def requests_per_second(port: int, requests: Sequence[bytes], expected: bytes, connections: int = 16) -> float:
    """How many of the requests are answered per second, over so many connections; every answer must be 200 and hold ``expected``."""
    lanes = [requests[i::connections] for i in range(connections)]
    return len(requests) / asyncio.run(_run(port, lanes, expected))


def http_request(method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    """A request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

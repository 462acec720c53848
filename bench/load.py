"""The least an HTTP client can be: prepared requests over kept connections, answers looked at and not read."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of requests showed: requests per second, and seconds from sending to the whole answer, sorted."""

    rate: float
    seconds: Sequence[float]

    def percentile(self, share: float) -> float:
        """The seconds within which such a share was answered."""
        return self.seconds[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


class _Connection(asyncio.Protocol):
    """Sends its requests one after the other."""

    def __init__(self, requests: Sequence[bytes], expected: bytes, done: asyncio.Future[None], seconds: list[float]) -> None:
        self.requests, self.expected, self.done, self.seconds = iter(requests), expected, done, seconds
        self.buffer = b""
        self.sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - a stream is asked for
        self.transport = transport
        self._next()

    def _next(self) -> None:
        request = next(self.requests, None)
        if request is not None:
            self.sent_at = time.perf_counter()
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
        self.seconds.append(time.perf_counter() - self.sent_at)
        self.buffer = b""
        self._next()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(SystemExit("connection lost"))


async def _run(port: int, lanes: Sequence[Sequence[bytes]], expected: bytes) -> tuple[float, list[float]]:
    loop = asyncio.get_running_loop()
    futures, seconds = [], list[float]()
    start = time.perf_counter()
    for lane in lanes:
        done: asyncio.Future[None] = loop.create_future()
        await loop.create_connection(lambda lane=lane, done=done: _Connection(lane, expected, done, seconds), "127.0.0.1", port)  # type: ignore[misc] # bound now
        futures.append(done)
    await asyncio.gather(*futures)
    return time.perf_counter() - start, sorted(seconds)


def run_load(port: int, requests: Sequence[bytes], expected: bytes, connections: int = 16) -> Load:
    """Sends the requests over so many connections, on each one after the other; every answer must be 200 and hold ``expected``."""
    lanes = [requests[i::connections] for i in range(connections)]
    took, seconds = asyncio.run(_run(port, lanes, expected))
    return Load(len(requests) / took, seconds)


def requests_per_second(port: int, requests: Sequence[bytes], expected: bytes, connections: int = 16) -> float:
    """How many of the requests are answered per second."""
    return run_load(port, requests, expected, connections).rate


def http_request(method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    """A request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

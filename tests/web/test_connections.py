"""What may come before there is a request: so much and not more, and not for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from but_gateway.web import connections
from but_gateway.web.connections import HEAD_BYTES_MAX, BoundedHead

MEGABYTE = b"a" * 1_000_000


async def read_all(scope: Scope, receive: Receive, send: Send) -> None:
    """Says OK when the body is there."""
    await Request(scope, receive).body()
    await PlainTextResponse("OK")(scope, receive, send)


@asynccontextmanager
async def served() -> AsyncIterator[int]:
    """An app that says OK, behind the connections of the service; gives its port."""
    config = uvicorn.Config(read_all, http=BoundedHead, host="127.0.0.1", port=0, log_config=None, lifespan="off")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


async def said_to(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """All that is answered to some bytes until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b"broken off"
    finally:
        writer.close()


async def test_a_head_without_end_is_refused_while_it_comes() -> None:
    async with served() as port:
        for parts in (
            [b"GET / HTTP/1.1\r\nX: ", *[MEGABYTE] * 50],
            [b"GET / HTTP/1.1\r\n", *[b"X: " + MEGABYTE + b"\r\n"] * 50],
            [b"GET /", *[MEGABYTE] * 50],
            [b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nX: ", *[MEGABYTE] * 50],
        ):
            answer = await said_to(port, *parts)
            assert b"200" not in answer.split(b"\r\n")[-4:], answer[:200]
            assert answer == b"broken off" or answer.split(b"\r\n")[0].split()[1] in {b"431", b"400", b"200"}
            assert answer.count(b" 200 ") <= parts[0].count(b"\r\n\r\n")


async def test_a_head_that_is_just_too_long_is_told_so() -> None:
    async with served() as port:
        half = b"a" * (HEAD_BYTES_MAX // 2)
        answer = await said_to(port, b"GET / HTTP/1.1\r\nX: ", half, half, b"a", pause=0.1)
        assert answer.startswith(b"HTTP/1.1 431 ")


async def test_a_long_token_and_a_long_body_pass() -> None:
    async with served() as port:
        token = b"GET / HTTP/1.1\r\nAuthorization: Bearer " + b"a" * 8_192 + b"\r\nConnection: close\r\n\r\n"
        assert (await said_to(port, token)).startswith(b"HTTP/1.1 200 ")
        head = b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n"
        assert (await said_to(port, head + MEGABYTE)).startswith(b"HTTP/1.1 200 ")
        several = b"GET / HTTP/1.1\r\n\r\n" * 5 + b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"
        assert (await said_to(port, several)).count(b"HTTP/1.1 200 ") == 6


async def test_who_never_ends_a_head_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    async with served() as port:
        assert await said_to(port) == b""
        assert await said_to(port, b"GET / HTTP/1.1\r\n") == b""
        drops = await said_to(port, b"GET / HTTP/1.1\r\n", *[b"X: y\r\n"] * 8, pause=0.1)
        assert drops in {b"", b"broken off"}
        again = await said_to(port, b"GET / HTTP/1.1\r\n\r\n", b"GET / ", pause=0.1)
        assert again.count(b"HTTP/1.1 200 ") == 1

"""What surrounds every request: its id, limits on numbers and time, one answer for every error, one line in the log. Pure ASGI."""

import asyncio
import re
import time
from collections.abc import Callable, MutableMapping
from typing import Any, Final

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from but_gateway.kit.ids import new_id
from but_gateway.web.errors import place_of, problem_for, response_for
from but_gateway.web.lobby import WAITING_PER_PLACE, Lobby
from but_gateway.web.metrics import Metrics
from but_gateway.web.problems import Language, Problem, ReceiveTimeout, Unavailable, language_of

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}", re.ASCII)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CLIENT_GONE: Final = 499  # what the log says when nobody is left to answer
_SERVER_ERROR: Final = 500


class Envelope:
    """The outermost layer. ``in_flight_max``: requests at work at once; while its body is coming a request is not at work (lobby.py).

    ``receive_timeout_seconds``: for a whole body to come, and for each piece of a streamed answer to be taken.

    ``crowded``: whether a request of this path would only wait; then it is refused before anything is read or looked up for it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        in_flight_max: int,
        receive_timeout_seconds: float,
        crowded: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.app = app
        self.crowded = crowded
        self.metrics = metrics
        self.in_flight_max = in_flight_max
        self.receive_timeout_seconds = receive_timeout_seconds
        self.lobby = Lobby(WAITING_PER_PLACE * in_flight_max)
        self.log = structlog.get_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(self, scope, receive, send)
        self.metrics.in_flight += 1
        try:
            self._admit(scope)
            await self.app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            exchange.status = exchange.status or _CLIENT_GONE
        except Exception as error:  # noqa: BLE001 - the last line: every error becomes an answer
            await self._answer(exchange, error)
        finally:
            self.metrics.in_flight -= 1
            self.lobby.leave(exchange)
            self._tell(exchange)

    def _admit(self, scope: Scope) -> None:
        path = scope["path"]
        if (self._is_full and not path.startswith("/health/")) or self.crowded(path):
            raise Unavailable(headers={"Retry-After": "1"})

    @property
    def _is_full(self) -> bool:
        return self.metrics.in_flight > self.in_flight_max

    async def wait(self, exchange: "_Exchange", receive: Receive, until: float) -> Message:
        """The next part of a request's body. Meanwhile it is not at work; when all of it is here, it needs a place again."""
        self.metrics.in_flight -= 1
        try:
            message = await self.lobby.wait(exchange, receive, until)
        except TimeoutError:
            raise ReceiveTimeout(headers={"Connection": "close"}) from None
        finally:
            self.metrics.in_flight += 1
        if not message.get("more_body", False):
            self.lobby.leave(exchange)
            if self._is_full:
                raise Unavailable(headers={"Retry-After": "1"})
        return message

    async def _answer(self, exchange: "_Exchange", error: Exception) -> None:
        problem = problem_for(error)
        if problem.status >= _SERVER_ERROR and not isinstance(error, Problem):
            self.log.error("error", request_id=exchange.request_id, route=exchange.route, **place_of(error.__cause__ or error))
        if exchange.status:
            raise error  # the answer has begun: the server breaks the connection, so that nobody takes half for whole
        answer = response_for(problem, exchange.language, exchange.request_id)
        await answer(exchange.scope, exchange.receive, exchange.send)

    def _tell(self, exchange: "_Exchange") -> None:
        seconds = time.perf_counter() - exchange.began
        method = exchange.scope["method"] if exchange.scope["method"] in _METHODS else "OTHER"
        self.metrics.count(method, exchange.route, exchange.status, seconds)
        principal = exchange.state.get("principal")
        self.log.info(
            "request",
            request_id=exchange.request_id,
            method=method,
            route=exchange.route,
            status=exchange.status,
            duration_ms=round(seconds * 1000, 1),
            client=getattr(principal, "client_id", None),
        )


class _Exchange:
    """One request and its answer on the way."""

    def __init__(self, envelope: Envelope, scope: Scope, receive: Receive, send: Send) -> None:
        self.envelope = envelope
        self.scope = scope
        self.began = time.perf_counter()
        self.status = 0
        # Read once through: looking up a header by name costs more than all else here, and every request passes.
        sent = {b"x-request-id": b"", b"accept-language": b""}
        for name, value in scope["headers"]:
            if name in sent and not sent[name]:
                sent[name] = value
        named = sent[b"x-request-id"].decode("latin-1")
        self.request_id = named if _REQUEST_ID.fullmatch(named) else str(new_id())
        self._accept_language = sent[b"accept-language"]
        self.state: MutableMapping[str, Any] = scope.setdefault("state", {})
        self.state["request_id"] = self.request_id
        self._receive, self._send = receive, send
        self._deadline = asyncio.get_running_loop().time() + envelope.receive_timeout_seconds
        self._complete = False

    @property
    def language(self) -> Language:
        """The language an error is told in."""
        return language_of(self._accept_language.decode("latin-1"))

    @property
    def route(self) -> str:
        """The path as declared; what matches nothing is one and the same."""
        return getattr(self.scope.get("route"), "path", None) or "-"

    async def receive(self) -> Message:
        """The next part of the request; of a body that is still coming, in time."""
        if self._complete:
            return await self._receive()
        message = await self.envelope.wait(self, self._receive, self._deadline)
        self._complete = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """A part of the answer, with the headers that every answer has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            sent = list(message.get("headers", ()))
            names = {name for name, _ in sent}
            ours = {b"x-request-id": self.request_id.encode("latin-1"), b"x-content-type-options": b"nosniff"}
            if self.scope["path"].startswith("/v1/"):
                ours[b"cache-control"] = b"no-store"
            for name, value in self.state.get("answer_headers", {}).items():
                ours[name.lower().encode("latin-1")] = value.encode("latin-1")
            message["headers"] = sent + [one for one in ours.items() if one[0] not in names]
        if not message.get("more_body", False):
            await self._send(message)
            return
        # A streamed answer holds a connection to the database: whoever does not read must not keep it from others.
        try:
            async with asyncio.timeout(self.envelope.receive_timeout_seconds):
                await self._send(message)
        except TimeoutError:
            raise ClientDisconnect from None

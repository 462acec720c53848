"""What surrounds every request: its id, one answer for every error, limits on numbers and time."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import APIRouter
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from but_gateway.identity.principal import Role
from but_gateway.identity.route import GatewayRoute
from but_gateway.settings import Settings
from but_gateway.web.limits import RateLimiter
from but_gateway.web.metrics import Metrics
from but_gateway.web.middleware import Envelope
from but_gateway.web.operation import operation
from but_gateway.web.problems import TooManyRequests
from tests.factories.instance import Instance, running

FAULTS = "/v1/municipalities/krefeld/faults"


class Expected(NamedTuple):
    """An answer."""

    status: int
    code: str


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("program", Expected(500, "unexpected")),
        ("state", Expected(409, "wrong_state")),
        ("gone", Expected(503, "unavailable")),
        ("refused", Expected(503, "unavailable")),
        ("shutdown", Expected(503, "unavailable")),
        ("pool", Expected(503, "unavailable")),
        ("deadlock", Expected(503, "unavailable")),
        ("serialization", Expected(503, "unavailable")),
        ("lock", Expected(503, "unavailable")),
        ("unique", Expected(409, "conflict")),
        ("check", Expected(409, "conflict")),
        ("notnull", Expected(500, "unexpected")),
    ],
)
async def test_every_error_becomes_a_problem_that_tells_nothing_private(
    instance: Instance, registrar: dict[str, str], kind: str, expected: Expected, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await instance.http.get(f"{FAULTS}/{kind}", headers=registrar)
    assert answer.status_code == expected.status
    assert answer.json()["code"] == expected.code
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert ("retry-after" in answer.headers) == (expected.code in {"unavailable", "conflict"})
    written = "".join(capsys.readouterr())
    for told in (answer.text, written):
        assert "Müller" not in told
        assert "Traceback" not in told


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/nothing", Expected(404, "not_found")),
        ("GET", "/v1/municipalities/krefeld/nothing", Expected(404, "not_found")),
        ("GET", "/v1/municipalities/krefeld/orders/", Expected(404, "not_found")),
        ("PATCH", "/v1/municipalities/krefeld/orders", Expected(405, "method_not_allowed")),
        ("GET", "/v1/municipalities/krefeld/answers/word", Expected(404, "not_found")),
        ("GET", "/v1/municipalities/krefeld/answers/1?limit=x", Expected(422, "invalid")),
        ("GET", "/problems/nothing", Expected(404, "not_found")),
        ("GET", "/docs/assets/nothing", Expected(404, "not_found")),
        ("GET", "/metrics", Expected(404, "not_found")),
    ],
)
async def test_what_is_not_there_is_a_problem_too(
    instance: Instance, registrar: dict[str, str], method: str, path: str, expected: Expected
) -> None:
    answer = await instance.http.request(method, path, headers=registrar)
    assert answer.status_code == expected.status
    assert answer.json()["code"] == expected.code


async def test_a_bad_query_is_named(instance: Instance, registrar: dict[str, str]) -> None:
    answer = await instance.http.get("/v1/municipalities/krefeld/answers/1?limit=x", headers={**registrar, "Accept-Language": "en"})
    assert answer.json()["errors"] == [{"pointer": "?limit", "code": "not_a_number", "detail": "A whole number is due here."}]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("0198f0c2-0000-7000-8000-000000000000", True), ("order-2026-11-22", True), ("short", False), ("x" * 65, False),
     ("a b c d e f", False),
     ("ä" * 10, False), ("<script>alert(1)</script>", False), ("12345678\x00", False)],
)  # fmt: skip
async def test_a_sane_request_id_is_kept_and_any_other_replaced(instance: Instance, sent: str, *, kept: bool) -> None:
    answer = await instance.http.get("/health/live", headers={b"X-Request-Id": sent.encode()})
    assert (answer.headers["x-request-id"] == sent) == kept
    assert len(answer.headers["x-request-id"]) >= 8


async def test_personal_data_is_not_kept_by_anybody_in_between(instance: Instance, registrar: dict[str, str]) -> None:
    answer = await instance.http.get("/v1/municipalities/krefeld/orders", headers=registrar)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [(None, "de"), ("en", "en"), ("en-GB,en;q=0.9", "en"), ("de-DE,de;q=0.9,en;q=0.8", "de"), ("en;q=0.1, de;q=0.9", "de"),
     ("fr, en;q=0.5", "en"),
     ("fr", "de"), ("en;q=x", "en"), ("en;q=0", "de"), ("," * 300, "de")],
)  # fmt: skip
async def test_problems_speak_german_or_english(instance: Instance, accepted: str | None, language: str) -> None:
    answer = await instance.http.get("/v1/x", headers={"Accept-Language": accepted} if accepted else {})
    assert answer.json()["title"] == {"de": "Nicht angemeldet", "en": "Not authenticated"}[language]
    assert answer.headers["content-language"] == language


@dataclass
class Wire:
    """One exchange on the level of ASGI."""

    incoming: list[Message] = field(default_factory=list)
    outgoing: list[Message] = field(default_factory=list)

    async def receive(self) -> Message:
        if self.incoming:
            return self.incoming.pop(0)
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.outgoing.append(message)

    @property
    def status(self) -> int:
        return int(self.outgoing[0]["status"])


def scope(path: str = "/x") -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}


async def read_all(_scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def test_a_body_that_comes_too_slowly_is_given_up() -> None:
    envelope = Envelope(read_all, metrics=Metrics(), in_flight_max=10, receive_timeout_seconds=0.05)
    slow = Wire([{"type": "http.request", "body": b"{", "more_body": True}])
    await asyncio.wait_for(envelope(scope(), slow.receive, slow.send), 5)
    assert slow.status == 408
    assert json.loads(slow.outgoing[1]["body"])["code"] == "receive_timeout"
    quick = Wire([{"type": "http.request", "body": b"{}", "more_body": False}])
    await envelope(scope(), quick.receive, quick.send)
    assert quick.status == 200


async def test_a_stream_that_nobody_reads_is_given_up_and_lets_go_of_what_it_holds() -> None:
    held = True

    async def pieces() -> AsyncGenerator[bytes, None]:
        nonlocal held
        try:
            while True:
                yield b"x"
        finally:
            held = False

    wire = Wire()

    async def take_three(message: Message) -> None:
        if len(wire.outgoing) > 3:
            await asyncio.sleep(60)
        await wire.send(message)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        content = pieces()
        async with aclosing(content):
            await StreamingResponse(content)(scope, receive, send)

    envelope = Envelope(answer, metrics=Metrics(), in_flight_max=10, receive_timeout_seconds=0.05)
    wire.incoming = [{"type": "http.request", "body": b"", "more_body": False}]
    await asyncio.wait_for(envelope(scope(), wire.receive, take_three), 5)
    assert not held
    assert len(wire.outgoing) == 4
    assert envelope.metrics.in_flight == 0


async def test_beyond_the_cap_new_requests_are_refused_at_once_and_those_at_work_are_answered() -> None:
    gate = asyncio.Event()

    async def wait(_scope: Scope, _receive: Receive, send: Send) -> None:
        await gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    envelope = Envelope(wait, metrics=Metrics(), in_flight_max=3, receive_timeout_seconds=10)
    at_work = [Wire() for _ in range(3)]
    tasks = [asyncio.create_task(envelope(scope(), wire.receive, wire.send)) for wire in at_work]
    await asyncio.sleep(0)
    refused = Wire()
    await asyncio.wait_for(envelope(scope(), refused.receive, refused.send), 1)
    assert refused.status == 503
    assert (b"retry-after", b"1") in refused.outgoing[0]["headers"]
    gate.set()
    await asyncio.gather(*tasks)
    assert [wire.status for wire in at_work] == [200, 200, 200]


def slow_and_quick(cap: int) -> tuple[Envelope, Callable[[], Wire], Callable[[], Wire]]:
    """An envelope, and wires on which a body begins and does not go on, or is there as a whole."""
    envelope = Envelope(read_all, metrics=Metrics(), in_flight_max=cap, receive_timeout_seconds=10)
    return (
        envelope,
        lambda: Wire([{"type": "http.request", "body": b"{", "more_body": True}]),
        lambda: Wire([{"type": "http.request", "body": b"{}", "more_body": False}]),
    )


async def give_up(tasks: list[asyncio.Task[None]]) -> None:
    """Everybody hangs up."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_bodies_that_are_still_coming_keep_nobody_from_work() -> None:
    envelope, slow, quick = slow_and_quick(3)
    tasks = [asyncio.create_task(envelope(scope(), wire.receive, wire.send)) for wire in [slow() for _ in range(10)]]
    await asyncio.sleep(0.01)
    assert envelope.metrics.in_flight == 0
    wire = quick()
    await asyncio.wait_for(envelope(scope(), wire.receive, wire.send), 1)
    assert wire.status == 200
    await give_up(tasks)
    assert envelope.metrics.in_flight == 0


async def test_of_too_many_bodies_that_are_still_coming_the_oldest_is_given_up() -> None:
    envelope, slow, quick = slow_and_quick(1)
    waiting = [slow() for _ in range(6)]
    tasks = [asyncio.create_task(envelope(scope(), wire.receive, wire.send)) for wire in waiting]
    await asyncio.wait_for(asyncio.gather(*tasks[:2]), 1)
    assert [wire.status for wire in waiting[:2]] == [408, 408]
    assert not any(wire.outgoing for wire in waiting[2:])
    wire = quick()
    await asyncio.wait_for(envelope(scope(), wire.receive, wire.send), 1)
    assert wire.status == 200
    await give_up(tasks)


async def test_who_comes_back_from_the_lobby_needs_a_place() -> None:
    gate, coming = asyncio.Event(), asyncio.Event()

    async def work(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def late() -> Message:
        await coming.wait()
        return {"type": "http.request", "body": b"{}", "more_body": False}

    envelope = Envelope(work, metrics=Metrics(), in_flight_max=1, receive_timeout_seconds=10)
    last, first = Wire(), Wire([{"type": "http.request", "body": b"{}", "more_body": False}])
    tasks = [asyncio.create_task(envelope(scope(), late, last.send)), asyncio.create_task(envelope(scope(), first.receive, first.send))]
    await asyncio.sleep(0.01)
    coming.set()
    await asyncio.wait_for(tasks[0], 1)
    assert last.status == 503
    gate.set()
    await asyncio.gather(*tasks)
    assert first.status == 200


async def test_what_would_only_wait_is_refused_before_anything_is_read() -> None:
    envelope = Envelope(
        read_all, metrics=Metrics(), in_flight_max=3, receive_timeout_seconds=10, crowded=lambda path: path != "/health/live"
    )
    refused = Wire()
    await envelope(scope(), refused.receive, refused.send)
    assert refused.status == 503
    assert (b"retry-after", b"1") in refused.outgoing[0]["headers"]
    healthy = Wire([{"type": "http.request", "body": b"{}", "more_body": False}])
    await envelope({**scope(), "path": "/health/live"}, healthy.receive, healthy.send)
    assert healthy.status == 200


async def test_an_answer_that_broke_off_is_not_taken_for_whole() -> None:
    async def half(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("broke off")

    wire = Wire()
    envelope = Envelope(half, metrics=Metrics(), in_flight_max=3, receive_timeout_seconds=10)
    with pytest.raises(RuntimeError):
        await envelope(scope(), wire.receive, wire.send)
    assert len(wire.outgoing) == 1


def test_a_bucket_lets_so_many_through_and_fills_again() -> None:
    limiter = RateLimiter(60)
    assert [limiter.take("a", 0.0)["RateLimit"] for _ in range(60)][-1] == '"client";r=0;t=1'
    with pytest.raises(TooManyRequests) as refused:
        limiter.take("a", 0.0)
    assert refused.value.headers["Retry-After"] == "1"
    assert refused.value.headers["RateLimit-Policy"] == '"client";q=60;w=60'
    limiter.take("b", 0.0)
    limiter.take("a", 1.0)
    with pytest.raises(TooManyRequests):
        limiter.take("a", 1.5)


def test_no_limit_is_no_limit() -> None:
    limiter = RateLimiter(0)
    assert [limiter.take("a", 0.0) for _ in range(1000)] == [{}] * 1000


async def test_a_client_over_its_limit_is_told_when_to_come_back(
    new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with running(new_database(), tmp_path_factory.mktemp("keys"), settings=Settings(rate_limit_per_minute=2)) as limited:
        headers = {"Authorization": f"Bearer {await limited.issuer.issue('m-limited', [Role.OPERATOR], (), None, 60)}"}
        answers = [await limited.http.get("/v1/nothing", headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [404, 404, 429]
    assert all(answer.headers["ratelimit-policy"] == '"client";q=2;w=60' for answer in answers)
    assert int(answers[2].headers["retry-after"]) > 0


async def stream() -> AsyncIterator[bytes]:
    for _ in range(3000):
        yield b"x" * 1000


async def test_a_body_of_unknown_length_is_cut_at_the_limit(instance: Instance, registrar: dict[str, str]) -> None:
    headers = {**registrar, "Idempotency-Key": "key-00000001", "Content-Type": "application/json"}
    answer = await instance.http.post("/v1/municipalities/krefeld/orders", content=stream(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_an_open_operation_gets_no_principal_and_a_guarded_one_beside_it_stays_shut(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    router = APIRouter(route_class=GatewayRoute)

    @router.get("/health/guarded", **operation(roles={Role.REGISTRAR}))
    async def guarded() -> dict[str, str]:
        return {}

    async with running(database_url, tmp_path_factory.mktemp("keys"), router) as made:
        assert (await made.http.get("/health/guarded")).status_code == 401


async def test_figures_are_for_whoever_has_their_token(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("keys")
    (folder / "token").write_text("secret\n")
    async with running(database_url, folder, settings=Settings(metrics_token_file=folder / "token")) as made:
        await made.http.get("/health/live")
        assert (await made.http.get("/metrics")).status_code == 404
        assert (await made.http.get("/metrics", headers={"Authorization": "Bearer wrong"})).status_code == 404
        answer: httpx.Response = await made.http.get("/metrics", headers={"Authorization": "Bearer secret"})
    assert 'but_requests_total{method="GET",route="/health/live",status="200"} 1.0' in answer.text
    assert 'but_request_seconds_count{route="/health/live"} 1.0' in answer.text
    assert "but_requests_in_flight 1.0" in answer.text
    assert "but_database_connections" in answer.text


async def test_rounds_of_the_worker_are_counted(instance: Instance) -> None:
    figures = instance.app.state.metrics
    figures.round_done()
    figures.round_failed()
    text = figures.text().decode()
    assert "but_worker_failures_total 1.0" in text
    assert [line for line in text.splitlines() if line.startswith("but_worker_last_round_time_seconds 1")]

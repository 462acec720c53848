"""The same key and the same body give the identical answer, whatever happens in between."""

import asyncio
from collections.abc import Iterable
from uuid import UUID

import httpx
import pytest

from but_gateway.identity.call import hash_request
from but_gateway.identity.principal import Role
from but_gateway.kit.ids import new_id
from but_gateway.web.problems import WrongState
from tests.factories.instance import Instance
from tests.web.conftest import Stage

ADDRESS = "/v1/municipalities/krefeld/orders"
BODY = b'{"name": "Essen"}'


class Caller:
    """Sends orders with a key."""

    def __init__(self, instance: Instance, bearer: dict[str, str]) -> None:
        self.instance, self.bearer = instance, bearer
        self.key = f"key-{new_id()}"

    async def send(self, body: bytes = BODY, query: str = "", **headers: str) -> httpx.Response:
        given = {**self.bearer, "Idempotency-Key": self.key, "Content-Type": "application/json", **headers}
        return await self.instance.http.post(ADDRESS + query, content=body, headers=given)

    async def stored(self) -> int:
        answer = await self.instance.http.get(ADDRESS, headers=self.bearer)
        return int(answer.json()["count"])


@pytest.fixture
def caller(instance: Instance, registrar: dict[str, str], fresh_stage: Stage) -> Caller:
    assert fresh_stage.runs == 0
    return Caller(instance, registrar)


async def test_a_repeat_gets_the_same_answer_and_nothing_is_done_twice(caller: Caller, fresh_stage: Stage) -> None:
    before = await caller.stored()
    first, second, third = [await caller.send() for _ in range(3)]
    assert first.status_code == 201
    assert "idempotency-replayed" not in first.headers
    for repeat in (second, third):
        assert (repeat.status_code, repeat.content, repeat.headers["location"]) == (201, first.content, first.headers["location"])
        assert repeat.headers["idempotency-replayed"] == "true"
        assert repeat.headers["content-type"] == first.headers["content-type"]
    assert fresh_stage.runs == 1
    assert await caller.stored() == before + 1


@pytest.mark.parametrize(("body", "query"), [(b'{"name": "Essen" }', ""), (b'{"name": "Anders"}', ""), (BODY, "?x=1")])
async def test_the_same_key_with_another_request_is_refused(caller: Caller, body: bytes, query: str) -> None:
    await caller.send()
    answer = await caller.send(body, query)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_the_key_of_another_client_is_another_key(caller: Caller, fresh_stage: Stage) -> None:
    await caller.send()
    caller.bearer = await caller.instance.bearer(Role.REGISTRAR, town="krefeld")
    assert (await caller.send()).status_code == 201
    assert fresh_stage.runs == 2


async def test_while_the_first_is_running_a_repeat_is_told_to_wait(caller: Caller, fresh_stage: Stage) -> None:
    fresh_stage.gate = asyncio.Event()
    first = asyncio.create_task(caller.send())
    await asyncio.wait_for(fresh_stage.reached.wait(), 10)
    waiting = await caller.send()
    assert (waiting.status_code, waiting.json()["code"]) == (409, "request_in_progress")
    assert waiting.headers["retry-after"] == "1"
    fresh_stage.gate.set()
    assert (await first).status_code == 201
    assert (await caller.send()).headers["idempotency-replayed"] == "true"
    assert fresh_stage.runs == 1


async def test_of_twenty_at_once_one_is_done(caller: Caller, fresh_stage: Stage) -> None:
    answers = await asyncio.gather(*(caller.send() for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert fresh_stage.runs == 1


@pytest.mark.parametrize(("error", "status"), [(RuntimeError("crash"), 500), (WrongState(), 409), (ConnectionResetError(), 503)])
async def test_what_fails_in_the_middle_keeps_nothing_and_may_be_repeated(
    caller: Caller, fresh_stage: Stage, error: Exception, status: int
) -> None:
    before = await caller.stored()
    fresh_stage.error = error
    assert (await caller.send()).status_code == status
    assert await caller.stored() == before
    fresh_stage.error = None
    repeated = await caller.send()
    assert repeated.status_code == 201
    assert "idempotency-replayed" not in repeated.headers
    assert await caller.stored() == before + 1


async def test_a_client_that_hangs_up_in_the_middle_can_ask_again(caller: Caller, fresh_stage: Stage) -> None:
    before = await caller.stored()
    fresh_stage.gate = asyncio.Event()
    first = asyncio.create_task(caller.send())
    await asyncio.wait_for(fresh_stage.reached.wait(), 10)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    fresh_stage.gate = None
    assert (await caller.send()).status_code == 201
    assert await caller.stored() == before + 1


async def test_a_dry_run_needs_no_key_and_keeps_nothing(caller: Caller, fresh_stage: Stage) -> None:
    before = await caller.stored()
    headers = {**caller.bearer, "Content-Type": "application/json"}
    for _ in range(2):
        answer = await caller.instance.http.post(f"{ADDRESS}?dry_run=true", content=BODY, headers=headers)
        assert answer.status_code == 201
    assert fresh_stage.runs == 2
    assert await caller.stored() == before


async def test_an_operation_that_cannot_simulate_needs_its_key_whatever_the_query_says(caller: Caller) -> None:
    headers = {**caller.bearer, "Content-Type": "application/json"}
    answer = await caller.instance.http.post("/v1/municipalities/krefeld/receipts?dry_run=true", content=BODY, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")


@pytest.mark.parametrize("key", ["", "short", "x" * 129, "with a blank", "tab\tinside"])
async def test_without_a_proper_key_nothing_is_done(caller: Caller, fresh_stage: Stage, key: str) -> None:
    caller.key = key
    answer = await caller.send()
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert fresh_stage.runs == 0


async def test_a_refused_body_does_not_use_up_its_key(caller: Caller) -> None:
    assert (await caller.send(b"{")).status_code == 400
    assert (await caller.send(b'{"name": 1}')).status_code == 422
    assert (await caller.send()).status_code == 201


def test_requests_are_told_apart_by_every_part() -> None:
    parts: Iterable[tuple[str, str, bytes, bytes]] = [
        ("POST", "/a", b"", b""), ("PUT", "/a", b"", b""), ("POST", "/b", b"", b""), ("POST", "/a", b"b", b""), ("POST", "/a", b"", b"b"),
        ("POST", "/", b"a", b""),
    ]  # fmt: skip
    assert len({hash_request(*part) for part in parts}) == 6


def test_the_same_request_for_another_account_is_another_request() -> None:
    first, second = (hash_request("POST", "/invoices", b"", b"{}", provider_id=UUID(int=n)) for n in (1, 2))
    assert first != second

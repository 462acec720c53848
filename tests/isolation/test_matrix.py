"""Every operation × every caller without business there: refused before a byte of the body is read, exactly as the contract says."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx
import pytest

from but_gateway.identity.middleware import is_open
from but_gateway.identity.principal import Role
from but_gateway.kit.ids import new_id
from tests.factories.instance import Instance
from tests.isolation.operations import METHODS, Operation, listed_as_open, operations, protected, routes
from tests.isolation.stage import LATER, STAFF, Stage, good_body

JSON = Any
FORTY_MEGABYTES = str(40 * 1024 * 1024)
tried: Counter[str] = Counter()


class Answer(NamedTuple):
    """What a caller must be told."""

    status: int
    code: str


NOBODY = Answer(401, "unauthorized")
NO_RIGHT = Answer(403, "forbidden")
NOTHING_HERE = Answer(404, "not_found")
# What tells that a caller was let in and the object was found: everything else but a fault of ours.
REFUSED = {401, 403, 404}


@dataclass
class Body:
    """A body that knows whether anybody read it."""

    content: bytes
    announced: str | None = None
    read: bool = field(default=False)

    async def stream(self) -> AsyncIterator[bytes]:
        self.read = True
        yield self.content


def hostile(operation: Operation) -> Iterator[Body]:
    """Bodies nobody should look at before knowing who sends them. A GET takes none anyway."""
    if operation.method != "GET":
        yield Body(b'{"number": NaN, "number": \xff')
        yield Body(b"{}", FORTY_MEGABYTES)


async def ask(stage: Stage, operation: Operation, path: str, token: str | None, body: Body | None, **headers: str) -> httpx.Response:
    """One request. With a hostile body there is no idempotency key either."""
    sent = {"Test-Clock": LATER} | headers
    if token is not None:
        sent["Authorization"] = token if " " in token else f"Bearer {token}"
    content: JSON = None
    if body is not None:
        content = body.stream()
        sent |= {"Content-Type": "application/json"} | ({"Content-Length": body.announced} if body.announced else {})
    else:
        good = good_body(stage, operation)
        content = None if good is None else json.dumps(good).encode()
        sent |= {"Idempotency-Key": str(uuid4())} | ({"Content-Type": operation.media_types[0]} if good is not None else {})
    return await stage.instance.http.request(operation.method, path, headers=sent, content=content, params=query(operation))


def query(operation: Operation) -> dict[str, str]:
    """What a query must hold."""
    return {"month": "2026-10"} if operation.path.endswith("/calendar") else {}


def assert_refused(answer: httpx.Response, expected: Answer, cell: str) -> None:
    document = answer.json()
    assert (answer.status_code, document["code"]) == expected, f"{cell}: {answer.status_code} {answer.text}"
    assert answer.headers["content-type"] == "application/problem+json", cell
    assert document["status"] == answer.status_code, cell
    assert "errors" not in document, cell


async def strangers(stage: Stage, operation: Operation) -> list[tuple[str, str | None, Answer, dict[str, str]]]:
    """Callers who have no business with an operation of the town, whatever its objects: name, token, answer, headers."""
    assert operation.roles is not None
    issue = stage.instance.issuer.issue
    role = min(operation.roles)
    forged = (await stage.person(role))[:-6] + "AAAAAA"
    found: list[tuple[str, str | None, Answer, dict[str, str]]] = [
        ("no token", None, NOBODY, {}),
        ("malformed token", "Bearer not.a.token", NOBODY, {}),
        ("a token by another scheme", f"Basic {await stage.person(role)}", NOBODY, {}),
        ("forged token", forged, NOBODY, {}),
        ("expired token", await stage.expired(role), NOBODY, {}),
        ("operator", await issue("op", [Role.OPERATOR], (), None, 600), NOTHING_HERE if operation.of_a_town else NO_RIGHT, {}),
    ]
    if not operation.of_a_town:
        return found
    found += [(f"wrong role {one}", await stage.person(one), NO_RIGHT, {}) for one in (*STAFF, "provider") if one not in operation.roles]
    for one in STAFF:
        token = await issue(f"other-{one}", [Role(one)], (), stage.other.key, 600)
        found.append((f"other town's {one}", token, NOTHING_HERE, {}))
    found += [
        ("provider without a record", await stage.other.token("v1"), NOTHING_HERE, {}),
        ("another provider's account", await stage.town.token("c1"), NOTHING_HERE, {"Provider-Account": f"{stage.town.key}-c2"}),
        ("staff of no town", await issue("nowhere", [Role(one) for one in STAFF], (), None, 600), NOTHING_HERE, {}),
    ]
    return found


@pytest.mark.parametrize("operation", protected(), ids=str)
async def test_who_has_no_business_here_is_refused_before_the_body_is_read(stage: Stage, operation: Operation) -> None:
    path = stage.path(operation)
    for name, token, expected, headers in await strangers(stage, operation):
        for body in (None, *hostile(operation)):
            answer = await ask(stage, operation, path, token, body, **headers)
            assert_refused(answer, expected, f"{operation}, {name}")
            assert body is None or not body.read, f"{operation}, {name}: the body was read"
            tried[str(operation)] += 1


@pytest.mark.parametrize("operation", [one for one in protected() if one.of_a_town], ids=str)
async def test_a_town_that_does_not_exist_is_like_one_without_business(stage: Stage, operation: Operation) -> None:
    assert operation.roles is not None
    unlike = []
    for role in sorted(operation.roles):
        for key in ("nowhere", "..%2f" + stage.town.key, stage.town.key.upper()):
            answer = await ask(stage, operation, stage.path(operation, municipality=key), await stage.person(role), None)
            assert_refused(answer, NOTHING_HERE, f"{operation}, {role}, {key}")
            unlike.append(told(answer))
        answer = await ask(stage, operation, stage.path(operation, stage.other), await stage.person(role), None)
        assert_refused(answer, NOTHING_HERE, f"{operation}, {role} in the other town")
        assert told(answer) in unlike
        tried[str(operation)] += 4


def told(answer: httpx.Response) -> JSON:
    """What an answer says beside its request's id."""
    return {name: value for name, value in answer.json().items() if name != "request_id"}


@pytest.mark.parametrize("operation", [one for one in protected() if one.objects and one.method != "PUT"], ids=str)
async def test_an_object_of_another_town_is_like_one_that_does_not_exist(stage: Stage, operation: Operation) -> None:
    """The other town's own staff asks in its own town, with the ids and keys of this one."""
    assert operation.roles is not None
    for role in sorted(operation.roles):
        token = await owner_elsewhere(stage, role)
        answer = await ask(stage, operation, stage.path(operation, stage.other), token, None)
        assert_refused(answer, NOTHING_HERE, f"{operation}, {role}")
        nothing = await ask(stage, operation, stage.path(operation, stage.other, **made_up(operation)), token, None)
        assert_refused(nothing, NOTHING_HERE, f"{operation}, {role}, made up")
        assert told(answer) == told(nothing)
        for body in hostile(operation):
            foreign = await ask(stage, operation, stage.path(operation, stage.other), token, body)
            absent = await ask(stage, operation, stage.path(operation, stage.other, **made_up(operation)), token, body)
            assert told(foreign) == told(absent), f"{operation}, {role}"
        tried[str(operation)] += 2


async def owner_elsewhere(stage: Stage, role: str) -> str:
    """Somebody with the right role in the other town."""
    if role == "provider":
        return await stage.other.token("v1")
    return await stage.instance.issuer.issue(f"other-{role}", [Role(role)], (), stage.other.key, 600)


def made_up(operation: Operation) -> dict[str, str]:
    """Names for the objects of a path that name nothing."""
    return {name: "nothing" if name in {"key", "name"} else "999999" if name == "line_no" else str(new_id()) for name in operation.objects}


@pytest.mark.parametrize("operation", [one for one in protected() if one.objects and "provider" in (one.roles or ())], ids=str)
async def test_an_object_of_another_provider_is_like_one_that_does_not_exist(stage: Stage, operation: Operation) -> None:
    # Facilities belong to nobody, but only who has an agreement for one reads its calendar: c3 has one for the daycare k2.
    stranger = "c3" if operation.path.endswith("/calendar") else "c2"
    token, path = await stage.town.token(stranger), stage.path(operation)
    answer = await ask(stage, operation, path, token, None)
    assert_refused(answer, NOTHING_HERE, str(operation))
    nothing = await ask(stage, operation, stage.path(operation, **made_up(operation)), token, None)
    assert told(answer) == told(nothing)
    for theirs, own in zip(hostile(operation), hostile(operation), strict=True):
        refused = await ask(stage, operation, path, token, theirs)
        assert refused.status_code >= 400
        assert told(refused) == told(await ask(stage, operation, path, await stage.town.token("c1"), own))
    tried[str(operation)] += 2
    disguised = await ask(stage, operation, stage.path(operation, invoice_id=stage.bill.id.upper()), token, None)
    assert_refused(disguised, NOTHING_HERE, str(operation))


@pytest.mark.parametrize(
    "operation", [one for one in protected() if one.method == "GET" and not one.objects and "provider" in (one.roles or ())], ids=str
)
async def test_lists_of_a_provider_name_nothing_of_another(stage: Stage, operation: Operation) -> None:
    mine = await ask(stage, operation, stage.path(operation), await stage.town.token("c1"), None)
    assert mine.status_code == 200, mine.text
    for other in ("c2", "t1"):
        theirs = await ask(stage, operation, stage.path(operation), await stage.town.token(other), None)
        assert theirs.status_code == 200, theirs.text
        shared = {value for value in values_of(mine.json()) if is_id(value)} & set(values_of(theirs.json()))
        assert not shared, f"{operation}: {shared}"
    tried[str(operation)] += 2


def values_of(value: JSON) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from values_of(one)


def is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def test_the_golden_list_of_open_operations_is_complete() -> None:
    asking = {(one.method, one.path) for one in protected()}
    assert routes() - asking == set(listed_as_open()), "a route without x-roles that is not on the list, or one too many on it"
    assert {(one.method, one.path) for one in operations()} <= routes()


async def test_what_is_open_answers_without_a_token_and_nothing_else_does(instance: Instance) -> None:
    for method, path in listed_as_open():
        answer = await instance.http.request(method, path)
        assert answer.status_code != 401, path
        assert is_open(path)
    for path in ("/v1", "/v1/", "/v2", "/console", "/openapi.yaml", "/healthz", "/v1/code-lists", "/docsx", "/metrics/", "/V1"):
        for method in METHODS:
            assert (await instance.http.request(method, path)).status_code == 401, path


@pytest.mark.parametrize("operation", protected(), ids=str)
async def test_the_right_caller_is_let_in(stage: Stage, operation: Operation) -> None:
    """Last, for it changes things: shows that the objects of the paths exist and that refusals above were not about them."""
    assert operation.roles is not None
    for role in sorted(operation.roles):
        others = {}
        if operation.path.endswith("/files/{name}"):
            others["name"] = stage.ids[{"finance": "file treasury", "orderer": "file treasury"}.get(role, "file audit")]
        answer = await ask(stage, operation, stage.path(operation, **others), await stage.person(role), None)
        assert answer.status_code not in REFUSED, f"{operation}, {role}: {answer.text}"
        assert answer.status_code < 500, answer.text
        for body in hostile(operation):
            refused = await ask(stage, operation, stage.path(operation), await stage.person(role), body)
            assert 400 <= refused.status_code < 500
        tried[str(operation)] += 1


def test_every_operation_was_tried() -> None:
    assert set(tried) == {str(one) for one in protected()}
    print(f"\n{len(tried)} operations, {sum(tried.values())} cells, 0 deviations; {len(listed_as_open())} open routes")  # noqa: T201 - the figures, for whoever runs it with -s

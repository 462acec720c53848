"""Every operation that takes a body, against the same corpus: 4xx problem+json, all faults, nothing echoed, nothing logged, never 5xx."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx
import pytest
import pytest_asyncio

from but_gateway.app import create_app
from but_gateway.identity.principal import Role
from but_gateway.kit.ids import new_id
from but_gateway.settings import Settings
from but_gateway.web.openapi import describe
from tests.factories.instance import Instance, running
from tests.web.test_faults import MALFORMED

DOCUMENT: dict[str, Any] = json.loads(json.dumps(describe(create_app(Settings()))))
CANARIES = ("Kanarienvogel", "1999-12-24", "DE02120300000000202051x", "Sören-Ärger", "4711.0815")
ODD: list[object] = [
    None, True, 0, -1, 1.5, 1e308, 10**30, "", "x", [], {}, [[]], [{}], {"": {}}, "Kanarienvogel", "Sören-Ärger",
    "1999-12-24",
    "DE02120300000000202051x", "4711.0815", "a\u0000b", "\u202e", "x" * 5000, "2026-02-30", "9999999999.99", "-0.00",
    {"value": "Kanarienvogel"},
]  # fmt: skip
PRIVILEGED = (
    "id", "state", "decision", "approved", "municipality_id", "provider_id", "created_at", "received_at", "roles",
    "confirmed_by", "actor", "rule",
)  # fmt: skip


class Operation(NamedTuple):
    """An operation that takes a JSON body."""

    method: str
    path: str
    declared: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def address(self) -> str:
        known = {"municipality": "krefeld", "key": "k1"}
        return re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], str(new_id())), self.path)

    @property
    def example(self) -> object:
        """The first example of the body."""
        content = self.declared["requestBody"]["content"]["application/json"]
        for given in (content.get("examples") or {}).values():
            return json.loads(json.dumps(given["value"]))
        return json.loads(json.dumps(self.schema["examples"][0]))

    @property
    def schema(self) -> dict[str, Any]:
        """The schema of the body."""
        schema: dict[str, Any] = self.declared["requestBody"]["content"]["application/json"]["schema"]
        while "$ref" in schema:
            schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema


OPERATIONS = [
    Operation(method, path, declared)
    for path, item in DOCUMENT["paths"].items()
    for method, declared in item.items()
    if "x-roles" in declared and "application/json" in declared.get("requestBody", {}).get("content", {})
]


class Office(NamedTuple):
    """An instance and one caller for every role."""

    instance: Instance
    bearers: dict[str, dict[str, str]]

    async def send(self, operation: Operation, content: bytes, **headers: str) -> httpx.Response:
        bearer = self.bearers[operation.declared["x-roles"][0]]
        given = {**bearer, "Idempotency-Key": f"key-{new_id()}", "Content-Type": "application/json", **headers}
        return await self.instance.http.request(operation.method.upper(), operation.address, content=content, headers=given)


@pytest_asyncio.fixture(scope="module")
async def office(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """A town with a provider of its own, empty otherwise."""
    async with running(database_url, tmp_path_factory.mktemp("keys")) as made:
        await made.town("krefeld")
        await made.account("caterer")
        bearers = {str(role): await made.bearer(role, town="krefeld") for role in Role if role not in (Role.PROVIDER, Role.OPERATOR)}
        provider = {
            "account": "caterer",
            "name": "Caterer GmbH",
            "kind": "caterer",
            "status": "active",
            "undertaking_signed_on": "2025-12-01",
        }
        added = await made.http.put("/v1/municipalities/krefeld/providers/c1", json=provider, headers=bearers["registrar"])
        assert added.status_code == 201, added.text
        bearers["provider"] = await made.bearer(Role.PROVIDER, accounts=["caterer"])
        yield Office(made, bearers)


def is_problem(answer: httpx.Response) -> bool:
    return 400 <= answer.status_code < 500 and answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_what_is_no_json_is_refused(office: Office, operation: Operation) -> None:
    for what, body in MALFORMED.items():
        answer = await office.send(operation, body)
        assert is_problem(answer), (what, answer.status_code, answer.text[:200])


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_odd_values_in_any_place_are_never_a_fault_of_ours_and_never_repeated(
    office: Office, operation: Operation, capsys: pytest.CaptureFixture[str]
) -> None:
    for body in _mutations(operation.example):
        answer = await office.send(operation, json.dumps(body).encode())
        assert answer.status_code < 500, (body, answer.text[:200])
        if answer.status_code >= 400:
            assert is_problem(answer)
            assert not any(canary in answer.text for canary in CANARIES), (body, answer.text)
    logged = "".join(capsys.readouterr())
    assert not any(canary in logged for canary in CANARIES)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_privileged_names_are_refused(office: Office, operation: Operation) -> None:
    example = operation.example
    if not isinstance(example, dict):
        return  # a list of rows: each stands or falls alone, and its report says so
    known = operation.schema["properties"]
    for name in PRIVILEGED:
        if name not in known:
            answer = await office.send(operation, json.dumps({**example, name: "x"}).encode())
            assert answer.status_code == 422, name
            assert {"pointer": f"/{name}", "code": "unknown_field"} in [
                {"pointer": fault["pointer"], "code": fault["code"]} for fault in answer.json()["errors"]
            ]


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_too_much_and_other_kinds_are_refused(office: Office, operation: Operation) -> None:
    assert (await office.send(operation, b'{"a": "' + b"x" * 40_000_000 + b'"}')).status_code == 413
    assert (await office.send(operation, b"<a/>", **{"Content-Type": "application/xml"})).status_code in (400, 415, 422)
    assert (await office.send(operation, b"a=1", **{"Content-Type": "application/x-www-form-urlencoded"})).status_code == 415


def _mutations(example: object) -> list[object]:
    """The example with one odd value in the place of one of its values, each place and value in turn."""
    return [*ODD, *(_with(example, path, odd) for path in _paths(example) for odd in ODD)]


def _paths(value: object, prefix: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list) and value:
        items = [(0, value[0])]
    return [path for name, below in items for path in [(*prefix, name), *_paths(below, (*prefix, name))]]


def _with(value: object, path: tuple[str | int, ...], odd: object) -> object:
    copy = json.loads(json.dumps(value))
    here = copy
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = odd
    return copy

"""The description of the API is complete, honest and committed."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it ships no types

from but_gateway.app import create_app
from but_gateway.identity.principal import Role
from but_gateway.settings import Settings
from but_gateway.web.body import StrictModel
from but_gateway.web.openapi import describe
from but_gateway.web.problems import MEDIA_TYPE, all_problems
from tests.tidy.source import ROOT

APP = create_app(Settings())
DOCUMENT: dict[str, Any] = json.loads(json.dumps(describe(APP)))
COMMITTED = ROOT / "openapi" / "openapi.json"
UMLAUT_OR_COMMON = re.compile(
    r"[äöüÄÖÜß]|\b(der|die|das|den|dem|ein|eine|und|oder|für|mit|von|zu|nicht|ist|wird|werden|je|alle|einer|eines|des|im|an|aus)\b",
    re.IGNORECASE,
)


class Operation(NamedTuple):
    """One operation of the document."""

    method: str
    path: str
    declared: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"


OPERATIONS = [Operation(method, path, declared) for path, item in DOCUMENT["paths"].items() for method, declared in item.items()]
GUARDED = [operation for operation in OPERATIONS if "x-roles" in operation.declared]
WITH_BODY = [operation for operation in OPERATIONS if "requestBody" in operation.declared]
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
every_guarded = pytest.mark.parametrize("operation", GUARDED, ids=str)


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema a reference leads to."""
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def test_the_committed_document_is_the_emitted_one() -> None:
    assert json.loads(COMMITTED.read_text("utf-8")) == DOCUMENT, "run: make openapi"


def test_it_is_openapi_3_1_and_tells_how_to_log_in() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    assert {"bearer", "clientBasic"} == set(DOCUMENT["components"]["securitySchemes"])
    assert "Problem" in DOCUMENT["components"]["schemas"]


def test_every_reference_leads_somewhere() -> None:
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(DOCUMENT))):
        here: Any = DOCUMENT
        for part in reference.split("/"):
            assert part in here, reference
            here = here[part]


def test_every_operation_has_a_name_of_its_own() -> None:
    names = Counter(operation.declared["operationId"] for operation in OPERATIONS)
    assert [name for name, count in names.items() if count > 1] == []


@every_operation
def test_every_operation_is_described_for_people(operation: Operation) -> None:
    assert 3 < len(operation.declared["summary"]) < 80
    assert len(operation.declared["description"]) > 20
    assert operation.declared["tags"]


@every_operation
def test_descriptions_speak_german(operation: Operation) -> None:
    assert UMLAUT_OR_COMMON.search(operation.declared["summary"] + " " + operation.declared["description"])


@every_guarded
def test_every_guarded_operation_names_roles_security_and_the_problems_all_have(operation: Operation) -> None:
    assert operation.declared["x-roles"]
    assert set(operation.declared["x-roles"]) <= set(Role)
    assert operation.declared["security"] == [{"bearer": []}]
    assert {"401", "403", "503"} <= set(operation.declared["responses"])


def test_what_is_open_is_a_short_list() -> None:
    opened = {str(operation) for operation in OPERATIONS if "x-roles" not in operation.declared}
    assert {name for name in opened if "/v1/code-lists/" not in name} == {
        "POST /oauth2/token",
        "GET /.well-known/jwks.json",
        "GET /.well-known/oauth-authorization-server",
        "GET /health/live",
        "GET /health/ready",
    }


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_every_body_has_an_example(operation: Operation) -> None:
    for media_type, content in operation.declared["requestBody"]["content"].items():
        given = content.get("examples") or content.get("example") or resolve(content.get("schema", {})).get("examples")
        assert given, media_type


@every_operation
def test_every_problem_is_declared_as_one_with_an_example_per_code(operation: Operation) -> None:
    codes = {problem.code for problem in all_problems()}
    for status, response in operation.declared["responses"].items():
        content = response.get("content", {})
        if int(status) >= 400 and MEDIA_TYPE in content:
            assert content[MEDIA_TYPE]["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert set(content[MEDIA_TYPE]["examples"]) <= codes
        if int(status) >= 400 and operation.path != "/oauth2/token":
            assert set(content) == {MEDIA_TYPE}, status


@every_guarded
def test_the_headers_an_operation_takes_are_documented(operation: Operation) -> None:
    named = {parameter.get("$ref", "").rpartition("/")[2] for parameter in operation.declared.get("parameters", [])}
    assert ("IdempotencyKey" in named) == operation.declared["x-idempotency-key"]
    assert ("TestClock" in named) == ("{municipality}" in operation.path)
    assert ("ProviderAccount" in named) == ("provider" in operation.declared["x-roles"])


@pytest.mark.parametrize(
    "operation", [operation for operation in GUARDED if operation.method == "post" and "eligibility-checks" not in operation.path], ids=str
)
def test_every_post_that_writes_needs_an_idempotency_key(operation: Operation) -> None:
    assert operation.declared["x-idempotency-key"]


def bodies() -> list[type[StrictModel]]:
    """Every body of ours."""
    found: list[type[StrictModel]] = []
    todo = [StrictModel]
    while todo:
        one = todo.pop()
        todo += one.__subclasses__()
        if one.__module__.startswith("but_gateway."):
            found.append(one)
    return sorted(found, key=lambda model: model.__name__)


@pytest.mark.parametrize("model", bodies(), ids=lambda model: str(model.__name__))
def test_every_example_of_a_body_is_one(model: type[StrictModel]) -> None:
    extra = model.model_config.get("json_schema_extra")
    examples = extra.get("examples", []) if isinstance(extra, dict) else []
    for example in examples if isinstance(examples, list) else []:
        model.model_validate_json(json.dumps(example))


def examples_of(operation: Operation) -> Iterator[tuple[Any, Any]]:
    """Schema and example, of what it takes and of what it answers."""
    for body in (operation.declared.get("requestBody", {}), *operation.declared["responses"].values()):
        for media_type, content in body.get("content", {}).items():
            if media_type in {"application/json", MEDIA_TYPE}:
                schema = content.get("schema", {})
                shown = [one["value"] for one in content.get("examples", {}).values()]
                yield from ((schema, one) for one in [*shown, *resolve(schema).get("examples", [])])


@every_operation
def test_what_a_client_is_shown_is_what_it_may_send_and_will_get(operation: Operation) -> None:
    found: list[str] = []
    for schema, example in examples_of(operation):
        validator = Draft202012Validator({**schema, "components": DOCUMENT["components"]})
        found += [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(example)]
    assert found == []


def test_simulating_and_large_imports_are_answers_too() -> None:
    paths = DOCUMENT["paths"]
    for name in ("invoices", "settlement-batches"):
        assert {"200", "201"} <= set(paths[f"/v1/municipalities/{{municipality}}/{name}"]["post"]["responses"])
    assert {"200", "202"} <= set(paths["/v1/municipalities/{municipality}/grant-imports"]["post"]["responses"])

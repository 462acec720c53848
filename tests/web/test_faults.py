"""All faults of a body at once, each with its place, none with what was sent."""

import json
import time
from typing import Any

import httpx
import pytest

from but_gateway.kit.ids import new_id
from but_gateway.web.body import VALUES_MAX, load_json
from but_gateway.web.faults import problem_of
from but_gateway.web.problems import BodyTooLarge
from tests.factories.instance import Instance

ADDRESS = "/v1/municipalities/krefeld/orders"
CANARY = "Kanarienvogel"
SECONDS_MAX = 15


async def send(instance: Instance, bearer: dict[str, str], body: object, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {**bearer, "Idempotency-Key": f"key-{new_id()}", "Content-Type": "application/json", **headers}
    return await instance.http.post(ADDRESS, content=content, headers=given)


async def faults(instance: Instance, bearer: dict[str, str], body: object) -> dict[str, str]:
    answer = await send(instance, bearer, body)
    assert answer.status_code == 422, answer.text
    assert CANARY not in answer.text
    return {fault["pointer"]: fault["code"] for fault in answer.json()["errors"]}


async def test_all_faults_are_told_at_once(instance: Instance, registrar: dict[str, str]) -> None:
    body = {
        "count": "1",
        "urgent": 1,
        "on": "2026-02-30",
        "parts": [{"amount": 4.5}, {"amount": "4,50", "days": ["heute"]}, {}],
        "more": CANARY,
    }
    assert await faults(instance, registrar, body) == {
        "/name": "missing",
        "/count": "not_a_number",
        "/urgent": "not_a_boolean",
        "/on": "no_such_day",
        "/parts/0/amount": "not_a_string",
        "/parts/1/amount": "not_an_amount",
        "/parts/1/days/0": "not_a_day",
        "/parts/2/amount": "missing",
        "/more": "unknown_field",
    }


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", 1, "not_a_string"), ("name", None, "not_a_string"), ("name", "", "too_short"), ("name", "x" * 201, "too_long"),
        ("name", "a\u0000b", "bad_text"), ("name", "a\nb", "bad_text"), ("name", ["x"], "not_a_string"), ("name", True, "not_a_string"),
        ("count", 1.5, "not_a_number"), ("count", True, "not_a_number"), ("count", None, "not_a_number"), ("count", 1e300, "not_a_number"),
        ("urgent", "true", "not_a_boolean"), ("urgent", 0, "not_a_boolean"), ("on", "26-10-05", "not_a_day"),
        ("on", 20261005, "not_a_string"),
        ("on", "2026-10-05T00:00:00Z", "not_a_day"), ("on", "2026-13-01", "no_such_day"), ("on", "0000-01-01", "no_such_day"),
        ("on", "9999-12-31", "year_out_of_range"), ("on", "0001-01-01", "year_out_of_range"), ("on", "1899-12-31", "year_out_of_range"),
        ("on", "2200-01-01", "year_out_of_range"), ("on", "２０２６-10-05", "not_a_day"),
        ("parts", {}, "not_a_list"), ("parts", "x", "not_a_list"), ("parts", None, "not_a_list"),
    ],
)  # fmt: skip
async def test_a_wrong_value_is_named_for_what_is_wrong(
    instance: Instance, registrar: dict[str, str], field: str, value: object, code: str
) -> None:
    assert await faults(instance, registrar, {"name": "Essen", field: value}) == {f"/{field}": code}


@pytest.mark.parametrize(
    "amount",
    [
        "1", "1.5", "1.234", "01234567890.00", "+1.00", " 1.00", "1.00 ", "1,00", "1.00 €", "EUR 1.00", "1.00 USD", "١.٠٠",
        "1e2", "NaN", "",
        ".50", 1, 1.0, True, None, ["1.00"], {"value": "1.00"},
    ],
)  # fmt: skip
async def test_an_amount_is_a_string_with_two_decimals(instance: Instance, registrar: dict[str, str], amount: object) -> None:
    found = await faults(instance, registrar, {"name": "Essen", "parts": [{"amount": amount}]})
    assert list(found) == ["/parts/0/amount"]


@pytest.mark.parametrize("body", [[], "x", 1, True, None, 1.5])
async def test_a_body_that_is_no_object_is_named_as_a_whole(instance: Instance, registrar: dict[str, str], body: object) -> None:
    found = await faults(instance, registrar, body)
    assert list(found) == [""]


async def test_names_that_are_no_field_names_are_not_repeated(instance: Instance, registrar: dict[str, str]) -> None:
    body: dict[str, Any] = {"name": "Essen", CANARY: 1, "Müller, Sören": 1, "a/b~c": 1, "x" * 100: 1}
    answer = await send(instance, registrar, body)
    assert answer.json()["errors"] == [{"pointer": "", "code": "unknown_field", "detail": "Dieses Feld gibt es hier nicht."}]


async def test_each_unknown_field_is_named_in_whatever_style_of_a_field_name(instance: Instance, registrar: dict[str, str]) -> None:
    body = {"name": "Essen", "isAdmin": 1, "unitPrice": "4.50", "vat_Rate2": 1, "parts": [{"amount": "1.00", "lineNo": 1}]}
    found = await faults(instance, registrar, body)
    assert found == dict.fromkeys(["/isAdmin", "/unitPrice", "/vat_Rate2", "/parts/0/lineNo"], "unknown_field")


@pytest.mark.parametrize(
    "name",
    [
        "id",
        "state",
        "decision",
        "approved",
        "municipality_id",
        "provider_id",
        "created_at",
        "roles",
        "dry_run",
        "keep",
        "__class__",
        "scope",
    ],
)
async def test_privileged_names_are_refused_as_unknown(instance: Instance, registrar: dict[str, str], name: str) -> None:
    assert set((await faults(instance, registrar, {"name": "Essen", name: "x"})).values()) == {"unknown_field"}


MALFORMED = {
    "nothing": b"",
    "blanks": b"   ",
    "a brace": b"{",
    "a comma too many": b'{"name": "x",}',
    "single quotes": b"{'name': 'x'}",
    "a comment": b'{"name": "x"} // ok',
    "two documents": b'{"name": "x"}{"name": "y"}',
    "NaN": b'{"name": "x", "count": NaN}',
    "Infinity": b'{"name": "x", "count": -Infinity}',
    "a duplicate name": b'{"name": "x", "name": "y"}',
    "a duplicate name below": b'{"name": "x", "parts": [{"amount": "1.00", "amount": "2.00"}]}',
    "a duplicate name in disguise": b'{"name": "x", "na\\u006de": "y"}',
    "bad UTF-8": b'{"name": "\xff"}',
    "UTF-8 of a surrogate": b'{"name": "\xed\xa0\x80"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + b'{"name": "x"}',
    "a NUL": b'{"name": "x"}\x00',
    "lists 100,000 deep": b'{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "objects 100,000 deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a number of 5,000 digits": b'{"name": "x", "count": ' + b"9" * 5_000 + b"}",
    "a control character": b'{"name": "a\x01b"}',
    "a bad escape": b'{"name": "\\x41"}',
    "a cut escape": b'{"name": "\\ud8"}',
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "XML": b"<order><name>x</name></order>",
    "a form": b"name=x&count=1",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
async def test_what_is_no_json_is_400(instance: Instance, registrar: dict[str, str], body: bytes) -> None:
    answer = await send(instance, registrar, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_lone_surrogate_is_a_fault_and_no_crash(instance: Instance, registrar: dict[str, str]) -> None:
    assert (await faults(instance, registrar, b'{"name": "\\ud800"}'))["/name"] in {"bad_text", "not_a_string"}
    answer = await send(instance, registrar, b'{"name": "x", "\\ud800": 1}')
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonx", "*/*", "json"]
)
async def test_another_content_type_is_415(instance: Instance, registrar: dict[str, str], content_type: str) -> None:
    answer = await send(instance, registrar, {"name": "x"}, **{"Content-Type": content_type})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;x=y"]
)
async def test_json_is_json_however_it_is_written(instance: Instance, registrar: dict[str, str], content_type: str) -> None:
    assert (await send(instance, registrar, {"name": "x"}, **{"Content-Type": content_type})).status_code == 201


async def test_forty_megabytes_are_refused_unread(instance: Instance, registrar: dict[str, str]) -> None:
    answer = await send(instance, registrar, b'{"name": "' + b"x" * 40_000_000 + b'"}')
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_text_of_more_values_than_fit_in_memory_is_refused_before_it_is_parsed() -> None:
    began = time.process_time()
    with pytest.raises(BodyTooLarge):
        load_json(b"[" + b"{}," * VALUES_MAX + b"{},{}]")
    assert time.process_time() - began < SECONDS_MAX
    assert len(load_json(b"[" + b"0," * 100_000 + b"0]")) == 100_001


def test_a_hundred_thousand_faults_are_told_in_seconds() -> None:
    """Twenty thousand empty lines fit in 60 kB: looking each fault up among those before it took minutes, and nobody else was answered."""
    errors = [{"type": "missing", "loc": ("body", "lines", place // 5, f"field_{place % 5}"), "ctx": {}} for place in range(100_000)]
    began = time.process_time()
    problem = problem_of([*errors, *errors], {"lines": [{}] * 20_000})
    assert time.process_time() - began < SECONDS_MAX
    assert len(problem.faults) == 100_000
    assert problem.faults[-1].pointer == "/lines/19999/field_4"


async def test_an_operation_without_a_body_takes_none(instance: Instance, registrar: dict[str, str]) -> None:
    answer = await instance.http.post("/v1/municipalities/krefeld/nothing", content=b"x", headers=registrar)
    assert answer.status_code == 404

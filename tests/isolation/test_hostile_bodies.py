"""Bodies as an attacker or a broken program sends them, to every operation that takes one: refused as told, nothing stored or repeated."""

import copy
import json
from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import uuid4

import asyncpg
import httpx
import pytest

from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.db.schema import metadata
from but_gateway.identity.principal import Role
from tests.isolation.canaries import leaves, replaced
from tests.isolation.operations import Operation, protected
from tests.isolation.stage import LATER, Stage, good_body

JSON = Any
TAKING_BODIES = [one for one in protected() if one.media_types]
CANARY: Final = "Zwitscherling99"
# Names an attacker would try, hoping that a field of the database is filled from the body.
PRIVILEGED: Final = (
    "municipality_id", "id", "role", "state", "approved", "provider_id", "account_id", "decided_by", "received_at", "outcome", "batch_id",
    "__class__",
)  # fmt: skip
MALFORMED: Final = {
    "nothing": b"",
    "a brace": b'{"a": ',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": [Infinity, -Infinity]}',
    "duplicate keys": b'{"number": "1", "number": "2"}',
    "duplicate keys in disguise": b'{"number": "1", "n\\u0075mber": "2"}',
    "invalid UTF-8": b'{"a": "\xc3\x28"}',
    "an encoded surrogate": b'{"a": "\xed\xa0\x80"}',
    "UTF-16": '{"a": "x"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a NUL": b'{"a": "\x00"}',
    "lists 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "objects 100,000 deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a number of 100,000 digits": b'{"a": ' + b"9" * 100_000 + b"}",
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "two documents": b"{}{}",
}
# Values that are wrong wherever a body has a value; whole numbers and booleans stand for the other kinds where those are due.
WRONG: Final[tuple[JSON, ...]] = (
    1.5, 10**30, -(10**30), [], {}, [[]], {"a": 1}, "\u0000", "x\u0000y", "\ud800", "x" * 5_000, "2026-02-30", "0000-00-00", "2026-13",
    "25:61", "4,50", "4.50 USD", "1e3", "٤.٥٠", "NaN", "９.９９", "-0.00", "999999999999.00", "' OR 1=1 --", "${jndi:ldap://x}", "\u202e",
    "9999-12-31", "0001-01-01",
)  # fmt: skip
AMOUNTS: Final = (
    "4,50",
    "4.50 USD",
    "1e3",
    "٤.٥٠",
    "4.5",
    "4.500",
    "+4.50",
    " 4.50",
    "4.50 ",
    "",
    "NaN",
    "0x10",
    "１.００",
    "9999999999.00",
)
DAYS: Final = (
    "2026-02-30",
    "2026-13-01",
    "0000-01-01",
    "10000-01-01",
    "05.10.2026",
    "2026-10-05T00:00:00",
    "2026-1-5",
    "9999-12-31",
    "0001-01-01",
    "２０２６-10-05",
    "",
)


async def send(stage: Stage, operation: Operation, content: JSON, query: str = "", **headers: str) -> httpx.Response:
    """One request of somebody who may."""
    assert operation.roles is not None
    role = min(operation.roles)
    # A provider comes with a new client each time: the guard would lock one that guesses.
    account, client = f"{stage.town.key}-c1", f"m-{uuid4().hex}"
    issue = stage.instance.issuer.issue
    token = await (issue(client, [Role.PROVIDER], (account,), None, 600) if role == "provider" else stage.person(role))
    sent = {
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": str(uuid4()),
        "Test-Clock": LATER,
        "Content-Type": "application/json",
    }
    raw = content if isinstance(content, bytes) or hasattr(content, "__aiter__") else json.dumps(content).encode()
    return await stage.instance.http.request(operation.method, stage.path(operation) + query, content=raw, headers=sent | headers)


def assert_refused(answer: httpx.Response, *statuses: int) -> None:
    assert answer.status_code in statuses, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    assert CANARY not in answer.text


async def count_rows(stage: Stage) -> dict[str, int]:
    """Rows of all tables, but of those that count and log what was asked, and of the chain, which the worker seals a minute later."""
    connection = await asyncpg.connect(asyncpg_dsn(stage.instance.database_url))
    try:
        tables = sorted(
            set(metadata.tables) - {"access_log", "identity_tally", "used_assertion", "audit_head", "audit_seal", "audit_checkpoint"}
        )
        return {name: await connection.fetchval(f'SELECT count(*) FROM "{name}"') for name in tables}  # noqa: S608 - our own names
    finally:
        await connection.close()


@pytest.mark.parametrize("operation", TAKING_BODIES, ids=str)
async def test_what_is_no_json_is_400(stage: Stage, operation: Operation) -> None:
    before = await count_rows(stage)
    for name, raw in MALFORMED.items():
        assert_refused(await send(stage, operation, raw), *((400, 422) if name == "nothing" else (400,)))
    for media_type in (
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/jsonp",
        "*/*",
    ):
        refusals = (400, 422) if media_type in operation.media_types else (415,)
        assert_refused(await send(stage, operation, b"{}", **{"Content-Type": media_type}), *refusals)
    assert_refused(await send(stage, operation, gzip_of(b"{}"), **{"Content-Encoding": "gzip"}), 400, 415)
    assert await count_rows(stage) == before


def gzip_of(raw: bytes) -> bytes:
    """Compressed: no operation unpacks."""
    import gzip  # noqa: PLC0415 - only here

    return gzip.compress(raw)


def test_no_operation_takes_an_archive_or_a_spreadsheet() -> None:
    """What is not unpacked is no bomb."""
    taken = {media_type for one in TAKING_BODIES for media_type in one.media_types}
    assert taken == {"application/json", "application/x-ndjson", "application/xml", "text/xml", "text/csv"}


@pytest.mark.parametrize("operation", TAKING_BODIES, ids=str)
async def test_too_much_is_413_announced_or_not(stage: Stage, operation: Operation) -> None:
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'{"a": "'
        for _ in range(40):
            sent += 1
            yield b"x" * 1024 * 1024
        yield b'"}'

    assert_refused(await send(stage, operation, pieces(), **{"Transfer-Encoding": "chunked"}), 413)
    assert sent <= 34, "it was read on after the limit"
    assert_refused(await send(stage, operation, b"{}", **{"Content-Length": str(40 * 1024 * 1024)}), 413)


@pytest.mark.parametrize("operation", TAKING_BODIES, ids=str)
async def test_fields_that_do_not_exist_are_refused_everywhere_in_a_body(stage: Stage, operation: Operation) -> None:
    before, good = await count_rows(stage), good_body(stage, operation)
    for name in PRIVILEGED:
        body = copy.deepcopy(good)
        places = [place for place in objects_of(body) if name not in place]
        if not places:  # the body has such a field: what a clerk approves
            continue
        for place in places:
            place[name] = CANARY
        answer = await send(stage, operation, body)
        faults = faults_of(answer, operation)
        assert_silent_about_canary(answer)
        assert len(places) == sum(code == "unknown_field" for _, code in faults), f"{name}: {answer.text}"
    assert await count_rows(stage) == before or operation.path.endswith("/grant-imports")


def assert_silent_about_canary(answer: httpx.Response) -> None:
    assert CANARY not in answer.text


def objects_of(value: JSON) -> list[JSON]:
    """Every object in a body."""
    if isinstance(value, dict):
        return [value, *(one for inner in value.values() for one in objects_of(inner))]
    return [one for inner in value for one in objects_of(inner)] if isinstance(value, list) else []


def faults_of(answer: httpx.Response, operation: Operation) -> list[tuple[str, str]]:
    """Pointer and code of all faults of a refused body; of an import, of all its rows, each of which stands alone."""
    document = answer.json()
    if operation.path.endswith("/grant-imports") and answer.status_code == 200:
        assert document["created"] == document["updated"] == 0
        return [(f"/{row['row'] - 1}{fault['pointer']}", fault["code"]) for row in document["rejected"] for fault in row["errors"]]
    assert_refused(answer, 422)
    return [(fault["pointer"], fault["code"]) for fault in document["errors"]]


@pytest.mark.parametrize("operation", TAKING_BODIES, ids=str)
async def test_a_wrong_value_anywhere_is_a_fault_and_never_a_crash(stage: Stage, operation: Operation) -> None:
    good = good_body(stage, operation)
    query = "?dry_run=true" if operation.path.endswith(("/invoices", "/settlement-batches")) else ""
    tried = 0
    for path in list(leaves(good)):
        for value in WRONG:
            raw = json.dumps(replaced(good, path, value), ensure_ascii=True).encode()
            answer = await send(stage, operation, raw, query)
            assert answer.status_code < 500, f"{path} = {value!r}: {answer.text}"
            if answer.status_code >= 400:
                assert_refused(answer, 409, 422, 404)
            tried += 1
    assert tried
    bodies: tuple[JSON, ...] = (None, [], {}, "x", 1, True, [None], [[]])
    for body in bodies:
        answer = await send(stage, operation, body)
        if body == {} and operation.path.endswith("/settings"):
            assert answer.status_code == 200  # every setting has a default
        elif not (operation.path.endswith("/grant-imports") and isinstance(body, list)):
            assert_refused(answer, 422)


@pytest.mark.parametrize("values", [AMOUNTS, DAYS], ids=["amounts", "days"])
async def test_all_faults_of_an_invoice_are_told_at_once(stage: Stage, values: tuple[str, ...]) -> None:
    operation = next(one for one in TAKING_BODIES if one.path.endswith("/invoices"))
    good = good_body(stage, operation)
    line, name = good["lines"][0], "amount" if values is AMOUNTS else "date_of_birth"
    lines = [line | {"line_no": place + 1, name: value, "unit_price": "x", CANARY: CANARY} for place, value in enumerate(values)]
    before = await count_rows(stage)
    faults = faults_of(await send(stage, operation, good | {"lines": lines, "total": 4.5, "period": None, "number": None}), operation)
    expected = {f"/lines/{place}/{field}" for place in range(len(values)) for field in (name, "unit_price")}
    assert {pointer for pointer, _ in faults} >= expected | {"/total", "/period", "/number"}
    assert await count_rows(stage) == before


async def test_rows_of_an_import_stand_or_fall_alone_whatever_they_are(stage: Stage) -> None:
    """As NDJSON: rows that are JSON but no rows."""
    operation = next(one for one in TAKING_BODIES if one.path.endswith("/grant-imports"))
    good = next(iter(stage.town.rows.values()))
    bad: list[JSON] = [None, 1, "x", [], {}, {"child": CANARY}, good | {"child": None}, good | {CANARY: CANARY}]
    bad += [
        good | {"grant": good["grant"] | {"budget": budget}} for budget in ({"kind": "amount", "amount": "1e3"}, {"kind": CANARY}, CANARY)
    ]
    bad += [good | {"child": good["child"] | {"date_of_birth": day}} for day in DAYS]
    bad += [good | {"entitlement": good["entitlement"] | {"number": number}} for number in ("\u0000", "x" * 100, "'--", "é" * 9, 7)]
    rows = [*bad, good]
    content = b"\n".join(json.dumps(row).encode() for row in rows)
    answer = await send(stage, operation, content, **{"Content-Type": "application/x-ndjson"})
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert [row["row"] for row in report["rejected"]] == list(range(1, len(bad) + 1))
    assert (report["received"], report["created"], report["updated"], report["unchanged"]) == (len(rows), 0, 0, 1)
    assert CANARY not in answer.text
    for raw in (b'{"a": NaN}\n', content + b"\n{", content + b"\xff", b'{"a": 1, "a": 1}'):
        assert_refused(await send(stage, operation, raw, **{"Content-Type": "application/x-ndjson"}), 400)


@pytest.mark.parametrize("operation", [one for one in protected() if not one.media_types and one.method == "POST"], ids=str)
async def test_an_operation_without_a_body_takes_none(stage: Stage, operation: Operation) -> None:
    for raw in (b"[]", b'{"state": "paid"}', b"x" * 65, b"\xff", b"NaN"):
        assert_refused(await send(stage, operation, raw), 400, 413)

"""Forty names, birth dates, numbers and IBANs go through every writing operation, right and wrong: no log and no stranger sees them."""

import asyncio
import io
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import structlog

from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.db.schema import metadata
from but_gateway.identity.call import Call
from but_gateway.web.logs import configure_logs
from tests.factories.instance import Instance
from tests.isolation.canaries import ALL, DATES, IBANS, NAMES, NUMBERS, Planted, found_in, plant
from tests.isolation.operations import Operation, protected
from tests.isolation.stage import LATER, Stage, build, good_body
from tests.procedures.adjudication.lines import lunch
from tests.procedures.adjudication.town import served

JSON = Any
WRITING = [one for one in protected() if one.media_types]
# What makes every writing transaction fail at its end, with a message of the database that repeats the row or the statement.
SABOTAGE = {
    "409": ("ALTER TABLE audit_event ADD CONSTRAINT sabotage CHECK (false) NOT VALID", "ALTER TABLE audit_event DROP CONSTRAINT sabotage"),
    "500": ("ALTER TABLE audit_event RENAME action TO acted", "ALTER TABLE audit_event RENAME acted TO action"),
    "500 at the children": ("ALTER TABLE child RENAME given_names TO given", "ALTER TABLE child RENAME given TO given_names"),
}
statuses: Counter[int] = Counter()


@pytest.fixture(scope="module")
def log() -> Iterator[io.StringIO]:
    """What the service writes to standard error, everything from debug on."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stderr", written)
        configure_logs("debug")
        yield written
    structlog.reset_defaults()
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="module")
def canary_url(new_database: Callable[[], str]) -> str:
    """A database that may be broken for a moment."""
    return new_database()


@pytest.fixture(scope="module")
async def canary_instance(log: io.StringIO, canary_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Instance]:
    """An instance whose log is read."""
    assert log.getvalue() == ""
    async with served(canary_url, tmp_path_factory.mktemp("canaries")) as made:
        yield made


@pytest.fixture(scope="module")
async def stage(canary_instance: Instance) -> Stage:
    """Its towns."""
    return await build(canary_instance)


async def send(stage: Stage, operation: Operation, body: JSON, role: str, query: str = "", **headers: str) -> httpx.Response:
    """One request with a body."""
    sent = {
        "Authorization": f"Bearer {await stage.person(role)}",
        "Idempotency-Key": str(uuid4()),
        "Test-Clock": LATER,
        "Content-Type": operation.media_types[-1] if isinstance(body, bytes) else "application/json",
    }
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = await stage.instance.http.request(operation.method, stage.path(operation) + query, content=content, headers=sent | headers)
    statuses[answer.status_code] += 1
    return answer


def assert_silent(answer: httpx.Response, role: str, planted: Planted, operation: Operation) -> None:
    """A refusal repeats nothing; a provider's success only its own invoice number; staff reads what staff wrote."""
    if answer.status_code < 400 and role != "provider":
        return
    told = "\n".join([*(f"{name}: {value}" for name, value in answer.headers.items()), answer.text])
    if answer.status_code < 400 and "number" in answer.json():
        told = told.replace(answer.json()["number"], "")
    assert not found_in(told), f"{operation}: {planted.canary}: {told[:500]}"


@pytest.mark.parametrize("operation", WRITING, ids=str)
async def test_no_refusal_repeats_what_was_sent(stage: Stage, operation: Operation, log: io.StringIO) -> None:
    assert operation.roles is not None
    role = min(operation.roles)
    for planted in plant(good_body(stage, operation)):
        answer = await send(stage, operation, planted.body, role)
        assert answer.status_code < 500, f"{operation}: {planted} {answer.text}"
        assert_silent(answer, role, planted, operation)
    if "dry_run" in str(operation):
        await send(stage, operation, good_body(stage, operation), role, "?dry_run=true")
    assert not found_in(log.getvalue())


@pytest.mark.parametrize("operation", WRITING, ids=str)
async def test_no_malformed_body_header_query_or_path_is_repeated(stage: Stage, operation: Operation, log: io.StringIO) -> None:
    assert operation.roles is not None
    role, name, date = min(operation.roles), NAMES[3], DATES[3]
    planted = Planted(None, name)
    for body in (f'{{"{name}": "{date}"', f'{{"{name}": 1, "{name}": 2}}', f'{{"a": NaN, "b": "{name}"}}', f'"{name}\xff'):
        raw = body.encode("latin-1")
        answer = await send(stage, operation, raw, role)
        assert answer.status_code in {200, 400, 415, 422} or operation.path.endswith("/grant-imports")
        assert_silent(answer, role, planted, operation)
    good = good_body(stage, operation)
    for headers in ({"Idempotency-Key": f"{name} {date}"}, {"Test-Clock": name}, {"If-Match": name}, {"Accept": name}):
        assert_silent(await send(stage, operation, good, role, **headers), role, planted, operation)
    for query in (f"?{name}={date}", f"?dry_run={name}", f"?limit={name}", f"?cursor={name}"):
        assert_silent(await send(stage, operation, {}, role, query), role, planted, operation)
    for key in (name, f"{name} {date}", date):
        path = stage.path(operation, **dict.fromkeys(("municipality", *operation.objects), key))
        token = await stage.person(role)
        answer = await stage.instance.http.request(operation.method, path, json={}, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 404
        assert_silent(answer, role, planted, operation)
    assert not found_in(log.getvalue())


@asynccontextmanager
async def sabotaged(url: str, kind: str) -> AsyncIterator[None]:
    """The database in trouble, for the block."""
    connection = await asyncpg.connect(asyncpg_dsn(url))
    breaks, mends = SABOTAGE[kind]
    try:
        await connection.execute(breaks)
        yield
        await connection.execute(mends)
    finally:
        await connection.close()


@pytest.mark.parametrize("kind", SABOTAGE)
async def test_a_fault_of_ours_repeats_nothing_either(stage: Stage, canary_url: str, log: io.StringIO, kind: str) -> None:
    rows = [row(place) for place in range(10)]
    imports = next(one for one in WRITING if one.path.endswith("/grant-imports"))
    before = statuses.copy()
    async with sabotaged(canary_url, kind):
        answers = [await send(stage, imports, rows, "registrar")]
        for operation in WRITING:
            assert operation.roles is not None
            role = min(operation.roles)
            for planted in [one for one in plant(good_body(stage, operation)) if one.canary in NAMES + NUMBERS][:12]:
                answer = await send(stage, operation, planted.body, role)
                assert_silent(answer, role, planted, operation)
                answers.append(answer)
    assert (statuses - before)[int(kind[:3])] > 3
    for answer in answers:
        if answer.status_code >= 500:
            assert answer.json()["code"] == "unexpected"
    assert not found_in(log.getvalue())
    assert '"event": "error"' in log.getvalue() or kind == "409"


async def test_what_an_exception_says_is_told_to_nobody(stage: Stage, log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(_call: Call) -> None:
        raise RuntimeError(" ".join(ALL)) from ValueError(NAMES[0])

    monkeypatch.setattr(Call, "transaction", break_down)
    answers = [await send(stage, operation, good_body(stage, operation), min(operation.roles or ())) for operation in WRITING]
    broken = [answer for answer in answers if answer.status_code == 500]
    assert len(broken) >= len(WRITING) - 2  # checks have a way of their own to the database
    assert {answer.json()["code"] for answer in broken} == {"unexpected"}
    assert not found_in("".join(answer.text for answer in answers) + log.getvalue())


def row(place: int) -> JSON:
    """A good row made of canaries."""
    return {
        "child": {"key": f"canary-{place}", "family_name": NAMES[place], "given_names": "Kind", "date_of_birth": DATES[place]},
        "entitlement": {"key": f"canary-{place}-lunch", "benefit": "lunch", "number": NUMBERS[place], "information_allowed": True},
        "grant": {"key": f"canary-{place}", "legal_basis": "sgb2", "valid_from": "2026-09-01", "valid_to": "2027-08-31"},
    }


async def test_forty_canaries_are_seen_by_nobody_but_those_entitled(canary_instance: Instance, canary_url: str, log: io.StringIO) -> None:
    stage = await build(canary_instance)  # a fresh one: what was planted into names of facilities is nobody's secret
    town = stage.town
    report = await town.ok("registrar", "POST", "/grant-imports", [row(place) for place in range(10)])
    assert len(report["entitlements"]) == 10
    assert not found_in(json.dumps([report["rejected"], report["flagged"]]))
    for place, iban in enumerate(IBANS):
        account = {"iban": iban, "holder": NAMES[place]}
        made = await town.ok("finance", "POST", "/providers/c2/bank-accounts", account, LATER)
        await town.ok("finance2", "POST", f"/providers/c2/bank-accounts/{made['id']}/confirmation", None, LATER)
    lines = [
        lunch("-", f"2026-11-{place + 9:02d}", entitlement_number=NUMBERS[place], date_of_birth=DATES[place], name=f"Kind {NAMES[place]}")
        for place in range(10)
    ]
    bill = await town.bill("c1", *lines, at=LATER, iban=IBANS[0])
    assert {line["decision"] for line in bill.told} <= {"accepted", "reduced", "review", "rejected"}
    await town.call("c1", "POST", f"/invoices/{bill.id}/objections", {"line_no": 1, "text": f"{NAMES[0]} war da."}, LATER)
    sightings = await read_everything(stage)
    allowed = {
        ("child", "/entitlements"), ("iban", "/providers/{key}/bank-accounts"), ("name", "/providers/{key}/bank-accounts"),
        ("name", "/reviews"),  # the words of an objection
    }  # fmt: skip
    assert {(kind, path.removesuffix("/{key}") if kind == "child" else path) for kind, path, role in sightings} <= allowed
    assert all(role != "provider" for _, _, role in sightings)
    assert {role for kind, _, role in sightings if kind == "iban"} <= {"finance", "orderer"}
    assert ("child", "/entitlements", "clerk") in sightings
    assert not found_in(log.getvalue())
    assert await found_in_plain_columns(canary_url, town.key) == {}


async def read_everything(stage: Stage) -> set[tuple[str, str, str]]:
    """Which kind of canary stands in the answer of which path to which role."""
    seen = set()
    for operation in protected():
        for role in operation.roles or () if operation.method == "GET" else ():
            providers = ("c1", "c2", "t1") if role == "provider" else (role,)
            for who in providers:
                token = await stage.town.token(who) if role == "provider" else await stage.person(role)
                headers = {"Authorization": f"Bearer {token}", "Test-Clock": LATER}
                for others in ({}, {"key": "canary-1-lunch"}, {"key": "c2"}):
                    path = stage.path(operation, **others) + "?limit=500" * ("limit" in operation.path or not operation.objects)
                    answer = await stage.instance.http.get(path, headers=headers)
                    place = operation.path.partition("{municipality}")[2]
                    for canary in found_in(answer.text):
                        child = place.startswith("/entitlements")
                        seen.add(("child" if child else "iban" if canary in IBANS else "name", place, role))
    return seen


async def found_in_plain_columns(url: str, town: str) -> dict[str, list[str]]:
    """Canaries that can be read without a key in the rows of a town and of the instance, by table."""
    connection = await asyncpg.connect(asyncpg_dsn(url))
    found = {}
    try:
        town_id = await connection.fetchval("SELECT id FROM municipality WHERE key = $1", town)
        for name, table in metadata.tables.items():
            only = f"WHERE municipality_id = '{town_id}'" if table.info["tenant"] else ""
            rows = await connection.fetch(f'SELECT t::text AS row FROM "{name}" t {only}')  # noqa: S608 - names and ids of our own
            if here := found_in("\n".join(one["row"] for one in rows)):
                found[name] = here
    finally:
        await connection.close()
    return found


async def test_what_other_packages_log_holds_nothing_of_the_values(canary_instance: Instance, log: io.StringIO) -> None:
    del canary_instance
    loop, name = asyncio.get_running_loop(), NAMES[5]
    failed: asyncio.Future[None] = loop.create_future()
    failed.set_exception(ValueError(name))
    loop.default_exception_handler({"message": "Task exception was never retrieved", "future": failed})
    loop.default_exception_handler({"message": "It broke", "exception": ValueError(name), "handle": name})
    assert isinstance(failed.exception(), ValueError)
    logging.getLogger("asyncpg").error("a row: %s", name)
    logging.getLogger("sqlalchemy.engine").warning("[parameters: %(all)s]", {"all": name})
    assert '"logger": "asyncio"' in log.getvalue()
    assert not found_in(log.getvalue())


def test_the_log_says_something_and_every_kind_of_answer_was_tried(log: io.StringIO) -> None:
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert len(lines) > 500
    assert set(statuses) >= {200, 201, 400, 409, 422, 500}
    print(f"\n{len(ALL)} canaries, {sum(statuses.values())} writing requests {dict(sorted(statuses.items()))}, {len(lines)} lines of log")  # noqa: T201 - the figures, for whoever runs it with -s
    assert not found_in("\n".join(str(value) for line in lines for value in line.values()))

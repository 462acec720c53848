import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from but_gateway.identity.principal import Role
from but_gateway.jobs.grant_imports import GrantImports
from but_gateway.jobs.worker import Worker, sweeps_of
from but_gateway.procedures.intake import import_rows as verb
from tests.registers.office import SCHOOL, Caller, Office, open_office

JSON = Any


@pytest.fixture(scope="module")
async def served(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with open_office(new_database(), tmp_path_factory.mktemp("jobs")) as office:
        office.app.state.worker.stop()  # the tests say when work is done
        yield office


@pytest.fixture
async def registrar(served: Office) -> Caller:
    caller = await served.staff(await served.town(), Role.REGISTRAR)
    assert (await caller.put("/facilities/s1", SCHOOL)).status_code == 201
    return caller


def imports_of(served: Office) -> GrantImports:
    """The work as a freshly started process would do it."""
    state = served.app.state
    return GrantImports(state.database, state.directory, state.clock)


def worker_of(served: Office) -> Worker:
    return Worker(served.app.state.database, sweeps_of(imports_of(served)), pause_seconds=0.01)


def rows(count: int) -> list[JSON]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [
        {
            "child": {
                "key": f"K{i}",
                "family_name": "Müller",
                "given_names": letters[i % 26] + letters[i // 26 % 26] + letters[i // 676],
                "date_of_birth": "2017-04-02",
            },
            "entitlement": {"key": f"K{i}-lunch", "benefit": "lunch", "number": None, "information_allowed": True},
            "grant": {
                "key": f"K{i}-2026",
                "legal_basis": "sgb2",
                "valid_from": "2026-09-01",
                "valid_to": "2027-08-31",
                "facility": "nowhere" if i == 1500 else "s1",
                "budget": {"kind": "unlimited"},
            },
        }
        for i in range(count)
    ]


async def accept(registrar: Caller, body: list[JSON]) -> str:
    answer = await registrar.post("/grant-imports", body)
    assert answer.status_code == 202, answer.text
    assert (answer.json()["state"], answer.json()["progress"], answer.json()["received"]) == ("running", 0, len(body))
    return answer.headers["location"].removeprefix(registrar.base)


async def test_more_than_a_thousand_rows_are_worked_off_in_the_background(served: Office, registrar: Caller) -> None:
    place = await accept(registrar, rows(2500))
    worker = worker_of(served)
    running = asyncio.create_task(worker.run())
    report = (await registrar.get(place)).json()
    while report["state"] == "running":
        await asyncio.sleep(0.05)
        report = (await registrar.get(place)).json()
    worker.stop()
    await running
    assert (report["state"], report["progress"], report["created"]) == ("done", 2500, 2499)
    assert [(r["row"], r["errors"][0]["code"]) for r in report["rejected"]] == [(1501, "unknown_key")]
    assert len(report["entitlements"]) == 2499
    assert all(len(e["entitlement_number"]) == 15 for e in report["entitlements"])


async def test_a_process_that_dies_in_a_chunk_leaves_the_rest_to_the_next(
    served: Office, registrar: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = await accept(registrar, rows(2001))
    town = [registrar.base.rpartition("/")[2]]
    await imports_of(served).sweep(town)
    assert (await registrar.get(place)).json()["progress"] == 1000

    async def die(*_: object, **__: object) -> int:
        raise ConnectionResetError

    with monkeypatch.context() as broken:
        broken.setattr(verb, "redecide_children", die)
        with pytest.raises(ConnectionResetError):
            await imports_of(served).sweep(town)
    assert (await registrar.get(place)).json()["progress"] == 1000
    fresh = imports_of(served)
    while await fresh.sweep(town):
        pass
    report = (await registrar.get(place)).json()
    assert (report["state"], report["created"], len(report["entitlements"])) == ("done", 2000, 2000)


async def test_what_fails_again_and_again_is_given_up(served: Office, registrar: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    place = await accept(registrar, rows(1001))

    async def fail(*_: object, **__: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(verb, "redecide_children", fail)
    imports = imports_of(served)
    for _ in range(4):
        with pytest.raises(ZeroDivisionError):
            await imports.sweep([registrar.base.rpartition("/")[2]])
    await imports.sweep([registrar.base.rpartition("/")[2]])
    assert (await registrar.get(place)).json()["state"] == "failed"


async def test_two_workers_take_every_row_once(served: Office, registrar: Caller) -> None:
    place = await accept(registrar, rows(2001))
    town = [registrar.base.rpartition("/")[2]]

    async def work() -> None:
        imports = imports_of(served)
        while await imports.sweep(town):
            pass

    await asyncio.gather(work(), work())
    report = (await registrar.get(place)).json()
    assert (report["state"], report["progress"], report["created"]) == ("done", 2001, 2000)


async def test_what_was_sent_is_sealed_and_forgotten_when_done(served: Office, registrar: Caller) -> None:
    await accept(registrar, rows(1001))
    town = registrar.base.rpartition("/")[2]
    database = served.app.state.database
    async with database.transaction(served.scope(town)) as unit:
        assert "Müller".encode() not in await unit.driver.fetchval("SELECT rows FROM grant_import")
    imports = imports_of(served)
    while await imports.sweep([town]):
        pass
    async with database.transaction(served.scope(town)) as unit:
        assert await unit.driver.fetchval("SELECT rows FROM grant_import") is None
        assert "Müller" not in str(await unit.driver.fetchval("SELECT report FROM grant_import"))


async def test_lines_of_json_are_a_delivery_too(registrar: Caller) -> None:
    content = "\n".join(json.dumps(row) for row in rows(3)) + "\n\n"
    headers = registrar.headers | {"content-type": "application/x-ndjson", "idempotency-key": "delivery-1"}
    answer = await registrar.http.post(f"{registrar.base}/grant-imports", content=content, headers=headers)
    assert (answer.status_code, answer.json()["created"]) == (200, 3)
    again = await registrar.http.post(f"{registrar.base}/grant-imports", content=content, headers=headers)
    assert (again.content, again.headers["idempotency-replayed"]) == (answer.content, "true")


@pytest.mark.parametrize("content", ['{"a": 1}', "7", "null"])
async def test_what_is_no_list_of_rows_is_refused(registrar: Caller, content: str) -> None:
    headers = registrar.headers | {"content-type": "application/json", "idempotency-key": "delivery-2"}
    answer = await registrar.http.post(f"{registrar.base}/grant-imports", content=content, headers=headers)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("kind", "content"), [("application/json", "[" + "0," * 100_000 + "0]"), ("application/x-ndjson", "0\n" * 100_001)]
)
async def test_more_rows_than_any_town_has_are_refused(registrar: Caller, kind: str, content: str) -> None:
    headers = registrar.headers | {"content-type": kind, "idempotency-key": "delivery-4"}
    answer = await registrar.http.post(f"{registrar.base}/grant-imports", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
async def test_broken_json_is_refused_as_a_whole(registrar: Caller, kind: str) -> None:
    headers = registrar.headers | {"content-type": kind, "idempotency-key": "delivery-3"}
    answer = await registrar.http.post(f"{registrar.base}/grant-imports", content='{"a": 1, "a": 2}', headers=headers)
    assert answer.status_code == 400


async def test_staff_reads_entitlements_with_all_versions(served: Office, registrar: Caller) -> None:
    first, second = rows(1)[0], rows(1)[0]
    second["grant"]["valid_to"] = "2027-01-31"
    issued = (await registrar.post("/grant-imports", [first, second])).json()["entitlements"][0]["entitlement_number"]
    clerk = await served.staff(registrar.base.rpartition("/")[2], Role.CLERK)
    answer = await clerk.get("/entitlements/K0-lunch")
    assert answer.status_code == 200, answer.text
    entitlement = answer.json()
    assert (entitlement["entitlement_number"], entitlement["child"]["family_name"]) == (issued, "Müller")
    versions = entitlement["grants"][0]["versions"]
    assert [(v["version"], v["valid_to"], v["facility"]) for v in versions] == [(1, "2027-08-31", "s1"), (2, "2027-01-31", "s1")]
    assert (await clerk.get("/entitlements/nothing")).status_code == 404
    listed = (await clerk.get("/entitlements?limit=1&child=K0")).json()
    assert ([e["key"] for e in listed["items"]], listed["next_cursor"]) == (["K0-lunch"], None)


async def test_a_family_payment_is_recorded(registrar: Caller) -> None:
    await registrar.post("/grant-imports", rows(1))
    bad = await registrar.post("/entitlements/K0-lunch/family-payments", {"provider": "c9", "from": "2026-10-31", "to": "2026-10-01"})
    assert {e["pointer"] for e in bad.json()["errors"]} == {"/provider", "/to"}
    missing = await registrar.post("/entitlements/none/family-payments", {"provider": "c9", "from": "2026-10-01", "to": "2026-10-31"})
    assert missing.status_code == 404


async def test_a_number_cannot_be_lost_tomorrow(registrar: Caller) -> None:
    await registrar.post("/grant-imports", rows(1))
    answer = await registrar.post("/entitlements/K0-lunch/number-replacements", {"lost_on": "2026-11-03"})
    assert answer.status_code == 422

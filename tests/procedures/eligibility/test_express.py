"""The short way says, counts and keeps what the plain way does."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from but_gateway.db.connect import connect
from but_gateway.identity import authenticator, directory
from but_gateway.procedures.eligibility import express, express_store
from tests.procedures.eligibility.desk_town import BORN, DeskTown, row, without_id
from tests.procedures.eligibility.twins import (
    CHECK,
    NAMES,
    Sent,
    ask_plainly,
    ask_shortly,
    open_twins,
    rounds,
)
from tests.registers.office import Caller, Office

JSON = Any
SEEDS = range(40) if os.environ.get("HYPOTHESIS_PROFILE") == "search" else range(3)
GROUPS = 50
NOON = "2026-11-02T11:00:00Z"
CLOCKS = (NOON, NOON, NOON, "2026-11-02T22:30:00+01:00", "2026-11-12T23:30:00Z", "2026-11-03T00:00:00Z")
UNUSUAL: Sequence[dict[str, JSON]] = (
    {"raw": b"{"},
    {"raw": b""},
    {"raw": b"[]"},
    {"raw": b'{"benefit": "lunch", "benefit": "lunch"}'},
    {"raw": b'{"benefit": NaN}'},
    {"raw": b'{"benefit": "\xff"}'},
    {"raw": b" " * 5000 + b"null"},
    {"headers": (("Content-Type", "text/plain"),)},
    {"headers": (("Content-Type", ""),)},
    {"headers": (("Content-Type", "application/json; charset=utf-8"),)},
    {"headers": (("Test-Clock", "yesterday"),)},
    {"headers": (("Provider-Account", "somebody"),)},
    {"headers": (("Accept-Language", "en"), ("Test-Clock", "2026-13-02T11:00:00Z"))},
    {"path": "/../nowhere" + CHECK},
    {"path": CHECK + "?x=1"},
    {"path": CHECK + "/"},
    {"client": "registrar"},
    {"client": "vendor"},
)


def a_check(random: Random) -> JSON:
    """A check, often right."""
    name = random.choice(NAMES)
    benefit = random.choice(("lunch", "lunch", "lunch", "tutoring", "participation", "day_trip"))
    first = random.choice(("2026-11-01", "2026-11-01", "2026-11-09", "2026-09-14", "2026-05-12"))
    body: dict[str, JSON] = {
        "benefit": benefit,
        "entitlement_number": random.choice(("", "", "", "lower ", "old ")) + f"{name}-{benefit}",
        "date_of_birth": random.choice((BORN, BORN, BORN, BORN, "2001-11-15", "2016-01-01")),
        "from": first,
        "to": random.choice((first, "2026-11-30", "2026-11-30")),
    }
    if benefit in {"lunch", "day_trip"} or random.random() < 0.2:
        body["facility"] = random.choice(("s1", "s1", "s1", "k1"))
    if benefit == "participation" and random.random() < 0.6:
        body["amount"] = random.choice(("15.00", "180.01", "1000.00"))
    return body


def a_faulty_check(random: Random) -> JSON:
    """A check that is refused for its content, or says something unusual."""
    other: JSON = random.choice(
        (
            {"facility": "nowhere"},
            {"facility": None},
            {"facility": "s 1"},
            {"to": "2026-10-01"},
            {"to": "2027-11-30"},
            {"from": "2025-11-01"},
            {"from": "2026-02-30"},
            {"amount": "5.00"},
            {"amount": 5},
            {"benefit": "breakfast"},
            {"entitlement_number": 7},
            {"entitlement_number": "ẞ" * 64},
            {"date_of_birth": None},
            {"surprise": True},
        )
    )
    return a_check(random) | other


def a_group(random: Random) -> list[Sent]:
    """Requests that arrive together; what may be refused at the same moment for two reasons comes alone."""
    client = random.choice(("c1", "c1", "c1 again", "c2", "t1", "v1", "vendor"))
    kind = random.random()
    if kind < 0.15:
        odd = random.choice(UNUSUAL)
        headers = (*odd.get("headers", ()), *(() if "Test-Clock" in str(odd) else (("Test-Clock", NOON),)))
        return [Sent(**{"client": client, "body": a_check(random)} | odd | {"headers": headers})]
    if kind < 0.25:
        return [Sent(client, a_faulty_check(random), headers=whose(random, client))]
    if kind < 0.35:
        checks = [a_check(random) for _ in range(random.choice((0, 1, 5, 30)))]
        return [Sent(client, {"checks": checks}, path=f"{CHECK}/batch", headers=whose(random, client))]
    if kind < 0.45:
        guesses = [a_check(random) | {"date_of_birth": f"2015-03-{day:02d}"} for day in range(1, 9)]
        number = random.choice([guess["entitlement_number"] for guess in guesses])
        return [Sent(client, guess | {"entitlement_number": number}, headers=whose(random, client)) for guess in guesses]
    return [
        Sent(
            client,
            a_check(random) if random.random() < 0.9 else a_faulty_check(random) | {"from": "2025-11-01"},
            headers=whose(random, client),
        )
        for client in random.choices(("c1", "c1 again", "c2", "t1", "v1", "vendor"), k=random.randint(1, 12))
    ]


def whose(random: Random, client: str) -> tuple[tuple[str, str], ...]:
    """Headers of an ordinary request: the moment, and for a vendor's client for whom it asks."""
    clock = ("Test-Clock", random.choice(CLOCKS))
    return (clock, ("Provider-Account", random.choice(("c1", "c2", "v1")))) if client == "vendor" else (clock,)


@pytest.mark.parametrize("seed", SEEDS)
async def test_both_ways_say_count_and_keep_the_same(desk_office: Office, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whose token or town has to be looked at anew is overtaken by the others of its group.
    monkeypatch.setattr(authenticator, "REMEMBER_SECONDS", 600)
    monkeypatch.setattr(directory, "REFRESH_SECONDS", 600)
    random = Random(seed)  # noqa: S311 - the same town every time
    short, plain = await open_twins(desk_office, random)
    with rounds(monkeypatch) as sizes:
        for turn in range(GROUPS):
            group = a_group(random)
            shortly = await ask_shortly(short, group)
            asked = sum(sizes)
            plainly = await ask_plainly(plain, group, monkeypatch)
            assert sum(sizes) == asked, "the plain way went the short one"
            assert shortly == plainly, (turn, group)
    assert await short.state() == await plain.state()
    assert sum(sizes) > 2 * GROUPS
    assert max(sizes) > 4


async def check(caller: Caller, body: JSON) -> JSON:
    return without_id(await caller.post(CHECK, body))


async def logged(town: DeskTown) -> list[str]:
    """The causes in the access log."""
    async with town.office.app.state.database.transaction(town.office.scope(town.key)) as unit:
        return [one["cause"] for one in await unit.driver.fetch("SELECT cause FROM access_log ORDER BY id")]


async def ready(town: DeskTown, provider: str = "c1") -> Caller:
    """A provider's client whose next request goes the short way."""
    caller = await town.provider(provider)
    await caller.get("/my/facilities")
    return caller


async def test_those_who_come_together_share_rounds(town: DeskTown, monkeypatch: pytest.MonkeyPatch) -> None:
    await town.deliver(*(row(f"K{i}") for i in range(64)))
    c1 = await ready(town)
    with rounds(monkeypatch) as sizes:
        answers = await asyncio.gather(*(c1.post(CHECK, town.ask(f"K{i}-lunch")) for i in range(64)))
    assert all(answer.json()["eligible"] for answer in answers)
    assert sum(sizes) == 64
    assert len(sizes) < 8
    assert await logged(town) == ["confirmed"] * 64


async def test_who_cannot_be_answered_takes_nobody_along(town: DeskTown) -> None:
    await town.deliver(row("A"), row("B"), row("C"))
    async with town.office.app.state.database.transaction(town.office.scope(town.key)) as unit:
        await unit.driver.execute("UPDATE child SET date_of_birth = '\\x01'::bytea WHERE key = 'B'")
    c1 = await ready(town)
    answers = await asyncio.gather(*(c1.post(CHECK, town.ask(f"{name}-lunch")) for name in "ABC"))
    assert [answer.status_code for answer in answers] == [200, 500, 200]
    assert await logged(town) == ["confirmed"] * 2


async def test_who_goes_away_takes_nobody_along(town: DeskTown) -> None:
    await town.deliver(*(row(f"K{i}") for i in range(8)))
    c1 = await ready(town)
    tasks = [asyncio.create_task(c1.post(CHECK, town.ask(f"K{i}-lunch"))) for i in range(8)]
    await asyncio.sleep(0)
    for gone in tasks[::2]:
        gone.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(answer, asyncio.CancelledError) for answer in answers] == [True, False] * 4
    assert all(answer.json()["eligible"] for answer in answers if not isinstance(answer, BaseException))
    assert (await check(c1, town.ask("K0-lunch")))["eligible"]


async def test_a_body_that_is_announced_too_long_is_not_waited_for(town: DeskTown) -> None:
    c1 = await ready(town)

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    for announced in ("1048577", "100000000"):
        headers = c1.headers | {"Content-Type": "application/json", "Content-Length": announced}
        asked = c1.http.post(f"{c1.base}{CHECK}", content=never(), headers=headers)
        answer = await asyncio.wait_for(asked, 5)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_full_queue_sends_away_and_forgets_nobody(town: DeskTown, monkeypatch: pytest.MonkeyPatch) -> None:
    await town.deliver(*(row(f"K{i}") for i in range(32)))
    c1 = await ready(town)
    monkeypatch.setattr(express, "WAITING_MAX", 4)
    answers = await asyncio.gather(*(c1.post(CHECK, town.ask(f"K{i}-lunch")) for i in range(32)))
    assert {answer.status_code for answer in answers} == {200, 503}
    assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status_code == 503)
    assert await logged(town) == ["confirmed"] * sum(answer.status_code == 200 for answer in answers)


async def test_nobody_is_answered_whose_log_is_not_kept(
    town: DeskTown, desk_place: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    await town.deliver(row())
    c1 = await ready(town)
    record = express_store.record

    async def recorded_and_lost(driver: Any, *arguments: Any) -> Any:  # noqa: ANN401 - as the statement's own
        found = await record(driver, *arguments)
        async with connect(desk_place[0], role=None) as admin:
            await admin.execute("SELECT pg_terminate_backend($1)", driver.get_server_pid())
        return found

    with monkeypatch.context() as patched:
        patched.setattr(express_store, "record", recorded_and_lost)
        answers = await asyncio.gather(*(c1.post(CHECK, town.ask()) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [503] * 5
    assert await logged(town) == []
    assert (await check(c1, town.ask()))["eligible"]


async def test_guesses_at_two_processes_are_answered_twenty_times_at_most(town: DeskTown, second_office: Office) -> None:
    await town.deliver(row())
    c1 = await ready(town)
    elsewhere = Caller(second_office.http, c1.base, c1.headers)
    await elsewhere.get("/my/facilities")
    asked = [(caller, f"7K3M-9QXT-2V{i:03d}") for i, caller in enumerate([c1, elsewhere] * 32)]
    answers = await asyncio.gather(*(caller.post(CHECK, town.ask(entitlement_number=number)) for caller, number in asked))
    assert [sum(answer.status_code == status for answer in answers) for status in (200, 429)] == [20, 44]
    assert await logged(town) == ["unknown_number"] * 64

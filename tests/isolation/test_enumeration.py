"""Nobody finds out by asking who is entitled: refusals are all alike, and whoever guesses is soon refused."""

import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from random import Random
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from but_gateway.db.engine import Database
from but_gateway.db.tenancy import Scope
from but_gateway.identity.principal import Role
from but_gateway.registers.entitlements.guard_store import Driver
from tests.factories.instance import Instance
from tests.isolation.stage import check
from tests.procedures.adjudication.lines import lunch
from tests.procedures.adjudication.town import NOVEMBER, Town, findings_of, open_town

JSON = Any
CHILDREN: Final = 100
ROUNDS: Final = 500
GUESSED: Final = ROUNDS + 2  # children whose birth dates are guessed: each so seldom that its number does not freeze
GUESSES: Final = 10_000
PER_REQUEST: Final = 1_000
CLIENT_CHECKS: Final = 15  # fewer than lock a client
DRY_OR_NOT: Final = ("?dry_run=true", "")
FISHER: Final = "c2"  # the provider that guesses much: numbers freeze for it, and not for the honest c1
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@pytest.fixture(scope="module")
async def poor(instance: Instance) -> Town:
    """A town with a hundred entitled children, and some that are not entitled just now."""
    town = await open_town(instance)
    for provider in ("c1", "c2"):
        await town.agree(provider)
    await town.facility("s1")
    rows = []
    kinds: dict[str, JSON] = {"E": {}, "X": {"valid_from": "2025-08-01", "valid_to": "2026-07-31"}, "N": {"provider": "c2"}, "W": {}}
    for kind, grant in kinds.items():
        for place in range(GUESSED if kind == "W" else CHILDREN + 1):
            row = town._row(f"{kind}{place}", "lunch", f"{kind}{place}")  # noqa: SLF001 - the row a grant of this town has
            row["grant"] |= grant
            row["child"]["family_name"] = "".join(chr(ord("A") + int(digit)) for digit in str(place))  # equal ones are told to the office
            row["child"]["date_of_birth"] = f"20{10 + place % 8}-0{1 + place % 9}-{10 + place % 18}"
            rows.append(row)
    await town.deliver(*rows)
    return town


async def ask(town: Town, path: str, body: JSON, client: str, *, provider: str = "c1", **more: str) -> httpx.Response:
    """One request of one of a provider's clients; ``more``: headers."""
    token = await town.instance.issuer.issue(client, [Role.PROVIDER], (f"{town.key}-{provider}",), None, 600)
    headers = {"Authorization": f"Bearer {token}", "Test-Clock": NOVEMBER, "Idempotency-Key": str(uuid4())} | more
    return await town.instance.http.post(f"/v1/municipalities/{town.key}{path}", json=body, headers=headers)


def some_number(random: Random) -> str:
    text = "".join(random.choices(ALPHABET, k=13))
    return f"{text[:4]}-{text[4:8]}-{text[8:]}"


def causes(town: Town, random: Random, place: int) -> dict[str, JSON]:
    """One check for each reason not to confirm."""
    one = place % CHILDREN
    return {
        "unknown number": check(town, f"E{one}", entitlement_number=some_number(random)),
        "wrong birth date": check(town, f"W{place}", date_of_birth="2009-09-09"),
        "no grant": check(town, f"X{one}"),
        "another provider's": check(town, f"N{one}"),
    }


async def test_four_causes_of_a_refusal_cannot_be_told_apart(poor: Town, record_testsuite_property: Callable[[str, object], None]) -> None:
    """By body or by headers. The median times are recorded; that nothing makes them differ the same statements show, below."""
    random = Random(4)  # noqa: S311 - the same guesses every time
    seconds: dict[str, list[float]] = {}
    seen = set()
    for place in range(ROUNDS):
        client = f"asker-{place // CLIENT_CHECKS}-{uuid4().hex}"
        asked = list(causes(poor, random, place).items())
        random.shuffle(asked)
        for cause, body in asked:
            began = time.perf_counter()
            answer = await ask(poor, "/eligibility-checks", body, client)
            seconds.setdefault(cause, []).append(time.perf_counter() - began)
            seen.add(shown(answer))
    medians = {cause: round(1000 * statistics.median(measured), 3) for cause, measured in seconds.items()}
    record_testsuite_property("median ms of refusals by cause", medians)
    assert len(seen) == 1, seen


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8"], ids=["the short way", "the plain way"])
async def test_whatever_the_cause_the_same_statements_are_sent(poor: Town, content_type: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    transaction = Database.short_transaction

    @asynccontextmanager
    async def overheard(database: Database, scope: Scope) -> AsyncIterator[Driver]:
        async with transaction(database, scope) as driver:
            driver.add_query_logger(hear)
            try:
                yield driver
            finally:
                driver.remove_query_logger(hear)

    def hear(logged: Any) -> None:  # noqa: ANN401 - asyncpg's
        sent.append(logged.query)

    random, heard = Random(6), {}  # noqa: S311 - as above
    monkeypatch.setattr(Database, "short_transaction", overheard)
    for cause, body in causes(poor, random, GUESSED - 1 - ("charset" in content_type)).items():
        client = f"asker-{uuid4().hex}"
        await ask(poor, "/eligibility-checks", body, client)
        sent.clear()
        answer = await ask(poor, "/eligibility-checks", body, client, **{"Content-Type": content_type})
        assert answer.json()["eligible"] is False
        heard[cause] = tuple(sent)
    assert len(set(heard.values())) == 1, heard
    assert len(heard["no grant"]) >= 3


def shown(answer: httpx.Response) -> tuple[int, str, str]:
    """An answer without what differs between any two of them: id and moment, request id."""
    document = answer.json()
    assert set(document) == {"id", "checked_at", "eligible"}, answer.text
    headers = sorted((name, value) for name, value in answer.headers.items() if name != "x-request-id")
    return answer.status_code, str(document["eligible"]), str(headers)


async def test_causes_of_identity_cannot_be_told_apart_in_an_invoice_either(poor: Town) -> None:
    random, number = Random(5), poor.numbers[f"E{CHILDREN}-lunch"]  # noqa: S311 - as above
    who: list[JSON] = [
        {"entitlement_number": some_number(random), "date_of_birth": poor.births[f"E{CHILDREN}"]},
        {"entitlement_number": number, "date_of_birth": "2009-09-08"},
        {"entitlement_number": number, "date_of_birth": None},
        {"entitlement_number": "KR-1", "date_of_birth": None},
        {"entitlement_number": poor.numbers["X1-lunch"], "date_of_birth": "2009-09-08"},
        {"entitlement_number": poor.numbers["N1-lunch"], "date_of_birth": "2009-09-08"},
    ]
    for query in DRY_OR_NOT:
        body = poor.body([lunch("-", "2026-10-05", **one) for one in who])
        answer = await ask(poor, f"/invoices{query}", body, f"asker-{uuid4().hex}")
        assert answer.status_code in {200, 201}, answer.text
        lines = [{name: value for name, value in line.items() if name != "line_no"} for line in answer.json()["lines"]]
        assert all(line == lines[0] for line in lines), lines
        assert [f["code"] for f in findings_of(lines[0])] == ["NOT_CONFIRMED"]


def guesses(town: Town, seed: int) -> Iterator[tuple[str, str]]:
    """Number and birth date, without end: right numbers with other birth dates, and any number. Now and then one is right."""
    random = Random(seed)  # noqa: S311 - as above
    numbers = [town.numbers[f"E{place}-lunch"] for place in range(CHILDREN)]
    for turn in range(1_000_000):
        born = f"20{random.randint(10, 17)}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}"
        if turn % 500 == 499:
            place = random.randrange(CHILDREN)
            yield numbers[place], town.births[f"E{place}"]
        else:
            yield (random.choice(numbers), born) if turn % 2 else (some_number(random), born)


async def attack(town: Town, way: str, seed: int) -> list[httpx.Response]:
    """Ten thousand guesses of one client in requests of a thousand."""
    found, client, answers = guesses(town, seed), f"fisher-{uuid4().hex}", []
    for _ in range(GUESSES // PER_REQUEST):
        part = list(islice(found, PER_REQUEST))
        if way == "checks":
            checks = [check(town, "E1", entitlement_number=number, date_of_birth=born) for number, born in part]
            answers.append(await ask(town, "/eligibility-checks/batch", {"checks": checks}, client, provider=FISHER))
        else:
            lines = [lunch("-", "2026-10-05", entitlement_number=number, date_of_birth=born) for number, born in part]
            answers.append(await ask(town, f"/invoices{DRY_OR_NOT[way == 'invoices']}", town.body(lines), client, provider=FISHER))
    return answers


@pytest.mark.parametrize("way", ["checks", "dry runs", "invoices"])
async def test_ten_thousand_guesses_confirm_nobody(instance: Instance, poor: Town, way: str) -> None:
    del instance
    before = (await poor.ok(FISHER, "GET", "/my/children"))["items"]
    notices = await locks(poor)
    answers = await attack(poor, way, seed=len(way))
    refused = sum(answer.status_code == 429 for answer in answers) * PER_REQUEST
    assert refused >= 0.99 * GUESSES, [answer.status_code for answer in answers]
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    assert not any("eligible" in answer.text or "decision" in answer.text for answer in answers)
    assert (await poor.ok(FISHER, "GET", "/my/children"))["items"] == before
    assert len(await locks(poor)) == len(notices) + 1  # told once, not with every request


async def locks(town: Town) -> list[JSON]:
    """Notices of locked clients."""
    items = (await town.ok("clerk", "GET", "/notices?limit=500"))["items"]
    return [one for one in items if one["kind"] == "identity_lock" and one["subject"]["type"] == "client"]


async def test_single_guesses_are_answered_twenty_times(poor: Town) -> None:
    client = f"fisher-{uuid4().hex}"
    statuses = []
    for number, born in islice(guesses(poor, 7), 200):
        body = check(poor, "E1", entitlement_number=number, date_of_birth=born)
        statuses.append((await ask(poor, "/eligibility-checks", body, client, provider=FISHER)).status_code)
    assert statuses == [200] * 20 + [429] * 180


async def test_guesses_hidden_among_dry_runs_checks_and_invoices_are_counted_together(poor: Town) -> None:
    client, random = f"fisher-{uuid4().hex}", Random(9)  # noqa: S311 - as above
    statuses = []
    for turn in range(30):
        number = some_number(random)
        if turn % 3 == 0:
            answer = await ask(poor, "/eligibility-checks", check(poor, "E2", entitlement_number=number), client)
        else:
            body = poor.body([lunch("-", "2026-10-06", entitlement_number=number, date_of_birth="2016-01-01")])
            answer = await ask(poor, f"/invoices{DRY_OR_NOT[turn % 3 == 2]}", body, client)
        statuses.append(answer.status_code)
    assert [status == 429 for status in statuses] == [False] * 20 + [True] * 10


@pytest.mark.parametrize("way", ["checks", "dry runs"])
async def test_an_honest_thousand_with_one_in_twenty_expired_is_never_locked(poor: Town, way: str) -> None:
    client = f"honest-{uuid4().hex}"
    names = [f"X{place % CHILDREN}" if place % 20 == 0 else f"E{place % CHILDREN}" for place in range(PER_REQUEST)]
    for _ in range(3):
        if way == "checks":
            answer = await ask(poor, "/eligibility-checks/batch", {"checks": [check(poor, name) for name in names]}, client)
            assert sum(not one["eligible"] for one in answer.json()["results"]) == PER_REQUEST // 20
        else:
            answer = await ask(poor, "/invoices?dry_run=true", poor.body([lunch(name, "2026-10-07") for name in names]), client)
        assert answer.status_code == 200, answer.text


async def test_five_wrong_birth_dates_by_any_way_and_any_client_freeze_a_number_until_the_office_thaws_it(instance: Instance) -> None:
    town = await open_town(instance)
    await town.agree("c1")
    await town.agree("c2")
    await town.facility("s1")
    await town.grant("A")

    async def guess(turn: int) -> None:
        born, client = f"2016-06-{turn:02d}", f"fisher-{uuid4().hex}"
        body = town.body([lunch("A", "2026-10-05", date_of_birth=born)])
        if turn < 3:
            await ask(town, "/eligibility-checks", check(town, date_of_birth=born), client)
        else:
            await ask(town, f"/invoices{DRY_OR_NOT[turn > 3]}", body, client)

    async def eligible(provider: str) -> bool:
        answer = await ask(town, "/eligibility-checks", check(town), f"{provider}-{uuid4().hex}", provider=provider)
        found: bool = answer.json()["eligible"]
        return found

    for turn in range(1, 5):
        await guess(turn)
    assert await eligible("c1")
    await guess(5)
    assert not await eligible("c1")
    assert await eligible("c2")
    told = (await town.bill("c1", lunch("A", "2026-10-08"))).told
    assert [f["code"] for f in told[0]["findings"]] == ["NOT_CONFIRMED"]
    notices = (await town.ok("registrar", "GET", "/notices"))["items"]
    frozen = [one for one in notices if one["subject"] == {"type": "entitlement", "id": "A-lunch"}]
    assert [one["kind"] for one in frozen] == ["identity_lock"]
    await town.ok("clerk", "POST", f"/notices/{frozen[0]['id']}/done")
    assert await eligible("c1")
    await town.assert_sound()

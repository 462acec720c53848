"""Many at once, on a real PostgreSQL: nothing is paid twice, nothing over a budget and nothing under it, and nobody is turned away."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, timedelta
from uuid import uuid4

import httpx
import pytest

from but_gateway.kit.money import parse_money, print_money
from tests.factories.instance import Instance
from tests.procedures.adjudication.lines import lesson, lunch
from tests.procedures.adjudication.town import Bill, Town, open_town, served

CLIENTS = 64
ROUNDS = 20
PRICE = 450


@pytest.fixture(scope="module")
async def instance(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Instance]:
    # Whoever waits for a child's lock holds a connection: enough of them, so that the race is about the lock.
    async with served(new_database(), tmp_path_factory.mktemp("races"), database_pool=24) as made:
        yield made


@pytest.fixture
async def town(instance: Instance) -> AsyncIterator[Town]:
    made = await open_town(instance)
    yield made
    await made.assert_sound()


async def at_once(*requests: Awaitable[httpx.Response]) -> list[httpx.Response]:
    """All answers of requests that are sent together."""
    return await asyncio.gather(*requests)


async def prepare(town: Town, *providers: str) -> None:
    """Registers first, so that the race is about invoices alone."""
    await town.need_facility("s1")
    for provider in providers:
        await town.need_provider(provider)


async def test_the_last_euro_is_spent_once_by_64_clients_at_a_time(town: Town) -> None:
    await prepare(town, "c1")
    await town.facility("k1", open_weekdays=[1, 2, 3, 4, 5, 6, 7])
    # 62 of these days are open; no round's budget suffices for all of them, and the last lunch it pays is paid in part.
    days = [str(date(2026, 9, 16) + timedelta(days=n)) for n in range(CLIENTS)]
    for round_ in range(ROUNDS):
        child, budget = f"R{round_}", PRICE * (round_ * 3 + 1) + 100 + round_
        await town.grant(child, attends="daycare", budget={"kind": "amount", "amount": print_money(budget)})
        answers = await at_once(*(town.send("c1", lunch(child, day, facility="k1"), at="2026-12-01T10:00:00Z") for day in days))
        assert {a.status_code for a in answers} == {201}
        assert sum(parse_money(a.json()["totals"]["approved"]) for a in answers) == budget


async def test_the_last_minutes_are_given_once(town: Town) -> None:
    await prepare(town, "t1")
    await town.grant("O", "tutoring", budget={"kind": "minutes", "minutes": 900})
    days = [f"2026-10-{day:02d}" for day in range(5, 31) if day % 7 != 4]
    answers = await at_once(*(town.send("t1", lesson("O", day)) for day in days[:22]))
    assert {a.status_code for a in answers} == {201}
    assert sum(parse_money(a.json()["totals"]["approved"]) for a in answers) == 45000
    assert Counter(a.json()["lines"][0]["decision"] for a in answers) == {"accepted": 10, "rejected": 12}


async def test_the_same_lunch_by_two_providers_at_once_is_never_paid_twice(town: Town) -> None:
    await prepare(town, "c1", "c2")
    for round_ in range(10):
        child = f"L{round_}"
        await town.grant(child)
        answers = await at_once(town.send("c1", lunch(child, "2026-10-05")), town.send("c2", lunch(child, "2026-10-05")))
        bills = [Bill(town, by, a.json()["number"], a.json()["id"], None, a.json()) for by, a in zip(("c1", "c2"), answers, strict=True)]
        assert [(await bill.again()).says for bill in bills] == [["review ?4.50 M-03"]] * 2


async def test_the_same_lunch_by_one_provider_at_once_is_paid_once(town: Town) -> None:
    await prepare(town, "c1")
    await town.grant("A")
    answers = await at_once(*(town.send("c1", lunch("A", "2026-10-05")) for _ in range(16)))
    assert Counter(a.json()["lines"][0]["decision"] for a in answers) == {"accepted": 1, "rejected": 15}


async def test_the_same_invoice_number_at_once_is_taken_once(town: Town) -> None:
    await prepare(town, "c1")
    await town.grant("A")
    answers = await at_once(*(town.send("c1", lunch("A", f"2026-10-{day:02d}"), number="R-1") for day in (5, 6, 7, 8, 9, 12, 13, 14)))
    assert Counter(a.status_code for a in answers) == {201: 1, 409: 7}
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"H-01"}


async def test_the_same_idempotency_key_at_once_is_one_work(town: Town) -> None:
    await prepare(town, "c1")
    await town.grant("A")
    body, key = town.body([lunch("A", "2026-10-05")]), str(uuid4())
    answers = await at_once(*(town.call("c1", "POST", "/invoices", body, headers={"Idempotency-Key": key}) for _ in range(16)))
    told = {a.text for a in answers if a.status_code == 201}
    assert len(told) == 1
    assert {a.json()["code"] for a in answers if a.status_code != 201} <= {"request_in_progress", "in_progress"}
    again = await town.call("c1", "POST", "/invoices", body, headers={"Idempotency-Key": key})
    assert (again.status_code, again.text, again.headers["Idempotency-Replayed"]) == (201, told.pop(), "true")


async def test_invoices_while_imports_decide_the_same_child_again(town: Town) -> None:
    await prepare(town, "c1", "c2")
    await town.grant("A", budget={"kind": "days", "days": 5})
    days = [f"2026-10-{day:02d}" for day in (5, 6, 7, 8, 9, 12, 13, 14)]
    budgets = [6, 3, 7, 4, 8, 2, 6, 5]
    rows = []
    for limit in budgets:
        row = {**town.rows["A-lunch"], "grant": {**town.rows["A-lunch"]["grant"], "budget": {"kind": "days", "days": limit}}}
        rows.append(town.call("registrar", "POST", "/grant-imports", [row]))
    answers = await at_once(*(call for pair in zip(rows, (town.send("c1", lunch("A", day)) for day in days), strict=True) for call in pair))
    assert {a.status_code for a in answers} == {200, 201}
    await town.grant("A", budget={"kind": "days", "days": 4})
    bills = [Bill(town, "c1", a.json()["number"], a.json()["id"], None, a.json()) for a in answers if a.status_code == 201]
    assert Counter([(await bill.again()).says[0] for bill in bills]) == {"accepted 4.50": 4, "rejected 0.00 B-01": 4}


async def test_cancellation_and_correction_of_one_invoice_at_once(town: Town) -> None:
    await prepare(town, "c1")
    await town.grant("A", budget={"kind": "days", "days": 3})
    line = lunch("A", "2026-10-05", "2026-10-06")
    taken = {"quantity": -2, "amount": "-9.00", "corrects": {"line_no": 1}}
    for round_ in range(5):
        bill = await town.bill("c1", line, number=f"RR-{round_}")
        correction = line | taken | {"corrects": {"invoice": bill.number, "line_no": 1}}
        cancelled, corrected = await at_once(town.cancel(bill), town.send("c1", correction, number=f"KK-{round_}"))
        assert (cancelled.status_code, corrected.status_code) == (200, 201)
        # Whichever came first: afterwards both days are free.
        again = await town.bill("c1", line)
        assert again.says == ["accepted 9.00"]
        await town.cancel(again)


async def test_one_tutor_at_two_places_at_once_and_one_proof_for_two(town: Town) -> None:
    await prepare(town, "t1")
    for round_ in range(5):
        children = [f"T{round_}{letter}" for letter in "ABCD"]
        for child in children:
            await town.grant(child, "tutoring")
        same = {"tutor": f"T-{round_}", "proof": f"SN-R{round_}"}
        answers = await at_once(*(town.send("t1", lesson(child, "2026-10-12", **same)) for child in children))
        bills = [Bill(town, "t1", a.json()["number"], a.json()["id"], None, a.json()) for a in answers]
        said = [(await bill.again()).says[0] for bill in bills]
        assert Counter(said) == {"review ?45.00 L-10": 1, "review ?45.00 L-10 L-14": 3}


async def test_a_ring_of_waiting_is_broken_and_the_work_begun_anew(town: Town) -> None:
    await prepare(town, "t1")
    for child in ("A", "B"):
        await town.grant(child, "tutoring")
    for day in ("2026-10-12", "2026-10-13"):
        await town.bill("t1", lesson("A", day, tutor="T-1"))
    # Imports lock their own child first and then those whose lessons the same tutor gave: in both orders at once.
    for round_ in range(4):
        last = f"2027-08-{round_ + 1:02d}"
        rows = [{**town.rows[f"{c}-tutoring"], "grant": {**town.rows[f"{c}-tutoring"]["grant"], "valid_to": last}} for c in ("A", "B")]
        calls = [town.call("registrar", "POST", "/grant-imports", [row]) for row in rows]
        lessons = [town.send("t1", lesson(c, f"2026-10-{12 + round_}", "17:00", "17:45", tutor="T-1")) for c in ("A", "B")]
        answers = await at_once(*calls, *lessons)
        assert {a.status_code for a in answers} <= {200, 201}

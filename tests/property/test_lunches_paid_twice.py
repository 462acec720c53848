"""Ten thousand histories of one child's one lunch, each in its own order of bills, cancellations and repeats: never two of it are paid."""

import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest

from but_gateway.db.embedded import asyncpg_dsn
from tests.factories.instance import Instance
from tests.procedures.adjudication.lines import lunch
from tests.procedures.adjudication.town import Bill, Town, open_town, served

# Wider with HYPOTHESIS_PROFILE=search.
HISTORIES = 10_000 if os.environ.get("HYPOTHESIS_PROFILE") == "search" else 1_000
CHILDREN, STEPS, PROVIDERS = HISTORIES // 16, 6, ("c1", "c2")
DAYS = [f"2026-10-{day:02d}" for day in (5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 19, 20, 21, 22, 23, 26, 27, 28, 29, 30)]
_PAID = """
SELECT s.child_id, s.first_day, coalesce(sum(sign(s.claimed)) FILTER (WHERE s.outcome IN ('accepted', 'reduced')), 0)::int AS paid
FROM position_state s WHERE s.municipality_id = (SELECT id FROM municipality WHERE key = $1) GROUP BY 1, 2
"""


@pytest.fixture
async def instance(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Instance]:
    async with served(new_database(), tmp_path_factory.mktemp("twice")) as made:
        yield made


async def bill(town: Town, chance: random.Random, child: str, by: str) -> Bill:
    """One provider bills a child for about half of the days, some of them a second time on another line or as two at once."""
    days = sorted(chance.sample(DAYS, len(DAYS) // 2))
    lines = [lunch(child, *days)]
    if chance.random() < 0.5:
        lines.append(lunch(child, *sorted(chance.sample(DAYS, 5))))
    if chance.random() < 0.3:
        lines.append(lunch(child, *sorted(chance.sample(DAYS, 3)), quantity=4))
    number = f"{child}-{by}-{chance.getrandbits(40)}"
    answer = await town.send(by, *lines, number=number)
    assert answer.status_code == 201, answer.text
    if chance.random() < 0.2:
        # The same papers sent again under another number, and again under the same.
        assert (await town.send(by, *lines, number=f"{number}-again")).status_code == 201
        assert (await town.send(by, *lines, number=number)).status_code == 409
    return Bill(town, by, number, answer.json()["id"], None, answer.json())


async def cancel(town: Town, chance: random.Random, bills: list[Bill]) -> None:
    """One of the bills is cancelled, whatever became of it; a second time is refused."""
    one = chance.choice(bills)
    body = {"number": f"ST-{one.number}-{chance.getrandbits(40)}", "issued_on": "2026-11-02"}
    answer = await town.call(one.by, "POST", f"/invoices/{one.id}/cancellation", body)
    assert answer.status_code in {200, 409}, answer.text


async def test_no_lunch_is_ever_paid_twice(instance: Instance, record_testsuite_property: Callable[[str, object], None]) -> None:
    town, chance = await open_town(instance), random.Random(20261122)  # noqa: S311 - the same histories every time
    for provider in PROVIDERS:
        await town.need_provider(provider)
    await town.need_facility("s1")
    connection = await asyncpg.connect(asyncpg_dsn(instance.database_url))
    for number in range(CHILDREN):
        child, bills = f"K{number}", list[Bill]()
        await town.grant(
            child, budget={"kind": "days", "days": chance.choice([3, 15, 40])} if chance.random() < 0.3 else {"kind": "unlimited"}
        )
        for _ in range(chance.randint(2, STEPS)):
            if bills and chance.random() < 0.35:
                await cancel(town, chance, bills)
            else:
                bills.append(await bill(town, chance, child, chance.choices(PROVIDERS, [5, 1])[0]))
        if number % (CHILDREN // 4) == CHILDREN // 8:
            await town.settle()
    rows = await connection.fetch(_PAID, town.key)
    await connection.close()
    paid = Counter(row["paid"] for row in rows)
    record_testsuite_property("lunches_by_times_paid", dict(paid))
    assert len(rows) >= HISTORIES
    assert set(paid) <= {0, 1}
    assert paid[1] > HISTORIES * 0.3
    await town.assert_sound()

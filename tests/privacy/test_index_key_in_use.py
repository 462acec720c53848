"""Two processes check, import, bill and replace numbers while the key of keyed hashes is changed twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from but_gateway.db.tenancy import Scope
from but_gateway.identity import directory
from but_gateway.procedures.rehashing import store
from tests.privacy.conftest import House
from tests.privacy.test_index_key import asked, assert_not_taken_twice, change, forget, hashes
from tests.procedures.adjudication.lines import lunch
from tests.procedures.adjudication.registers import IBANS
from tests.procedures.adjudication.town import Town, served

LATE_SECONDS = 0.3  # how late each process learns of a change
NOTICE = timedelta(seconds=2.5)  # much longer, as it is in real life


@asynccontextmanager
async def second_process(house: House) -> AsyncIterator[Town]:
    """The town as another process serves it, which looks at keys at other times."""
    async with served(house.instance.database_url, house.key_file.parent) as instance:
        yield replace(house.stage.town, instance=instance)


@dataclass
class Bustle:
    """What everybody does all the while. ``done`` counts it."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    done: Counter[str] = field(default_factory=Counter)
    names: Any = field(default_factory=lambda: count(1))

    async def over_and_over(self, what: Callable[..., Awaitable[None]], *arguments: object) -> None:
        while not self.stop.is_set():
            await what(*arguments)
            self.done[what.__name__] += 1

    async def ask(self, town: Town) -> None:
        for key in lunches(town):
            answer = await town.ok("c1", "POST", "/eligibility-checks", asked(town, key))
            assert answer["eligible"], key

    async def deliver(self, town: Town, other: Town) -> None:
        """A number that one process has just stored, ours or the office's, is known to the other one."""
        name = next(self.names)
        child = f"M{name}"
        await town.grant(child, number=f"Pass {name}" if name % 2 else None)
        await assert_not_taken_twice(other, f"{child}-lunch")

    async def bill(self, town: Town) -> None:
        lines = [lunch(key.removesuffix("-lunch"), "2026-11-05") for key in lunches(town)[-5:]]
        sent = await town.send("c1", *lines, iban=IBANS["c1"])
        assert sent.status_code == 201, sent.text
        codes = {finding["code"] for line in sent.json()["lines"] for finding in line["findings"]}
        assert not {code for code in codes if "number" in code or "iban" in code}, codes

    async def lose(self, town: Town) -> None:
        await town.grant("L")
        old = town.numbers.pop("L-lunch")
        answer = await town.ok("registrar", "POST", "/entitlements/L-lunch/number-replacements", {"lost_on": "2026-10-01"})
        for number, eligible in ((old, False), (answer["entitlement_number"], True)):
            assert (await town.ok("c1", "POST", "/eligibility-checks", asked(town, "L-lunch", number)))["eligible"] is eligible


def lunches(town: Town) -> list[str]:
    """The entitlements to lunches."""
    return [key for key in town.numbers if key.endswith("-lunch")]


async def test_two_processes_work_on_while_the_key_changes_twice(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "REFRESH_SECONDS", LATE_SECONDS)
    bustle, one = Bustle(), house.stage.town
    async with second_process(house) as other:
        work = [
            *(bustle.over_and_over(bustle.ask, town) for town in (one, other)),
            *(bustle.over_and_over(bustle.bill, town) for town in (one, other)),
            bustle.over_and_over(bustle.deliver, one, other),
            bustle.over_and_over(bustle.deliver, other, one),
            bustle.over_and_over(bustle.lose, other),
        ]
        busy = [asyncio.create_task(task) for task in work]
        try:
            for number in (2, 3):
                await asyncio.sleep(0.5)
                assert {step.number for step in await change(house, notice=NOTICE)} == {number}
                await asyncio.sleep(0.5)
                assert await forget(house) == 1
            await asyncio.sleep(0.5)
        finally:
            bustle.stop.set()
            await asyncio.gather(*busy)
    assert min(bustle.done.values()) >= 3, bustle.done
    await assert_all_under_one_key(house)


async def assert_all_under_one_key(house: House) -> None:
    """Nothing has a hash of another key, no number lies there twice."""
    keys = await house.keys()
    works: list[tuple[Any, Mapping[str, object]]] = [(store.rehash_rows, {"place": place, "write": False}) for place in store.SINGLE]
    for work, more in [*works, (store.rehash_lines, {"write": False}), (store.settle_numbers, {})]:
        async with house.owner.transaction(Scope(keys.municipality_id)) as unit:
            assert (await work(unit, store.START, keys=keys, limit=10_000, **more)).changed == 0
    found = (await hashes(house))["entitlement_number"]
    rows = await house.superuser.fetch(
        "SELECT entitlement_id, number FROM entitlement_number WHERE municipality_id = $1", keys.municipality_id
    )
    numbers = {(row["entitlement_id"], keys.open(row["number"], "entitlement_number", row["entitlement_id"], "number")) for row in rows}
    assert len(numbers) == len(found) == len(set(found))

"""A short run of the harness: everything once in calm weather, one storm, one mutant. ``make crash`` is the long one."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest

from tests.crash.checker import check_answers, check_database
from tests.crash.machine import Server, machine, nursery, server
from tests.crash.mutants import BY_NAME
from tests.crash.storm import PEOPLE, Storm, seeded, weather_round
from tests.crash.town import Act, Town, open_towns
from tests.crash.verbs import BY_COMMAND, all_points
from tests.isolation.operations import operations
from tests.tidy.source import ROOT, product

PASSES_MAX = 25
# Operations with a key that nobody of the harness asks for, with the reason.
NOT_ASKED: dict[str, str] = {}


@pytest.fixture(scope="module")
async def machines(server_programs: Path | None) -> AsyncIterator[tuple[Server, asyncio.subprocess.Process]]:
    """A PostgreSQL to kill, and where apps come from."""
    async with server(server_programs) as on, nursery() as children:
        yield on, children


async def test_every_writing_verb_is_carried_out_and_comes_to_its_points(machines: tuple[Server, asyncio.subprocess.Process]) -> None:
    due = set(all_points())
    async with machine(*machines, "census", seeded("census")) as one, httpx.AsyncClient() as http:
        (town,) = await open_towns(one, http, one.chance, 1)
        for _ in range(PASSES_MAX):
            await asyncio.gather(*(_do_all(town, who, acts) for who, acts in PEOPLE))
            missing = due - set(one.told("reached"))
            if not missing:
                break
        assert missing == set()
        assert town.memory.faults == []
        assert await check_database(one.database_url, [town]) == []
        assert await check_answers(town) == []
        asked = {told.wish.path for told in town.memory.told}
    keyed = {one.path.partition("{municipality}")[2] for one in operations() if one.keyed}
    unasked = {path for path in keyed if not any(_fits(path, one) for one in asked)}
    assert unasked == set(NOT_ASKED)


async def _do_all(town: Town, who: str, acts: Mapping[Act, int]) -> None:
    for act in acts:
        await act(town, who)


def _fits(template: str, path: str) -> bool:
    wanted, given = template.split("/"), path.split("/")
    return len(wanted) == len(given) and all(w.startswith("{") or w == g for w, g in zip(wanted, given, strict=True))


async def test_nothing_is_lost_or_doubled_in_a_storm(machines: tuple[Server, asyncio.subprocess.Process]) -> None:
    async with machine(*machines, "storm", seeded(1)) as one:
        outcome = await weather_round(one, 1, Storm(successes=15, kill_after=(3, 6), seconds_max=20), towns=1)
    assert outcome.faults == []
    assert outcome.kills.total() >= 2
    assert outcome.told > 10


async def test_a_second_transaction_for_the_idempotency_record_is_caught(machines: tuple[Server, asyncio.subprocess.Process]) -> None:
    mutant = BY_NAME["second-transaction"]
    for attempt in range(4):
        async with machine(*machines, f"mutant{attempt}", seeded(attempt), mutant=mutant.name, sql=mutant.sql) as one:
            outcome = await weather_round(one, attempt, Storm(successes=15, unheard=0.5, seconds_max=20), towns=1)
        if outcome.faults:
            break
    assert outcome.faults


def test_the_product_knows_nothing_of_crash_points() -> None:
    assert [source.path for source in product() if "tests.crash" in source.text or "crash point" in source.text.lower()] == []


def test_every_room_of_commands_still_exists_and_has_no_operations() -> None:
    for room in BY_COMMAND:
        names = [source.name for source in product() if source.path.startswith(room)]
        assert names
        assert not [name for name in names if name.endswith("endpoints")]


def test_ten_mutants_and_more_are_planted_and_each_has_its_row() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    assert len(BY_NAME) >= 10
    assert [name for name, mutant in BY_NAME.items() if f"| `{name}` | {mutant.says} |" not in text] == []

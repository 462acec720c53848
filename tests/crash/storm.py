"""One round: towns are made, a storm goes over them, and when it is calm again everything must be there."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import asyncpg
import httpx

from but_gateway.db.embedded import asyncpg_dsn
from tests.crash import office, providers
from tests.crash.checker import check_answers, check_database
from tests.crash.machine import App, Machine
from tests.crash.memory import NotThereError
from tests.crash.town import Act, Town, open_towns

TOWNS: Final = 2
FOCUS: Final = 12
PASSES_MAX: Final = 40  # over everything that anybody does, until an app has died at every point
CALM_SECONDS_MAX: Final = 60
STILL_SECONDS_MAX: Final = 8  # after so many without enough successes the next kill comes all the same
_RUNNING: Final = (
    "SELECT EXISTS (SELECT FROM grant_import WHERE state = 'running') OR EXISTS (SELECT FROM redecision WHERE state = 'running')"
)
# Who does what, with what weight.
PEOPLE: Final[tuple[tuple[str, Mapping[Act, int]], ...]] = (
    ("c1", providers.CATERER), ("c2", providers.CATERER), ("t1", providers.TUTOR), ("registrar", office.REGISTRAR), ("clerk", office.CLERK),
    ("finance", office.FINANCE), ("second", office.FINANCE),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Storm:
    """How bad it gets: how many successes it lasts, how many lie between two kills; shares of commits and messages.

    It is measured by what clients got done, not by time, so that a slow machine sees the same storm as a fast one.
    """

    successes: int = 80
    kill_after: tuple[int, int] = (3, 12)
    seconds_max: float = 240.0
    focus: frozenset[str] = frozenset()  # acts that are done far more often than usual
    without: frozenset[str] = frozenset()  # acts that nobody does
    unheard: float = 0.3
    unsaid: float = 0.05
    cut: float = 0.0005
    delay: float = 0.01
    kills: bool = True


@dataclass(slots=True)
class Outcome:
    """What a round gave."""

    seed: int
    mutant: str | None
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    proxy: Counter[str] = field(default_factory=Counter)
    client: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    died: Counter[str] = field(default_factory=Counter)
    told: int = 0


def seeded(seed: object) -> random.Random:
    """Chance that can be had again."""
    return random.Random(str(seed))  # noqa: S311 - which way a storm blows is no secret


async def weather_round(machine: Machine, seed: int, storm: Storm, towns: int = TOWNS) -> Outcome:
    """A whole round. Ends early where a fault is seen in the middle of it."""
    outcome, began = Outcome(seed, machine.mutant), time.monotonic()
    limits = httpx.Limits(max_keepalive_connections=40, max_connections=None)
    async with httpx.AsyncClient(limits=limits) as http:
        made = await open_towns(machine, http, machine.chance, towns)
        await _blow(machine, made, storm)
        outcome.faults += await _look(machine, made)
    _count(outcome, machine, made)
    outcome.seconds = time.monotonic() - began
    return outcome


async def _blow(machine: Machine, towns: list[Town], storm: Storm) -> None:
    weather, over = machine.proxy.weather, asyncio.Event()
    for town in towns:
        town.client.calm = False
    weather.unheard, weather.unsaid, weather.cut, weather.delay = storm.unheard, storm.unsaid, storm.cut, storm.delay
    people = [
        asyncio.create_task(_live(town, who, _weighed(acts, storm), over, seeded(machine.chance.random())))
        for town in towns
        for who, acts in PEOPLE
    ]
    calm = asyncio.Event()
    keeping = [asyncio.create_task(_keep_up(machine, app, calm)) for app in machine.apps]
    hand = asyncio.create_task(_kill(machine, towns, storm)) if storm.kills else None
    until, enough = time.monotonic() + storm.seconds_max, _successes(towns) + storm.successes
    while time.monotonic() < until and _successes(towns) < enough and not any(town.memory.faults for town in towns):
        await asyncio.sleep(0.2)
        if failed := [one for one in people if one.done()]:
            await asyncio.gather(*failed)
    if hand is not None:
        hand.cancel()
        await asyncio.gather(hand, return_exceptions=True)
    weather.unheard = weather.unsaid = weather.cut = weather.delay = 0.0
    await machine.server.start()
    over.set()
    await asyncio.gather(*people)
    calm.set()
    await _calm(machine, keeping)


def _weighed(acts: Mapping[Act, int], storm: Storm) -> dict[Act, int]:
    done = {act: weight for act, weight in acts.items() if act.__name__ not in storm.without}
    return {act: weight * (FOCUS if act.__name__ in storm.focus else 1) for act, weight in done.items()}


async def _live(town: Town, who: str, acts: Mapping[Act, int], over: asyncio.Event, chance: random.Random) -> None:
    """Somebody at work until it is over: every act is carried to its end."""
    while not over.is_set():
        (act,) = chance.choices(list(acts), list(acts.values()))
        with contextlib.suppress(NotThereError):
            await act(town, who)
        await asyncio.sleep(chance.uniform(0, 0.1))


async def _keep_up(machine: Machine, app: App, calm: asyncio.Event) -> None:
    """Starts an app again whenever it is gone, doomed to die at a point."""
    while not calm.is_set():
        if not app.alive:
            await asyncio.sleep(machine.chance.uniform(0, 0.3))
            await machine.serve(app, doomed=True)
        await asyncio.sleep(0.05)


async def points_round(machine: Machine, seed: int) -> Outcome:
    """An app dies at every point there is, one after the other, in calm weather; in the end everything must be there all the same."""
    outcome, began = Outcome(seed, None), time.monotonic()
    async with httpx.AsyncClient() as http:
        made = await open_towns(machine, http, machine.chance, 1)
        machine.systematic, made[0].client.calm = True, False
        calm = asyncio.Event()
        keeping = [asyncio.create_task(_keep_up(machine, app, calm)) for app in machine.apps]
        for app in machine.apps:
            await machine.kill_app(app)
        for _ in range(PASSES_MAX):
            for who, act in calm_acts():
                await act(made[0], who)
            if not machine.missing() or made[0].memory.faults:
                break
        calm.set()
        await _calm(machine, keeping)
        outcome.faults += await _look(machine, made)
    _count(outcome, machine, made)
    outcome.seconds = time.monotonic() - began
    return outcome


def _count(outcome: Outcome, machine: Machine, towns: list[Town]) -> None:
    for town in towns:
        outcome.client += town.memory.counts
    outcome.told = _successes(towns)
    outcome.kills, outcome.proxy = machine.kills, machine.proxy.counts
    outcome.reached, outcome.died = machine.told("reached"), machine.told("died")
    outcome.kills["point"] = outcome.died.total()


async def _calm(machine: Machine, keeping: list[asyncio.Task[None]]) -> None:
    """Nobody is doomed any more, and both apps are up."""
    await asyncio.gather(*keeping)
    for app in machine.apps:
        await machine.kill_app(app)
        await machine.serve(app, doomed=False)


def _successes(towns: list[Town]) -> int:
    return sum(len(town.memory.told) + len(town.memory.checks) for town in towns)


async def _kill(machine: Machine, towns: list[Town], storm: Storm) -> None:
    while True:
        enough, until = _successes(towns) + machine.chance.randint(*storm.kill_after), time.monotonic() + STILL_SECONDS_MAX
        while _successes(towns) < enough and time.monotonic() < until:  # noqa: ASYNC110 - what was told is counted, not announced
            await asyncio.sleep(0.05)
        match machine.chance.choices(("app", "backend", "postgres"), (5, 2, 2))[0]:
            case "app":
                await machine.kill_app(machine.chance.choice(machine.apps))
            case "backend":
                await machine.kill_backend()
            case _:
                await asyncio.shield(machine.kill_postgres())


async def _look(machine: Machine, towns: list[Town]) -> list[str]:
    """What is wrong now that it is calm."""
    faults = [f"{town.key}: {fault}" for town in towns for fault in town.memory.faults]
    if faults:
        return faults
    if not await _is_idle(machine.database_url):
        faults.append("the background work does not come to its end")
    faults += await check_database(machine.database_url, towns)
    for town in towns:
        faults += await check_answers(town)
    # Repeating must not have done anything again.
    return faults or await check_database(machine.database_url, towns)


async def _is_idle(url: str) -> bool:
    """Waits until no import and no re-decision is under way."""
    connection = await asyncpg.connect(asyncpg_dsn(url))
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CALM_SECONDS_MAX):
                while await connection.fetchval(_RUNNING):  # noqa: ASYNC110 - the app tells nobody
                    await asyncio.sleep(0.1)
                return True
        return False
    finally:
        await connection.close()


def calm_acts() -> list[tuple[str, Act]]:
    """Everything that anybody does."""
    return [(who, act) for who, acts in PEOPLE for act in acts]

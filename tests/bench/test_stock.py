"""The stock that speeds are measured on is true: what was multiplied cannot be told from what the service wrote."""

import asyncio
import importlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg
import pytest

from but_gateway.audit.invariants import violations
from but_gateway.audit.sealing import seal_town
from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.db.engine import Database
from but_gateway.db.tenancy import Scope
from but_gateway.kit.clock import SystemClock

JSON = Any
BENCH = Path(__file__).parents[2] / "bench"
CHILDREN, COPIES = 20, 5
NEXT_DAYS = 5  # of school, after the twenty that were billed


@pytest.fixture(scope="module")
def script() -> Iterator[Callable[[str], ModuleType]]:
    """Imports the scripts of ``bench/``, which find each other as when they run."""
    sys.path.insert(0, str(BENCH))
    yield importlib.import_module
    sys.path.remove(str(BENCH))


@dataclass
class Stocked:
    """A town that was filled: ``town`` and ``office`` are of the scripts, ``numbers`` those of all copied children."""

    town: Any
    office: Any
    numbers: list[str]
    positions: int
    superuser: asyncpg.Connection
    database_url: str
    multiplier: Any


@pytest.fixture(scope="module")
async def stocked(
    script: Callable[[str], ModuleType], database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stocked]:
    measure = script("measure")
    environ = {
        **os.environ,
        "BUT_DATABASE_URL": database_url,
        "BUT_MASTER_KEY_FILE": str(tmp_path_factory.mktemp("stock") / "master.key"),
        "BUT_LOG_LEVEL": "error",
    }
    made = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "but_gateway", "db", "init", env=environ, stdout=asyncio.subprocess.DEVNULL
    )
    assert await made.wait() == 0
    superuser = await asyncpg.connect(asyncpg_dsn(database_url))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(superuser.close)
        served = measure.server(environ, measure.gateway(), "--port")
        at = await asyncio.to_thread(served.__enter__)
        stack.push_async_callback(asyncio.to_thread, served.__exit__, None, None, None)
        town = await asyncio.to_thread(script("town").Town, f"http://127.0.0.1:{at.port}", environ)
        stack.callback(town.http.close)
        office = await asyncio.to_thread(script("template").make_template, town, CHILDREN)
        multiplier = await script("stock").open_multiplier(superuser, town.key, Path(environ["BUT_MASTER_KEY_FILE"]))
        numbers: list[str] = []
        for _ in range(COPIES):
            numbers += await multiplier.copy()
        yield Stocked(town, office, numbers, (COPIES + 1) * multiplier.positions, superuser, database_url, multiplier)


async def bill(stocked: Stocked, number: str, children: list[str], days: list[str]) -> JSON:
    """An invoice for children of copies; what became of it."""

    def send() -> JSON:
        own, stocked.town.numbers = stocked.town.numbers, children
        try:
            body = stocked.town.invoice(number, range(len(children)), days)
        finally:
            stocked.town.numbers = own
        return stocked.town.post("invoices", body, stocked.town.provider).json()

    return await asyncio.to_thread(send)


async def test_the_invariants_hold_over_copies(stocked: Stocked) -> None:
    assert await stocked.superuser.fetchval("SELECT count(*) FROM position_state") == stocked.positions
    assert await violations(stocked.superuser) == {}


async def test_every_copy_is_decided_the_same_from_its_own_facts(stocked: Stocked) -> None:
    options = ["--municipality", stocked.town.key, "--from", "2026-09-01", "--to", "2026-10-31", "--json"]
    replayed = json.loads(await asyncio.to_thread(stocked.town.command, "law", "replay", *options))
    assert replayed["replayed"]["positions"] == stocked.positions
    assert replayed["changed"]["positions"] == 0


async def test_a_copied_child_is_billed_like_any_other(stocked: Stocked) -> None:
    school_days, days = importlib.import_module("town").school_days, importlib.import_module("template").DAYS
    children = stocked.numbers[::7]
    fresh = await bill(stocked, "N-1", children, school_days(days + NEXT_DAYS)[days:])
    again = await bill(stocked, "N-2", children, school_days(days)[:NEXT_DAYS])
    assert fresh["counts"]["accepted"] == len(children) * NEXT_DAYS
    # Who was paid for the day gets nothing more, and where it is another's word against it a person decides.
    assert again["counts"]["rejected"] > again["counts"]["accepted"] == 0
    assert again["counts"]["rejected"] + again["counts"]["review"] == len(children) * NEXT_DAYS
    settled = await asyncio.to_thread(stocked.office.settle)
    assert settled.positions == len(children) * NEXT_DAYS
    assert await violations(stocked.superuser) == {}


async def test_the_chain_takes_copies_in_as_they_come(stocked: Stocked) -> None:
    database = await Database.open(stocked.database_url)
    now = SystemClock().now()
    try:
        await database.start()
        for _ in range(2):  # the first step marks, the second seals
            async with database.transaction(Scope(stocked.multiplier.town)) as unit:
                await seal_town(unit, now, margin_ms=0)
    finally:
        await database.close()
    sealed = await stocked.superuser.fetchval("SELECT sum(row_count) FROM audit_seal WHERE source = 'position'")
    assert sealed >= stocked.positions

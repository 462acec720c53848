"""Sealing: every row once, whatever commits late, dies or meets; and whatever is changed afterwards is found."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from but_gateway.audit.check import ChainReport, check_chain
from but_gateway.audit.late import seal_late
from but_gateway.audit.record import record
from but_gateway.audit.retirement import record_retirement
from but_gateway.audit.sealing import MARGIN_MS, hold_head, month_after, seal_town
from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.db.session import UnitOfWork
from but_gateway.kit.ids import first_id_at, new_id
from tests.audit.conftest import AT_ONCE, Archive, open_archive

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def sound(report: ChainReport) -> ChainReport:
    assert report.faults == []
    return report


async def note(unit: UnitOfWork, what: str = "x") -> None:
    await record(unit, at=NOW, actor="t|t", action="test", object_type="thing", object_id=what)


# ---- every row, once
async def test_every_row_is_sealed_once_and_the_chain_holds(archive: Archive, superuser: asyncpg.Connection) -> None:
    await archive.seal()
    report = sound(await archive.check(superuser))
    assert report.rows_checked == await archive.rows() > 10
    assert (report.unsealed, report.late, report.checkpoints) == (0, 0, 1)
    length = report.length
    await archive.seal()
    assert (await archive.check(superuser)).length == length


async def test_what_commits_late_is_waited_for(archive: Archive) -> None:
    """A transaction makes its ids, another one commits after it, the sealer comes, then the first one commits."""
    await archive.seal()
    opened, close = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with archive.billing.unit() as unit:
            await note(unit, "slow")
            opened.set()
            await close.wait()

    task = asyncio.create_task(slow())
    await opened.wait()
    async with archive.billing.unit() as unit:
        await note(unit, "quick")
    before = await archive.length()
    for _ in range(3):
        await archive.sealing.sweep([archive.treasury.town])
    assert await archive.length() == before
    close.set()
    await task
    await archive.seal()
    report = sound(await archive.check_now())
    assert (report.unsealed, report.late) == (0, 0)
    assert await archive.length() > before


async def test_who_stays_open_for_an_hour_is_sealed_as_late(archive: Archive) -> None:
    await archive.seal()
    opened, close = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with archive.billing.unit() as unit:
            await note(unit, "in a sealed range")
            await asyncio.sleep(0.002)
            opened.set()
            await close.wait()

    async with archive.billing.unit() as unit:
        await note(unit, "before")
    task = asyncio.create_task(slow())
    await opened.wait()
    async with archive.billing.unit() as unit:
        await note(unit, "after")
    await asyncio.sleep(0.002)
    async with archive.billing.unit() as unit:
        await seal_town(unit, NOW, margin_ms=AT_ONCE)
    async with archive.billing.unit() as unit:
        await seal_town(unit, NOW + timedelta(hours=1, seconds=1), margin_ms=AT_ONCE)
    close.set()
    await task
    assert [fault.what for fault in (await archive.check_now()).faults] == ["row_changed"]
    async with archive.billing.unit() as unit:
        assert await seal_late(unit, NOW, search_all=True) == 1
        assert await seal_late(unit, NOW, search_all=True) == 0
    report = sound(await archive.check_now())
    assert (report.unsealed, report.late) == (0, 1)


async def test_a_clock_set_back_loses_nothing(archive: Archive) -> None:
    """Ids from the past (another machine, an hour behind): beside all ranges, sealed by name."""
    await archive.seal()
    async with archive.billing.unit() as unit:
        old = first_id_at((new_id().int >> 80) - 3_600_000)
        await unit.driver.execute(
            "INSERT INTO audit_event SELECT municipality_id, $2, at, recorded_at, actor, action, object_type, object_id, payload_hash "
            "FROM audit_event WHERE municipality_id = $1 LIMIT 1",
            archive.town_id, old,
        )  # fmt: skip
    async with archive.billing.unit() as unit:
        assert await seal_late(unit, NOW) == 1
    assert sound(await archive.check_now()).unsealed == 0


async def test_two_sealers_at_once_seal_everything_once(archive: Archive) -> None:
    for _ in range(3):
        await archive.fill(2)

    async def sealer() -> None:
        for _ in range(6):
            async with archive.billing.unit() as unit:
                await seal_town(unit, NOW, margin_ms=AT_ONCE, rows_at_once=5, rows_per_seal=3)

    await asyncio.gather(sealer(), sealer(), archive.fill(4), sealer(), archive.fill(4))
    await archive.seal()
    report = sound(await archive.check_now())
    assert (report.unsealed, report.rows_checked) == (0, await archive.rows())


@pytest.mark.parametrize("step", ["sealed", "searched", "signed"])
async def test_a_sealer_that_dies_at_any_step_leaves_nothing_half_done(archive: Archive, step: str) -> None:
    class DiedError(Exception):
        pass

    def die(what: str) -> None:
        if what == step:
            raise DiedError

    await archive.fill(1)
    sealing = archive.sealing
    sealing.clock = Later()
    sealing.step = die
    with pytest.raises(DiedError):
        await archive.seal()
    sealing.step = lambda _what: None
    sound(await archive.check_now())
    await archive.seal()
    report = sound(await archive.check_now())
    assert (report.unsealed, report.rows_checked) == (0, await archive.rows())


class Later:
    """The machine's clock, some hours on: searches and checkpoints are due."""

    hours = 2

    def now(self) -> datetime:
        Later.hours += 2
        return datetime.now(UTC) + timedelta(hours=Later.hours)


async def test_every_statement_of_the_sealer_may_be_its_last(archive: Archive) -> None:
    """The connection breaks after 1, 2, 3 … statements; afterwards the chain is whole, and in the end everything is sealed."""
    broken = 0
    for statements in range(1, 40):
        await archive.fill(1)
        try:
            async with archive.billing.unit() as unit:
                unit.driver = Breaking(unit.driver, statements)
                await seal_town(unit, NOW, margin_ms=AT_ONCE)
                await seal_town(unit, NOW, margin_ms=AT_ONCE)
        except ConnectionResetError:
            broken += 1
    assert broken > 20
    await archive.seal()
    report = sound(await archive.check_now())
    assert (report.unsealed, report.rows_checked) == (0, await archive.rows())


class Breaking:
    """A connection that breaks after so many statements."""

    def __init__(self, driver: asyncpg.Connection, statements: int) -> None:
        self._driver, self._left = driver, statements

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the driver has
        method = getattr(self._driver, name)

        async def counted(*arguments: Any) -> Any:  # noqa: ANN401 - as above
            self._left -= 1
            if self._left < 0:
                raise ConnectionResetError
            return await method(*arguments)

        return counted


SEALER = """
import asyncio, sys
from datetime import UTC, datetime
from uuid import UUID
from but_gateway.audit.sealing import seal_town
from but_gateway.db.engine import Database
from but_gateway.db.tenancy import Scope

async def main():
    database = await Database.open(sys.argv[1], pool_size=1)
    while True:
        async with database.transaction(Scope(UUID(sys.argv[2]))) as unit:
            await seal_town(unit, datetime.now(UTC), margin_ms=0, rows_at_once=1, rows_per_seal=1)

asyncio.run(main())
"""


async def test_a_process_killed_while_it_seals_leaves_a_whole_chain(archive: Archive) -> None:
    await archive.seal()
    await archive.fill(20)
    before = (await archive.check_now()).length
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", SEALER, archive.url, str(archive.town_id))
        length = before
        while length <= before:
            await asyncio.sleep(0.005)
            async with archive.billing.unit() as unit:
                length = await unit.driver.fetchval("SELECT length FROM audit_head WHERE municipality_id = $1", archive.town_id)
        process.kill()
        await process.wait()
        before = sound(await archive.check_now()).length
    assert (await archive.check_now()).unsealed > 0
    await archive.seal()
    report = sound(await archive.check_now())
    assert (report.unsealed, report.rows_checked) == (0, await archive.rows())


async def test_rows_younger_than_the_margin_wait(archive: Archive) -> None:
    await archive.seal()
    await archive.fill(1)
    for _ in range(3):
        async with archive.billing.unit() as unit:
            assert not await seal_town(unit, NOW, margin_ms=MARGIN_MS)
    assert (await archive.check_now()).unsealed > 0
    await archive.seal()
    assert (await archive.check_now()).unsealed == 0


# ---- what was deleted on purpose
async def test_rows_of_a_month_retired_on_purpose_are_told_and_others_are_missed(archive: Archive) -> None:
    other = await open_archive(archive.treasury.office, archive.url)
    await other.seal()
    connection = await asyncpg.connect(asyncpg_dsn(other.url))
    position = await connection.fetchval("SELECT min(id::text)::uuid FROM position WHERE municipality_id = $1", other.town_id)
    async with other.billing.unit() as unit:
        await record_retirement(unit, "position", UUID(int=0), month_after(position), at=NOW, actor="cli", reason="books of 2016")
    await other.seal()
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("SET LOCAL session_replication_role = replica")
    deleted = await connection.fetch("DELETE FROM position WHERE municipality_id = $1 RETURNING id", other.town_id)
    report = sound(await other.check(connection))
    assert report.retired == len(deleted) > 0
    await connection.execute("DELETE FROM posting WHERE municipality_id = $1", other.town_id)
    assert {fault.what for fault in (await other.check(connection)).faults} == {"row_missing"}
    await transaction.rollback()
    await connection.close()


async def test_the_chain_stands_still_while_it_is_read(archive: Archive) -> None:
    await archive.fill()
    await archive.seal()
    await archive.fill()
    async with archive.billing.unit() as unit:
        await hold_head(unit)
        sealing = asyncio.create_task(archive.seal())
        await asyncio.sleep(0.2)
        report = await check_chain(unit.driver, archive.town_id, None)
        assert not sealing.done()
    await sealing
    assert report.faults == []
    assert report.unsealed > 0
    assert (await archive.check_now()).unsealed == 0


@pytest.mark.parametrize(("rows_max", "looked_at"), [(None, 3), (1, 1)])
async def test_a_row_beside_the_seals_is_found_where_is_looked(
    archive: Archive, superuser: asyncpg.Connection, rows_max: int | None, looked_at: int
) -> None:
    for _ in range(3):
        await archive.fill()
        await archive.seal()
    query = "SELECT to_id FROM audit_seal WHERE municipality_id = $1 AND source = 'invoice' ORDER BY number DESC LIMIT 3"
    beside = [row["to_id"] for row in await superuser.fetch(query, archive.town_id)]
    for row_id in beside:
        await superuser.execute(
            "INSERT INTO invoice SELECT (jsonb_populate_record(i, jsonb_build_object('id', $2::uuid, 'number', 'X-' || $2::text))).* "
            "FROM invoice i WHERE i.municipality_id = $1 AND i.id = (SELECT min(id::text)::uuid FROM invoice WHERE municipality_id = $1)",
            archive.town_id, row_id,
        )  # fmt: skip
    report = await check_chain(superuser, archive.town_id, None, rows_max=rows_max)
    assert {fault.place for fault in report.faults} == {f"invoice {row_id}" for row_id in beside[:looked_at]}

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

import pytest

from but_gateway.db.tenancy import Scope
from but_gateway.kit.ids import new_id
from but_gateway.registers.entitlements import guard
from but_gateway.registers.entitlements.store import find_by_numbers
from but_gateway.web.problems import TooManyRequests
from tests.registers.entitlements.town import NOW, Place, make_place

DAY = date(2026, 11, 2)
NUMBER: Final = b"hash of the number"


@pytest.fixture
async def place(database_url: str) -> AsyncIterator[Place]:
    made = await make_place(database_url)
    yield made
    await made.close()


@pytest.fixture
async def entitlement(place: Place) -> UUID:
    child, entitlement = new_id(), new_id()
    await place.admin.execute("INSERT INTO child VALUES ($1, $2, 'A', '', '', '', '', 0)", place.town.id, child)
    await place.admin.execute("INSERT INTO entitlement VALUES ($1, $2, 'A-lunch', $3, 'lunch', true)", place.town.id, entitlement, child)
    await place.admin.execute(
        "INSERT INTO entitlement_number VALUES ($1, $2, $3, '', 'issued', $4, NULL)", place.town.id, NUMBER, entitlement, NOW
    )
    return entitlement


async def is_frozen(place: Place, provider: str) -> bool:
    async with place.database.transaction(place.scope) as unit:
        return (await find_by_numbers(unit, place.providers[provider], [NUMBER]))[NUMBER].frozen


async def ask(  # noqa: PLR0913 - what a request asks
    place: Place,
    rows: int = 1,
    failures: int = 0,
    *,
    client: str = "client-1",
    provider: str = "c1",
    day: date = DAY,
    wrong: list[UUID] | None = None,
) -> None:
    provider_id = place.providers[provider]
    await guard.admit(
        place.database,
        scope=Scope(place.town.id, provider_id, client),
        client_id=client,
        provider_id=provider_id,
        day=day,
        at=NOW,
        rows=rows,
        failures=failures,
        wrong_birth_dates=wrong or [],
    )


async def notices(place: Place) -> list[str]:
    rows = await place.admin.fetch("SELECT subject_id FROM notice WHERE municipality_id = $1 AND kind = 'identity_lock'", place.town.id)
    return [row[0] for row in rows]


async def test_twenty_failures_are_free_and_the_next_locks(place: Place) -> None:
    for _ in range(20):
        await ask(place, failures=1)
    assert await notices(place) == []
    with pytest.raises(TooManyRequests):
        await ask(place, failures=1)
    assert await notices(place) == ["client-1"]


async def test_a_locked_client_is_refused_without_failing_until_the_berlin_day_ends(place: Place) -> None:
    with pytest.raises(TooManyRequests):
        await ask(place, rows=21, failures=21)
    with pytest.raises(TooManyRequests) as refused:
        await ask(place, rows=5000)
    midnight = datetime(2026, 11, 2, 23, 0, tzinfo=UTC)
    assert abs(int(refused.value.headers["Retry-After"]) - (midnight - NOW).total_seconds()) <= 1
    await ask(place, day=DAY + timedelta(days=1))


async def test_another_client_is_not_locked_with_it(place: Place) -> None:
    with pytest.raises(TooManyRequests):
        await ask(place, rows=21, failures=21)
    await ask(place, client="client-2")


async def test_one_percent_of_the_rows_of_a_day_may_fail(place: Place) -> None:
    await ask(place, rows=5000, failures=50)
    with pytest.raises(TooManyRequests):
        await ask(place, failures=1)


async def test_failures_at_the_same_moment_are_all_counted(place: Place) -> None:
    answers = await asyncio.gather(*(ask(place, failures=1) for _ in range(64)), return_exceptions=True)
    assert sum(isinstance(a, TooManyRequests) for a in answers) == 44
    assert all(a is None or isinstance(a, TooManyRequests) for a in answers)
    assert await notices(place) == ["client-1"]


async def test_five_wrong_birth_dates_freeze_the_number_for_that_provider_only(place: Place, entitlement: UUID) -> None:
    for _ in range(4):
        await ask(place, failures=1, wrong=[entitlement])
    assert not await is_frozen(place, "c1")
    await ask(place, failures=1, wrong=[entitlement])
    assert await is_frozen(place, "c1")
    assert not await is_frozen(place, "c2")
    assert await notices(place) == ["A-lunch"]


async def test_wrong_birth_dates_at_the_same_moment_freeze_once(place: Place, entitlement: UUID) -> None:
    await asyncio.gather(*(ask(place, failures=1, wrong=[entitlement]) for _ in range(16)))
    assert await notices(place) == ["A-lunch"]


async def test_a_done_notice_thaws_the_number_and_counting_begins_anew(place: Place, entitlement: UUID) -> None:
    await ask(place, rows=5, failures=5, wrong=[entitlement] * 5)
    notice = await place.admin.fetchval("SELECT id FROM notice WHERE municipality_id = $1", place.town.id)
    async with place.database.transaction(place.scope) as unit:
        assert await guard.thaw(unit, notice)
        assert not await guard.thaw(unit, notice)
    await ask(place, failures=1, wrong=[entitlement])
    assert not await is_frozen(place, "c1")


async def test_towns_count_apart(place: Place, database_url: str) -> None:
    other = await make_place(database_url)
    try:
        with pytest.raises(TooManyRequests):
            await ask(place, rows=21, failures=21)
        await ask(other)
    finally:
        await other.close()

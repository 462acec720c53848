import asyncio
from datetime import date
from typing import Any

import asyncpg
import pytest

from but_gateway.kit.ids import new_id
from tests.procedures.adjudication.lines import lunch
from tests.procedures.adjudication.town import Town
from tests.procedures.review.clerk import MONDAY, contested, resolved, reviews

JSON = Any
MONTH = [f"2026-{month:02d}-{day:02d}" for month, days in ((9, range(14, 26)), (10, range(1, 17))) for day in days]
MONTH = [day for day in MONTH if date.fromisoformat(day).weekday() < 5][:20]
DAYS = [f"2026-10-{day:02d}" for day in (5, 6, 7, 8, 9)]


async def alike(town: Town, ids: list[str], decision: str, who: str = "clerk") -> list[tuple[int, str | None]]:
    """Status and code for each review."""
    body = {"ids": ids, "decision": decision, "reason": "Alle gleich."}
    items = (await town.ok(who, "POST", "/reviews/resolutions", body))["items"]
    assert [item["id"] for item in items] == ids
    return [(item["status"], item["code"]) for item in items]


async def disputed(town: Town, **more: JSON) -> list[str]:
    """Five lunches under a disputed grant; the ids of their reviews."""
    await town.grant("A", status="disputed", **more)
    await town.bill("c1", lunch("A", *DAYS))
    return [item["id"] for item in await reviews(town)]


@pytest.mark.parametrize(
    ("decision", "outcome", "states"),
    [("accept", "accepted", "resolved"), ("reject", "rejected", "resolved"), ("query", "review", "query")],
)
async def test_like_cases_are_decided_together(town: Town, decision: str, outcome: str, states: str) -> None:
    ids = await disputed(town)
    assert await alike(town, ids, decision) == [(200, None)] * 5
    assert [item["decision"] for item in await reviews(town, f"?state={states}")] == [outcome] * 5


async def test_each_stands_or_falls_alone(town: Town) -> None:
    await contested(town)
    one, other = [item["id"] for item in await reviews(town)]
    unknown = str(new_id())
    done = (await disputed_elsewhere(town))[0]
    answer = await alike(town, [unknown, one, other, done, one], "accept")
    assert answer == [(404, "not_found"), (200, None), (409, "day_taken"), (200, None), (409, "wrong_state")]
    assert [item["id"] for item in await reviews(town)] == [other]


async def disputed_elsewhere(town: Town) -> list[str]:
    await town.grant("B", status="disputed")
    await town.bill("c1", lunch("B", MONDAY))
    return [item["id"] for item in await reviews(town, "?state=open") if item["grants"][0]["key"] == "B-lunch"]


async def test_what_one_takes_is_missing_for_the_next(town: Town) -> None:
    # Each proposal is reserved, so all of them can be paid; a second round finds nothing open.
    ids = await disputed(town, budget={"kind": "days", "days": 3})
    assert len(ids) == 3
    assert await alike(town, ids, "accept") == [(200, None)] * 3
    assert await alike(town, ids, "accept") == [(409, "wrong_state")] * 3


async def test_two_rounds_at_once_decide_each_review_once(town: Town) -> None:
    ids = await disputed(town)
    await asyncio.gather(town.token("clerk1"), town.token("clerk2"))
    rounds = await asyncio.gather(alike(town, ids, "accept", "clerk1"), alike(town, ids[::-1], "reject", "clerk2"))
    first, second = rounds[0], rounds[1][::-1]
    assert all({a, b} == {(200, None), (409, "wrong_state")} for a, b in zip(first, second, strict=True))


async def test_nothing_is_reduced_together(town: Town) -> None:
    ids = await disputed(town)
    body = {"ids": ids, "decision": "reduce", "reason": "Alle gleich."}
    answer = await town.call("clerk", "POST", "/reviews/resolutions", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/decision")


async def test_one_to_five_hundred_at_a_time(town: Town) -> None:
    for ids in ([], [str(new_id()) for _ in range(501)], ["nonsense"]):
        body = {"ids": ids, "decision": "accept", "reason": "Zu viele."}
        assert (await town.call("clerk", "POST", "/reviews/resolutions", body)).status_code == 422


async def test_a_refusal_for_each_is_still_an_answer(town: Town) -> None:
    ids = await disputed(town)
    await resolved(town, {"id": ids[0]}, "reject")
    assert await alike(town, ids[:1], "accept") == [(409, "wrong_state")]


async def test_five_hundred_cost_hardly_more_statements_than_five(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[int, list[str]] = {}
    children = [f"K{number}" for number in range(25)]
    for child in children:
        await town.grant(child, status="disputed")
    await town.bill("c1", *(lunch(child, *MONTH) for child in children))
    ids = [item["id"] for item in await reviews(town, "?state=open&limit=500")]
    assert len(ids) == 500
    real = asyncpg.Connection.fetch

    async def counted(self: asyncpg.Connection, query: str, *arguments: object, **options: Any) -> Any:  # noqa: ANN401 - as the driver has it
        asked.setdefault(id(self), []).append(query)
        return await real(self, query, *arguments, **options)

    monkeypatch.setattr(asyncpg.Connection, "fetch", counted)
    assert await alike(town, ids, "accept") == [(200, None)] * 500
    # On the connection that resolved them; work in the background has its own.
    (ours,) = [queries for queries in asked.values() if any("FOR UPDATE OF ps" in query for query in queries)]
    assert len(ours) <= 30

"""The same child under two keys: a notice, a merge, and from then on one child with one lunch a day."""

import asyncio
from typing import Any

import asyncpg

from but_gateway.db.embedded import asyncpg_dsn
from tests.procedures.adjudication.lines import lesson, lunch, lunch_month
from tests.procedures.adjudication.town import NOVEMBER, Town

JSON = Any
DAY, NEXT, LATER = "2026-10-05", "2026-10-06", "2026-10-07"
DECEMBER = "2026-12-03T10:00:00Z"


async def twice(town: Town, benefit: str = "lunch", **differs: JSON) -> None:
    """The same child as A and as B."""
    await town.grant("A", benefit, **differs)
    await town.grant("B", benefit, **differs)
    row = town.rows[f"B-{benefit}"]
    row["child"]["given_names"] = town.rows[f"A-{benefit}"]["child"]["given_names"]
    await town.deliver(row)


async def merge(town: Town, key: str = "A", into: str = "B", by: str = "clerk") -> JSON:
    return await town.ok(by, "POST", f"/children/{key}/merge", {"into": into})


async def notices(town: Town, kind: str) -> list[JSON]:
    return [one for one in (await town.ok("clerk", "GET", "/notices?state=open"))["items"] if one["kind"] == kind]


async def test_open_lunches_of_two_providers_meet_as_rivals(town: Town) -> None:
    await twice(town)
    assert len(await notices(town, "same_child")) == 1
    first, second = await town.bill("c1", lunch("A", DAY, NEXT)), await town.bill("c2", lunch("B", DAY, LATER))
    assert first.says == second.says == ["accepted 9.00"]
    done = await merge(town)
    assert done == {"child": "B", "also": "A", "entitlements": ["A-lunch"], "redecided": 2, "contested": 0}
    assert (await first.again()).days() == [f"{DAY} review ?4.50 M-03", f"{NEXT} accepted 4.50"]
    assert (await second.again()).days() == [f"{DAY} review ?4.50 M-03", f"{LATER} accepted 4.50"]
    assert (await town.bill("c1", lunch("B", NEXT))).says == ["rejected 0.00 M-01"]


async def test_the_same_provider_keeps_the_first(town: Town) -> None:
    await twice(town)
    first, second = await town.bill("c1", lunch("B", DAY)), await town.bill("c1", lunch("A", DAY))
    await merge(town, by="registrar")
    assert (await first.again()).says == ["accepted 4.50"]
    assert (await second.again()).says == ["rejected 0.00 M-01"]


async def test_what_is_paid_keeps_its_day_on_either_side(town: Town) -> None:
    await twice(town)
    old, new = await town.bill("c1", lunch("A", DAY)), await town.bill("c1", lunch("B", NEXT))
    await town.settle()
    rivals = [await town.bill("c2", lunch(child, day), at=DECEMBER) for child, day in (("B", DAY), ("A", NEXT))]
    assert [one.says for one in rivals] == [["accepted 4.50"]] * 2
    await merge(town)
    assert [(await one.again()).says for one in (old, new)] == [["accepted 4.50"]] * 2
    assert [(await one.again()).says for one in rivals] == [["review ?4.50 M-03"]] * 2


async def test_what_both_were_paid_stays_paid_and_is_told(town: Town) -> None:
    await twice(town)
    await town.grant("A", attends="daycare")
    await town.grant("B", attends="daycare")
    bills = [await town.bill("c1", lunch("A", DAY)), await town.bill("c2", lunch("B", DAY))]
    month = await town.bill("c3", lunch_month("A", "2026-11", attended_days=5), at=DECEMBER)
    day = await town.bill("c2", lunch("B", "2026-11-10"), at=DECEMBER)
    await town.settle(at=DECEMBER)
    assert (await merge(town))["contested"] == 2
    assert [(await one.again()).says[0].split()[0] for one in (*bills, month, day)] == ["accepted"] * 4
    assert len(await notices(town, "contested_day")) == 2
    assert (await town.bill("c1", lunch("B", DAY), at=DECEMBER)).says == ["review ?4.50 M-03"]
    # What the old child keeps can still be taken back.
    assert (await town.cancel(bills[0], at=DECEMBER)).status_code == 200


async def test_later_imports_under_the_old_key_arrive_at_the_merged_child(town: Town) -> None:
    await twice(town)
    await merge(town)
    report = await town.grant("A", valid_to="2027-01-31")
    assert (report["updated"], report["flagged"]) == (1, [])
    await town.grant("A", "tutoring")
    await town.grant("C")
    await town.ok("clerk", "POST", "/children/B/merge", {"into": "C"})
    await town.grant("A", "participation")
    for key in ("A-lunch", "A-tutoring", "A-participation", "B-lunch"):
        assert (await town.ok("auditor", "GET", f"/entitlements/{key}"))["child"]["key"] == "C"
    assert (await town.bill("t1", lesson("A", "2026-10-12"))).says == ["accepted 45.00"]


async def test_the_office_is_not_told_again_of_a_merged_child(town: Town) -> None:
    await twice(town)
    for one in await notices(town, "same_child"):
        await town.ok("clerk", "POST", f"/notices/{one['id']}/done")
    await merge(town)
    row = town.rows["B-lunch"]
    row["child"]["family_name"] = "Müller"
    await town.deliver(row)
    row["child"]["family_name"] = town.rows["A-lunch"]["child"]["family_name"]
    await town.deliver(row)
    assert await notices(town, "same_child") == []


async def test_what_cannot_be_merged(town: Town) -> None:
    await twice(town)
    for key, into, status in (("X", "B", 404), ("A", "X", 422), ("A", "A", 422)):
        assert (await town.call("clerk", "POST", f"/children/{key}/merge", {"into": into})).status_code == status
    for who in ("finance", "auditor", "orderer"):
        assert (await town.call(who, "POST", "/children/A/merge", {"into": "B"})).status_code == 403
    await merge(town)
    assert (await town.call("clerk", "POST", "/children/A/merge", {"into": "B"})).status_code == 409
    assert (await town.call("clerk", "POST", "/children/B/merge", {"into": "A"})).status_code == 422


async def test_a_merge_and_invoices_at_once_leave_one_lunch_a_day(town: Town) -> None:
    await twice(town)
    for provider in ("c1", "c2"):
        await town.need_provider(provider)
    await town.need_facility("s1")
    lunches = [(by, child, f"2026-10-{day:02}") for day in (5, 6, 7, 8, 9) for by, child in (("c1", "A"), ("c2", "B"))]

    async def later() -> JSON:
        await asyncio.sleep(0.03)
        return await merge(town)

    *answers, done = await asyncio.gather(*(town.send(by, lunch(child, day), at=NOVEMBER) for by, child, day in lunches), later())
    assert {one.status_code for one in answers} == {201}
    assert done["contested"] == 0
    connection = await asyncpg.connect(asyncpg_dsn(town.instance.database_url))
    try:
        rows = await connection.fetch(
            "SELECT c.key, s.outcome FROM position_state s JOIN child c ON c.municipality_id = s.municipality_id AND c.id = s.child_id "
            "JOIN municipality m ON m.id = s.municipality_id WHERE m.key = $1",
            town.key,
        )
    finally:
        await connection.close()
    assert {(row["key"], row["outcome"]) for row in rows} == {("B", "review")}

"""A changed register decides the open positions again that it touches, before its writer gets the answer; nothing else."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.jobs.redecisions import Redecisions
from tests.factories.instance import Instance
from tests.procedures.adjudication.lines import fee, lesson, lunch, lunch_month
from tests.procedures.adjudication.town import NOVEMBER, Town
from tests.procedures.changes.reader import Reader

DAY, NEXT, LATER = "2026-10-05", "2026-10-06", "2026-10-07"
DECEMBER = "2026-12-03T10:00:00Z"


async def decided(town: Town) -> int:
    """How many decisions a town has."""
    return await count(town, "SELECT count(*) FROM decision d JOIN municipality m ON m.id = d.municipality_id WHERE m.key = $1")


async def asked(town: Town) -> int:
    """How many re-decisions changes of registers asked for."""
    return await count(town, "SELECT count(*) FROM redecision r JOIN municipality m ON m.id = r.municipality_id WHERE m.key = $1")


async def count(town: Town, query: str) -> int:
    connection = await asyncpg.connect(asyncpg_dsn(town.instance.database_url))
    try:
        return int(await connection.fetchval(query, town.key))
    finally:
        await connection.close()


async def test_a_closing_day_entered_late_and_taken_back(town: Town) -> None:
    await town.grant("A")
    bill, other = await town.bill("c1", lunch("A", DAY, NEXT)), await town.bill("c1", lunch("A", LATER, facility="s2"))
    reader = Reader(town, "c1")
    await town.facility("s1", closed=[{"from": DAY, "to": DAY, "reason": "Wasserschaden"}])
    assert (await bill.again()).days() == [f"{DAY} rejected 0.00 M-05", f"{NEXT} accepted 4.50"]
    assert await reader.said() == [f"decision 1 {DAY}"]
    await town.facility("s1", closed=[])
    assert (await bill.again()).says == ["accepted 9.00"]
    assert len(await town.history(bill)) == 4
    assert len(await town.history(other)) == 1


async def test_weekdays_and_school_holidays_of_a_facility(town: Town) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", "2026-10-10"), lunch("A", "2026-10-19"))
    assert bill.says == ["rejected 0.00 M-05"] * 2
    await town.facility("s1", open_weekdays=[1, 2, 3, 4, 5, 6])
    assert (await bill.again()).says == ["accepted 4.50", "rejected 0.00 M-05"]
    await town.facility("s1", open_weekdays=[1, 2, 3, 4, 5, 6], observes_school_holidays=False)
    assert (await bill.again()).says == ["accepted 4.50", "accepted 4.50"]


async def test_a_cooperation_that_is_entered_late(town: Town) -> None:
    await town.grant("A", facility="s1")
    bill = await town.bill("c4", lunch("A", DAY, facility="k3"))
    assert bill.says == ["rejected 0.00 M-15 M-16"]
    await town.facility("k3", cooperating_school="s1")
    assert (await bill.again()).says == ["accepted 4.50"]


async def test_a_closing_day_shrinks_a_flat_months_opening_days(town: Town) -> None:
    await town.grant("A", attends="daycare", valid_from="2026-10-15")
    bill = await town.bill("c3", lunch_month("A", "2026-10", attended_days=5))
    before = bill.says
    await town.facility("k2", closed=[{"from": "2026-10-26", "to": "2026-10-30", "reason": "Teamtage"}])
    assert (await bill.again()).says != before


async def test_a_name_alone_touches_nothing(town: Town) -> None:
    await town.grant("A")
    await town.bill("c1", lunch("A", DAY))
    before = await asked(town)
    await town.facility("s1", name="Grundschule am Markt", closed=[])
    await town.provider("c1", name="Mensa Rheinland GmbH & Co. KG")
    await town.set(name="Musterstadt am Rhein", bank_cooling_days=5, payment_term_days=20)
    assert await asked(town) == before


async def test_an_agreed_price_that_is_corrected(town: Town) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", "2026-09-14"), lunch("A", DAY))
    assert bill.says == ["reduced 4.20 P-05", "accepted 4.50"]
    await town.agree("c1", prices=[{"item": "lunch", "valid_from": "2026-01-01", "unit_price": "4.50"}])
    assert (await bill.again()).says == ["accepted 4.50", "accepted 4.50"]
    assert len(await town.history(bill, 2)) == 1


async def test_an_agreement_that_is_made_late_moved_or_ended(town: Town) -> None:
    await town.grant("A")
    await town.agree("c2", valid_to="2026-09-30")
    bill = await town.bill("c2", lunch("A", DAY))
    assert bill.says == ["rejected 0.00 P-01"]
    await town.agree("c2", valid_from="2026-10-01", prices=[{"item": "lunch", "valid_from": "2026-10-01", "unit_price": "4.50"}])
    assert (await bill.again()).says == ["accepted 4.50"]
    await town.agree("c2", facilities=["s2"])
    assert (await bill.again()).says == ["rejected 0.00 P-01"]
    await town.agree("c2", facilities=["s1"])
    assert (await bill.again()).says == ["accepted 4.50"]
    await town.agree("c2", valid_to="2026-09-30")
    assert (await bill.again()).says == ["rejected 0.00 P-01"]


async def test_terms_of_lessons(town: Town) -> None:
    await town.grant("A", "tutoring")
    bill = await town.bill("t1", lesson("A", "2026-10-12", group_size=5, unit_price="12.00"))
    assert [f for f in bill.says[0].split() if f == "L-06"]
    await town.agree("t1", tutoring={"group_max": 6})
    assert "L-06" not in (await bill.again()).says[0]


async def test_a_suspension_and_its_end(town: Town) -> None:
    await town.grant("A")
    early = await town.bill("c1", lunch("A", DAY), at="2026-10-20T10:00:00Z")
    await town.provider("c1", status="suspended", suspended_from="2026-11-01")
    late = await town.bill("c1", lunch("A", NEXT))
    assert late.says == ["review ?4.50 P-03"]
    await town.provider("c1", status="suspended", suspended_from="2026-10-15")
    assert (await early.again()).says == ["review ?4.50 P-03"]
    await town.provider("c1")
    assert (await early.again()).says == (await late.again()).says == ["accepted 4.50"]
    assert await Reader(town, "c1").said() == [f"decision 1 {DAY}", f"decision 1 {DAY}", f"decision 1 {NEXT}"]


async def test_settings_that_decide_lines(town: Town) -> None:
    await town.grant("A")
    await town.grant("B", "tutoring")
    meal, other = await town.bill("c1", lunch("A", DAY)), await town.bill("t1", lesson("B", "2026-10-12", relative=True))
    assert other.says == ["rejected 0.00 P-08"]
    await town.set(lunch_price_ceilings=[{"valid_from": "2026-10-05", "unit_price": "4.00"}])
    assert (await meal.again()).says == ["reduced 4.00 P-07"]
    await town.set(lunch_price_ceilings=[{"valid_from": "2026-10-06", "unit_price": "4.00"}], relatives_excluded=False)
    assert (await meal.again()).says == ["accepted 4.50"]
    assert (await other.again()).says == ["accepted 45.00"]


async def test_good_faith_that_is_no_longer_protected(town: Town) -> None:
    await town.grant("A", revocation={"effective_from": DAY, "notified_on": None})
    await town.grant("B")
    bill, other = await town.bill("c1", lunch("A", DAY)), await town.bill("c1", lunch("B", DAY))
    assert bill.says == ["accepted 4.50 E-08"]
    before = await decided(town)
    await town.set(protect_good_faith=False)
    assert (await bill.again()).says == ["rejected 0.00 E-07"]
    assert (await other.again()).says == ["accepted 4.50"]
    assert await decided(town) == before + 1


async def test_a_saving_mode_touches_participation_only(town: Town) -> None:
    await town.grant("A", "participation")
    bill = await town.bill("v1", fee("A", "2026-10-01", "2026-10-31", "60.00"))
    await town.set(participation_saving="monthly_cap")
    assert (await bill.again()).says == ["reduced 15.00 X-03"]


async def test_what_is_paid_cancelled_or_decided_by_a_person_is_left_alone(town: Town) -> None:
    await town.grant("A", facility="s2")
    reviewed = await town.bill("c1", lunch("A", LATER))
    review = (await town.ok("clerk", "GET", "/reviews?state=open"))["items"][0]["id"]
    await town.ok("clerk", "POST", f"/reviews/{review}/resolution", {"decision": "accept", "approved": None, "reason": "Geklärt."})
    paid = await town.bill("c2", lunch("A", DAY, facility="s2"))
    await town.settle(at="2026-11-03T10:00:00Z")
    cancelled = await town.bill("c1", lunch("A", NEXT, facility="s2"))
    await town.cancel(cancelled)
    before = await decided(town)
    for facility in ("s1", "s2"):
        await town.facility(facility, closed=[{"from": DAY, "to": LATER, "reason": "Wasserschaden"}])
    for provider in ("c1", "c2"):
        await town.agree(provider, valid_to="2026-09-30")
    assert await decided(town) == before
    last = [(await town.history(bill))[-1].split()[0] for bill in (reviewed, paid, cancelled)]
    assert last == ["accepted", "accepted", "cancelled"]


async def test_a_persons_decision_that_the_register_now_contradicts_is_reopened(town: Town) -> None:
    await town.grant("A", facility="s2")
    bill = await town.bill("c1", lunch("A", DAY))
    review = (await town.ok("clerk", "GET", "/reviews?state=open"))["items"][0]["id"]
    await town.ok("clerk", "POST", f"/reviews/{review}/resolution", {"decision": "accept", "approved": None, "reason": "Geklärt."})
    await town.facility("s1", closed=[{"from": DAY, "to": DAY, "reason": "Wasserschaden"}])
    assert (await town.history(bill))[-1] == "accepted 4.50 M-16 person_accept"
    reviews = (await town.ok("clerk", "GET", "/reviews?state=open"))["items"]
    assert [one["invoice_id"] for one in reviews] == [bill.id]


@pytest.fixture
async def busy(town: Town, instance: Instance) -> AsyncIterator[Town]:
    """A town in which even a few positions are left to the worker."""
    redecisions = instance.app.state.follow_up.__self__
    usual, redecisions.positions_at_once = redecisions.positions_at_once, 3
    yield town
    redecisions.positions_at_once = usual


async def test_what_is_much_is_done_in_the_background(busy: Town) -> None:
    children = [f"C{i}" for i in range(6)]
    for child in children:
        await busy.grant(child)
    bill = await busy.bill("c1", *(lunch(child, DAY) for child in children))
    await busy.facility("s1", closed=[{"from": DAY, "to": DAY, "reason": "Wasserschaden"}])
    await done(busy)
    assert set((await bill.again()).says) == {"rejected 0.00 M-05"}
    assert await Reader(busy, "c1").said() == [f"decision {no} {DAY}" for no in range(1, 7)]


async def test_a_worker_that_dies_and_two_at_once_decide_everything_once(busy: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("but_gateway.procedures.redecision.work_off.CHILDREN", 2)
    state = busy.instance.app.state
    children = [f"C{i}" for i in range(9)]
    for child in children:
        await busy.grant(child)
    bill = await busy.bill("c1", *(lunch(child, DAY) for child in children))
    await busy.facility("s1", closed=[{"from": DAY, "to": DAY, "reason": "Wasserschaden"}])
    workers = [Redecisions(state.database, state.directory, state.clock) for _ in range(3)]
    dying = asyncio.create_task(workers[0].sweep([busy.key]))
    await asyncio.sleep(0.005)
    dying.cancel()
    await asyncio.gather(dying, *(worker.sweep([busy.key]) for worker in workers[1:]), return_exceptions=True)
    await done(busy)
    assert set((await bill.again()).says) == {"rejected 0.00 M-05"}
    assert [len(await busy.history(bill, no)) for no in range(1, 10)] == [2] * 9


async def done(town: Town) -> None:
    """Waits for the worker."""
    running = "SELECT count(*) FROM redecision r JOIN municipality m ON m.id = r.municipality_id WHERE m.key = $1 AND r.state <> 'done'"
    for _ in range(400):
        if not await count(town, running):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("a re-decision did not end")


async def test_what_is_submitted_while_a_register_changes_is_decided_by_the_new_one_in_the_end(town: Town) -> None:
    children = [f"C{i}" for i in range(8)]
    for child in children:
        await town.grant(child)
    await town.need_provider("c1")
    await town.need_facility("s1")

    async def change() -> None:
        for cents in ("4.00", "4.10", "4.20", "4.30"):
            await town.agree("c1", prices=[{"item": "lunch", "valid_from": "2026-01-01", "unit_price": cents}])

    *bills, _ = await asyncio.gather(*(town.send("c1", lunch(child, DAY), at=NOVEMBER) for child in children), change())
    assert {answer.status_code for answer in bills if answer is not None} == {201}
    for answer in bills:
        assert answer is not None
        whole = await town.ok("c1", "GET", f"/invoices/{answer.json()['id']}")
        assert whole["totals"]["approved"] == "4.30"

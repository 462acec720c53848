"""Several people, and invoices meanwhile: each position in exactly one batch, and nobody sees a deadlock."""

import asyncio
from collections import Counter
from datetime import date, timedelta

from but_gateway.identity.principal import Role
from tests.factories.billing import Meal
from tests.procedures.settlement.conftest import WISH, Treasury, refused

ROUNDS, DRAWERS = 50, 8
FIRST = date(2026, 1, 1)


async def positions_in_batches(treasury: Treasury) -> Counter[object]:
    async with treasury.billing.unit() as unit:
        rows = await unit.driver.fetch("SELECT DISTINCT i.position_id, i.batch_id FROM order_item i")
    return Counter(row["position_id"] for row in rows)


async def test_eight_draw_ups_at_once_take_each_position_once(treasury: Treasury) -> None:
    billing = treasury.billing
    children = [await billing.child("sgb2", "bkgg") for _ in range(3)]
    people = [await treasury.person(f"drawer-{n}", Role.FINANCE) for n in range(DRAWERS)]
    made = 0
    for number in range(ROUNDS):
        for key, basis in (("c1", "sgb2"), ("c2", "bkgg")):
            days = [FIRST + timedelta(days=2 * number + (key == "c2"))]
            await billing.invoice(key, [Meal(child, day, {basis: 450}) for child in children for day in days])
        # Half of them want one provider only, so that draw-ups of different cut meet.
        wishes = [WISH | {"providers": None if n % 2 else [("c1", "c2")[n // 2 % 2]]} for n in range(DRAWERS)]
        answers = await asyncio.gather(*(p.post("/settlement-batches", w) for p, w in zip(people, wishes, strict=True)))
        assert {a.status_code for a in answers} <= {201, 409}
        assert {a.json()["code"] for a in answers if a.status_code == 409} <= {"nothing_to_settle"}
        made += sum(a.status_code == 201 for a in answers)
    found = await positions_in_batches(treasury)
    assert len(found) == ROUNDS * 6
    assert set(found.values()) == {1}
    async with treasury.billing.unit() as unit:
        numbers = await unit.driver.fetch("SELECT serial FROM settlement_batch ORDER BY serial")
    assert [row["serial"] for row in numbers] == list(range(1, made + 1))


async def test_drawing_up_while_invoices_arrive_loses_and_doubles_nothing(treasury: Treasury) -> None:
    billing = treasury.billing
    children = [await billing.child() for _ in range(4)]
    people = [await treasury.person(f"drawer-{n}", Role.FINANCE) for n in range(3)]

    async def bill(key: str, shift: int) -> None:
        for number in range(20):
            day = FIRST + timedelta(days=2 * number + shift)
            # Children in another order each time: the locks are ordered, not the callers.
            order = children if number % 2 else children[::-1]
            await billing.invoice(key, [Meal(child, day, {"sgb2": 450}) for child in order])

    async def draw(person: object) -> None:
        for _ in range(12):
            answer = await person.post("/settlement-batches", WISH)  # type: ignore[attr-defined] # a Caller
            assert answer.status_code in {201, 409}, answer.text
            await asyncio.sleep(0)

    await asyncio.gather(bill("c1", 0), bill("c2", 1), *(draw(person) for person in people))
    await treasury.finance.post("/settlement-batches", WISH)
    found = await positions_in_batches(treasury)
    assert len(found) == 2 * 20 * 4
    assert set(found.values()) == {1}


async def test_of_two_hand_overs_at_once_one_wins(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, FIRST, {"sgb2": 450})])
    batch = await treasury.draw_up()
    await treasury.certify(batch)
    await treasury.order(batch)
    people = [await treasury.person(f"hand-{n}", Role.FINANCE) for n in range(4)]
    answers = await asyncio.gather(*(treasury.step(person, batch, "hand-over") for person in people))
    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409]
    assert {refused(a) for a in answers if a.status_code == 409} == {(409, "wrong_state")}


async def test_ordering_withdrawing_and_handing_over_at_once_ends_in_one_state(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    other = await treasury.person("other", Role.FINANCE)
    for number in range(10):
        await treasury.billing.invoice("c1", [Meal(child, FIRST + timedelta(days=number), {"sgb2": 450})])
        batch = await treasury.draw_up()
        await treasury.certify(batch)
        await treasury.order(batch)
        answers = await asyncio.gather(
            treasury.step(treasury.finance, batch, "hand-over"),
            treasury.step(other, batch, "withdrawal"),
            treasury.step(treasury.orderer, batch, "reopen", {"reason": "Zweifel"}),
        )
        assert sum(a.status_code == 200 for a in answers) in {1, 2}, "a reopened batch may still be withdrawn"
        if (await treasury.read(batch))["state"] not in {"handed_over", "withdrawn"}:
            await treasury.step(other, batch, "withdrawal")

"""Several people report the same at once, draw up and hand over meanwhile: exactly one books, and nobody sees a deadlock."""

import asyncio

from but_gateway.identity.principal import Role
from tests.formats.statements import Detail, Entry, camt
from tests.procedures.reconciliation.conftest import Bank, paid, returned
from tests.registers.office import Caller

ROUNDS, REPORTERS = 10, 6


async def reporters(bank: Bank) -> list[Caller]:
    return [await bank.treasury.person(f"reporter-{n}", Role.FINANCE) for n in range(REPORTERS)]


async def test_the_same_statement_at_once_is_booked_once(bank: Bank) -> None:
    people = await reporters(bank)
    for number in range(ROUNDS):
        batch = await bank.batch("c1", "c2", cents=450 + number)
        stated = [Entry(p["net"], (Detail(p["end_to_end_id"], p["net"]),)) for p in batch["payments"]]
        # The same bookings in two files and in two orders.
        files = [camt("camt.053", stated), camt("camt.054", stated[::-1])]
        answers = await asyncio.gather(
            *(
                person.http.post(
                    f"{person.base}/payment-reports",
                    content=files[n % 2],
                    headers=person.headers | {"idempotency-key": f"round-{number}-{n}", "content-type": "application/xml"},
                )
                for n, person in enumerate(people)
            )
        )
        assert [a.status_code for a in answers] == [200] * REPORTERS
        assert sum(a.json()["matched"] for a in answers) == 2
        assert sum(a.json()["already_known"] for a in answers) == 2 * (REPORTERS - 1)
        assert [len(await bank.booked(p)) for p in batch["payments"]] == [1, 1]


async def test_reports_and_repeats_meet_without_paying_twice(bank: Bank) -> None:
    """A returned payment is reported as executed again while its repeat is handed over: one of the two wins."""
    people = await reporters(bank)
    seen = set()
    for number in range(ROUNDS):
        first = await bank.batch("c1", cents=450 + number)
        (payment,) = first["payments"]
        await bank.report(paid(payment), returned(payment))
        await bank.bill("c2")
        batch = await bank.treasury.draw_up()
        await bank.treasury.certify(batch)
        await bank.treasury.order(batch)
        steps = [
            bank.treasury.step(bank.treasury.finance, batch, "hand-over"),
            bank.report(paid(payment, "2026-12-20"), caller=people[0]),
            bank.report(*(paid(p, "2026-12-21") for p in batch["payments"]), caller=people[1]),
        ]
        await asyncio.gather(*(steps[number % 3 :] + steps[: number % 3]))
        state = (await bank.states(first))[1][0]
        handed = await bank.treasury.read(batch)
        repeated = any(p["repeats"] == payment["id"] for p in handed["payments"])
        assert (state == "paid") != repeated
        seen.add(repeated)
        await bank.report(*(paid(p, "2026-12-21") for p in handed["payments"]))
    assert seen <= {True, False}


async def test_returns_while_batches_are_drawn_up_are_repeated_once(bank: Bank) -> None:
    people = await reporters(bank)
    batch = await bank.batch("c1", "c2")
    await bank.report(*(paid(p) for p in batch["payments"]))
    wish = {"cutoff": "2026-11-30", "due_on": "2026-12-15"}
    await asyncio.gather(
        *(bank.report(returned(p), caller=people[n]) for n, p in enumerate(batch["payments"])),
        *(person.post("/settlement-batches", wish) for person in people[2:]),
    )
    await people[0].post("/settlement-batches", wish)
    async with bank.treasury.billing.unit() as unit:
        rows = await unit.driver.fetch(
            "SELECT repeats_id FROM payment WHERE municipality_id = $1 AND repeats_id IS NOT NULL", unit.municipality_id
        )
    assert sorted(str(row["repeats_id"]) for row in rows) == sorted(p["id"] for p in batch["payments"])

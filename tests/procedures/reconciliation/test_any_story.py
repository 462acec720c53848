"""Whatever happens in whatever order – bill, draw up, hand over, pay, return, report again – all invariants hold, and no money is lost."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

import asyncpg
import pytest

from but_gateway.audit.invariants import violations
from tests.formats.statements import Detail, Entry, camt
from tests.procedures.reconciliation.conftest import Bank, counts, paid, returned
from tests.procedures.settlement.conftest import BOTH, WISH

JSON = Any
STEPS, PROVIDERS = 40, ("c1", "c2", "c3")
ACTIONS = ("bill", "draw up", "hand over", "hold", "withdraw", "pay", "pay", "pay", "return", "return", "again", "statement", "account")


@dataclass
class Story:
    """What happened so far: open and handed-over batches, all that was ever reported."""

    bank: Bank
    chance: Random
    plans: list[JSON] = field(default_factory=list)
    handed: list[JSON] = field(default_factory=list)
    reported: list[JSON] = field(default_factory=list)
    day: date = date(2026, 12, 1)

    async def act(self) -> None:
        """One step."""
        self.day += timedelta(days=self.chance.randrange(3))
        match self.chance.choice(ACTIONS):
            case "bill":
                await self.bank.bill(self.chance.choice(PROVIDERS), cents=self.chance.randrange(100, 900), bases=("sgb2", "bkgg"))
            case "draw up":
                answer = await self.bank.treasury.finance.post("/settlement-batches", WISH)
                assert answer.status_code in {201, 409}
                self.plans += [answer.json()] if answer.status_code == 201 else []
            case "hand over" if self.plans:
                await self.hand_over(self.plans.pop())
            case "hold" if self.plans:
                plan = self.chance.choice(self.plans)
                path = f"/settlement-batches/{plan['id']}/payments/{self.chance.choice(plan['payments'])['id']}/hold"
                assert (await self.bank.treasury.finance.post(path, {"reason": "Rückfrage"})).status_code in {200, 409}
            case "withdraw" if self.plans:
                plan = self.plans.pop(0)
                await self.bank.treasury.step(self.bank.treasury.finance, plan, "withdrawal")
            case "pay" | "return" as what if self.handed:
                payment = self.chance.choice(self.chance.choice(self.handed)["payments"])
                day = self.day - timedelta(days=self.chance.choice((0, 0, 0, 2, 9)))
                await self.report((paid if what == "pay" else returned)(payment, day.isoformat()))
            case "again" if self.reported:
                assert (await self.bank.report(self.chance.choice(self.reported)))[0] == 0
            case "statement" if self.handed:
                await self.statement(self.chance.choice(self.handed))
            case "account":
                await self.bank.treasury.billing.bank_account(self.chance.choice(PROVIDERS))

    async def report(self, said: JSON) -> None:
        """A message of the treasury."""
        self.reported.append(said)
        await self.bank.report(said)

    async def statement(self, batch: JSON) -> None:
        """What the bank booked of a batch, twice."""
        entries = [Entry(p["net"], (Detail(p["end_to_end_id"], p["net"]),), booked_on=self.day.isoformat()) for p in batch["payments"]]
        content = camt("camt.053", entries)
        await self.bank.send(content)
        assert counts(await self.bank.send(content))[0] == 0

    async def hand_over(self, plan: JSON) -> None:
        """A plan to its end; it stays a plan when all of it is held."""
        treasury = self.bank.treasury
        await treasury.step(treasury.finance, plan, "certification", BOTH)
        await treasury.step(treasury.orderer, plan, "order")
        answer = await treasury.step(treasury.finance, plan, "hand-over")
        assert answer.status_code in {200, 409}, answer.text
        if answer.status_code == 200:
            self.handed.append(answer.json())


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_the_books_are_right(bank: Bank, superuser: asyncpg.Connection, seed: int) -> None:
    story = Story(bank, Random(seed))  # noqa: S311 - a story, no secret
    await bank.treasury.billing.provider("c3", name="Mensa Uerdingen eG")
    for _ in range(2):
        await bank.bill(*PROVIDERS, bases=("sgb2", "bkgg"))
        await story.hand_over(await bank.treasury.draw_up())
    for number in range(STEPS):
        await story.act()
        if number % 10 == 9:
            assert await violations(superuser) == {}
    assert await violations(superuser) == {}
    async with bank.treasury.billing.unit() as unit:
        bank_sum, paid_sum = await unit.driver.fetchrow(
            """
            SELECT (SELECT coalesce(sum(CASE debit WHEN 'ordered' THEN cents ELSE -cents END), 0) FROM posting
                    WHERE municipality_id = $1 AND kind IN ('payment', 'return')),
                   (SELECT coalesce(sum(net), 0) FROM payment WHERE municipality_id = $1 AND state = 'paid')
            """,
            unit.municipality_id,
        )
    assert bank_sum == paid_sum

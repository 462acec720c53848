"""Whatever happens to invoices, batches and payments: reports and ledger say the same, to the cent, on every day."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import asyncpg
import pytest

from but_gateway.kit.money import parse_money
from but_gateway.procedures.reporting.store import liabilities, spending
from tests.factories.billing import Billed, Meal
from tests.procedures.settlement.conftest import BOTH, Treasury, created, done

JSON = Any
FIRST = datetime(2026, 11, 2, 10, tzinfo=UTC)
STEPS = 24


class History:
    """A town in which things happen, one a day."""

    def __init__(self, treasury: Treasury, random: Random) -> None:
        self.treasury, self.random, self.now = treasury, random, FIRST
        self.paid: list[tuple[JSON, str]] = []  # payments handed over, and what the bank said last
        self.correctable: list[tuple[str, Billed, int]] = []
        self.service_days = (date(2026, 1, 1) + timedelta(days=n) for n in range(1_000))

    async def bill(self) -> None:
        provider = self.random.choice(("c1", "c2"))
        child = await self.treasury.billing.child("sgb2", "bkgg")
        meals = [Meal(child, next(self.service_days), {"sgb2": self.random.randint(1, 500), "bkgg": 100}) for _ in range(3)]
        billed = await self.treasury.billing.invoice(provider, meals, received_at=self.now)
        self.correctable += [(provider, billed, index) for index in range(3)]

    async def correct(self) -> None:
        if self.correctable:
            provider, billed, index = self.correctable.pop(self.random.randrange(len(self.correctable)))
            await self.treasury.billing.correction(provider, billed, index, received_at=self.now)

    async def settle(self) -> None:
        finance, orderer = (who.at(self.now.isoformat()) for who in (self.treasury.finance, self.treasury.orderer))
        answer = await finance.post("/settlement-batches", {"cutoff": "2027-12-31", "due_on": "2027-12-31"})
        if answer.status_code == 409:
            return
        path = f"/settlement-batches/{created(answer)['id']}"
        if self.random.random() < 0.3:
            done(await finance.post(f"{path}/withdrawal"))
            return
        done(await finance.post(f"{path}/certification", BOTH))
        done(await orderer.post(f"{path}/order"))
        answer = await finance.post(f"{path}/hand-over")
        if answer.status_code == 409:  # nothing but payments that are held
            done(await finance.post(f"{path}/withdrawal"))
        else:
            self.paid += [(payment, "handed_over") for payment in done(answer)["payments"]]

    async def bank(self) -> None:
        if self.paid:
            place = self.random.randrange(len(self.paid))
            payment, said = self.paid[place]
            status = "returned" if said == "paid" else "paid"
            if said != "returned":
                entry = {"end_to_end_id": payment["end_to_end_id"], "status": status, "on": str(self.now.date()), "amount": payment["net"]}
                finance = self.treasury.finance.at(self.now.isoformat())
                assert done(await finance.post("/payment-reports", {"payments": [entry]}))["matched"] == 1
                self.paid[place] = (payment, status)

    async def go_on(self) -> None:
        await self.random.choice((self.bill, self.bill, self.correct, self.settle, self.bank, self.bank))()
        self.now += timedelta(days=1)


async def ledger(superuser: asyncpg.Connection, treasury: Treasury, on: date) -> tuple[int, int, int]:
    """Payable, ordered and spent at the end of a day, in cents, straight from the postings."""
    row = await superuser.fetchrow(
        """
        SELECT coalesce(sum(CASE kind WHEN 'decision' THEN cents WHEN 'settlement' THEN -cents ELSE 0 END), 0)::bigint AS payable,
               coalesce(sum(CASE WHEN kind = 'settlement' THEN cents WHEN kind = 'decision' THEN 0
                                 WHEN debit = 'ordered' THEN -cents ELSE cents END), 0)::bigint AS ordered,
               coalesce(sum(CASE WHEN booked_on IS NULL THEN 0 WHEN debit = 'ordered' THEN cents ELSE -cents END), 0)::bigint AS spent
        FROM posting WHERE municipality_id = $1 AND coalesce(booked_on, (at AT TIME ZONE 'Europe/Berlin')::date) <= $2
        """,
        treasury.office.towns[treasury.town].id,
        on,
    )
    return row["payable"], row["ordered"], row["spent"]


async def reported(treasury: Treasury, on: date) -> tuple[int, int]:
    async with treasury.billing.unit() as unit:
        rows = await liabilities(unit, on, term_days=30, warning_days=7)
    owed = {row.state: 0 for row in rows}
    for row in rows:
        assert row.amount == row.in_time + row.soon + row.late
        owed[row.state] += row.net
    return owed.get("unsettled", 0) + owed.get("in_batch", 0), owed.get("handed_over", 0)  # type: ignore[call-overload] # states are texts


@pytest.mark.parametrize("seed", range(2))
async def test_reports_say_what_the_ledger_says(treasury: Treasury, superuser: asyncpg.Connection, seed: int) -> None:
    history = History(treasury, Random(seed))  # noqa: S311 - a history that can be told again
    await history.bill()
    for _ in range(STEPS):
        await history.go_on()
    for day in range(STEPS + 1):
        on = FIRST.date() + timedelta(days=day)
        payable, ordered, _ = await ledger(superuser, treasury, on)
        assert await reported(treasury, on) == (payable, ordered), on
    async with treasury.billing.unit() as unit:
        rows = [*await spending(unit, 2026), *await spending(unit, 2027)]
    spent = sum(row.net for row in rows)
    assert spent == (await ledger(superuser, treasury, date(2027, 12, 31)))[2]
    handed = sum(parse_money(payment["net"]) for payment, said in history.paid if said == "paid")
    assert spent == handed

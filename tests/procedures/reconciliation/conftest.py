"""The towns and people of settlement, and a bank that says what it did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from but_gateway.db.session import UnitOfWork
from tests.factories.billing import Meal
from tests.procedures.settlement.conftest import Treasury, done, settlement_office, settlement_url, superuser, treasury
from tests.registers.office import Caller

JSON = Any
__all__ = ["settlement_office", "settlement_url", "superuser", "treasury"]
_DAYS = count(1)


@dataclass
class Bank:
    """Pays what a town handed over, and reports it."""

    treasury: Treasury

    async def batch(self, *providers: str, cents: int = 450, bases: Sequence[str] = ("sgb2",)) -> JSON:
        """A batch that was handed over, with a lunch of each provider under each legal basis."""
        await self.bill(*providers, cents=cents, bases=bases)
        return await self.treasury.settle()

    async def bill(self, *providers: str, cents: int = 450, bases: Sequence[str] = ("sgb2",)) -> None:
        """An invoice of one lunch from each provider."""
        child = await self.treasury.billing.child(*bases)
        for provider in providers or ("c1",):
            day = date.fromordinal(date(2026, 1, 1).toordinal() + next(_DAYS) % 300)
            await self.treasury.billing.invoice(provider, [Meal(child, day, dict.fromkeys(bases, cents))])

    async def report(self, *payments: Mapping[str, JSON], caller: Caller | None = None) -> JSON:
        """A report as JSON; its counts."""
        return counts(await (caller or self.treasury.finance).post("/payment-reports", {"payments": list(payments)}))

    async def send(self, content: bytes, media_type: str = "application/xml") -> httpx.Response:
        """A report as bytes."""
        caller = self.treasury.finance
        headers = caller.headers | {"idempotency-key": str(uuid4()), "content-type": media_type}
        return await caller.http.post(f"{caller.base}/payment-reports", content=content, headers=headers)

    async def entries(self, state: str | None = None) -> list[JSON]:
        """What stands in the list."""
        query = f"?state={state}" if state else ""
        items: list[JSON] = done(await self.treasury.finance.get(f"/payment-entries{query}"))["items"]
        return items

    async def states(self, batch: JSON) -> tuple[str, list[str]]:
        """The state of a batch and of its payments, in their order."""
        async with self.treasury.billing.unit() as unit:
            query = "SELECT state FROM settlement_batch WHERE municipality_id = $1 AND id = $2"
            state = await unit.driver.fetchval(query, *_at(unit, batch))
            query = "SELECT state FROM payment WHERE municipality_id = $1 AND batch_id = $2 ORDER BY serial"
            rows = await unit.driver.fetch(query, *_at(unit, batch))
        return state, [row["state"] for row in rows]

    async def booked(self, payment: JSON) -> list[tuple[str, str, int, str]]:
        """What the ledger says of the bank and a payment: kind, debit, cents, day."""
        async with self.treasury.billing.unit() as unit:
            rows = await unit.driver.fetch(
                "SELECT kind, debit, cents, booked_on FROM posting WHERE municipality_id = $1 AND payment_id = $2::text::uuid"
                " AND kind IN ('payment', 'return') ORDER BY id",
                unit.municipality_id,
                payment["id"],
            )
        return [(row["kind"], row["debit"], row["cents"], str(row["booked_on"])) for row in rows]


def _at(unit: UnitOfWork, batch: JSON) -> tuple[UUID, UUID]:
    return unit.municipality_id, UUID(batch["id"])


def counts(answer: httpx.Response) -> JSON:
    """Matched, unmatched and already known of an answer."""
    body = done(answer)
    return body["matched"], body["unmatched"], body["already_known"]


def paid(payment: JSON, on: str = "2026-12-15", **other: JSON) -> JSON:
    """The treasury's word that a payment was paid."""
    return {"end_to_end_id": payment["end_to_end_id"], "status": "paid", "on": on, "amount": payment["net"]} | other


def returned(payment: JSON, on: str = "2026-12-17", **other: JSON) -> JSON:
    """The treasury's word that a payment came back."""
    return paid(payment, on) | {"status": "returned"} | other


@pytest.fixture
def bank(treasury: Treasury) -> Bank:
    """The bank of a fresh town."""
    return Bank(treasury)

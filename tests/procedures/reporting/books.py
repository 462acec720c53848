"""What tests of reports ask of a town: what the bank did, and what a report says."""

from typing import Any

import asyncpg
import httpx

from but_gateway.identity.principal import Role
from tests.procedures.settlement.conftest import Treasury, done

JSON = Any


async def bank(treasury: Treasury, on: str, *payments: JSON, status: str = "paid") -> None:
    """The bank reports payments of a batch as paid or returned."""
    body = {"payments": [{"end_to_end_id": p["end_to_end_id"], "status": status, "on": on, "amount": p["net"]} for p in payments]}
    answer = done(await treasury.finance.at("2027-06-01T10:00:00Z").post("/payment-reports", body))
    assert answer["matched"] == len(payments)


async def report(treasury: Treasury, path: str, role: Role = Role.FINANCE, **headers: str) -> httpx.Response:
    """A report as somebody of this role gets it."""
    return await (await treasury.person(f"reader-{role}", role)).get(f"/reports/{path}", **headers)


async def items(treasury: Treasury, path: str) -> list[JSON]:
    found: list[JSON] = done(await report(treasury, path))["items"]
    return found


async def balances(superuser: asyncpg.Connection, treasury: Treasury) -> dict[str, int]:
    """What each account of the town's ledger comes to, in cents."""
    rows = await superuser.fetch(
        """
        SELECT x.account, sum(x.cents)::bigint AS cents FROM posting p
        CROSS JOIN LATERAL (VALUES (p.debit, p.cents), (p.credit, -p.cents)) x(account, cents)
        WHERE p.municipality_id = $1 GROUP BY 1
        """,
        treasury.office.towns[treasury.town].id,
    )
    return {row["account"]: row["cents"] for row in rows}

"""What a clerk does with reviews, over HTTP."""

from typing import Any

import httpx

from tests.procedures.adjudication.lines import lesson, lunch
from tests.procedures.adjudication.town import NOVEMBER, Bill, Town

JSON = Any
MONDAY = "2026-10-05"


async def reviews(town: Town, query: str = "?state=open", who: str = "clerk") -> list[JSON]:
    """The reviews a filter gives."""
    items: list[JSON] = (await town.ok(who, "GET", f"/reviews{query}"))["items"]
    return items


async def resolve(  # noqa: PLR0913 - what is decided, and by whom
    town: Town, review: JSON, decision: str, approved: str | None = None, *, who: str = "clerk", at: str = NOVEMBER
) -> httpx.Response:
    """One decision, whatever the answer."""
    body = {"decision": decision, "reason": "Akte liegt vor."} | ({} if approved is None else {"approved": approved})
    return await town.call(who, "POST", f"/reviews/{review['id']}/resolution", body, at)


async def resolved(town: Town, review: JSON, decision: str, approved: str | None = None) -> JSON:
    """The position after a decision that must stand."""
    answer = await resolve(town, review, decision, approved)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["code"]


async def told(bill: Bill, line_no: int = 1) -> JSON:
    """The line as its provider reads it now."""
    return (await bill.town.ok(bill.by, "GET", f"/invoices/{bill.id}"))["lines"][line_no - 1]


async def left(town: Town, entitlement: str) -> tuple[int, int]:
    """Used and reserved of the first grant of an entitlement."""
    grant = (await town.ok("registrar", "GET", f"/entitlements/{entitlement}"))["grants"][0]
    return grant["used"], grant["reserved"]


async def unproven(town: Town, *, minutes: int = 900) -> Bill:
    """A lesson of 90 minutes for 45.00 without its proof: under review (L-14)."""
    await town.grant("O", "tutoring", budget={"kind": "minutes", "minutes": minutes})
    return await town.bill("t1", lesson("O", MONDAY, proof=None))


async def contested(town: Town, day: str = MONDAY) -> tuple[Bill, Bill]:
    """Two caterers bill one lunch, and nothing attributes it: both under review (M-03)."""
    await town.grant("A")
    return await town.bill("c1", lunch("A", day)), await town.bill("c2", lunch("A", day))

"""Days of one line share a decision where nothing can tell them apart: the same days billed one by one come out alike."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.procedures.adjudication.lines import lunch
from tests.procedures.adjudication.town import Town

FIRST = date(2026, 9, 1)
MONTHS = [[str(FIRST + timedelta(days=n)) for n in range(30)], [str(FIRST + timedelta(days=n)) for n in range(30, 61)]]
REVOKED = {"effective_from": "2026-09-10", "notified_on": "2026-09-24"}
GRANTS: list[dict[str, Any]] = [
    {},
    {"valid_from": "2026-09-09", "valid_to": "2026-10-13"},
    {"revocation": REVOKED},
    {"revocation": REVOKED | {"notified_on": None}},
    {"legal_basis": "bkgg", "valid_from": "2026-09-20", "valid_to": "2026-10-02"},
    {"born": "2001-09-17"},
    {"born": "2001-09-17", "legal_basis": "bkgg"},
    {"budget": {"kind": "days", "days": 12}},
    {"budget": {"kind": "amount", "amount": "77.00"}},
    {"facility": "k1"},
    {"status": "disputed"},
]


@pytest.mark.parametrize("grant", GRANTS, ids=lambda grant: ",".join(grant) or "plain")
@pytest.mark.parametrize("facility", ["s1", "k4"])
async def test_many_days_on_one_line_are_decided_as_if_each_were_billed_alone(town: Town, grant: dict[str, Any], facility: str) -> None:
    await town.agree("c1", valid_to="2026-10-14")
    await town.set(lunch_price_ceilings=[{"valid_from": "2026-10-06", "unit_price": "4.00"}], holiday_lunch="review")
    for child in ("A", "B"):
        await town.grant(child, **grant)
    old = await town.replace_number("A-lunch", "2026-09-29"), await town.replace_number("B-lunch", "2026-09-29")
    at = "2027-01-05T10:00:00Z"
    together = await town.bill("c1", *(lunch("A", *days, facility=facility, entitlement_number=old[0]) for days in MONTHS), at=at)
    alone = await town.bill(
        "c1", *(lunch("B", day, facility=facility, entitlement_number=old[1]) for days in MONTHS for day in days), at=at
    )
    one_by_one = [alone.days(no)[0] for no in range(1, 62)]
    assert together.days(1) + together.days(2) == one_by_one
    assert len({said.partition(" ")[2] for said in one_by_one}) > 2

"""A later fact decides again what it touches, and nothing else."""

import asyncpg

from but_gateway.db.embedded import asyncpg_dsn
from tests.procedures.adjudication.lines import correction, fee, lesson, lunch
from tests.procedures.adjudication.town import Bill, Town

DAY, NEXT, LATER = "2026-10-05", "2026-10-06", "2026-10-07"
DECEMBER = "2026-12-03T10:00:00Z"


async def histories(*bills: Bill) -> list[list[str]]:
    """Every decision about the first line of each."""
    return [await bill.town.history(bill) for bill in bills]


async def test_a_grant_that_arrives_late_pays_what_was_rejected(town: Town) -> None:
    await town.grant("A", valid_from="2026-10-07")
    await town.grant("B")
    bill, other = await town.bill("c1", lunch("A", DAY, NEXT, LATER)), await town.bill("c1", lunch("B", DAY))
    assert bill.says == ["mixed 4.50 E-01"]
    await town.grant("A", key="A-early", entitlement="A-lunch", valid_from="2026-09-01", valid_to="2026-10-05", legal_basis="sgb12_3")
    assert (await bill.again()).days() == [f"{DAY} accepted 4.50", f"{NEXT} rejected 0.00 E-01", f"{LATER} accepted 4.50"]
    assert await histories(other) == [["accepted 4.50"]]
    assert len(await town.history(bill)) == 4


async def test_the_same_grant_again_decides_nothing(town: Town) -> None:
    await town.grant("A", facility="s1", budget={"kind": "days", "days": 1})
    bill = await town.bill("c1", lunch("A", DAY), lunch("A", NEXT), lunch("A", LATER, facility="s2"))
    before = await town.history(bill), await town.history(bill, 2), await town.history(bill, 3)
    await town.grant("A")
    await town.grant("A", legal_basis="sgb2")
    assert (await town.history(bill), await town.history(bill, 2), await town.history(bill, 3)) == before


async def test_an_extension_pays_the_days_it_adds(town: Town) -> None:
    await town.grant("A", valid_to=DAY)
    bill = await town.bill("c1", lunch("A", DAY, NEXT))
    await town.grant("A", valid_to=NEXT, at=DECEMBER)
    assert (await bill.again()).says == ["accepted 9.00"]
    assert await town.history(bill) == ["accepted 4.50", "rejected 0.00 E-01", "accepted 4.50"]


async def test_a_shortened_grant_rejects_accepted_days_that_are_not_paid_yet(town: Town) -> None:
    await town.grant("A")
    paid = await town.bill("c1", lunch("A", NEXT))
    await town.settle()
    fresh = await town.bill("c1", lunch("A", LATER), at=DECEMBER)
    await town.grant("A", valid_to=DAY, at=DECEMBER)
    assert (await paid.again()).says == ["accepted 4.50"]
    assert (await fresh.again()).says == ["rejected 0.00 E-01"]
    assert (await town.bill("c1", lunch("A", NEXT), at=DECEMBER)).says == ["rejected 0.00 E-01 M-01"]


async def test_a_revocation_and_its_withdrawal(town: Town) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", DAY), lunch("A", NEXT), lunch("A", LATER))
    await town.grant("A", revocation={"effective_from": DAY, "notified_on": NEXT})
    assert (await bill.again()).says == ["accepted 4.50 E-08", "rejected 0.00 E-07", "rejected 0.00 E-07"]
    await town.grant("A", revocation=None)
    assert (await bill.again()).says == ["accepted 4.50"] * 3
    assert await town.history(bill, 2) == ["accepted 4.50", "rejected 0.00 E-07", "accepted 4.50"]


async def test_a_change_of_facility_settles_what_waited_for_it(town: Town) -> None:
    await town.grant("A", facility="s1")
    bill = await town.bill("c1", lunch("A", DAY, facility="s2"), lunch("A", NEXT))
    assert bill.says == ["review ?4.50 M-16", "accepted 4.50"]
    await town.need_facility("s2")
    await town.grant("A", facility="s2")
    assert (await bill.again()).says == ["accepted 4.50", "review ?4.50 M-16"]
    assert len((await town.ok("clerk", "GET", "/reviews?state=open"))["items"]) == 1


async def test_a_named_provider_ends_a_contest(town: Town) -> None:
    await town.grant("A")
    first, second = await town.bill("c1", lunch("A", DAY)), await town.bill("c2", lunch("A", DAY))
    await town.grant("A", provider="c2")
    assert (await first.again()).says == ["rejected 0.00 P-04"]
    assert (await second.again()).says == ["accepted 4.50"]


async def test_a_raised_budget_pays_in_the_order_of_receipt(town: Town) -> None:
    await town.grant("A", budget={"kind": "days", "days": 1})
    bills = [await town.bill("c1", lunch("A", day)) for day in (LATER, NEXT, DAY)]
    assert [b.says[0] for b in bills] == ["accepted 4.50", "rejected 0.00 B-01", "rejected 0.00 B-01"]
    await town.grant("A", budget={"kind": "days", "days": 2})
    assert [(await b.again()).says[0] for b in bills] == ["accepted 4.50", "accepted 4.50", "rejected 0.00 B-01"]
    await town.grant("A", budget={"kind": "unlimited"})
    assert [(await b.again()).says[0] for b in bills] == ["accepted 4.50"] * 3


async def test_a_lowered_budget_takes_from_the_last_and_never_from_what_is_paid(town: Town) -> None:
    await town.grant("A", budget={"kind": "amount", "amount": "100.00"})
    paid = await town.bill("c1", lunch("A", DAY))
    await town.settle()
    open_ = [await town.bill("c1", lunch("A", day), at=DECEMBER) for day in (NEXT, LATER)]
    report = await town.grant("A", budget={"kind": "amount", "amount": "7.00"}, at=DECEMBER)
    assert report["flagged"] == []
    assert [(await b.again()).says[0] for b in (paid, *open_)] == ["accepted 4.50", "reduced 2.50 B-01", "rejected 0.00 B-01"]
    report = await town.grant("A", budget={"kind": "amount", "amount": "4.00"}, at=DECEMBER)
    assert [f["rule"] for f in report["flagged"]] == ["B-01"]
    assert [(await b.again()).says[0] for b in (paid, *open_)] == ["accepted 4.50", "rejected 0.00 B-01", "rejected 0.00 B-01"]


async def test_a_family_payment_and_a_lost_number(town: Town) -> None:
    await town.grant("A")
    bill, other = await town.bill("c1", lunch("A", DAY), lunch("A", NEXT)), await town.bill("c2", lunch("A", LATER))
    await town.ok("registrar", "POST", "/entitlements/A-lunch/family-payments", {"provider": "c1", "from": DAY, "to": DAY})
    assert (await bill.again()).says == ["rejected 0.00 E-14", "accepted 4.50"]
    await town.replace_number("A-lunch", NEXT)
    assert (await bill.again()).says == ["rejected 0.00 E-14", "rejected 0.00 B-04"]
    assert (await other.again()).says == ["rejected 0.00 B-04"]


async def test_what_is_cancelled_corrected_or_paid_is_left_alone(town: Town) -> None:
    await town.grant("A")
    line = lunch("A", LATER)
    paid = await town.bill("c1", lunch("A", DAY))
    await town.settle()
    cancelled = await town.bill("c1", lunch("A", NEXT), at=DECEMBER)
    await town.cancel(cancelled, at=DECEMBER)
    corrected = await town.bill("c1", line, number="R-1", at=DECEMBER)
    taken = await town.bill("c1", correction(line, "R-1", 1), correction(line, "R-1", 7), at=DECEMBER)
    before = await histories(paid, cancelled, corrected, taken) + [await town.history(taken, 2)]
    await town.grant("A", valid_from="2027-01-01", at=DECEMBER)
    await town.grant("A", budget={"kind": "days", "days": 1}, at=DECEMBER)
    assert await histories(paid, cancelled, corrected, taken) + [await town.history(taken, 2)] == before


async def test_a_proof_moves_on_to_the_lesson_that_is_paid(town: Town) -> None:
    await town.grant("A", "tutoring")
    bill = await town.bill("t1", lesson("A", "2026-10-12", proof="SN-X"), lesson("A", "2026-10-13", proof="SN-X"))
    assert bill.says == ["accepted 45.00", "review ?45.00 L-14"]
    await town.grant("A", "tutoring", valid_from="2026-10-13")
    assert (await bill.again()).says == ["rejected 0.00 E-01", "accepted 45.00"]
    assert (await town.bill("t1", lesson("A", "2026-10-14", proof="SN-X"))).says == ["review ?45.00 L-14"]


async def test_when_one_of_two_overlapping_lessons_of_a_tutor_falls_the_other_is_decided_again(town: Town) -> None:
    for child in ("A", "B"):
        await town.grant(child, "tutoring")
    first = await town.bill("t1", lesson("A", "2026-10-12", tutor="T-17"))
    second = await town.bill("t1", lesson("B", "2026-10-12", tutor="T-17"))
    assert [(await b.again()).says[0] for b in (first, second)] == ["review ?45.00 L-10"] * 2
    await town.grant("A", "tutoring", valid_from="2026-11-01")
    assert (await first.again()).says == ["rejected 0.00 E-01"]
    assert (await second.again()).says == ["accepted 45.00"]


async def test_the_order_among_competitors_is_that_of_the_childs_lock(town: Town) -> None:
    await town.grant("A", "participation", budget={"kind": "amount", "amount": "20.00"})
    first = await town.bill("v1", fee("A", "2026-10-01", "2026-10-31", "15.00"))
    second = await town.bill("v2", fee("A", "2026-11-01", "2026-11-30", "15.00"))
    assert [first.says[0], second.says[0]] == ["accepted 15.00", "reduced 5.00 X-03"]
    await town.grant("A", "participation", budget={"kind": "amount", "amount": "16.00"})
    assert [(await b.again()).says[0] for b in (first, second)] == ["accepted 15.00", "reduced 1.00 X-03"]
    connection = await asyncpg.connect(asyncpg_dsn(town.instance.database_url))
    try:
        seqs = await connection.fetch(
            "SELECT d.decision_seq FROM decision d JOIN position_state s ON s.municipality_id = d.municipality_id "
            "AND s.position_id = d.position_id JOIN municipality m ON m.id = d.municipality_id WHERE m.key = $1 ORDER BY d.id",
            town.key,
        )
    finally:
        await connection.close()
    assert [row[0] for row in seqs] == sorted(row[0] for row in seqs)

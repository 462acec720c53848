"""S: cancellations and corrections of settled and unsettled positions."""

from tests.procedures.adjudication.lines import correction, fee, lesson, lunch, lunch_month
from tests.procedures.adjudication.town import Town

DAY, NEXT, LATER = "2026-10-12", "2026-10-13", "2026-10-14"
DECEMBER = "2026-12-03T10:00:00Z"


async def test_s01_s04_a_cancelled_invoice_frees_its_days_and_may_be_billed_again(town: Town) -> None:
    await town.grant("A", budget={"kind": "days", "days": 2})
    first = await town.bill("c1", lunch("A", DAY), lunch("A", NEXT))
    answer = await town.cancel(first, "ST-20")
    assert (answer.json()["state"], answer.json()["cancelled_by"]) == ("cancelled", "ST-20")
    assert first.says == ["cancelled 0.00", "cancelled 0.00"]
    assert (await town.bill("c1", lunch("A", DAY), lunch("A", NEXT))).says == ["accepted 4.50", "accepted 4.50"]


async def test_s01_a_second_cancellation_and_that_of_a_stranger_are_refused(town: Town) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", DAY))
    await town.need_provider("c2")
    foreign = await town.call("c2", "POST", f"/invoices/{bill.id}/cancellation", {"number": "S-9", "issued_on": "2026-11-02"})
    assert foreign.status_code == 404
    await town.cancel(bill)
    assert (await town.cancel(bill)).status_code == 409


async def test_s01_a_line_under_review_is_cancelled_with_its_review_and_reservation(town: Town) -> None:
    await town.grant("A", facility="s1", budget={"kind": "days", "days": 1})
    bill = await town.bill("c1", lunch("A", DAY, facility="s2"))
    assert bill.says == ["review ?4.50 M-16"]
    await town.cancel(bill)
    assert (await town.ok("clerk", "GET", "/reviews?state=open"))["items"] == []
    assert (await town.bill("c1", lunch("A", DAY))).says == ["accepted 4.50"]


async def test_s01_of_a_settled_invoice_is_netted_with_the_next_payment(town: Town) -> None:
    await town.grant("A")
    paid = await town.bill("c1", lunch("A", DAY, NEXT))
    await town.settle()
    answer = await town.cancel(paid, at=DECEMBER)
    assert answer.json()["state"] == "cancelled"
    assert paid.says == ["accepted 9.00"]
    again = await town.bill("c1", lunch("A", DAY, NEXT, LATER), at=DECEMBER)
    assert again.says == ["accepted 13.50"]
    batch = await town.settle(at="2026-12-10T10:00:00Z", due_on="2026-12-20")
    assert [(p["gross"], p["receipts"], p["net"]) for p in batch["payments"]] == [("13.50", "9.00", "4.50")]


async def test_s02_a_correction_of_a_paid_day_is_a_receipt_of_the_next_payment(town: Town) -> None:
    await town.grant("A", legal_basis="bkgg")
    line = lunch("A", DAY, NEXT, LATER)
    await town.bill("c1", line, number="R-30")
    await town.settle()
    corrected = await town.bill("c1", correction(line, "R-30", 1, [NEXT]), at=DECEMBER, number="K-30")
    assert corrected.says == ["accepted -4.50"]
    assert corrected.bears() == [("bkgg", "-4.50", 0)]
    more = await town.bill("c1", lunch("A", "2026-10-15", "2026-10-16"), lunch("A", NEXT), at=DECEMBER)
    assert more.says == ["accepted 9.00", "accepted 4.50"]
    batch = await town.settle(at="2026-12-10T10:00:00Z", due_on="2026-12-20")
    assert [(p["gross"], p["receipts"], p["net"]) for p in batch["payments"]] == [("13.50", "4.50", "9.00")]


async def test_s02_a_correction_gives_back_day_and_budget(town: Town) -> None:
    await town.grant("A", budget={"kind": "days", "days": 1})
    line = lunch("A", DAY)
    await town.bill("c1", line, number="R-1")
    assert (await town.bill("c1", lunch("A", NEXT))).says == ["rejected 0.00 B-01"]
    assert (await town.bill("c1", correction(line, "R-1", 1), lunch("A", NEXT))).says == ["accepted -4.50", "accepted 4.50"]


async def test_s02_of_a_reduced_position_takes_back_what_was_paid(town: Town) -> None:
    await town.grant("A")
    line = lunch("A", "2026-09-14")
    assert (await town.bill("c1", line, number="R-1")).says == ["reduced 4.20 P-05"]
    assert (await town.bill("c1", correction(line, "R-1", 1))).says == ["rejected 0.00 S-03"]
    assert (await town.bill("c1", correction(line, "R-1", 1, unit_price="4.20"))).says == ["accepted -4.20"]
    assert (await town.bill("c1", line)).says == ["reduced 4.20 P-05"]


async def test_s02_in_parts_never_more_than_was_paid(town: Town) -> None:
    await town.grant("A", budget={"kind": "amount", "amount": "20.00"})
    line = lunch("A", DAY)
    await town.bill("c1", line, number="R-1")
    parts = [correction(line, "R-1", 1, unit_price=price) for price in ("3.00", "2.00", "1.50", "0.01")]
    bill = await town.bill("c1", *parts)
    assert bill.says == ["accepted -3.00", "rejected 0.00 S-03", "accepted -1.50", "rejected 0.00 S-03"]
    assert (await town.bill("c1", line)).says == ["accepted 4.50"]


async def test_s02_a_partly_corrected_day_stays_taken(town: Town) -> None:
    await town.grant("A")
    line = lunch("A", DAY)
    await town.bill("c1", line, number="R-1")
    assert (await town.bill("c1", correction(line, "R-1", 1, unit_price="1.00"), line)).says == ["accepted -1.00", "rejected 0.00 M-01"]


async def test_s03_unknown_foreign_rejected_and_other_childrens_lines(town: Town) -> None:
    await town.grant("A")
    await town.grant("B")
    line = lunch("A", DAY)
    await town.bill("c1", line, lunch("A", NEXT, attended=False), number="R-1")
    await town.need_provider("c2")
    wrong = [
        correction(line, "R-2", 1),  # no such invoice
        correction(line, "R-1", 9),  # no such line
        correction(line, "R-1", 1, [LATER]),  # no such day
        correction(lunch("A", NEXT), "R-1", 2),  # was rejected
        correction(lunch("B", DAY), "R-1", 1),  # another child's
    ]
    bill = await town.bill("c1", *wrong)
    assert bill.says == ["rejected 0.00 S-03"] * 5
    assert (await town.bill("c2", correction(line, "R-1", 1))).says == ["rejected 0.00 S-03"]


async def test_s03_a_correction_names_the_benefit_it_corrects(town: Town) -> None:
    await town.grant("A")
    await town.grant("A", "participation")
    line = lunch("A", DAY)
    await town.bill("c1", line, number="R-1")
    other = correction(fee("A", DAY, DAY, "4.50"), "R-1", 1)
    assert (await town.bill("c1", other)).says == ["rejected 0.00 S-03"]
    assert (await town.bill("c1", line)).says == ["rejected 0.00 M-01"]


async def test_s02_months_fees_and_lessons(town: Town) -> None:
    await town.grant("H", attends="daycare")
    await town.grant("A", "tutoring", budget={"kind": "minutes", "minutes": 90})
    await town.grant("A", "participation")
    month, hour, club = lunch_month("H", "2026-10", attended_days=3), lesson("A", DAY), fee("A", "2026-10-01", "2026-10-31", "15.00")
    for by, line in (("c3", month), ("t1", hour), ("v1", club)):
        first = await town.bill(by, line, number="R-1")
        taken = await town.bill(by, correction(line, "R-1", 1))
        again = await town.bill(by, line)
        assert first.says == again.says
        assert taken.says == [f"accepted -{line['amount']}"]


async def test_s01_an_invoice_with_accepted_corrections_stays(town: Town) -> None:
    await town.grant("A")
    line = lunch("A", DAY)
    await town.bill("c1", line, number="R-1")
    taken = await town.bill("c1", correction(line, "R-1", 1))
    assert (await town.cancel(taken)).status_code == 409


async def test_s01_of_an_invoice_that_was_corrected_takes_back_the_rest(town: Town) -> None:
    await town.grant("A")
    line = lunch("A", DAY, NEXT)
    first = await town.bill("c1", line, number="R-1")
    await town.bill("c1", correction(line, "R-1", 1, [DAY], unit_price="1.50"))
    await town.cancel(first)
    assert (await town.bill("c1", line)).says == ["accepted 9.00"]
    batch = await town.settle()
    assert [p["net"] for p in batch["payments"]] == ["9.00"]


async def test_s08_a_revocation_after_payment_takes_nothing_back(town: Town) -> None:
    await town.grant("A")
    paid = await town.bill("c1", lunch("A", DAY))
    await town.settle()
    await town.grant("A", revocation={"effective_from": "2026-09-01", "notified_on": "2026-09-01"}, at=DECEMBER)
    assert (await paid.again()).says == ["accepted 4.50"]
    assert await town.history(paid) == ["accepted 4.50"]

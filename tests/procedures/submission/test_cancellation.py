import asyncio

from tests.factories.instance import Instance
from tests.procedures.adjudication.lines import correction, lesson, lunch
from tests.procedures.adjudication.town import Town, open_town
from tests.procedures.review.clerk import left, refused, reviews

DAY = "2026-10-05"
DECEMBER, JANUARY = "2026-12-01T10:00:00Z", "2027-01-04T10:00:00Z"


async def test_what_is_not_settled_is_cancelled_and_frees_day_and_budget(town: Town) -> None:
    await town.grant("A", budget={"kind": "days", "days": 2})
    bill = await town.bill("c1", lunch("A", DAY, "2026-10-06"))
    assert await left(town, "A-lunch") == (2, 0)
    answer = await town.cancel(bill, "S-2026-20")
    document = answer.json()
    assert (answer.status_code, document["state"], document["cancelled_by"]) == (200, "cancelled", "S-2026-20")
    assert document["totals"] == {"claimed": "9.00", "approved": "0.00", "in_review": "0.00", "refused": "9.00"}
    assert document["counts"] == {"accepted": 0, "reduced": 0, "rejected": 0, "review": 0, "cancelled": 2}
    assert await left(town, "A-lunch") == (0, 0)
    # Billed again it is decided like any other (S-04).
    assert (await town.bill("c2", lunch("A", DAY))).says == ["accepted 4.50"]


async def test_who_cancelled_stands_in_the_history(town: Town) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", DAY))
    await town.cancel(bill)
    history = await town.ok("c1", "GET", f"/invoices/{bill.id}/lines/1/decisions")
    assert [(one["decision"], one["decided_by"]) for one in history["items"]] == [("accepted", "rule"), ("cancelled", "provider")]


async def test_reviews_and_refusals_are_cancelled_too(town: Town) -> None:
    await town.grant("O", "tutoring", budget={"kind": "minutes", "minutes": 900})
    bill = await town.bill("t1", lesson("O", DAY, proof=None), lesson("O", "2026-10-06", subject="physik"))
    await town.cancel(bill)
    assert bill.says == ["cancelled 0.00", "cancelled 0.00"]
    assert await reviews(town) == []
    assert await left(town, "O-tutoring") == (0, 0)


async def test_a_proof_may_be_used_again_after_cancellation(town: Town) -> None:
    await town.grant("O", "tutoring")
    bill = await town.bill("t1", lesson("O", DAY, proof="SN-1"))
    await town.cancel(bill)
    assert (await town.bill("t1", lesson("O", DAY, proof="SN-1"))).says == ["accepted 45.00"]


async def test_what_is_settled_is_taken_back_by_the_next_batch(town: Town) -> None:
    await town.grant("A")
    paid = await town.bill("c1", lunch("A", DAY, "2026-10-06"))
    await town.settle()
    answer = await town.cancel(paid, at=DECEMBER)
    assert (answer.json()["state"], paid.says) == ("cancelled", ["accepted 9.00"])
    await town.bill("c1", lunch("A", "2026-10-07", "2026-10-08", DAY), at=DECEMBER)
    batch = await town.settle(at=JANUARY, due_on="2027-01-15")
    assert batch["totals"] == {"gross": "13.50", "receipts": "9.00", "net": "4.50"}


async def test_settled_and_open_positions_of_one_invoice_part_ways(town: Town) -> None:
    await town.grant("A")
    await town.grant("B", status="disputed")
    bill = await town.bill("c1", lunch("A", DAY), lunch("B", DAY))
    await town.settle()
    await town.cancel(bill, at=DECEMBER)
    assert bill.says == ["accepted 4.50", "cancelled 0.00"]


async def test_an_invoice_that_was_corrected_in_part_gives_back_the_rest_only(town: Town) -> None:
    await town.grant("A")
    meals = lunch("A", DAY, "2026-10-06")
    bill = await town.bill("c1", meals, number="R-30")
    await town.bill("c1", correction(meals, "R-30", 1, [DAY]))
    await town.settle()
    await town.cancel(bill, at=DECEMBER)
    await town.bill("c1", lunch("A", "2026-10-07", "2026-10-08", "2026-10-09"), at=DECEMBER)
    batch = await town.settle(at=JANUARY, due_on="2027-01-15")
    assert batch["totals"] == {"gross": "13.50", "receipts": "4.50", "net": "9.00"}


async def test_an_invoice_is_cancelled_once(town: Town) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", DAY))
    assert (await town.cancel(bill)).status_code == 200
    assert refused(await town.cancel(bill)) == (409, "wrong_state")


async def test_cancellations_share_the_numbers_of_invoices(town: Town) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", DAY), number="R-1x")
    await town.bill("c1", lunch("A", "2026-10-06"), number="R-2x")
    assert refused(await town.cancel(bill, "R-2x")) == (409, "H-01")
    assert bill.says == ["accepted 4.50"]
    assert (await town.cancel(bill, "S-3x")).status_code == 200
    assert refused(await town.send("c1", lunch("A", "2026-10-07"), number="S-3x")) == (409, "H-01")


async def test_an_invoice_with_corrections_is_not_cancelled(town: Town) -> None:
    await town.grant("A")
    await town.bill("c1", lunch("A", DAY), number="R-1x")
    corrected = await town.bill("c1", correction(lunch("A", DAY), "R-1x", 1))
    assert refused(await town.cancel(corrected)) == (409, "wrong_state")


async def test_of_two_cancellations_at_once_one_stands(town: Town) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", DAY))
    path = f"/invoices/{bill.id}/cancellation"
    bodies = [{"number": f"S-{i}x", "issued_on": "2026-11-03"} for i in range(3)]
    answers = await asyncio.gather(*(town.call("c1", "POST", path, body) for body in bodies))
    assert sorted(a.status_code for a in answers) == [200, 409, 409]


async def test_only_the_provider_of_the_invoice_cancels(town: Town, instance: Instance) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", DAY))
    await town.need_provider("c2")
    path, body = f"/invoices/{bill.id}/cancellation", {"number": "S-1x", "issued_on": "2026-11-03"}
    assert (await town.call("c2", "POST", path, body)).status_code == 404
    assert (await town.call("clerk", "POST", path, body)).status_code == 403
    assert (await town.call("c1", "POST", "/invoices/nonsense/cancellation", body)).status_code == 404
    other = await open_town(instance)
    await other.need_provider("c1")
    assert (await other.call("c1", "POST", path, body)).status_code == 404

import asyncio
from typing import Any

import httpx

from tests.factories.instance import Instance
from tests.procedures.adjudication.lines import correction, lesson, lunch
from tests.procedures.adjudication.town import Bill, Town, open_town, say
from tests.procedures.review.clerk import MONDAY, left, refused, resolve, resolved, reviews, told

JSON = Any
SATURDAY = "2026-10-10"
WORDS = "An diesem Tag war Schulfest, alle Kinder haben gegessen."


async def objects(bill: Bill, line_no: int = 1, text: str = WORDS) -> httpx.Response:
    """An objection, whatever the answer."""
    return await bill.town.call(bill.by, "POST", f"/invoices/{bill.id}/objections", {"line_no": line_no, "text": text})


async def objected(bill: Bill, line_no: int = 1) -> JSON:
    """The line after an objection that must stand."""
    answer = await objects(bill, line_no)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_an_objection_opens_a_review_with_the_providers_words(town: Town) -> None:
    await town.grant("A", facility="s1")
    bill = await town.bill("c1", lunch("A", SATURDAY))
    assert bill.says == ["rejected 0.00 M-05"]
    line = await objected(bill)
    assert (line["line_no"], line["decision"], line["approved"], line["proposed"]) == (1, "review", "0.00", "4.50")
    assert [f["code"] for f in line["findings"]] == ["CLOSED_DAY"]
    (review,) = await reviews(town)
    assert (review["objection"], review["proposed"]) == (WORDS, "4.50")
    assert say(await resolved(town, review, "accept")) == "accepted 4.50 M-05 person_accept"
    assert [f["code"] for f in (await told(bill))["findings"]] == ["DECIDED_BY_OFFICE"]
    history = await town.ok("c1", "GET", f"/invoices/{bill.id}/lines/1/decisions")
    assert [(one["decision"], one["decided_by"]) for one in history["items"]] == [
        ("rejected", "rule"),
        ("review", "provider"),
        ("accepted", "office"),
    ]
    assert "Schulfest" not in str(history)


async def test_only_what_was_decided_against_the_provider_is_reviewed(town: Town) -> None:
    await town.grant("A", facility="s1")
    bill = await town.bill("c1", lunch("A", "2026-10-09", SATURDAY))
    assert bill.days() == ["2026-10-09 accepted 4.50", f"{SATURDAY} rejected 0.00 M-05"]
    assert (await objected(bill))["decision"] == "mixed"
    assert [item["service_date"] for item in await reviews(town)] == [SATURDAY]


async def test_a_reduced_lunch_keeps_its_day_while_it_is_looked_at(town: Town) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", MONDAY, unit_price="5.00"))
    line = await objected(bill)
    # The price stays agreed: at least what was approved is proposed.
    assert (line["decision"], line["approved"], line["proposed"]) == ("review", "0.00", "4.50")
    assert (await town.bill("c1", lunch("A", MONDAY))).says == ["rejected 0.00 M-01"]
    assert (await town.bill("c2", lunch("A", MONDAY))).says == ["review ?4.50 M-03"]
    (review,) = await reviews(town, "?provider=c1")
    assert say(await resolved(town, review, "accept")) == "reduced 4.50 P-05 person_accept"
    (other,) = await reviews(town)
    assert refused(await resolve(town, other, "accept")) == (409, "day_taken")


async def test_what_is_proposed_is_reserved_and_never_more_than_the_budget(town: Town) -> None:
    await town.grant("O", "tutoring", budget={"kind": "minutes", "minutes": 120})
    await town.bill("t1", lesson("O", MONDAY))
    second = await town.bill("t1", lesson("O", "2026-10-06", subject="physik"))
    third = await town.bill("t1", lesson("O", "2026-10-07"))
    assert (second.says, third.says) == (["rejected 0.00 L-01 L-02"], ["reduced 15.00 L-02"])
    assert (await objected(third))["proposed"] == "15.00"
    assert await left(town, "O-tutoring") == (90, 30)
    # Nothing is left for the other one.
    assert (await objected(second))["proposed"] == "0.00"
    assert await left(town, "O-tutoring") == (90, 30)
    (review,) = [item for item in await reviews(town) if item["service_date"] == "2026-10-07"]
    assert refused(await resolve(town, review, "reduce", "45.00")) == (409, "budget_used")


async def test_without_a_grant_nothing_is_proposed_nor_paid(town: Town) -> None:
    await town.grant("A", valid_from="2026-09-15")
    bill = await town.bill("c1", lunch("A", "2026-09-03", unit_price="4.20"))
    assert bill.says == ["rejected 0.00 E-01"]
    assert (await objected(bill))["proposed"] == "0.00"
    (review,) = await reviews(town)
    assert refused(await resolve(town, review, "accept")) == (409, "nothing_proposed")
    assert refused(await resolve(town, review, "reduce", "4.20")) == (409, "no_grant")
    # The grant arrives late: now there is something to pay from.
    await town.grant("A", valid_from="2026-09-01", at="2026-11-03T08:00:00Z")
    assert say(await resolved(town, review, "reduce", "4.20")) == "accepted 4.20 E-01 person_accept"


async def test_without_an_agreement_nothing_is_said_about_the_grant(town: Town) -> None:
    await town.grant("A")
    await town.agree("c1", valid_from="2026-11-01")
    bill = await town.bill("c1", lunch("A", MONDAY))
    assert bill.says == ["rejected 0.00 P-01"]
    assert (await objected(bill))["proposed"] == "0.00"
    assert say(await resolved(town, (await reviews(town))[0], "reduce", "4.50")) == "accepted 4.50 P-01 person_accept"


async def test_a_second_lunch_stays_unpaid_whoever_objects(town: Town) -> None:
    await town.grant("A")
    await town.bill("c1", lunch("A", MONDAY))
    again = await town.bill("c1", lunch("A", MONDAY))
    await objected(again)
    (review,) = await reviews(town)
    assert refused(await resolve(town, review, "accept")) == (409, "day_taken")
    assert say(await resolved(town, review, "reject")) == "rejected 0.00 M-01 person_reject"
    assert [f["code"] for f in (await told(again))["findings"]] == ["ALREADY_BILLED", "DECIDED_BY_OFFICE"]


async def test_a_failed_identity_cannot_be_objected_to(town: Town) -> None:
    await town.grant("A")
    await town.grant("B", born="2015-01-01")
    bill = await town.bill("c1", lunch("A", MONDAY), lunch("B", MONDAY, date_of_birth="2015-01-02"), lunch("C", MONDAY))
    assert bill.says == ["accepted 4.50", "rejected 0.00 I-02", "rejected 0.00 I-05"]
    for line_no in (1, 2, 3):
        assert refused(await objects(bill, line_no)) == (409, "nothing_to_object")
    assert await reviews(town) == []


async def test_what_is_under_review_paid_corrected_or_cancelled_cannot_be_objected_to(town: Town) -> None:
    await town.grant("A")
    await town.grant("B", status="disputed")
    review = await town.bill("c1", lunch("B", MONDAY))
    corrected = await town.bill("c1", lunch("A", "2026-10-06", unit_price="5.00"), number="R-C")
    await town.bill("c1", correction(lunch("A", "2026-10-06", unit_price="4.50"), "R-C", 1))
    cancelled = await town.bill("c1", lunch("A", "2026-10-07", unit_price="5.00"))
    await town.cancel(cancelled)
    paid = await town.bill("c1", lunch("A", "2026-10-08", unit_price="5.00"))
    await town.settle()
    for bill in (review, corrected, cancelled, paid):
        assert refused(await objects(bill)) == (409, "nothing_to_object"), bill.says


async def test_a_correction_that_was_refused_is_mended_not_objected_to(town: Town) -> None:
    await town.grant("A")
    await town.bill("c1", lunch("A", MONDAY), number="R-X")
    refusal = await town.bill("c1", correction(lunch("A", MONDAY), "R-unknown", 1))
    assert refusal.says == ["rejected 0.00 S-03"]
    assert refused(await objects(refusal)) == (409, "nothing_to_object")


async def test_a_persons_decision_is_objected_to_once_more(town: Town) -> None:
    await town.grant("A", facility="s1")
    bill = await town.bill("c1", lunch("A", SATURDAY))
    for _ in range(2):
        await objected(bill)
        await resolved(town, (await reviews(town))[0], "reject")
    assert refused(await objects(bill)) == (409, "nothing_to_object")


async def test_a_person_who_rejected_a_review_is_objected_to(town: Town) -> None:
    await town.grant("A", status="disputed")
    bill = await town.bill("c1", lunch("A", MONDAY))
    await resolved(town, (await reviews(town))[0], "reject")
    line = await objected(bill)
    assert (line["decision"], line["proposed"], [f["code"] for f in line["findings"]]) == ("review", "4.50", ["IN_CLARIFICATION"])


async def test_a_later_fact_does_not_answer_an_objection(town: Town) -> None:
    await town.grant("A", facility="s1")
    bill = await town.bill("c1", lunch("A", SATURDAY))
    await objected(bill)
    await town.grant("A", valid_to="2027-07-31", at="2026-11-03T08:00:00Z")
    assert (await told(bill))["decision"] == "review"
    assert len(await reviews(town)) == 1


async def test_of_two_objections_at_once_one_opens_the_review(town: Town) -> None:
    await town.grant("A", facility="s1")
    bill = await town.bill("c1", lunch("A", SATURDAY))
    answers = await asyncio.gather(objects(bill), objects(bill, text="Noch einmal."))
    assert sorted(a.status_code for a in answers) == [201, 409]
    assert len(await reviews(town)) == 1


async def test_an_unknown_line_is_named(town: Town) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", MONDAY))
    answer = await objects(bill, 2)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/line_no")
    for body in ({"line_no": 1}, {"line_no": 1, "text": ""}, {"line_no": 0, "text": WORDS}, {"line_no": 1, "text": WORDS, "state": "open"}):
        assert (await town.call("c1", "POST", f"/invoices/{bill.id}/objections", body)).status_code == 422


async def test_only_the_provider_of_the_invoice_objects(town: Town, instance: Instance) -> None:
    await town.grant("A", facility="s1")
    bill = await town.bill("c1", lunch("A", SATURDAY))
    await town.need_provider("c2")
    body = {"line_no": 1, "text": WORDS}
    path = f"/invoices/{bill.id}/objections"
    assert (await town.call("c2", "POST", path, body)).status_code == 404
    assert (await town.call("clerk", "POST", path, body)).status_code == 403
    assert (await town.call("c1", "POST", "/invoices/nonsense/objections", body)).status_code == 404
    other = await open_town(instance)
    await other.need_provider("c1")
    assert (await other.call("c1", "POST", path, body)).status_code == 404

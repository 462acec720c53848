from tests.procedures.adjudication.lines import lesson, lunch
from tests.procedures.adjudication.town import Town, say
from tests.procedures.review.clerk import MONDAY, refused, resolve, resolved, reviews, told, unproven

LATER, LATER_STILL = "2026-11-04T10:00:00Z", "2026-11-05T10:00:00Z"


async def test_a_later_fact_reopens_what_a_person_decided_and_leaves_the_decision(town: Town) -> None:
    await town.grant("A", status="disputed")
    bill = await town.bill("c1", lunch("A", MONDAY))
    await resolved(town, (await reviews(town))[0], "reject")
    await town.grant("A", status="active", at=LATER)
    assert (await told(bill))["decision"] == "rejected"
    (review,) = await reviews(town)
    assert (review["decision"], review["proposed"], review["opened_at"]) == ("rejected", "0.00", LATER)
    assert refused(await resolve(town, review, "accept")) == (409, "nothing_proposed")
    assert refused(await resolve(town, review, "query")) == (409, "wrong_state")
    assert say(await resolved(town, review, "reduce", "4.50")) == "accepted 4.50 E-09 person_accept"


async def test_a_review_is_not_reopened_by_what_the_person_knew(town: Town) -> None:
    await town.grant("A", status="disputed")
    await town.bill("c1", lunch("A", MONDAY))
    await resolved(town, (await reviews(town))[0], "reject")
    await town.grant("A", valid_to="2027-07-31", at=LATER)
    assert await reviews(town) == []
    await town.grant("A", status="active", at=LATER)
    await resolved(town, (await reviews(town))[0], "reject")
    # It was decided again with this fact known: another one does not bring the first one back.
    await town.grant("A", valid_to="2027-06-30", at=LATER_STILL)
    assert await reviews(town) == []


async def test_rules_that_now_agree_with_the_person_ask_nobody(town: Town) -> None:
    await town.grant("A", status="disputed")
    await town.bill("c1", lunch("A", MONDAY))
    await resolved(town, (await reviews(town))[0], "accept")
    await town.grant("A", status="active", at=LATER)
    assert await reviews(town) == []


async def test_a_payment_that_would_now_be_refused_is_looked_at_again_and_may_be_confirmed(town: Town) -> None:
    await town.set(protect_good_faith=False)
    await town.grant("A", status="disputed")
    bill = await town.bill("c1", lunch("A", MONDAY))
    await resolved(town, (await reviews(town))[0], "accept")
    await town.grant("A", revocation={"effective_from": "2026-10-01", "notified_on": "2026-11-03"}, at=LATER)
    (review,) = await reviews(town)
    assert (review["decision"], review["proposed"], review["grants"][0]["revoked_from"]) == ("accepted", "4.50", "2026-10-01")
    assert say(await resolved(town, review, "accept")) == "accepted 4.50 E-09 person_accept"
    assert (await told(bill))["approved"] == "4.50"


async def test_a_payment_may_be_withdrawn_after_a_later_fact(town: Town) -> None:
    await town.set(protect_good_faith=False)
    await town.grant("A", status="disputed")
    await town.bill("c1", lunch("A", MONDAY))
    await resolved(town, (await reviews(town))[0], "accept")
    await town.grant("A", revocation={"effective_from": "2026-10-01", "notified_on": "2026-11-03"}, at=LATER)
    assert say(await resolved(town, (await reviews(town))[0], "reject")) == "rejected 0.00 E-09 person_reject"
    # The day is free again.
    assert (await town.bill("c1", lunch("A", MONDAY))).says == ["rejected 0.00 E-07"]


async def test_what_is_settled_meanwhile_is_not_decided_otherwise(town: Town) -> None:
    await town.set(protect_good_faith=False)
    await town.grant("A", status="disputed")
    await town.bill("c1", lunch("A", MONDAY))
    await resolved(town, (await reviews(town))[0], "accept")
    await town.grant("A", revocation={"effective_from": "2026-10-01", "notified_on": "2026-11-03"}, at=LATER)
    (review,) = await reviews(town)
    await town.settle()
    assert refused(await resolve(town, review, "reject")) == (409, "wrong_state")


async def test_what_other_lines_took_since_reopens_nothing(town: Town) -> None:
    await unproven(town, minutes=180)
    await resolved(town, (await reviews(town))[0], "reject")
    assert (await town.bill("t1", lesson("O", "2026-10-06"), lesson("O", "2026-10-07"))).says == ["accepted 45.00"] * 2
    await town.grant("O", "tutoring", valid_to="2027-07-31", at=LATER)
    assert await reviews(town) == []


async def test_a_raised_budget_is_a_fact_of_its_own(town: Town) -> None:
    await unproven(town, minutes=90)
    await resolved(town, (await reviews(town))[0], "reject")
    other = await town.bill("t1", lesson("O", "2026-10-06", subject="physik"))
    await town.call("t1", "POST", f"/invoices/{other.id}/objections", {"line_no": 1, "text": "Physik war abgesprochen."})
    await resolved(town, (await reviews(town))[0], "reject")
    await town.grant("O", "tutoring", budget={"kind": "minutes", "minutes": 900}, at=LATER)
    # Neither proof nor subject have changed.
    assert await reviews(town) == []
    await town.grant("O", "tutoring", tutoring={"subjects": ["physik"], "form": "any"}, at=LATER_STILL)
    # Mathematics is refused by the rules now, as it was by the person; physics is not.
    assert [(item["service_date"], item["decision"]) for item in await reviews(town)] == [("2026-10-06", "rejected")]

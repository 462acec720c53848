import asyncio

import pytest

from but_gateway.identity.principal import Role
from tests.procedures.adjudication.lines import lesson, lunch, lunch_month
from tests.procedures.adjudication.town import NOVEMBER, Town, say
from tests.procedures.review.clerk import MONDAY, contested, left, refused, resolve, resolved, reviews, told, unproven

LATER = "2026-11-04T10:00:00Z"


# ---- accept
async def test_accepting_pays_what_was_proposed(town: Town) -> None:
    bill = await unproven(town)
    assert await left(town, "O-tutoring") == (0, 90)
    (review,) = await reviews(town)
    position = await resolved(town, review, "accept")
    assert say(position) == "accepted 45.00 L-14 person_accept"
    assert position["rule_set"] is None
    assert [(a["legal_basis"], a["amount"], a["units"]) for a in position["allocations"]] == [("sgb2", "45.00", 90)]
    assert await left(town, "O-tutoring") == (90, 0)
    (closed,) = await reviews(town, "?state=resolved")
    assert (closed["id"], closed["proposed"], closed["reason"]) == (review["id"], None, "Akte liegt vor.")
    assert await town.history(bill) == ["review ?45.00 L-14", "accepted 45.00 L-14 person_accept"]


async def test_the_provider_reads_a_neutral_sentence_and_nothing_that_is_settled(town: Town) -> None:
    bill = await unproven(town)
    await resolved(town, (await reviews(town))[0], "accept")
    line = await told(bill)
    assert [f["code"] for f in line["findings"]] == ["DECIDED_BY_OFFICE"]
    assert line["findings"][0]["text"] == "Wir bezahlen 45,00 €. Unsere Sachbearbeitung hat die Position geprüft und anerkannt."
    history = await town.ok("t1", "GET", f"/invoices/{bill.id}/lines/1/decisions")
    assert [one["decided_by"] for one in history["items"]] == ["rule", "office"]
    assert "Akte" not in str(history)
    seen = await town.ok("auditor", "GET", f"/invoices/{bill.id}/lines/1/decisions")
    assert [one["reason"] for one in seen["items"]] == [None, "Akte liegt vor."]


async def test_accepting_less_than_was_billed_is_a_reduction(town: Town) -> None:
    await town.grant("O", "tutoring")
    bill = await town.bill("t1", lesson("O", MONDAY, proof=None, unit_price="24.00"))
    position = await resolved(town, (await reviews(town))[0], "accept")
    assert say(position) == "reduced 45.00 L-14 P-05 person_accept"
    assert [f["code"] for f in (await told(bill))["findings"]] == ["OVER_AGREED_PRICE", "DECIDED_BY_OFFICE"]


async def test_nothing_is_accepted_where_nothing_is_proposed(town: Town) -> None:
    await town.grant("A", valid_from="2027-01-01")
    await town.bill("c1", lunch("A", MONDAY, name="Ganz Anders"))
    (review,) = await reviews(town)
    assert refused(await resolve(town, review, "accept")) == (409, "nothing_proposed")
    assert refused(await resolve(town, review, "reduce", "4.50")) == (409, "no_grant")
    assert say(await resolved(town, review, "reject")) == "rejected 0.00 I-04 person_reject"


async def test_a_name_that_differs_is_accepted_with_what_the_other_rules_would_pay(town: Town) -> None:
    await town.grant("A")
    await town.bill("c1", lunch("A", MONDAY, name="Ganz Anders", unit_price="4.80"))
    assert say(await resolved(town, (await reviews(town))[0], "accept")) == "reduced 4.50 I-04 person_accept"


# ---- reduce
async def test_reducing_pays_the_amount_and_frees_the_rest(town: Town) -> None:
    bill = await unproven(town)
    position = await resolved(town, (await reviews(town))[0], "reduce", "30.00")
    assert say(position) == "reduced 30.00 L-14 person_reduce"
    assert await left(town, "O-tutoring") == (60, 0)
    line = await told(bill)
    assert [(f["code"], f["effect"]) for f in line["findings"]] == [("DECIDED_BY_OFFICE", "reduce")]


async def test_reducing_is_split_over_the_grants_in_proportion(town: Town) -> None:
    await town.grant("O", "tutoring", valid_to="2026-12-31", budget={"kind": "minutes", "minutes": 30})
    await town.grant("O", "tutoring", key="O-more", valid_to="2027-01-31", budget={"kind": "minutes", "minutes": 900})
    await town.bill("t1", lesson("O", MONDAY, proof=None))
    position = await resolved(town, (await reviews(town))[0], "reduce", "10.00")
    assert [(a["amount"], a["units"]) for a in position["allocations"]] == [("3.33", 7), ("6.67", 14)]


async def test_a_lunch_paid_in_part_uses_its_whole_day(town: Town) -> None:
    await town.grant("A", status="disputed", budget={"kind": "days", "days": 10})
    await town.bill("c1", lunch("A", MONDAY))
    await resolved(town, (await reviews(town))[0], "reduce", "2.00")
    assert await left(town, "A-lunch") == (1, 0)


async def test_more_than_proposed_is_borne_by_what_the_grants_have_left(town: Town) -> None:
    await town.grant("O", "tutoring", budget={"kind": "minutes", "minutes": 900})
    bill = await town.bill("t1", lesson("O", MONDAY, proof=None, unit_price="24.00"))
    assert say(await resolved(town, (await reviews(town))[0], "reduce", "48.00")) == "accepted 48.00 L-14 P-05 person_accept"
    assert await left(town, "O-tutoring") == (90, 0)
    # All of it is paid: nothing is said of a price that was set aside.
    assert [f["code"] for f in (await told(bill))["findings"]] == ["DECIDED_BY_OFFICE"]


async def test_no_decision_overdraws_a_budget(town: Town) -> None:
    await unproven(town, minutes=60)
    (review,) = await reviews(town)
    assert review["proposed"] == "30.00"
    assert refused(await resolve(town, review, "reduce", "45.00")) == (409, "budget_used")
    assert await left(town, "O-tutoring") == (0, 60)
    assert say(await resolved(town, review, "accept")).startswith("reduced 30.00")


@pytest.mark.parametrize(
    ("decision", "approved", "code"),
    [
        ("reduce", None, "missing"),
        ("reduce", "0.00", "too_low"),
        ("reduce", "-1.00", "too_low"),
        ("reduce", "45.01", "too_high"),
        ("accept", "45.00", "not_allowed"),
        ("reject", "0.00", "not_allowed"),
        ("query", "1.00", "not_allowed"),
    ],
)
async def test_the_amount_fits_the_decision(town: Town, decision: str, approved: str | None, code: str) -> None:
    await unproven(town)
    answer = await resolve(town, (await reviews(town))[0], decision, approved)
    assert refused(answer) == (422, "invalid")
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [("/approved", code)]
    assert len(await reviews(town)) == 1


async def test_a_decision_has_a_reason(town: Town) -> None:
    await unproven(town)
    path = f"/reviews/{(await reviews(town))[0]['id']}/resolution"
    for body in ({"decision": "accept"}, {"decision": "accept", "reason": ""}, {"decision": "maybe", "reason": "?"}):
        assert (await town.call("clerk", "POST", path, body)).status_code == 422


# ---- reject and query
async def test_rejecting_pays_nothing_and_frees_what_was_reserved(town: Town) -> None:
    bill = await unproven(town)
    assert say(await resolved(town, (await reviews(town))[0], "reject")) == "rejected 0.00 L-14 person_reject"
    assert await left(town, "O-tutoring") == (0, 0)
    assert [f["code"] for f in (await told(bill))["findings"]] == ["DECIDED_BY_OFFICE"]
    # The proof may be used again.
    assert (await town.bill("t1", lesson("O", MONDAY, proof="SN-neu"))).says == ["accepted 45.00"]


async def test_a_query_keeps_the_position_under_review_and_tells_the_provider(town: Town) -> None:
    bill = await unproven(town)
    (review,) = await reviews(town)
    position = await resolved(town, review, "query")
    assert say(position) == "review ?45.00 L-14 person_query"
    assert await left(town, "O-tutoring") == (0, 90)
    assert [f["code"] for f in (await told(bill))["findings"]] == ["IN_CLARIFICATION", "QUERY"]
    (asked,) = await reviews(town, "?state=query")
    assert (asked["id"], asked["query"], asked["proposed"]) == (review["id"], "Akte liegt vor.", "45.00")


async def test_a_queried_review_is_asked_again_or_decided(town: Town) -> None:
    bill = await unproven(town)
    (review,) = await reviews(town)
    await resolved(town, review, "query")
    await resolved(town, review, "query")
    assert say(await resolved(town, review, "accept")) == "accepted 45.00 L-14 person_accept"
    assert [f["code"] for f in (await told(bill))["findings"]] == ["DECIDED_BY_OFFICE"]


async def test_a_question_to_one_of_two_claims_leaves_the_day_contested(town: Town) -> None:
    await contested(town)
    first, second = await reviews(town)
    await resolved(town, first, "query")
    third = await town.bill("c4", lunch("A", MONDAY))
    assert third.says == ["review ?4.50 M-03"]
    await resolved(town, second, "accept")
    assert refused(await resolve(town, first, "accept")) == (409, "day_taken")


# ---- once
async def test_a_review_is_resolved_once(town: Town) -> None:
    await unproven(town)
    (review,) = await reviews(town)
    await resolved(town, review, "reject")
    for decision in ("accept", "reject", "query"):
        assert refused(await resolve(town, review, decision)) == (409, "wrong_state")


async def test_the_same_key_gives_the_same_answer(town: Town) -> None:
    await unproven(town)
    path = f"/reviews/{(await reviews(town))[0]['id']}/resolution"
    body, headers = {"decision": "accept", "reason": "Belegt."}, {"Idempotency-Key": "clerk-0001"}
    first = await town.call("clerk", "POST", path, body, headers=headers)
    again = await town.call("clerk", "POST", path, body, headers=headers)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.headers["idempotency-replayed"] == "true"


async def test_of_two_clerks_at_once_one_decides(town: Town) -> None:
    await unproven(town)
    (review,) = await reviews(town)
    await asyncio.gather(town.token("clerk1"), town.token("clerk2"))
    answers = await asyncio.gather(resolve(town, review, "accept", who="clerk1"), resolve(town, review, "reject", who="clerk2"))
    assert sorted(a.status_code for a in answers) == [200, 409]
    assert [refused(a) for a in answers if a.status_code == 409] == [(409, "wrong_state")]


# ---- one lunch
async def test_of_two_contesting_claims_at_most_one_is_accepted(town: Town) -> None:
    first, second = await contested(town)
    (one,), (other,) = await reviews(town, "?provider=c1"), await reviews(town, "?provider=c2")
    assert say(await resolved(town, one, "accept")) == "accepted 4.50 M-03 person_accept"
    assert [item["id"] for item in await reviews(town)] == [other["id"]]
    assert refused(await resolve(town, other, "accept")) == (409, "day_taken")
    assert refused(await resolve(town, other, "reduce", "1.00")) == (409, "day_taken")
    await resolved(town, other, "reject")
    assert ((await told(first))["approved"], (await told(second))["approved"]) == ("4.50", "0.00")


async def test_the_other_claim_is_free_once_the_first_is_rejected(town: Town) -> None:
    await contested(town)
    one, other = await reviews(town)
    await resolved(town, one, "reject")
    assert say(await resolved(town, other, "accept")) == "accepted 4.50 M-03 person_accept"


async def test_of_three_claims_for_one_lunch_one_is_accepted(town: Town) -> None:
    await contested(town)
    await town.bill("c4", lunch("A", MONDAY))
    found = await reviews(town)
    assert len(found) == 3
    await resolved(town, found[2], "accept")
    assert [refused(await resolve(town, review, "accept")) for review in found[:2]] == [(409, "day_taken")] * 2


async def test_a_month_and_a_day_of_it_are_not_both_accepted(town: Town) -> None:
    await town.grant("H", attends="daycare")
    await town.bill("c1", lunch("H", MONDAY, facility="k2"))
    await town.bill("c3", lunch_month("H", "2026-10", attended_days=12))
    by_provider = {item["provider"]: item for item in await reviews(town)}
    assert set(by_provider) == {"c1", "c3"}
    await resolved(town, by_provider["c1"], "accept")
    assert refused(await resolve(town, by_provider["c3"], "accept")) == (409, "day_taken")


async def test_a_month_that_was_accepted_takes_its_days(town: Town) -> None:
    await town.grant("H", attends="daycare")
    await town.bill("c1", lunch("H", MONDAY, facility="k2"))
    await town.bill("c3", lunch_month("H", "2026-10", attended_days=12))
    by_provider = {item["provider"]: item for item in await reviews(town)}
    await resolved(town, by_provider["c3"], "accept")
    assert refused(await resolve(town, by_provider["c1"], "accept")) == (409, "day_taken")


async def test_both_claims_accepted_at_the_same_moment_pay_one_lunch(town: Town) -> None:
    for number in range(4):
        day = f"2026-10-{5 + number:02d}"
        await contested(town, day)
        one, other = [item for item in await reviews(town) if item["service_date"] == day]
        answers = await asyncio.gather(resolve(town, one, "accept"), resolve(town, other, "accept"))
        assert sorted(a.status_code for a in answers) == [200, 409]
        assert [refused(a) for a in answers if a.status_code == 409] == [(409, "day_taken")]


async def test_a_lunch_billed_again_while_the_first_was_under_review_is_paid_once(town: Town) -> None:
    await town.grant("A", status="disputed")
    await town.bill("c1", lunch("A", MONDAY))
    (review,) = await reviews(town)
    second = await town.bill("c1", lunch("A", MONDAY))
    assert second.says == ["review ?4.50 E-09"]
    await resolved(town, review, "accept")
    (again,) = await reviews(town)
    assert refused(await resolve(town, again, "accept")) == (409, "day_taken")


# ---- no machine after a person
async def test_no_later_fact_overrides_a_person(town: Town) -> None:
    await town.grant("A", status="disputed")
    bill = await town.bill("c1", lunch("A", MONDAY))
    await resolved(town, (await reviews(town))[0], "reject")
    await town.grant("A", status="active", at=LATER)
    assert (await told(bill))["decision"] == "rejected"


async def test_what_a_person_decided_is_paid_and_then_stands(town: Town) -> None:
    bill = await unproven(town)
    await resolved(town, (await reviews(town))[0], "reduce", "40.00")
    batch = await town.settle()
    assert batch["totals"]["net"] == "40.00"
    assert (await told(bill))["approved"] == "40.00"


async def test_whoever_decided_does_not_order_the_payment(town: Town) -> None:
    await unproven(town)
    token = await town.instance.issuer.issue("both", [Role.CLERK, Role.ORDERER], (), town.key, 600)
    headers = {"Authorization": f"Bearer {token}"}
    review = (await reviews(town))[0]["id"]
    body = {"decision": "accept", "reason": "Belegt."}
    assert (await town.call("clerk", "POST", f"/reviews/{review}/resolution", body, headers=headers)).status_code == 200
    at = "2026-12-01T10:00:00Z"
    batch = await town.ok("finance", "POST", "/settlement-batches", {"cutoff": at[:10], "due_on": "2026-12-15"}, at)
    path = f"/settlement-batches/{batch['id']}"
    await town.ok("finance", "POST", f"{path}/certification", {"kinds": ["factual", "arithmetical"]}, at)
    assert refused(await town.call("orderer", "POST", f"{path}/order", at=at, headers=headers)) == (403, "four_eyes")


async def test_a_cancelled_invoice_closes_its_reviews(town: Town) -> None:
    bill = await unproven(town)
    (review,) = await reviews(town)
    assert (await town.cancel(bill)).status_code == 200
    assert await reviews(town) == []
    assert refused(await resolve(town, review, "accept", at=NOVEMBER)) == (409, "wrong_state")

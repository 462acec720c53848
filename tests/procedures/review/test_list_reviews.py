import pytest

from tests.factories.instance import Instance
from tests.procedures.adjudication.lines import lesson, lunch, lunch_month
from tests.procedures.adjudication.town import BORN, Town, open_town
from tests.procedures.review.clerk import MONDAY, contested, refused, resolved, reviews, unproven


async def test_a_clerk_sees_line_and_grant_side_by_side(town: Town) -> None:
    bill = await unproven(town)
    (item,) = await reviews(town)
    assert {
        name: item[name] for name in ("invoice_id", "invoice_number", "provider", "line_no", "service_date", "claimed", "proposed")
    } == {
        "invoice_id": bill.id,
        "invoice_number": bill.number,
        "provider": "t1",
        "line_no": 1,
        "service_date": MONDAY,
        "claimed": "45.00",
        "proposed": "45.00",
    }
    assert (item["state"], item["decision"], item["opened_at"]) == ("open", "review", "2026-11-02T10:00:00Z")
    (finding,) = item["findings"]
    assert (finding["rule"], finding["code"], finding["effect"]) == ("L-14", "IN_CLARIFICATION", "review")
    (grant,) = item["grants"]
    assert {
        name: grant[name] for name in ("key", "version", "legal_basis", "valid_from", "valid_to", "status", "facility", "provider")
    } == {
        "key": "O-tutoring",
        "version": 1,
        "legal_basis": "sgb2",
        "valid_from": "2026-09-01",
        "valid_to": "2027-08-31",
        "status": "active",
        "facility": None,
        "provider": None,
    }
    assert grant["budget"] == {"kind": "minutes", "minutes": 900}
    assert grant["left"] == {"kind": "minutes", "minutes": 810}


async def test_a_grant_names_facility_provider_and_revocation_by_key(town: Town) -> None:
    revocation = {"effective_from": "2027-01-01", "notified_on": None}
    await town.grant("A", facility="s2", provider="c1", status="disputed", revocation=revocation, budget={"kind": "days", "days": 5})
    await town.bill("c1", lunch("A", MONDAY, facility="s2"))
    grant = (await reviews(town))[0]["grants"][0]
    assert (grant["facility"], grant["provider"], grant["status"]) == ("s2", "c1", "disputed")
    assert (grant["revoked_from"], grant["notified_on"]) == ("2027-01-01", None)
    assert (grant["budget"], grant["left"]) == ({"kind": "days", "days": 5}, {"kind": "days", "days": 4})


async def test_a_grant_without_a_limit_has_no_limit_left_either(town: Town) -> None:
    await contested(town)
    grant = (await reviews(town))[0]["grants"][0]
    assert (grant["budget"], grant["left"]) == ({"kind": "unlimited"}, {"kind": "unlimited"})


async def test_a_budget_in_euro_is_shown_as_an_amount(town: Town) -> None:
    await town.grant("A", status="disputed", budget={"kind": "amount", "amount": "90.00"})
    await town.bill("c1", lunch("A", MONDAY))
    grant = (await reviews(town))[0]["grants"][0]
    assert (grant["budget"], grant["left"]) == ({"kind": "amount", "amount": "90.00"}, {"kind": "amount", "amount": "85.50"})


async def test_a_month_has_no_service_date(town: Town) -> None:
    await town.grant("H", attends="daycare")
    await town.bill("c3", lunch_month("H", "2026-10", attended_days=0))
    (item,) = await reviews(town)
    assert (item["service_date"], item["from"], item["to"]) == (None, "2026-10-01", "2026-10-31")


async def test_reviews_are_filtered_by_state_provider_and_public_code(town: Town) -> None:
    await unproven(town)
    await contested(town)
    by_provider = {key: [item["provider"] for item in await reviews(town, f"?provider={key}")] for key in ("t1", "c1", "c2")}
    assert by_provider == {"t1": ["t1"], "c1": ["c1"], "c2": ["c2"]}
    assert len(await reviews(town, "?code=IN_CLARIFICATION")) == 3
    assert await reviews(town, "?code=CLOSED_DAY") == []
    first = (await reviews(town))[0]
    await resolved(town, first, "accept")
    await resolved(town, (await reviews(town, "?provider=c1"))[0], "query")
    assert [len(await reviews(town, f"?state={state}")) for state in ("open", "query", "resolved")] == [1, 1, 1]
    assert [item["provider"] for item in await reviews(town, "?code=QUERY")] == ["c1"]
    assert [item["id"] for item in await reviews(town, "?state=resolved&provider=t1&code=DECIDED_BY_OFFICE")] == [first["id"]]


async def test_a_rule_with_two_codes_is_found_by_the_one_that_was_told(town: Town) -> None:
    # M-06 says IN_CLARIFICATION under review and CLOSED_DAY where it rejects.
    await town.set(holiday_lunch="review")
    await town.grant("A", facility="k4")
    await town.bill("c1", lunch("A", "2026-10-19", facility="k4"))
    assert len(await reviews(town, "?code=IN_CLARIFICATION")) == 1
    assert await reviews(town, "?code=CLOSED_DAY") == []


async def test_an_unknown_filter_is_said_to_be_one(town: Town) -> None:
    answer = await town.call("clerk", "GET", "/reviews?code=M-03&provider=nobody")
    assert refused(answer) == (422, "invalid")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["?code", "?provider"]
    assert (await town.call("clerk", "GET", "/reviews?state=new")).status_code == 422


async def test_reviews_come_in_pages_oldest_first(town: Town) -> None:
    await town.grant("A")
    await town.grant("B", status="disputed")
    await town.bill("c1", lunch("B", *[f"2026-10-{day:02d}" for day in (5, 6, 7, 8, 9)]))
    whole = await reviews(town, "")
    assert [item["service_date"] for item in whole] == [f"2026-10-{day:02d}" for day in (5, 6, 7, 8, 9)]
    first = await town.ok("clerk", "GET", "/reviews?limit=3")
    rest = await town.ok("clerk", "GET", f"/reviews?limit=3&cursor={first['next_cursor']}")
    assert [*first["items"], *rest["items"]] == whole
    assert rest["next_cursor"] is None


async def test_a_review_may_be_about_a_line_without_grants(town: Town) -> None:
    # Number and birth date are right, the name is not: nobody has asked for a grant yet.
    await town.grant("A", valid_from="2027-01-01")
    await town.bill("c1", lunch("A", MONDAY, name="Ganz Anders"))
    (item,) = await reviews(town)
    assert (item["proposed"], [f["rule"] for f in item["findings"]]) == ("0.00", ["I-04"])


@pytest.mark.parametrize("who", ["clerk", "finance", "auditor"])
async def test_staff_that_needs_reviews_reads_them(town: Town, who: str) -> None:
    assert await reviews(town, "", who) == []


@pytest.mark.parametrize("who", ["c1", "registrar", "orderer"])
async def test_nobody_else_reads_or_resolves_them(town: Town, who: str) -> None:
    await contested(town)
    (review, _) = await reviews(town)
    body = {"decision": "accept", "reason": "Ich bin dafür."}
    assert (await town.call(who, "GET", "/reviews")).status_code == 403
    assert (await town.call(who, "POST", f"/reviews/{review['id']}/resolution", body)).status_code == 403
    assert (await town.call(who, "POST", "/reviews/resolutions", body | {"ids": [review["id"]]})).status_code == 403


@pytest.mark.parametrize("who", ["finance", "auditor"])
async def test_whoever_reads_them_need_not_resolve_them(town: Town, who: str) -> None:
    await contested(town)
    (review, _) = await reviews(town)
    answer = await town.call(who, "POST", f"/reviews/{review['id']}/resolution", {"decision": "accept", "reason": "Nein."})
    assert answer.status_code == 403


async def test_another_towns_review_is_not_there(town: Town, instance: Instance) -> None:
    await contested(town)
    (review, _) = await reviews(town)
    other = await open_town(instance)
    assert await reviews(other, "") == []
    body = {"decision": "accept", "reason": "Nicht meiner."}
    assert (await other.call("clerk", "POST", f"/reviews/{review['id']}/resolution", body)).status_code == 404
    bulk = await other.ok("clerk", "POST", "/reviews/resolutions", body | {"ids": [review["id"]]})
    assert bulk["items"] == [{"id": review["id"], "status": 404, "code": "not_found"}]
    assert (await town.call("clerk", "POST", "/reviews/nonsense/resolution", body)).status_code == 404
    foreign = {"Authorization": f"Bearer {await other.token('clerk')}"}
    assert (await town.call("clerk", "GET", "/reviews", headers=foreign)).status_code == 404


async def test_the_same_lesson_told_to_its_provider_has_no_rule(town: Town) -> None:
    await town.grant("O", "tutoring", born=BORN)
    bill = await town.bill("t1", lesson("O", MONDAY, proof=None))
    assert bill.codes == [{"IN_CLARIFICATION"}]

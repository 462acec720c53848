"""The protected check: what was confirmed is paid until the provider was told of a change; reading changes is being told."""

from typing import Any

from tests.procedures.adjudication.lines import fee, lunch, lunch_month
from tests.procedures.adjudication.town import BORN, Town
from tests.procedures.changes.reader import Reader

JSON = Any
CHECKED, CHANGED, READ, BILLED = (f"2026-11-{day}T10:00:00Z" for day in ("02", "09", "12", "30"))
BEFORE, ON, AFTER = "2026-11-11", "2026-11-12", "2026-11-13"


async def asked(  # noqa: PLR0913, PLR0917 - what a check asks
    town: Town, by: str, first: str, last: str, benefit: str = "lunch", born: str = BORN
) -> JSON:
    """A check of child A."""
    await town.need_provider(by)
    facility = {"c": "k2" if by == "c3" else "s1"}.get(by[0])
    if facility is not None:
        await town.need_facility(facility)
    number = town.numbers[f"A-{benefit}"]
    return {"benefit": benefit, "entitlement_number": number, "date_of_birth": born, "from": first, "to": last, "facility": facility}


async def checked(  # noqa: PLR0913 - what a check asks
    town: Town, by: str = "c1", first: str = "2026-11-01", last: str = "2026-11-30", *, at: str = CHECKED, benefit: str = "lunch"
) -> str:
    """The id of a confirmed check of child A."""
    answer = await town.ok(by, "POST", "/eligibility-checks", await asked(town, by, first, last, benefit), at=at)
    assert answer["eligible"], answer
    return str(answer["id"])


async def test_a_grant_cut_short_after_the_check_is_paid_for_the_confirmed_days(town: Town) -> None:
    await town.grant("A", at=CHECKED)
    check = await checked(town)
    await town.grant("A", valid_to="2026-11-10", at=CHANGED)
    bill = await town.bill("c1", lunch("A", "2026-11-10", AFTER, check_id=check), lunch("A", BEFORE), at=BILLED)
    assert bill.days() == ["2026-11-10 accepted 4.50", f"{AFTER} accepted 4.50 E-08"]
    assert bill.says[1] == "rejected 0.00 E-01"


async def test_a_grant_that_begins_later_now_is_paid_for_the_confirmed_days(town: Town) -> None:
    await town.grant("A", at=CHECKED)
    check = await checked(town)
    await town.grant("A", valid_from="2026-11-12", valid_to="2026-11-12", at=CHANGED)
    bill = await town.bill("c1", lunch("A", BEFORE, ON, AFTER, check_id=check), at=BILLED)
    assert bill.days() == [f"{BEFORE} accepted 4.50 E-08", f"{ON} accepted 4.50", f"{AFTER} accepted 4.50 E-08"]


async def test_what_was_billed_before_the_cut_stands_by_its_check(town: Town) -> None:
    await town.grant("A", at=CHECKED)
    check = await checked(town)
    late = "2026-11-20T10:00:00Z"
    kept, lost = await town.bill("c1", lunch("A", BEFORE, check_id=check), at=late), await town.bill("c1", lunch("A", ON), at=late)
    await town.grant("A", valid_to="2026-11-10", at=BILLED)
    assert (await kept.again()).says == ["accepted 4.50 E-08"]
    assert (await lost.again()).says == ["rejected 0.00 E-01"]
    assert await Reader(town, "c1").said(BILLED) == ["period lunch -2026-11-11", f"decision 1 {ON}"]


async def test_from_the_day_the_cut_was_read_on_nothing_is_promised(town: Town) -> None:
    await town.grant("A", at=CHECKED)
    check = await checked(town)
    await town.grant("A", valid_to="2026-11-10", at=CHANGED)
    assert await Reader(town, "c1").said(READ) == ["period lunch -2026-11-11"]
    # Reading again later changes nothing: the first time counts.
    await Reader(town, "c1").said(BILLED)
    bill = await town.bill("c1", lunch("A", BEFORE, ON, AFTER, check_id=check), at=BILLED)
    assert bill.days() == [f"{BEFORE} accepted 4.50 E-08", f"{ON} rejected 0.00 E-01", f"{AFTER} rejected 0.00 E-01"]


async def test_a_check_made_after_the_change_was_read_promises_nothing(town: Town) -> None:
    await town.grant("A", at=CHECKED)
    await checked(town)
    await town.grant("A", valid_to="2026-11-10", at=CHANGED)
    await Reader(town, "c1").page(at=READ)
    # The office takes the cut back and makes it again: the new one was not read when this check was made, but the old one was.
    check = await checked(town, last="2026-11-10", at=READ)
    bill = await town.bill("c1", lunch("A", BEFORE, check_id=check), at=BILLED)
    assert bill.says == ["rejected 0.00 E-01"]


async def test_only_days_that_were_confirmed_are_promised(town: Town) -> None:
    await town.grant("A", at=CHECKED)
    check = await checked(town, first="2026-11-12", last="2026-11-12")
    await town.grant("A", valid_to="2026-11-10", at=CHANGED)
    bill = await town.bill("c1", lunch("A", BEFORE, ON, AFTER, check_id=check), at=BILLED)
    assert bill.days() == [f"{BEFORE} rejected 0.00 E-01", f"{ON} accepted 4.50 E-08", f"{AFTER} rejected 0.00 E-01"]


async def test_a_range_confirmed_in_part_promises_that_part(town: Town) -> None:
    await town.grant("A", valid_to=ON, at=CHECKED)
    check = await checked(town)
    await town.grant("A", valid_to="2026-11-10", at=CHANGED)
    bill = await town.bill("c1", lunch("A", ON, AFTER, check_id=check), at=BILLED)
    assert bill.days() == [f"{ON} accepted 4.50 E-08", f"{AFTER} rejected 0.00 E-01"]


async def test_a_promise_is_one_childs_and_one_benefits(town: Town) -> None:
    for child in ("A", "B"):
        await town.grant(child, at=CHECKED)
    check = await checked(town)
    for child in ("A", "B"):
        await town.grant(child, valid_to="2026-11-10", at=CHANGED)
    bill = await town.bill("c1", lunch("B", BEFORE, check_id=check), lunch("A", BEFORE, check_id=check), at=BILLED)
    assert bill.says == ["rejected 0.00 E-01", "accepted 4.50 E-08"]


async def test_a_disputed_grant_is_paid_where_a_check_promised_it(town: Town) -> None:
    await town.grant("A", at=CHECKED)
    check = await checked(town)
    await town.grant("A", status="disputed", at=CHANGED)
    bill = await town.bill("c1", lunch("A", ON, check_id=check), lunch("A", AFTER), at=BILLED)
    assert bill.says == ["accepted 4.50", "review ?4.50 E-09"]


async def test_a_flat_month_is_promised_as_a_whole_or_not_at_all(town: Town) -> None:
    await town.grant("A", attends="daycare", at=CHECKED)
    check = await checked(town, "c3")
    await town.grant("A", valid_to="2026-11-15", at=CHANGED)
    line = lunch_month("A", "2026-11", attended_days=10)
    assert (await town.send("c3", line | {"check_id": check}, at=BILLED, query="?dry_run=true")).json()["lines"][0]["approved"] == "60.00"
    assert (await town.bill("c3", line, at=BILLED)).says == ["reduced 28.57 M-10"]


async def test_a_fee_is_promised_by_its_first_day(town: Town) -> None:
    await town.grant("A", "participation", at=CHECKED)
    check = await checked(town, "v1", "2026-11-11", "2026-11-11", benefit="participation")
    await town.grant("A", "participation", valid_to="2026-11-10", at=CHANGED)
    bill = await town.bill("v1", fee("A", BEFORE, "2026-12-31", "15.00", check_id=check), at=BILLED)
    assert bill.says == ["accepted 15.00 E-08"]


async def test_a_town_may_promise_nothing(town: Town) -> None:
    await town.set(protected_checks=False)
    await town.grant("A", at=CHECKED)
    check = await checked(town)
    await town.grant("A", valid_to="2026-11-10", at=CHANGED)
    assert (await town.bill("c1", lunch("A", BEFORE, check_id=check), at=BILLED)).says == ["rejected 0.00 E-01"]
    await town.set(protected_checks=True, protect_good_faith=False)
    assert (await town.bill("c1", lunch("A", ON, check_id=check), at=BILLED)).says == ["rejected 0.00 E-01"]


async def test_a_check_must_be_a_confirmed_one_of_ones_own(town: Town) -> None:
    await town.grant("A", at=CHECKED)
    theirs = await checked(town, "c2")
    failed = (await town.ok("c1", "POST", "/eligibility-checks", await asked(town, "c1", ON, ON, born="2000-01-01")))["id"]
    told = []
    for check in (theirs, failed, "0198f0c2-0000-7000-8000-000000000001"):
        answer = await town.send("c1", lunch("A", ON), lunch("A", AFTER, check_id=check), at=BILLED)
        assert answer.status_code == 422
        told.append([(e["pointer"], e["code"], e["detail"]) for e in answer.json()["errors"]])
    assert told[0] == told[1] == told[2]
    assert told[0][0][:2] == ("/lines/1/check_id", "unknown_key")


async def test_a_revocation_counts_from_the_day_it_was_read_where_that_is_earlier(town: Town) -> None:
    await town.grant("A", at=CHECKED)
    for provider in ("c1", "c2"):
        await checked(town, provider)
    await town.grant("A", revocation={"effective_from": "2026-11-01", "notified_on": "2026-11-20"}, at=CHANGED)
    await Reader(town, "c1").page(at=READ)
    told, untold = [await town.bill(by, lunch("A", day), at=BILLED) for by, day in (("c1", ON), ("c2", AFTER))]
    assert told.says == ["rejected 0.00 E-07"]
    assert untold.says == ["accepted 4.50 E-08"]
    assert (await town.bill("c1", lunch("A", BEFORE), at=BILLED)).says == ["accepted 4.50 E-08"]
    assert told.told[0]["findings"][0]["values"]["notified_on"] == ON


async def test_an_office_that_told_before_it_was_read_counts(town: Town) -> None:
    await town.grant("A", at=CHECKED)
    await checked(town)
    await town.grant("A", revocation={"effective_from": "2026-11-01", "notified_on": "2026-11-10"}, at=CHANGED)
    await Reader(town, "c1").page(at=READ)
    assert (await town.bill("c1", lunch("A", BEFORE), at=BILLED)).says == ["rejected 0.00 E-07"]


async def test_reading_of_a_revocation_decides_open_days_behind_it_again(town: Town) -> None:
    await town.grant("A", attends="daycare", at=CHECKED)
    await checked(town, "c3")
    bill = await town.bill("c3", lunch_month("A", "2026-11", attended_days=3), at=CHECKED)
    await town.grant("A", revocation={"effective_from": "2026-11-03", "notified_on": None}, at=CHANGED)
    assert (await bill.again()).says == ["accepted 60.00 E-08 M-09"]
    reader = Reader(town, "c3")
    assert await reader.said(READ) == ["period lunch -2026-11-03"]
    assert (await bill.again()).says == ["reduced 22.86 E-08 M-10"]
    assert await reader.said(READ) == ["decision 1 None"]


async def test_a_revocation_that_comes_again_must_be_read_again(town: Town) -> None:
    await town.grant("A", at=CHECKED)
    await checked(town)
    revocation = {"effective_from": "2026-11-03", "notified_on": None}
    reader = Reader(town, "c1")
    await town.grant("A", revocation=revocation, at="2026-11-04T10:00:00Z")
    assert await reader.said("2026-11-05T10:00:00Z") == ["period lunch -2026-11-03"]
    await town.grant("A", revocation=None, at="2026-11-06T10:00:00Z")
    assert await reader.said("2026-11-07T10:00:00Z") == ["period lunch +2026-11-03"]
    await town.grant("A", revocation=revocation, at=CHANGED)
    assert (await town.bill("c1", lunch("A", "2026-11-10"), at=BILLED)).says == ["accepted 4.50 E-08"]
    await reader.said(READ)
    assert (await town.bill("c1", lunch("A", BEFORE, ON), at=BILLED)).days() == [f"{BEFORE} accepted 4.50 E-08", f"{ON} rejected 0.00 E-07"]


async def test_a_check_knows_what_its_provider_has_read(town: Town) -> None:
    await town.grant("A", at=CHECKED)
    for provider in ("c1", "c2"):
        await checked(town, provider)
    await town.grant("A", revocation={"effective_from": "2026-11-03", "notified_on": None}, at=CHANGED)
    await Reader(town, "c1").page(at=READ)
    ends = {}
    for by in ("c1", "c2"):
        body = await asked(town, by, "2026-11-02", "2026-11-30")
        ends[by] = (await town.ok(by, "POST", "/eligibility-checks", body, at="2026-11-20T10:00:00Z"))["periods"][-1]["to"]
        children = (await town.ok(by, "GET", "/my/children", at="2026-11-20T10:00:00Z"))["items"]
        assert children[0]["periods"][-1]["to"] == ends[by]
    assert ends == {"c1": "2026-11-11", "c2": "2026-11-19"}

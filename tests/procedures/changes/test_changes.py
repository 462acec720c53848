"""What a provider reads of what changed: its own decisions, periods and payments, in order, once."""

from tests.factories.billing import german_iban
from tests.procedures.adjudication.lines import lunch
from tests.procedures.adjudication.town import HINT, Town
from tests.procedures.changes.reader import Reader

DAY, NEXT, LATER = "2026-10-05", "2026-10-06", "2026-10-07"
DECEMBER = "2026-12-03T10:00:00Z"


async def test_a_provider_without_changes_gets_a_cursor_all_the_same(town: Town) -> None:
    await town.need_provider("c1")
    reader = Reader(town, "c1")
    assert await reader.page() == []
    cursor = reader.cursor
    assert await reader.page() == []
    assert reader.cursor == cursor


async def test_what_was_just_submitted_or_cancelled_is_no_news(town: Town) -> None:
    await town.grant("A")
    await town.cancel(await town.bill("c1", lunch("A", DAY)))
    assert await Reader(town, "c1").said() == []


async def test_a_late_grant_tells_of_the_decisions_and_days_it_adds(town: Town) -> None:
    await town.grant("A", valid_from=LATER)
    bill = await town.bill("c1", lunch("A", DAY, LATER), lunch("A", NEXT))
    await town.grant("A", valid_from=NEXT, at=DECEMBER)
    reader = Reader(town, "c1")
    first, second = await reader.page()
    assert (first["kind"], first["from"], first["covered"], first["at"]) == ("period", NEXT, True, "2026-12-03T10:00:00.000Z")
    children = (await town.ok("c1", "GET", "/my/children"))["items"]
    assert first["subject"] == {"type": "child", "id": children[0]["reference"]}
    assert second["subject"] == {"type": "invoice", "id": bill.id}
    assert (second["line_no"], second["service_date"]) == (2, NEXT)
    assert await reader.page() == []


async def test_a_person_tells_by_deciding_and_by_asking(town: Town) -> None:
    await town.grant("A", facility="s2")
    await town.bill("c1", lunch("A", DAY))
    reader = Reader(town, "c1")
    review = (await town.ok("clerk", "GET", "/reviews?state=open"))["items"][0]["id"]
    for decision in ("query", "accept"):
        body = {"decision": decision, "approved": None, "reason": "Die Schule hat gewechselt."}
        await town.ok("clerk", "POST", f"/reviews/{review}/resolution", body)
        assert await reader.said() == [f"decision 1 {DAY}"]


async def test_a_second_claim_tells_the_first_claimant_that_its_lunch_is_looked_at(town: Town) -> None:
    await town.grant("A")
    await town.bill("c1", lunch("A", DAY))
    await town.bill("c2", lunch("A", DAY))
    assert await Reader(town, "c1").said() == [f"decision 1 {DAY}"]
    assert await Reader(town, "c2").said() == []


async def test_a_new_bank_account_is_told_before_anything_is_paid_to_it(town: Town) -> None:
    await town.need_provider("c1")
    reader = Reader(town, "c1")
    path = "/providers/c1/bank-accounts"
    for account, usable_from in ((1, "2026-11-02"), (2, "2026-11-05")):
        made = await town.ok("finance", "POST", path, {"iban": german_iban(account), "holder": "Mensa Rheinland GmbH"})
        await town.ok("finance2", "POST", f"{path}/{made['id']}/confirmation")
        proposed, confirmed = await reader.page()
        assert (proposed["kind"], proposed["state"], proposed["from"]) == ("bank_account", "proposed", None)
        assert (confirmed["kind"], confirmed["state"], confirmed["from"]) == ("bank_account", "confirmed", usable_from)
        assert proposed["subject"] == confirmed["subject"] == {"type": "bank_account", "id": made["id"]}
        assert german_iban(account) not in str((proposed, confirmed))


async def test_a_dry_run_tells_nobody(town: Town) -> None:
    await town.grant("A")
    await town.bill("c1", lunch("A", DAY))
    assert (await town.send("c2", lunch("A", DAY), query="?dry_run=true")).status_code == 200
    assert await Reader(town, "c1").said() == []


async def test_days_that_fall_away_and_come_again(town: Town) -> None:
    await town.grant("A")
    await town.bill("c1", lunch("A", DAY))
    reader = Reader(town, "c1")
    await town.grant("A", valid_to="2027-01-31", at=DECEMBER)
    assert await reader.said(DECEMBER) == ["period lunch -2027-02-01"]
    await town.grant("A", valid_to="2027-07-31", at=DECEMBER)
    assert await reader.said(DECEMBER) == ["period lunch +2027-02-01"]
    await town.grant("A", revocation={"effective_from": "2026-12-01", "notified_on": None}, at=DECEMBER)
    assert await reader.said(DECEMBER) == ["period lunch -2026-12-01"]
    await town.grant("A", revocation=None, valid_from="2026-10-05", at=DECEMBER)
    assert await reader.said(DECEMBER) == ["period lunch -2026-09-01", "period lunch +2026-12-01"]


async def test_days_outside_of_the_own_agreement_are_nobodys_business(town: Town) -> None:
    await town.agree("c1", valid_to="2026-12-31")
    await town.grant("A")
    await town.bill("c1", lunch("A", DAY))
    await town.grant("A", valid_to="2027-03-31", at=DECEMBER)
    assert await Reader(town, "c1").said() == []


async def test_another_legal_basis_for_the_same_days_is_not_told(town: Town) -> None:
    await town.grant("A")
    await town.bill("c1", lunch("A", DAY, NEXT))
    await town.grant("A", legal_basis="bkgg", at=DECEMBER)
    await town.grant("A", valid_to="2026-12-31", at=DECEMBER)
    reader = Reader(town, "c1")
    assert await reader.said() == ["period lunch -2027-01-01"]
    # The same days under two grants instead of one.
    await town.grant("A", key="A-2", entitlement="A-lunch", legal_basis="sgb12_3", valid_from=NEXT, valid_to="2026-12-31", at=DECEMBER)
    assert await reader.said() == []


async def test_who_is_not_linked_or_not_to_be_informed_hears_nothing(town: Town) -> None:
    await town.grant("A")
    await town.need_provider("c2")
    await town.bill("c1", lunch("A", DAY))
    row = town.rows["A-lunch"]
    row["entitlement"]["information_allowed"] = False
    await town.deliver(row)
    await town.grant("A", valid_to="2026-12-31", at=DECEMBER)
    assert await Reader(town, "c1").said() == []
    assert await Reader(town, "c2").said() == []


async def test_a_payment_is_told_with_its_remittance(town: Town) -> None:
    await town.grant("A")
    await town.bill("c1", lunch("A", DAY))
    await town.need_provider("c2")
    batch = await town.settle()
    reader = Reader(town, "c1")
    *_, item = await reader.page()
    assert (item["kind"], item["state"]) == ("payment", "handed_over")
    assert item["subject"] == {"type": "remittance", "id": batch["payments"][0]["id"]}
    assert not [said for said in await Reader(town, "c2").said() if said.startswith("payment")]


async def test_pages_follow_each_other_whatever_their_size(town: Town) -> None:
    await town.grant("A", valid_from="2026-11-01")
    days = [f"2026-10-{day:02}" for day in (5, 6, 7, 8, 9)]
    await town.bill("c1", *(lunch("A", day) for day in days))
    await town.grant("A", valid_from="2026-09-01", at=DECEMBER)
    whole = [item["id"] for item in await Reader(town, "c1").page()]
    assert len(whole) == 6
    reader, read = Reader(town, "c1"), []
    while items := await reader.page(limit=2):
        read += [item["id"] for item in items]
    assert read == whole


async def test_a_cursor_that_is_not_ones_own_is_refused(town: Town) -> None:
    for provider in ("c1", "c2"):
        await town.need_provider(provider)
    other = Reader(town, "c2")
    await other.page()
    ahead = "OTk5LjAwMDAwMDAw"
    for cursor in (other.cursor, ahead, "x", "%20", "AAAA", "1"):
        answer = await town.call("c1", "GET", f"/changes?after={cursor}")
        assert answer.status_code == 422, cursor
        assert answer.json()["errors"][0]["code"] == "bad_cursor"
    assert (await town.call("c1", "GET", "/changes?limit=0")).status_code == 422


async def test_only_providers_read_changes(town: Town) -> None:
    await town.need_provider("c1")
    for who in ("clerk", "registrar", "auditor", "finance"):
        assert (await town.call(who, "GET", "/changes")).status_code == 403


async def test_nothing_in_changes_hints_at_rules_or_legal_bases(town: Town) -> None:
    await town.grant("A", legal_basis="asylblg_2")
    await town.bill("c1", lunch("A", DAY), lunch("A", NEXT))
    await town.grant("A", legal_basis="bkgg", revocation={"effective_from": NEXT, "notified_on": NEXT}, at=DECEMBER)
    answer = await town.call("c1", "GET", "/changes")
    assert len(answer.json()["items"]) == 2
    assert HINT.search(answer.text) is None

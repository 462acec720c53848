"""Two towns with the same keys, the same numbers and the same caterer: what happens in one never shows in the other."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.db.schema import metadata
from tests.factories.instance import Instance
from tests.isolation.operations import protected
from tests.isolation.stage import LATER, STAFF, check
from tests.procedures.adjudication.lines import correction, lesson, lunch
from tests.procedures.adjudication.town import Bill, Town, open_town
from tests.procedures.review.clerk import contested, resolve, reviews

JSON = Any
CARD = "KR-2026/0815"  # an old card's number that both towns gave out


@dataclass
class Pair:
    """Two towns that look alike. c1 has one login for both."""

    first: Town
    second: Town
    bills: list[Bill]


@pytest.fixture
async def pair(instance: Instance) -> Pair:
    first, second = await open_town(instance), await open_town(instance)
    await first.provider("c1")
    await second.provider("c1", account=f"{first.key}-c1")
    second._tokens["c1"] = await first.token("c1")  # noqa: SLF001 - one caterer, one login
    bills = []
    for town in (first, second):
        await town.grant("A", number=CARD)
        await town.grant("L", "tutoring", budget={"kind": "minutes", "minutes": 90})
        bills.append(await town.bill("c1", lunch("A", "2026-10-05"), number="R-1"))
    return Pair(first, second, bills)


async def seen_in(town: Town) -> dict[str, JSON]:
    """Everything every caller can list in a town."""
    lists = [one for one in protected() if one.method == "GET" and one.of_a_town and not one.objects]
    seen = {}
    await town.need_provider("t1")
    for operation in lists:
        path = operation.path.partition("{municipality}")[2]
        for who in (*STAFF, "c1", "t1"):
            if ("provider" if who in {"c1", "t1"} else who) in (operation.roles or ()):
                seen[f"{who} {path}"] = await town.ok(who, "GET", path, at=LATER)
    return seen


async def stored_for(town: Town) -> dict[str, str]:
    """A digest of a town's rows, by table."""
    connection = await asyncpg.connect(asyncpg_dsn(town.instance.database_url))
    try:
        digest = "SELECT md5(coalesce(string_agg(md5(t::text), '' ORDER BY md5(t::text)), '')) FROM {} t WHERE municipality_id = $1"
        town_id = await connection.fetchval("SELECT id FROM municipality WHERE key = $1", town.key)
        tables = [name for name, table in metadata.tables.items() if table.info["tenant"]]
        return {name: await connection.fetchval(digest.format(f'"{name}"'), town_id) for name in tables}
    finally:
        await connection.close()


async def live(town: Town) -> None:
    """A bit of everything an office and its providers do."""
    await town.set(name="Anders", holiday_lunch="review", bank_cooling_days=9)
    await town.facility("s1", name="Ganz andere Schule", closed=[{"from": "2026-11-10", "to": "2026-11-10", "reason": "zu"}])
    await town.provider("c1", name="Anderer Name", creditor_number="0799999", account=f"{town.key}-c1")
    await town.agree("c1", prices=[{"item": "lunch", "valid_from": "2026-01-01", "unit_price": "3.10"}])
    await town.grant("A", valid_to="2026-12-24", legal_basis="bkgg")
    await town.grant("Z", revocation={"effective_from": "2026-11-01", "notified_on": None})
    first, _ = await contested(town, "2026-10-07")
    bill = await town.bill("c1", lunch("A", "2026-10-08", unit_price="9.00"), number="R-2")
    await town.ok("c1", "POST", f"/invoices/{bill.id}/objections", {"line_no": 1, "text": "Der Preis war vereinbart."})
    for review in await reviews(town):
        await resolve(town, review, "reject")
    await town.bill("t1", lesson("L", "2026-10-06"))
    await town.settle()
    assert (await town.cancel(first)).status_code == 200
    await town.replace_number("A-lunch", "2026-10-20")
    paid = {"provider": "c1", "from": "2026-11-01", "to": "2026-11-02"}
    await town.ok("registrar", "POST", "/entitlements/A-lunch/family-payments", paid)
    for day in range(1, 25):
        await town.call("c1", "POST", "/eligibility-checks", check(town, date_of_birth=f"2015-06-{day:02d}"))


async def test_what_one_town_does_never_shows_in_the_other(pair: Pair) -> None:
    before, stored = await seen_in(pair.second), await stored_for(pair.second)
    assert len(before) > 30
    changed = await stored_for(pair.first)
    await live(pair.first)
    assert await seen_in(pair.second) == before
    assert await stored_for(pair.second) == stored
    now = await stored_for(pair.first)
    assert sum(now[name] != changed[name] for name in now) > 25  # what the other town was spared
    await pair.first.assert_sound()


async def test_a_lunch_paid_in_one_town_is_free_in_the_other(pair: Pair) -> None:
    assert [bill.says for bill in pair.bills] == [["accepted 4.50"], ["accepted 4.50"]]


async def test_a_budget_used_up_in_one_town_is_whole_in_the_other(pair: Pair) -> None:
    for town in (pair.first, pair.second):
        bill = await town.bill("t1", lesson("L", "2026-10-06"))
        assert bill.says == ["accepted 45.00"]


async def test_an_invoice_number_belongs_to_one_town(pair: Pair) -> None:
    again = await pair.second.send("c1", lunch("A", "2026-10-06"), number="R-1")
    assert (again.status_code, again.json()["code"]) == (409, "H-01")
    await pair.first.bill("c1", lunch("A", "2026-10-06"), number="R-2")
    await pair.second.bill("c1", lunch("A", "2026-10-06"), number="R-2")


async def test_being_known_in_one_town_helps_nothing_in_the_other(pair: Pair) -> None:
    for town, born in ((pair.first, "2016-05-11"), (pair.second, "2014-01-02")):
        await town.grant("N", born=born, number="KR-77/1")
    assert (await pair.first.bill("c1", lunch("N", "2026-10-06"))).says == ["accepted 4.50"]
    unlinked = lunch("N", "2026-10-06", date_of_birth=None)
    assert (await pair.first.bill("c1", lunch("N", "2026-10-07", date_of_birth=None))).says == ["accepted 4.50"]
    told = (await pair.second.bill("c1", unlinked)).told
    assert (told[0]["decision"], told[0]["findings"][0]["code"]) == ("rejected", "NOT_CONFIRMED")


async def test_a_client_locked_in_one_town_is_heard_in_the_other(pair: Pair) -> None:
    answers = [
        await pair.first.call("c1", "POST", "/eligibility-checks", check(pair.first, date_of_birth=f"2015-06-{day:02d}"))
        for day in range(1, 25)
    ]
    assert answers[-1].status_code == 429
    assert (await pair.second.ok("c1", "POST", "/eligibility-checks", check(pair.second)))["eligible"]
    assert (await pair.second.ok("clerk", "GET", "/notices"))["items"] == []


async def test_an_idempotency_key_is_the_clients_own_wherever_it_asks(pair: Pair) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    body = pair.first.body([lunch("A", "2026-10-12")], number="R-9")
    assert (await pair.first.call("c1", "POST", "/invoices", body, headers=key)).status_code == 201
    elsewhere = await pair.second.call("c1", "POST", "/invoices", body, headers=key)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (422, "idempotency_key_reused")
    stranger = await pair.second.call("registrar", "POST", "/grant-imports", [], headers=key)
    assert stranger.status_code == 200
    assert "Idempotency-Replayed" not in stranger.headers


async def test_ids_of_another_town_in_a_body_name_nothing(pair: Pair) -> None:
    await contested(pair.first, "2026-10-07")
    foreign = [review["id"] for review in await reviews(pair.first)]
    body = {"ids": [*foreign, str(uuid4())], "decision": "reject", "reason": "Nein."}
    items = (await pair.second.ok("clerk", "POST", "/reviews/resolutions", body))["items"]
    assert {(item["status"], item["code"]) for item in items} == {(404, "not_found")}
    assert len(await reviews(pair.first)) == len(foreign)


async def test_keys_of_another_town_in_a_body_name_nothing(pair: Pair) -> None:
    first, second = pair.first, pair.second
    await first.facility("s2")
    await first.agree("c2")
    for fields in ({"facility": "s2"}, {"provider": "c2"}):
        row = {**first.rows["A-lunch"], "grant": first.rows["A-lunch"]["grant"] | {"key": "X"} | fields}
        report = await second.ok("registrar", "POST", "/grant-imports", [row])
        assert [(e["pointer"], e["code"]) for e in report["rejected"][0]["errors"]] == [(f"/grant/{next(iter(fields))}", "unknown_key")]
    wish = {"cutoff": "2026-11-30", "due_on": "2026-12-15", "providers": ["c2"]}
    refused = await second.call("finance", "POST", "/settlement-batches", wish)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "unknown_key")
    paid = {"provider": "c2", "from": "2026-11-01", "to": "2026-11-02"}
    assert (await second.call("registrar", "POST", "/entitlements/A-lunch/family-payments", paid)).status_code == 422
    invoice = await second.call("c1", "POST", "/invoices", second.body([lunch("A", "2026-10-14", facility="s2")]))
    nowhere = await second.call("c1", "POST", "/invoices", second.body([lunch("A", "2026-10-14", facility="nowhere")]))
    assert told(invoice) == told(nowhere)


def told(answer: httpx.Response) -> JSON:
    """What a refusal complains about."""
    return answer.status_code, [(e["pointer"], e["code"], e["detail"]) for e in answer.json()["errors"]]


async def test_what_belongs_to_another_provider_is_like_nothing_in_an_invoice(pair: Pair) -> None:
    """Its checks and its lines, in the same town and in another."""
    town = pair.first
    await town.agree("c2")
    checked = (await town.ok("c1", "POST", "/eligibility-checks", check(town)))["id"]
    theirs, absent = [await town.send("c2", lunch("A", "2026-10-13", check_id=one)) for one in (checked, str(uuid4()))]
    assert theirs.status_code == 422
    assert told(theirs) == told(absent)
    await town.grant("B")
    line = lunch("B", "2026-10-13")
    await town.bill("c1", line, number="R-5")
    theirs = correction(line, "R-5", 1, ["2026-10-13"])
    nothing = correction(line, "R-404", 1, ["2026-10-13"])
    answers = [await town.send("c2", one) for one in (theirs, nothing)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["lines"] == answers[1].json()["lines"]

"""From drawing up to hand-over: what each step does, and what it refuses."""

from datetime import UTC, date, datetime

import asyncpg
import pytest

from but_gateway.identity.principal import Role
from but_gateway.rules.verdict import Outcome
from but_gateway.web.pagination import encode_cursor
from tests.factories.billing import Meal
from tests.procedures.settlement.conftest import BOTH, WISH, Treasury, done, refused

MONDAY, TUESDAY, WEDNESDAY = date(2026, 10, 5), date(2026, 10, 6), date(2026, 10, 7)


async def test_a_batch_pays_each_provider_once_and_splits_for_the_books(treasury: Treasury) -> None:
    billing = treasury.billing
    elif_, ada = await billing.child("sgb2", "bkgg"), await billing.child("sgb12_4")
    await billing.invoice(
        "c1",
        [
            Meal(elif_, MONDAY, {"sgb2": 450}),
            Meal(elif_, TUESDAY, {"sgb2": 200, "bkgg": 250}),
            Meal(ada, MONDAY, {"sgb12_4": 420}, claimed=450),
            Meal(ada, date(2025, 12, 1), {"sgb12_4": 450}),
            Meal(ada, TUESDAY, {}, claimed=450, outcome=Outcome.REJECTED),
            Meal(ada, WEDNESDAY, {"sgb12_4": 450}, outcome=Outcome.REVIEW),
        ],
        number="R-2026-10-001",
    )
    await billing.invoice("c2", [Meal(elif_, WEDNESDAY, {"bkgg": 400})], number="77")
    batch = await treasury.draw_up()
    assert batch["state"] == "drawn_up"
    assert batch["number"] == "2026-0001"
    assert batch["totals"] == {"gross": "21.70", "receipts": "0.00", "net": "21.70"}
    assert [(p["provider"], p["net"], p["held"], p["end_to_end_id"]) for p in batch["payments"]] == [
        ("c1", "17.70", None, "BUT-2026-0001-00001"),
        ("c2", "4.00", None, "BUT-2026-0001-00002"),
    ]
    assert batch["payments"][0]["remittance_text"] == f"BuT {treasury.town} 2026-0001 R-2026-10-001"
    first, second = (p["id"] for p in batch["payments"])
    assert [(o["payment_id"], o["legal_basis"], o["fiscal_year"], o["positions"], o["gross"]) for o in batch["orders"]] == [
        (first, "bkgg", 2026, 1, "2.50"),
        (first, "sgb12_4", 2025, 1, "4.50"),
        (first, "sgb12_4", 2026, 1, "4.20"),
        (first, "sgb2", 2026, 2, "6.50"),
        (second, "bkgg", 2026, 1, "4.00"),
    ]
    positions = done(await treasury.finance.get(f"/settlement-batches/{batch['id']}/positions"))["items"]
    assert len(positions) == 6
    assert sorted(p["approved"] for p in positions) == ["2.00", "2.50", "4.00", "4.20", "4.50", "4.50"]
    assert {p["service_date"] for p in positions} == {"2025-12-01", "2026-10-05", "2026-10-06", "2026-10-07"}


async def test_positions_come_in_pages(treasury: Treasury) -> None:
    child = await treasury.billing.child("sgb2", "bkgg")
    await treasury.billing.invoice("c1", [Meal(child, date(2026, 10, day), {"sgb2": 1, "bkgg": 2}) for day in range(1, 8)])
    batch = await treasury.draw_up()
    path, seen = f"/settlement-batches/{batch['id']}/positions?limit=4", []
    page = done(await treasury.finance.get(path))
    while True:
        seen += [(p["id"], p["order_id"]) for p in page["items"]]
        if page["next_cursor"] is None:
            break
        page = done(await treasury.finance.get(f"{path}&cursor={page['next_cursor']}"))
    assert len(seen) == len(set(seen)) == 14


@pytest.mark.parametrize("place", ["x", "~", "0198f0c2-0000-7000-8000-000000000001", "0198f0c2-0000-7000-8000-000000000001~"])
async def test_a_cursor_that_names_no_place_does_not_begin_anew(treasury: Treasury, place: str) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, date(2026, 10, 5), {"sgb2": 450})])
    batch = await treasury.draw_up()
    path = f"/settlement-batches/{batch['id']}/positions?cursor={encode_cursor(place)}"
    assert refused(await treasury.finance.get(path)) == (422, "invalid")


async def test_corrections_are_netted_and_stand_apart_in_the_books(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    billed = await treasury.billing.invoice("c1", [Meal(child, date(2026, 9, day), {"sgb2": 450}) for day in range(1, 11)])
    await treasury.settle()
    await treasury.billing.correction("c1", billed, 6)
    await treasury.billing.invoice("c1", [Meal(child, date(2026, 10, day), {"sgb2": 450}) for day in range(5, 10)])
    batch = await treasury.settle()
    assert batch["totals"] == {"gross": "22.50", "receipts": "4.50", "net": "18.00"}
    assert [(o["gross"], o["receipts"]) for o in batch["orders"]] == [("22.50", "4.50")]
    assert [p["net"] for p in batch["payments"]] == ["18.00"]


async def test_a_provider_that_owes_is_carried_forward_and_brought_up_after_two_batches(treasury: Treasury) -> None:
    billing = treasury.billing
    child, other = await billing.child(), await billing.child()
    billed = await billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    await treasury.settle()
    await billing.correction("c1", billed, 0)
    clerk = await treasury.person("clerk", Role.CLERK)
    for day, notices in ((5, 0), (6, 1), (7, 1)):
        await billing.invoice("c2", [Meal(other, date(2026, 10, day), {"sgb2": 450})])
        batch = await treasury.settle()
        assert batch["carried_forward"] == [{"provider": "c1", "balance": "-4.50"}]
        assert [p["provider"] for p in batch["payments"]] == ["c2"]
        found = [n for n in done(await clerk.get("/notices"))["items"] if n["kind"] == "negative_balance"]
        assert len(found) == notices
    await billing.invoice("c1", [Meal(child, TUESDAY, {"sgb2": 1000})])
    batch = await treasury.settle()
    assert [(p["provider"], p["net"], p["receipts"]) for p in batch["payments"]] == [("c1", "5.50", "4.50")]


async def test_nothing_to_settle(treasury: Treasury) -> None:
    assert refused(await treasury.finance.post("/settlement-batches", WISH)) == (409, "nothing_to_settle")
    child = await treasury.billing.child()
    billed = await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    await treasury.settle()
    await treasury.billing.correction("c1", billed, 0)
    assert refused(await treasury.finance.post("/settlement-batches", WISH)) == (409, "nothing_to_settle")


@pytest.mark.parametrize(
    ("received_at", "taken"),
    [(datetime(2026, 11, 8, 22, 59, 59, tzinfo=UTC), True), (datetime(2026, 11, 8, 23, 0, tzinfo=UTC), False)],
)
async def test_the_cutoff_day_ends_at_midnight_in_berlin(treasury: Treasury, received_at: datetime, *, taken: bool) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})], received_at=received_at)
    answer = await treasury.finance.post("/settlement-batches", WISH | {"cutoff": "2026-11-08"})
    assert answer.status_code == (201 if taken else 409)


async def test_benefits_and_providers_narrow_a_batch(treasury: Treasury) -> None:
    billing = treasury.billing
    child = await billing.child()
    await billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450}), Meal(child, MONDAY, {"sgb2": 2250}, benefit="tutoring")])
    await billing.invoice("c2", [Meal(child, TUESDAY, {"sgb2": 400})])
    assert [p["net"] for p in (await treasury.draw_up(benefits=["tutoring"]))["payments"]] == ["22.50"]
    batch = await treasury.draw_up(providers=["c2"])
    assert [(p["provider"], p["net"]) for p in batch["payments"]] == [("c2", "4.00")]
    assert batch["providers"] == ["c2"]
    answer = await treasury.finance.post("/settlement-batches", WISH | {"providers": ["c2", "unknown", "c1", "none"]})
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/providers/1", "/providers/3"]
    assert refused(await treasury.finance.post("/settlement-batches", WISH | {"benefits": ["dinner"]})) == (422, "invalid")


async def test_a_dry_run_shows_the_batch_and_keeps_nothing(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    shown = done(await treasury.finance.post("/settlement-batches?dry_run=true", WISH))
    assert shown["totals"]["net"] == "4.50"
    assert done(await treasury.finance.get("/settlement-batches"))["items"] == []
    assert (await treasury.draw_up())["number"] == shown["number"]


async def test_the_number_belongs_to_the_year_of_the_draw_up_and_is_never_used_twice(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    first = await treasury.draw_up()
    done(await treasury.step(treasury.finance, first, "withdrawal"))
    second = await treasury.draw_up()
    assert (first["number"], second["number"]) == ("2026-0001", "2026-0002")
    await treasury.billing.invoice("c1", [Meal(child, TUESDAY, {"sgb2": 450})])
    later = await treasury.finance.at("2026-12-31T23:30:00Z").post("/settlement-batches", WISH)
    assert later.json()["number"] == "2027-0001"


async def test_states_move_along_their_edges_only(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    batch = await treasury.draw_up()
    payment = batch["payments"][0]["id"]
    reason = {"reason": "Rückfrage"}
    everything = {
        "certification": (treasury.finance, BOTH),
        "order": (treasury.orderer, None),
        "hand-over": (treasury.finance, None),
        "reopen": (treasury.finance, reason),
        f"payments/{payment}/hold": (treasury.finance, reason),
        f"payments/{payment}/release": (treasury.orderer, None),
        "withdrawal": (treasury.finance, None),
    }

    async def refuses(*names: str) -> None:
        for name in names:
            caller, body = everything[name]
            assert refused(await treasury.step(caller, batch, name, body)) == (409, "wrong_state"), name

    hold, release = f"payments/{payment}/hold", f"payments/{payment}/release"
    await refuses("order", "hand-over", "reopen", release)
    await treasury.certify(batch)
    await refuses("certification", "hand-over", release)
    assert done(await treasury.step(treasury.orderer, batch, "reopen", reason))["factual"] is None
    await treasury.certify(batch)
    await treasury.order(batch)
    await refuses("certification", "order")
    reopened = done(await treasury.step(treasury.finance, batch, "reopen", reason))
    assert (reopened["state"], reopened["ordered"], reopened["arithmetical"]) == ("drawn_up", None, None)
    await treasury.certify(batch)
    await treasury.order(batch)
    await treasury.hand_over(batch)
    await refuses("certification", "order", "hand-over", "reopen", hold, release, "withdrawal")


async def test_two_people_may_certify_one_kind_each(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    batch = await treasury.draw_up()
    other = await treasury.person("other", Role.FINANCE)
    half = done(await treasury.step(treasury.finance, batch, "certification", {"kinds": ["factual"]}))
    assert (half["state"], half["factual"]["by"].endswith("fin"), half["arithmetical"]) == ("drawn_up", True, None)
    assert refused(await treasury.step(other, batch, "certification", BOTH)) == (409, "wrong_state")
    assert refused(await treasury.step(other, batch, "certification", {"kinds": ["factual", "factual"]})) == (422, "invalid")
    whole = done(await treasury.step(other, batch, "certification", {"kinds": ["arithmetical"]}))
    assert (whole["state"], whole["arithmetical"]["by"].endswith("other")) == ("certified", True)


async def test_a_withdrawn_batch_frees_its_positions(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    first = await treasury.draw_up()
    assert refused(await treasury.finance.post("/settlement-batches", WISH)) == (409, "nothing_to_settle")
    assert done(await treasury.step(treasury.finance, first, "withdrawal"))["state"] == "withdrawn"
    again = await treasury.settle()
    assert again["totals"]["net"] == "4.50"
    assert refused(await treasury.step(treasury.finance, first, "withdrawal")) == (409, "wrong_state")


async def test_batches_are_listed_oldest_first(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        await treasury.billing.invoice("c1", [Meal(child, day, {"sgb2": 450})])
        await treasury.draw_up()
    page = done(await treasury.finance.get("/settlement-batches?limit=2"))
    rest = done(await treasury.finance.get(f"/settlement-batches?limit=2&cursor={page['next_cursor']}"))
    assert [b["number"] for b in page["items"] + rest["items"]] == ["2026-0001", "2026-0002", "2026-0003"]
    assert rest["next_cursor"] is None
    assert done(await treasury.finance.get("/settlement-batches?state=certified"))["items"] == []


async def test_what_is_not_there_is_not_found(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    batch = await treasury.draw_up()
    unknown = "0198f0c2-7a10-7000-8000-000000000001"
    for path in (unknown, f"{unknown}/positions", f"{unknown}/files", f"{batch['id']}/files/none", "no-id"):
        assert refused(await treasury.finance.get(f"/settlement-batches/{path}")) == (404, "not_found")
    assert refused(await treasury.step(treasury.finance, {"id": unknown}, "withdrawal")) == (404, "not_found")
    assert refused(await treasury.step(treasury.finance, batch, f"payments/{unknown}/release")) == (404, "not_found")


async def test_positions_that_retention_deleted_leave_no_hole_in_the_pages(treasury: Treasury, superuser: asyncpg.Connection) -> None:
    child = await treasury.billing.child()
    meals = [Meal(child, date(2026, 10, day), {"sgb2": 450}) for day in (5, 6, 7, 8, 9)]
    billed = await treasury.billing.invoice("c1", meals)
    batch = await treasury.draw_up()
    gone = list(billed.positions[1:3])
    await superuser.execute("CREATE TEMP TABLE gone AS SELECT * FROM position_state WHERE position_id = ANY($1)", gone)
    await superuser.execute("DELETE FROM position_state WHERE position_id = ANY($1)", gone)
    found, query = [], "?limit=1"
    while query:
        page = done(await treasury.finance.get(f"/settlement-batches/{batch['id']}/positions{query}"))
        found += [item["service_date"] for item in page["items"]]
        query = f"?limit=1&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    await superuser.execute("INSERT INTO position_state SELECT * FROM gone")
    assert found == [str(meals[index].day) for index in (0, 3, 4)]

from tests.factories.instance import Instance
from tests.procedures.adjudication.lines import lesson, lunch
from tests.procedures.adjudication.town import Town, open_town

DAY = "2026-10-05"


async def test_an_invoice_is_found_where_its_location_says(town: Town) -> None:
    await town.grant("A")
    answer = await town.send("c1", lunch("A", DAY))
    assert answer.status_code == 201
    location = answer.headers["location"]
    assert location == f"/v1/municipalities/{town.key}/invoices/{answer.json()['id']}"
    assert await town.ok("c1", "GET", location.removeprefix(f"/v1/municipalities/{town.key}")) == answer.json()


async def test_the_same_key_gives_the_same_answer_and_one_invoice(town: Town) -> None:
    await town.grant("A")
    await town.need_provider("c1")
    await town.need_facility("s1")
    body, headers = town.body([lunch("A", DAY)]), {"Idempotency-Key": "invoice-0001"}
    first = await town.call("c1", "POST", "/invoices", body, headers=headers)
    again = await town.call("c1", "POST", "/invoices", body, headers=headers)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.headers["idempotency-replayed"] == "true"
    other = await town.call("c1", "POST", "/invoices", body | {"number": "R-else"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len((await town.ok("c1", "GET", "/invoices"))["items"]) == 1


async def test_a_dry_run_needs_no_key_and_keeps_nothing(town: Town) -> None:
    await town.grant("A")
    answer = await town.send("c1", lunch("A", DAY), query="?dry_run=true", number="R-dry")
    assert (answer.status_code, answer.json()["dry_run"]) == (200, True)
    assert answer.json()["totals"] == {"claimed": "4.50", "approved": "4.50", "in_review": "0.00", "refused": "0.00"}
    assert "location" not in answer.headers
    assert (await town.ok("c1", "GET", "/invoices"))["items"] == []
    assert (await town.bill("c1", lunch("A", DAY), number="R-dry")).says == ["accepted 4.50"]


async def test_invoices_are_listed_without_lines_and_filtered(town: Town) -> None:
    await town.grant("A")
    first = await town.bill("c1", lunch("A", DAY), number="R-a")
    second = await town.bill("c1", lunch("A", "2026-10-06"), number="R-b", at="2026-11-05T10:00:00Z")
    await town.cancel(first, "S-a", at="2026-11-06T10:00:00Z")

    async def listed(query: str, who: str = "c1") -> list[str]:
        items = (await town.ok(who, "GET", f"/invoices{query}"))["items"]
        assert all("lines" not in item for item in items)
        return [item["id"] for item in items]

    assert await listed("") == [first.id, second.id]
    assert await listed("", "auditor") == [first.id, second.id]
    assert await listed("?state=cancelled") == [first.id]
    assert await listed("?state=decided") == [second.id]
    assert await listed("?number=R-b") == [second.id]
    assert await listed("?received_from=2026-11-03") == [second.id]
    page = await town.ok("c1", "GET", "/invoices?limit=1")
    rest = await town.ok("c1", "GET", f"/invoices?limit=1&cursor={page['next_cursor']}")
    assert [item["id"] for item in (*page["items"], *rest["items"])] == [first.id, second.id]
    assert rest["next_cursor"] is None
    assert (await town.call("c1", "GET", "/invoices?state=open")).status_code == 422


async def test_lines_come_in_pages_and_by_decision(town: Town) -> None:
    await town.grant("A", facility="s1")
    bill = await town.bill("c1", lunch("A", DAY), lunch("A", "2026-10-10"), lunch("A", "2026-10-09", "2026-10-11"))
    path = f"/invoices/{bill.id}/lines"

    async def numbers(query: str) -> list[int]:
        return [line["line_no"] for line in (await town.ok("c1", "GET", f"{path}{query}"))["items"]]

    assert await numbers("") == [1, 2, 3]
    assert (await numbers("?decision=accepted"), await numbers("?decision=rejected"), await numbers("?decision=mixed")) == ([1], [2], [3])
    page = await town.ok("c1", "GET", f"{path}?limit=2")
    assert await numbers(f"?cursor={page['next_cursor']}") == [3]


async def test_the_history_of_a_line_is_not_another_lines(town: Town) -> None:
    await town.grant("A", facility="s1")
    bill = await town.bill("c1", lunch("A", DAY), lunch("A", "2026-10-10"))
    assert await town.history(bill, 2) == ["rejected 0.00 M-05"]
    for unknown in ("3", "0", "x", "-1", "12345678", "١"):
        assert (await town.call("c1", "GET", f"/invoices/{bill.id}/lines/{unknown}/decisions")).status_code == 404


async def test_what_is_not_ones_own_is_not_there(town: Town, instance: Instance) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", DAY))
    await town.need_provider("c2")
    other = await open_town(instance)
    for path in (f"/invoices/{bill.id}", f"/invoices/{bill.id}/lines", f"/invoices/{bill.id}/lines/1/decisions"):
        assert (await town.call("c2", "GET", path)).status_code == 404
        assert (await other.call("auditor", "GET", path)).status_code == 404
        assert (await town.call("registrar", "GET", path)).status_code == 403
    assert (await town.ok("c2", "GET", "/invoices"))["items"] == []
    assert (await town.call("c1", "GET", "/invoices/nonsense")).status_code == 404


async def test_a_cancellation_is_no_invoice_to_read(town: Town) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", DAY))
    await town.settle()
    await town.cancel(bill, "S-1")
    items = (await town.ok("c1", "GET", "/invoices"))["items"]
    assert [(item["number"], item["cancelled_by"]) for item in items] == [(bill.number, "S-1")]


async def test_readers_of_english_are_told_in_english(town: Town) -> None:
    await town.grant("A", "tutoring")
    bill = await town.bill("t1", lesson("A", DAY, proof=None))
    answer = await town.call("t1", "GET", f"/invoices/{bill.id}", headers={"Accept-Language": "en"})
    assert "clarifying an open question" in answer.json()["lines"][0]["findings"][0]["text"]

"""The list of what does not fit: people assign, finish, and nothing is booked behind their backs."""

import asyncpg

from tests.formats.statements import Detail, Entry, camt
from tests.procedures.reconciliation.conftest import JSON, Bank, counts, paid, returned
from tests.procedures.settlement.conftest import done, refused


async def assign(bank: Bank, entry: JSON, payment: JSON, reason: str = "Kasse bestätigt") -> JSON:
    return await bank.treasury.finance.post(f"/payment-entries/{entry['id']}/assignment", {"payment_id": payment["id"], "reason": reason})


async def finish(bank: Bank, entry: JSON, reason: str = "Zurückgefordert") -> JSON:
    return await bank.treasury.finance.post(f"/payment-entries/{entry['id']}/done", {"reason": reason})


async def unmatched(bank: Bank, amount: str = "4.50", *, batch: JSON) -> JSON:
    detail = Detail(None, amount, text=f"BuT {bank.treasury.town} {batch['number']} unlesbar")
    await bank.send(camt("camt.053", [Entry(amount, (detail,))]))
    (entry,) = await bank.entries("unmatched")
    return entry


async def test_an_assigned_booking_pays_the_payment(bank: Bank) -> None:
    batch = await bank.batch("c1", "c2")
    entry = await unmatched(bank, batch=batch)
    answer = done(await assign(bank, entry, batch["payments"][1]))
    assert (answer["state"], answer["open"], answer["payment"]["state"]) == ("matched", False, "paid")
    assert answer["assigned"]["reason"] == "Kasse bestätigt"
    assert await bank.states(batch) == ("handed_over", ["handed_over", "paid"])
    assert refused(await assign(bank, entry, batch["payments"][0])) == (409, "wrong_state")


async def test_the_report_again_does_not_undo_it(bank: Bank) -> None:
    batch = await bank.batch("c1", "c2")
    entry = await unmatched(bank, batch=batch)
    await assign(bank, entry, batch["payments"][1])
    detail = Detail(None, "4.50", text=f"BuT {bank.treasury.town} {batch['number']} unlesbar")
    assert counts(await bank.send(camt("camt.053", [Entry("4.50", (detail,))]))) == (0, 0, 1)


async def test_more_than_the_payment_cannot_be_assigned(bank: Bank) -> None:
    batch = await bank.batch("c1", "c2")
    entry = await unmatched(bank, "5.00", batch=batch)
    assert refused(await assign(bank, entry, batch["payments"][0])) == (409, "amount_differs")


async def test_a_part_may_be_assigned_and_waits_for_the_rest(bank: Bank) -> None:
    batch = await bank.batch("c1", "c2")
    entry = await unmatched(bank, "3.00", batch=batch)
    assert done(await assign(bank, entry, batch["payments"][0]))["state"] == "partial"
    assert await bank.report(paid(batch["payments"][0], amount="1.50")) == (1, 0, 0)
    assert (await bank.states(batch))[1] == ["paid", "handed_over"]


async def test_a_return_with_charges_nobody_stated_is_accepted_by_hand(bank: Bank) -> None:
    batch = await bank.batch("c1")
    (payment,) = batch["payments"]
    await bank.report(paid(payment))
    assert await bank.report(returned(payment, amount="3.00")) == (0, 1, 0)
    (entry,) = await bank.entries("open")
    assert entry["state"] == "partial"
    answer = done(await assign(bank, entry, payment, "1,50 € Gebühr einbehalten"))
    assert (answer["state"], answer["open"]) == ("returned", True)
    assert await bank.states(batch) == ("partly_returned", ["returned"])
    assert [cents for _, _, cents, _ in await bank.booked(payment)] == [450, -450]


async def test_only_payments_at_the_bank_take_an_entry(bank: Bank) -> None:
    batch = await bank.batch("c1", "c2")
    entry = await unmatched(bank, batch=batch)
    await bank.bill("c1")
    plan = await bank.treasury.draw_up()
    assert refused(await assign(bank, entry, plan["payments"][0])) == (409, "wrong_state")
    for unknown in ({"id": "0198f0c2-7a10-7000-8000-000000000001"}, {"id": "-" * 36}):
        assert refused(await assign(bank, entry, unknown)) == (422, "invalid")


async def test_done_takes_an_entry_from_the_list_and_books_nothing(bank: Bank) -> None:
    batch = await bank.batch("c1")
    (payment,) = batch["payments"]
    await bank.report(paid(payment, amount="5.00"))
    (entry,) = await bank.entries("open")
    answer = done(await finish(bank, entry))
    assert (answer["state"], answer["open"], answer["done"]["reason"]) == ("overpaid", False, "Zurückgefordert")
    assert await bank.entries("open") == []
    assert await bank.booked(payment) == []
    assert refused(await finish(bank, entry)) == (409, "wrong_state")


async def test_a_matched_entry_needs_nobody(bank: Bank) -> None:
    (payment,) = (await bank.batch("c1"))["payments"]
    await bank.report(paid(payment))
    (entry,) = await bank.entries()
    assert refused(await finish(bank, entry)) == (409, "wrong_state")


async def test_a_return_is_open_until_its_repeat_is_handed_over(bank: Bank) -> None:
    (payment,) = (await bank.batch("c1"))["payments"]
    await bank.report(paid(payment), returned(payment))
    assert [(e["state"], e["payment"]["repeated_by"]) for e in await bank.entries("open")] == [("returned", None)]
    again = await bank.treasury.settle()
    assert await bank.entries("open") == []
    (entry,) = await bank.entries("returned")
    assert (entry["open"], entry["payment"]["repeated_by"]) == (False, again["payments"][0]["id"])


async def test_the_list_is_read_page_by_page(bank: Bank) -> None:
    batch = await bank.batch("c1", "c2")
    await bank.report(*(paid(p) for p in batch["payments"]))
    first = done(await bank.treasury.finance.get("/payment-entries?limit=1"))
    second = done(await bank.treasury.finance.get(f"/payment-entries?limit=1&cursor={first['next_cursor']}"))
    assert {first["items"][0]["end_to_end_id"], second["items"][0]["end_to_end_id"]} == {p["end_to_end_id"] for p in batch["payments"]}
    assert second["next_cursor"] is None


async def test_nothing_of_a_party_or_a_text_is_stored(bank: Bank, superuser: asyncpg.Connection) -> None:
    batch = await bank.batch("c1")
    detail = Detail("NOTPROVIDED", "9.99", text=f"BuT {bank.treasury.town} {batch['number']} fuer Elif Yilmaz", party="Elif Yilmaz")
    await bank.send(camt("camt.053", [Entry("9.99", (detail,))]))
    (entry,) = await bank.entries("unmatched")
    await finish(bank, entry, "Frau Yilmaz hat angerufen")
    for table in ("payment_entry", "payment_report"):
        rows = await superuser.fetch(f"SELECT x::text AS row FROM {table} x")  # noqa: S608 - our own names
        assert all("YILMAZ" not in row["row"].upper() and "DE89" not in row["row"] for row in rows)

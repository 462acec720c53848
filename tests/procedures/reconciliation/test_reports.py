"""Reports of bank and treasury find their payments, are booked once, and say what became of them."""

from datetime import date
from pathlib import Path

import asyncpg
import pytest

from tests.factories.billing import Meal
from tests.formats.statements import Detail, Entry, camt, pain002
from tests.procedures.reconciliation.conftest import JSON, Bank, counts, paid, returned
from tests.procedures.settlement.conftest import done, refused

SAMPLES = sorted((Path(__file__).parents[4] / "shared" / "data" / "camt").glob("*.xml"))


def statement(*payments: JSON, kind: str = "camt.053", status: str = "BOOK") -> bytes:
    """One entry for each payment."""
    return camt(kind, [Entry(p["net"], (Detail(p["end_to_end_id"], p["net"]),), status=status) for p in payments])


def gathered(*payments: JSON, batch: str | None = None, details: bool = True) -> Entry:
    """One entry for all payments, as banks book a file."""
    cents = sum(int(p["net"].replace(".", "")) for p in payments)
    inside = tuple(Detail(p["end_to_end_id"], p["net"]) for p in payments) if details else ()
    return Entry(f"{cents // 100}.{cents % 100:02d}", inside, batch=batch)


async def test_a_paid_batch_is_paid_and_booked_per_order(bank: Bank) -> None:
    batch = await bank.batch("c1", bases=("sgb2", "bkgg"))
    (payment,) = batch["payments"]
    assert await bank.report(paid(payment)) == (1, 0, 0)
    assert await bank.states(batch) == ("paid", ["paid"])
    assert await bank.booked(payment) == [("payment", "ordered", 450, "2026-12-15")] * 2


async def test_receipts_are_booked_apart_from_spending(bank: Bank) -> None:
    billing = bank.treasury.billing
    child = await billing.child()
    meals = [Meal(child, date(2026, 10, day), {"sgb2": 450}) for day in (5, 6, 7)]
    billed = await billing.invoice("c1", meals[:1])
    await bank.treasury.settle()
    await billing.correction("c1", billed, 0)
    await billing.invoice("c1", meals[1:])
    (payment,) = (await bank.treasury.settle())["payments"]
    assert (payment["gross"], payment["receipts"], payment["net"]) == ("9.00", "4.50", "4.50")
    await bank.report(paid(payment), returned(payment))
    assert sorted(await bank.booked(payment)) == [
        ("payment", "bank", 450, "2026-12-15"),
        ("payment", "ordered", 900, "2026-12-15"),
        ("return", "bank", -450, "2026-12-17"),
        ("return", "ordered", -900, "2026-12-17"),
    ]


async def test_the_batch_is_handed_over_until_all_is_paid(bank: Bank) -> None:
    batch = await bank.batch("c1", "c2")
    first, second = batch["payments"]
    await bank.report(paid(first))
    assert await bank.states(batch) == ("handed_over", ["paid", "handed_over"])
    await bank.report(paid(second))
    assert await bank.states(batch) == ("paid", ["paid", "paid"])


async def test_a_return_takes_the_booking_back(bank: Bank) -> None:
    batch = await bank.batch("c1", "c2")
    first, second = batch["payments"]
    assert await bank.report(paid(first), paid(second), returned(first)) == (3, 0, 0)
    assert await bank.states(batch) == ("partly_returned", ["returned", "paid"])
    assert await bank.booked(first) == [("payment", "ordered", 450, "2026-12-15"), ("return", "ordered", -450, "2026-12-17")]


async def test_a_return_without_a_report_of_the_payment_books_nothing_until_that_comes(bank: Bank) -> None:
    batch = await bank.batch("c1")
    (payment,) = batch["payments"]
    assert await bank.report(returned(payment)) == (1, 0, 0)
    assert await bank.booked(payment) == []
    assert await bank.report(paid(payment)) == (1, 0, 0)
    assert await bank.states(batch) == ("partly_returned", ["returned"])
    assert len(await bank.booked(payment)) == 2


async def test_the_bank_may_execute_a_returned_payment_again(bank: Bank) -> None:
    batch = await bank.batch("c1")
    (payment,) = batch["payments"]
    await bank.report(paid(payment), returned(payment))
    assert await bank.report(paid(payment, "2026-12-19")) == (1, 0, 0)
    assert await bank.states(batch) == ("paid", ["paid"])


async def test_the_same_report_again_changes_nothing(bank: Bank) -> None:
    batch = await bank.batch("c1", "c2")
    content = statement(*batch["payments"])
    assert counts(await bank.send(content)) == (2, 0, 0)
    before = await bank.booked(batch["payments"][0])
    assert counts(await bank.send(content)) == (0, 0, 2)
    assert await bank.booked(batch["payments"][0]) == before
    assert len(await bank.entries()) == 2


async def test_another_report_of_the_same_bookings_changes_nothing(bank: Bank) -> None:
    batch = await bank.batch("c1", "c2")
    assert counts(await bank.send(statement(*batch["payments"], kind="camt.054"))) == (2, 0, 0)
    assert counts(await bank.send(camt("camt.053", [gathered(*batch["payments"])]))) == (0, 0, 2)
    assert await bank.report(*(paid(p, "2026-12-14") for p in batch["payments"])) == (0, 0, 2)
    assert await bank.entries("open") == []


async def test_a_batch_booking_without_details_pays_the_whole_batch(bank: Bank) -> None:
    batch = await bank.batch("c1", "c2")
    entry = gathered(*batch["payments"], batch=f"BUT-{batch['number']}", details=False)
    assert counts(await bank.send(camt("camt.053", [entry]))) == (2, 0, 0)
    assert await bank.states(batch) == ("paid", ["paid", "paid"])
    assert counts(await bank.send(statement(*batch["payments"], kind="camt.054"))) == (0, 0, 2)


async def test_what_is_left_of_a_batch_is_found_by_its_sum(bank: Bank) -> None:
    batch = await bank.batch("c1", "c2")
    first, second = batch["payments"]
    assert (
        counts(await bank.send(pain002(message_id=f"BUT-{batch['number']}", transactions=[(first["end_to_end_id"], "RJCT", None)])))[0] == 1
    )
    entry = gathered(second, batch=f"BUT-{batch['number']}", details=False)
    assert counts(await bank.send(camt("camt.053", [entry]))) == (1, 0, 0)
    assert await bank.states(batch) == ("partly_returned", ["returned", "paid"])


async def test_a_sum_that_fits_nothing_is_left_to_a_person(bank: Bank) -> None:
    batch = await bank.batch("c1", "c2")
    assert counts(await bank.send(camt("camt.053", [Entry("7.77", batch=f"BUT-{batch['number']}")]))) == (0, 1, 0)
    (entry,) = await bank.entries("unmatched")
    assert (entry["batch_number"], entry["amount"], entry["payment"]) == (batch["number"], "7.77", None)


async def test_without_an_id_text_and_amount_find_the_payment(bank: Bank) -> None:
    batch = await bank.batch("c1", "c2")
    text = batch["payments"][1]["remittance_text"]
    broken = f"{text[:20]}\n{text[20:]}".upper()
    assert counts(await bank.send(camt("camt.053", [Entry("4.50", (Detail("NOTPROVIDED", "4.50", text=broken),))]))) == (1, 0, 0)
    assert await bank.states(batch) == ("handed_over", ["handed_over", "paid"])


async def test_an_id_in_the_text_is_an_id(bank: Bank) -> None:
    (payment,) = (await bank.batch("c1"))["payments"]
    detail = Detail(None, "4.50", text=f"EREF+{payment['end_to_end_id']} SVWZ+RETOURE", return_reason="AC04")
    assert counts(await bank.send(camt("camt.053", [Entry("4.50", (detail,), direction="CRDT")]))) == (1, 0, 0)
    (entry,) = await bank.entries("returned")
    assert (entry["return_reason"], entry["payment"]["id"]) == ("AC04", payment["id"])


async def test_two_payments_of_the_same_amount_are_not_guessed(bank: Bank) -> None:
    batch = await bank.batch("c1", "c2")
    detail = Detail(None, "4.50", text=f"BuT {bank.treasury.town} {batch['number']}")
    assert counts(await bank.send(camt("camt.053", [Entry("4.50", (detail,))]))) == (0, 1, 0)


async def test_money_a_provider_sends_back_is_no_return_of_the_bank(bank: Bank) -> None:
    batch = await bank.batch("c1")
    (payment,) = batch["payments"]
    await bank.report(paid(payment))
    detail = Detail(None, "4.50", text=payment["remittance_text"])
    assert counts(await bank.send(camt("camt.053", [Entry("4.50", (detail,), direction="CRDT")]))) == (0, 1, 0)
    assert await bank.states(batch) == ("paid", ["paid"])


async def test_other_business_of_the_account_is_counted_and_not_kept(bank: Bank) -> None:
    answer = await bank.send(camt("camt.053", [Entry("100.00", (Detail("MIETE-YILMAZ", text="Miete Yilmaz"),)), Entry("5.00")]))
    assert done(answer) == {"matched": 0, "unmatched": 2, "already_known": 0, "unrelated": 2, "not_booked": 0}
    assert await bank.entries() == []


async def test_pending_bookings_are_passed_over(bank: Bank) -> None:
    batch = await bank.batch("c1")
    answer = done(await bank.send(statement(*batch["payments"], status="PDNG")))
    assert (answer["matched"], answer["not_booked"]) == (0, 1)
    assert (await bank.states(batch))[0] == "handed_over"


async def test_a_file_that_the_bank_rejects_comes_back_whole(bank: Bank) -> None:
    batch = await bank.batch("c1", "c2")
    assert counts(await bank.send(pain002(message_id=f"BUT-{batch['number']}", group="RJCT"))) == (2, 0, 0)
    assert await bank.states(batch) == ("partly_returned", ["returned", "returned"])
    assert await bank.booked(batch["payments"][0]) == []


async def test_the_bank_booking_twice_is_a_duplicate(bank: Bank) -> None:
    batch = await bank.batch("c1")
    (payment,) = batch["payments"]
    twice = Entry("4.50", (Detail(payment["end_to_end_id"], "4.50"),))
    assert counts(await bank.send(camt("camt.053", [twice, twice]))) == (1, 1, 0)
    (entry,) = await bank.entries("open")
    assert entry["state"] == "duplicate"
    assert await bank.states(batch) == ("paid", ["paid"])


async def test_parts_wait_for_the_rest(bank: Bank) -> None:
    batch = await bank.batch("c1")
    (payment,) = batch["payments"]
    assert await bank.report(paid(payment, amount="1.50")) == (0, 1, 0)
    assert [e["state"] for e in await bank.entries("open")] == ["partial"]
    assert await bank.report(paid(payment, "2026-12-16", amount="3.00")) == (1, 0, 0)
    assert await bank.states(batch) == ("paid", ["paid"])
    assert await bank.entries("open") == []


async def test_more_than_the_payment_is_told(bank: Bank) -> None:
    (payment,) = (await bank.batch("c1"))["payments"]
    assert await bank.report(paid(payment, amount="5.00")) == (0, 1, 0)
    assert [e["state"] for e in await bank.entries("open")] == ["overpaid"]


async def test_a_return_less_charges_is_the_whole_return(bank: Bank) -> None:
    batch = await bank.batch("c1")
    (payment,) = batch["payments"]
    detail = Detail(payment["end_to_end_id"], "3.50", return_reason="AC04", charges="1.00")
    assert counts(await bank.send(camt("camt.054", [Entry("3.50", (detail,), direction="CRDT")]))) == (1, 0, 0)
    assert (await bank.states(batch))[1] == ["returned"]


async def test_what_was_not_handed_over_cannot_be_paid_and_is_found_once_it_was(bank: Bank) -> None:
    await bank.bill("c1")
    batch = await bank.treasury.draw_up()
    (payment,) = batch["payments"]
    assert await bank.report(paid(payment)) == (0, 1, 0)
    await bank.treasury.certify(batch)
    await bank.treasury.order(batch)
    await bank.treasury.hand_over(batch)
    assert await bank.report(paid(payment)) == (1, 0, 0)
    assert [e["state"] for e in await bank.entries()] == ["matched"]


async def test_a_csv_says_the_same_as_json(bank: Bank) -> None:
    batch = await bank.batch("c1", "c2")
    first, second = batch["payments"]
    rows = [f"{p['end_to_end_id']};paid;2026-12-15;{p['net'].replace('.', ',')}" for p in (first, second)]
    rows.append(f"{second['end_to_end_id']};returned;2026-12-17;4,50")
    content = "\ufeffend_to_end_id;status;on;amount\r\n" + "\r\n".join(rows) + "\r\n\r\n"
    assert counts(await bank.send(content.encode(), "text/csv; charset=utf-8")) == (3, 0, 0)
    assert await bank.states(batch) == ("partly_returned", ["paid", "returned"])


async def test_all_faults_of_a_list_are_told_at_once(bank: Bank) -> None:
    body = {
        "payments": [{"end_to_end_id": "A//B", "status": "gone", "on": "2026-02-30", "amount": "0.00", "x": 1}, {"end_to_end_id": None}]
    }
    answer = await bank.treasury.finance.post("/payment-reports", body)
    assert refused(answer) == (422, "invalid")
    pointers = {fault["pointer"] for fault in answer.json()["errors"]}
    assert pointers >= {f"/payments/0/{name}" for name in ("end_to_end_id", "status", "on", "amount", "x")}
    assert pointers >= {f"/payments/1/{name}" for name in ("status", "on", "amount")}


async def test_faults_of_a_csv_name_their_lines(bank: Bank) -> None:
    content = b"end_to_end_id;status;on;amount\nA;paid;2026-12-15;1,00\n\nB;paid;gestern;1,0\n;paid;2026-12-15;1.00\n"
    answer = await bank.send(content, "text/csv")
    assert refused(answer) == (422, "invalid")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/lines/4/on", "/lines/4/amount", "/lines/5"]


@pytest.mark.parametrize(
    ("content", "media_type", "expected"),
    [
        (b"a;b\n1;2\n", "text/csv", (422, "invalid")),
        (b"", "text/csv", (422, "invalid")),
        (b"end_to_end_id;status;on;amount\nA;paid\n", "text/csv", (422, "invalid")),
        (b"\xff\xfe", "text/csv", (400, "malformed_body")),
        (b'end_to_end_id;status;on;amount\n"A;paid\n', "text/csv", (400, "malformed_body")),
        (camt("camt.053", [], version="001.02"), "application/xml", (422, "invalid")),
        (camt("camt.053", [Entry("x")]), "application/xml", (422, "invalid")),
        (b"<!DOCTYPE a []><a/>", "application/xml", (400, "malformed_body")),
        (b"<Document xmlns='urn:x'/>", "text/xml", (422, "invalid")),
        (b"{}", "application/json", (422, "invalid")),
        (b"[1]", "application/json", (422, "invalid")),
        (b"{", "application/json", (400, "malformed_body")),
        (b"{}", "application/pdf", (415, "unsupported_media_type")),
        (b" " * (50 * 1024 * 1024), "application/xml", (413, "body_too_large")),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_refused(bank: Bank, content: bytes, media_type: str, expected: tuple[int, str]) -> None:
    assert refused(await bank.send(content, media_type)) == expected


@pytest.mark.skipif(not SAMPLES, reason="the reference data is not there")
async def test_the_samples_import_and_are_nobody_here_s_business(bank: Bank) -> None:
    for sample in SAMPLES:
        answer = done(await bank.send(sample.read_bytes()))
        assert answer["matched"] == answer["already_known"] == 0
        assert answer["unmatched"] == answer["unrelated"] > 0
    assert await bank.entries() == []


async def test_a_town_reconciles_to_the_last_payment(bank: Bank) -> None:
    """A statement and notifications of everything that was handed over: nothing is left to a person."""
    for number in range(3, 30):
        await bank.treasury.billing.provider(f"c{number}", name=f"Küche & Söhne {number}")
    providers = [f"c{number}" for number in range(1, 30)]
    batches = [await bank.batch(*providers, cents=400 + n, bases=("sgb2", "bkgg")) for n in range(2)]
    payments = [p for batch in batches for p in batch["payments"]]
    assert len(payments) == 58
    notified = camt("camt.054", [gathered(*batch["payments"], batch=f"BUT-{batch['number']}") for batch in batches])
    assert counts(await bank.send(notified)) == (58, 0, 0)
    stated = camt("camt.053", [gathered(*b["payments"], batch=f"BUT-{b['number']}", details=False) for b in batches])
    assert counts(await bank.send(stated)) == (0, 0, 58)
    assert [await bank.states(batch) for batch in batches] == [("paid", ["paid"] * 29)] * 2
    assert await bank.entries("open") == []


async def test_providers_hear_of_it(bank: Bank, superuser: asyncpg.Connection) -> None:
    (payment,) = (await bank.batch("c1"))["payments"]
    await bank.report(paid(payment), returned(payment))
    rows = await superuser.fetch("SELECT details FROM provider_change WHERE subject_id = $1::text::uuid ORDER BY serial", payment["id"])
    assert [row["details"] for row in rows] == ['{"state": "handed_over"}', '{"state": "returned"}']


async def test_only_finance_reports_and_providers_see_nothing(bank: Bank) -> None:
    (payment,) = (await bank.batch("c1"))["payments"]
    answer = await bank.treasury.orderer.post("/payment-reports", {"payments": [paid(payment)]})
    assert refused(answer) == (403, "forbidden")

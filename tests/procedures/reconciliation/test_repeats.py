"""A returned payment is repeated by the next batch: once at a time, with the same orders, and never when it was paid after all."""

import io
import json
import zipfile

from but_gateway.formats.pain001 import read_controls
from tests.procedures.reconciliation.conftest import JSON, Bank, paid, returned
from tests.procedures.settlement.conftest import WISH, created, done, refused


async def came_back(bank: Bank, *providers: str, **more: JSON) -> JSON:
    """A batch all of whose payments came back."""
    batch = await bank.batch(*providers or ("c1",), bases=("sgb2", "bkgg"))
    for payment in batch["payments"]:
        await bank.report(paid(payment), returned(payment, **more))
    return batch


def repeats(batch: JSON) -> list[JSON]:
    return [p for p in batch["payments"] if p["repeats"] is not None]


async def hold(bank: Bank, batch: JSON, payment: JSON) -> None:
    done(await bank.treasury.finance.post(f"/settlement-batches/{batch['id']}/payments/{payment['id']}/hold", {"reason": "Rückfrage"}))


async def test_the_next_batch_repeats_it_with_the_same_orders(bank: Bank) -> None:
    first = await came_back(bank)
    batch = await bank.treasury.draw_up()
    (repeat,) = batch["payments"]
    assert repeat["repeats"] == first["payments"][0]["id"]
    assert (repeat["net"], repeat["held"]) == (first["payments"][0]["net"], None)
    assert repeat["end_to_end_id"] == f"BUT-{batch['number']}-00001"
    assert repeat["remittance_text"].startswith(f"BuT {bank.treasury.town} {batch['number']} Wdh {first['number']} R-")
    keys = ("legal_basis", "benefit", "fiscal_year", "positions", "gross", "receipts")
    assert [[o[k] for k in keys] for o in batch["orders"]] == [[o[k] for k in keys] for o in first["orders"]]
    assert {o["payment_id"] for o in batch["orders"]} == {repeat["id"]}


async def test_it_stands_beside_the_providers_new_payment(bank: Bank) -> None:
    await came_back(bank)
    await bank.bill("c1", "c2", cents=700)
    batch = await bank.treasury.draw_up()
    assert [(p["provider"], p["net"], p["repeats"] is None) for p in batch["payments"]] == [
        ("c1", "7.00", True), ("c2", "7.00", True), ("c1", "9.00", False),
    ]  # fmt: skip
    assert batch["totals"]["net"] == "23.00"


async def test_it_is_repeated_once_at_a_time(bank: Bank) -> None:
    await came_back(bank)
    await bank.treasury.draw_up()
    assert refused(await bank.treasury.finance.post("/settlement-batches", WISH)) == (409, "nothing_to_settle")


async def test_a_withdrawn_batch_frees_it(bank: Bank) -> None:
    first = await came_back(bank)
    batch = await bank.treasury.draw_up()
    done(await bank.treasury.step(bank.treasury.finance, batch, "withdrawal"))
    assert [p["repeats"] for p in (await bank.treasury.draw_up())["payments"]] == [first["payments"][0]["id"]]


async def test_a_held_repeat_leaves_and_frees_it_and_takes_no_other_position_along(bank: Bank) -> None:
    first = await came_back(bank)
    await bank.bill("c1", cents=700)
    batch = await bank.treasury.draw_up()
    await hold(bank, batch, repeats(batch)[0])
    await bank.treasury.certify(batch)
    await bank.treasury.order(batch)
    handed = await bank.treasury.hand_over(batch)
    assert [(p["net"], p["repeats"]) for p in handed["payments"]] == [("7.00", None)]
    assert [p["repeats"] for p in (await bank.treasury.draw_up())["payments"]] == [first["payments"][0]["id"]]


async def test_a_held_payment_leaves_and_its_repeat_stays(bank: Bank) -> None:
    await came_back(bank)
    await bank.bill("c1", cents=700)
    batch = await bank.treasury.draw_up()
    await hold(bank, batch, batch["payments"][0])
    await bank.treasury.certify(batch)
    await bank.treasury.order(batch)
    handed = await bank.treasury.hand_over(batch)
    assert handed["payments"] == repeats(handed)
    assert [(p["net"], p["repeats"]) for p in (await bank.treasury.draw_up())["payments"]] == [("7.00", None)]


async def test_the_package_pays_it_and_carries_no_position_twice(bank: Bank) -> None:
    await came_back(bank)
    await bank.bill("c1", "c2", cents=700)
    batch = await bank.treasury.settle()
    controls = read_controls(io.BytesIO(await bank.treasury.file(batch, "pain001.xml")))
    assert (controls.count, controls.cents) == (3, 2300)
    manifest = json.loads(await bank.treasury.file(batch, "manifest.json"))
    assert manifest["totals"]["net"] == "23.00"
    assert (await bank.treasury.file(batch, "HKR.csv")).count(b"\r\n") == 1 + len(batch["orders"])
    auditor = await bank.treasury.person("checker", "auditor")  # type: ignore[arg-type] # a role is its name
    positions = (await bank.treasury.file(batch, "Einzelposten.ndjson", auditor)).splitlines()
    assert len(positions) == 2


async def test_the_provider_gets_its_advice_for_the_repeat_too(bank: Bank) -> None:
    await came_back(bank)
    batch = await bank.treasury.settle()
    advice = zipfile.ZipFile(io.BytesIO(await bank.treasury.file(batch, "Avise.zip")))
    assert advice.testzip() is None


async def test_a_paid_repeat_pays_its_own_batch_and_leaves_the_first_as_it_was(bank: Bank) -> None:
    first = await came_back(bank)
    batch = await bank.treasury.settle()
    (repeat,) = batch["payments"]
    assert await bank.entries("open") == []
    assert await bank.report(paid(repeat, "2027-01-05")) == (1, 0, 0)
    assert await bank.states(first) == ("partly_returned", ["returned"])
    assert await bank.states(batch) == ("paid", ["paid"])
    assert [day for _, _, _, day in await bank.booked(repeat)] == ["2027-01-05"] * 2


async def test_a_repeat_that_comes_back_is_repeated_too(bank: Bank) -> None:
    first = await came_back(bank)
    second = await bank.treasury.settle()
    await bank.report(paid(second["payments"][0], "2026-12-20"), returned(second["payments"][0], "2026-12-22"))
    third = await bank.treasury.draw_up()
    (again,) = third["payments"]
    assert again["repeats"] == second["payments"][0]["id"]
    assert again["remittance_text"].startswith(f"BuT {bank.treasury.town} {third['number']} Wdh {first['number']} R-")
    assert again["held"] is not None  # it came back from this account twice


async def test_an_account_at_fault_holds_the_repeat_until_somebody_releases_it(bank: Bank) -> None:
    await came_back(bank, return_reason="AC04")
    batch = await bank.treasury.draw_up()
    (repeat,) = batch["payments"]
    assert "kam von diesem Konto zurück" in repeat["held"]
    path = f"/settlement-batches/{batch['id']}/payments/{repeat['id']}/release"
    assert done(await bank.treasury.finance.post(path))["payments"][0]["held"] is None


async def test_a_new_account_needs_no_release(bank: Bank) -> None:
    await came_back(bank, return_reason="AC04")
    iban = await bank.treasury.billing.bank_account("c1")
    batch = await bank.treasury.settle()
    assert batch["payments"][0]["held"] is None
    assert iban in (await bank.treasury.file(batch, "pain001.xml")).decode()


async def test_a_payment_that_was_executed_after_all_is_not_repeated(bank: Bank) -> None:
    first = await came_back(bank)
    await bank.bill("c2")
    batch = await bank.treasury.draw_up()
    await bank.treasury.certify(batch)
    await bank.treasury.order(batch)
    await bank.report(paid(first["payments"][0], "2026-12-20"))
    handed = await bank.treasury.hand_over(batch)
    assert [p["provider"] for p in handed["payments"]] == ["c2"]
    assert "doch ausgeführt" in handed["left"][0]["held"]
    assert await bank.states(first) == ("paid", ["paid"])


async def test_an_execution_after_the_repeat_left_is_a_duplicate(bank: Bank) -> None:
    first = await came_back(bank)
    await bank.treasury.settle()
    assert await bank.report(paid(first["payments"][0], "2026-12-28")) == (0, 1, 0)
    assert await bank.states(first) == ("partly_returned", ["returned"])
    assert [e["state"] for e in await bank.entries("open")] == ["duplicate"]


async def test_filters_of_a_batch_hold_for_repeats(bank: Bank) -> None:
    first = await came_back(bank, "c1", "c2")
    assert refused(await bank.treasury.finance.post("/settlement-batches", WISH | {"benefits": ["tutoring"]}))[0] == 409
    batch = created(await bank.treasury.finance.post("/settlement-batches", WISH | {"providers": ["c2"], "benefits": ["lunch"]}))
    assert [p["repeats"] for p in batch["payments"]] == [first["payments"][1]["id"]]


async def test_a_simulated_batch_repeats_nothing(bank: Bank) -> None:
    await came_back(bank)
    answer = done(await bank.treasury.finance.post("/settlement-batches?dry_run=true", WISH))
    assert len(repeats(answer)) == 1
    assert len(repeats(await bank.treasury.draw_up())) == 1

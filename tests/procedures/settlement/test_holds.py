"""Held payments: no account, another account on the invoice, a person's doubt; and where the money may go."""

from datetime import UTC, date, datetime

from but_gateway.identity.principal import Role
from but_gateway.registers.municipalities.settings import Settings
from but_gateway.registers.municipalities.store import write_settings
from tests.factories.billing import RECEIVED, Meal
from tests.procedures.settlement.conftest import ASSIGNMENTS, JSON, Treasury, done, refused

MONDAY, TUESDAY = date(2026, 10, 5), date(2026, 10, 6)


def payment(batch: JSON, provider: str) -> JSON:
    return next(p for p in batch["payments"] if p["provider"] == provider)


async def two_payments(treasury: Treasury, *, account: bool = True, iban_differs: bool = False) -> JSON:
    """A batch that pays c1, and a provider x that may have to wait."""
    await treasury.billing.provider("x", account=account)
    child, other = await treasury.billing.child(), await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    await treasury.billing.invoice("x", [Meal(other, MONDAY, {"sgb2": 400})], iban_differs=iban_differs)
    return await treasury.draw_up()


async def test_without_an_account_the_payment_is_held_and_the_office_told_once(treasury: Treasury) -> None:
    batch = await two_payments(treasury, account=False)
    assert "Bankverbindung fehlt" in payment(batch, "x")["held"]
    assert payment(batch, "c1")["held"] is None
    done(await treasury.step(treasury.finance, batch, "withdrawal"))
    batch = await treasury.draw_up()
    clerk = await treasury.person("clerk", Role.CLERK)
    notices = [n for n in done(await clerk.get("/notices"))["items"] if n["kind"] == "account_missing"]
    assert [n["subject"] for n in notices] == [{"type": "provider", "id": str(treasury.billing.providers["x"])}]
    held = payment(batch, "x")["id"]
    assert refused(await treasury.step(treasury.finance, batch, f"payments/{held}/release")) == (409, "account_missing")


async def test_a_held_payment_leaves_at_hand_over_and_is_taken_by_the_next_batch(treasury: Treasury) -> None:
    batch = await two_payments(treasury, account=False)
    await treasury.certify(batch)
    await treasury.order(batch)
    handed = await treasury.hand_over(batch)
    assert [p["provider"] for p in handed["payments"]] == ["c1"]
    assert [(p["provider"], p["net"]) for p in handed["left"]] == [("x", "4.00")]
    assert handed["totals"]["net"] == "4.50"
    assert {o["payment_id"] for o in handed["orders"]} == {payment(handed, "c1")["id"]}
    await treasury.billing.bank_account("x")
    again = await treasury.settle()
    assert [(p["provider"], p["net"], p["held"]) for p in again["payments"]] == [("x", "4.00", None)]


async def test_an_account_that_became_usable_clears_its_hold_at_certification(treasury: Treasury) -> None:
    batch = await two_payments(treasury, account=False)
    await treasury.billing.bank_account("x")
    assert payment(await treasury.certify(batch), "x")["held"] is None


async def test_an_account_that_became_usable_later_needs_a_release(treasury: Treasury) -> None:
    batch = await two_payments(treasury, account=False)
    await treasury.certify(batch)
    await treasury.billing.bank_account("x")
    await treasury.order(batch)
    held = payment(batch, "x")["id"]
    assert payment(done(await treasury.step(treasury.orderer, batch, f"payments/{held}/release")), "x")["held"] is None
    assert len((await treasury.hand_over(batch))["payments"]) == 2


async def test_an_unconfirmed_or_too_fresh_account_is_none(treasury: Treasury) -> None:
    await treasury.billing.provider("x", account=False)
    await treasury.billing.bank_account("x", confirmed_by=None)
    await treasury.billing.bank_account("x", usable_from=date(2026, 11, 3))
    child = await treasury.billing.child()
    await treasury.billing.invoice("x", [Meal(child, MONDAY, {"sgb2": 400})])
    batch = await treasury.draw_up()
    held = payment(batch, "x")["id"]
    assert refused(await treasury.step(treasury.finance, batch, f"payments/{held}/release")) == (409, "account_missing")
    tomorrow = treasury.finance.at("2026-11-03T11:00:00Z")
    assert payment(done(await treasury.step(tomorrow, batch, f"payments/{held}/release")), "x")["held"] is None


async def test_another_account_on_an_invoice_holds_until_a_person_releases(treasury: Treasury) -> None:
    batch = await two_payments(treasury, iban_differs=True)
    held = payment(batch, "x")
    assert "H-07" in held["held"]
    assert payment(await treasury.certify(batch), "x")["held"] is not None
    done(await treasury.step(treasury.finance, batch, f"payments/{held['id']}/release"))
    await treasury.order(batch)
    assert {p["provider"] for p in (await treasury.hand_over(batch))["payments"]} == {"c1", "x"}


async def test_a_person_holds_and_releases_until_hand_over(treasury: Treasury) -> None:
    batch = await two_payments(treasury)
    held = payment(batch, "x")["id"]
    shown = done(await treasury.step(treasury.orderer, batch, f"payments/{held}/hold", {"reason": "Rückfrage läuft"}))
    assert payment(shown, "x")["held"] == "Rückfrage läuft"
    assert payment(await treasury.certify(batch), "x")["held"] == "Rückfrage läuft"
    assert refused(await treasury.step(treasury.finance, batch, f"payments/{held}/hold", {"reason": "noch einmal"})) == (409, "wrong_state")
    done(await treasury.step(treasury.finance, batch, f"payments/{held}/release"))
    await treasury.order(batch)
    done(await treasury.step(treasury.finance, batch, f"payments/{held}/hold", {"reason": "doch nicht"}))
    assert [p["provider"] for p in (await treasury.hand_over(batch))["payments"]] == ["c1"]


async def test_a_batch_of_held_payments_only_is_not_handed_over(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})], iban_differs=True)
    batch = await treasury.draw_up()
    await treasury.certify(batch)
    await treasury.order(batch)
    assert refused(await treasury.step(treasury.finance, batch, "hand-over")) == (409, "all_payments_held")
    assert (await treasury.read(batch))["state"] == "ordered"


async def test_an_account_made_usable_by_the_orderer_after_the_order_is_not_paid_to(treasury: Treasury) -> None:
    batch = await two_payments(treasury)
    await treasury.certify(batch)
    await treasury.order(batch)
    later = datetime(2026, 11, 1, tzinfo=UTC)
    await treasury.billing.bank_account("x", proposed_by="but-gateway|ord", at=later)
    handed = await treasury.hand_over(batch)
    assert [p["provider"] for p in handed["payments"]] == ["c1"]
    assert "Vier-Augen" in handed["left"][0]["held"]


async def test_the_account_of_the_hand_over_is_the_one_in_the_file(treasury: Treasury) -> None:
    batch = await two_payments(treasury)
    await treasury.certify(batch)
    await treasury.order(batch)
    fresh = await treasury.billing.bank_account("x", at=datetime(2026, 11, 1, tzinfo=UTC))
    await treasury.hand_over(batch)
    content = await treasury.file(batch, "pain001.xml")
    assert fresh.encode() in content
    await treasury.billing.bank_account("x", at=datetime(2026, 11, 2, tzinfo=UTC))
    assert await treasury.file(batch, "pain001.xml") == content


async def test_a_town_without_an_account_of_its_own_hands_nothing_over(treasury: Treasury) -> None:
    async with treasury.billing.unit() as unit:
        await write_settings(unit, Settings("Musterstadt", account_assignments=ASSIGNMENTS), 2, RECEIVED)
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, TUESDAY, {"sgb2": 450})])
    batch = await treasury.draw_up()
    await treasury.certify(batch)
    await treasury.order(batch)
    assert refused(await treasury.step(treasury.finance, batch, "hand-over")) == (409, "debtor_missing")

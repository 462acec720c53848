"""The invariants find what violates them: each is broken once, by hand, and named."""

from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path

import asyncpg
import pytest

from but_gateway.audit.invariants import invariants, violations
from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.identity.principal import Role
from but_gateway.registers.municipalities.settings import Debtor, Settings
from but_gateway.registers.municipalities.store import write_settings
from but_gateway.rules.verdict import Outcome
from tests.factories.billing import RECEIVED, Billing, Meal
from tests.procedures.reconciliation.conftest import Bank, paid, returned
from tests.procedures.settlement.conftest import ASSIGNMENTS, Treasury
from tests.registers.office import Office, open_office

MONDAY, TUESDAY, WEDNESDAY = date(2026, 10, 5), date(2026, 10, 6), date(2026, 10, 7)

# What is done to the database → the invariant that must notice. Constraints are dropped first where they would already refuse.
MUTATIONS = [
    ("UPDATE entitlement_grant SET used = 1", "1 budgets"),
    ("UPDATE entitlement_grant SET reserved = 1", "1 allocations"),
    ("UPDATE decision SET allocations = '[]' WHERE outcome = 'accepted'", "1 amounts"),
    ("UPDATE position_state SET corrected = 100 WHERE approved > 100", "1 corrections"),
    ("DELETE FROM review; DELETE FROM position_state WHERE outcome = 'review'", "2 invoices"),
    ("UPDATE invoice SET total = total + 1", "2 invoices"),
    ("UPDATE position_state SET approved = approved + 1 WHERE batch_id IS NULL AND outcome = 'accepted'", "2 decisions"),
    ("UPDATE position_state SET batch_id = NULL WHERE batch_id IS NOT NULL", "3 one live batch"),
    ("UPDATE settlement_batch SET state = 'withdrawn'", "3 settled"),
    ("UPDATE order_item SET cents = cents + 1", "4 orders"),
    ("UPDATE payment_order SET gross = gross + 1", "4 payments"),
    ("UPDATE settlement_batch SET control_cents = control_cents + 1", "4 export"),
    ("UPDATE settlement_batch SET control_count = control_count - 1", "4 export"),
    ("UPDATE package_part SET bytes = bytes + 1", "4 files"),
    ("DELETE FROM package_part", "4 files"),
    ("DELETE FROM posting WHERE kind = 'settlement'", "4 postings"),
    ("UPDATE posting SET cents = cents + 1 WHERE kind = 'settlement'", "4 postings"),
    ("UPDATE posting SET cents = cents + 1 WHERE kind = 'decision' AND cents <> 0", "5 payable"),
    ("UPDATE posting SET legal_basis = 'bkgg' WHERE kind = 'settlement'", "5 by legal basis"),
    ("UPDATE posting SET debit = 'bank' WHERE kind = 'settlement'", "5 accounts"),
    ("UPDATE posting SET booked_on = NULL WHERE kind = 'payment'", "5 accounts"),
    ("UPDATE posting SET cents = -cents WHERE kind = 'return'", "5 accounts"),
    ("DELETE FROM posting WHERE kind = 'return'", "5 bank"),
    ("DELETE FROM posting WHERE kind = 'payment'", "5 bank"),
    ("DELETE FROM posting WHERE kind = 'payment' AND turn = 1", "5 turns"),
    ("UPDATE posting SET cents = cents - 1 WHERE kind = 'return'", "5 turns"),
    ("UPDATE payment SET state = 'paid'", "5 ordered"),
    ("UPDATE idempotency_record SET headers = replace(headers::text, '0', '1')::jsonb WHERE status = 201", "6 told"),
    ("INSERT INTO idempotency_record SELECT client_id, key || 'x', request_hash, status, headers, body, created_at FROM idempotency_record",
     "6 explained"),
    ("UPDATE payment_entry SET effective = false", "6 reported"),
    ("UPDATE payment_entry SET booked_on = '2026-01-01' WHERE kind = 'returned'", "6 reported"),
    ("UPDATE idempotency_record SET status = 500", "7 same answer"),
    ("DELETE FROM audit_event", "8 audit"),
    ("UPDATE settlement_batch SET ordered_by = drawn_up_by", "9 four eyes"),
    ("UPDATE bank_account SET proposed_by = 'but-gateway|ord'", "9 four eyes"),
    ("UPDATE review SET resolved_by = 'but-gateway|ord', resolved_at = '2020-01-01', position_id = (SELECT position_id FROM order_item)",
     "9 four eyes"),
    ("UPDATE bank_account SET usable_from = '2030-01-01'", "9 accounts"),
    ("UPDATE settlement_batch SET state = 'paid'", "10 batches"),
    ("DELETE FROM batch_step WHERE action = 'order'", "10 batches"),
    ("DELETE FROM batch_step", "10 batches with history"),
    ("UPDATE payment SET state = 'open'", "10 payments"),
    ("UPDATE payment SET paid_on = NULL", "10 payments"),
    ("UPDATE settlement_batch SET state = 'handed_over'", "10 paid"),
    ("UPDATE remittance SET net = net + 1", "3 remittances"),
    ("UPDATE remittance_position SET approved = approved - 1", "3 remittances"),
    ("UPDATE payment SET lapsed = true WHERE repeats_id IS NOT NULL", "10 repeats"),
    ("UPDATE payment_order SET benefit = 'tutoring' WHERE payment_id IN (SELECT id FROM payment WHERE repeats_id IS NULL)", "10 repeats"),
    ("UPDATE decision SET outcome = 'cancelled' WHERE outcome = 'accepted'", "10 positions"),
    ("DELETE FROM review", "10 reviews"),
    ("UPDATE position_state SET first_day = '2026-10-05', last_day = '2026-10-05' WHERE outcome = 'accepted'", "11 one lunch"),
    ("UPDATE position_state SET form = 'month', last_day = '2026-10-31' WHERE outcome = 'accepted'", "11 one lunch month"),
    ("DELETE FROM lunch_slot", "11 slots"),
    ("UPDATE grant_version SET valid_from = '2027-01-01'", "11 days of grants"),
    ("UPDATE grant_version SET legal_basis = 'bkgg'", "11 days of grants"),
]  # fmt: skip


@pytest.fixture(scope="module")
def audited_url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture(scope="module")
async def audited_office(audited_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with open_office(audited_url, tmp_path_factory.mktemp("audited")) as office:
        yield office


@pytest.fixture(scope="module")
async def settled_town(audited_office: Office) -> Treasury:
    """A town with a payment that came back, its repeat that was paid, a free position and one under review."""
    office = audited_office
    town = await office.town()
    billing = Billing(office.app.state.database, office.scope(town), office.app.state.directory.keys(office.towns[town]))
    async with billing.unit() as unit:
        debtor = Debtor("Stadt", "DE02120300000000202051", None)
        await write_settings(unit, Settings(name="Musterstadt", debtor=debtor, account_assignments=ASSIGNMENTS), 1, RECEIVED)
    await billing.provider("c1")
    child = await billing.child()
    finance, orderer = [await office.staff(town, role, name=name) for role, name in ((Role.FINANCE, "fin"), (Role.ORDERER, "ord"))]
    treasury = Treasury(office, town, billing, finance, orderer)
    await billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    bank = Bank(treasury)
    (first,) = (await treasury.settle())["payments"]
    await bank.report(paid(first), returned(first))
    (repeat,) = (await treasury.settle())["payments"]
    await bank.report(paid(repeat, "2026-12-20"))
    await billing.invoice("c1", [Meal(child, TUESDAY, {"sgb2": 450}), Meal(child, WEDNESDAY, {"sgb2": 450}, outcome=Outcome.REVIEW)])
    return treasury


@pytest.fixture
async def anything_goes(audited_url: str, settled_town: Treasury) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's transaction without constraints; all of it is rolled back."""
    del settled_town
    connection = await asyncpg.connect(asyncpg_dsn(audited_url))
    transaction = connection.transaction(isolation="repeatable_read")
    await transaction.start()
    await connection.execute("SET LOCAL session_replication_role = replica")
    checks = await connection.fetch(
        "SELECT conrelid::regclass AS place, conname FROM pg_constraint WHERE contype = 'c' AND coninhcount = 0 AND conrelid <> 0"
    )
    for check in checks:
        await connection.execute(f'ALTER TABLE {check["place"]} DROP CONSTRAINT "{check["conname"]}"')
    await connection.execute("DROP INDEX uq_review_open")
    yield connection
    await transaction.rollback()
    await connection.close()


@pytest.mark.usefixtures("settled_town")
async def test_a_sound_database_violates_nothing(audited_url: str) -> None:
    connection = await asyncpg.connect(asyncpg_dsn(audited_url))
    assert await violations(connection) == {}
    await connection.execute("SET ROLE but_owner")
    assert await violations(connection) == {}
    await connection.close()


@pytest.mark.parametrize(("mutation", "name"), MUTATIONS, ids=[f"{i:02d} {name}" for i, (_, name) in enumerate(MUTATIONS)])
async def test_each_violation_is_found(anything_goes: asyncpg.Connection, mutation: str, name: str) -> None:
    await anything_goes.execute(mutation)
    found = await violations(anything_goes)
    assert any(one.startswith(f"{name}:") for one in found), sorted(found)


async def test_the_owner_of_the_tables_finds_violations_town_by_town(anything_goes: asyncpg.Connection) -> None:
    await anything_goes.execute("DELETE FROM lunch_slot")
    await anything_goes.execute("SET LOCAL ROLE but_owner")
    assert any(one.startswith("11 slots:") for one in await violations(anything_goes))


def test_every_invariant_of_the_domain_is_asked_for_and_broken_once() -> None:
    assert {name.split(" ", 1)[0] for name in invariants()} == {str(number) for number in range(1, 12)}
    asked = {name.split(":")[0] for name in invariants()}
    assert asked == {name for _, name in MUTATIONS}


def test_the_file_is_part_of_the_package() -> None:
    assert (Path(__file__).parents[2] / "src" / "but_gateway" / "audit" / "invariants.sql").is_file()

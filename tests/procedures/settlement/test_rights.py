"""Who may do what: roles, four eyes, other towns – and the database behind all of it."""

from datetime import date

import asyncpg
import pytest

from but_gateway.identity.principal import Role
from tests.factories.billing import CONFIRMER, PROPOSER, Meal
from tests.procedures.settlement.conftest import BOTH, JSON, WISH, Treasury, done, refused

MONDAY, TUESDAY = date(2026, 10, 5), date(2026, 10, 6)
ALL = frozenset({Role.FINANCE, Role.ORDERER, Role.AUDITOR, Role.CLERK, Role.REGISTRAR})
MONEY = frozenset({Role.FINANCE, Role.ORDERER})
READERS = ALL - {Role.REGISTRAR}
REASON: JSON = {"reason": "Rückfrage"}

# operation → who may: exactly these of a town's staff
RIGHTS: dict[tuple[str, str], frozenset[Role]] = {
    ("POST", ""): frozenset({Role.FINANCE}),
    ("POST", "/{id}/certification"): frozenset({Role.FINANCE}),
    ("POST", "/{id}/order"): frozenset({Role.ORDERER}),
    ("POST", "/{id}/hand-over"): frozenset({Role.FINANCE}),
    ("POST", "/{id}/payments/{payment}/hold"): MONEY,
    ("POST", "/{id}/payments/{payment}/release"): MONEY,
    ("POST", "/{id}/reopen"): MONEY,
    ("POST", "/{id}/withdrawal"): frozenset({Role.FINANCE}),
    ("GET", ""): READERS,
    ("GET", "/{id}"): READERS,
    ("GET", "/{id}/positions"): READERS,
    ("GET", "/{id}/files"): READERS,
    ("GET", "/{id}/files/{treasury}"): MONEY,
    ("GET", "/{id}/files/{audit}"): frozenset({Role.AUDITOR, Role.CLERK}),
}
BODIES = {"": WISH, "/{id}/certification": BOTH, "/{id}/payments/{payment}/hold": REASON, "/{id}/reopen": REASON}


async def batch_of(treasury: Treasury) -> JSON:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    return await treasury.draw_up()


@pytest.mark.parametrize("role", sorted(ALL))
async def test_each_role_may_do_exactly_this(treasury: Treasury, role: Role) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    batch = await treasury.settle()
    names = {f["package"]: f["name"] for f in done(await treasury.finance.get(f"/settlement-batches/{batch['id']}/files"))}
    caller = await treasury.person(f"only-{role}", role)
    allowed = set()
    for method, path in RIGHTS:
        full = "/settlement-batches" + path.format(id=batch["id"], payment=batch["payments"][0]["id"], **names)
        answer = await caller.get(full) if method == "GET" else await caller.post(full, BODIES.get(path))
        assert answer.status_code in {200, 403, 409}, (method, path, answer.text)
        if answer.status_code != 403:
            allowed.add((method, path))
    assert allowed == {operation for operation, roles in RIGHTS.items() if role in roles}


async def test_a_provider_may_nothing_here_and_another_town_does_not_exist(treasury: Treasury) -> None:
    batch = await batch_of(treasury)
    elsewhere = await treasury.office.town()
    foreign = (await treasury.office.staff(elsewhere, Role.FINANCE, Role.ORDERER)).in_town(treasury.town)
    for path in ("", f"/{batch['id']}", f"/{batch['id']}/files"):
        assert refused(await foreign.get(f"/settlement-batches{path}")) == (404, "not_found")
    assert refused(await foreign.post(f"/settlement-batches/{batch['id']}/order")) == (404, "not_found")
    at_home = await treasury.office.staff(elsewhere, Role.FINANCE)
    assert refused(await at_home.get(f"/settlement-batches/{batch['id']}")) == (404, "not_found")
    assert refused(await at_home.post(f"/settlement-batches/{batch['id']}/withdrawal")) == (404, "not_found")


async def test_whoever_drew_up_or_certified_does_not_order(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    drawer, factual, arithmetical = [await treasury.person(name, Role.FINANCE, Role.ORDERER) for name in ("anna", "bert", "cora")]
    batch = (await drawer.post("/settlement-batches", WISH)).json()
    assert refused(await treasury.step(drawer, batch, "order")) == (403, "four_eyes"), "the right is looked at before the state"
    done(await treasury.step(factual, batch, "certification", {"kinds": ["factual"]}))
    done(await treasury.step(arithmetical, batch, "certification", {"kinds": ["arithmetical"]}))
    for person in (drawer, factual, arithmetical):
        assert refused(await treasury.step(person, batch, "order")) == (403, "four_eyes")
    await treasury.order(batch)


async def test_who_resolved_a_review_in_the_batch_does_not_order_it(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice(
        "c1", [Meal(child, MONDAY, {"sgb2": 450}, decided_by="but-gateway|ord"), Meal(child, TUESDAY, {"sgb2": 450})]
    )
    batch = await treasury.draw_up()
    await treasury.certify(batch)
    assert refused(await treasury.step(treasury.orderer, batch, "order")) == (403, "four_eyes")
    other = await treasury.person("other", Role.ORDERER)
    assert done(await treasury.step(other, batch, "order"))["state"] == "ordered"


@pytest.mark.parametrize(("proposer", "confirmer"), [("but-gateway|ord", CONFIRMER), (PROPOSER, "but-gateway|ord")])
async def test_who_made_an_account_does_not_order_payment_to_it(treasury: Treasury, proposer: str, confirmer: str) -> None:
    await treasury.billing.provider("x", account=False)
    await treasury.billing.bank_account("x", proposed_by=proposer, confirmed_by=confirmer)
    child = await treasury.billing.child()
    await treasury.billing.invoice("x", [Meal(child, MONDAY, {"sgb2": 450})])
    batch = await treasury.draw_up()
    await treasury.certify(batch)
    assert refused(await treasury.step(treasury.orderer, batch, "order")) == (403, "four_eyes")


async def test_a_reopened_batch_needs_all_eyes_again(treasury: Treasury) -> None:
    batch = await batch_of(treasury)
    await treasury.certify(batch)
    await treasury.order(batch)
    done(await treasury.step(treasury.orderer, batch, "reopen", REASON))
    both = await treasury.person("ord", Role.FINANCE, Role.ORDERER)
    done(await treasury.step(both, batch, "certification", BOTH))
    assert refused(await treasury.step(both, batch, "order")) == (403, "four_eyes")


async def app_role(superuser: asyncpg.Connection, treasury: Treasury) -> None:
    """From here on the connection is what a compromised app could be."""
    await superuser.execute("SET ROLE but_app")
    await superuser.execute(f"SET but.municipality = '{treasury.billing.scope.municipality_id}'")


async def test_the_database_itself_keeps_four_eyes(treasury: Treasury, superuser: asyncpg.Connection) -> None:
    batch = await batch_of(treasury)
    await app_role(superuser, treasury)
    try:
        for statement in (
            "UPDATE settlement_batch SET state = 'ordered', ordered_by = 'but-gateway|x', ordered_at = now() WHERE id = $1",
            "UPDATE settlement_batch SET state = 'certified' WHERE id = $1",
            "UPDATE settlement_batch SET state = 'handed_over' WHERE id = $1",
        ):
            with pytest.raises(asyncpg.CheckViolationError):
                await superuser.execute(statement, batch["id"])
        await treasury.certify(batch)
        for column in ("drawn_up_by", "factual_by", "arithmetical_by"):
            statement = f"UPDATE settlement_batch SET state = 'ordered', ordered_by = {column} WHERE id = $1"  # noqa: S608 - names of columns
            with pytest.raises(asyncpg.CheckViolationError):
                await superuser.execute(statement, batch["id"])
        with pytest.raises(asyncpg.CheckViolationError):
            await superuser.execute("UPDATE settlement_batch SET state = 'handed_over', handed_over_by = 'x' WHERE id = $1", batch["id"])
    finally:
        await superuser.execute("RESET ROLE")


async def test_files_postings_and_history_cannot_be_changed_by_the_app(treasury: Treasury, superuser: asyncpg.Connection) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    await treasury.settle()
    await app_role(superuser, treasury)
    try:
        for table in ("package_file", "package_part", "posting", "order_item", "batch_step", "carried_forward", "decision", "audit_event"):
            for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET municipality_id = municipality_id"):  # noqa: S608 - names above
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await superuser.execute(statement)
        for table in ("settlement_batch", "payment", "payment_order", "position_state"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await superuser.execute(f"DELETE FROM {table}")  # noqa: S608 - names above
        with pytest.raises(asyncpg.CheckViolationError):
            await superuser.execute("UPDATE payment SET net = net + 1")
    finally:
        await superuser.execute("RESET ROLE")

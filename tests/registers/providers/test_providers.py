import asyncio

import pytest
from sqlalchemy import select

from but_gateway.db.tenancy import Scope
from but_gateway.identity.principal import Role
from but_gateway.identity.tables import account_town
from but_gateway.registers.providers.store import load_provider, lock_provider
from but_gateway.registers.providers.tables import provider as provider_table
from tests.registers.office import CATERER, Caller, Office, faults


async def registrar_of(office: Office) -> Caller:
    return await office.staff(await office.town(), Role.REGISTRAR)


async def test_a_provider_is_created_then_replaced_and_the_same_again_changes_nothing(office: Office) -> None:
    registrar, account = await registrar_of(office), await office.account()
    body = CATERER | {"account": account}
    created = await registrar.put("/providers/c1", body)
    again = await registrar.put("/providers/c1", body)
    changed = await registrar.put("/providers/c1", body | {"status": "suspended", "suspended_from": "2026-10-01"})
    assert [(a.status_code, a.headers["etag"]) for a in (created, again, changed)] == [(201, '"1"'), (200, '"1"'), (200, '"2"')]
    assert created.json() == body | {"key": "c1"}
    read = await registrar.get("/providers/c1")
    assert read.json() == body | {"key": "c1", "status": "suspended", "suspended_from": "2026-10-01"}


async def test_the_least_a_provider_needs_is_a_name_and_a_kind(office: Office) -> None:
    answer = await (await registrar_of(office)).put("/providers/t1", {"name": "Petra Beispiel", "kind": "tutor"})
    assert answer.status_code == 201
    assert answer.json()["status"] == "active"


async def test_the_tax_number_is_stored_sealed(office: Office) -> None:
    registrar = await registrar_of(office)
    await registrar.put("/providers/c1", CATERER)
    town = registrar.base.rpartition("/")[2]
    async with office.app.state.database.transaction(office.scope(town)) as unit:
        row = (await unit.execute(select(provider_table))).one()
        record = await load_provider(unit, row.id)
        await lock_provider(unit, row.id)
    assert b"5117" not in bytes(row.tax_number)
    assert record.tax_number(office.app.state.directory.keys(office.towns[town])) == CATERER["tax_number"]
    without = CATERER | {"tax_number": None}
    assert (await registrar.put("/providers/c1", without)).json()["tax_number"] is None


async def test_who_asks_for_no_provider_of_the_town_is_told_so(office: Office) -> None:
    town = await office.town()
    async with office.app.state.database.transaction(office.scope(town)) as unit:
        with pytest.raises(LookupError):
            await load_provider(unit, office.towns[town].id)


async def test_an_account_must_exist_and_acts_for_one_provider_of_a_town(office: Office) -> None:
    registrar, account = await registrar_of(office), await office.account()
    assert faults(await registrar.put("/providers/c1", CATERER | {"account": "nobody"})) == {"/account": "unknown_key"}
    await registrar.put("/providers/c1", CATERER | {"account": account})
    assert faults(await registrar.put("/providers/c2", CATERER | {"account": account})) == {"/account": "account_taken"}
    await registrar.put("/providers/c1", CATERER)
    assert (await registrar.put("/providers/c2", CATERER | {"account": account})).status_code == 201


async def test_who_acts_for_whom_is_known_before_a_town_is_chosen(office: Office) -> None:
    account, other = await office.account(), await office.account()
    one, two = await registrar_of(office), await registrar_of(office)

    async def links() -> set[str]:
        async with office.app.state.database.transaction(Scope()) as unit:
            rows = await unit.execute(select(account_town.c.municipality_id, account_town.c.provider_id))
            towns = {town.id: key for key, town in office.towns.items()}
            return {towns[row.municipality_id] for row in rows if row.municipality_id in towns}

    first, second = (caller.base.rpartition("/")[2] for caller in (one, two))
    await one.put("/providers/c1", CATERER | {"account": account})
    await two.put("/providers/c1", CATERER | {"account": account})
    assert {first, second} <= await links()
    await one.put("/providers/c1", CATERER | {"account": other})
    assert (await (await office.provider(first, account)).get("/my/agreements")).status_code == 404
    assert (await (await office.provider(first, other)).get("/my/agreements")).status_code == 200
    await one.put("/providers/c1", CATERER)
    assert first not in await links()
    assert (await (await office.provider(second, account)).get("/my/agreements")).status_code == 200


async def test_all_faults_of_single_fields_are_told_at_once(office: Office) -> None:
    bad = {
        "account": "no key",
        "name": "",
        "kind": "kiosk",
        "status": "gone",
        "suspended_from": "01.10.2026",
        "undertaking_signed_on": 20251201,
        "creditor_number": "x" * 36,
        "contact_email": "nobody",
        "vat_id": "123",
        "version": 1,
    }
    assert faults(await (await registrar_of(office)).put("/providers/c1", bad)).keys() == {f"/{field}" for field in bad}


async def test_all_faults_of_meaning_are_told_at_once(office: Office) -> None:
    bad = CATERER | {"account": "nobody", "suspended_from": "2026-10-01"}
    assert faults(await (await registrar_of(office)).put("/providers/c1", bad)) == {
        "/account": "unknown_key",
        "/suspended_from": "not_suspended",
    }


async def test_if_match_keeps_changes_from_getting_lost(office: Office) -> None:
    registrar = await registrar_of(office)
    await registrar.put("/providers/c1", CATERER)
    assert (await registrar.put("/providers/c1", CATERER | {"name": "Neu"}, if_match='"1"')).status_code == 200
    assert (await registrar.put("/providers/c1", CATERER, if_match='"1"')).status_code == 412


async def test_two_towns_may_use_the_same_keys(office: Office) -> None:
    one, other = await registrar_of(office), await registrar_of(office)
    await one.put("/providers/c1", CATERER)
    assert (await other.get("/providers/c1")).status_code == 404
    assert (await other.put("/providers/c1", CATERER | {"name": "Andere"})).status_code == 201
    assert [item["name"] for item in (await one.get("/providers")).json()["items"]] == [CATERER["name"]]


@pytest.mark.parametrize("role", [Role.CLERK, Role.FINANCE, Role.ORDERER, Role.AUDITOR])
async def test_all_staff_reads_and_only_the_registrar_writes(office: Office, role: Role) -> None:
    town = await office.town()
    await (await office.staff(town, Role.REGISTRAR)).put("/providers/c1", CATERER)
    person = await office.staff(town, role)
    assert (await person.get("/providers/c1")).status_code == 200
    assert (await person.get("/providers")).status_code == 200
    assert (await person.put("/providers/c1", CATERER)).status_code == 403


async def test_a_provider_reads_no_register(office: Office) -> None:
    town, account = await office.town(), await office.account()
    await (await office.staff(town, Role.REGISTRAR)).put("/providers/c1", CATERER | {"account": account})
    machine = await office.provider(town, account)
    for path in ("/providers", "/providers/c1", "/providers/c1/bank-accounts", "/agreements", "/facilities", "/settings"):
        assert (await machine.get(path)).status_code == 403, path


async def test_many_creating_the_same_key_leave_one_creation_and_no_error(office: Office) -> None:
    registrar, account = await registrar_of(office), await office.account()
    answers = await asyncio.gather(*(registrar.put("/providers/c1", CATERER | {"account": account}) for _ in range(8)))
    assert sorted(a.status_code for a in answers) == [200] * 7 + [201]


async def test_many_claiming_the_same_account_leave_one_holder(office: Office) -> None:
    registrar, account = await registrar_of(office), await office.account()
    answers = await asyncio.gather(*(registrar.put(f"/providers/c{i}", CATERER | {"account": account}) for i in range(8)))
    assert sorted(a.status_code for a in answers) == [201] + [422] * 7


async def test_unknown_providers_are_not_found(office: Office) -> None:
    town = await office.town()
    assert (await (await office.staff(town, Role.CLERK)).get("/providers/none")).status_code == 404
    assert (await (await office.staff(town, Role.FINANCE)).get("/providers/none/bank-accounts")).status_code == 404

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import insert, select

from but_gateway.identity.principal import Role
from but_gateway.kit.ids import new_id
from but_gateway.registers.entitlements.tables import child, entitlement, number_freeze
from but_gateway.registers.municipalities.store import add_notice
from but_gateway.registers.providers.store import find_provider
from tests.registers.office import CATERER, Office, open_office

NOW = datetime(2026, 11, 2, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
async def office(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with open_office(database_url, Path(tmp_path_factory.mktemp("office"))) as served:
        yield served


async def tell(office: Office, town: str, kind: str = "same_child") -> str:
    async with office.app.state.database.transaction(office.scope(town)) as unit:
        return str(await add_notice(unit, kind, "child", "A", "Zwei Kinder sind gleich.", NOW))


async def test_notices_are_listed_oldest_first_and_by_state(office: Office) -> None:
    town = await office.town()
    first, second = await tell(office, town), await tell(office, town)
    clerk = await office.staff(town, Role.CLERK)
    listed = (await clerk.get("/notices")).json()["items"]
    assert listed[0] == {
        "id": first,
        "kind": "same_child",
        "at": "2026-11-02T10:00:00Z",
        "subject": {"type": "child", "id": "A"},
        "text": "Zwei Kinder sind gleich.",
        "state": "open",
    }
    assert [item["id"] for item in listed] == [first, second]
    await clerk.post(f"/notices/{first}/done")
    assert [item["id"] for item in (await clerk.get("/notices?state=open")).json()["items"]] == [second]
    assert [item["id"] for item in (await clerk.get("/notices?state=done")).json()["items"]] == [first]
    page = (await clerk.get("/notices?limit=1")).json()
    assert [item["id"] for item in (await clerk.get(f"/notices?cursor={page['next_cursor']}")).json()["items"]] == [second]
    assert (await clerk.get("/notices?state=new")).status_code == 422


async def test_a_notice_is_done_once(office: Office) -> None:
    town = await office.town()
    notice = await tell(office, town)
    registrar = await office.staff(town, Role.REGISTRAR)
    done = await registrar.post(f"/notices/{notice}/done")
    assert (done.status_code, done.json()["state"]) == (200, "done")
    again = await registrar.post(f"/notices/{notice}/done")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")


@pytest.mark.parametrize("role", [Role.FINANCE, Role.ORDERER, Role.AUDITOR])
async def test_others_of_the_staff_read_but_do_not_finish(office: Office, role: Role) -> None:
    town = await office.town()
    notice = await tell(office, town)
    person = await office.staff(town, role)
    assert (await person.get("/notices")).status_code == 200
    assert (await person.post(f"/notices/{notice}/done")).status_code == 403


async def test_notices_of_other_towns_and_what_is_none_are_not_found(office: Office) -> None:
    town, other = await office.town(), await office.town()
    notice = await tell(office, town)
    clerk = await office.staff(other, Role.CLERK)
    assert (await clerk.get("/notices")).json()["items"] == []
    for unknown in (notice, str(new_id()), "nonsense"):
        assert (await clerk.post(f"/notices/{unknown}/done")).status_code == 404


async def test_finishing_the_notice_of_a_frozen_number_thaws_it(office: Office) -> None:
    town = await office.town()
    await (await office.staff(town, Role.REGISTRAR)).put("/providers/c1", CATERER)
    notice = await tell(office, town, "identity_lock")
    here, kid, claim = office.towns[town].id, new_id(), new_id()
    async with office.app.state.database.transaction(office.scope(town)) as unit:
        provider = await find_provider(unit, "c1")
        assert provider is not None
        names = {"family_name": b"x", "given_names": b"x", "date_of_birth": b"x", "same_child_index": b"x"}
        await unit.execute(insert(child).values(municipality_id=here, id=kid, key="A", decision_seq=0, **names))
        await unit.execute(
            insert(entitlement).values(municipality_id=here, id=claim, key="A", child_id=kid, benefit="lunch", information_allowed=True)
        )
        await unit.execute(
            insert(number_freeze).values(
                municipality_id=here,
                provider_id=provider.id,
                entitlement_id=claim,
                wrong_birth_dates=5,
                frozen_at=NOW,
                notice_id=UUID(notice),
            )
        )
    assert (await (await office.staff(town, Role.CLERK)).post(f"/notices/{notice}/done")).status_code == 200
    async with office.app.state.database.transaction(office.scope(town)) as unit:
        row = (await unit.execute(select(number_freeze))).one()
    assert row.frozen_at is None

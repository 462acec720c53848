import asyncio
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import func, update
from sqlalchemy.exc import IntegrityError

from but_gateway.identity.principal import Role
from but_gateway.kit.ids import new_id
from but_gateway.registers.providers import bank_store
from but_gateway.registers.providers.bank_store import is_confirmed_iban, usable_account
from but_gateway.registers.providers.store import find_provider
from but_gateway.registers.providers.tables import bank_account
from tests.registers.office import CATERER, JSON, Caller, Office, faults

FIRST = {"iban": "DE36 1001 0010 0004 7110 00", "holder": "Mensa Rheinland GmbH"}
SECOND = {"iban": "DE09100100100004711001", "holder": "Mensa Rheinland GmbH"}
PATH = "/providers/c1/bank-accounts"


class Till:
    """A town with caterer c1 and two persons who deal with money."""

    def __init__(self, office: Office, key: str, one: Caller, two: Caller, registrar: Caller) -> None:
        self.office, self.key, self.one, self.two, self.registrar = office, key, one, two, registrar

    @classmethod
    async def open(cls, office: Office) -> "Till":
        key = await office.town()
        registrar = await office.staff(key, Role.REGISTRAR)
        await registrar.put("/providers/c1", CATERER)
        return cls(office, key, await office.staff(key, Role.FINANCE), await office.staff(key, Role.ORDERER), registrar)

    async def propose(self, body: JSON = None) -> str:
        answer = await self.one.post(PATH, body or FIRST)
        assert answer.status_code == 201, answer.text
        account: str = answer.json()["id"]
        return account

    async def confirm(self, account: str, at: str = "2026-11-02T11:00:00Z") -> str:
        answer = await self.two.at(at).post(f"{PATH}/{account}/confirmation")
        assert answer.status_code == 200, answer.text
        assert answer.json().keys() == {"id", "state", "usable_from"}
        usable_from: str = answer.json()["usable_from"]
        return usable_from

    async def usable(self, on: str) -> UUID | None:
        async with self.office.app.state.database.transaction(self.office.scope(self.key)) as unit:
            provider = await find_provider(unit, "c1")
            assert provider is not None
            account = await usable_account(unit, provider.id, date.fromisoformat(on))
        return account.id if account else None

    async def knows(self, iban: str) -> bool:
        async with self.office.app.state.database.transaction(self.office.scope(self.key)) as unit:
            provider = await find_provider(unit, "c1")
            assert provider is not None
            return await is_confirmed_iban(unit, self.office.app.state.directory.keys(self.office.towns[self.key]), provider.id, iban)


async def test_a_proposed_account_is_paid_nothing(office: Office) -> None:
    till = await Till.open(office)
    answer = await till.one.post(PATH, FIRST)
    assert answer.status_code == 201
    assert answer.json() == {"id": answer.json()["id"], "state": "proposed", "usable_from": None}
    assert await till.usable("2030-01-01") is None
    assert not await till.knows("DE36100100100004711000")


async def test_the_first_account_is_usable_at_once(office: Office) -> None:
    till = await Till.open(office)
    account = await till.propose()
    assert await till.confirm(account) == "2026-11-02"
    assert await till.usable("2026-11-02") == UUID(account)
    assert await till.usable("2026-11-01") is None
    assert await till.knows("DE36100100100004711000")


@pytest.mark.parametrize(
    ("confirmed_at", "usable_from"),
    [
        ("2026-11-02T11:00:00Z", "2026-11-05"),  # Monday: Thursday
        ("2026-11-05T11:00:00Z", "2026-11-10"),  # Thursday: over the weekend
        ("2026-12-23T11:00:00Z", "2026-12-29"),  # 25 December is a public holiday, 26 and 27 are a weekend
        ("2026-11-02T23:30:00Z", "2026-11-06"),  # already Tuesday in Berlin
    ],
)
async def test_a_later_account_cools_off_for_working_days(office: Office, confirmed_at: str, usable_from: str) -> None:
    till = await Till.open(office)
    first = await till.propose()
    await till.confirm(first, "2026-10-01T11:00:00Z")
    second = await till.propose(SECOND)
    assert await till.confirm(second, confirmed_at) == usable_from
    before = date.fromordinal(date.fromisoformat(usable_from).toordinal() - 1)
    assert await till.usable(str(before)) == UUID(first)
    assert await till.usable(usable_from) == UUID(second)
    assert await till.knows("DE09100100100004711001")


async def test_the_town_sets_how_long_it_cools_off(office: Office) -> None:
    till = await Till.open(office)
    await till.registrar.put("/settings", {"bank_cooling_days": 0})
    await till.confirm(await till.propose())
    assert await till.confirm(await till.propose(SECOND)) == "2026-11-02"


async def test_nobody_confirms_what_they_proposed(office: Office) -> None:
    till = await Till.open(office)
    account = await till.propose()
    answer = await till.one.post(f"{PATH}/{account}/confirmation")
    assert (answer.status_code, answer.json()["code"]) == (403, "four_eyes")
    await till.confirm(account)
    # Whether they may is asked before what state it is in.
    assert (await till.one.post(f"{PATH}/{account}/confirmation")).json()["code"] == "four_eyes"


async def test_an_account_is_confirmed_once(office: Office) -> None:
    till = await Till.open(office)
    account = await till.propose()
    await till.confirm(account)
    third = await office.staff(till.key, Role.FINANCE)
    answer = await third.post(f"{PATH}/{account}/confirmation")
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")


async def test_the_database_itself_refuses_one_person_for_both(office: Office) -> None:
    till = await Till.open(office)
    account = UUID(await till.propose())
    with pytest.raises(IntegrityError, match="four_eyes"):
        async with office.app.state.database.transaction(office.scope(till.key)) as unit:
            await unit.execute(
                update(bank_account)
                .where(bank_account.c.id == account)
                .values(
                    state="confirmed", confirmed_by=bank_account.c.proposed_by, confirmed_at=func.now(), usable_from=func.current_date()
                )
            )


async def test_the_database_itself_refuses_a_confirmation_without_a_person(office: Office) -> None:
    till = await Till.open(office)
    account = UUID(await till.propose())
    with pytest.raises(IntegrityError, match="confirmed"):
        async with office.app.state.database.transaction(office.scope(till.key)) as unit:
            await unit.execute(update(bank_account).where(bank_account.c.id == account).values(state="confirmed"))


async def test_two_confirmed_at_once_are_not_both_the_first(office: Office) -> None:
    till = await Till.open(office)
    accounts = [await till.propose(), await till.propose(SECOND)]
    assert sorted(await asyncio.gather(*(till.confirm(account) for account in accounts))) == ["2026-11-02", "2026-11-05"]


async def test_who_handles_money_sees_the_iban_and_the_auditor_its_ends(office: Office) -> None:
    till = await Till.open(office)
    account = await till.propose()
    await till.confirm(account)
    item = (await till.two.get(PATH)).json()["items"][0]
    assert (item["id"], item["state"], item["iban"], item["holder"]) == (account, "confirmed", "DE36100100100004711000", FIRST["holder"])
    assert item["proposed_by"] != item["confirmed_by"]
    auditor = await office.staff(till.key, Role.AUDITOR)
    assert (await auditor.get(PATH)).json()["items"][0]["iban"] == "DE36…1000"
    assert (await till.registrar.get(PATH)).status_code == 403


@pytest.mark.parametrize("role", [Role.REGISTRAR, Role.CLERK, Role.AUDITOR])
async def test_nobody_else_proposes_or_confirms(office: Office, role: Role) -> None:
    till = await Till.open(office)
    account = await till.propose()
    person = await office.staff(till.key, role)
    assert (await person.post(PATH, FIRST)).status_code == 403
    assert (await person.post(f"{PATH}/{account}/confirmation")).status_code == 403


async def test_all_faults_are_told_at_once(office: Office) -> None:
    till = await Till.open(office)
    bad = {"iban": "DE00 0000", "holder": "x" * 71, "state": "confirmed"}
    assert faults(await till.one.post(PATH, bad)) == {"/iban": "bad_iban", "/holder": "too_long", "/state": "unknown_field"}


async def test_the_iban_stands_nowhere_in_the_clear(office: Office) -> None:
    till = await Till.open(office)
    await till.propose()
    async with office.app.state.database.transaction(office.scope(till.key)) as unit:
        rows = await unit.driver.fetch("SELECT row_to_json(b)::text AS row FROM bank_account b")
        kept = await unit.driver.fetch("SELECT encode(body, 'escape') AS row FROM idempotency_record")
    assert not [row["row"] for row in [*rows, *kept] if "4711000" in row["row"] or "Mensa" in row["row"]]


async def test_accounts_of_other_providers_and_towns_are_not_found(office: Office) -> None:
    till, other = await Till.open(office), await Till.open(office)
    account = await till.propose()
    await till.registrar.put("/providers/c2", CATERER)
    assert (await till.two.post(f"/providers/c2/bank-accounts/{account}/confirmation")).status_code == 404
    assert (await other.two.post(f"{PATH}/{account}/confirmation")).status_code == 404
    assert (await till.two.post(f"/providers/none/bank-accounts/{account}/confirmation")).status_code == 404
    assert (await till.one.post("/providers/none/bank-accounts", FIRST)).status_code == 404
    assert (await till.two.post(f"{PATH}/{new_id()}/confirmation")).status_code == 404
    assert (await till.two.post(f"{PATH}/nonsense/confirmation")).status_code == 404


async def test_the_same_key_gives_the_same_answer_and_one_account(office: Office) -> None:
    till = await Till.open(office)
    answers = [await till.one.post(PATH, FIRST, idempotency_key="proposal-0001") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len((await till.one.get(PATH)).json()["items"]) == 1


async def test_accounts_come_in_pages(office: Office) -> None:
    till = await Till.open(office)
    made = [await till.propose() for _ in range(3)]
    page = (await till.one.get(f"{PATH}?limit=2")).json()
    rest = (await till.one.get(f"{PATH}?limit=2&cursor={page['next_cursor']}")).json()
    assert [item["id"] for item in page["items"] + rest["items"]] == made


async def test_asking_for_nobodys_account_asks_nothing(office: Office) -> None:
    async with office.app.state.database.transaction(office.scope(await office.town())) as unit:
        assert await bank_store.usable_accounts(unit, [], date(2026, 1, 1)) == {}

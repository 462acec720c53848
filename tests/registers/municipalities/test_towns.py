from but_gateway.identity.principal import Role
from tests.registers.office import CATERER, Caller, Office


async def towns(caller: Caller, query: str = "") -> list[dict[str, object]]:
    answer = await Caller(caller.http, "/v1/municipalities", {"Authorization": caller.headers["Authorization"]}).get(query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


async def test_a_provider_sees_the_towns_that_keep_a_record_of_it(office: Office) -> None:
    account, other = await office.account(), await office.account()
    first, second, third = [await office.town() for _ in range(3)]
    for town, whose in ((first, account), (second, account), (third, other)):
        await (await office.staff(town, Role.REGISTRAR)).put("/providers/c1", CATERER | {"account": whose})
    assert [town["key"] for town in await towns(await office.provider(first, account))] == [first, second]
    assert [town["key"] for town in await towns(await office.provider(first, account, other))] == [first, second, third]
    assert (await towns(await office.provider(first, other)))[0] == {"key": third, "name": "Musterstadt", "state": "NW", "sandbox": True}


async def test_a_provider_without_any_town_sees_none(office: Office) -> None:
    assert await towns(await office.provider("nowhere", await office.account())) == []


async def test_staff_sees_its_own_town(office: Office) -> None:
    await office.town()
    town = await office.town(sandbox=False)
    assert await towns(await office.staff(town, Role.CLERK)) == [{"key": town, "name": "Musterstadt", "state": "NW", "sandbox": False}]


async def test_towns_come_in_pages(office: Office) -> None:
    account = await office.account()
    keys = [await office.town() for _ in range(3)]
    for town in keys:
        await (await office.staff(town, Role.REGISTRAR)).put("/providers/c1", CATERER | {"account": account})
    caller = await office.provider(keys[0], account)
    caller.base = "/v1/municipalities"
    page = (await caller.get("?limit=2")).json()
    assert [town["key"] for town in page["items"]] == keys[:2]
    rest = (await caller.get(f"?limit=2&cursor={page['next_cursor']}")).json()
    assert ([town["key"] for town in rest["items"]], rest["next_cursor"]) == (keys[2:], None)


async def test_nobody_sees_towns_without_a_token(office: Office) -> None:
    assert (await office.http.get("/v1/municipalities")).status_code == 401


async def test_a_town_taken_from_the_account_is_gone(office: Office) -> None:
    account, town = await office.account(), await office.town()
    registrar = await office.staff(town, Role.REGISTRAR)
    await registrar.put("/providers/c1", CATERER | {"account": account})
    await registrar.put("/providers/c1", CATERER)
    assert await towns(await office.provider(town, account)) == []

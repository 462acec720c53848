import asyncio

import pytest

from but_gateway.identity.principal import Role
from tests.registers.office import SCHOOL, Caller, Office, faults

CARE = SCHOOL | {"name": "Hort K4", "kind": "after_school", "observes_school_holidays": False}


async def registrar_of(office: Office) -> Caller:
    return await office.staff(await office.town(), Role.REGISTRAR)


async def test_a_facility_is_created_then_replaced_and_the_same_again_changes_nothing(office: Office) -> None:
    registrar = await registrar_of(office)
    created = await registrar.put("/facilities/s1", SCHOOL)
    again = await registrar.put("/facilities/s1", SCHOOL)
    closed = SCHOOL | {"closed": [{"from": "2026-10-02", "to": "2026-10-02", "reason": "Brückentag"}]}
    changed = await registrar.put("/facilities/s1", closed)
    assert [(a.status_code, a.headers["etag"]) for a in (created, again, changed)] == [(201, '"1"'), (200, '"1"'), (200, '"2"')]
    assert created.json() == SCHOOL | {"key": "s1"}
    read = await registrar.get("/facilities/s1")
    assert (read.json(), read.headers["etag"]) == (closed | {"key": "s1"}, '"2"')
    assert (await registrar.put("/facilities/s1", SCHOOL)).json()["closed"] == []


async def test_a_cooperating_school_is_named_by_its_key(office: Office) -> None:
    registrar = await registrar_of(office)
    await registrar.put("/facilities/s1", SCHOOL)
    answer = await registrar.put("/facilities/k4", CARE | {"cooperating_school": "s1"})
    assert (answer.status_code, answer.json()["cooperating_school"]) == (201, "s1")
    assert (await registrar.get("/facilities/k4")).json()["cooperating_school"] == "s1"


async def test_all_faults_of_single_fields_are_told_at_once(office: Office) -> None:
    bad = {
        "name": " \x00",
        "kind": "mensa",
        "open_weekdays": [0, 8],
        "closed": [{"from": "2026-13-01", "to": "2026-10-02"}],
        "cooperating_school": "../s1",
        "id": "1",
    }
    assert faults(await (await registrar_of(office)).put("/facilities/s1", bad)).keys() == {
        "/name",
        "/kind",
        "/open_weekdays/0",
        "/open_weekdays/1",
        "/observes_school_holidays",
        "/closed/0/from",
        "/closed/0/reason",
        "/cooperating_school",
        "/id",
    }


async def test_all_faults_of_meaning_are_told_at_once(office: Office) -> None:
    registrar = await registrar_of(office)
    await registrar.put("/facilities/k1", CARE)
    day = {"from": "2026-10-02", "to": "2026-10-02", "reason": "a"}
    bad = CARE | {
        "open_weekdays": [1, 1],
        "closed": [day, day, {"from": "2026-10-03", "to": "2026-10-02", "reason": "b"}],
        "cooperating_school": "k1",
    }
    assert faults(await registrar.put("/facilities/k2", bad)) == {
        "/open_weekdays/1": "duplicate",
        "/closed/1": "duplicate",
        "/closed/2/to": "backwards",
        "/cooperating_school": "unknown_key",
    }
    assert (await registrar.get("/facilities/k2")).status_code == 404


async def test_a_school_needs_no_cooperating_school_and_stays_one_while_others_need_it(office: Office) -> None:
    registrar = await registrar_of(office)
    await registrar.put("/facilities/s1", SCHOOL)
    assert faults(await registrar.put("/facilities/s2", SCHOOL | {"cooperating_school": "s1"})) == {
        "/cooperating_school": "not_for_schools"
    }
    await registrar.put("/facilities/k4", CARE | {"cooperating_school": "s1"})
    assert faults(await registrar.put("/facilities/s1", SCHOOL | {"kind": "daycare"})) == {"/kind": "needed_as_school"}
    await registrar.put("/facilities/k4", CARE)
    assert (await registrar.put("/facilities/s1", SCHOOL | {"kind": "daycare"})).status_code == 200


@pytest.mark.parametrize("key", ["a%20b", "%00", ".hidden", "x" * 65, "ä"])
async def test_what_is_no_key_names_nothing(office: Office, key: str) -> None:
    registrar = await registrar_of(office)
    assert (await registrar.put(f"/facilities/{key}", SCHOOL)).status_code == 404
    assert (await registrar.get(f"/facilities/{key}")).status_code == 404


async def test_if_match_keeps_changes_from_getting_lost(office: Office) -> None:
    registrar = await registrar_of(office)
    assert (await registrar.put("/facilities/s1", SCHOOL, if_match='"1"')).status_code == 412
    await registrar.put("/facilities/s1", SCHOOL)
    assert (await registrar.put("/facilities/s1", SCHOOL | {"name": "Neu"}, if_match='"1"')).status_code == 200
    assert (await registrar.put("/facilities/s1", SCHOOL, if_match='"1"')).status_code == 412


async def test_the_list_comes_in_pages_oldest_first(office: Office) -> None:
    registrar = await registrar_of(office)
    keys = ["z", "a", "m"]
    for key in keys:
        await registrar.put(f"/facilities/{key}", SCHOOL)
    page = (await registrar.get("/facilities?limit=2")).json()
    rest = (await registrar.get(f"/facilities?limit=2&cursor={page['next_cursor']}")).json()
    assert [item["key"] for item in page["items"] + rest["items"]] == keys
    assert rest["next_cursor"] is None
    assert faults(await registrar.get("/facilities?cursor=nonsense!")) == {"?cursor": "bad_cursor"}


async def test_two_towns_may_use_the_same_keys(office: Office) -> None:
    one, other = await registrar_of(office), await registrar_of(office)
    await one.put("/facilities/s1", SCHOOL)
    assert (await other.get("/facilities/s1")).status_code == 404
    assert (await other.put("/facilities/s1", SCHOOL | {"name": "Andere"})).status_code == 201
    assert (await one.get("/facilities/s1")).json()["name"] == "Schule S1"
    assert [item["name"] for item in (await other.get("/facilities")).json()["items"]] == ["Andere"]


@pytest.mark.parametrize("role", [Role.CLERK, Role.FINANCE, Role.ORDERER, Role.AUDITOR])
async def test_all_staff_reads_and_only_the_registrar_writes(office: Office, role: Role) -> None:
    town = await office.town()
    await (await office.staff(town, Role.REGISTRAR)).put("/facilities/s1", SCHOOL)
    person = await office.staff(town, role)
    assert (await person.get("/facilities/s1")).status_code == 200
    assert (await person.get("/facilities")).status_code == 200
    assert (await person.get("/facilities/s1/calendar?month=2026-10")).status_code == 200
    assert (await person.put("/facilities/s1", SCHOOL)).status_code == 403


async def test_many_creating_the_same_key_leave_one_creation_and_no_error(office: Office) -> None:
    registrar = await registrar_of(office)
    answers = await asyncio.gather(*(registrar.put("/facilities/s1", SCHOOL) for _ in range(8)))
    assert sorted(a.status_code for a in answers) == [200] * 7 + [201]
    assert len((await registrar.get("/facilities")).json()["items"]) == 1


async def test_the_calendar_of_a_month_lists_the_opening_days(office: Office) -> None:
    registrar = await registrar_of(office)
    await registrar.put("/facilities/s1", SCHOOL | {"closed": [{"from": "2026-10-08", "to": "2026-10-09", "reason": "Projekttage"}]})
    answer = await registrar.get("/facilities/s1/calendar?month=2026-10")
    assert answer.json() == {"open_days": [f"2026-10-{day:02d}" for day in (1, 2, 5, 6, 7, 12, 13, 14, 15, 16)]}


@pytest.mark.parametrize(
    ("month", "code"), [("2026-13", "bad_format"), ("26-10", "bad_format"), ("0000-01", "bad_month"), ("2030-10", "calendar_not_loaded")]
)
async def test_a_month_that_is_none_or_not_loaded_is_refused(office: Office, month: str, code: str) -> None:
    registrar = await registrar_of(office)
    await registrar.put("/facilities/s1", SCHOOL)
    assert faults(await registrar.get(f"/facilities/s1/calendar?month={month}")) == {"?month": code}


async def test_the_calendar_of_an_unknown_facility_is_not_found(office: Office) -> None:
    assert (await (await registrar_of(office)).get("/facilities/none/calendar?month=2026-10")).status_code == 404

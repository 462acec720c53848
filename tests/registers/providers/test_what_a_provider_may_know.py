import pytest

from but_gateway.identity.principal import Role
from tests.registers.office import CATERER, LUNCH, NOON, SCHOOL, TUTORING, Caller, Office, faults


class Town:
    """A town with caterers c1 (s1) and c2 (k1), tutor t1 (anywhere), and their machines."""

    def __init__(self, registrar: Caller, machines: dict[str, Caller]) -> None:
        self.registrar, self.machines = registrar, machines

    @classmethod
    async def build(cls, office: Office) -> "Town":
        key = await office.town()
        registrar = await office.staff(key, Role.REGISTRAR)
        for facility in ("s1", "k1"):
            await registrar.put(f"/facilities/{facility}", SCHOOL | {"name": f"Schule {facility}"})
        machines = {}
        for provider in ("c1", "c2", "t1", "v1"):
            account = await office.account()
            await registrar.put(f"/providers/{provider}", CATERER | {"account": account, "name": f"Anbieter {provider}"})
            machines[provider] = (await office.provider(key, account)).at(NOON)
        await registrar.put("/agreements/c1-lunch", LUNCH)
        await registrar.put("/agreements/c2-lunch", LUNCH | {"provider": "c2", "facilities": ["k1"]})
        await registrar.put("/agreements/t1-tutoring", TUTORING)
        return cls(registrar, machines)


async def test_a_provider_sees_its_own_agreements_with_what_the_town_settles(office: Office) -> None:
    town = await Town.build(office)
    await town.registrar.put("/settings", {"submission_months": 6, "late_effect": "reject"})
    answer = await town.machines["c1"].get("/my/agreements")
    assert answer.json() == {
        "items": [
            {k: v for k, v in LUNCH.items() if k != "provider"}
            | {
                "key": "c1-lunch",
                "name": "Mittagsverpflegung, 01.01.2026 bis 31.07.2027",
                "submission_months": 6,
                "late_effect": "reject",
            }
        ],
        "next_cursor": None,
    }
    assert "c2" not in answer.text


async def test_what_the_agreement_settles_itself_goes_first(office: Office) -> None:
    town = await Town.build(office)
    await town.registrar.put("/agreements/c1-lunch", LUNCH | {"submission_months": 0, "late_effect": "accept"})
    (item,) = (await town.machines["c1"].get("/my/agreements")).json()["items"]
    assert (item["submission_months"], item["late_effect"]) == (0, "accept")


async def test_a_provider_sees_the_facilities_of_its_agreements_with_their_calendars(office: Office) -> None:
    town = await Town.build(office)
    answer = await town.machines["c1"].get("/my/facilities?from=2026-10&to=2026-11")
    (school,) = answer.json()["items"]
    assert (school["key"], school["name"], school["kind"]) == ("s1", "Schule s1", "school")
    october, november = school["calendar"]
    assert (october["month"], october["open_days"][-1]) == ("2026-10", "2026-10-16")
    assert (november["month"], len(november["open_days"])) == ("2026-11", 21)


async def test_without_a_range_it_is_the_month_of_the_call(office: Office) -> None:
    town = await Town.build(office)
    (school,) = (await town.machines["c2"].get("/my/facilities")).json()["items"]
    assert (school["key"], [m["month"] for m in school["calendar"]]) == ("k1", ["2026-11"])
    (school,) = (await town.machines["c2"].get("/my/facilities?to=2026-12")).json()["items"]
    assert [m["month"] for m in school["calendar"]] == ["2026-12"]


async def test_an_agreement_for_any_facility_opens_all_of_them_and_none_opens_none(office: Office) -> None:
    town = await Town.build(office)
    assert [item["key"] for item in (await town.machines["t1"].get("/my/facilities")).json()["items"]] == ["s1", "k1"]
    assert (await town.machines["v1"].get("/my/facilities")).json() == {"items": [], "next_cursor": None}
    assert (await town.machines["v1"].get("/my/agreements")).json() == {"items": [], "next_cursor": None}


async def test_a_month_whose_holidays_are_not_known_shows_no_days(office: Office) -> None:
    town = await Town.build(office)
    (school,) = (await town.machines["c1"].get("/my/facilities?from=2031-01")).json()["items"]
    assert school["calendar"] == [{"month": "2031-01", "open_days": None}]


@pytest.mark.parametrize("query", ["from=2026-10&to=2026-09", "from=2026-01&to=2027-01"])
async def test_a_range_of_months_is_forward_and_at_most_a_year(office: Office, query: str) -> None:
    town = await Town.build(office)
    assert faults(await town.machines["c1"].get(f"/my/facilities?{query}")) == {"?to": "bad_range"}


async def test_the_calendar_of_a_facility_is_for_who_has_an_agreement_for_it(office: Office) -> None:
    town = await Town.build(office)
    path = "/facilities/s1/calendar?month=2026-10"
    assert {key: (await machine.get(path)).status_code for key, machine in town.machines.items()} == {
        "c1": 200,
        "c2": 404,
        "t1": 200,
        "v1": 404,
    }
    assert (await town.machines["t1"].get("/facilities/none/calendar?month=2026-10")).status_code == 404


async def test_staff_has_no_agreements_of_its_own(office: Office) -> None:
    town = await Town.build(office)
    assert (await town.registrar.get("/my/agreements")).status_code == 403
    assert (await town.registrar.get("/my/facilities")).status_code == 403


async def test_a_town_without_a_record_of_the_provider_is_not_found(office: Office) -> None:
    town, elsewhere = await Town.build(office), await office.town()
    assert (await town.machines["c1"].in_town(elsewhere).get("/my/agreements")).status_code == 404

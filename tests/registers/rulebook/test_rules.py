from datetime import date
from typing import Any

import pytest

from but_gateway.identity.principal import STAFF_ROLES, Role
from but_gateway.registers.rulebook.model import all_rule_ids
from but_gateway.rules.catalogue import BY_ID, ELSEWHERE
from tests.registers.office import Caller, Office, faults

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


async def staff(office: Office, role: Role = Role.AUDITOR, accept: str = "application/json", language: str = "de") -> Caller:
    """Somebody of a town's office, who asks about what belongs to no town."""
    caller = await office.staff(await office.town(), role)
    return Caller(office.http, "/v1", {"Authorization": caller.headers["Authorization"], "Accept": accept, "Accept-Language": language})


async def rules(office: Office, query: str = "") -> dict[str, Any]:
    answer = await (await staff(office)).get(f"/rules{query}")
    assert answer.status_code == 200, answer.text
    return {rule["id"]: rule for rule in answer.json()["items"]}


@pytest.mark.parametrize("role", sorted(STAFF_ROLES))
async def test_every_role_of_a_towns_office_reads_rules_and_law(office: Office, role: Role) -> None:
    caller = await staff(office, role)
    assert [(await caller.get(path)).status_code for path in ("/rules", "/rules/E-01", "/law")] == [200, 200, 200]


async def test_a_provider_and_the_operator_do_not(office: Office) -> None:
    account, town = await office.account(), await office.town()
    machine = await office.provider(town, account)
    token = await office.app.state.issuer.issue("operator", [Role.OPERATOR], (), None, 600)
    for headers in (machine.headers, {"Authorization": f"Bearer {token}"}):
        for path in ("/rules", "/rules/E-01", "/rules/Z-99", "/law", "/law?on=x"):
            answer = await office.http.get(f"/v1{path}", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path


async def test_without_a_token_there_is_nothing_to_read(office: Office) -> None:
    assert [(await office.http.get(f"/v1{path}")).status_code for path in ("/rules", "/rules/E-01", "/law")] == [401, 401, 401]


async def test_a_rule_says_what_it_looks_at_what_follows_and_why(office: Office) -> None:
    rule = (await rules(office))["P-05"]
    assert rule["family_name"] == "Anbieter und Vereinbarung"
    assert rule["condition"].endswith(".")
    assert rule["effects"] == ["reduce", "reject"]
    assert rule["legal_basis"]
    assert rule["codes"] == ["OVER_AGREED_PRICE"]
    assert rule["values"] == {"agreed": "money", "billed": "money"}
    assert "{agreed}" in rule["texts"]["clerk"]
    assert rule["texts"]["provider"][0]["next_step"]
    assert {example["holds"] for example in rule["examples"]} == {True, False}


async def test_texts_come_in_english_where_asked_and_conditions_stay_german(office: Office) -> None:
    german = await (await staff(office)).get("/rules/E-01")
    english = await (await staff(office, language="en")).get("/rules/E-01")
    assert german.json()["texts"] != english.json()["texts"]
    assert english.json()["texts"]["provider"][0]["text"].startswith("{result} ")
    assert german.json()["condition"] == english.json()["condition"]


async def test_a_rule_that_ended_is_asked_for_by_its_own_days(office: Office) -> None:
    before, after = await rules(office, "?on=2019-07-31"), await rules(office, "?on=2019-08-01")
    assert before["M-14"]["until"] == "2019-07-31"
    assert "M-14" not in after
    assert "M-14" not in await rules(office)
    assert len(before) == len(after) + 1


async def test_what_decides_no_position_says_where_it_works(office: Office) -> None:
    rule = (await rules(office))["H-01"]
    assert not rule["decides"]
    assert rule["effects"] == []
    assert rule["examples"] == []
    assert "Nummer ist vergeben" in rule["condition"]


async def test_the_list_is_the_whole_catalogue_in_its_order(office: Office) -> None:
    found = list(await rules(office, "?on=2019-07-31"))
    assert set(found) == {*BY_ID, *ELSEWHERE} == set(all_rule_ids())
    assert found[:3] == ["H-01", "H-02", "H-03"]
    assert found.index("I-05") < found.index("E-01") < found.index("P-01") < found.index("M-01") < found.index("S-01")


async def test_an_unknown_rule_is_not_found(office: Office) -> None:
    caller = await staff(office)
    for rule_id in ("Z-99", "e-01", "E-01%20", "person_accept"):
        answer = await caller.get(f"/rules/{rule_id}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), rule_id


@pytest.mark.parametrize("path", ["/rules", "/law"])
@pytest.mark.parametrize("day", ["22.11.2026", "2026-02-30", "", "2026-11-22T00:00:00Z"])
async def test_a_bad_day_is_said_to_be_one(office: Office, path: str, day: str) -> None:
    assert list(faults(await (await staff(office)).get(f"{path}?on={day}"))) == ["?on"]


async def test_the_page_of_a_rule_is_for_people(office: Office) -> None:
    answer = await (await staff(office, accept=BROWSER)).get("/rules/E-01")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for part in ("<h1>Regel <code>E-01</code></h1>", "Rechtsgrundlage", "NOT_IN_PERIOD", "Trifft zu", "Trifft nicht zu", 'lang="en"'):
        assert part in answer.text
    assert "http" not in answer.text


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/html;q=0.9", "text/html;q=0", ""])
async def test_machines_get_json(office: Office, accept: str) -> None:
    answer = await (await staff(office, accept=accept)).get("/rules/E-01")
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("rule_id", all_rule_ids())
async def test_every_rule_of_the_catalogue_has_its_page(office: Office, rule_id: str) -> None:
    answer = await (await staff(office, accept=BROWSER)).get(f"/rules/{rule_id}")
    assert answer.status_code == 200
    assert f"<code>{rule_id}</code>" in answer.text
    assert "$" not in answer.text
    rule = BY_ID.get(rule_id)
    assert rule is None or all(one.says.split("'")[0].split('"')[0].split("&")[0] in answer.text for one in rule.examples)


async def law(office: Office, query: str = "") -> dict[str, Any]:
    answer = await (await staff(office)).get(f"/law{query}")
    assert answer.status_code == 200, answer.text
    return {one["parameter"]: one for one in answer.json()["items"]}


async def test_the_law_of_a_day_has_values_units_days_and_sources(office: Office) -> None:
    before, after = await law(office, "?on=2019-07-31"), await law(office, "?on=2019-08-01")
    assert (before["participation_monthly_cents"]["value"], after["participation_monthly_cents"]["value"]) == ("10.00", "15.00")
    assert before["participation_monthly_cents"]["valid_to"] == "2019-07-31"
    now = await law(office)
    assert (now["vat_catering_service_bp"]["value"], now["vat_catering_service_bp"]["unit"]) == ("7.00", "%")
    assert (now["bkgg_limitation_months"]["value"], now["bkgg_limitation_months"]["unit"]) == ("12", "months")
    assert (now["lunch_communal_required"]["value"], now["lunch_communal_required"]["unit"]) == ("true", None)
    assert now["education_age_limit_years"]["by_legal_basis"]["sgb2"] == "25"
    assert now["education_age_limit_years"]["by_legal_basis"]["sgb12_3"] is None
    assert now["education_age_limit_years"]["value"] is None
    assert now["NW.retention_ledgers_years"]["state"] == "NW"
    assert all(one["reference"] and date.fromisoformat(one["still_valid_on"]) for one in now.values())


async def test_what_is_not_loaded_says_why_instead_of_a_value(office: Office) -> None:
    supplies = (await law(office, "?on=2027-01-01"))["school_supplies_august_cents"]
    assert supplies["value"] is None
    assert supplies["not_loaded"]


async def test_before_the_first_law_there_is_none(office: Office) -> None:
    assert faults(await (await staff(office)).get("/law?on=2010-12-31")) == {"?on": "not_loaded"}

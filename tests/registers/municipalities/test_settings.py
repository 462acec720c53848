import asyncio
from datetime import date

import pytest

from but_gateway.identity.principal import Role
from but_gateway.registers.municipalities.settings import AccountAssignment, PriceCeiling, Settings
from but_gateway.registers.municipalities.store import read_settings
from tests.registers.office import JSON, Office, faults

BODY: JSON = {
    "name": "Stadt Krefeld",
    "leitweg_id": "05999-12345-93",
    "protect_good_faith": False,
    "protected_checks": False,
    "holiday_lunch": "reject",
    "submission_months": 4,
    "late_effect": "accept",
    "tax_effect": "review",
    "relatives_excluded": False,
    "participation_saving": "monthly_cap",
    "flat_proration": "calendar_30ths",
    "bank_cooling_days": 5,
    "payment_term_days": 14,
    "hkr_profile": "sap_style",
    "lunch_price_ceilings": [{"valid_from": "2026-01-01", "unit_price": "5.00"}, {"valid_from": "2027-01-01", "unit_price": "5.20"}],
    "debtor": {"name": "Stadt Krefeld", "iban": "DE02120300000000202051", "bic": "BYLADEM1001"},
    "account_assignments": [
        {"legal_basis": "sgb2", "benefit": "lunch", "product": "05.311.01", "account": "533110", "cost_centre": "50-4"},
        {"legal_basis": "sgb2", "benefit": "lunch", "product": "05.311.02", "account": "533110", "cost_centre": "50-4"}
        | {"valid_from": "2027-01-01"},
        {"legal_basis": "sgb2", "benefit": "tutoring", "product": "05.311.01", "account": "533120", "cost_centre": None}
        | {"valid_from": "2026-07-01"},
    ],
}
DEFAULTS: JSON = {
    "name": "Musterstadt",
    "leitweg_id": None,
    "protect_good_faith": True,
    "protected_checks": True,
    "holiday_lunch": "review",
    "submission_months": 3,
    "late_effect": "review",
    "tax_effect": "note",
    "relatives_excluded": True,
    "participation_saving": "period_total",
    "flat_proration": "opening_days",
    "bank_cooling_days": 3,
    "payment_term_days": 30,
    "hkr_profile": "generic",
    "lunch_price_ceilings": [],
    "debtor": None,
    "account_assignments": [],
}


async def test_before_any_settings_the_defaults_hold(office: Office) -> None:
    town = await office.town()
    answer = await (await office.staff(town, Role.CLERK)).get("/settings")
    assert answer.status_code == 200
    assert answer.json() == DEFAULTS
    assert answer.headers["etag"] == '"0"'
    async with office.app.state.database.transaction(office.scope(town)) as unit:
        assert await read_settings(unit) == Settings("Musterstadt")


async def test_settings_are_created_then_replaced_and_the_same_again_changes_nothing(office: Office) -> None:
    registrar = await office.staff(await office.town(), Role.REGISTRAR)
    created = await registrar.put("/settings", BODY)
    again = await registrar.put("/settings", BODY)
    changed = await registrar.put("/settings", BODY | {"submission_months": 6})
    assert [(a.status_code, a.headers["etag"]) for a in (created, again, changed)] == [(201, '"1"'), (200, '"1"'), (200, '"2"')]
    assert created.headers["location"].endswith("/settings")
    assert created.json() == again.json() == BODY
    assert (await registrar.get("/settings")).json() == BODY | {"submission_months": 6}


async def test_the_defaults_can_be_set_as_they_are(office: Office) -> None:
    registrar = await office.staff(await office.town(), Role.REGISTRAR)
    assert (await registrar.put("/settings", {})).status_code == 201
    assert (await registrar.put("/settings", {})).status_code == 200
    assert (await registrar.get("/settings")).json() == DEFAULTS


async def test_what_is_read_back_for_decisions_is_what_was_set(office: Office) -> None:
    town = await office.town()
    await (await office.staff(town, Role.REGISTRAR)).put("/settings", BODY)
    async with office.app.state.database.transaction(office.scope(town)) as unit:
        settings = await read_settings(unit)
    assert settings.lunch_price_ceilings == (PriceCeiling(date(2026, 1, 1), 500), PriceCeiling(date(2027, 1, 1), 520))
    facts = settings.facts()
    assert (facts.holiday_lunch, facts.submission_months, facts.protect_good_faith) == ("reject", 4, False)
    assert [(c.item, c.unit_price) for c in facts.lunch_price_ceilings] == [("lunch", 500), ("lunch", 520)]


async def test_of_several_assignments_the_one_that_began_last_counts(office: Office) -> None:
    town = await office.town()
    await (await office.staff(town, Role.REGISTRAR)).put("/settings", BODY)
    async with office.app.state.database.transaction(office.scope(town)) as unit:
        settings = await read_settings(unit)

    def product(benefit: str, day: date, legal_basis: str = "sgb2") -> str | None:
        found = settings.assignment(legal_basis, benefit, day)
        return None if found is None else found.product

    assert product("lunch", date(2019, 1, 1)) == product("lunch", date(2026, 12, 31)) == "05.311.01"
    assert product("lunch", date(2027, 1, 1)) == product("lunch", date(2035, 1, 1)) == "05.311.02"
    assert (product("tutoring", date(2026, 6, 30)), product("tutoring", date(2026, 7, 1))) == (None, "05.311.01")
    assert product("lunch", date(2026, 1, 1), "bkgg") is None


def test_settings_stored_before_assignments_had_days_are_read_as_since_ever() -> None:
    old = {"legal_basis": "sgb2", "benefit": "lunch", "product": "05.311.01", "account": "533110", "cost_centre": None}
    read = Settings.read(Settings("Musterstadt").document() | {"account_assignments": [old]})
    assert read.account_assignments == (AccountAssignment("sgb2", "lunch", "05.311.01", "533110", None),)


async def test_all_faults_of_single_fields_are_told_at_once(office: Office) -> None:
    registrar = await office.staff(await office.town(), Role.REGISTRAR)
    bad = BODY | {
        "leitweg_id": "05999-12345-94",
        "holiday_lunch": "maybe",
        "submission_months": -1,
        "protect_good_faith": "yes",
        "bank_cooling_days": "3",
        "debtor": {"name": "", "iban": "DE02120300000000202052", "bic": "NO"},
        "lunch_price_ceilings": [{"valid_from": "2026-02-30", "unit_price": 5}, {"valid_from": "2026-01-01", "unit_price": "-1.00"}],
        "sandbox": True,
    }
    assert faults(await registrar.put("/settings", bad)) == {
        "/leitweg_id": "bad_leitweg_id",
        "/holiday_lunch": "not_allowed",
        "/submission_months": "too_small",
        "/protect_good_faith": "not_a_boolean",
        "/bank_cooling_days": "not_a_number",
        "/debtor/name": "too_short",
        "/debtor/iban": "bad_iban",
        "/debtor/bic": "bad_bic",
        "/lunch_price_ceilings/0/valid_from": "no_such_day",
        "/lunch_price_ceilings/0/unit_price": "not_a_string",
        "/lunch_price_ceilings/1/unit_price": "too_small",
        "/sandbox": "unknown_field",
    }


async def test_a_list_names_a_day_and_an_assignment_once(office: Office) -> None:
    registrar = await office.staff(await office.town(), Role.REGISTRAR)
    ceiling, assignment = BODY["lunch_price_ceilings"][0], BODY["account_assignments"][0]
    later = assignment | {"valid_from": "2027-01-01"}
    bad = BODY | {
        "lunch_price_ceilings": [ceiling, ceiling],
        "account_assignments": [assignment, later, assignment | {"account": "1"}, later | {"product": "2"}],
    }
    assert faults(await registrar.put("/settings", bad)) == {
        "/lunch_price_ceilings/1/valid_from": "duplicate",
        "/account_assignments/2": "duplicate",
        "/account_assignments/3": "duplicate",
    }
    assert (await registrar.get("/settings")).headers["etag"] == '"0"'


async def test_an_interface_profile_must_be_one_of_those_there_are(office: Office) -> None:
    registrar = await office.staff(await office.town(), Role.REGISTRAR)
    refusal = await registrar.put("/settings", BODY | {"hkr_profile": "nobody"})
    assert faults(refusal) == {"/hkr_profile": "unknown_key"}
    assert "generic, sap_style" in refusal.json()["errors"][0]["detail"]


async def test_an_iban_may_be_written_with_blanks(office: Office) -> None:
    registrar = await office.staff(await office.town(), Role.REGISTRAR)
    written = BODY | {"debtor": {"name": "Stadt", "iban": "de02 1203 0000 0000 2020 51"}}
    assert (await registrar.put("/settings", written)).json()["debtor"] == {"name": "Stadt", "iban": "DE02120300000000202051", "bic": None}


@pytest.mark.parametrize(
    ("if_match", "status"),
    [('"1"', 200), ('"0"', 412), ('"2"', 412), ('W/"1"', 412), ("*", 200), ('"0", "1"', 200), ("1", 412)],
)
async def test_if_match_keeps_changes_from_getting_lost(office: Office, if_match: str, status: int) -> None:
    registrar = await office.staff(await office.town(), Role.REGISTRAR)
    await registrar.put("/settings", BODY)
    answer = await registrar.put("/settings", BODY | {"submission_months": 9}, if_match=if_match)
    assert answer.status_code == status


async def test_if_match_for_what_is_not_there_yet(office: Office) -> None:
    registrar = await office.staff(await office.town(), Role.REGISTRAR)
    assert (await registrar.put("/settings", BODY, if_match="*")).status_code == 412
    assert (await registrar.put("/settings", BODY, if_match='"0"')).status_code == 201


@pytest.mark.parametrize("role", [Role.CLERK, Role.FINANCE, Role.ORDERER, Role.AUDITOR])
async def test_all_staff_reads_and_only_the_registrar_writes(office: Office, role: Role) -> None:
    person = await office.staff(await office.town(), role)
    assert (await person.get("/settings")).status_code == 200
    assert (await person.put("/settings", BODY)).status_code == 403


async def test_another_towns_registrar_finds_nothing(office: Office) -> None:
    one, other = await office.town(), await office.town()
    stranger = (await office.staff(one, Role.REGISTRAR)).in_town(other)
    assert (await stranger.get("/settings")).status_code == 404
    assert (await stranger.put("/settings", BODY)).status_code == 404


async def test_many_at_once_leave_one_creation_and_no_error(office: Office) -> None:
    registrar = await office.staff(await office.town(), Role.REGISTRAR)
    answers = await asyncio.gather(*(registrar.put("/settings", BODY) for _ in range(8)))
    assert sorted(a.status_code for a in answers) == [200] * 7 + [201]

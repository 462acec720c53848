import asyncio
from datetime import date

import pytest

from but_gateway.identity.principal import Role
from but_gateway.registers.providers.store import find_provider, load_agreements
from but_gateway.rules.facts import DatedPrice, TutoringTerms
from tests.registers.office import CATERER, JSON, LUNCH, SCHOOL, TERMS, TUTORING, Caller, Office, faults

CLUB: JSON = {"provider": "v1", "benefit": "participation", "facilities": [], **TERMS, "prices": [], "vat_treatment": "small_business"}


async def registrar_of(office: Office) -> Caller:
    """The registrar of a town with providers c1, t1, v1 and facilities s1, k1."""
    registrar = await office.staff(await office.town(), Role.REGISTRAR)
    for key, kind in (("c1", "caterer"), ("t1", "tutor"), ("v1", "club")):
        await registrar.put(f"/providers/{key}", CATERER | {"kind": kind})
    for key, kind in (("s1", "school"), ("k1", "daycare")):
        await registrar.put(f"/facilities/{key}", SCHOOL | {"kind": kind})
    return registrar


@pytest.mark.parametrize(
    "body",
    [LUNCH, TUTORING, CLUB, CLUB | {"benefit": "school_supplies"}, LUNCH | {"facilities": ["s1", "k1"], "late_cancellation_share": "0.25"}],
)
async def test_an_agreement_reads_back_as_it_was_written(office: Office, body: JSON) -> None:
    registrar = await registrar_of(office)
    created = await registrar.put("/agreements/one", body)
    assert (created.status_code, created.json()) == (201, body | {"key": "one"})
    again = await registrar.put("/agreements/one", body)
    assert (again.status_code, again.headers["etag"]) == (200, '"1"')
    read = await registrar.get("/agreements/one")
    assert (read.json(), read.headers["etag"]) == (body | {"key": "one"}, '"1"')
    assert (await registrar.get("/agreements")).json()["items"] == [body | {"key": "one"}]


async def test_a_change_makes_a_new_version(office: Office) -> None:
    registrar = await registrar_of(office)
    await registrar.put("/agreements/one", LUNCH)
    changed = LUNCH | {"prices": LUNCH["prices"][:1], "valid_to": "2026-12-31"}
    answer = await registrar.put("/agreements/one", changed)
    assert (answer.status_code, answer.headers["etag"], answer.json()) == (200, '"2"', changed | {"key": "one"})
    assert (await registrar.get("/agreements/one")).json() == changed | {"key": "one"}


async def test_decisions_read_cents_ranges_and_shares(office: Office) -> None:
    registrar = await registrar_of(office)
    await registrar.put("/agreements/lunch", LUNCH)
    await registrar.put("/agreements/lessons", TUTORING)
    async with office.app.state.database.transaction(office.scope(registrar.base.rpartition("/")[2])) as unit:
        caterer, tutor = await find_provider(unit, "c1"), await find_provider(unit, "t1")
        assert caterer is not None
        assert tutor is not None
        (lunch,) = await load_agreements(unit, caterer.id)
        (lessons,) = await load_agreements(unit, tutor.id)
    assert lunch.prices == (DatedPrice("lunch", date(2026, 1, 1), 420), DatedPrice("lunch", date(2026, 9, 16), 450))
    assert (lunch.valid.first, lunch.valid.last) == (date(2026, 1, 1), date(2027, 7, 31))
    assert lessons.tutoring == TutoringTerms(absence_share=5000, absences_per_month=1)
    assert lessons.facts().tutoring == lessons.tutoring
    (school,) = lunch.facility_ids
    assert lunch.covers("lunch", school, date(2026, 1, 1))
    assert not lunch.covers("lunch", caterer.id, date(2026, 1, 1))
    assert not lunch.covers("lunch", school, date(2027, 8, 1))
    assert lessons.covers("tutoring", None, date(2026, 1, 1))
    assert not lessons.covers("lunch", None, date(2026, 1, 1))


async def test_all_faults_of_single_fields_are_told_at_once(office: Office) -> None:
    bad = TUTORING | {
        "benefit": "breakfast",
        "valid_from": "2026-1-1",
        "mode": "prepaid",
        "evidence": "trust",
        "prices": [{"item": "individual", "valid_from": "2026-01-01", "unit_price": "22.5"}, {"item": "x", "unit_price": "0.00"}],
        "vat_treatment": "7 %",
        "late_cancellation_share": "1.5",
        "absence_threshold_days": 0,
        "min_period_months": -1,
        "tutoring": {"unit_minutes": 0, "group_max": True, "minutes_rule": "round", "absence_share": 0.5},
        "facilities": "s1",
    }
    assert faults(await (await registrar_of(office)).put("/agreements/one", bad)).keys() == {
        "/benefit",
        "/valid_from",
        "/mode",
        "/evidence",
        "/prices/0/unit_price",
        "/prices/1/item",
        "/prices/1/valid_from",
        "/prices/1/unit_price",
        "/vat_treatment",
        "/late_cancellation_share",
        "/absence_threshold_days",
        "/min_period_months",
        "/tutoring/unit_minutes",
        "/tutoring/group_max",
        "/tutoring/minutes_rule",
        "/tutoring/absence_share",
        "/facilities",
    }


async def test_all_faults_of_meaning_are_told_at_once(office: Office) -> None:
    registrar = await registrar_of(office)
    price = {"item": "lunch", "valid_from": "2026-02-01", "unit_price": "4.20"}
    bad = LUNCH | {
        "provider": "nobody",
        "facilities": ["s1", "s9", "s1"],
        "valid_to": "2025-12-31",
        "prices": [price, price, price | {"item": "fee"}],
        "tutoring": TUTORING["tutoring"],
    }
    assert faults(await registrar.put("/agreements/one", bad)) == {
        "/provider": "unknown_key",
        "/facilities/1": "unknown_key",
        "/facilities/2": "duplicate",
        "/valid_to": "backwards",
        "/prices/0/valid_from": "price_late",
        "/prices/1/valid_from": "duplicate",
        "/prices/2/item": "wrong_item",
        "/tutoring": "tutoring_only",
    }
    assert (await registrar.get("/agreements/one")).status_code == 404


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (TUTORING | {"tutoring": None}, {"/tutoring": "missing"}),
        (TUTORING | {"prices": []}, {"/prices": "missing"}),
        (TUTORING | {"mode": "flat", "evidence": "monthly_count"}, {"/mode": "lunch_only", "/evidence": "lunch_only"}),
        (LUNCH | {"mode": "flat", "prices": []}, {"/prices": "missing"}),
        (
            CLUB | {"benefit": "school_transport", "prices": [{"item": "material", "valid_from": "2026-01-01", "unit_price": "1.00"}]},
            {"/prices/0/item": "wrong_item"},
        ),
        (
            CLUB | {"benefit": "class_trip", "prices": [{"item": "equipment", "valid_from": "2026-01-01", "unit_price": "1.00"}]},
            {"/prices/0/item": "wrong_item"},
        ),
    ],
)
async def test_terms_must_fit_the_benefit(office: Office, body: JSON, expected: dict[str, str]) -> None:
    assert faults(await (await registrar_of(office)).put("/agreements/one", body)) == expected


async def test_the_order_of_prices_in_the_body_does_not_matter(office: Office) -> None:
    registrar = await registrar_of(office)
    answer = await registrar.put("/agreements/one", LUNCH | {"prices": LUNCH["prices"][::-1]})
    assert answer.json()["prices"] == LUNCH["prices"]


@pytest.mark.parametrize(
    ("change", "overlaps"),
    [
        ({}, True),
        ({"facilities": []}, True),
        ({"facilities": ["k1", "s1"]}, True),
        ({"facilities": ["k1"]}, False),
        ({"valid_from": "2027-07-31", "valid_to": "2028-07-31"}, True),
        ({"valid_from": "2027-08-01", "valid_to": "2028-07-31"}, False),
        ({"provider": "v1"}, False),
        ({"benefit": "participation", "prices": []}, False),
    ],
)
async def test_a_service_date_finds_at_most_one_agreement(office: Office, change: JSON, *, overlaps: bool) -> None:
    registrar = await registrar_of(office)
    await registrar.put("/agreements/one", LUNCH)
    answer = await registrar.put("/agreements/two", LUNCH | change)
    if overlaps:
        assert faults(answer) == {"/valid_from": "overlapping_agreement"}
        assert "one" in answer.json()["errors"][0]["detail"]
    else:
        assert answer.status_code == 201, answer.text


async def test_agreements_made_at_once_do_not_slip_past_each_other(office: Office) -> None:
    registrar = await registrar_of(office)
    answers = await asyncio.gather(*(registrar.put(f"/agreements/a{i}", LUNCH) for i in range(6)))
    assert sorted(a.status_code for a in answers) == [201] + [422] * 5


async def test_many_creating_the_same_key_leave_one_creation_and_no_error(office: Office) -> None:
    registrar = await registrar_of(office)
    answers = await asyncio.gather(*(registrar.put("/agreements/one", LUNCH) for _ in range(6)))
    assert sorted(a.status_code for a in answers) == [200] * 5 + [201]


async def test_if_match_keeps_changes_from_getting_lost(office: Office) -> None:
    registrar = await registrar_of(office)
    await registrar.put("/agreements/one", LUNCH)
    assert (await registrar.put("/agreements/one", LUNCH | {"min_period_months": 1}, if_match='"1"')).status_code == 200
    assert (await registrar.put("/agreements/one", LUNCH, if_match='"1"')).status_code == 412


async def test_two_towns_may_use_the_same_keys(office: Office) -> None:
    one, other = await registrar_of(office), await registrar_of(office)
    await one.put("/agreements/one", LUNCH)
    assert (await other.get("/agreements/one")).status_code == 404
    assert (await other.put("/agreements/one", LUNCH)).status_code == 201


@pytest.mark.parametrize("role", [Role.CLERK, Role.FINANCE, Role.ORDERER, Role.AUDITOR])
async def test_all_staff_reads_and_only_the_registrar_writes(office: Office, role: Role) -> None:
    registrar = await registrar_of(office)
    await registrar.put("/agreements/one", LUNCH)
    person = await office.staff(registrar.base.rpartition("/")[2], role)
    assert (await person.get("/agreements/one")).status_code == 200
    assert (await person.get("/agreements")).status_code == 200
    assert (await person.put("/agreements/one", LUNCH)).status_code == 403

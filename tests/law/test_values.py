"""Each value of the table of law parameters, on its first and last day."""

from datetime import date

import pytest

from but_gateway.law.basis import GERMAN_NAMES, PAYMENT_ORDER, WITH_EDUCATION_AGE_LIMIT, LegalBasis
from but_gateway.law.parameters import LawNotLoaded, MonthDay, NotLoaded, law_at

MISSING = object()


@pytest.mark.parametrize(
    ("parameter", "first", "last", "value"),
    [
        ("participation_monthly_cents", "2011-01-01", "2019-07-31", 1000),
        ("participation_monthly_cents", "2019-08-01", "2030-01-01", 1500),
        ("participation_age_limit_years", "2011-01-01", "2030-01-01", 18),
        ("lunch_own_share_cents", "2011-01-01", "2019-07-31", 100),
        ("lunch_own_share_cents", "2019-08-01", "2030-01-01", 0),
        ("lunch_communal_required", "2011-01-01", "2020-02-29", True),
        ("lunch_communal_required", "2020-03-01", "2021-12-31", False),
        ("lunch_communal_required", "2022-01-01", "2030-01-01", True),
        ("school_supplies_august_cents", "2011-01-01", "2019-07-31", MISSING),
        ("school_supplies_august_cents", "2019-08-01", "2020-12-31", 10000),
        ("school_supplies_august_cents", "2021-01-01", "2021-12-31", 10300),
        ("school_supplies_august_cents", "2022-01-01", "2022-12-31", 10400),
        ("school_supplies_august_cents", "2023-01-01", "2023-12-31", 11600),
        ("school_supplies_august_cents", "2024-01-01", "2026-12-31", 13000),
        ("school_supplies_august_cents", "2027-01-01", "2030-01-01", MISSING),
        ("school_supplies_february_cents", "2011-01-01", "2019-12-31", MISSING),
        ("school_supplies_february_cents", "2020-01-01", "2020-12-31", 5000),
        ("school_supplies_february_cents", "2021-01-01", "2021-12-31", 5150),
        ("school_supplies_february_cents", "2022-01-01", "2022-12-31", 5200),
        ("school_supplies_february_cents", "2023-01-01", "2023-12-31", 5800),
        ("school_supplies_february_cents", "2024-01-01", "2026-12-31", 6500),
        ("school_supplies_february_cents", "2027-01-01", "2030-01-01", MISSING),
        ("school_transport_own_share_monthly_cents", "2011-01-01", "2019-07-31", 500),
        ("school_transport_own_share_monthly_cents", "2019-08-01", "2030-01-01", 0),
        ("bkgg_limitation_months", "2011-01-01", "2030-01-01", 12),
        ("bkgg_whole_months", "2011-01-01", "2030-01-01", True),
        ("social_benefit_limitation_years", "2011-01-01", "2030-01-01", 4),
        ("asylblg_waiting_months", "2011-01-01", "2015-02-28", MISSING),
        ("asylblg_waiting_months", "2015-03-01", "2019-08-20", 15),
        ("asylblg_waiting_months", "2019-08-21", "2024-02-26", 18),
        ("asylblg_waiting_months", "2024-02-27", "2030-01-01", 36),
        ("federal_report_due", "2011-01-01", "2030-01-01", MonthDay(3, 31)),
        ("vat_standard_bp", "2011-01-01", "2020-06-30", 1900),
        ("vat_standard_bp", "2020-07-01", "2020-12-31", 1600),
        ("vat_standard_bp", "2021-01-01", "2030-01-01", 1900),
        ("vat_catering_service_bp", "2011-01-01", "2020-06-30", 1900),
        ("vat_catering_service_bp", "2020-07-01", "2020-12-31", 500),
        ("vat_catering_service_bp", "2021-01-01", "2023-12-31", 700),
        ("vat_catering_service_bp", "2024-01-01", "2025-12-31", 1900),
        ("vat_catering_service_bp", "2026-01-01", "2030-01-01", 700),
        ("vat_food_delivery_bp", "2011-01-01", "2020-06-30", 700),
        ("vat_food_delivery_bp", "2020-07-01", "2020-12-31", 500),
        ("vat_food_delivery_bp", "2021-01-01", "2030-01-01", 700),
        ("vat_drinks_bp", "2011-01-01", "2020-06-30", 1900),
        ("vat_drinks_bp", "2020-07-01", "2020-12-31", 1600),
        ("vat_drinks_bp", "2021-01-01", "2030-01-01", 1900),
        ("vat_tutoring_treatments", "2011-01-01", "2030-01-01", ("exempt_4_21", "small_business", "standard")),
        ("small_business_previous_year_cents", "2011-01-01", "2019-12-31", 1750000),
        ("small_business_previous_year_cents", "2020-01-01", "2024-12-31", 2200000),
        ("small_business_previous_year_cents", "2025-01-01", "2030-01-01", 2500000),
        ("small_business_current_year_cents", "2011-01-01", "2024-12-31", 5000000),
        ("small_business_current_year_cents", "2025-01-01", "2030-01-01", 10000000),
        ("retention_provider_invoices_years", "2011-01-01", "2024-12-31", 10),
        ("retention_provider_invoices_years", "2025-01-01", "2030-01-01", 8),
        ("NW.retention_booking_records_years", "2011-01-01", "2018-12-31", MISSING),
        ("NW.retention_booking_records_years", "2019-01-01", "2030-01-01", 6),
        ("NW.retention_ledgers_years", "2011-01-01", "2018-12-31", MISSING),
        ("NW.retention_ledgers_years", "2019-01-01", "2030-01-01", 10),
    ],
)
def test_a_parameter_has_its_value_from_its_first_day_to_its_last(parameter: str, first: str, last: str, value: object) -> None:
    for day in (first, last):
        law = law_at(date.fromisoformat(day))
        state, _, name = parameter.rpartition(".")
        found = getattr(law.of_state(state) if state else law, name)
        if value is MISSING:
            assert isinstance(found, NotLoaded)
        else:
            assert found == value
            assert type(found) is type(value)


def test_the_education_age_limit_is_25_for_sgb_2_and_bkgg_only() -> None:
    limits = law_at(date(2026, 11, 22)).education_age_limit_years
    assert {basis for basis in LegalBasis if limits[basis] == 25} == WITH_EDUCATION_AGE_LIMIT == {LegalBasis.SGB2, LegalBasis.BKGG}
    assert {basis for basis in LegalBasis if limits[basis] is None} == set(LegalBasis) - WITH_EDUCATION_AGE_LIMIT


@pytest.mark.parametrize(
    ("day", "benefit", "basis", "needed"),
    [
        ("2019-07-31", "lunch", LegalBasis.SGB2, True),
        ("2019-07-31", "tutoring", LegalBasis.SGB2, True),
        ("2019-07-31", "school_supplies", LegalBasis.SGB2, False),
        ("2019-08-01", "lunch", LegalBasis.SGB2, False),
        ("2019-08-01", "tutoring", LegalBasis.SGB2, True),
        ("2021-06-30", "tutoring", LegalBasis.SGB12_3, True),
        ("2021-07-01", "tutoring", LegalBasis.SGB2, False),
        ("2021-07-01", "tutoring", LegalBasis.SGB12_3, False),
        ("2023-12-31", "tutoring", LegalBasis.SGB2, False),
        ("2023-12-31", "tutoring", LegalBasis.BKGG, True),
        ("2024-01-01", "tutoring", LegalBasis.SGB2, True),
        ("2026-11-22", "class_trip", LegalBasis.BKGG, True),
        ("2026-11-22", "school_supplies", LegalBasis.BKGG, True),
        ("2026-11-22", "participation", LegalBasis.ASYLBLG_3, False),
    ],
)
def test_a_separate_application_is_needed_in_its_windows(day: str, benefit: str, basis: LegalBasis, needed: bool) -> None:  # noqa: FBT001 - a table's column
    assert law_at(date.fromisoformat(day)).needs_separate_application(benefit, basis) is needed


@pytest.mark.parametrize(
    ("day", "treatment", "rate"),
    [
        ("2025-12-31", "catering_service", 1900),
        ("2026-01-01", "catering_service", 700),
        ("2025-12-31", "food_delivery", 700),
        ("2026-01-01", "standard", 1900),
        ("2026-01-01", "exempt_4_21", None),
        ("2026-01-01", "exempt_4_23", None),
        ("2026-01-01", "small_business", None),
    ],
)
def test_a_vat_treatment_has_its_rate_on_the_day_of_service(day: str, treatment: str, rate: int | None) -> None:
    assert law_at(date.fromisoformat(day)).vat_bp_of(treatment) == rate


def test_the_law_of_another_state_is_not_loaded() -> None:
    with pytest.raises(LawNotLoaded, match="Land"):
        law_at(date(2026, 11, 22)).of_state("BY")


def test_grants_of_several_legal_bases_pay_in_the_order_of_rule_e_06() -> None:
    assert [basis.value for basis in PAYMENT_ORDER] == ["sgb12_4", "bkgg", "sgb2", "sgb12_3", "asylblg_2", "asylblg_3"]
    assert sorted(LegalBasis, key=lambda basis: basis.payment_rank) == list(PAYMENT_ORDER)


def test_every_legal_basis_has_a_german_name_without_the_name_of_a_benefit() -> None:
    assert set(GERMAN_NAMES) == set(LegalBasis)
    for basis in LegalBasis:
        assert "geld" not in basis.german_name.lower()
    assert LegalBasis.SGB12_4.german_name == "SGB XII, 4. Kapitel"

import pytest

from tests.procedures.adjudication.lines import fee, lesson, lunch, lunch_month
from tests.procedures.adjudication.town import Town

OCTOBER = "2026-10-05"


async def test_e01_first_and_last_day_of_a_grant_count(town: Town) -> None:
    await town.grant("B", attends="daycare", valid_from="2026-03-02", valid_to="2026-08-31")
    days = ["2026-02-27", "2026-03-02", "2026-08-31", "2026-09-01"]
    bill = await town.bill("c1", lunch("B", *days, facility="k1", unit_price="4.20"), at="2026-09-05T10:00:00Z")
    assert bill.days() == [
        "2026-02-27 rejected 0.00 E-01 H-06",
        "2026-03-02 review ?4.20 H-06",
        "2026-08-31 accepted 4.20",
        "2026-09-01 rejected 0.00 E-01",
    ]


async def test_e01_the_first_day_of_a_range_decides(town: Town) -> None:
    await town.grant("A", "participation", valid_to="2026-10-01")
    bill = await town.bill("v1", fee("A", "2026-10-01", "2026-10-31", "15.00"), fee("A", "2026-09-30", "2026-09-30", "15.00"))
    assert bill.says == ["accepted 15.00", "accepted 15.00"]
    assert (await town.bill("v2", fee("A", "2026-10-02", "2026-10-31", "1.00"))).says == ["rejected 0.00 D-01 E-01"]


async def test_e02_the_number_of_another_benefit_confirms_nothing_about_this_one(town: Town) -> None:
    await town.grant("A", "tutoring")
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", OCTOBER, entitlement="A-tutoring"), lunch("A", OCTOBER))
    assert bill.says == ["rejected 0.00 E-02", "accepted 4.50"]


async def test_e03_a_bkgg_grant_counts_for_whole_months_and_the_import_is_flagged(town: Town) -> None:
    report = await town.grant("A", legal_basis="bkgg", valid_from="2026-10-15", valid_to="2026-11-10")
    assert [f["rule"] for f in report["flagged"]] == ["E-03"]
    bill = await town.bill("c1", lunch("A", "2026-10-01", "2026-11-30", "2026-12-01"), at="2026-12-02T10:00:00Z")
    assert bill.days() == ["2026-10-01 accepted 4.50 E-03", "2026-11-30 accepted 4.50 E-03", "2026-12-01 rejected 0.00 E-01"]
    assert bill.codes == [{"NOT_IN_PERIOD"}]


@pytest.mark.parametrize(
    ("basis", "said"),
    [
        ("sgb2", ["accepted 4.50", "rejected 0.00 E-04", "rejected 0.00 E-04", "rejected 0.00 E-04"]),
        ("bkgg", ["accepted 4.50", "accepted 4.50", "accepted 4.50", "rejected 0.00 E-04"]),
        ("sgb12_3", ["accepted 4.50"] * 4),
        ("asylblg_2", ["accepted 4.50"] * 4),
    ],
)
async def test_e04_the_age_limit_is_the_25th_birthday_or_with_bkgg_the_end_of_its_month(town: Town, basis: str, said: list[str]) -> None:
    await town.grant("A", legal_basis=basis, born="2001-11-12")
    bill = await town.bill(
        "c1", *(lunch("A", day) for day in ("2026-11-11", "2026-11-12", "2026-11-30", "2026-12-01")), at="2026-12-02T10:00:00Z"
    )
    assert bill.says == said


async def test_e06_bkgg_bears_before_sgb2_and_the_office_is_told(town: Town) -> None:
    await town.grant("A")
    await town.grant("A", key="A-second", legal_basis="bkgg", entitlement="A-lunch")
    bill = await town.bill("c1", lunch("A", OCTOBER))
    assert bill.says == ["accepted 4.50 E-06"]
    assert bill.codes == [set()]
    assert bill.bears() == [("bkgg", "4.50", 0)]


async def test_e06_sgb12_4_before_bkgg_before_sgb2_before_sgb12_3(town: Town) -> None:
    for basis in ("asylblg_3", "asylblg_2", "sgb12_3", "sgb2", "bkgg", "sgb12_4"):
        await town.grant("A", key=f"A-{basis}", legal_basis=basis, entitlement="A-lunch", budget={"kind": "days", "days": 1})
    bill = await town.bill("c1", *(lunch("A", f"2026-10-{day:02d}") for day in (5, 6, 7, 8, 9, 12, 13)))
    assert [bill.bears(no)[0][0] for no in range(1, 7)] == ["sgb12_4", "bkgg", "sgb2", "sgb12_3", "asylblg_2", "asylblg_3"]
    assert bill.says[6] == "rejected 0.00 B-01 E-06"


async def test_e06_a_grant_that_fits_provider_and_facility_goes_first(town: Town) -> None:
    await town.grant("A", legal_basis="sgb12_4", facility="s2")
    await town.grant("A", key="A-second", facility="s1", entitlement="A-lunch")
    bill = await town.bill("c1", lunch("A", OCTOBER))
    assert bill.says == ["accepted 4.50 E-06"]
    assert bill.bears() == [("sgb2", "4.50", 0)]


async def test_e06_a_used_up_budget_spills_over_to_the_next_grant_to_the_cent(town: Town) -> None:
    await town.grant("A", legal_basis="bkgg", budget={"kind": "amount", "amount": "3.00"})
    await town.grant("A", key="A-second", entitlement="A-lunch", budget={"kind": "amount", "amount": "2.00"})
    bill = await town.bill("c1", lunch("A", OCTOBER), lunch("A", "2026-10-06"))
    assert bill.says == ["accepted 4.50 E-06", "reduced 0.50 B-01 E-06"]
    assert bill.bears(1) == [("bkgg", "3.00", 300), ("sgb2", "1.50", 150)]
    assert bill.bears(2) == [("sgb2", "0.50", 50)]


async def test_e06_a_flat_month_that_spans_grants_is_split_by_opening_days(town: Town) -> None:
    await town.grant("H", attends="daycare", valid_to="2026-10-11")
    await town.grant("H", key="H-second", attends="daycare", entitlement="H-lunch", legal_basis="bkgg", valid_from="2026-10-12")
    # The second one is widened to the whole of October (E-03) and bears it alone.
    bill = await town.bill("c3", lunch_month("H", "2026-10", attended_days=12))
    assert bill.bears() == [("bkgg", "60.00", 0)]


async def test_a_flat_month_over_two_grants_is_paid_whole_and_split(town: Town) -> None:
    await town.grant("H", attends="daycare", valid_to="2026-10-11")
    await town.grant("H", key="H-second", attends="daycare", entitlement="H-lunch", legal_basis="sgb12_3", valid_from="2026-10-12")
    bill = await town.bill("c3", lunch_month("H", "2026-10", attended_days=12))
    # 21 opening days: 1 October and 5 to 9 October are six of them (2 October is closed).
    assert bill.says == ["accepted 60.00 M-09"]
    assert bill.bears() == [("sgb2", "17.14", 0), ("sgb12_3", "42.86", 0)]


async def test_e07_e08_who_was_told_is_paid_until_then(town: Town) -> None:
    await town.grant("A", revocation={"effective_from": "2026-10-06", "notified_on": "2026-10-08"})
    bill = await town.bill("c1", *(lunch("A", f"2026-10-0{day}") for day in (5, 6, 7, 8, 9)))
    assert bill.says == ["accepted 4.50", "accepted 4.50 E-08", "accepted 4.50 E-08", "rejected 0.00 E-07", "rejected 0.00 E-07"]


async def test_e08_nobody_was_told(town: Town) -> None:
    await town.grant("A", revocation={"effective_from": "2026-10-06", "notified_on": None})
    bill = await town.bill("c1", lunch("A", OCTOBER), lunch("A", "2026-10-09"))
    assert bill.says == ["accepted 4.50", "accepted 4.50 E-08"]


async def test_e07_told_before_it_takes_effect(town: Town) -> None:
    await town.grant("A", revocation={"effective_from": "2026-10-08", "notified_on": "2026-10-01"})
    bill = await town.bill("c1", lunch("A", "2026-10-07"), lunch("A", "2026-10-08"))
    assert bill.says == ["accepted 4.50", "rejected 0.00 E-07"]


async def test_e07_without_good_faith_the_effect_alone_counts(town: Town) -> None:
    await town.set(protect_good_faith=False)
    await town.grant("A", revocation={"effective_from": "2026-10-06", "notified_on": None})
    bill = await town.bill("c1", lunch("A", OCTOBER), lunch("A", "2026-10-06"))
    assert bill.says == ["accepted 4.50", "rejected 0.00 E-07"]


async def test_e07_another_grant_that_covers_the_day_pays(town: Town) -> None:
    await town.grant("A", revocation={"effective_from": "2026-10-01", "notified_on": "2026-10-01"})
    await town.grant("A", key="A-second", entitlement="A-lunch", legal_basis="sgb12_3")
    bill = await town.bill("c1", lunch("A", OCTOBER))
    assert bill.says == ["accepted 4.50"]
    assert bill.bears() == [("sgb12_3", "4.50", 0)]


async def test_e09_only_a_disputed_grant_goes_to_review(town: Town) -> None:
    await town.grant("A", status="disputed")
    await town.grant("B", status="provisional")
    bill = await town.bill("c1", lunch("A", OCTOBER), lunch("B", OCTOBER))
    assert bill.says == ["review ?4.50 E-09", "accepted 4.50"]


async def test_e11_tutoring_without_an_application_is_flagged_and_paid(town: Town) -> None:
    report = await town.grant("A", "tutoring", applied_on=None)
    assert [f["rule"] for f in report["flagged"]] == ["E-11"]
    assert (await town.bill("t1", lesson("A", "2026-10-12"))).says == ["accepted 45.00"]


async def test_e12_a_grant_that_begins_before_its_application_is_flagged(town: Town) -> None:
    report = await town.grant("A", "tutoring", applied_on="2026-09-02")
    assert [f["rule"] for f in report["flagged"]] == ["E-12"]
    assert (await town.bill("t1", lesson("A", "2026-10-12"))).says == ["review ?45.00 E-12"]


async def test_e12_an_application_in_time_passes(town: Town) -> None:
    report = await town.grant("A", "tutoring", applied_on="2026-09-01")
    assert report["flagged"] == []
    assert (await town.bill("t1", lesson("A", "2026-10-12"))).says == ["accepted 45.00"]


async def test_e13_bkgg_is_perhaps_barred_a_year_after_the_month(town: Town) -> None:
    await town.set(submission_months=24)
    await town.agree("c1", valid_to="2028-12-31")
    for child, basis in (("A", "bkgg"), ("B", "sgb2")):
        await town.grant(child, legal_basis=basis)
    assert (await town.bill("c1", lunch("A", OCTOBER), at="2027-10-31T10:00:00Z")).says == ["accepted 4.50"]
    late = await town.bill("c1", lunch("A", "2026-10-06"), lunch("B", "2026-10-06"), at="2027-11-01T10:00:00Z")
    assert late.says == ["review ?4.50 E-13", "accepted 4.50"]


async def test_e14_what_the_family_paid_is_not_paid_again(town: Town) -> None:
    await town.grant("A")
    await town.need_provider("c1")
    await town.need_provider("c2")
    paid = {"provider": "c1", "from": "2026-10-05", "to": "2026-10-06"}
    await town.ok("registrar", "POST", "/entitlements/A-lunch/family-payments", paid)
    bill = await town.bill("c1", lunch("A", "2026-10-05"), lunch("A", "2026-10-06"), lunch("A", "2026-10-07"))
    assert bill.says == ["rejected 0.00 E-14", "rejected 0.00 E-14", "accepted 4.50"]
    assert (await town.bill("c2", lunch("A", "2026-10-05"))).says == ["accepted 4.50"]


async def test_the_law_of_a_day_that_is_not_loaded_is_not_guessed(town: Town) -> None:
    await town.agree("c1", valid_from="2010-01-01", prices=[{"item": "lunch", "valid_from": "2010-01-01", "unit_price": "4.50"}])
    await town.provider("c1", undertaking_signed_on="2010-01-01")
    await town.grant("A", attends=None, valid_from="2011-01-01", valid_to="2011-12-31", born="2003-05-11")
    bill = await town.bill("c1", lunch("A", "2010-12-31", facility="k1"), at="2011-01-31T10:00:00Z")
    assert bill.says == ["rejected 0.00 E-01 law_not_loaded"]

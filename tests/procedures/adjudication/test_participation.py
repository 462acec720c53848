"""X, D: participation, trips, cash benefits, the same service twice."""

import pytest

from tests.procedures.adjudication.lines import fee
from tests.procedures.adjudication.registers import AGREEMENTS
from tests.procedures.adjudication.town import Town


def october(amount: str = "15.00", **more: object) -> object:
    return fee("A", "2026-10-01", "2026-10-31", amount, **more)


@pytest.mark.parametrize("benefit", ["school_supplies", "school_transport"])
async def test_x01_cash_benefits_are_not_billed(town: Town, benefit: str) -> None:
    await town.grant("A", "participation")
    bill = await town.bill("v1", october(benefit=benefit, entitlement="A-participation"))
    assert bill.says == ["rejected 0.00 X-01"]
    assert bill.codes == [{"NOT_COVERED"}]


@pytest.mark.parametrize("benefit", ["school_supplies", "school_transport"])
async def test_x01_cash_benefits_are_not_billed_even_where_somebody_agreed_about_them(town: Town, benefit: str) -> None:
    await town.agree("v1", benefit=benefit)
    await town.grant("A", benefit)
    bill = await town.bill("v1", october(benefit=benefit))
    assert bill.says == ["rejected 0.00 X-01"]
    assert bill.codes == [{"NOT_COVERED"}]
    who = {"entitlement_number": town.numbers[f"A-{benefit}"], "date_of_birth": town.births["A"]}
    ask = {"benefit": benefit, **who, "from": "2026-10-01", "to": "2026-10-31"}
    assert (await town.ok("v1", "POST", "/eligibility-checks", ask))["eligible"] is False


async def test_x02_participation_ends_with_the_18th_birthday(town: Town) -> None:
    await town.grant("A", "participation", born="2008-10-12")
    before, after = fee("A", "2026-10-11", "2026-10-11", "5.00"), fee("A", "2026-10-12", "2026-10-31", "5.00")
    bill = await town.bill("v1", before, after)
    assert bill.says == ["accepted 5.00", "rejected 0.00 X-02"]
    assert bill.codes[1] == {"NOT_IN_PERIOD"}


async def test_x02_months_after_the_18th_birthday_save_nothing(town: Town) -> None:
    await town.grant("A", "participation", born="2008-10-12")
    # September and October: twice 15.00.
    assert (await town.bill("v1", fee("A", "2026-09-01", "2026-10-11", "40.00"))).says == ["reduced 30.00 X-03"]


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        # September to August: 12 × 15.00 in all.
        ("period_total", ["accepted 100.00", "reduced 80.00 X-03"]),
        # Received in November: three months.
        ("accrued_to_date", ["reduced 45.00 X-03", "rejected 0.00 X-03"]),
        # October alone, December alone.
        ("monthly_cap", ["reduced 15.00 X-03", "reduced 15.00 X-03"]),
        # September to December.
        ("calendar_year", ["reduced 60.00 X-03", "rejected 0.00 X-03"]),
    ],
)
async def test_x03_what_is_available_by_saving_mode(town: Town, mode: str, said: list[str]) -> None:
    await town.set(participation_saving=mode)
    await town.grant("A", "participation")
    bill = await town.bill("v1", october("100.00"), fee("A", "2026-12-01", "2026-12-31", "100.00"))
    assert bill.says == said


async def test_x03_a_calendar_year_counts_only_what_its_own_grant_gave(town: Town) -> None:
    await town.set(participation_saving="calendar_year")
    await town.grant("A", "participation", valid_from="2026-03-01", valid_to="2026-08-31")
    await town.grant("A", "participation", key="A-second", entitlement="A-participation", valid_from="2026-09-01", valid_to="2027-02-28")
    bill = await town.bill("v1", fee("A", "2026-08-01", "2026-08-31", "90.00"), october("60.00"))
    assert bill.says == ["accepted 90.00", "accepted 60.00"]


async def test_x03_a_monthly_cap_over_several_months_and_into_the_last(town: Town) -> None:
    await town.set(participation_saving="monthly_cap")
    await town.grant("A", "participation", born="2008-11-10", valid_from="2026-03-01", valid_to="2027-02-28")
    # September to January, but nothing is saved after November.
    assert (await town.bill("v1", fee("A", "2026-09-01", "2027-01-31", "75.00"))).says == ["reduced 45.00 X-03"]


async def test_x03_a_budget_of_its_own_goes_before_the_saving_mode(town: Town) -> None:
    await town.set(participation_saving="monthly_cap")
    await town.grant("A", "participation", budget={"kind": "amount", "amount": "50.00"})
    bill = await town.bill("v1", october("40.00"), fee("A", "2026-12-01", "2026-12-31", "40.00"))
    assert bill.says == ["accepted 40.00", "reduced 10.00 X-03"]


async def test_x04_x05_other_activities_and_equipment_are_reviewed(town: Town) -> None:
    await town.grant("A", "participation")
    bill = await town.bill("v1", october(activity="other"), october(item="equipment"))
    assert bill.says == ["review ?15.00 X-04", "review ?15.00 X-05"]


async def test_x06_pocket_money_on_trips(town: Town) -> None:
    await town.agree("v1")
    terms = AGREEMENTS["v1"] | {"benefit": "class_trip"}
    await town.ok("registrar", "PUT", "/agreements/v1-trips", terms)
    await town.grant("A", "class_trip")
    trip = {"benefit": "class_trip"}
    bill = await town.bill(
        "v1",
        fee("A", "2026-12-01", "2026-12-04", "250.00", **trip),
        fee("A", "2026-12-01", "2026-12-04", "20.00", item="pocket_money", **trip),
    )
    assert bill.says == ["accepted 250.00", "rejected 0.00 X-06"]


async def test_d01_the_same_fee_twice_by_one_provider_or_by_two(town: Town) -> None:
    await town.grant("A", "participation")
    first = await town.bill("v1", october(), october())
    assert first.says == ["accepted 15.00", "rejected 0.00 D-01"]
    second = await town.bill(
        "v2", fee("A", "2026-10-31", "2026-11-30", "15.00"), fee("A", "2026-11-01", "2026-11-01", "15.00", item="equipment")
    )
    assert second.says == ["review ?15.00 D-01", "review ?15.00 X-05"]
    assert (await first.again()).says[0] == "accepted 15.00"
    assert first.codes[1] == {"ALREADY_BILLED"}
    assert second.codes[0] == {"IN_CLARIFICATION"}


async def test_d01_not_after_a_cancellation(town: Town) -> None:
    await town.grant("A", "participation")
    await town.cancel(await town.bill("v1", october()))
    assert (await town.bill("v1", october())).says == ["accepted 15.00"]

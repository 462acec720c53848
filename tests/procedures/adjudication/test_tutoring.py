from typing import Any

import pytest

from tests.procedures.adjudication.lines import lesson
from tests.procedures.adjudication.town import Town

DAY, NEXT = "2026-10-12", "2026-10-13"


async def test_l01_only_granted_subjects(town: Town) -> None:
    await town.grant("A", "tutoring")
    bill = await town.bill("t1", lesson("A", DAY, subject="englisch"), lesson("A", NEXT))
    assert bill.says == ["rejected 0.00 L-01", "accepted 45.00"]


async def test_what_is_refused_is_not_under_clarification(town: Town) -> None:
    await town.grant("A", "tutoring")
    bill = await town.bill("t1", lesson("A", DAY, subject="englisch", proof=None))
    assert bill.says == ["rejected 0.00 L-01 L-14"]
    (told,) = [f["text"] for f in bill.told[0]["findings"] if f["code"] == "IN_CLARIFICATION"]
    assert told == "Außerdem war für den 12.10.2026 eine Frage offen. Weil wir die 45,00 € nicht bezahlen, ist sie erledigt."


async def test_l01_a_second_grant_for_another_subject_bears_it(town: Town) -> None:
    await town.grant("A", "tutoring")
    tutoring = {"subjects": ["englisch"], "form": "any"}
    await town.grant("A", "tutoring", key="A-english", entitlement="A-tutoring", legal_basis="sgb12_3", tutoring=tutoring)
    bill = await town.bill("t1", lesson("A", DAY, subject="englisch"), lesson("A", NEXT))
    assert [bill.bears(no)[0][0] for no in (1, 2)] == ["sgb12_3", "sgb2"]


async def test_l02_granted_minutes_are_used_up(town: Town) -> None:
    await town.grant("A", "tutoring", budget={"kind": "minutes", "minutes": 120})
    bill = await town.bill("t1", lesson("A", DAY), lesson("A", NEXT), lesson("A", "2026-10-14"))
    assert bill.says == ["accepted 45.00", "reduced 15.00 L-02", "rejected 0.00 L-02"]
    assert bill.bears(2) == [("sgb2", "15.00", 30)]


async def test_l02_under_whole_units_only_whole_units_are_left(town: Town) -> None:
    await town.agree("t1", tutoring={"minutes_rule": "whole_units"})
    await town.grant("A", "tutoring", budget={"kind": "minutes", "minutes": 170})
    bill = await town.bill("t1", lesson("A", DAY), lesson("A", NEXT), lesson("A", "2026-10-14"))
    assert bill.says == ["accepted 45.00", "reduced 22.50 L-02", "rejected 0.00 L-02"]


async def test_l03_minutes_are_converted_into_units(town: Town) -> None:
    await town.grant("A", "tutoring")
    bill = await town.bill("t1", lesson("A", DAY, end="16:00"), lesson("A", NEXT, end="16:00", amount="45.00"))
    assert bill.says == ["accepted 30.00", "reduced 30.00 L-03"]
    await town.agree("t3", tutoring={"minutes_rule": "whole_units"})
    bill = await town.bill("t3", lesson("A", "2026-10-14", end="16:00"))
    assert bill.says == ["reduced 22.50 L-03"]
    cheap = await town.bill("t3", lesson("A", "2026-10-15", amount="40.00"))
    assert cheap.says == ["accepted 40.00"]


async def test_l04_no_more_than_the_record_shows(town: Town) -> None:
    await town.grant("A", "tutoring", budget={"kind": "minutes", "minutes": 900})
    bill = await town.bill("t1", lesson("A", DAY, end="15:50", minutes=60))
    assert bill.says == ["reduced 25.00 L-04"]
    assert bill.bears() == [("sgb2", "25.00", 50)]


async def test_l05_individual_billed_group_granted(town: Town) -> None:
    await town.grant("A", "tutoring", tutoring={"subjects": ["mathematik"], "form": "group"})
    bill = await town.bill("t1", lesson("A", DAY), lesson("A", NEXT, group_size=3, unit_price="12.00"))
    assert bill.says == ["reduced 24.00 L-05", "accepted 24.00"]


async def test_l06_a_group_too_large(town: Town) -> None:
    await town.grant("A", "tutoring")
    group: dict[str, Any] = {"unit_price": "12.00"}
    bill = await town.bill("t1", lesson("A", DAY, group_size=5, **group), lesson("A", NEXT, group_size=4, **group))
    assert bill.says == ["review ?24.00 L-06", "accepted 24.00"]


async def test_l07_l08_missed_lessons(town: Town) -> None:
    await town.grant("A", "tutoring", budget={"kind": "minutes", "minutes": 45})
    missed: dict[str, Any] = {"attended": False}
    assert (await town.bill("t1", lesson("A", DAY, **missed))).says == ["rejected 0.00 L-07"]
    bill = await town.bill("t3", lesson("A", DAY, **missed), lesson("A", NEXT, **missed), lesson("A", "2026-09-14", **missed))
    assert bill.says == ["reduced 22.50 L-08", "rejected 0.00 L-07", "reduced 22.50 L-08"]
    # A fee uses no minutes: the whole lesson is still there.
    assert (await town.bill("t1", lesson("A", "2026-10-14", end="15:45"))).says == ["accepted 22.50"]


async def test_l08_a_missed_lesson_does_not_count_as_a_lesson_of_the_day(town: Town) -> None:
    await town.agree("t3", tutoring={"units_per_day_max": 2})
    await town.grant("A", "tutoring")
    assert (await town.bill("t3", lesson("A", DAY, attended=False))).says == ["reduced 22.50 L-08"]
    assert (await town.bill("t3", lesson("A", DAY))).says == ["accepted 45.00"]


async def test_l09_overlapping_lessons_of_one_child(town: Town) -> None:
    await town.grant("A", "tutoring")
    first = await town.bill("t1", lesson("A", DAY))
    second = await town.bill("t3", lesson("A", DAY, start="16:00", end="16:45"), lesson("A", DAY, start="16:45", end="17:30"))
    assert second.says == ["review ?22.50 L-09", "accepted 22.50"]
    assert (await first.again()).says == ["accepted 45.00"]


async def test_l09_d01_the_same_provider(town: Town) -> None:
    await town.grant("A", "tutoring")
    bill = await town.bill("t1", lesson("A", DAY), lesson("A", DAY), lesson("A", DAY, start="16:00", end="16:45"))
    assert bill.says == ["accepted 45.00", "rejected 0.00 D-01", "review ?22.50 L-09"]
    assert bill.codes[1:] == [{"ALREADY_BILLED"}, {"IN_CLARIFICATION"}]


async def test_l10_one_tutor_cannot_teach_two_children_alone_at_once(town: Town) -> None:
    for child in ("A", "B", "C"):
        await town.grant(child, "tutoring")
    first = await town.bill("t1", lesson("A", DAY, tutor="T-17"))
    assert first.says == ["accepted 45.00"]
    second = await town.bill("t1", lesson("B", DAY, start="16:00", end="16:45", tutor="T-17"), lesson("C", NEXT, tutor="T-17"))
    assert second.says == ["review ?22.50 L-10", "accepted 45.00"]
    assert (await first.again()).says == ["review ?45.00 L-10"]


async def test_l10_another_tutor_a_group_or_another_time_passes(town: Town) -> None:
    for child in ("A", "B"):
        await town.grant(child, "tutoring")
    group: dict[str, Any] = {"group_size": 2, "unit_price": "12.00", "tutor": "T-18"}
    bill = await town.bill(
        "t1", lesson("A", DAY, tutor="T-17"), lesson("B", DAY, tutor="T-16"),
        lesson("A", NEXT, **group), lesson("B", NEXT, **group), lesson("B", DAY, start="17:00", end="17:45", tutor="T-17"),
    )  # fmt: skip
    assert bill.says == ["accepted 45.00", "accepted 45.00", "accepted 24.00", "accepted 24.00", "accepted 22.50"]
    assert (await town.bill("t3", lesson("B", "2026-10-14", tutor="T-17"), lesson("A", "2026-10-14", tutor="t-17"))).says == [
        "accepted 45.00",
        "accepted 45.00",
    ]


async def test_l11_more_units_a_day_than_usual(town: Town) -> None:
    await town.grant("A", "tutoring")
    bill = await town.bill("t1", lesson("A", DAY, "08:00", "09:30"), lesson("A", DAY, "10:00", "11:30"), lesson("A", DAY, "12:00", "12:45"))
    assert bill.says == ["accepted 45.00", "accepted 45.00", "review ?22.50 L-11"]


@pytest.mark.parametrize(("day", "at"), [("2026-10-11", "2026-11-02T10:00:00Z"), ("2026-11-01", "2026-11-02T10:00:00Z")])
async def test_l12_sundays_and_public_holidays(town: Town, day: str, at: str) -> None:
    await town.grant("A", "tutoring")
    assert (await town.bill("t1", lesson("A", day), at=at)).says == ["review ?45.00 L-12"]


async def test_l13_school_holidays_and_saturdays_pass(town: Town) -> None:
    await town.grant("A", "tutoring")
    assert (await town.bill("t1", lesson("A", "2026-10-19"), lesson("A", "2026-10-24"))).says == ["accepted 45.00", "accepted 45.00"]


async def test_l14_the_proof_is_missing_or_was_used_before(town: Town) -> None:
    await town.grant("A", "tutoring")
    await town.grant("B", "tutoring")
    bill = await town.bill("t1", lesson("A", DAY, proof=None), lesson("A", NEXT, proof="SN-X"), lesson("B", NEXT, proof="SN-X"))
    assert bill.says == ["review ?45.00 L-14", "accepted 45.00", "review ?45.00 L-14"]
    assert (await town.bill("t1", lesson("A", "2026-10-14", proof="SN-X"))).says == ["review ?45.00 L-14"]
    assert (await town.bill("t3", lesson("B", "2026-10-15", proof="SN-X"))).says == ["accepted 45.00"]


async def test_l14_the_proof_of_a_rejected_or_cancelled_lesson_is_free_again(town: Town) -> None:
    await town.grant("A", "tutoring")
    first = await town.bill("t1", lesson("A", DAY, proof="SN-X", subject="englisch"), lesson("A", NEXT, proof="SN-Y"))
    assert first.says == ["rejected 0.00 L-01", "accepted 45.00"]
    await town.cancel(first)
    again = await town.bill("t1", lesson("A", DAY, proof="SN-X"), lesson("A", NEXT, proof="SN-Y"))
    assert again.says == ["accepted 45.00", "accepted 45.00"]


async def test_t01_t02_t03_are_notes_for_the_town(town: Town) -> None:
    await town.grant("A", "tutoring")
    exempt: dict[str, Any] = {"vat_exemption": None}
    taxed = await town.bill("t1", lesson("A", DAY, vat_rate="19.00", **exempt), lesson("A", NEXT, **exempt), lesson("A", "2026-10-14"))
    assert taxed.says == ["accepted 45.00 T-01 T-03", "accepted 45.00 T-03", "accepted 45.00"]
    assert taxed.codes == [set(), set(), set()]
    small = await town.bill("t2", lesson("A", "2026-10-15", vat_rate="19.00", unit_price="15.00", **exempt))
    assert small.says == ["accepted 30.00 T-02 T-03"]


async def test_t01_t02_t03_go_to_review_where_the_town_wants_it(town: Town) -> None:
    await town.set(tax_effect="review")
    await town.grant("A", "tutoring")
    exempt: dict[str, Any] = {"vat_exemption": None}
    taxed = await town.bill("t1", lesson("A", DAY, vat_rate="19.00", **exempt), lesson("A", NEXT, **exempt), lesson("A", "2026-10-14"))
    assert taxed.says == ["review ?45.00 T-01 T-03", "review ?45.00 T-03", "accepted 45.00"]

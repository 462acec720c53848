from tests.procedures.adjudication.lines import fee, lunch
from tests.procedures.adjudication.town import Town

DAY, NEXT, LATER = "2026-10-05", "2026-10-06", "2026-10-07"
NEUTRAL = {"NOT_CONFIRMED"}


async def test_i01_an_unknown_or_mistyped_number_is_not_confirmed_and_nothing_else_is_said(town: Town) -> None:
    await town.grant("A", valid_to="2026-09-30")
    number = town.numbers["A-lunch"]
    typo = number[:-1] + ("7" if number[-1] != "7" else "8")
    bill = await town.bill("c1", lunch("A", DAY, entitlement_number="0000-0000-00000"), lunch("A", "2026-10-10", entitlement_number=typo))
    assert bill.says == ["rejected 0.00 I-01", "rejected 0.00 I-01"]
    assert bill.codes == [NEUTRAL, NEUTRAL]


async def test_i01_dashes_and_case_do_not_matter(town: Town) -> None:
    await town.grant("A")
    number = town.numbers["A-lunch"].replace("-", "").lower()
    bill = await town.bill("c1", lunch("A", DAY, entitlement_number=number))
    assert bill.says == ["accepted 4.50"]


async def test_i02_a_wrong_birth_date_answers_as_an_unknown_number_does(town: Town) -> None:
    await town.grant("A", valid_to="2026-09-30")
    bill = await town.bill(
        "c1", lunch("A", DAY, date_of_birth="2016-05-12"), lunch("A", DAY, entitlement_number="0000-0000-00000", date_of_birth="2016-05-12")
    )
    assert bill.says == ["rejected 0.00 I-02", "rejected 0.00 I-01"]
    assert bill.told[0]["findings"] == bill.told[1]["findings"]


async def test_i02_the_birth_date_may_be_left_out_only_by_who_knows_the_child(town: Town) -> None:
    await town.grant("A")
    first = await town.bill("c1", lunch("A", DAY, date_of_birth=None), lunch("A", NEXT))
    assert first.says == ["rejected 0.00 I-02", "accepted 4.50"]
    assert first.codes[0] == NEUTRAL
    second = await town.bill("c1", lunch("A", LATER, date_of_birth=None))
    assert second.says == ["accepted 4.50"]
    other = await town.bill("c2", lunch("A", "2026-10-08", date_of_birth=None))
    assert other.says == ["rejected 0.00 I-02"]


async def test_i02_a_provider_named_in_the_grant_knows_the_child(town: Town) -> None:
    await town.grant("A", provider="c1")
    bill = await town.bill("c1", lunch("A", DAY, date_of_birth=None))
    assert bill.says == ["accepted 4.50"]


async def test_i03_names_compare_as_sets_of_folded_words(town: Town) -> None:
    await town.grant("A")
    spellings = ["Soeren A Mueller-Oeztuerk", "MÜLLER ÖZTÜRK, Sören A", "a sören müller-öztürk", "Müller-Öztürk, A. Sören"]
    bill = await town.bill("c1", *(lunch("A", f"2026-10-0{5 + i}", name=name) for i, name in enumerate(spellings)))
    assert bill.says == ["accepted 4.50"] * 4


async def test_i04_another_name_is_reviewed_with_what_would_be_paid_and_nothing_else_is_said(town: Town) -> None:
    await town.grant("A", valid_to="2026-09-30")
    await town.grant("B")
    bill = await town.bill("c1", lunch("B", DAY, name="Max Muster"), lunch("A", DAY, name="Max Muster"))
    assert bill.says == ["review ?4.50 I-04", "review ?0.00 I-04"]


async def test_i04_does_not_make_a_link(town: Town) -> None:
    await town.grant("A")
    await town.bill("c1", lunch("A", DAY, name="Max Muster"))
    bill = await town.bill("c1", lunch("A", NEXT, date_of_birth=None))
    assert bill.says == ["rejected 0.00 I-02"]


async def test_i05_without_a_number_nobody_is_looked_for(town: Town) -> None:
    await town.grant("A")
    bill = await town.bill("c1", lunch("A", DAY, entitlement_number=None, name="Sören A Müller-Öztürk"))
    assert bill.says == ["rejected 0.00 I-05"]
    assert bill.codes == [NEUTRAL]


async def test_a_number_guessed_at_five_times_is_frozen_for_that_provider_only(town: Town) -> None:
    await town.grant("A")
    wrong = [lunch("A", DAY, date_of_birth=f"2016-01-{day:02d}") for day in range(1, 6)]
    assert (await town.bill("c1", *wrong)).says == ["rejected 0.00 I-02"] * 5
    assert (await town.bill("c1", lunch("A", DAY))).says == ["rejected 0.00 I-01"]
    assert (await town.bill("c2", lunch("A", DAY))).says == ["accepted 4.50"]


async def test_the_right_number_with_the_right_birth_date_hears_the_true_findings(town: Town) -> None:
    await town.grant("A", valid_to="2026-09-30")
    bill = await town.bill("c1", lunch("A", "2026-10-10"))
    assert bill.says == ["rejected 0.00 E-01 M-05"]


async def test_without_an_agreement_nothing_is_said_of_the_grant(town: Town) -> None:
    await town.grant("A", valid_to="2026-09-30")
    await town.grant("A", "participation")
    bill = await town.bill("c1", fee("A", "2026-10-01", "2026-10-31", "15.00"))
    assert bill.says == ["rejected 0.00 P-01"]
    assert bill.codes == [{"NO_AGREEMENT"}]


async def test_a_dry_run_says_the_same_and_keeps_nothing(town: Town) -> None:
    await town.grant("A", budget={"kind": "days", "days": 1})
    dry = await town.send("c1", lunch("A", DAY), number="R-9", query="?dry_run=true")
    assert dry.status_code == 200
    assert dry.json()["dry_run"] is True
    wet = await town.bill("c1", lunch("A", DAY), number="R-9")
    assert wet.answer["lines"] == dry.json()["lines"]

import asyncio
from typing import Any

import pytest

from tests.procedures.eligibility.desk_town import DeskTown, changed, row, without_id
from tests.registers.office import Caller, faults

CHECK = "/eligibility-checks"
NO = {"eligible": False}


async def check(caller: Caller, body: Any) -> Any:  # noqa: ANN401 - JSON
    return without_id(await caller.post(CHECK, body))


async def test_a_number_the_family_handed_over_is_confirmed(town: DeskTown) -> None:
    await town.deliver(row())
    assert await check(await town.provider("c1"), town.ask()) == {
        "eligible": True,
        "periods": [{"from": "2026-11-01", "to": "2026-11-30"}],
        "facility": "s1",
        "unit_price": "4.50",
        "remaining_minutes": None,
        "subjects": None,
        "form": None,
    }


async def test_dashes_and_case_of_the_number_do_not_matter(town: DeskTown) -> None:
    await town.deliver(row())
    written = town.numbers["A-lunch"].lower().replace("-", " ")
    assert (await check(await town.provider("c1"), town.ask(entitlement_number=written)))["eligible"]


async def test_every_cause_gives_the_same_bytes(town: DeskTown) -> None:
    await town.deliver(
        row("A"),
        row("B", provider="c2"),
        changed(row("C"), "entitlement", information_allowed=False),
        row("D", valid_from="2025-08-01", valid_to="2026-07-31"),
        row("E", revocation={"effective_from": "2026-09-01", "notified_on": "2026-10-01"}),
        changed(row("F"), "child", date_of_birth="2001-04-02"),
    )
    c1, c2 = await town.provider("c1"), await town.provider("c2")
    asked = [
        (c1, town.ask(entitlement_number="7K3M-9QXT-2VAB4")),
        (c1, town.ask(entitlement_number="?")),
        (c1, town.ask(date_of_birth="2017-04-03")),
        (c1, town.ask(benefit="day_trip")),
        (c1, town.ask("B-lunch")),
        (c1, town.ask("C-lunch")),
        (c1, town.ask("D-lunch")),
        (c1, town.ask("E-lunch")),
        (c1, town.ask("F-lunch", date_of_birth="2001-04-02")),
        (c1, town.ask(facility="k1")),
        (c2, town.ask()),
    ]
    bodies = set()
    for caller, body in asked:
        answer = await caller.post(CHECK, body)
        assert answer.status_code == 200, answer.text
        text = answer.text.replace(answer.json()["id"], "").replace(answer.json()["checked_at"], "")
        assert without_id(answer) == NO
        bodies.add((text, answer.headers["content-length"], tuple(sorted(answer.headers))))
    assert len(bodies) == 1


async def test_what_is_covered_in_part_is_cut(town: DeskTown) -> None:
    await town.deliver(
        row(valid_from="2026-11-05", valid_to="2026-11-10"),
        row(key="next", valid_from="2026-11-11", valid_to="2026-11-12"),
        row(key="later", valid_from="2026-11-20", legal_basis="sgb12_3"),
    )
    answer = await check(await town.provider("c1"), town.ask())
    assert answer["periods"] == [{"from": "2026-11-05", "to": "2026-11-12"}, {"from": "2026-11-20", "to": "2026-11-30"}]


async def test_bkgg_covers_whole_months(town: DeskTown) -> None:
    await town.deliver(row(legal_basis="bkgg", valid_from="2026-09-20", valid_to="2026-11-03"))
    assert (await check(await town.provider("c1"), town.ask()))["periods"] == [{"from": "2026-11-01", "to": "2026-11-30"}]


async def test_a_revocation_counts_from_the_day_the_provider_was_told(town: DeskTown) -> None:
    await town.deliver(row(revocation={"effective_from": "2026-09-01", "notified_on": "2026-11-12"}))
    assert (await check(await town.provider("c1"), town.ask()))["periods"] == [{"from": "2026-11-01", "to": "2026-11-11"}]


async def test_a_revocation_nobody_was_told_of_confirms_no_day_from_today_on(town: DeskTown) -> None:
    await town.deliver(row(revocation={"effective_from": "2026-09-01", "notified_on": None}))
    assert (await check(await town.provider("c1"), town.ask()))["periods"] == [{"from": "2026-11-01", "to": "2026-11-01"}]


async def test_the_price_is_that_of_the_first_covered_day(town: DeskTown) -> None:
    await town.deliver(row(valid_from="2026-09-14"))
    c1 = await town.provider("c1")
    assert (await check(c1, town.ask(**{"from": "2026-09-01", "to": "2026-09-30"})))["unit_price"] == "4.20"


async def test_tutoring_tells_minutes_subjects_and_form(town: DeskTown) -> None:
    await town.deliver(row(benefit="tutoring", budget={"kind": "minutes", "minutes": 900}))
    answer = await check(await town.provider("t1"), town.ask("A-tutoring", facility=None))
    assert (answer["remaining_minutes"], answer["subjects"], answer["form"]) == (900, ["deutsch", "mathematik"], "individual")
    assert (answer["facility"], answer["unit_price"]) == (None, "22.50")


@pytest.mark.parametrize(("amount", "covered"), [("180.00", True), ("180.01", False)])
async def test_participation_tells_whether_an_amount_is_covered(town: DeskTown, amount: str, covered: bool) -> None:  # noqa: FBT001 - expected
    await town.deliver(row(benefit="participation"))
    answer = await check(await town.provider("v1"), town.ask("A-participation", facility=None, amount=amount))
    assert (answer["covered"], answer["unit_price"]) == (covered, None)


async def test_a_lost_number_counts_before_the_loss_and_the_new_one_always(town: DeskTown) -> None:
    await town.deliver(row())
    old = town.numbers["A-lunch"]
    answer = await town.registrar.at("2026-11-12T08:00:00Z").post("/entitlements/A-lunch/number-replacements", {"lost_on": "2026-11-10"})
    assert answer.status_code == 200, answer.text
    c1 = await town.provider("c1")
    assert (await check(c1, town.ask(entitlement_number=old)))["periods"] == [{"from": "2026-11-01", "to": "2026-11-09"}]
    new = answer.json()["entitlement_number"]
    assert (await check(c1, town.ask(entitlement_number=new)))["periods"] == [{"from": "2026-11-01", "to": "2026-11-30"}]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"from": "2026-11-30", "to": "2026-11-01"}, {"/to": "before_from"}),
        ({"from": "2026-11-01", "to": "2027-02-01"}, {"/to": "too_long"}),
        ({"from": "2026-05-01", "to": "2026-05-30"}, {"/from": "too_old"}),
        ({"facility": "nowhere"}, {"/facility": "unknown_key"}),
        ({"facility": None}, {"/facility": "missing"}),
        ({"amount": "5.00"}, {"/amount": "not_participation"}),
        ({"entitlement_number": 7, "surprise": 1}, {"/entitlement_number": "not_a_string", "/surprise": "unknown_field"}),
    ],
)
async def test_a_bad_question_is_refused(town: DeskTown, fields: dict[str, Any], found: dict[str, str]) -> None:
    await town.deliver(row())
    assert faults(await (await town.provider("c1")).post(CHECK, town.ask(**fields))) == found


async def test_the_day_six_months_back_and_92_days_are_possible(town: DeskTown) -> None:
    await town.deliver(row())
    body = town.ask(**{"from": "2026-05-02", "to": "2026-08-01"})
    assert await check(await town.provider("c1"), body) == NO


async def test_a_batch_answers_in_order(town: DeskTown) -> None:
    await town.deliver(row("A"), row("B", provider="c2"))
    c1 = await town.provider("c1")
    asked = [town.ask(), town.ask("B-lunch"), town.ask(entitlement_number="?"), town.ask()]
    answer = await c1.post(f"{CHECK}/batch", {"checks": asked})
    assert [one["eligible"] for one in answer.json()["results"]] == [True, False, False, True]


async def test_faults_of_a_batch_are_told_with_their_places(town: DeskTown) -> None:
    await town.deliver(row())
    c1 = await town.provider("c1")
    late = await c1.post(f"{CHECK}/batch", {"checks": [town.ask(), town.ask(to="2026-10-01")]})
    assert faults(late) == {"/checks/1/to": "before_from"}
    unknown = await c1.post(f"{CHECK}/batch", {"checks": [town.ask(), town.ask(facility="nowhere")]})
    assert faults(unknown) == {"/checks/1/facility": "unknown_key"}
    assert faults(await c1.post(f"{CHECK}/batch", {"checks": [town.ask()] * 1001})) == {"/checks": "too_long"}


async def test_every_check_is_logged_with_its_cause(town: DeskTown) -> None:
    await town.deliver(row())
    c1 = await town.provider("c1")
    answers = [await c1.post(CHECK, town.ask()), await c1.post(CHECK, town.ask(date_of_birth="2017-04-03"))]
    async with town.office.app.state.database.transaction(town.office.scope(town.key)) as unit:
        logged = await unit.driver.fetch("SELECT id, confirmed, cause FROM access_log ORDER BY id")
    assert [str(r["id"]) for r in logged] == [a.json()["id"] for a in answers]
    assert [(r["confirmed"], r["cause"]) for r in logged] == [(True, "confirmed"), (False, "wrong_birth_date")]


async def test_twenty_guesses_are_answered_the_next_ones_refused_until_tomorrow(town: DeskTown) -> None:
    await town.deliver(row())
    c1 = await town.provider("c1")
    guess = town.ask(entitlement_number="7K3M-9QXT-2VAB4")
    for _ in range(20):
        assert await check(c1, guess) == NO
    for body in (guess, town.ask()):
        refused = await c1.post(CHECK, body)
        assert refused.status_code == 429, refused.text
        assert int(refused.headers["retry-after"]) == pytest.approx(12 * 3600, abs=1)
    assert (await c1.post(f"{CHECK}/batch", {"checks": [town.ask()]})).status_code == 429
    assert (await check(c1.at("2026-11-02T23:00:00Z"), town.ask()))["eligible"]


async def test_guesses_at_the_same_moment_are_answered_twenty_times_at_most(town: DeskTown) -> None:
    await town.deliver(row())
    c1 = await town.provider("c1")
    answers = await asyncio.gather(*(c1.post(CHECK, town.ask(date_of_birth=f"2017-05-{i % 28 + 1:02d}")) for i in range(64)))
    assert sorted({a.status_code for a in answers}) == [200, 429]
    assert sum(a.status_code == 200 for a in answers) == 20


async def test_right_checks_at_the_same_moment_are_all_confirmed(town: DeskTown) -> None:
    await town.deliver(*(row(f"K{i}") for i in range(64)))
    c1 = await town.provider("c1")
    answers = await asyncio.gather(*(check(c1, town.ask(f"K{i}-lunch")) for i in range(64)))
    assert all(answer["eligible"] for answer in answers)


async def test_an_honest_batch_with_expired_grants_is_never_locked(town: DeskTown) -> None:
    expired = {"valid_from": "2025-08-01", "valid_to": "2026-07-31"}
    await town.deliver(*(row(f"K{i}", **(expired if i % 20 == 0 else {})) for i in range(200)))
    c1 = await town.provider("c1")
    checks = [town.ask(f"K{i % 200}-lunch") for i in range(1000)]
    for _ in range(3):
        answer = await c1.post(f"{CHECK}/batch", {"checks": checks})
        assert answer.status_code == 200, answer.text
        assert sum(not one["eligible"] for one in answer.json()["results"]) == 50
    assert (await check(c1, town.ask("K1-lunch")))["eligible"]


async def test_five_wrong_birth_dates_make_the_number_unknown_to_that_provider_until_it_is_thawed(town: DeskTown) -> None:
    await town.deliver(row())
    for day in range(5):
        assert await check(await town.provider("c1"), town.ask(date_of_birth=f"2017-05-0{day + 1}")) == NO
    assert await check(await town.provider("c1"), town.ask()) == NO
    notices = (await town.registrar.get("/notices")).json()["items"]
    assert [(n["kind"], n["subject"]["id"]) for n in notices] == [("identity_lock", "A-lunch")]
    done = await town.registrar.post(f"/notices/{notices[0]['id']}/done")
    assert done.status_code == 200, done.text
    assert (await check(await town.provider("c1"), town.ask()))["eligible"]


async def test_another_town_knows_nothing_of_the_number(town: DeskTown) -> None:
    await town.deliver(row())
    c1 = await town.provider("c1")
    other = await town.office.town()
    assert (await c1.in_town(other).post(CHECK, town.ask())).status_code == 404


async def test_staff_cannot_check(town: DeskTown) -> None:
    assert (await town.registrar.post(CHECK, town.ask())).status_code == 403


async def test_a_provider_knows_children_it_checked_or_was_named_for(town: DeskTown) -> None:
    await town.deliver(row("A"), row("B", provider="c1"), row("C"))
    c1 = await town.provider("c1")
    await check(c1, town.ask("A-lunch"))
    await check(c1, town.ask("C-lunch", date_of_birth="2017-04-03"))
    items = (await c1.get("/my/children")).json()["items"]
    assert [(i["benefit"], i["periods"], i["remaining_minutes"]) for i in items] == [
        ("lunch", [{"from": "2026-09-01", "to": "2027-07-31"}], None)  # the agreement ends in July
    ] * 2
    assert not any(word in str(items) for word in ("Müller", "Kind", "A-lunch", "sgb2", "2017"))


async def test_two_providers_know_the_same_child_by_different_references(town: DeskTown) -> None:
    await town.deliver(row("A"), row("A", benefit="tutoring"))
    c1, t1 = await town.provider("c1"), await town.provider("t1")
    await check(c1, town.ask("A-lunch"))
    await check(t1, town.ask("A-tutoring", facility=None))
    references = [(await caller.get("/my/children")).json()["items"][0]["reference"] for caller in (c1, t1)]
    assert references[0] != references[1]

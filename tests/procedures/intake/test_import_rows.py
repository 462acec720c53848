import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from but_gateway.kit.ids import fold_entitlement_number, is_issued_number
from but_gateway.procedures.intake.import_rows import import_rows
from but_gateway.procedures.intake.model import Report
from but_gateway.registers.entitlements.schemas import EXAMPLE
from tests.registers.entitlements.town import NOW, Place, make_place

Row = dict[str, Any]


@pytest.fixture
async def place(database_url: str) -> AsyncIterator[Place]:
    made = await make_place(database_url)
    yield made
    await made.close()


def row(name: str = "A", **grant: Any) -> Row:  # noqa: ANN401 - fields of a grant, of many types
    """A lunch row of a child of this key; fields of the grant may differ."""
    made = copy.deepcopy(EXAMPLE)
    made["child"] |= {"key": name, "given_names": f"Kind {name}"}
    made["entitlement"]["key"] = f"{name}-lunch"
    made["grant"] |= {"key": f"{name}-lunch-2026", **grant}
    return made


def tutoring(**grant: Any) -> Row:  # noqa: ANN401 - as above
    made = row(
        applied_on="2026-08-20", budget={"kind": "minutes", "minutes": 900}, tutoring={"subjects": ["mathematik"], "form": "individual"}
    )
    made["entitlement"] |= {"key": "A-tutoring", "benefit": "tutoring"}
    made["grant"] |= {"key": "A-tutoring-2026", "facility": None, **grant}
    return made


def participation(born: str, **grant: Any) -> Row:  # noqa: ANN401 - as above
    made = row(**grant)
    made["child"]["date_of_birth"] = born
    made["entitlement"] |= {"key": "A-participation", "benefit": "participation"}
    del made["grant"]["budget"]
    return made


async def deliver(place: Place, *rows: object, at: datetime = NOW) -> tuple[Report, dict[str, str]]:
    report = Report()
    async with place.database.transaction(place.scope) as unit:
        numbers = await import_rows(
            unit, report, town=place.town, keys=place.keys, rows=rows, at=at, actor="test|registrar", reference="request"
        )
    return report, numbers


async def stored(place: Place) -> list[tuple[Any, ...]]:
    """Everything the register holds, without ids and sealed values."""
    rows = await place.admin.fetch(
        "SELECT c.key, e.key, e.benefit, e.information_allowed, g.key, g.current_version, g.budget_limit, v.version, v.legal_basis, "
        "v.valid_from, v.valid_to, v.status, v.flags, v.budget_kind, v.budget_limit, v.revoked_from, v.notified_on "
        "FROM child c JOIN entitlement e ON e.child_id = c.id JOIN entitlement_grant g ON g.entitlement_id = e.id "
        "JOIN grant_version v ON v.grant_id = g.id WHERE c.municipality_id = $1 ORDER BY g.key, v.version",
        place.town.id,
    )
    return [tuple(r) for r in rows]


def codes(report: Report) -> list[tuple[int, str, str]]:
    return [(r["row"], e["pointer"], e["code"]) for r in report.rejected for e in r["errors"]]


async def notices(place: Place, kind: str) -> list[str]:
    found = await place.admin.fetch("SELECT subject_id FROM notice WHERE municipality_id = $1 AND kind = $2", place.town.id, kind)
    return [r[0] for r in found]


async def test_a_new_row_creates_everything_and_prints_its_number(place: Place) -> None:
    report, numbers = await deliver(place, row())
    assert (report.received, report.created, report.updated, report.unchanged) == (1, 1, 0, 0)
    assert [len(part) for part in numbers["A-lunch"].split("-")] == [4, 4, 5]
    assert is_issued_number(fold_entitlement_number(numbers["A-lunch"]))


async def test_the_same_delivery_again_changes_nothing_and_tells_the_same_numbers(place: Place) -> None:
    rows = [row("A"), row("B", legal_basis="bkgg", valid_from="2026-09-05"), tutoring()]
    first, numbers = await deliver(place, *rows)
    before = await stored(place)
    again, numbers_again = await deliver(place, *rows)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 3)
    assert numbers_again == numbers
    assert await stored(place) == before
    assert again.flagged == first.flagged


async def test_a_changed_grant_adds_a_version(place: Place) -> None:
    await deliver(place, row())
    report, _ = await deliver(place, row(valid_to="2027-01-31"))
    assert report.updated == 1
    assert [(r[5], r[7], str(r[10])) for r in await stored(place)] == [(2, 1, "2027-08-31"), (2, 2, "2027-01-31")]


async def test_two_changes_of_a_grant_in_one_delivery_are_two_versions(place: Place) -> None:
    report, _ = await deliver(place, row(), row(valid_to="2027-01-31"))
    assert (report.created, report.updated) == (1, 1)
    assert [r[7] for r in await stored(place)] == [1, 2]


async def test_a_changed_child_is_an_update(place: Place) -> None:
    await deliver(place, row())
    changed = row()
    changed["child"]["family_name"] = "Müller-Schmidt"
    assert (await deliver(place, changed))[0].updated == 1
    assert (await deliver(place, changed))[0].unchanged == 1


async def test_names_and_birth_dates_are_sealed(place: Place) -> None:
    _, numbers = await deliver(place, row())
    dump = str(await place.admin.fetch("SELECT c.*, n.* FROM child c, entitlement_number n WHERE c.municipality_id = $1", place.town.id))
    for word in ("Müller", "Kind A", "2017-04-02", fold_entitlement_number(numbers["A-lunch"])):
        assert word not in dump


async def test_every_row_stands_or_falls_alone_with_all_its_faults(place: Place) -> None:
    bad = row("B", valid_to="2025-01-01", facility="nowhere", provider="nobody")
    malformed = row("C", surprise=1)
    del malformed["child"]["date_of_birth"]
    malformed["grant"]["budget"] = {"kind": "minutes", "minutes": "9"}
    report, numbers = await deliver(place, row("A"), bad, malformed, "no row", row("D"))
    assert (report.received, report.created) == (5, 2)
    assert list(numbers) == ["A-lunch", "D-lunch"]
    assert codes(report) == [
        (2, "/grant/valid_to", "before_valid_from"),
        (2, "/grant/facility", "unknown_key"),
        (2, "/grant/provider", "unknown_key"),
        (3, "/child/date_of_birth", "missing"),
        (3, "/grant/budget/minutes", "not_a_number"),
        (3, "/grant/surprise", "unknown_field"),
        (4, "", "not_an_object"),
    ]
    assert [r["grant"] for r in report.rejected] == ["B-lunch-2026", "C-lunch-2026", None]


async def test_what_was_sent_is_not_repeated_in_faults(place: Place) -> None:
    bad = row(facility="Müller Straße 5", key="Sören Müller", legal_basis="Geheimnis")
    report, _ = await deliver(place, bad)
    assert not any(word in str(report.rejected) for word in ("Straße", "Sören", "Geheimnis"))


async def test_keys_keep_what_they_mean(place: Place) -> None:
    await deliver(place, row("A"), row("B"))
    other_benefit, other_child, moved = row("A"), row("A"), row("A")
    other_benefit["entitlement"]["benefit"] = "day_trip"
    other_child["child"]["key"] = "B"
    moved["entitlement"]["key"] = "A-lunch-2"
    report, _ = await deliver(place, other_benefit, other_child, moved)
    assert codes(report) == [
        (1, "/entitlement/benefit", "benefit_differs"),
        (2, "/child/key", "child_differs"),
        (3, "/entitlement/key", "entitlement_differs"),
    ]


async def test_an_old_card_keeps_its_number_and_belongs_to_one_entitlement(place: Place) -> None:
    first, second = row("A"), row("B")
    first["entitlement"]["number"], second["entitlement"]["number"] = "KR-4711 x", "kr4711x"
    report, numbers = await deliver(place, first, second)
    assert numbers == {"A-lunch": "KR-4711 x"}
    assert codes(report) == [(2, "/entitlement/number", "number_taken")]
    again, numbers = await deliver(place, first)
    assert (again.unchanged, numbers) == (1, {"A-lunch": "KR-4711 x"})


@pytest.mark.parametrize(
    ("grant", "flags"),
    [
        ({"applied_on": None}, ["E-11"]),
        ({"applied_on": "2026-09-02"}, ["E-12"]),
        ({"applied_on": "2026-09-01"}, []),
        ({"applied_on": None, "valid_from": "2022-09-01", "valid_to": "2023-07-31"}, []),  # waived, § 71 (1) SGB II
        ({"applied_on": None, "valid_from": "2023-09-01", "valid_to": "2024-01-31"}, ["E-11"]),  # needed again from 2024 on
        ({"applied_on": "2023-11-01", "valid_from": "2023-09-01", "valid_to": "2024-01-31"}, []),
    ],
)
async def test_tutoring_without_or_before_its_application_is_flagged(place: Place, grant: Row, flags: list[str]) -> None:
    report, _ = await deliver(place, tutoring(**grant))
    assert [f["rule"] for f in report.flagged] == flags


async def test_bkgg_counts_whole_months_and_is_flagged(place: Place) -> None:
    report, _ = await deliver(place, row(legal_basis="bkgg", valid_from="2026-09-15", valid_to="2027-02-10"))
    assert [(f["row"], f["grant"], f["rule"]) for f in report.flagged] == [(1, "A-lunch-2026", "E-03")]
    assert [(str(r[9]), str(r[10])) for r in await stored(place)] == [("2026-09-01", "2027-02-28")]


@pytest.mark.parametrize(
    ("born", "valid", "limit"),
    [
        ("2017-04-02", ("2026-09-01", "2027-08-31"), 18000),
        ("2017-04-02", ("2026-09-15", "2026-11-02"), 4500),  # months begun count
        ("2009-01-01", ("2026-09-01", "2027-08-31"), 6000),  # 18 on 1 January: the last good day lies in December
        ("2009-01-02", ("2026-09-01", "2027-08-31"), 7500),
        ("2000-01-01", ("2026-09-01", "2027-08-31"), 0),
        ("2010-04-02", ("2019-06-01", "2019-09-30"), 5000),  # 10.00 until July 2019, 15.00 from August on
    ],
)
async def test_participation_saves_by_law(place: Place, born: str, valid: tuple[str, str], limit: int) -> None:
    await deliver(place, participation(born, valid_from=valid[0], valid_to=valid[1]))
    assert [(r[13], r[14]) for r in await stored(place)] == [("saving", limit)]


async def test_a_budget_lowered_below_its_use_stays_at_the_use_and_is_flagged(place: Place) -> None:
    await deliver(place, tutoring())
    await place.admin.execute("UPDATE entitlement_grant SET used = 300, reserved = 45 WHERE municipality_id = $1", place.town.id)
    report, _ = await deliver(place, tutoring(budget={"kind": "minutes", "minutes": 200}))
    assert [f["rule"] for f in report.flagged] == ["B-01"]
    assert [(r[6], r[14]) for r in await stored(place)] == [(345, 900), (345, 200)]
    report, _ = await deliver(place, tutoring(budget={"kind": "minutes", "minutes": 500}))
    assert report.flagged == []
    assert (await stored(place))[-1][6] == 500


async def test_a_used_budget_keeps_its_unit(place: Place) -> None:
    await deliver(place, tutoring())
    await place.admin.execute("UPDATE entitlement_grant SET used = 45 WHERE municipality_id = $1", place.town.id)
    report, _ = await deliver(place, tutoring(budget={"kind": "amount", "amount": "90.00"}))
    assert codes(report) == [(1, "/grant/budget/kind", "budget_in_use")]


async def test_the_same_child_under_two_keys_is_told_once(place: Place) -> None:
    twin = row("B")
    twin["child"] |= {"family_name": "Kind A", "given_names": "MUELLER"}
    await deliver(place, row("A"))
    await deliver(place, twin)
    await deliver(place, twin, row("A"))
    assert await notices(place, "same_child") == ["A"]


async def test_two_legal_bases_for_the_same_days_are_told_but_not_flagged(place: Place) -> None:
    report, _ = await deliver(place, row(), row(key="A-second", legal_basis="sgb12_4", valid_from="2027-08-01", valid_to="2027-12-31"))
    assert report.flagged == []
    assert await notices(place, "double_grant") == ["A-lunch-2026"]


async def test_grants_that_follow_each_other_are_no_double_grant(place: Place) -> None:
    await deliver(place, row(), row(key="A-second", legal_basis="sgb12_4", valid_from="2027-09-01", valid_to="2027-12-31"))
    assert await notices(place, "double_grant") == []


async def test_a_grant_that_names_a_provider_links_it(place: Place) -> None:
    await deliver(place, row(provider="c1"))
    linked = await place.admin.fetch("SELECT provider_id FROM provider_link WHERE municipality_id = $1", place.town.id)
    assert [r[0] for r in linked] == [place.providers["c1"]]


async def test_two_identical_deliveries_at_once_are_one(place: Place) -> None:
    rows = [row(f"K{i}") for i in range(40)]
    reports = await asyncio.gather(*(deliver(place, *rows) for _ in range(4)))
    assert sorted(r.created for r, _ in reports) == [0, 0, 0, 40]
    assert len({tuple(sorted(numbers.items())) for _, numbers in reports}) == 1
    assert len(await stored(place)) == 40


async def test_a_thousand_rows_take_as_many_statements_as_ten(place: Place) -> None:
    async def statements(rows: list[Row]) -> int:
        counted: list[object] = []
        async with place.database.transaction(place.scope) as unit:
            unit.driver.add_query_logger(counted.append)
            await import_rows(unit, Report(), town=place.town, keys=place.keys, rows=rows, at=NOW, actor="a", reference="r")
            unit.driver.remove_query_logger(counted.append)
        return len(counted)

    await statements([row("warm")])  # the first use of array types asks the catalog
    few = await statements([row(f"F{i}") for i in range(10)])
    many = await statements([row(f"M{i}") for i in range(1000)])
    assert 10 < many == few <= 20


async def test_towns_do_not_see_each_others_keys(place: Place, database_url: str) -> None:
    other = await make_place(database_url)
    try:
        _, here = await deliver(place, row())
        report, there = await deliver(other, row())
        assert report.created == 1
        assert here != there
    finally:
        await other.close()


ROWS = st.lists(
    st.sampled_from(
        [
            row("A"),
            row("B", legal_basis="bkgg", valid_from="2026-09-15"),
            row("C", budget={"kind": "days", "days": 20}),
            row("D", facility="nowhere"),
            row("E", status="disputed", provider="c2"),
            tutoring(applied_on=None),
            participation("2017-04-02", key="P"),
        ]
    ),
    unique_by=lambda r: r["grant"]["key"],
    max_size=6,
)


@hypothesis.given(rows=ROWS, order=st.randoms(use_true_random=False))
@hypothesis.settings(max_examples=25, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
async def test_repeating_changes_nothing_and_order_does_not_matter(
    new_database: Callable[[], str],
    database_url: str,
    rows: list[Row],
    order: Any,  # noqa: ANN401 - hypothesis's random
) -> None:
    del new_database
    shuffled = list(rows)
    order.shuffle(shuffled)
    one, two = await make_place(database_url), await make_place(database_url)
    try:
        await deliver(one, *rows)
        before = await stored(one)
        again, _ = await deliver(one, *shuffled)
        assert again.created == again.updated == 0
        assert await stored(one) == before
        await deliver(two, *shuffled)
        assert await stored(two) == before
    finally:
        await one.close()
        await two.close()


NOW_IN_2019 = datetime(2019, 8, 20, 10, 0, tzinfo=UTC)


async def test_a_birth_date_may_not_lie_in_the_future_of_the_towns_clock(place: Place) -> None:
    young = row()
    young["child"]["date_of_birth"] = "2020-01-01"
    report, _ = await deliver(place, young, at=NOW_IN_2019)
    assert codes(report) == [(1, "/child/date_of_birth", "in_future")]

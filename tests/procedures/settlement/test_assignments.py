"""A batch whose orders the books could not record is not certified, and says what is missing."""

from dataclasses import replace
from datetime import date

from but_gateway.registers.municipalities.settings import AccountAssignment
from but_gateway.registers.municipalities.store import read_settings, write_settings
from tests.factories.billing import RECEIVED, Meal
from tests.procedures.settlement.conftest import ASSIGNMENTS, BOTH, JSON, Treasury, created, refused

MONDAY, LAST_YEAR = date(2026, 10, 5), date(2025, 12, 1)


async def assign(treasury: Treasury, *assignments: AccountAssignment) -> None:
    """The town's assignments are these."""
    async with treasury.billing.unit() as unit:
        await write_settings(unit, replace(await read_settings(unit), account_assignments=assignments), 2, RECEIVED)


async def drawn_up(treasury: Treasury) -> JSON:
    """A batch of four parts of the books."""
    child = await treasury.billing.child("sgb2", "bkgg")
    await treasury.billing.invoice(
        "c1",
        [
            Meal(child, MONDAY, {"sgb2": 200, "bkgg": 250}),
            Meal(child, LAST_YEAR, {"sgb2": 450}),
            Meal(child, MONDAY, {"bkgg": 2250}, benefit="tutoring"),
        ],
    )
    await treasury.billing.invoice("c2", [Meal(child, date(2026, 10, 6), {"bkgg": 450})])
    return await treasury.draw_up()


async def test_every_missing_assignment_is_named_once(treasury: Treasury) -> None:
    await assign(treasury, AccountAssignment("sgb2", "lunch", "05.311.01", "533110", None, date(2026, 1, 1)))
    batch = await drawn_up(treasury)
    answer = await treasury.step(treasury.finance, batch, "certification", BOTH)
    assert refused(answer) == (409, "assignment_missing")
    errors = answer.json()["errors"]
    assert [(e["pointer"], e["code"], e["detail"]) for e in errors] == [
        ("/orders/0", "assignment_missing", "Für BKGG (§ 6b), Mittagsverpflegung, Haushaltsjahr 2026 fehlt die Kontierung (bkgg, lunch)."),
        ("/orders/1", "assignment_missing", "Für BKGG (§ 6b), Lernförderung, Haushaltsjahr 2026 fehlt die Kontierung (bkgg, tutoring)."),
        ("/orders/2", "assignment_missing", "Für SGB II, Mittagsverpflegung, Haushaltsjahr 2025 fehlt die Kontierung (sgb2, lunch)."),
    ]
    assert [batch["orders"][i]["fiscal_year"] for i in (0, 1, 2)] == [2026, 2026, 2025]
    assert (await treasury.read(batch))["factual"] is None


async def test_not_even_one_kind_is_certified(treasury: Treasury) -> None:
    await assign(treasury)
    batch = await drawn_up(treasury)
    for kind in ("factual", "arithmetical"):
        answer = await treasury.step(treasury.finance, batch, "certification", {"kinds": [kind]})
        assert refused(answer) == (409, "assignment_missing")
        assert len(answer.json()["errors"]) == 4


async def test_with_the_assignment_added_the_same_batch_is_certified(treasury: Treasury) -> None:
    await assign(treasury)
    batch = await drawn_up(treasury)
    assert refused(await treasury.step(treasury.finance, batch, "certification", BOTH)) == (409, "assignment_missing")
    await assign(treasury, *ASSIGNMENTS)
    assert (await treasury.certify(batch))["state"] == "certified"


async def test_an_order_of_last_year_goes_where_last_years_books_ended(treasury: Treasury) -> None:
    await assign(
        treasury,
        AccountAssignment("sgb2", "lunch", "old", "1", None),
        AccountAssignment("sgb2", "lunch", "last", "1", None, date(2025, 7, 1)),
        AccountAssignment("sgb2", "lunch", "this", "1", None, date(2026, 1, 1)),
        AccountAssignment("sgb2", "lunch", "to come", "1", None, date(2026, 12, 1)),
    )
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, day, {"sgb2": 450}) for day in (MONDAY, LAST_YEAR)])
    batch = await treasury.settle()
    rows = (await treasury.file(batch, "HKR.csv")).decode("utf-8-sig").splitlines()[1:]
    assert {row.split(";")[8]: row.split(";")[9] for row in rows} == {"2025": "last", "2026": "this"}


async def test_an_order_of_next_year_goes_where_next_years_books_begin(treasury: Treasury) -> None:
    await assign(
        treasury,
        AccountAssignment("sgb2", "lunch", "this", "1", None, date(2026, 1, 1)),
        AccountAssignment("sgb2", "lunch", "next", "1", None, date(2027, 1, 1)),
    )
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, date(2027, 1, 4), {"sgb2": 450})])
    batch = created(await treasury.finance.post("/settlement-batches", {"cutoff": "2026-11-30", "due_on": "2026-12-15"}))
    await treasury.certify(batch)
    await treasury.order(batch)
    rows = (await treasury.file(await treasury.hand_over(batch), "HKR.csv")).decode("utf-8-sig").splitlines()[1:]
    assert [row.split(";")[9] for row in rows] == ["next"]


async def test_what_was_taken_away_after_certification_is_missed_at_hand_over(treasury: Treasury) -> None:
    batch = await drawn_up(treasury)
    await treasury.certify(batch)
    await treasury.order(batch)
    await assign(treasury)
    assert refused(await treasury.step(treasury.finance, batch, "hand-over")) == (409, "assignment_missing")
    await assign(treasury, *ASSIGNMENTS)
    await treasury.hand_over(batch)

"""Before it is certified a batch shows how it differs from the month before, by part of the books and by provider."""

from datetime import UTC, date, datetime
from typing import Any

from tests.factories.billing import Meal
from tests.procedures.settlement.conftest import BOTH, WISH, Treasury, created, done, refused

JSON = Any
OCTOBER, NOVEMBER = "2026-10-12T10:00:00Z", "2026-11-02T11:00:00Z"
RECEIVED_EARLY = datetime(2026, 10, 2, 10, tzinfo=UTC)


async def drawn_up(treasury: Treasury, at: str, **wish: JSON) -> JSON:
    return created(await treasury.finance.at(at).post("/settlement-batches", WISH | wish))


def shown(rows: list[JSON], *names: str) -> list[tuple[JSON, ...]]:
    return [tuple(row[name] for name in (*names, "net", "before", "difference")) for row in rows]


async def test_a_batch_stands_beside_those_of_the_month_before(treasury: Treasury) -> None:
    billing = treasury.billing
    one, two = await billing.child("sgb2", "bkgg"), await billing.child("sgb2")
    october = date(2026, 9, 1)
    await billing.invoice("c1", [Meal(one, october, {"sgb2": 450})], received_at=RECEIVED_EARLY)
    await drawn_up(treasury, OCTOBER)
    await billing.invoice("c2", [Meal(two, october, {"sgb2": 400})], received_at=RECEIVED_EARLY)
    await drawn_up(treasury, OCTOBER)
    await billing.invoice("c1", [Meal(one, date(2026, 10, 5), {"sgb2": 500, "bkgg": 100}), Meal(two, date(2026, 10, 6), {"sgb2": 300})])
    difference = (await drawn_up(treasury, NOVEMBER))["difference"]
    assert (difference["month"], difference["batches"]) == ("2026-10", ["2026-0001", "2026-0002"])
    assert shown(difference["parts"], "legal_basis", "benefit") == [
        ("bkgg", "lunch", "1.00", "0.00", "1.00"),
        ("sgb2", "lunch", "8.00", "8.50", "-0.50"),
    ]
    assert shown(difference["providers"], "provider") == [("c1", "9.00", "4.50", "4.50"), ("c2", "0.00", "4.00", "-4.00")]


async def test_what_was_withdrawn_or_drawn_up_in_the_same_month_is_not_compared(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, date(2026, 9, 1), {"sgb2": 450})], received_at=RECEIVED_EARLY)
    first = await drawn_up(treasury, OCTOBER)
    done(await treasury.finance.at(OCTOBER).post(f"/settlement-batches/{first['id']}/withdrawal"))
    await drawn_up(treasury, NOVEMBER)
    await treasury.billing.invoice("c2", [Meal(child, date(2026, 9, 2), {"sgb2": 400})])
    difference = (await drawn_up(treasury, NOVEMBER))["difference"]
    assert difference == {
        "month": "2026-10",
        "batches": [],
        "parts": [{"legal_basis": "sgb2", "benefit": "lunch", "net": "4.00", "before": "0.00", "difference": "4.00"}],
        "providers": [{"provider": "c2", "net": "4.00", "before": "0.00", "difference": "4.00"}],
    }


async def test_it_is_shown_in_a_simulated_batch_and_stays_after_certification(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, date(2026, 9, 1), {"sgb2": 450})])
    simulated = done(await treasury.finance.post("/settlement-batches?dry_run=true", WISH))
    batch = await treasury.draw_up()
    assert batch["difference"] == simulated["difference"] == (await treasury.certify(batch))["difference"]
    assert refused(await treasury.step(treasury.finance, batch, "certification", BOTH)) == (409, "wrong_state")
    [listed] = done(await treasury.finance.get("/settlement-batches"))["items"]
    assert "difference" not in listed


async def test_january_stands_beside_december(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, date(2026, 9, 1), {"sgb2": 450})])
    difference = (await drawn_up(treasury, "2026-12-31T23:30:00Z"))["difference"]  # January in Berlin
    assert difference["month"] == "2026-12"

"""Take-up: each child counts once for a benefit, under its grant of the day, and counts of few children are hidden."""

from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest

from but_gateway.law.basis import PAYMENT_ORDER
from but_gateway.procedures.reporting.model import Reach
from but_gateway.procedures.reporting.take_up_store import take_up
from tests.factories.billing import Meal
from tests.procedures.reporting.books import report
from tests.procedures.settlement.conftest import Treasury, done

JSON = Any
ON = date(2026, 11, 2)
ORDER = tuple(basis.value for basis in PAYMENT_ORDER)


async def exact(treasury: Treasury, on: date = ON, expiring_until: date = date(2027, 1, 1)) -> list[Reach]:
    async with treasury.billing.unit() as unit:
        return await take_up(unit, on, expiring_until=expiring_until, payment_order=ORDER)


async def change(superuser: asyncpg.Connection, grant: Any, **values: Any) -> None:  # noqa: ANN401 - columns of any type
    """Makes a grant another one: these tests ask for facts that the factory's children do not have."""
    columns = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, 2))
    await superuser.execute(f"UPDATE grant_version SET {columns} WHERE grant_id = $1", grant, *values.values())  # noqa: S608 - own names


async def used_by(treasury: Treasury, *children: Any) -> None:  # noqa: ANN401 - the factory's children
    for child in children:
        await treasury.billing.invoice("c1", [Meal(child, date(2026, 10, 5), {next(iter(child.grants)): 450})])


async def test_children_granted_and_children_who_used_it(treasury: Treasury) -> None:
    one, _, other = [await treasury.billing.child(basis) for basis in ("sgb2", "sgb2", "bkgg")]
    await used_by(treasury, one, other)
    assert await exact(treasury) == [Reach("lunch", None, "bkgg", 1, 1, 0), Reach("lunch", None, "sgb2", 2, 1, 0)]


async def test_a_use_counts_from_the_day_it_was_decided(treasury: Treasury) -> None:
    await used_by(treasury, await treasury.billing.child())
    assert [row.used for row in await exact(treasury, date(2026, 11, 1))] == [0]
    assert [row.used for row in await exact(treasury, date(2026, 11, 2))] == [1]


async def test_what_was_taken_back_was_not_used(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    billed = await treasury.billing.invoice("c1", [Meal(child, date(2026, 10, 5), {"sgb2": 450})])
    await treasury.settle()
    await treasury.billing.correction("c1", billed, 0, received_at=datetime(2026, 11, 20, tzinfo=UTC))
    assert [row.used for row in await exact(treasury, date(2026, 11, 19))] == [1]
    assert [row.used for row in await exact(treasury, date(2026, 11, 20))] == [0]


async def test_a_child_with_two_grants_counts_once_under_the_one_that_pays_first(treasury: Treasury) -> None:
    child = await treasury.billing.child("sgb2", "sgb12_4", "bkgg")
    await treasury.billing.invoice("c1", [Meal(child, date(2026, 10, 5), {"bkgg": 450})])
    assert await exact(treasury) == [Reach("lunch", None, "sgb12_4", 1, 1, 0)]


async def test_only_grants_of_the_day_count(treasury: Treasury, superuser: asyncpg.Connection) -> None:
    over, later, revoked, disputed = [(await treasury.billing.child()).grants["sgb2"] for _ in range(4)]
    await change(superuser, over, valid_to=date(2026, 11, 1))
    await change(superuser, later, valid_from=date(2026, 11, 3))
    await change(superuser, revoked, revoked_from=date(2026, 11, 2))
    await change(superuser, disputed, status="disputed")
    assert await exact(treasury) == []
    assert [row.granted for row in await exact(treasury, date(2026, 11, 1))] == [2]


@pytest.mark.parametrize(
    ("values", "expiring"),
    [
        ({"valid_to": date(2027, 1, 1)}, 1),
        ({"valid_to": date(2027, 1, 2)}, 0),
        ({"revoked_from": date(2027, 1, 2)}, 1),
    ],
)
async def test_grants_that_end_soon_unused(
    treasury: Treasury, superuser: asyncpg.Connection, values: dict[str, date], expiring: int
) -> None:
    unused, used = await treasury.billing.child(), await treasury.billing.child()
    await used_by(treasury, used)
    for child in (unused, used):
        await change(superuser, child.grants["sgb2"], **values)
    assert [row.expiring for row in await exact(treasury)] == [expiring]


async def test_a_grant_that_is_followed_by_another_does_not_end(treasury: Treasury, superuser: asyncpg.Connection) -> None:
    child = await treasury.billing.child("sgb2", "bkgg")
    await change(superuser, child.grants["sgb2"], valid_to=date(2026, 11, 30))
    assert [row.expiring for row in await exact(treasury)] == [0]


async def test_what_is_answered_hides_small_counts(treasury: Treasury) -> None:
    many = [await treasury.billing.child("sgb2") for _ in range(12)]
    few = [await treasury.billing.child("bkgg") for _ in range(2)]
    await used_by(treasury, *many[:7], *few[:1])
    found = done(await report(treasury, "take-up?on=2026-11-02&horizon_days=30"))
    hidden = {"granted": None, "used": None, "share": None, "expiring_unused": None, "facility": None}
    assert (found["on"], found["expiring_until"]) == ("2026-11-02", "2026-12-02")
    assert found["items"] == [
        {"benefit": "lunch", "legal_basis": "bkgg"} | hidden,
        {"benefit": "lunch", "legal_basis": "sgb2"} | hidden,
    ]
    # 14 may be 1 and 13, 2 and 12, 3 and 11 or 4 and 10.
    assert found["totals"] == [{"benefit": "lunch", "legal_basis": None} | hidden | {"granted": 14, "used": 8, "share": "0.57"}]


async def test_what_is_not_small_is_answered(treasury: Treasury, superuser: asyncpg.Connection) -> None:
    children = [await treasury.billing.child("sgb2") for _ in range(16)]
    await used_by(treasury, *children[:10])
    for child in children[10:]:
        await change(superuser, child.grants["sgb2"], valid_to=date(2026, 12, 31))
    found = done(await report(treasury, "take-up?on=2026-11-02"))
    counts = {"granted": 16, "used": 10, "share": "0.62", "expiring_unused": 6}
    assert found["items"] == [{"benefit": "lunch", "facility": None, "legal_basis": "sgb2"} | counts]
    assert found["totals"] == [{"benefit": "lunch", "facility": None, "legal_basis": None} | counts]

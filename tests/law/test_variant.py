from datetime import date

import pytest

from but_gateway.law.loader import BadLaw
from but_gateway.law.parameters import law_book
from but_gateway.law.variant import SupposedValue, suppose

SHARE = "lunch_own_share_cents"


def shares(*values: SupposedValue) -> list[tuple[str, str | None, str]]:
    book = suppose(law_book(), values)
    parameter = next(one for one in book.parameters if one.key == SHARE)
    return [(str(e.first), str(e.last) if e.last else None, str(e.written)) for e in parameter.entries]


def supposed(first: str, last: str | None, written: object, parameter: str = SHARE) -> SupposedValue:
    return SupposedValue(parameter, date.fromisoformat(first), date.fromisoformat(last) if last else None, written)


def test_a_value_from_a_day_on_ends_what_was_before() -> None:
    assert shares(supposed("2026-10-01", None, "1.00")) == [
        ("2011-01-01", "2019-07-31", "1.00"),
        ("2019-08-01", "2026-09-30", "0.00"),
        ("2026-10-01", None, "1.00"),
    ]


def test_a_value_for_some_days_leaves_the_days_around_them() -> None:
    assert shares(supposed("2019-07-01", "2019-08-31", "2.00")) == [
        ("2011-01-01", "2019-06-30", "1.00"),
        ("2019-07-01", "2019-08-31", "2.00"),
        ("2019-09-01", None, "0.00"),
    ]


def test_the_same_days_are_replaced_and_later_ones_go_over_earlier_ones() -> None:
    assert shares(supposed("2019-08-01", None, "3.00"), supposed("2011-01-01", "2019-07-31", "2.00")) == [
        ("2011-01-01", "2019-07-31", "2.00"),
        ("2019-08-01", None, "3.00"),
    ]
    assert shares(supposed("2011-01-01", None, "3.00")) == [("2011-01-01", None, "3.00")]


def test_the_law_of_a_day_has_the_value_and_the_loaded_law_is_not_touched() -> None:
    day = date(2026, 10, 5)
    assert suppose(law_book(), [supposed("2026-10-05", "2026-10-05", "0.50")]).at(day).lunch_own_share_cents == 50
    assert law_book().at(day).lunch_own_share_cents == 0
    assert suppose(law_book(), []).at(day) == law_book().at(day)


@pytest.mark.parametrize(
    "wrong",
    [
        supposed("2026-10-01", None, 1),
        supposed("2026-10-01", None, "a"),
        supposed("2026-10-01", None, "1.00", "NW.retention_ledgers_years"),
        supposed("2026-10-01", None, "1.00", "gravity"),
        supposed("2026-10-02", "2026-10-01", "1.00"),
        supposed("2010-12-31", None, "1.00"),
    ],
)
def test_what_the_law_files_may_not_hold_may_not_be_supposed(wrong: SupposedValue) -> None:
    with pytest.raises(BadLaw):
        suppose(law_book(), [wrong])

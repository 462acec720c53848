"""The questions by which submission refuses whole invoices, the deadline, and what participation has saved up."""

from datetime import date

import pytest

from but_gateway.kit.money import parse_share, print_share
from but_gateway.kit.period import DayRange
from but_gateway.rules.header import line_arithmetic_fault, lines_total_fault, period_too_short, submission_deadline
from but_gateway.rules.savings import savings_of

GRANT = DayRange(date(2026, 9, 1), date(2027, 8, 31))
DAY = date(2027, 2, 10)


def test_a_line_is_quantity_times_price() -> None:
    assert line_arithmetic_fault(2, 450, 900) == 0
    assert line_arithmetic_fault(2, 450, 901) == 1
    assert line_arithmetic_fault(-1, 450, -450) == 0


def test_the_total_is_the_sum_of_the_lines() -> None:
    assert lines_total_fault([450, 900], 1350) == 0
    assert lines_total_fault([450, 900], 1300) == -50
    assert lines_total_fault([], 0) == 0


def test_the_deadline_is_the_last_day_of_the_nth_month_after_service() -> None:
    assert submission_deadline(date(2026, 10, 5), 3) == date(2027, 1, 31)
    assert submission_deadline(date(2026, 11, 30), 3) == date(2027, 2, 28)
    assert submission_deadline(date(2026, 10, 31), 0) == date(2026, 10, 31)


@pytest.mark.parametrize(
    ("first", "last", "months", "short"),
    [
        (date(2026, 10, 1), date(2026, 10, 31), 1, False),
        (date(2026, 10, 1), date(2026, 10, 30), 1, True),
        (date(2026, 10, 15), date(2026, 11, 14), 1, False),
        (date(2026, 10, 15), date(2026, 11, 13), 1, True),
        (date(2027, 1, 31), date(2027, 2, 28), 1, False),
        (date(2027, 1, 31), date(2027, 2, 27), 1, True),
        (date(2027, 1, 28), date(2027, 2, 27), 1, False),
        (date(2026, 10, 1), date(2026, 12, 31), 3, False),
        (date(2026, 10, 5), date(2026, 10, 5), 0, False),
    ],
)
def test_a_billing_period_has_the_agreed_months(first: date, last: date, months: int, *, short: bool) -> None:
    assert period_too_short(first, last, months) == short


def test_saved_over_the_whole_period() -> None:
    savings = savings_of("period_total", GRANT, DAY, DAY)
    assert (savings.days, savings.limit) == (GRANT, 12 * 1500)


def test_saved_up_to_the_month_of_receipt() -> None:
    savings = savings_of("accrued_to_date", GRANT, DAY, date(2027, 2, 10))
    assert (savings.days, savings.limit) == (GRANT, 6 * 1500)
    assert savings_of("accrued_to_date", GRANT, DAY, date(2027, 12, 1)).limit == 12 * 1500
    assert savings_of("accrued_to_date", GRANT, DAY, date(2026, 8, 31)).limit == 0


def test_saved_in_the_month_of_service() -> None:
    savings = savings_of("monthly_cap", GRANT, DAY, DAY)
    assert (savings.days, savings.limit) == (DayRange(date(2027, 2, 1), date(2027, 2, 28)), 1500)


def test_saved_in_all_months_of_a_service_of_several() -> None:
    savings = savings_of("monthly_cap", GRANT, DAY, DAY, last_day=date(2027, 4, 3))
    assert (savings.days, savings.limit) == (DayRange(date(2027, 2, 1), date(2027, 4, 30)), 3 * 1500)


def test_saved_in_the_calendar_year_of_service() -> None:
    savings = savings_of("calendar_year", GRANT, DAY, DAY)
    assert (savings.days, savings.limit) == (DayRange(date(2027, 1, 1), date(2027, 8, 31)), 8 * 1500)
    assert savings_of("calendar_year", GRANT, date(2026, 10, 1), DAY).limit == 4 * 1500


@pytest.mark.parametrize("mode", ["monthly_cap", "calendar_year"])
def test_a_day_outside_the_grant_has_its_own_month_only(mode: str) -> None:
    assert savings_of(mode, GRANT, date(2030, 1, 1), DAY).limit == 1500


def test_months_after_the_last_good_day_save_nothing() -> None:
    assert savings_of("period_total", GRANT, DAY, DAY, date(2026, 10, 5)).limit == 2 * 1500


def test_the_amount_is_that_of_each_month() -> None:
    assert savings_of("period_total", DayRange(date(2019, 7, 1), date(2019, 8, 31)), date(2019, 7, 1), date(2019, 7, 1)).limit == 2500


@pytest.mark.parametrize("text", ["0.00", "0.50", "0.125", "0.3333", "1.00"])
def test_a_share_reads_as_it_prints(text: str) -> None:
    assert print_share(parse_share(text)) == text

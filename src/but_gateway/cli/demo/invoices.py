"""Invoices as the demo's providers write them: lines with right sums, and a calendar's days."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from but_gateway.cli.demo.people import Entitlement
from but_gateway.cli.demo.places import LUNCH, Provider
from but_gateway.kit.money import parse_money, print_money
from but_gateway.kit.period import Month

OCTOBER: Final = Month(2026, 10)
SEPTEMBER: Final = Month(2026, 9)
LAST_SCHOOL_DAY: Final = date(2026, 10, 16)  # the autumn holidays of North Rhine-Westphalia begin on the 17th

Calendars = Mapping[tuple[str, str], Sequence[date]]  # opening days by facility and month


@dataclass(slots=True)
class Invoice:
    """An invoice to be sent: by whom, and at what moment of the town's clock."""

    provider: Provider
    number: str
    clock: str
    month: Month = OCTOBER
    lines: list[dict[str, Any]] = field(default_factory=list)

    def body(self) -> dict[str, Any]:
        """As it is sent: lines numbered, sums right."""
        lines = [{"line_no": number, **line} for number, line in enumerate(self.lines, 1)]
        return {
            "number": self.number,
            "issued_on": self.clock[:10],
            "period": {"from": self.month.first.isoformat(), "to": self.month.last.isoformat()},
            "total": print_money(sum(parse_money(line["amount"]) for line in lines)),
            "iban": None,
            "lines": lines,
        }

    @property
    def positions(self) -> int:
        """How many positions it has."""
        return sum(len(line.get("service_dates", ())) or 1 for line in self.lines)


def lunch_line(  # noqa: PLR0913 - what a line of a caterer says
    one: Entitlement,
    number: str,
    days: Iterable[date],
    price: int,
    *,
    extra: int = 0,
    vat_rate: str = "7.00",
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Lunches on days at a price in cents; ``extra``: portions more than days."""
    dates = [day.isoformat() for day in days]
    quantity = len(dates) + extra
    return {
        **_who(one, number),
        "facility": one.facility,
        "service_dates": dates,
        "quantity": quantity,
        "unit_price": print_money(price),
        "amount": print_money(price * quantity),
        "vat_rate": vat_rate,
        **(more or {}),
    }


def month_line(one: Entitlement, number: str, price: int, quantity: int, attended_days: int) -> dict[str, Any]:
    """A flat month, or a month's counted lunches."""
    return {
        **_who(one, number),
        "facility": one.facility,
        "service_month": str(OCTOBER),
        "attended_days": attended_days,
        "quantity": quantity,
        "unit_price": print_money(price),
        "amount": print_money(price * quantity),
        "vat_rate": "7.00",
    }


def corrected(line: Mapping[str, Any], day: str, invoice: str, line_no: int) -> dict[str, Any]:
    """Takes one day of an earlier lunch line back."""
    price = f"-{line['unit_price']}"
    reference = {"corrects": {"invoice": invoice, "line_no": line_no}}
    return {**line, "service_dates": [day], "quantity": -1, "amount": price, **reference}


def typo_of(number: str) -> str:
    """The number as somebody in a hurry types it: two neighbours swapped, or a letter changed where they are alike."""
    for place in range(len(number) - 2, 0, -1):
        a, b = number[place], number[place + 1]
        if a != b and a.isalnum() and b.isalnum():
            return f"{number[:place]}{b}{a}{number[place + 2 :]}"
    return f"{number[:-1]}{'A' if number[-1] != 'A' else 'B'}"


def wrong_day(born: date) -> str:
    """A birth date that is a day off."""
    return (born + timedelta(days=1)).isoformat()


def _who(one: Entitlement, number: str) -> dict[str, Any]:
    return {"benefit": LUNCH, "entitlement_number": number, "date_of_birth": one.child.born.isoformat()}

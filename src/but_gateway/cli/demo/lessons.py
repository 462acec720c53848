"""A month of tutoring as twenty tutors bill it: lessons at fixed hours of the week, with the mistakes that are made."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from but_gateway.cli.demo.invoices import OCTOBER, Invoice
from but_gateway.cli.demo.lunches import IN_NOVEMBER
from but_gateway.cli.demo.people import Entitlement
from but_gateway.cli.demo.places import TUTORING, TUTORS, UNIT_MINUTES, Provider
from but_gateway.kit.chance import Chance
from but_gateway.kit.money import divide_half_up, print_money

_LESSON_MINUTES: Final = 90
_TOO_LONG_MINUTES: Final = 120
_WEEKDAYS: Final = ((1, 3), (2, 4), (5,))  # ISO: Monday and Wednesday, Tuesday and Thursday, Friday
_STARTS: Final = (14 * 60, 15 * 60 + 45, 17 * 60 + 30)
_HOURS: Final = tuple((weekdays, start) for start in _STARTS for weekdays in _WEEKDAYS)
_HOLIDAYS_BEGIN: Final = date(2026, 10, 17)
_IN_HOLIDAYS_PER_MILLE: Final = 400
_OVERPRICED: Final = {"t09": 2000}  # cents per unit, agreed are 18.00
_SUNDAY: Final = date(2026, 10, 11)


def october_lessons(chance: Chance, entitlements: list[Entitlement], numbers: Mapping[str, str]) -> list[Invoice]:
    """The month's invoices, one for each tutor that taught."""
    made = []
    for tutor in TUTORS:
        taught = [one for one in entitlements if one.benefit == TUTORING and one.provider is tutor]
        invoice = Invoice(tutor, f"R-2026-10-{tutor.key}", IN_NOVEMBER)
        timetable = _Timetable(chance.named(f"lessons {tutor.key}"), tutor)
        for place, one in enumerate(taught):
            invoice.lines += timetable.lessons(place, one, numbers[one.key])
        made.append(invoice)
    return [invoice for invoice in made if invoice.lines]


class _Timetable:
    """One tutor's month. Each child has its teacher and its hours, so that nobody is at two places by plan."""

    def __init__(self, chance: Chance, tutor: Provider) -> None:
        self._chance, self._tutor = chance, tutor
        self._proofs = 0

    def lessons(self, place: int, one: Entitlement, number: str) -> list[dict[str, Any]]:
        """The lines of a child; ``place`` counts the tutor's children."""
        teacher, (weekdays, start) = place // len(_HOURS) + 1, _HOURS[place % len(_HOURS)]
        first, stays = OCTOBER.first, self._chance.happens(_IN_HOLIDAYS_PER_MILLE)
        days = [first + timedelta(days=n) for n in range(OCTOBER.last.day)]
        lines = []
        for day in days:
            if day.isoweekday() in weekdays and (stays or day < _HOLIDAYS_BEGIN):
                lines += self._lesson(one, number, day, start, f"L{teacher:02d}")
        if lines and self._chance.happens(15):
            lines.append(self._line(one, number, _SUNDAY, start, f"L{teacher:02d}"))
        return lines

    def _lesson(self, one: Entitlement, number: str, day: date, start: int, teacher: str) -> list[dict[str, Any]]:
        chance, line = self._chance, self._line(one, number, day, start, teacher)
        lesson = line["tutoring"]
        kind = chance.weigh(
            (("good", 900), ("missed", 25), ("too long", 15), ("no proof", 15), ("wrong subject", 10), ("twice", 6), ("rest", 29))
        )
        if kind == "missed":
            line |= {"attended": False, "tutoring": {**lesson, "recorded_from": None, "recorded_to": None, "proof": None}}
            if self._tutor.absence_fee:
                cents = self._price(one) // 2
                line |= {"unit_price": print_money(cents), "amount": print_money(_amount(cents, _LESSON_MINUTES))}
        elif kind == "too long":
            amount = _amount(self._price(one), _TOO_LONG_MINUTES)
            line |= {"amount": print_money(amount), "tutoring": {**lesson, "minutes": _TOO_LONG_MINUTES}}
        elif kind == "no proof":
            lesson["proof"] = None
        elif kind == "wrong subject":
            lesson["subject"] = "physik"
        elif kind == "twice":
            return [line, {**line, "tutoring": {**lesson, "proof": self._proof()}}]
        return [line]

    def _line(self, one: Entitlement, number: str, day: date, start: int, teacher: str) -> dict[str, Any]:
        terms = one.grants[0]["tutoring"]
        price, small = self._price(one), self._tutor.treatment == "small_business"
        return {
            "benefit": TUTORING,
            "entitlement_number": number,
            "date_of_birth": one.child.born.isoformat(),
            "service_dates": [day.isoformat()],
            "unit_price": print_money(price),
            "amount": print_money(_amount(price, _LESSON_MINUTES)),
            "vat_exemption": "small_business" if small else "exempt_4_21",
            "tutoring": {
                "subject": terms["subjects"][0],
                "group_size": 3 if self._taught_in_group(one) else 1,
                "minutes": _LESSON_MINUTES,
                "recorded_from": _time(start),
                "recorded_to": _time(start + _LESSON_MINUTES),
                "tutor": teacher,
                "proof": self._proof(),
            },
        }

    def _taught_in_group(self, one: Entitlement) -> bool:
        """As granted; the first private tutor teaches each child alone, whatever was granted."""
        return bool(one.grants[0]["tutoring"]["form"] == "group") and self._tutor.key != "t07"

    def _price(self, one: Entitlement) -> int:
        individual, group = self._tutor.prices
        return group if self._taught_in_group(one) else _OVERPRICED.get(self._tutor.key, individual)

    def _proof(self) -> str:
        self._proofs += 1
        return f"SN-{self._proofs:04d}"


def _amount(price: int, minutes: int) -> int:
    return divide_half_up(price * minutes, UNIT_MINUTES)


def _time(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"

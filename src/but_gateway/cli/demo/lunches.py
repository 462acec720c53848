"""A month of lunches as twelve caterers bill it, with the mistakes that are made: each caterer has its own story."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from but_gateway.cli.demo.invoices import (
    LAST_SCHOOL_DAY,
    OCTOBER,
    SEPTEMBER,
    Calendars,
    Invoice,
    corrected,
    lunch_line,
    month_line,
    typo_of,
    wrong_day,
)
from but_gateway.cli.demo.people import EXPIRED, NAMED, ORDINARY, Entitlement
from but_gateway.cli.demo.places import CATERERS, DAYCARE, FACILITY_BY_KEY, LUNCH, Provider
from but_gateway.kit.chance import Chance
from but_gateway.kit.money import print_money

IN_OCTOBER: Final = "2026-10-05T08:00:00Z"
IN_NOVEMBER: Final = "2026-11-02T08:00:00Z"
LATER: Final = "2026-11-04T08:00:00Z"
_ATTENDS_PER_MILLE: Final = 930
_REFUSED_BUT_BILLED_PER_MILLE: Final = 600  # of children whom the check did not confirm
_SEPTEMBER_PER_MILLE: Final = 300
_IN_HOLIDAY_CARE_PER_MILLE: Final = 350
_HOLIDAY_CARE: Final = tuple(date(2026, 10, day) for day in range(19, 24))
_FORGOTTEN_HOLIDAYS: Final = (date(2026, 10, 19), date(2026, 10, 20))
_SATURDAY: Final = date(2026, 10, 10)
_SEPTEMBER_WEEK: Final = tuple(date(2026, 9, day) for day in range(14, 19))


@dataclass(frozen=True, slots=True)
class Story:
    """What goes wrong at a caterer in October. Prices in cents."""

    prices: Mapping[str, int] | None = None  # by facility, instead of the agreed one
    vat_rate: str = "7.00"
    bills_holidays_at: str | None = None
    holiday_care_at: str | None = None
    ignores_closing_at: str | None = None
    doubles_per_mille: int = 4  # a portion too many
    wrong_birth_date: bool = False
    wrong_number: bool = False
    names: bool = False  # its lists have names, one of them another child's
    twice: int = 0  # so many children again in a second invoice


_STORIES: Final[Mapping[str, Story]] = {
    "c01": Story(names=True),
    "c02": Story(prices={"s04": 450}, wrong_birth_date=True),
    "c03": Story(bills_holidays_at="s05", wrong_number=True),
    "c05": Story(wrong_birth_date=True),
    "c06": Story(twice=6),
    "c07": Story(ignores_closing_at="k02", wrong_birth_date=True),
    "c10": Story(doubles_per_mille=60, wrong_number=True),
    "c11": Story(holiday_care_at="o04", wrong_birth_date=True),
    "c12": Story(prices={"k09": 450}, vat_rate="19.00"),
}


@dataclass(slots=True)
class Kitchen:
    """What caterers know when they write their invoices: who eats, on which days it is open, the numbers families handed over."""

    chance: Chance
    entitlements: list[Entitlement]
    numbers: Mapping[str, str]
    calendars: Calendars

    def september(self) -> list[Invoice]:
        """Invoices of the third week of September, by two caterers that charge the price of the 16th from the 14th on."""
        made = []
        for caterer in CATERERS[:2]:
            chance = self.chance.named(f"september {caterer.key}")
            invoice = Invoice(caterer, f"R-2026-09-{caterer.key}", IN_OCTOBER, SEPTEMBER)
            for one in self._eaters(caterer):
                if one.kind == ORDINARY and chance.happens(_SEPTEMBER_PER_MILLE):
                    invoice.lines.append(lunch_line(one, self.numbers[one.key], _SEPTEMBER_WEEK, caterer.prices[1]))
            made.append(invoice)
        return [invoice for invoice in made if invoice.lines]

    def october(self) -> list[Invoice]:
        """The month's invoices, one for each caterer."""
        made = [self._october_of(caterer) for caterer in CATERERS]
        shared = [line for invoice in made if invoice.provider.key == "c04" for line in invoice.lines if line["facility"] == "s06"]
        for invoice in made:
            if invoice.provider.key == "c05":
                chance = self.chance.named("shared")
                price = invoice.provider.prices[1]
                invoice.lines += [self._taken_over(line, price) for line in chance.some([x for x in shared if "attended" not in x], 5)]
        return [invoice for invoice in made if invoice.lines]

    def afterwards(self, october: list[Invoice], september: list[Invoice]) -> list[Invoice]:
        """What comes days later: lines billed a second time, and a correction of a day that was paid in October."""
        made = []
        for invoice in october:
            story = _STORIES.get(invoice.provider.key, Story())
            if story.twice:
                again = self.chance.named("twice").some(invoice.lines, story.twice)
                made.append(Invoice(invoice.provider, f"{invoice.number}-N", LATER, OCTOBER, again))
        for invoice in september[:1]:
            line = corrected(invoice.lines[0], "2026-09-17", invoice.number, 1)
            made.append(Invoice(invoice.provider, f"K-2026-11-{invoice.provider.key}", LATER, SEPTEMBER, [line]))
        return made

    def _eaters(self, caterer: Provider) -> list[Entitlement]:
        return [one for one in self.entitlements if one.benefit == LUNCH and one.provider is caterer]

    def _october_of(self, caterer: Provider) -> Invoice:
        chance, story = self.chance.named(f"october {caterer.key}"), _STORIES.get(caterer.key, Story())
        invoice = Invoice(caterer, f"R-2026-10-{caterer.key}", IN_NOVEMBER)
        for one in self._eaters(caterer):
            if one.kind in {EXPIRED, NAMED} and not chance.happens(_REFUSED_BUT_BILLED_PER_MILLE):
                continue
            invoice.lines += self._lines(chance, story, caterer, one)
        self._mistype(chance, story, invoice)
        return invoice

    def _lines(self, chance: Chance, story: Story, caterer: Provider, one: Entitlement) -> list[dict[str, Any]]:
        number, opening = self.numbers[one.key], self.calendars[one.facility or "", str(OCTOBER)]
        price = (story.prices or {}).get(one.facility or "", caterer.prices[1])
        served = self._served(story, one, opening)
        if story.holiday_care_at == one.facility and chance.happens(_IN_HOLIDAY_CARE_PER_MILLE):
            served += _HOLIDAY_CARE
        days = [day for day in served if chance.happens(_ATTENDS_PER_MILLE)]
        if caterer.mode == "flat":
            return [month_line(one, number, price, 1, len(days) if chance.happens(980) else 0)]
        if caterer.evidence == "monthly_count":
            return [month_line(one, number, price, len(days) + chance.weigh(((0, 9), (3, 1))), len(days))] if days else []
        if chance.happens(4):
            days = sorted({*days, _SATURDAY})
        missed = [days.pop()] if len(days) > 1 and chance.happens(15) else []
        more = {"name": f"{one.child.family_name}, {one.child.given_names}"} if story.names else {}
        extra = 1 if chance.happens(story.doubles_per_mille) else 0
        lines = [lunch_line(one, number, days, price, extra=extra, vat_rate=story.vat_rate, more=more)] if days else []
        return lines + [lunch_line(one, number, [day], price, more={**more, "attended": False}) for day in missed]

    @staticmethod
    def _served(story: Story, one: Entitlement, opening: Sequence[date]) -> list[date]:
        """The days on which a caterer brought lunch, or believes that it did."""
        facility = FACILITY_BY_KEY[one.facility or ""]
        days = set(opening) if facility.kind == DAYCARE else {day for day in opening if day <= LAST_SCHOOL_DAY}
        if story.bills_holidays_at == facility.key:
            days |= set(_FORGOTTEN_HOLIDAYS)
        if story.ignores_closing_at == facility.key and facility.closed_on is not None:
            days.add(facility.closed_on)
        return sorted(days)

    def _mistype(self, chance: Chance, story: Story, invoice: Invoice) -> None:
        """A wrong birth date, number or name: one each, far below what would lock a client."""
        lines = invoice.lines
        born = {self.numbers[one.key]: one.child.born for one in self._eaters(invoice.provider)}
        if story.wrong_birth_date and lines:
            line = chance.pick(lines)
            line["date_of_birth"] = wrong_day(born[line["entitlement_number"]])
        if story.wrong_number and lines:
            line = chance.pick(lines)
            line["entitlement_number"] = typo_of(line["entitlement_number"])
        if story.names and lines:
            chance.pick(lines)["name"] = "Beispiel, Vera"

    @staticmethod
    def _taken_over(line: Mapping[str, Any], price: int) -> dict[str, Any]:
        """Another caterer's line, as somebody bills who believes that the child ate there."""
        amounts = {"unit_price": print_money(price), "amount": print_money(price * line["quantity"])}
        return {**line, **amounts}

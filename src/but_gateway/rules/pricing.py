"""What is agreed for a position: prices by day, items, and what minutes of a lesson are worth. Money in cents."""

from collections.abc import Iterable
from datetime import date
from typing import Final

from but_gateway.kit.money import divide_half_up
from but_gateway.rules.facts import Agreement, Claim, DatedPrice, TutoringTerms

INDIVIDUAL: Final = "individual"
GROUP: Final = "group"
# What a line bills when it names no item, and the only thing agreed where an agreement lists no prices (actual cost).
USUAL_ITEMS: Final = {"lunch": ("lunch",), "tutoring": (INDIVIDUAL, GROUP)}
FEE: Final = ("fee",)
STANDARD_TERMS: Final = TutoringTerms()


def price_on(prices: Iterable[DatedPrice], item: str, day: date) -> int | None:
    """The unit price of an item in force on a day: that of the latest beginning; None where there is none yet."""
    found = None
    since = date.min
    for price in prices:
        if price.item == item and since <= price.valid_from <= day:
            found, since = price.unit_price, price.valid_from
    return found


def item_of(claim: Claim) -> str:
    """The item a line bills. Between individual and group lesson the size of the group decides, not the word on the line."""
    lesson = claim.lesson
    if lesson is None or claim.item not in USUAL_ITEMS["tutoring"]:
        return claim.item
    return GROUP if lesson.group_size > 1 else INDIVIDUAL


def terms_of(agreement: Agreement) -> TutoringTerms:
    """The tutoring part of an agreement; the contract's defaults where it is missing."""
    return agreement.tutoring or STANDARD_TERMS


def price_of_minutes(minutes: int, unit_price: int, unit_minutes: int) -> int:
    """Cents for so many minutes at a price per unit: minutes / unit × price, half cents up (§ 41 (2) S. 3 SGB II)."""
    return divide_half_up(max(minutes, 0) * unit_price, max(unit_minutes, 1))

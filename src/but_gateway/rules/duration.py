"""How long a lesson counts and what its minutes are worth: shared by the rules of tutoring and of budgets."""

from but_gateway.kit.money import divide_half_up
from but_gateway.rules.context import Context
from but_gateway.rules.pricing import GROUP, INDIVIDUAL, price_of_minutes, price_on, terms_of


def is_given(c: Context) -> bool:
    """Whether the position is a lesson that took place."""
    return c.claim.lesson is not None and c.claim.attended


def unit_minutes_of(c: Context) -> int:
    """Minutes of one unit; at least one."""
    return max(terms_of(c.agreement).unit_minutes, 1)


def lesson_price(c: Context) -> int:
    """Cents a unit: the agreed price, the billed one where nothing is agreed (actual cost)."""
    return c.claim.unit_price if c.agreed is None else c.agreed


def group_price(c: Context) -> int | None:
    """The agreed price of a group unit on the day."""
    return price_on(c.agreement.prices, GROUP, c.day)


def minutes_recorded(c: Context) -> int | None:
    """Minutes between the recorded times of a lesson given, never negative; None where they are not known."""
    lesson = c.claim.lesson
    if lesson is None or not c.claim.attended or lesson.recorded_from is None or lesson.recorded_to is None:
        return None
    return max(lesson.recorded_to - lesson.recorded_from, 0)


def minutes_shown(c: Context) -> int:
    """Minutes of a lesson given: billed, at most recorded. A missed lesson has none."""
    lesson = c.claim.lesson
    if lesson is None or not c.claim.attended:
        return 0
    recorded = minutes_recorded(c)
    billed = max(lesson.minutes, 0)
    return billed if recorded is None else min(billed, recorded)


def whole_minutes(c: Context, minutes: int) -> int:
    """The minutes that count: all of them, or those of whole units where the agreement pays only those."""
    if terms_of(c.agreement).minutes_rule != "whole_units":
        return minutes
    return minutes - minutes % unit_minutes_of(c)


def minutes_paid(c: Context) -> int:
    """The minutes of a lesson that are paid, and that a budget of minutes bears."""
    return whole_minutes(c, minutes_shown(c))


def price_paid(c: Context) -> int:
    """Cents a unit that are really paid: the group price where only that is granted (L-05)."""
    if c.item == INDIVIDUAL and c.grant is not None and c.grant.tutoring_form == GROUP:
        group = group_price(c)
        if group is not None:
            return group
    return lesson_price(c)


def worth(c: Context, cents: int, part: int, whole: int, price: int) -> int:
    """What ``part`` of ``whole`` minutes is worth when ``cents`` are claimed for the whole, half cents up.

    Minutes at the ``price`` of a unit; where less was claimed than that comes to, the same share of what was claimed.
    """
    unit_minutes = unit_minutes_of(c)
    if cents >= price_of_minutes(whole, price, unit_minutes):
        return price_of_minutes(part, price, unit_minutes)
    return divide_half_up(cents * part, max(whole, 1))

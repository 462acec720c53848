"""Spreads an amount over the grants that bear it: in the order of E-06, within what each budget has left (B-01).

Roundings: a part of a lesson is minutes × price, half cents up; a month is split by opening days as running differences of the
half-up rounded running sum, so that the parts add up to the cent.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from but_gateway.kit.money import divide_half_up
from but_gateway.rules.context import Context, Plan
from but_gateway.rules.duration import minutes_paid, price_paid, whole_minutes, worth
from but_gateway.rules.verdict import Allocation

UNLIMITED: Final = ""


def plan_of(c: Context) -> Plan:
    """The plan for what is left to pay now; worked out once as long as nothing but the plan itself reduces that."""
    known = c.plan
    if known is not None and c.left in {known[0], known[1].payable}:
        return known[1]
    plan = _plan(c)
    c.plan = (c.left, plan)
    return plan


def _plan(c: Context) -> Plan:
    if c.left <= 0 or not c.bearing:
        return Plan(c.left, (), UNLIMITED, 0)
    first = c.bearing[0]
    if c.month:
        return _plan_month(c)
    if c.budget_left(first) is None:
        return Plan(c.left, (Allocation(first, c.left, 0),), UNLIMITED, 0)
    return _plan_at_once(c)


def _kind(c: Context, index: int, cap: int | None) -> str:
    """In what a grant's budget is counted for this position; a budget of minutes cannot count anything but lessons given."""
    kind = c.grants[index].budget.kind
    if cap is None:
        return UNLIMITED
    if kind == "minutes" and (c.month or minutes_paid(c) <= 0):
        return UNLIMITED
    return kind if kind in {"minutes", "days"} else "amount"


def _plan_at_once(c: Context) -> Plan:
    """A day, a lesson, a fee, a trip: one grant after the other until all is borne."""
    cents_open, minutes_open = c.left, minutes_paid(c)
    allocations = []
    remaining: dict[str, int] = {}
    for index in c.bearing:
        cap = c.budget_left(index)
        kind = _kind(c, index, cap)
        left = max(cap or 0, 0)
        cents, units, minutes = cents_open, 0, minutes_open
        if kind == "days":
            cents, units = (cents_open, 1) if left else (0, 0)
        elif kind == "minutes":
            minutes = minutes_open if left >= minutes_open else whole_minutes(c, left)
            cents = cents_open if minutes == minutes_open else min(worth(c, cents_open, minutes, minutes_open, price_paid(c)), cents_open)
            units = minutes
        elif kind == "amount":
            cents = units = min(cents_open, left)
            # Started minutes count as used: what one grant paid in cents the next need not bear in minutes.
            minutes = minutes_open * cents // cents_open
        if kind != UNLIMITED:
            remaining[kind] = remaining.get(kind, 0) + left
        if cents > 0:
            allocations.append(Allocation(index, cents, units))
            cents_open -= cents
            minutes_open -= minutes
        if cents_open <= 0:
            return Plan(c.left, tuple(allocations), UNLIMITED, 0)
    return _short(c.left - cents_open, allocations, remaining)


def _plan_month(c: Context) -> Plan:
    """A month: each day that counts goes to the first bearing grant that covers it and still has a day left."""
    days = c.covered_days if c.flat else _meal_days(c)
    weights = dict.fromkeys(c.bearing, 0)
    remaining: dict[str, int] = {}
    kinds = {index: _kind(c, index, c.budget_left(index)) for index in c.bearing}
    for index, kind in kinds.items():
        if kind != UNLIMITED:
            remaining[kind] = remaining.get(kind, 0) + max(c.budget_left(index) or 0, 0)
    for day in days:
        for index in c.bearing:
            if kinds[index] == "days" and weights[index] >= (c.budget_left(index) or 0):
                continue
            if c.covers(index, day):
                weights[index] += 1
                break
    borne = sum(weights.values())
    payable = divide_half_up(c.left * borne, max(len(days), 1))
    parts = _split(payable, weights)
    cents = _within_amounts(c, parts, kinds)
    allocations = []
    for index in c.bearing:
        if cents[index] > 0:
            units = {"days": weights[index], "amount": cents[index]}.get(kinds[index], 0)
            allocations.append(Allocation(index, cents[index], units))
    paid = sum(cents.values())
    if paid == c.left:
        return Plan(c.left, tuple(allocations), UNLIMITED, 0)
    return _short(paid, allocations, remaining)


def _meal_days(c: Context) -> Sequence[date]:
    """Which covered days counted meals are taken to lie on: spread evenly, as the count names none."""
    days = c.covered_days
    meals = max(min(c.situation.quantity, len(days)), 1)
    return [days[number * len(days) // meals] for number in range(meals)]


def _split(payable: int, weights: dict[int, int]) -> dict[int, int]:
    """Cents by weight: differences of the running sum, half cents up; they add up to ``payable``."""
    total = max(sum(weights.values()), 1)
    parts, before, weight = {}, 0, 0
    for index, own in weights.items():
        weight += own
        until = divide_half_up(payable * weight, total)
        parts[index] = until - before
        before = until
    return parts


def _within_amounts(c: Context, parts: dict[int, int], kinds: dict[int, str]) -> dict[int, int]:
    """The parts cut to budgets in cents; what is cut off goes to the next bearing grant that covers one of the same days."""
    result = dict(parts)
    for index, kind in kinds.items():
        over = result[index] - max(c.budget_left(index) or 0, 0) if kind == "amount" else 0
        if over <= 0:
            continue
        result[index] -= over
        for other, other_kind in kinds.items():
            if other == index or other_kind == "days" or not _share_a_day(c, index, other):
                continue
            room = over if other_kind == UNLIMITED else max(c.budget_left(other) or 0, 0) - result[other]
            taken = min(over, max(room, 0))
            result[other] += taken
            over -= taken
    return result


def _share_a_day(c: Context, one: int, other: int) -> bool:
    return any(c.covers(one, day) and c.covers(other, day) for day in c.covered_days)


def _short(payable: int, allocations: list[Allocation], remaining: dict[str, int]) -> Plan:
    """A plan that bears less than is due, told in the unit of the first budget that fell short."""
    kind = next(iter(remaining))
    return Plan(payable, tuple(allocations), kind, remaining[kind])

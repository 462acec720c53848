"""The cases that examples of rules start from, and how an example says what differs. Fixtures, not statements about any town."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

from but_gateway.rules.facts import (
    Agreement,
    Budget,
    Claim,
    Corrected,
    DatedPrice,
    Facility,
    Facts,
    Form,
    Grant,
    Lesson,
    Provider,
    Situation,
    Town,
    TutoringTerms,
)
from but_gateway.rules.rule import Example

Changes = Mapping[str, Any]


def varied(base: Facts, **parts: Changes) -> Facts:
    """The facts with some fields changed: one mapping per part; ``grant`` changes the first grant, ``facts`` the whole."""
    changed: dict[str, Any] = dict(parts.pop("facts", {}))
    grant = parts.pop("grant", None)
    lesson = parts.pop("lesson", None)
    terms = parts.pop("terms", None)
    if grant is not None:
        first, *others = changed.get("grants", base.grants)
        changed["grants"] = (replace(first, **grant), *others)
    for name, fields in parts.items():
        changed[name] = replace(getattr(base, name), **fields)
    result = replace(base, **changed)
    if lesson is not None and result.claim.lesson is not None:
        result = replace(result, claim=replace(result.claim, lesson=replace(result.claim.lesson, **lesson)))
    if terms is not None and result.agreement is not None and result.agreement.tutoring is not None:
        result = replace(result, agreement=replace(result.agreement, tutoring=replace(result.agreement.tutoring, **terms)))
    return result


def fires(says: str, base: Facts, **parts: Changes) -> Example:
    """An example for which the rule finds something."""
    return Example(says, holds=True, facts=varied(base, **parts))


def passes(says: str, base: Facts, **parts: Changes) -> Example:
    """An example for which the rule finds nothing."""
    return Example(says, holds=False, facts=varied(base, **parts))


def on(day: date) -> dict[str, Any]:
    """A situation whose only day is this one."""
    return {"first_day": day, "last_day": day}


def workdays(first: date, last: date, *closed: date) -> tuple[date, ...]:
    """Mondays to Fridays of a range, without the closed days."""
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return tuple(day for day in days if day.isoweekday() in range(1, 6) and day not in closed)


OCTOBER: Final = workdays(date(2026, 10, 1), date(2026, 10, 31), date(2026, 10, 2))

# A pupil's lunch on Monday, 5 October 2026: 4.50, as agreed since 16 September.
MEAL: Final = Facts(
    situation=Situation(
        first_day=date(2026, 10, 5),
        last_day=date(2026, 10, 5),
        quantity=1,
        claimed=450,
        received_on=date(2026, 11, 2),
        age=10,
        age_before_month=10,
        budgets_left=(None,),
    ),
    claim=Claim(benefit="lunch", item="lunch", form=Form.DAY, unit_price=450, vat_rate=700),
    town=Town(),
    provider=Provider(),
    agreement=Agreement(prices=(DatedPrice("lunch", date(2026, 1, 1), 420), DatedPrice("lunch", date(2026, 9, 16), 450))),
    facility=Facility("school"),
    grants=(
        Grant(
            ref="g1",
            version=1,
            key="a-lunch-2026",
            legal_basis="sgb2",
            valid_from=date(2026, 9, 1),
            valid_to=date(2027, 8, 31),
            attends="school",
            facility_named=True,
            facility_is_this=True,
        ),
    ),
)

# A whole month at a daycare centre for 60.00: 21 opening days, the child came on 12.
FLAT_MONTH: Final = varied(
    MEAL,
    situation={"first_day": date(2026, 10, 1), "last_day": date(2026, 10, 31), "claimed": 6000, "open_days": OCTOBER},
    claim={"form": Form.MONTH, "unit_price": 6000, "attended_days": 12},
    agreement={"mode": "flat", "prices": (DatedPrice("lunch", date(2026, 1, 1), 6000),)},
    facility={"kind": "daycare"},
    grant={"attends": "daycare"},
)

# 20 meals of a month, counted, at 4.50 each.
COUNTED_MONTH: Final = varied(
    MEAL,
    situation={"first_day": date(2026, 10, 1), "last_day": date(2026, 10, 31), "quantity": 20, "claimed": 9000, "open_days": OCTOBER},
    claim={"form": Form.MONTH},
    agreement={"evidence": "monthly_count"},
)

# A lesson of 90 minutes in mathematics on Monday, 12 October 2026, at 22.50 per 45 minutes.
LESSON: Final = varied(
    MEAL,
    situation={**on(date(2026, 10, 12)), "claimed": 4500, "budgets_left": (1350,)},
    claim={
        "benefit": "tutoring",
        "item": "individual",
        "unit_price": 2250,
        "vat_rate": None,
        "vat_exemption": "exempt_4_21",
        "lesson": Lesson("mathematik", group_size=1, minutes=90, recorded_from=900, recorded_to=990, proof=True),
    },
    agreement={
        "prices": (DatedPrice("individual", date(2026, 1, 1), 2250), DatedPrice("group", date(2026, 1, 1), 1200)),
        "vat_treatment": "exempt_4_21",
        "tutoring": TutoringTerms(),
    },
    grant={
        "key": "a-tutoring-2026",
        "valid_to": date(2027, 1, 31),
        "facility_named": False,
        "facility_is_this": False,
        "subjects": ("mathematik",),
        "budget": Budget("minutes", 1350),
    },
    facts={"facility": None},
)

# A club's fee for October 2026: 15.00 at actual cost, 180.00 saved up over the grant.
CLUB_FEE: Final = varied(
    MEAL,
    situation={"first_day": date(2026, 10, 1), "last_day": date(2026, 10, 31), "claimed": 1500, "budgets_left": (18000,)},
    claim={
        "benefit": "participation",
        "item": "fee",
        "form": Form.RANGE,
        "unit_price": 1500,
        "activity": "sport",
        "vat_rate": None,
        "vat_exemption": "small_business",
    },
    agreement={"prices": (), "vat_treatment": "small_business"},
    grant={"key": "a-club-2026", "facility_named": False, "facility_is_this": False, "budget": Budget("amount", 18000)},
    facts={"facility": None},
)

# A class trip of a week for 240.00 at actual cost.
CLASS_TRIP: Final = varied(
    CLUB_FEE,
    situation={"first_day": date(2026, 10, 5), "last_day": date(2026, 10, 9), "claimed": 24000, "budgets_left": (None,)},
    claim={"benefit": "class_trip", "unit_price": 24000, "activity": None},
    grant={"key": "a-trip-2026", "budget": Budget()},
)

# A day of lunch taken back: the child had been absent.
CORRECTION: Final = varied(
    MEAL,
    situation={"quantity": -1, "claimed": -450, "corrected": Corrected(found=True, approved=450)},
)

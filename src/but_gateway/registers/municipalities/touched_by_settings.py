"""Which positions a change of the settings touches. Pure."""

from typing import Final

from but_gateway.registers.municipalities.settings import Settings
from but_gateway.registers.municipalities.touches import Touch

# What of the settings decides which positions; lunch_price_ceilings by their days.
_BY_FIELD: Final = {
    "protect_good_faith": (Touch(revoked=True), Touch(checked=True)),
    "protected_checks": (Touch(checked=True),),
    "holiday_lunch": (Touch(benefits=("lunch",), forms=("day",)),),
    "submission_months": (Touch(),),
    "late_effect": (Touch(),),
    "tax_effect": (Touch(),),
    "relatives_excluded": (Touch(benefits=("tutoring",)),),
    "participation_saving": (Touch(benefits=("participation",)),),
    "flat_proration": (Touch(benefits=("lunch",), forms=("month",)),),
}


def touched_by_settings(old: Settings, new: Settings) -> list[Touch]:
    """The positions that new settings may decide otherwise; none where only names, accounts or terms of payment differ."""
    touches = [touch for name, found in _BY_FIELD.items() if getattr(old, name) != getattr(new, name) for touch in found]
    ceilings = set(old.lunch_price_ceilings) ^ set(new.lunch_price_ceilings)
    if ceilings:
        touches.append(Touch(benefits=("lunch",), first=min(ceiling.valid_from for ceiling in ceilings)))
    return [Touch()] if Touch() in touches else list(dict.fromkeys(touches))

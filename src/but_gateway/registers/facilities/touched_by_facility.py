"""Which positions a change of a facility touches. Pure."""

from but_gateway.registers.facilities.store import FacilityRecord
from but_gateway.registers.municipalities.touches import Touch

_LUNCH = ("lunch",)


def touched_by_facility(old: FacilityRecord | None, new: FacilityRecord) -> list[Touch]:
    """The positions at the facility that the new record may decide otherwise: its kind, its school, or the calendar on their days.

    A new facility touches nothing, for no line could name it.
    """
    if old is None:
        return []
    here = (new.id,)
    if (old.kind, old.cooperating_school_id) != (new.kind, new.cooperating_school_id):
        return [Touch(facilities=here)]
    if old.observes_school_holidays != new.observes_school_holidays:
        return [Touch(facilities=here, benefits=_LUNCH)]
    closings = {(c.first_day, c.last_day) for c in old.closings} ^ {(c.first_day, c.last_day) for c in new.closings}
    touches = [Touch(facilities=here, benefits=_LUNCH, first=first, last=last) for first, last in sorted(closings)]
    weekdays = tuple(sorted(set(old.open_weekdays) ^ set(new.open_weekdays)))
    if weekdays:
        touches.append(Touch(facilities=here, benefits=_LUNCH, weekdays=weekdays))
    return touches

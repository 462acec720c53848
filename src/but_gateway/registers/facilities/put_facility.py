"""Writing a facility and its calendar."""

from collections.abc import Iterator
from dataclasses import replace

from but_gateway.audit import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.kit.ids import new_id
from but_gateway.registers.facilities import store
from but_gateway.registers.facilities.schemas import FacilityIn, FacilityOut
from but_gateway.registers.facilities.store import Closing, FacilityRecord
from but_gateway.registers.facilities.touched_by_facility import touched_by_facility
from but_gateway.registers.municipalities.redecision_store import ask_redecision
from but_gateway.registers.municipalities.store import lock_register
from but_gateway.web.answers import Answer
from but_gateway.web.conditional import demand_match, stored
from but_gateway.web.problems import Fault, Invalid, Text

_TWICE = Text("Dieser Eintrag steht doppelt in der Liste.", "This entry is in the list twice.")
_BACKWARDS = Text("Der letzte Schließtag liegt vor dem ersten.", "The last closing day lies before the first.")
_UNKNOWN_SCHOOL = Text(
    "Es gibt keine Schule mit diesem Schlüssel. Legen Sie sie zuerst an.", "There is no school with this key. Create it first."
)
_SCHOOL_ITSELF = Text(
    "Eine Schule braucht keine kooperierende Schule. Lassen Sie die Angabe weg.", "A school needs no cooperating school. Leave it out."
)
_NEEDED_AS_SCHOOL = Text(
    "Andere Einrichtungen nennen sie als kooperierende Schule. Ändern Sie zuerst diese.",
    "Other facilities name it as their cooperating school. Change those first.",
)


async def put_facility(unit: UnitOfWork, call: Call, key: str, body: FacilityIn, if_match: str | None) -> Answer:
    """Makes or replaces the facility of a key. The same facility again keeps its version.

    Refuses when another version is there (PreconditionFailed), closing days are backwards or listed twice, the cooperating school
    is no school, or it stops being a school that others cooperate with (Invalid).
    """
    await lock_register(unit, "facility")
    present = await store.find_facility(unit, key)
    demand_match(if_match, present.version if present else 0)
    school = await store.find_facility(unit, body.cooperating_school) if body.cooperating_school else None
    faults = [*_faults(body), *_school_faults(body, school)]
    if present and present.kind == "school" != body.kind and await store.count_cooperations(unit, present.id):
        faults.append(Fault("/kind", "needed_as_school", _NEEDED_AS_SCHOOL))
    if faults:
        raise Invalid(faults=faults)
    new = FacilityRecord(
        id=present.id if present else new_id(),
        key=key,
        name=body.name,
        kind=body.kind,
        open_weekdays=tuple(sorted(body.open_weekdays)),
        observes_school_holidays=body.observes_school_holidays,
        closings=tuple(sorted(Closing(c.first_day, c.last_day, c.reason) for c in body.closed)),
        cooperating_school=school.key if school else None,
        cooperating_school_id=school.id if school else None,
        version=present.version if present else 1,
    )
    if new != present:
        new = replace(new, version=present.version + 1 if present else 1)
        await store.write_facility(unit, new)
        await ask_redecision(unit, "facility", touched_by_facility(present, new), call.now())
        await record.record(
            unit,
            at=call.now(),
            actor=call.principal.actor,
            action="facility.changed" if present else "facility.created",
            object_type="facility",
            object_id=new.id,
            payload={"key": key, "version": new.version, "facility": body.model_dump(mode="json")},
        )
    location = f"/v1/municipalities/{call.town.key}/facilities/{key}"
    return stored(FacilityOut.of(new), new.version, created=present is None, location=location)


def _faults(body: FacilityIn) -> Iterator[Fault]:
    seen: set[object] = set()
    for i, weekday in enumerate(body.open_weekdays):
        if weekday in seen:
            yield Fault(f"/open_weekdays/{i}", "duplicate", _TWICE)
        seen.add(weekday)
    for i, closing in enumerate(body.closed):
        if closing.last_day < closing.first_day:
            yield Fault(f"/closed/{i}/to", "backwards", _BACKWARDS)
        if (closing.first_day, closing.last_day) in seen:
            yield Fault(f"/closed/{i}", "duplicate", _TWICE)
        seen.add((closing.first_day, closing.last_day))


def _school_faults(body: FacilityIn, school: FacilityRecord | None) -> Iterator[Fault]:
    if body.cooperating_school is None:
        return
    if body.kind == "school":
        yield Fault("/cooperating_school", "not_for_schools", _SCHOOL_ITSELF)
    elif school is None or school.kind != "school":
        yield Fault("/cooperating_school", "unknown_key", _UNKNOWN_SCHOOL)

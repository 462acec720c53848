"""Setting what decides lines, deadlines and payments in a town."""

from collections.abc import Collection, Iterator

from but_gateway.audit import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.registers.municipalities import store
from but_gateway.registers.municipalities.redecision_store import ask_redecision
from but_gateway.registers.municipalities.schemas import SettingsIn, SettingsOut
from but_gateway.registers.municipalities.touched_by_settings import touched_by_settings
from but_gateway.web.answers import Answer
from but_gateway.web.conditional import demand_match, stored
from but_gateway.web.problems import Fault, Invalid, Text

_SECOND_CEILING = Text("Für diesen Tag steht schon ein Höchstpreis in der Liste.", "The list has a ceiling for this day already.")
_SECOND_ASSIGNMENT = Text(
    "Für diesen Rechtskreis und diese Leistungsart steht ab diesem Tag schon eine Kontierung in der Liste.",
    "The list has an assignment for this legal basis and benefit from this day on already.",
)
_NO_SUCH_PROFILE = Text("Dieses Profil gibt es nicht. Es gibt: {}.", "There is no such profile. There are: {}.")


async def put_settings(unit: UnitOfWork, call: Call, body: SettingsIn, if_match: str | None, profiles: Collection[str]) -> Answer:
    """Replaces the settings. The same settings again keep their version. ``profiles``: the interface files there are.

    Refuses when another version is there (PreconditionFailed), a list names the same thing twice or the profile is unknown (Invalid).
    """
    await store.lock_register(unit, "settings")
    present, version = await store.read_settings_version(unit)
    demand_match(if_match, version)
    faults = list(_faults(body, profiles))
    if faults:
        raise Invalid(faults=faults)
    new, created = body.settings(call.town.name), version == 0
    if created or new != present:
        version += 1
        await store.write_settings(unit, new, version, call.now())
        await ask_redecision(unit, "settings", touched_by_settings(present, new), call.now())
        await record.record(
            unit,
            at=call.now(),
            actor=call.principal.actor,
            action="settings.changed",
            object_type="settings",
            object_id=unit.municipality_id,
            payload={"version": version, "settings": new.document()},
        )
    location = f"/v1/municipalities/{call.town.key}/settings"
    return stored(SettingsOut.of(new), version, created=created, location=location)


def _faults(body: SettingsIn, profiles: Collection[str]) -> Iterator[Fault]:
    if body.hkr_profile not in profiles:
        known = ", ".join(sorted(profiles))
        yield Fault("/hkr_profile", "unknown_key", Text(_NO_SUCH_PROFILE.de.format(known), _NO_SUCH_PROFILE.en.format(known)))
    days, assigned = set(), set()
    for i, ceiling in enumerate(body.lunch_price_ceilings):
        if ceiling.valid_from in days:
            yield Fault(f"/lunch_price_ceilings/{i}/valid_from", "duplicate", _SECOND_CEILING)
        days.add(ceiling.valid_from)
    for i, assignment in enumerate(body.account_assignments):
        what = (assignment.legal_basis, assignment.benefit, assignment.valid_from)
        if what in assigned:
            yield Fault(f"/account_assignments/{i}", "duplicate", _SECOND_ASSIGNMENT)
        assigned.add(what)

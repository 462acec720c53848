"""Replaces a lost entitlement number (B-04): the old one counts for services before the day of the loss."""

from datetime import date, datetime

from but_gateway.audit.record import record
from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.index_store import share_index_keys
from but_gateway.identity.principal import Town
from but_gateway.kit.clock import business_day
from but_gateway.kit.ids import new_entitlement_number, print_entitlement_number
from but_gateway.procedures.adjudication.redecide import redecide_children
from but_gateway.procedures.intake import store
from but_gateway.registers.entitlements.import_store import lock_children
from but_gateway.registers.entitlements.plan import number_indexes
from but_gateway.web.problems import Fault, Invalid, NotFound, Text


async def replace_number(  # noqa: PLR0913 - who replaces which number, when; all keyword-only
    unit: UnitOfWork, *, town: Town, keys: TownKeys, entitlement_key: str, lost_on: date, at: datetime, actor: str
) -> str:
    """The new number, printed. Refuses an unknown entitlement (NotFound) and a day in the future (Invalid)."""
    keys = await share_index_keys(unit, keys)
    found = await store.find_entitlement(unit, entitlement_key)
    if found is None:
        raise NotFound
    if lost_on > business_day(at):
        raise Invalid(faults=[Fault("/lost_on", "in_future", Text("Der Tag liegt in der Zukunft.", "The day lies in the future."))])
    await lock_children(unit, [found.child_id])
    number = new_entitlement_number()
    await store.lose_numbers(unit, found.id, lost_on)
    sealed = keys.seal(number, "entitlement_number", found.id, "number")
    await store.add_number(unit, found.id, number_indexes(keys, number), sealed, at)
    await redecide_children(unit, town, keys, [found.child_id], at=at)
    payload = {"lost_on": lost_on}
    await record(unit, at=at, actor=actor, action="number.replace", object_type="entitlement", object_id=found.id, payload=payload)
    return print_entitlement_number(number)

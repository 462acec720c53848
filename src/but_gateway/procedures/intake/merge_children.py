"""Merges a child that was delivered under two keys: one child, one lunch a day; the old key stays a name of it."""

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.procedures.adjudication.redecide import redecide_children
from but_gateway.procedures.intake import merge_store
from but_gateway.procedures.intake.schemas import MergeOut
from but_gateway.registers.entitlements.enter import REGISTER
from but_gateway.registers.entitlements.guard_store import add_notices
from but_gateway.registers.entitlements.import_store import lock_children
from but_gateway.registers.municipalities.redecision_store import hold_registers
from but_gateway.registers.municipalities.store import lock_register
from but_gateway.web.answers import Answer
from but_gateway.web.problems import Fault, Invalid, NotFound, Text, WrongState

_UNKNOWN = Text("Es gibt kein Kind mit diesem Schlüssel.", "There is no child with this key.")
_ITSELF = Text("Das ist dasselbe Kind.", "That is the same child.")
_MERGED = Text(
    "Dieser Schlüssel ist schon mit einem anderen Kind zusammengeführt. Nennen Sie dessen eigenen Schlüssel.",
    "This key was merged with another child already. Give that child's own key.",
)
_TWICE = "Das Kind wurde unter zwei Schlüsseln geführt: Am {day:%d.%m.%Y} ist zweimal ein Mittagessen abgerechnet. Bitte klären."


async def merge_children(unit: UnitOfWork, call: Call, key: str, into: str) -> Answer:
    """Moves all of a child to another one and decides its open positions again: two lunches of one day meet as rivals.

    Lunches that both have got already, by payment or by a person, stay as they are and become notices. Nobody decides meanwhile.

    Refuses when there is no such child (NotFound), no such other one (Invalid), or one of them was merged before (WrongState, Invalid).
    """
    await lock_register(unit, REGISTER)
    await hold_registers(unit)
    found = await merge_store.find_children(unit, {key, into})
    if key not in found:
        raise NotFound
    if into not in found:
        raise Invalid(faults=[Fault("/into", "unknown_key", _UNKNOWN)])
    old, new = found[key], found[into]
    if old.id == new.id:
        raise Invalid(faults=[Fault("/into", "same_child", _ITSELF)])
    if old.merged_into is not None:
        raise WrongState(_MERGED)
    if new.merged_into is not None:
        raise Invalid(faults=[Fault("/into", "merged", _MERGED)])
    await lock_children(unit, {old.id, new.id})
    entitlements = await merge_store.move_entitlements(unit, old.id, new.id)
    twice = await merge_store.move_positions(unit, old.id, new.id)
    await merge_store.keep_as_name(unit, old.id, new.id)
    redecided = await redecide_children(unit, call.town, call.keys, [new.id], at=call.now())
    notices = [("position", str(one.other_id), _TWICE.format(day=one.day)) for one in twice]
    await add_notices(unit.driver, unit.municipality_id, "contested_day", notices, at=call.now())
    payload = {"child": key, "into": into, "entitlements": entitlements, "redecided": redecided, "contested": len(twice)}
    await record(
        unit, at=call.now(), actor=call.principal.actor, action="child.merge", object_type="child", object_id=new.id, payload=payload
    )
    return Answer(MergeOut(child=into, also=key, entitlements=entitlements, redecided=redecided, contested=len(twice)))

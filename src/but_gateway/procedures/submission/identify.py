"""Who the lines are about: number, birth date and name against the register, in bulk."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.kit.ids import fold_entitlement_number
from but_gateway.kit.text import same_name
from but_gateway.procedures.submission.schemas import LineIn
from but_gateway.registers.entitlements.guard import frozen
from but_gateway.registers.entitlements.model import NumberRecord
from but_gateway.registers.entitlements.store import find_by_numbers, linked
from but_gateway.rules.facts import Identity

COUNTED = frozenset({Identity.UNKNOWN_NUMBER, Identity.WRONG_BIRTH_DATE, Identity.NAME_DIFFERS})


@dataclass(frozen=True, slots=True)
class Identified:
    """What became of a line's identity. Ids only where number and birth date are right."""

    identity: Identity
    number_index: bytes | None = None
    entitlement_id: UUID | None = None
    child_id: UUID | None = None
    lost_on: date | None = None
    wrong_birth_date_for: UUID | None = None  # the entitlement whose birth date was guessed wrongly


async def identify(unit: UnitOfWork, call: Call, provider_id: UUID, lines: Sequence[LineIn]) -> list[Identified]:
    """The identity of each line. A frozen number counts as unknown."""
    indexes = {
        number: call.keys.index("entitlement_number", fold_entitlement_number(number))
        for number in {line.entitlement_number for line in lines if line.entitlement_number is not None}
    }
    records = await find_by_numbers(unit, list(indexes.values()))
    entitlements = {record.entitlement_id for record in records.values()}
    ice = await frozen(unit, provider_id, entitlements)
    known = await linked(unit, provider_id, entitlements)
    births: dict[UUID, date] = {}
    found = []
    for line in lines:
        if line.entitlement_number is None:
            found.append(Identified(Identity.NUMBER_MISSING))
            continue
        index = indexes[line.entitlement_number]
        record = records.get(index)
        if record is None or record.entitlement_id in ice:
            found.append(Identified(Identity.UNKNOWN_NUMBER, index))
        else:
            found.append(_compare(call, line, record, births, is_linked=record.entitlement_id in known))
    return found


def _compare(call: Call, line: LineIn, record: NumberRecord, births: dict[UUID, date], *, is_linked: bool) -> Identified:
    birth = births.get(record.child_id)
    if birth is None:
        birth = date.fromisoformat(call.keys.open(record.date_of_birth, "child", record.child_id, "date_of_birth"))
        births[record.child_id] = birth
    if line.date_of_birth is None:
        if not is_linked:
            return Identified(Identity.BIRTH_DATE_MISSING, record.number_index)
    elif line.date_of_birth != birth:
        return Identified(Identity.WRONG_BIRTH_DATE, record.number_index, wrong_birth_date_for=record.entitlement_id)
    identity = Identity.CONFIRMED
    if line.name is not None:
        names = (call.keys.open(sealed, "child", record.child_id, column) for sealed, column in _names(record))
        if not same_name(line.name, " ".join(names)):
            identity = Identity.NAME_DIFFERS
    return Identified(identity, record.number_index, record.entitlement_id, record.child_id, record.lost_on)


def _names(record: NumberRecord) -> tuple[tuple[bytes, str], tuple[bytes, str]]:
    return (record.given_names, "given_names"), (record.family_name, "family_name")

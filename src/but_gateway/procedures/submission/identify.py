"""Who the lines are about: number, birth date and name against the register, in bulk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from but_gateway.db.fields import TownKeys
from but_gateway.kit.ids import fold_entitlement_number
from but_gateway.kit.text import same_name
from but_gateway.procedures.submission.schemas import LineIn
from but_gateway.registers.entitlements.model import NumberRecord
from but_gateway.registers.entitlements.plan import NUMBER_PURPOSE
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


@dataclass(frozen=True, slots=True)
class KnownNumbers:
    """What the register knows of the numbers on an invoice: by number as written its keyed hash, by hash its record."""

    indexes: Mapping[str, bytes]
    records: Mapping[bytes, NumberRecord]


def index_numbers(keys: TownKeys, lines: Sequence[LineIn]) -> dict[str, bytes]:
    """The keyed hash of each number on the lines."""
    numbers = {line.entitlement_number for line in lines if line.entitlement_number is not None}
    return {number: keys.index(NUMBER_PURPOSE, fold_entitlement_number(number)) for number in numbers}


def identify(keys: TownKeys, lines: Sequence[LineIn], known: KnownNumbers) -> list[Identified]:
    """The identity of each line. A frozen number counts as unknown."""
    births: dict[UUID, date] = {}
    found = []
    for line in lines:
        if line.entitlement_number is None:
            found.append(Identified(Identity.NUMBER_MISSING))
            continue
        index = known.indexes[line.entitlement_number]
        record = known.records.get(index)
        if record is None or record.frozen:
            found.append(Identified(Identity.UNKNOWN_NUMBER, index))
        else:
            found.append(_compare(keys, line, record, births))
    return found


def _compare(keys: TownKeys, line: LineIn, record: NumberRecord, births: dict[UUID, date]) -> Identified:
    birth = births.get(record.child_id)
    if birth is None:
        birth = date.fromisoformat(keys.open(record.date_of_birth, "child", record.child_id, "date_of_birth"))
        births[record.child_id] = birth
    if line.date_of_birth is None:
        if not record.linked:
            return Identified(Identity.BIRTH_DATE_MISSING, record.number_index)
    elif line.date_of_birth != birth:
        return Identified(Identity.WRONG_BIRTH_DATE, record.number_index, wrong_birth_date_for=record.entitlement_id)
    identity = Identity.CONFIRMED
    if line.name is not None:
        names = (keys.open(sealed, "child", record.child_id, column) for sealed, column in _names(record))
        if not same_name(line.name, " ".join(names)):
            identity = Identity.NAME_DIFFERS
    return Identified(identity, record.number_index, record.entitlement_id, record.child_id, record.lost_on)


def _names(record: NumberRecord) -> tuple[tuple[bytes, str], tuple[bytes, str]]:
    return (record.given_names, "given_names"), (record.family_name, "family_name")

"""What an import changes, worked out in memory: rows are taken one after the other, each stands or falls alone.

The picture holds what the rows touch of the register. A row that stands changes the picture; what changed is written afterwards, in
a fixed number of statements.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from but_gateway.db.fields import TownKeys
from but_gateway.kit.ids import fold_entitlement_number, new_entitlement_number, new_id, print_entitlement_number
from but_gateway.kit.text import fold_name
from but_gateway.registers.entitlements.schemas import ChildIn, RowIn
from but_gateway.registers.entitlements.terms import Terms, faults_of, terms_of
from but_gateway.web.problems import Fault, Text

NUMBER_PURPOSE: Final = "entitlement_number"
SAME_CHILD_PURPOSE: Final = "same_child"


@dataclass(slots=True)
class Child:
    """A child in the picture. ``new``: not in the database yet; ``changed``: to be written."""

    id: UUID
    key: str
    family_name: str
    given_names: str
    date_of_birth: date
    new: bool = False
    changed: bool = False

    def same_child_indexes(self, keys: TownKeys) -> tuple[bytes, ...]:
        """The keyed hashes that are equal for children of the same name (as a set of words) and birth date; first the one to be stored."""
        return keys.indexes(SAME_CHILD_PURPOSE, same_child_text(self.family_name, self.given_names, self.date_of_birth.isoformat()))


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is printed, its kind and its keyed hashes: it is stored once under each."""

    text: str
    kind: str  # issued | external
    indexes: tuple[bytes, ...]


@dataclass(slots=True)
class Entitlement:
    """An entitlement in the picture. ``number``: what families hold now; ``numbers``: hashes of all its numbers, lost ones too."""

    id: UUID
    key: str
    child_key: str
    benefit: str
    information_allowed: bool
    number: str | None = None
    numbers: set[bytes] = field(default_factory=set)
    new_numbers: list[Number] = field(default_factory=list)
    new: bool = False
    changed: bool = False


@dataclass(slots=True)
class Grant:
    """A grant in the picture; ``versions`` are those to be added, the last of them is ``terms``."""

    id: UUID
    key: str
    entitlement_key: str
    version: int
    terms: Terms
    used: int = 0
    reserved: int = 0
    new: bool = False
    versions: list[tuple[int, Terms]] = field(default_factory=list)


@dataclass(slots=True)
class Picture:
    """What the rows touch, by the town's keys. ``taken`` tells whose the numbers are that rows supply: hash → key of the entitlement."""

    children: dict[str, Child] = field(default_factory=dict)
    entitlements: dict[str, Entitlement] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    facilities: Mapping[str, UUID] = field(default_factory=dict)
    providers: Mapping[str, UUID] = field(default_factory=dict)
    taken: dict[bytes, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row: created | updated | unchanged | rejected."""

    kind: str
    row: RowIn | None
    grant_key: str | None
    faults: tuple[Fault, ...] = ()


class Plan:
    """Takes rows into a picture."""

    def __init__(self, picture: Picture, keys: TownKeys, today: date) -> None:
        self.picture = picture
        self._keys = keys
        self._today = today

    def take_all(self, rows: Iterable[RowIn]) -> list[Outcome]:
        """Takes the rows in their order."""
        return [self._take(row) for row in rows]

    def touched_children(self) -> set[UUID]:
        """Children known before of whom anything changes."""
        picture = self.picture
        entitlements = [e for e in picture.entitlements.values() if e.new or e.changed or e.new_numbers]
        entitlements += [picture.entitlements[g.entitlement_key] for g in picture.grants.values() if g.versions]
        touched = [c for c in picture.children.values() if c.changed] + [picture.children[e.child_key] for e in entitlements]
        return {child.id for child in touched if not child.new}

    def _take(self, row: RowIn) -> Outcome:
        faults = [*faults_of(row, self._today), *self._faults(row)]
        if faults:
            return Outcome("rejected", row, row.grant.key, tuple(faults))
        picture = self.picture
        facility = picture.facilities[row.grant.facility] if row.grant.facility else None
        provider = picture.providers[row.grant.provider] if row.grant.provider else None
        terms = terms_of(row, facility, provider)
        grant = picture.grants.get(row.grant.key)
        if grant and (fault := _budget_fault(grant, terms)):
            return Outcome("rejected", row, row.grant.key, (fault,))
        changed = self._take_child(row.child)
        changed |= self._take_entitlement(row)
        if grant is None:
            grant = Grant(new_id(), row.grant.key, row.entitlement.key, 1, terms, new=True, versions=[(1, terms)])
            picture.grants[grant.key] = grant
            return Outcome("created", row, grant.key)
        if grant.terms != terms:
            grant.version += 1
            grant.terms = terms
            grant.versions.append((grant.version, terms))
            changed = True
        return Outcome("updated" if changed else "unchanged", row, grant.key)

    def _faults(self, row: RowIn) -> list[Fault]:
        """What does not fit the register as it stands, the rows before included."""
        picture, faults = self.picture, []
        entitlement = picture.entitlements.get(row.entitlement.key)
        if entitlement and entitlement.benefit != row.entitlement.benefit:
            faults.append(Fault("/entitlement/benefit", "benefit_differs", _BENEFIT_DIFFERS))
        if entitlement and entitlement.child_key != row.child.key:
            faults.append(Fault("/child/key", "child_differs", _CHILD_DIFFERS))
        grant = picture.grants.get(row.grant.key)
        if grant and grant.entitlement_key != row.entitlement.key:
            faults.append(Fault("/entitlement/key", "entitlement_differs", _ENTITLEMENT_DIFFERS))
        if row.grant.facility and row.grant.facility not in picture.facilities:
            faults.append(Fault("/grant/facility", "unknown_key", _UNKNOWN_FACILITY))
        if row.grant.provider and row.grant.provider not in picture.providers:
            faults.append(Fault("/grant/provider", "unknown_key", _UNKNOWN_PROVIDER))
        if row.entitlement.number is not None:
            owner = picture.taken.get(self._index(row.entitlement.number))
            if owner not in (None, row.entitlement.key):
                faults.append(Fault("/entitlement/number", "number_taken", _NUMBER_TAKEN))
        return faults

    def _take_child(self, sent: ChildIn) -> bool:
        child = self.picture.children.get(sent.key)
        if child is None:
            self.picture.children[sent.key] = Child(
                new_id(), sent.key, sent.family_name, sent.given_names, sent.date_of_birth, new=True, changed=True
            )
            return True
        if (child.family_name, child.given_names, child.date_of_birth) == (sent.family_name, sent.given_names, sent.date_of_birth):
            return False
        child.family_name, child.given_names, child.date_of_birth = sent.family_name, sent.given_names, sent.date_of_birth
        child.changed = True
        return True

    def _take_entitlement(self, row: RowIn) -> bool:
        sent = row.entitlement
        entitlement = self.picture.entitlements.get(sent.key)
        if entitlement is None:
            entitlement = Entitlement(new_id(), sent.key, row.child.key, sent.benefit, sent.information_allowed, new=True)
            self.picture.entitlements[sent.key] = entitlement
            if sent.number is None:
                self._give(entitlement, new_entitlement_number(), "issued")
        changed = entitlement.new
        if entitlement.information_allowed != sent.information_allowed:
            entitlement.information_allowed = sent.information_allowed
            entitlement.changed = changed = True
        if sent.number is not None and self._index(sent.number) not in entitlement.numbers:
            self._give(entitlement, sent.number, "external")
            changed = True
        return changed

    def _give(self, entitlement: Entitlement, number: str, kind: str) -> None:
        indexes = number_indexes(self._keys, number)
        entitlement.new_numbers.append(Number(number, kind, indexes))
        entitlement.numbers.update(indexes)
        entitlement.number = print_entitlement_number(number) if kind == "issued" else number
        self.picture.taken.update(dict.fromkeys(indexes, entitlement.key))

    def _index(self, number: str) -> bytes:
        return number_indexes(self._keys, number)[0]


def number_indexes(keys: TownKeys, number: str) -> tuple[bytes, ...]:
    """The keyed hashes of a number, however it is written: first the one it is looked up by."""
    return keys.indexes(NUMBER_PURPOSE, fold_entitlement_number(number))


def same_child_text(family_name: str, given_names: str, date_of_birth: str) -> str:
    """What is hashed of a child to find the same one under another key."""
    words = sorted(fold_name(f"{family_name} {given_names}"))
    return f"{' '.join(words)}|{date_of_birth}"


def _budget_fault(grant: Grant, terms: Terms) -> Fault | None:
    """Units cannot be exchanged once some are used: what was counted in minutes cannot be read as euros."""
    before, after = (_UNITS.get(kind) for kind in (grant.terms.budget_kind, terms.budget_kind))
    if before is None or after is None or before == after or grant.used + grant.reserved == 0:
        return None
    return Fault("/grant/budget/kind", "budget_in_use", _BUDGET_IN_USE)


_UNITS: Final = {"minutes": "minutes", "days": "days", "amount": "cents", "saving": "cents"}
_BENEFIT_DIFFERS: Final = Text(
    "Diese Berechtigung besteht für eine andere Leistungsart. Verwenden Sie je Leistungsart einen eigenen Schlüssel.",
    "This entitlement is for another benefit. Use a key of its own for each benefit.",
)
_CHILD_DIFFERS: Final = Text(
    "Diese Berechtigung gehört zu einem anderen Kind.",
    "This entitlement belongs to another child.",
)
_ENTITLEMENT_DIFFERS: Final = Text(
    "Diese Bewilligung gehört zu einer anderen Berechtigung und kann nicht umziehen.",
    "This grant belongs to another entitlement and cannot move.",
)
_UNKNOWN_FACILITY: Final = Text("Diese Einrichtung ist nicht angelegt.", "There is no such facility.")
_UNKNOWN_PROVIDER: Final = Text("Dieser Anbieter ist nicht angelegt.", "There is no such provider.")
_NUMBER_TAKEN: Final = Text("Diese Nummer gehört zu einer anderen Berechtigung.", "This number belongs to another entitlement.")
_BUDGET_IN_USE: Final = Text(
    "Von diesem Budget ist schon etwas verbraucht; die Einheit lässt sich nicht mehr ändern. Legen Sie eine neue Bewilligung an.",
    "Some of this budget is used already; its unit cannot be changed any more. Make a new grant.",
)

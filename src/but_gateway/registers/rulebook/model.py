"""Rules and parameters as entries of a book: what the API, the page and the command line show alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from but_gateway.law.parameters import Reading, readings_on
from but_gateway.law.statute import FEDERAL_FIELDS, STATE_FIELDS
from but_gateway.rules.catalogue import BY_ID, ELSEWHERE
from but_gateway.rules.texts import RuleTexts, rule_texts
from but_gateway.rules.wording import Lang

# The families of the published catalogue in its order; what begins with no such letter is about the law itself.
FAMILIES: Final[Mapping[str, str]] = {
    "H": "Form der Rechnung",
    "I": "Identität",
    "E": "Berechtigung",
    "P": "Anbieter und Vereinbarung",
    "M": "Mittagsverpflegung",
    "L": "Lernförderung",
    "X": "Teilhabe, Ausflüge und Fahrten",
    "D": "Doppelte Abrechnung",
    "B": "Budget",
    "S": "Auszahlung und Berichtigung",
    "T": "Umsatzsteuer",
    "law": "Recht",
}
_UNITS: Final = {"money": "EUR", "rate": "%"}


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """One rule. ``decides`` is False where it decides no position of itself; then it has neither effects nor examples.

    ``condition`` and ``examples`` (what happens, whether the rule then holds) are German; ``texts`` are in the language asked for.
    ``benefits`` and ``forms`` None = all; ``since`` and ``until`` are service days, None = always.
    """

    id: str
    decides: bool
    condition: str
    effects: tuple[str, ...]
    basis: str | None
    benefits: tuple[str, ...] | None
    forms: tuple[str, ...] | None
    since: date | None
    until: date | None
    texts: RuleTexts
    examples: tuple[tuple[str, bool], ...]

    @property
    def family(self) -> str:
        """The letter of its family."""
        letter = self.id.partition("-")[0]
        return letter if letter in FAMILIES else "law"

    def in_force_on(self, day: date) -> bool:
        """Whether it is asked about services of that day."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class ParameterEntry:
    """One parameter of the law on a day. ``value`` is None where it is not loaded or differs by legal basis (``by_basis``)."""

    key: str
    area: str
    state: str | None
    description: str
    value: str | None
    by_basis: Mapping[str, str | None] | None
    unit: str | None
    first: date
    last: date | None
    reference: str
    still_valid_on: date
    not_loaded: str | None


def all_rule_ids() -> tuple[str, ...]:
    """Every id of the catalogue, whether it decides positions or not, in the order of the published one."""
    order = list(FAMILIES)
    known = {*BY_ID, *ELSEWHERE}
    return tuple(sorted(known, key=lambda one: (order.index(letter) if (letter := one.partition("-")[0]) in order else len(order), one)))


def rule_entry(rule_id: str, lang: Lang) -> RuleEntry | None:
    """The entry of a rule, None where there is none of this id."""
    rule = BY_ID.get(rule_id)
    if rule is None:
        return _elsewhere(rule_id, ELSEWHERE[rule_id], lang) if rule_id in ELSEWHERE else None
    return RuleEntry(
        id=rule.id,
        decides=True,
        condition=rule.condition,
        effects=tuple(effect.name.lower() for effect in rule.effects),
        basis=rule.basis,
        benefits=None if rule.benefits is None else tuple(sorted(rule.benefits)),
        forms=None if rule.forms is None else tuple(sorted(str(form) for form in rule.forms)),
        since=rule.since,
        until=rule.until,
        texts=rule_texts(rule.id, lang),
        examples=tuple((one.says, one.holds) for one in rule.examples),
    )


def _elsewhere(rule_id: str, where: str, lang: Lang) -> RuleEntry:
    return RuleEntry(
        id=rule_id,
        decides=False,
        condition=f"{where[:1].upper()}{where[1:]}.",
        effects=(),
        basis=None,
        benefits=None,
        forms=None,
        since=None,
        until=None,
        texts=rule_texts(rule_id, lang),
        examples=(),
    )


def rule_entries(day: date, lang: Lang) -> tuple[RuleEntry, ...]:
    """All rules in force on a service day."""
    entries = (rule_entry(one, lang) for one in all_rule_ids())
    return tuple(one for one in entries if one is not None and one.in_force_on(day))


def parameter_entries(day: date) -> tuple[ParameterEntry, ...]:
    """All parameters of the law with their values on a day.

    Refuses a day before the first law (LawNotLoaded).
    """
    return tuple(parameter_entry(one) for one in readings_on(day))


def parameter_entry(reading: Reading) -> ParameterEntry:
    """A reading of the law in words and decimal strings."""
    parameter, entry = reading.parameter, reading.entry
    kind = (FEDERAL_FIELDS if parameter.state is None else STATE_FIELDS)[parameter.name]["kind"]
    by_basis = isinstance(entry.written, dict)
    return ParameterEntry(
        key=parameter.key,
        area=parameter.area,
        state=parameter.state,
        description=parameter.description,
        value=None if by_basis else _plain(entry.written),
        by_basis={str(basis): _plain(one) for basis, one in entry.written.items()} if isinstance(entry.written, dict) else None,
        unit=_UNITS.get(kind) or (parameter.name.rpartition("_")[2] if kind.startswith("count") else None),
        first=entry.first,
        last=entry.last,
        reference=entry.reference,
        still_valid_on=entry.still_valid_on,
        not_loaded=reading.not_loaded,
    )


def _plain(written: Any) -> str | None:  # noqa: ANN401 - whatever the YAML of the law may hold
    if written is None:
        return None
    if isinstance(written, bool):
        return str(written).lower()
    return ", ".join(written) if isinstance(written, list) else str(written)

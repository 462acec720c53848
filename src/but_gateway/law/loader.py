"""Reads the YAML files of the law and refuses what is wrong in them: the schema check of ``law/*.yaml``.

A file is ``{area, state?, parameters: {name: {description, values: [{from, to?, value | not_loaded, reference, still_valid_on}]}}}``.
Amounts and rates are decimal strings, read by ``kit.money``; days are YAML dates; ``to`` is the last day and is left out
in the last entry only. Names must be exactly the fields of ``Law`` (federal) or ``StateLaw`` (files with ``state``).
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml

from but_gateway.kit.money import parse_money
from but_gateway.law.basis import LegalBasis
from but_gateway.law.book import Entry, LawBook, Parameter
from but_gateway.law.statute import FEDERAL_FIELDS, FIRST_DAY, STATE_FIELDS, Law, MonthDay, NotLoaded, StateLaw

_ONE_DAY: Final = timedelta(days=1)
_MONTH_DAY: Final = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", re.ASCII)
_STATE: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_ENTRY_KEYS: Final = frozenset({"from", "to", "value", "not_loaded", "reference", "still_valid_on"})


class BadLaw(ValueError):  # noqa: N818 - reads as what is wrong: a bad law file
    """A law file breaks its schema. The text names file, parameter and entry."""


class StrictLoader(yaml.SafeLoader):
    """YAML that refuses a key given twice, which plain YAML readers silently overwrite."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        """The mapping of a node. Refuses a key given twice (BadLaw)."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {str(key) for key in keys if keys.count(key) > 1}
        if twice:
            raise BadLaw(f"key given twice: {', '.join(sorted(twice))}")
        return super().construct_mapping(node, deep=deep)


def read_law(directory: Path) -> LawBook:
    """The law book of a directory of YAML files.

    Refuses (BadLaw) an unknown or missing key, a value of another kind, a gap, an overlap, a missing reference or confirmation,
    a parameter that is missing or given twice.
    """
    digest = hashlib.sha256()
    parameters: list[Parameter] = []
    for path in sorted(directory.glob("*.yaml")):
        content = path.read_bytes()
        digest.update(path.name.encode() + b"\0" + content + b"\0")
        parameters.extend(_read_file(path.name, content))
    _check_complete(parameters)
    return bind(parameters, digest.hexdigest()[:16])


def bind(parameters: Iterable[Parameter], version: str) -> LawBook:
    """The law book of complete parameters: the law of every stretch between two turning days."""
    parameters = tuple(parameters)
    days = tuple(sorted({entry.first for one in parameters for entry in one.entries}))
    return LawBook(parameters, days, tuple(_law_on(day, parameters) for day in days), version)


def _read_file(name: str, content: bytes) -> list[Parameter]:
    try:
        document = yaml.load(content, Loader=StrictLoader)  # noqa: S506 - a SafeLoader: it builds nothing but plain values
    except yaml.YAMLError as error:
        raise BadLaw(f"{name}: not YAML: {error}") from error
    top = _mapping(document, name, required={"area", "parameters"}, optional={"state"})
    state = top.get("state")
    if state is not None and not (isinstance(state, str) and _STATE.fullmatch(state)):
        raise BadLaw(f"{name}: state must be two capital letters")
    area = _text(top["area"], f"{name}: area")
    known = FEDERAL_FIELDS if state is None else STATE_FIELDS
    if not isinstance(top["parameters"], dict) or not top["parameters"]:
        raise BadLaw(f"{name}: parameters must be a mapping")
    found = []
    for key, body in top["parameters"].items():
        if key not in known:
            raise BadLaw(f"{name}: unknown parameter {key}")
        found.append(_read_parameter(f"{name}: {key}", key, area, state, body))
    return found


def _read_parameter(place: str, name: str, area: str, state: str | None, body: object) -> Parameter:
    parts = _mapping(body, place, required={"description", "values"}, optional=set())
    rows = parts["values"]
    if not isinstance(rows, list) or not rows:
        raise BadLaw(f"{place}: values must be a list with at least one entry")
    key = name if state is None else f"{state}.{name}"
    metadata = (FEDERAL_FIELDS if state is None else STATE_FIELDS)[name]
    entries = tuple(_read_entry(f"{place}[{index}]", key, metadata, row) for index, row in enumerate(rows))
    _check_days(place, entries)
    return Parameter(name, area, state, _text(parts["description"], f"{place}: description"), entries)


def _read_entry(place: str, key: str, metadata: Mapping[str, Any], row: object) -> Entry:
    parts = _mapping(row, place, required={"from", "reference", "still_valid_on"}, optional=set(_ENTRY_KEYS))
    if ("value" in parts) == ("not_loaded" in parts):
        raise BadLaw(f"{place}: exactly one of value and not_loaded is due")
    value: object
    if "not_loaded" in parts:
        if not metadata["may_be_missing"]:
            raise BadLaw(f"{place}: this parameter must always be loaded")
        value = NotLoaded(key, _text(parts["not_loaded"], f"{place}: not_loaded"))
    else:
        value = read_value(metadata["kind"], parts["value"], place)
    return Entry(
        first=_day(parts["from"], f"{place}: from"),
        last=_day(parts["to"], f"{place}: to") if "to" in parts else None,
        value=value,
        written=parts.get("value"),
        reference=_text(parts["reference"], f"{place}: reference"),
        still_valid_on=_day(parts["still_valid_on"], f"{place}: still_valid_on"),
    )


def read_value(kind: str, written: object, place: str) -> object:
    """A value of a kind (law/statute.py) as YAML writes it. Refuses one of another kind; the text names the place (BadLaw)."""
    return _READERS[kind](written, place)


def _check_days(place: str, entries: tuple[Entry, ...]) -> None:
    """Refuses gaps, overlaps, a late beginning and an end of all time (BadLaw)."""
    expected: date | None = FIRST_DAY
    for entry in entries:
        if expected is None:
            raise BadLaw(f"{place}: overlap: an entry follows one that has no end")
        if entry.first != expected:
            kind = "gap" if entry.first > expected else "overlap"
            raise BadLaw(f"{place}: {kind}: {entry.first} follows where {expected} is due")
        if entry.last is not None and entry.last < entry.first:
            raise BadLaw(f"{place}: {entry.first} ends before it begins")
        expected = None if entry.last is None else entry.last + _ONE_DAY
    if expected is not None:
        raise BadLaw(f"{place}: gap: nothing from {expected} on")


def _check_complete(parameters: list[Parameter]) -> None:
    keys = [one.key for one in parameters]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise BadLaw(f"given twice: {', '.join(twice)}")
    states = {one.state for one in parameters if one.state is not None}
    due = set(FEDERAL_FIELDS) | {f"{state}.{name}" for state in states for name in STATE_FIELDS}
    missing = sorted(due - set(keys))
    if missing:
        raise BadLaw(f"missing: {', '.join(missing)}")


def _law_on(day: date, parameters: tuple[Parameter, ...]) -> Law:
    federal: dict[str, Any] = {}
    states: dict[str, dict[str, Any]] = {}
    for one in parameters:
        value = one.entry_on(day).value
        if one.state is None:
            federal[one.name] = value
        else:
            states.setdefault(one.state, {})[one.name] = value
    return Law(**federal, states=MappingProxyType({state: StateLaw(**values) for state, values in states.items()}))


def _mapping(value: object, place: str, *, required: set[str], optional: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadLaw(f"{place}: a mapping is due")
    unknown = sorted(str(key) for key in value if key not in required | optional)
    if unknown:
        raise BadLaw(f"{place}: unknown key {', '.join(unknown)}")
    missing = sorted(required - set(value))
    if missing:
        raise BadLaw(f"{place}: missing {', '.join(missing)}")
    return value


def _text(value: object, place: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise BadLaw(f"{place}: a text is due")
    return value


def _day(value: object, place: str) -> date:
    # A YAML timestamp is a datetime and with that also a date: only a plain day will do.
    if type(value) is not date:
        raise BadLaw(f"{place}: a day is due")
    return value


def _read_decimal(value: object, place: str) -> int:
    try:
        hundredths = parse_money(value) if isinstance(value, str) else -1
    except ValueError:
        hundredths = -1
    if hundredths < 0:
        raise BadLaw(f'{place}: a decimal string such as "15.00" is due')
    return hundredths


def _read_count(value: object, place: str) -> int:
    if type(value) is not int or value < 0:
        raise BadLaw(f"{place}: a whole number is due")
    return value


def _read_flag(value: object, place: str) -> bool:
    if not isinstance(value, bool):
        raise BadLaw(f"{place}: true or false is due")
    return value


def _read_month_day(value: object, place: str) -> MonthDay:
    found = _MONTH_DAY.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise BadLaw(f'{place}: a day of the year such as "03-31" is due')
    return MonthDay(int(found[1]), int(found[2]))


def _read_words(value: object, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise BadLaw(f"{place}: a list of words is due")
    return tuple(_text(word, place) for word in value)


def _by_basis(value: object, place: str) -> dict[LegalBasis, Any]:
    names = {basis.value for basis in LegalBasis}
    return {LegalBasis(name): one for name, one in _mapping(value, place, required=names, optional=set()).items()}


def _read_count_by_basis(value: object, place: str) -> Mapping[LegalBasis, int | None]:
    return MappingProxyType({basis: None if one is None else _read_count(one, place) for basis, one in _by_basis(value, place).items()})


def _read_flag_by_basis(value: object, place: str) -> Mapping[LegalBasis, bool]:
    return MappingProxyType({basis: _read_flag(one, place) for basis, one in _by_basis(value, place).items()})


_READERS: Final[dict[str, Callable[[object, str], object]]] = {
    "money": _read_decimal,
    "rate": _read_decimal,
    "count": _read_count,
    "flag": _read_flag,
    "month_day": _read_month_day,
    "words": _read_words,
    "count_by_basis": _read_count_by_basis,
    "flag_by_basis": _read_flag_by_basis,
}

"""Facts as compact, JSON-able documents and back, exactly: what a decision is stored with.

A part becomes an object of short names that leaves out what equals the default; days are ISO texts, enumerations their values.
Parts that many decisions share (town, provider, agreement, facility, claim, grant) have documents of their own, so that they can be
stored once under the hash of their content. Renaming a field needs no migration: the short names here are what is stored.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from but_gateway.rules.facts import (
    Agreement,
    Budget,
    Claim,
    Corrected,
    DatedPrice,
    Facility,
    Facts,
    Grant,
    Lesson,
    Overlap,
    Provider,
    Rival,
    Situation,
    Town,
    TutoringTerms,
)

Part = Town | Provider | Agreement | Facility | Claim | Grant
Document = dict[str, Any]
T = TypeVar("T")
_Codec = tuple[Callable[[Any], Any] | None, Callable[[Any], Any] | None]  # to and from a document; None = as it is

# Names in documents. They may be added to and never change their meaning: stored decisions are read by them.
_SHORT: Final[Mapping[type, Mapping[str, str]]] = {
    Lesson: {"subject": "s", "group_size": "g", "minutes": "m", "recorded_from": "f", "recorded_to": "t", "proof": "p"},
    Claim: {
        "benefit": "b", "item": "i", "form": "f", "unit_price": "p", "attended": "a", "attended_days": "ad", "cancelled_late": "cl",
        "relative": "r", "activity": "ac", "vat_rate": "v", "vat_exemption": "ve", "lesson": "l",
    },
    DatedPrice: {"item": "i", "valid_from": "f", "unit_price": "p"},
    Town: {
        "protect_good_faith": "gf", "holiday_lunch": "hl", "submission_months": "sm", "late_effect": "le", "tax_effect": "te",
        "relatives_excluded": "re", "participation_saving": "ps", "flat_proration": "fp", "lunch_price_ceilings": "pc",
    },
    Provider: {"status": "s", "suspended_from": "f"},
    TutoringTerms: {
        "unit_minutes": "u", "group_max": "g", "minutes_rule": "r", "absence_share": "as", "absences_per_month": "am",
        "units_per_day_max": "d",
    },
    Agreement: {
        "mode": "m", "evidence": "e", "prices": "p", "vat_treatment": "v", "drink_included": "d", "late_cancellation_share": "lc",
        "absence_threshold_days": "at", "submission_months": "sm", "late_effect": "le", "tutoring": "t",
    },
    Facility: {"kind": "k", "has_cooperating_school": "c"},
    Budget: {"kind": "k", "limit": "l"},
    Grant: {
        "ref": "id", "version": "v", "key": "k", "legal_basis": "lb", "valid_from": "f", "valid_to": "t", "status": "s", "attends": "a",
        "provider_named": "pn", "provider_is_this": "pt", "facility_named": "fn", "facility_is_this": "ft", "subjects": "su",
        "tutoring_form": "tf", "budget": "b", "revoked_from": "rf", "notified_on": "no", "flagged": "fl", "widened": "w",
    },
    Rival: {"same_provider": "p", "state": "s", "attributed": "a", "this_attributed": "t"},
    Overlap: {"same_provider": "p", "same_start": "s"},
    Corrected: {"found": "f", "approved": "a", "corrected": "c"},
    Situation: {
        "first_day": "f", "last_day": "t", "quantity": "q", "claimed": "c", "received_on": "r", "identity": "i", "number_lost_on": "nl",
        "age": "a", "age_before_month": "am", "closed": "cl", "sunday_or_holiday": "sh", "open_days": "od", "budgets_left": "bl",
        "rival": "ri", "overlap": "ov", "tutor_overlap": "to", "proof_used": "pu", "minutes_that_day": "md", "absences_paid": "ap",
        "absence_days_run": "ar", "paid_by_family": "pf", "iban_differs": "ib", "promised": "pr", "corrected": "co",
    },
    Facts: {
        "situation": "s", "claim": "c", "town": "t", "provider": "p", "agreement": "a", "facility": "f", "grants": "g",
        "other_benefits": "ob",
    },
}  # fmt: skip

# The names under which a situation's document carries its own days.
DAY_NAMES: Final = (_SHORT[Situation]["first_day"], _SHORT[Situation]["last_day"])


def to_document(facts: Facts) -> Document:
    """The whole facts as one document."""
    return _WRITERS[Facts](facts)


def from_document(document: Document) -> Facts:
    """The facts a document was made of. Refuses what ``to_document`` does not make (KeyError, ValueError, TypeError)."""
    return _read(Facts, document)


def part_document(part: Part) -> Document:
    """A part that many decisions share, as a document."""
    return _WRITERS[type(part)](part)


def part_from_document(kind: type[T], document: Document) -> T:
    """The part of this class that a document was made of."""
    return _read(kind, document)


def situation_document(situation: Situation) -> Document:
    """A position's own part as a document."""
    return _WRITERS[Situation](situation)


def situation_from_document(document: Document) -> Situation:
    """The situation a document was made of."""
    return _read(Situation, document)


def _read(kind: type[T], document: Document) -> T:
    made = _READERS[kind](document)
    assert isinstance(made, kind)  # noqa: S101 - readers are made per class; this tells the type checker
    return made


def _codec(hint: Any) -> _Codec:  # noqa: ANN401 - a type hint can be anything
    """How values of an annotated type go to a document and back."""
    args = get_args(hint)
    if get_origin(hint) is UnionType:
        inner = next(one for one in args if one is not NoneType)
        write, read = _codec(inner)
        return write and _unless_none(write), read and _unless_none(read)
    if get_origin(hint) is tuple:
        write, read = _codec(args[0])
        return (_each(write, list), _each(read, tuple))
    if hint is date:
        return date.isoformat, date.fromisoformat
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return str, hint
    if hint in _SHORT:
        return _WRITERS[hint], _READERS[hint]
    return None, None


def _unless_none(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else convert(value)


def _each(convert: Callable[[Any], Any] | None, kind: type[list[Any] | tuple[Any, ...]]) -> Callable[[Any], Any]:
    if convert is None:
        return kind
    return lambda values: kind([convert(value) for value in values])


def _writer_of(kind: type) -> Callable[[Any], Document]:
    hints = get_type_hints(kind)
    plan = [(one.name, _SHORT[kind][one.name], one.default, _codec(hints[one.name])[0]) for one in fields(kind)]

    def write(part: object) -> Document:
        document: Document = {}
        for name, short, default, convert in plan:
            value = getattr(part, name)
            if value is not default and value != default:
                document[short] = value if convert is None else convert(value)
        return document

    return write


def _reader_of(kind: type) -> Callable[[Document], Any]:
    hints = get_type_hints(kind)
    plan = {_SHORT[kind][one.name]: (one.name, _codec(hints[one.name])[1]) for one in fields(kind)}

    def read(document: Document) -> object:
        values = {}
        for short, value in document.items():
            name, convert = plan[short]
            values[name] = value if convert is None else convert(value)
        return kind(**values)

    return read


_WRITERS: Final[dict[type, Callable[[Any], Document]]] = {}
_READERS: Final[dict[type, Callable[[Document], Any]]] = {}
# Parts before the wholes that hold them: that is the order of _SHORT.
for _kind in _SHORT:
    _WRITERS[_kind] = _writer_of(_kind)
    _READERS[_kind] = _reader_of(_kind)

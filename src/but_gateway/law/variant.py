"""Another law to try: the law book with some values replaced for some days. Decisions are never made by one of these."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from but_gateway.law.book import Entry, LawBook
from but_gateway.law.loader import BadLaw, bind, read_value
from but_gateway.law.statute import FEDERAL_FIELDS, FIRST_DAY

_ONE_DAY = timedelta(days=1)
_SUPPOSED = "angenommen für die Nachberechnung"


@dataclass(frozen=True, slots=True)
class SupposedValue:
    """A federal parameter that is to have another value from a day on, to a last day or (None) for all time.

    ``written`` is as the YAML of the law has it.
    """

    parameter: str
    first: date
    last: date | None
    written: object


def suppose(book: LawBook, values: Iterable[SupposedValue]) -> LawBook:
    """The law book with these values in place of its own; a later one goes over an earlier one.

    Refuses (BadLaw) a parameter that is not federal law, a value of another kind, days before 2011 and a last day before the first.
    """
    parameters = {one.key: one for one in book.parameters}
    for supposed in values:
        if supposed.parameter not in FEDERAL_FIELDS:
            raise BadLaw(f"{supposed.parameter}: unknown parameter")
        if supposed.first < FIRST_DAY or (supposed.last is not None and supposed.last < supposed.first):
            raise BadLaw(f"{supposed.parameter}: days from {FIRST_DAY} on are due, the first before the last")
        value = read_value(FEDERAL_FIELDS[supposed.parameter]["kind"], supposed.written, supposed.parameter)
        entry = Entry(supposed.first, supposed.last, value, supposed.written, _SUPPOSED, supposed.first)
        whole = parameters[supposed.parameter]
        parameters[supposed.parameter] = replace(whole, entries=tuple(_cut_in(whole.entries, entry)))
    return bind(parameters.values(), f"{book.version}*")


def _cut_in(entries: Iterable[Entry], new: Entry) -> list[Entry]:
    """The entries with the new one in its days; what it covers goes, what it overlaps is cut."""
    kept = [new]
    for old in entries:
        if old.first < new.first:
            before = new.first - _ONE_DAY
            kept.append(replace(old, last=before if old.last is None else min(old.last, before)))
        if new.last is not None and (old.last is None or old.last > new.last):
            kept.append(replace(old, first=max(old.first, new.last + _ONE_DAY)))
    return sorted(kept, key=lambda entry: entry.first)

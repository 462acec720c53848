"""The law book: all parameters with all their entries, and the law of each stretch of days between two turning days."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date

from but_gateway.kit.period import Month
from but_gateway.law.statute import Law, LawNotLoaded, NotLoaded


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of one parameter for a closed stretch of days; ``last`` None = until further notice."""

    first: date
    last: date | None
    value: object
    written: object  # the value as the YAML has it (money and rates: decimal strings); None where it is not loaded
    reference: str
    still_valid_on: date

    def in_force_on(self, day: date) -> bool:
        """Whether the day lies in the stretch."""
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter with its entries, without gap or overlap from 2011-01-01 on. ``state`` is None for federal law."""

    name: str
    area: str
    state: str | None
    description: str
    entries: tuple[Entry, ...]

    @property
    def key(self) -> str:
        """Its name among all: that of its field, for state law with the state before it."""
        return self.name if self.state is None else f"{self.state}.{self.name}"

    def entry_on(self, day: date) -> Entry:
        """The entry in force on a day that is not before the first entry."""
        index = bisect_right(self.entries, day, key=lambda entry: entry.first) - 1
        return self.entries[index]


@dataclass(frozen=True, slots=True)
class Reading:
    """A parameter and one entry of it: what staff see."""

    parameter: Parameter
    entry: Entry

    @property
    def not_loaded(self) -> str | None:
        """The reason why there is no value, or None where there is one."""
        return self.entry.value.reason if isinstance(self.entry.value, NotLoaded) else None


@dataclass(frozen=True, slots=True)
class LawBook:
    """Everything loaded. ``laws[i]`` holds from ``turning_days[i]`` to the day before the next."""

    parameters: tuple[Parameter, ...]
    turning_days: tuple[date, ...]
    laws: tuple[Law, ...]
    version: str

    def at(self, day: date) -> Law:
        """The law in force on a day.

        Refuses a day before the first turning day (LawNotLoaded).
        """
        index = bisect_right(self.turning_days, day) - 1
        if index < 0:
            first = self.turning_days[0].strftime("%d.%m.%Y")
            raise LawNotLoaded("law", f"Vor dem {first} ist kein Recht geladen.")
        return self.laws[index]

    def readings_on(self, day: date) -> tuple[Reading, ...]:
        """Every parameter with its entry on a day.

        Refuses a day before the first turning day (LawNotLoaded).
        """
        self.at(day)
        return tuple(Reading(one, one.entry_on(day)) for one in self.parameters)

    def stale(self, on: date, months: int) -> tuple[Reading, ...]:
        """Entries not yet ended on a day and confirmed last more than so many months before it, oldest first.

        What ended earlier is history: no later review can change it.
        """
        month = Month.of(on).plus(-months)
        limit = date(month.year, month.number, min(on.day, month.last.day))
        found = [
            Reading(parameter, entry)
            for parameter in self.parameters
            for entry in parameter.entries
            if entry.still_valid_on < limit and (entry.last is None or entry.last >= on)
        ]
        return tuple(sorted(found, key=lambda reading: (reading.entry.still_valid_on, reading.parameter.key, reading.entry.first)))

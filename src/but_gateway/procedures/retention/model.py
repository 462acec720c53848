"""What retention works with: periods, horizons, and what was deleted."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from but_gateway.db.engine import Database
from but_gateway.db.session import UnitOfWork
from but_gateway.db.tenancy import Scope
from but_gateway.kit.ids import first_id_at

MONTHS_OF_A_YEAR: Final = 12


@dataclass(frozen=True, slots=True)
class Place:
    """Rows of a table that were made in a month (``first``: its first day); for rows without an id of that kind, the month of deletion."""

    source: str
    first: date


@dataclass(frozen=True, slots=True)
class Deleted:
    """What one transaction deleted by a rule."""

    rule: str
    rows: Mapping[Place, int]


@dataclass(frozen=True, slots=True)
class Held:
    """What a rule would delete and does not yet, and why."""

    rule: str
    why: str
    rows: int


@dataclass(slots=True)
class Run:
    """One run over a town as the owner of the tables. A dry run does all of it in one transaction, which is not kept."""

    database: Database
    town_id: UUID
    now: datetime
    actor: str
    dry: bool
    held: list[Held] = field(default_factory=list)
    _unit: UnitOfWork | None = None

    @asynccontextmanager
    async def whole(self) -> AsyncIterator[None]:
        """Around everything: the transaction of a dry run."""
        if not self.dry:
            yield
            return
        async with self.database.transaction(Scope(self.town_id)) as unit:
            self._unit = unit
            yield
            self._unit = None
            unit.discard()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[UnitOfWork]:
        """A transaction of the town, kept unless the run is dry."""
        if self._unit is not None:
            yield self._unit
            return
        async with self.database.transaction(Scope(self.town_id)) as unit:
            yield unit

    def hold(self, rule: str, why: str, rows: int) -> None:
        """Notes what stays though its time is over."""
        if rows:
            self.held.append(Held(rule, why, rows))


def month_of(row_id: UUID) -> date:
    """The first day of the month (UTC) in which an id was made."""
    made = datetime.fromtimestamp((row_id.int >> 80) // 1000, UTC)
    return date(made.year, made.month, 1)


def bound_of(first: date) -> UUID:
    """The smallest id made from a day (UTC) on."""
    return first_id_at(int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()) * 1000)


def months_before(day: date, months: int) -> date:
    """The first day of the month that lies so many months before a day's."""
    count = day.year * MONTHS_OF_A_YEAR + day.month - 1 - months
    return date(count // MONTHS_OF_A_YEAR, count % MONTHS_OF_A_YEAR + 1, 1)


def counted(source: str, ids: Iterable[UUID]) -> Counter[Place]:
    """Rows by the month of their ids."""
    return Counter(Place(source, month_of(one)) for one in ids)


def horizon(adoptions: Mapping[int, date], first_year: int | None, years_kept: int, today: date) -> int | None:
    """The last fiscal year of which everything may be deleted, and of all before it; None where there is none.

    A year's time runs from the 1st of January after the year in which its accounts were adopted. A year without adoption holds back
    those after it too: what hangs together is deleted together.
    """
    if first_year is None:
        return None
    year = first_year
    while year in adoptions and today.year > adoptions[year].year + years_kept:
        year += 1
    return year - 1 if year > first_year else None

"""What all that is known of a payment comes to, in whatever order it was reported.

The bookings of a payment are put in the order of their days, an execution before a return of the same day. Executions that follow each
other without a return between them are one group, and so are returns. Of a group one entry is real; the bank's second booking in it is a
duplicate, a message in it confirms. So the same reports in any order come to the same books, and what is learned later only splits
groups: what was once posted stays right.

| stands | an execution is reported | a return is reported |
|---|---|---|
| handed over | paid | returned; posted only if the execution before it becomes known |
| paid | confirms, or duplicate | returned |
| returned, of an earlier or the same day | both are posted, it stays returned | confirms, or duplicate |
| returned before that day, repeat not handed over | paid again; the repeat will leave its batch | – |
| returned before that day, repeat handed over | duplicate: the money went out twice | – |
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from uuid import UUID

from but_gateway.formats.bookings import Direction
from but_gateway.procedures.reconciliation.model import HANDED_OVER, PAID, RETURNED, Account, Outcome, Said, Source, State


@dataclass(frozen=True, slots=True)
class _Event:
    """A booking of the whole amount: one entry, or partial ones that add up."""

    entries: tuple[Said, ...]

    @property
    def direction(self) -> Direction:
        return self.entries[0].direction

    @property
    def booked_on(self) -> date:
        return max(e.booked_on for e in self.entries)

    @property
    def is_effective(self) -> bool:
        return any(e.effective for e in self.entries)

    @property
    def is_statement(self) -> bool:
        return any(e.source is Source.STATEMENT for e in self.entries)

    @property
    def order(self) -> tuple[date, bool, UUID]:
        """By day, executions before returns; on the same day in the order in which they were reported."""
        return self.booked_on, self.direction is Direction.RETURNED, self.entries[0].id


def follow(account: Account, entries: Sequence[Said]) -> Outcome:
    """The state of a payment and of each of its entries, from all entries there are."""
    marks: dict[UUID, tuple[State, bool]] = {e.id: (_amount_state(e, account.net), False) for e in entries if not e.whole}
    events = _events(entries, account.net)
    if account.repeated:
        events, twice = _without_second(events)
        marks |= {entry.id: (State.DUPLICATE, False) for event in twice for entry in event.entries}
    paid: list[_Event] = []
    returned: list[_Event] = []
    posted_returns: list[date] = []
    for direction, group in _groups(events):
        real = _mark(marks, group)
        if direction is Direction.PAID:
            paid.append(real)
        else:
            returned.append(real)
            if paid:
                posted_returns.append(real.booked_on)
    state = {None: HANDED_OVER, Direction.PAID: PAID, Direction.RETURNED: RETURNED}[events[-1].direction if events else None]
    return Outcome(
        state=state,
        paid_on=paid[-1].booked_on if state == PAID else None,
        returned_on=returned[-1].booked_on if state == RETURNED else None,
        return_reason=returned[-1].entries[0].return_reason if state == RETURNED else None,
        paid=tuple(event.booked_on for event in paid),
        returned=tuple(posted_returns),
        marks=marks,
    )


def missing(wanted: Iterable[date], booked: Iterable[date]) -> list[date]:
    """The days that are wanted and not booked yet. Refuses when something is booked that is not wanted (ValueError)."""
    rest = list(wanted)
    for day in booked:
        rest.remove(day)
    return rest


def _events(entries: Sequence[Said], net: int) -> list[_Event]:
    events = [_Event((e,)) for e in entries if e.whole]
    parts = [e for e in entries if not e.whole and e.direction is Direction.PAID and e.cents is not None and e.cents < net]
    # Parts make up a payment once; what comes in parts after that is for a person.
    together = [e for e in parts if e.effective] or parts
    if together and sum(e.cents or 0 for e in together) == net:
        events.append(_Event(tuple(together)))
    return sorted(events, key=lambda event: event.order)


def _groups(events: Sequence[_Event]) -> Iterator[tuple[Direction, list[_Event]]]:
    for direction, group in groupby(events, key=lambda event: event.direction):
        yield direction, list(group)


def _without_second(events: Sequence[_Event]) -> tuple[list[_Event], list[_Event]]:
    """Of a payment whose repeat was handed over: what stays, and executions after a return, which are the same money once more.

    One that was booked before the repeat left stays what it is; the repeat would not have left then.
    """
    stay: list[_Event] = []
    twice: list[_Event] = []
    came_back = False
    for direction, group in _groups(events):
        is_second = direction is Direction.PAID and came_back and not any(event.is_effective for event in group)
        (twice if is_second else stay).extend(group)
        came_back = came_back or direction is Direction.RETURNED
    return stay, twice


def _mark(marks: dict[UUID, tuple[State, bool]], group: Sequence[_Event]) -> _Event:
    """Says of each event of a group what it is; answers the real one."""
    real = next((e for e in group if e.is_effective), None) or next((e for e in group if e.is_statement), group[0])
    statements = real.is_statement
    for event in group:
        if event is real:
            mark = (State.RETURNED if event.direction is Direction.RETURNED else State.MATCHED, True)
        elif event.is_statement and statements:
            mark = (State.DUPLICATE, False)
        else:
            mark = (State.MATCHED, False)
            statements = statements or event.is_statement
        marks |= {entry.id: mark for entry in event.entries}
    return real


def _amount_state(entry: Said, net: int) -> State:
    return State.PARTIAL if entry.cents is not None and entry.cents < net else State.OVERPAID

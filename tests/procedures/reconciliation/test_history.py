"""What is known of a payment comes to the same, in whatever order it was reported; what was booked once stays right."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from but_gateway.formats.bookings import Direction
from but_gateway.procedures.reconciliation.history import follow, missing
from but_gateway.procedures.reconciliation.model import Account, Outcome, Said, Source, State

NET = 1000
PAYMENT = Account(UUID(int=1), UUID(int=2), UUID(int=3), NET, "handed_over", None, None, repeated=False, paid=(), returned=())


def said(  # noqa: PLR0913 - the parts of an entry, all named
    number: int, direction: str, day: int, *, source: str = "statement", cents: int = NET, reason: str | None = None
) -> Said:
    return Said(
        UUID(int=number), PAYMENT.id, Direction(direction), Source(source), date(2026, 12, day), cents, cents == NET, State.MATCHED,
        effective=False, return_reason=reason,
    )  # fmt: skip


def out(number: int, day: int, **more: str) -> Said:
    return said(number, "paid", day, **more)  # type: ignore[arg-type] # source only


def back(number: int, day: int, **more: str) -> Said:
    return said(number, "returned", day, **more)  # type: ignore[arg-type] # source and reason only


def come_to(*entries: Said, repeated: bool = False) -> Outcome:
    return follow(replace(PAYMENT, repeated=repeated), entries)


def story(outcome: Outcome) -> tuple[str, list[int], list[int]]:
    return outcome.state, [d.day for d in outcome.paid], [d.day for d in outcome.returned]


def states(outcome: Outcome) -> list[str]:
    return [outcome.marks[key][0].value for key in sorted(outcome.marks)]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ((), ("handed_over", [], [])),
        ((out(1, 15),), ("paid", [15], [])),
        ((out(1, 15), back(2, 17)), ("returned", [15], [17])),
        ((back(1, 17),), ("returned", [], [])),
        ((back(1, 17), out(2, 15)), ("returned", [15], [17])),
        ((out(1, 15), back(2, 15)), ("returned", [15], [15])),
        ((out(1, 15), back(2, 17), out(3, 18)), ("paid", [15, 18], [17])),
        ((back(1, 14), out(2, 15)), ("paid", [15], [])),
        ((back(1, 14), out(2, 15), back(3, 16)), ("returned", [15], [16])),
        ((out(1, 15), out(2, 18), back(3, 17)), ("paid", [15, 18], [17])),
    ],
)
def test_stories(entries: Sequence[Said], expected: tuple[str, list[int], list[int]]) -> None:
    assert story(come_to(*entries)) == expected


def test_the_reason_and_the_day_of_the_last_return_are_told() -> None:
    outcome = come_to(out(1, 15), back(2, 17, reason="AC04"))
    assert (outcome.returned_on, outcome.return_reason, outcome.paid_on) == (date(2026, 12, 17), "AC04", None)
    assert come_to(out(1, 15)).paid_on == date(2026, 12, 15)


def test_the_banks_second_booking_is_a_duplicate_a_message_confirms() -> None:
    assert states(come_to(out(1, 15), out(2, 16), out(3, 16, source="message"))) == ["matched", "duplicate", "matched"]
    assert states(come_to(out(1, 14, source="message"), out(2, 15), out(3, 16))) == ["matched", "matched", "duplicate"]
    assert states(come_to(out(1, 15), back(2, 17), back(3, 18), back(4, 18, source="message"))) == [
        "matched", "returned", "duplicate", "matched",
    ]  # fmt: skip


def test_what_was_repeated_and_is_executed_again_went_out_twice() -> None:
    outcome = come_to(out(1, 15), back(2, 17), out(3, 20), repeated=True)
    assert story(outcome) == ("returned", [15], [17])
    assert states(outcome) == ["matched", "returned", "duplicate"]


def test_the_execution_before_the_return_is_no_second_one_though_it_was_repeated() -> None:
    assert story(come_to(back(1, 17), out(2, 15), repeated=True)) == ("returned", [15], [17])


def test_an_execution_that_was_booked_before_the_repeat_left_stays_booked() -> None:
    again = replace(out(3, 20), effective=True)
    assert story(come_to(out(1, 15), back(2, 17), again, repeated=True)) == ("paid", [15, 20], [17])


def test_parts_that_add_up_are_the_payment() -> None:
    outcome = come_to(said(1, "paid", 15, cents=400), said(2, "paid", 16, cents=600))
    assert story(outcome) == ("paid", [16], [])
    assert states(outcome) == ["matched", "matched"]


def test_parts_that_do_not_are_left_to_a_person() -> None:
    outcome = come_to(said(1, "paid", 15, cents=400), said(2, "paid", 16, cents=1001), said(3, "returned", 17, cents=900))
    assert story(outcome) == ("handed_over", [], [])
    assert states(outcome) == ["partial", "overpaid", "partial"]


def test_what_is_booked_and_not_wanted_is_refused() -> None:
    assert missing([date(2026, 1, 1), date(2026, 1, 2)], [date(2026, 1, 2)]) == [date(2026, 1, 1)]
    with pytest.raises(ValueError, match="not in list"):
        missing([], [date(2026, 1, 1)])


ENTRIES = some.lists(
    some.tuples(some.sampled_from(["paid", "returned"]), some.integers(1, 9), some.sampled_from(["statement", "message"]), some.booleans()),
    max_size=9,
).map(lambda rows: [said(n, kind, day, source=source, cents=NET if whole else 500) for n, (kind, day, source, whole) in enumerate(rows, 1)])


@given(ENTRIES, some.data())
def test_the_order_of_reports_does_not_matter(entries: list[Said], data: some.DataObject) -> None:
    """One after the other in any order: the same state, as often paid and returned. Which of two that say the same is real may differ."""
    whole = [e for e in entries if e.whole]
    stories = []
    for order in (whole, data.draw(some.permutations(whole))):
        known: list[Said] = []
        for entry in order:
            outcome = come_to(*known, entry)
            known = [replace(k, effective=outcome.marks[k.id][1]) for k in (*known, entry)]
        final = come_to(*known)
        stories.append((final.state, len(final.paid), len(final.returned)))
    assert stories[0] == stories[1]


@given(ENTRIES, some.integers(0, 9))
def test_what_is_learned_later_never_takes_back_what_was_booked(entries: list[Said], repeated_after: int) -> None:
    """Report by report: what the ledger holds is always a part of what is wanted, and its sum is the payment's or nothing."""
    known: list[Said] = []
    paid: list[date] = []
    returned: list[date] = []
    state, was_repeated = "handed_over", False
    for number, entry in enumerate(entries):
        # A repeat is handed over only while the payment is returned.
        was_repeated = was_repeated or (number >= repeated_after and state == "returned")
        known.append(entry)
        outcome = come_to(*known, repeated=was_repeated)
        paid += missing(outcome.paid, paid)
        returned += missing(outcome.returned, returned)
        assert len(paid) - len(returned) == (outcome.state == "paid")
        assert not (was_repeated and outcome.state != "returned")
        assert (sorted(paid), sorted(returned)) == (sorted(outcome.paid), sorted(outcome.returned))
        known = [replace(k, state=outcome.marks[k.id][0], effective=outcome.marks[k.id][1]) for k in known]
        state = outcome.state

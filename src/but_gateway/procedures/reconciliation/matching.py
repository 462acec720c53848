"""Which payment a booking means: by EndToEndId, else by reference and amount. Pure: what may be meant comes in.

Nothing of a text is kept but the number of a batch, and nothing at all of what has no trace of BuT: the treasury's account carries much
else, and names of people with it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from but_gateway.formats.bookings import Booking, Direction
from but_gateway.formats.sepa import ID_LENGTH_MAX, is_id
from but_gateway.procedures.reconciliation.model import AT_THE_BANK, HANDED_OVER, Finding, Source, Target

EURO: Final = "EUR"
_OUR_ID: Final = re.compile(r"\bBUT-(\d{4}-\d{4,9})-(\d{5,9})\b", re.ASCII)
# "BuT krefeld 2026-0007 …" as it stands on a statement, "BUT-2026-0007" as the id of the payment file.
_BATCH: Final = re.compile(r"\bBUT(?:-| (?:[a-z0-9._-]{1,64} )?)(\d{4}-\d{4,9})(?![\d-])", re.ASCII | re.IGNORECASE)
_BLANKS: Final = re.compile(r"\s+")
_REASON: Final = re.compile(r"[A-Z0-9]{1,4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Traces:
    """What of a booking may lead to a payment."""

    ids: tuple[str, ...]
    batch_numbers: tuple[str, ...]
    text: str  # without blanks, in capitals: banks break lines anywhere

    @property
    def are_ours(self) -> bool:
        """Whether anything in it says BuT."""
        return any(i.startswith("BUT-") for i in self.ids) or bool(self.batch_numbers)


def traces_of(booking: Booking) -> Traces:
    """The traces of a booking: its id, ids in its texts, batch numbers in its references and texts."""
    spaced = _BLANKS.sub(" ", " ".join(booking.texts))
    joined = _BLANKS.sub(" ", "".join("".join(text.splitlines()) for text in booking.texts))
    given = [booking.end_to_end_id] if booking.end_to_end_id and is_id(booking.end_to_end_id) else []
    found = [f"BUT-{m[1]}-{m[2]}" for text in (spaced, joined) for m in _OUR_ID.finditer(text)]
    numbers = [m[1] for text in (*booking.references, spaced, joined) for m in _BATCH.finditer(text)]
    return Traces(tuple(dict.fromkeys(given + found)), tuple(dict.fromkeys(numbers)), _squeeze(joined))


@dataclass(slots=True)
class Matcher:
    """Matches the bookings of one report. ``by_id``: payments by EndToEndId; ``by_batch``: those of each batch number."""

    by_id: Mapping[str, Target]
    by_batch: Mapping[str, Sequence[Target]]
    source: Source
    _seen: Counter[bytes] = field(default_factory=Counter)

    def findings(self, booking: Booking) -> list[Finding]:
        """What a booking means: one payment, all of a batch, nothing that is known (no target), or nothing of ours (empty)."""
        traces = traces_of(booking)
        if booking.currency != EURO:
            return self._none(booking, traces)
        target = next((self.by_id[i] for i in traces.ids if i in self.by_id and self.by_id[i].state in AT_THE_BANK), None)
        if target is not None:
            return [_finding(booking, traces, target)]
        numbers = traces.batch_numbers
        if not booking.plain:
            targets = [t for number in numbers for t in self.by_batch.get(number, ()) if t.state in AT_THE_BANK]
            if booking.end_to_end_id is None or booking.end_to_end_id not in self.by_id:
                one = _by_reference(booking, traces, targets)
                if one is not None:
                    return [_finding(booking, traces, one)]
                if numbers and not _is_single(booking):
                    return [_finding(booking, traces, t, one_of_many=True) for t in _whole_batch(booking, targets)] or self._none(
                        booking, traces
                    )
        return self._none(booking, traces)

    def _none(self, booking: Booking, traces: Traces) -> list[Finding]:
        if not traces.are_ours and self.source is Source.STATEMENT:
            return []
        return [_finding(booking, traces, None)]

    def fingerprints(self, finding: Finding) -> tuple[bytes, bytes]:
        """What identifies a booking in any report: once with the payment it means, once as it was given.

        A second booking that is alike in the same report is another one; in another report it is the same. Call once for each finding.
        """
        target = finding.target.end_to_end_id if finding.target else None
        # What a bank keeps back of a return stands in one report and not in the other: the whole is the whole.
        meant = self._fingerprint(finding, (target, "whole" if finding.whole else finding.cents)) if target else None
        given = self._fingerprint(finding, finding.given)
        return meant or given, given

    def _fingerprint(self, finding: Finding, named: Iterable[object]) -> bytes:
        parts = (self.source, finding.direction, *named, finding.currency, finding.booked_on)
        text = "|".join("" if part is None else str(part) for part in parts)
        digest = sha256(text.encode()).digest()
        self._seen[digest] += 1
        return digest if self._seen[digest] == 1 else sha256(f"{text}|{self._seen[digest]}".encode()).digest()


def searched(bookings: Iterable[Booking]) -> tuple[set[str], set[str]]:
    """EndToEndIds and batch numbers to look up for some bookings."""
    ids: set[str] = set()
    numbers: set[str] = set()
    for booking in bookings:
        traces = traces_of(booking)
        ids.update(traces.ids)
        numbers.update(traces.batch_numbers)
    return ids, numbers


def _is_single(booking: Booking) -> bool:
    """Whether a booking names its own transaction, and so cannot be the sum of many."""
    named = booking.end_to_end_id
    return named is not None and named.startswith("BUT-")


def _by_reference(booking: Booking, traces: Traces, targets: Sequence[Target]) -> Target | None:
    """The one payment whose text stands in the booking and whose amount it is, else the one of the batch with this amount."""
    fitting = [t for t in targets if _is_whole(booking, t.net)] if booking.cents is not None else []
    texts = [t for t in fitting if _squeeze(t.remittance_text) in traces.text]
    for found in (texts, fitting):
        if len(found) == 1:
            return found[0]
        if found:
            return None
    return None


def _whole_batch(booking: Booking, targets: Sequence[Target]) -> Iterator[Target]:
    """All payments of a batch, or all that are still out, where the booking is their sum or refuses the whole file."""
    outstanding = [t for t in targets if t.state == HANDED_OVER]
    if booking.cents is None:
        if booking.currency == EURO and booking.direction is Direction.RETURNED:
            yield from targets
        return
    for some in (targets, outstanding):
        if some and sum(t.net for t in some) == booking.cents:
            yield from some
            return


def _finding(booking: Booking, traces: Traces, target: Target | None, *, one_of_many: bool = False) -> Finding:
    in_euro = booking.currency == EURO
    cents = target.net if target and in_euro and (one_of_many or booking.cents is None) else booking.cents
    reason = booking.return_reason
    given = booking.end_to_end_id if booking.end_to_end_id and is_id(booking.end_to_end_id) else next(iter(traces.ids), None)
    shown = target.end_to_end_id if target else given
    return Finding(
        direction=booking.direction,
        booked_on=booking.booked_on,
        cents=cents,
        currency=booking.currency,
        end_to_end_id=shown[:ID_LENGTH_MAX] if shown else None,
        batch_number=next(iter(traces.batch_numbers), None),
        return_reason=reason if reason and _REASON.fullmatch(reason) else None,
        target=target,
        whole=target is not None and in_euro and (one_of_many or booking.cents is None or _is_whole(booking, target.net)),
        given=(given, next(iter(traces.batch_numbers), None), booking.cents),
    )


def _is_whole(booking: Booking, net: int) -> bool:
    """Whether a booking is a payment's whole amount; of a return charges may have been kept back."""
    if booking.cents is None or booking.currency != EURO:
        return False
    if booking.cents == net:
        return True
    kept_back = booking.direction is Direction.RETURNED and booking.cents < net
    return kept_back and net in {booking.cents + booking.charges, booking.instructed}


def _squeeze(text: str) -> str:
    return _BLANKS.sub("", text).upper()

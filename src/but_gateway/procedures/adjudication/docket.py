"""The picture of the locked children while their positions are decided: slots, budgets, lessons, proofs.

It is loaded under the children's locks, changed in memory by each ruling, and tells at the end which slots to write. The
database's keys and checks stand behind it: a mistake here fails there instead of paying twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from but_gateway.kit.period import DayRange, Month
from but_gateway.procedures.adjudication.model import Piece, Ruling, Share
from but_gateway.rules.facts import Form, Overlap, SlotState
from but_gateway.rules.verdict import Outcome

LUNCH = "lunch"
TUTORING = "tutoring"
PAYABLE = (Outcome.ACCEPTED, Outcome.REDUCED)
SlotKey = tuple[UUID, date, bool]  # child, day (or first day of the month), whether it is a month's


@dataclass(slots=True)
class Slot:
    """A lunch slot: who holds it, and who contests it."""

    position_id: UUID
    provider_id: UUID
    facility_id: UUID | None
    contested: bool = False
    rival_position_id: UUID | None = None
    rival_provider_id: UUID | None = None
    rival_facility_id: UUID | None = None
    settled: bool = False  # the holder is in a live batch, or a person accepted it: no machine re-decides it

    @property
    def state(self) -> SlotState:
        """What the rules see."""
        if self.settled:
            return SlotState.SETTLED
        return SlotState.CONTESTED if self.contested else SlotState.HELD

    def open_for(self, position_id: UUID) -> bool:
        """Whether another position can still be noted as contesting it."""
        return self.rival_position_id is None and self.position_id != position_id

    def row(self) -> tuple[object, ...]:
        """As it stands in the table, without its key."""
        state = "contested" if self.contested else "held"
        rival = (self.rival_position_id, self.rival_provider_id, self.rival_facility_id)
        return self.position_id, self.provider_id, self.facility_id, state, *rival


@dataclass(slots=True)
class Counter:
    """A grant's budget: limit, used and reserved in its unit; ``limit`` None = unlimited."""

    limit: int | None
    used: int
    reserved: int

    @property
    def left(self) -> int | None:
        """What may still be used."""
        return None if self.limit is None else self.limit - self.used - self.reserved


@dataclass(slots=True)
class Other:
    """A live position of a benefit other than lunch, for D-01, L-08, L-09 and L-11."""

    position_id: UUID
    child_id: UUID
    entitlement_id: UUID
    provider_id: UUID
    benefit: str
    item: str
    first_day: date
    last_day: date
    starts_at: int | None
    ends_at: int | None
    minutes: int | None
    amount: int


def _times_overlap(start: int | None, end: int | None, other_start: int | None, other_end: int | None) -> bool:
    """Whether two recorded times (minutes since midnight, end excluded) overlap; unknown times never do."""
    if start is None or end is None or other_start is None or other_end is None:
        return False
    return start < other_end and other_start < end


@dataclass(slots=True)
class Docket:
    """Everything about the locked children that a decision may depend on and may change."""

    slots: dict[SlotKey, Slot] = field(default_factory=dict)
    counters: dict[UUID, Counter] = field(default_factory=dict)  # by grant
    others: dict[UUID, list[Other]] = field(default_factory=lambda: defaultdict(list))  # by child
    proofs: dict[tuple[UUID, str], UUID] = field(default_factory=dict)  # (provider, proof) → position
    tutor_lessons: dict[tuple[UUID, str, date], list[Other]] = field(default_factory=lambda: defaultdict(list))
    _loaded_slots: dict[SlotKey, tuple[object, ...]] = field(default_factory=dict)

    def mark_loaded(self) -> None:
        """Remembers the slots as the database has them; ``slot_changes`` compares with this."""
        self._loaded_slots = {key: slot.row() for key, slot in self.slots.items()}

    def slot_changes(self) -> tuple[list[SlotKey], list[tuple[SlotKey, Slot]], list[tuple[SlotKey, Slot]]]:
        """Slots to delete, to insert and to update."""
        gone = [key for key in self._loaded_slots if key not in self.slots]
        new = [(key, slot) for key, slot in self.slots.items() if key not in self._loaded_slots]
        changed = [(key, slot) for key, slot in self.slots.items() if key in self._loaded_slots and self._loaded_slots[key] != slot.row()]
        return gone, new, changed

    # ---- what stands in the way of a piece
    def lunch_rivals(self, piece: Piece) -> list[Slot]:
        """The claims of other positions that have the lunch of this piece; the one that matters most first.

        A day may be held by itself and by its month, a month by itself and by any of its days. The provider's own claim comes first
        (M-01), then what is settled.
        """
        child = piece.line.child_id
        if child is None:
            return []
        day = piece.first_day
        days = (day,) if piece.line.claim.form is Form.DAY else Month.of(day).days
        keys = [(child, day.replace(day=1), True), *((child, day, False) for day in days)]
        found = [
            slot for key in keys if (slot := self.slots.get(key)) is not None and piece.id not in {slot.position_id, slot.rival_position_id}
        ]
        if len(found) > 1:
            provider = piece.line.provider_id
            found.sort(key=lambda slot: (provider not in {slot.provider_id, slot.rival_provider_id}, not slot.settled))
        return found

    def overlap(self, piece: Piece) -> Overlap | None:
        """Another live position of the same child and benefit at overlapping time; the worst of several."""
        line = piece.line
        found: Overlap | None = None
        for other in self._same_time(piece):
            lesson = line.claim.lesson
            same_start = other.starts_at == (lesson.recorded_from if lesson else None)
            one = Overlap(other.provider_id == line.provider_id, same_start)
            if one.same_provider and (same_start or line.claim.benefit != TUTORING):
                return one
            found = found or one
        return found

    def _same_time(self, piece: Piece) -> Iterator[Other]:
        line = piece.line
        lesson = line.claim.lesson
        start, end = (lesson.recorded_from, lesson.recorded_to) if lesson else (None, None)
        for other in self.others.get(line.child_id, ()) if line.child_id else ():
            if other.position_id == piece.id or other.benefit != line.claim.benefit:
                continue
            if other.last_day < piece.first_day or other.first_day > piece.last_day:
                continue
            if line.claim.benefit == TUTORING:
                missed = start is None and other.starts_at is None and other.provider_id == line.provider_id
                if missed or _times_overlap(start, end, other.starts_at, other.ends_at):
                    yield other
            elif other.entitlement_id == line.entitlement_id and other.item == line.claim.item:
                yield other

    def minutes_that_day(self, piece: Piece) -> int:
        """Minutes of other live lessons given to the child on that day (L-11); a missed one has no times and takes none."""
        others = self.others.get(piece.line.child_id, ()) if piece.line.child_id else ()
        return sum(
            o.minutes or 0 for o in others if o.position_id != piece.id and o.first_day == piece.first_day and o.starts_at is not None
        )

    def absences_paid(self, piece: Piece) -> int:
        """Missed lessons by this provider that are paid already in the month (L-08)."""
        child, month = piece.line.child_id, Month.of(piece.first_day)
        if child is None:
            return 0
        return sum(
            o.starts_at is None and o.amount > 0 and o.provider_id == piece.line.provider_id and Month.of(o.first_day) == month
            for o in self.others.get(child, ())
            if o.benefit == TUTORING and o.position_id != piece.id
        )

    def tutor_overlap(self, piece: Piece) -> bool:
        """Whether the tutor gives another child an individual lesson at the same time (L-10)."""
        line, lesson = piece.line, piece.line.claim.lesson
        if line.tutor is None or lesson is None or lesson.group_size != 1:
            return False
        return any(
            o.child_id != line.child_id
            and o.item == "individual"
            and _times_overlap(lesson.recorded_from, lesson.recorded_to, o.starts_at, o.ends_at)
            for o in self.tutor_lessons.get((line.provider_id, line.tutor, piece.first_day), ())
            if o.position_id != piece.id
        )

    def proof_used(self, piece: Piece) -> bool:
        """Whether this provider used the proof for another position."""
        line = piece.line
        return line.proof is not None and self.proofs.get((line.provider_id, line.proof), piece.id) != piece.id

    def saved_in(self, entitlement_id: UUID, days: DayRange, piece_id: UUID) -> int:
        """Cents of live participation positions that overlap the days: what a monthly or yearly cap has left to give."""
        return sum(
            o.amount
            for lists in self.others.values()
            for o in lists
            if o.entitlement_id == entitlement_id and o.position_id != piece_id and days.overlaps(DayRange(o.first_day, o.last_day))
        )

    # ---- what rulings change
    def release(self, piece: Piece) -> None:
        """Takes out what the piece's present decision holds, so that it can be decided anew."""
        before = piece.before
        if before is not None:
            self.move(before.shares, before.outcome, -1)
        self.forget(piece)

    def move(self, shares: Iterable[Share], outcome: Outcome, sign: int) -> None:
        """Adds (or takes back) shares on the budgets: used when payable, reserved when under review."""
        for share in shares:
            counter = self.counters.get(share.grant_id)
            if counter is None or not share.units:
                continue
            if outcome in PAYABLE:
                counter.used += sign * share.units
            elif outcome is Outcome.REVIEW:
                counter.reserved += sign * share.units

    def apply(self, ruling: Ruling, *, contested: bool = False) -> None:
        """Puts a ruling into the picture: budgets, slot, lessons, proof. ``contested``: it goes to review over a shared lunch (M-03)."""
        piece, line = ruling.piece, ruling.piece.line
        if piece.corrects is not None:
            return
        self.move(ruling.shares, ruling.outcome, 1)
        live = ruling.outcome in (*PAYABLE, Outcome.REVIEW)
        if line.child_id is None or not live:
            return
        if line.claim.benefit == LUNCH:
            if line.claim.item == LUNCH:
                self._hold(piece, payable=ruling.outcome in PAYABLE, contested=contested)
            return
        lesson = line.claim.lesson
        other = Other(
            position_id=piece.id,
            child_id=line.child_id,
            entitlement_id=line.entitlement_id or line.id,
            provider_id=line.provider_id,
            benefit=line.claim.benefit,
            item=line.claim.item,
            first_day=piece.first_day,
            last_day=piece.last_day,
            starts_at=lesson.recorded_from if lesson else None,
            ends_at=lesson.recorded_to if lesson else None,
            minutes=lesson.minutes if lesson else None,
            amount=ruling.approved or ruling.proposed or 0,
        )
        self.others[line.child_id].append(other)
        if line.tutor is not None:
            self.tutor_lessons[line.provider_id, line.tutor, piece.first_day].append(other)
        if line.proof is not None:
            self.proofs.setdefault((line.provider_id, line.proof), piece.id)

    def slot_key(self, piece: Piece) -> SlotKey:
        """The slot a lunch piece would take."""
        monthly = piece.line.claim.form is not Form.DAY
        child = piece.line.child_id or piece.line.id
        return (child, Month.of(piece.first_day).first, True) if monthly else (child, piece.first_day, False)

    def _hold(self, piece: Piece, *, payable: bool, contested: bool) -> None:
        key = self.slot_key(piece)
        slot = self.slots.get(key)
        if payable and (slot is None or slot.contested):
            # A person who accepts one of two contesting claims ends the contest.
            self.slots[key] = Slot(piece.id, piece.line.provider_id, piece.line.facility_id)
        elif contested and slot is None:
            self.slots[key] = Slot(piece.id, piece.line.provider_id, piece.line.facility_id, contested=True)
        elif contested and slot is not None and slot.open_for(piece.id):
            # A claim upon a settled day is noted too, so that the same provider's next one is known as such (M-01).
            slot.contested = not slot.settled
            slot.rival_position_id, slot.rival_provider_id, slot.rival_facility_id = (
                piece.id,
                piece.line.provider_id,
                piece.line.facility_id,
            )

    def forget(self, piece: Piece) -> None:
        """Takes slot, lessons and proof of a piece out of the picture."""
        line = piece.line
        if line.child_id is None:
            return
        key = self.slot_key(piece)
        slot = self.slots.get(key)
        if slot is not None and slot.position_id == piece.id:
            self._leave(key, slot)
        elif slot is not None and slot.rival_position_id == piece.id:
            slot.rival_position_id = slot.rival_provider_id = slot.rival_facility_id = None
        self.others[line.child_id] = [o for o in self.others.get(line.child_id, ()) if o.position_id != piece.id]
        if line.tutor is not None:
            lessons = self.tutor_lessons.get((line.provider_id, line.tutor, piece.first_day), [])
            self.tutor_lessons[line.provider_id, line.tutor, piece.first_day] = [o for o in lessons if o.position_id != piece.id]
        if line.proof is not None and self.proofs.get((line.provider_id, line.proof)) == piece.id:
            del self.proofs[line.provider_id, line.proof]

    def _leave(self, key: SlotKey, slot: Slot) -> None:
        """The holder leaves. Another claim stays alone in the slot, still under review until somebody or a later fact decides it."""
        if slot.rival_position_id is not None and slot.rival_provider_id is not None:
            self.slots[key] = Slot(slot.rival_position_id, slot.rival_provider_id, slot.rival_facility_id, contested=True)
        else:
            del self.slots[key]

    def free(self, correction: Piece, position_id: UUID) -> None:
        """A position that was corrected in full no longer holds its day, its time or its proof; ``correction`` names the same days."""
        key = self.slot_key(correction)
        if key in self.slots and self.slots[key].position_id == position_id:
            self._leave(key, self.slots[key])
        child = correction.line.child_id
        if child is not None:
            self.others[child] = [o for o in self.others.get(child, ()) if o.position_id != position_id]
        for proof in [key for key, holder in self.proofs.items() if holder == position_id]:
            del self.proofs[proof]

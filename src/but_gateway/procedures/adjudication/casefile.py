"""Everything known about a set of positions while the children's locks are held, and the facts of one position drawn from it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from but_gateway.kit.period import DayRange, Month, years_completed
from but_gateway.law.parameters import law_at
from but_gateway.procedures.adjudication.docket import LUNCH, Docket, Slot
from but_gateway.procedures.adjudication.model import Piece
from but_gateway.procedures.adjudication.promise import Promises
from but_gateway.procedures.adjudication.registers import FacilityFile, ProviderFile
from but_gateway.registers.entitlements.model import GrantRecord
from but_gateway.registers.entitlements.terms import last_day_before_age
from but_gateway.registers.providers.model import AgreementRecord
from but_gateway.rules.facts import Agreement, Budget, Closed, Facility, Facts, Form, Grant, Rival, Situation, SlotState, Town
from but_gateway.rules.savings import savings_of

SAVING = "saving"  # budget kind of participation: from law and saving mode
SUNDAY = 6


@dataclass(slots=True)
class CaseFile:
    """The file of one adjudication. Its dictionaries are filled by gather.py."""

    town: Town
    public_holidays: frozenset[date] = frozenset()
    providers: dict[UUID, ProviderFile] = field(default_factory=dict)
    facilities: dict[UUID, FacilityFile] = field(default_factory=dict)
    benefits: dict[UUID, str] = field(default_factory=dict)  # of entitlements
    grants: dict[UUID, list[GrantRecord]] = field(default_factory=dict)  # by entitlement
    lunch_grants: dict[UUID, list[GrantRecord]] = field(default_factory=dict)  # by child
    births: dict[UUID, date] = field(default_factory=dict)
    seqs: dict[UUID, int] = field(default_factory=dict)
    family_payments: dict[UUID, list[tuple[UUID, DayRange]]] = field(default_factory=dict)
    docket: Docket = field(default_factory=Docket)
    promises: Promises = field(default_factory=Promises)
    _agreements: dict[tuple[UUID, str, UUID | None, date], Agreement | None] = field(default_factory=dict)
    _agreement_facts: dict[UUID, Agreement] = field(default_factory=dict)
    _grant_facts: dict[tuple[object, ...], tuple[Grant, ...]] = field(default_factory=dict)
    _grant_ids: dict[tuple[UUID | None, str], tuple[GrantRecord, ...]] = field(default_factory=dict)
    _facility_facts: dict[UUID, Facility] = field(default_factory=dict)
    _open_days: dict[tuple[UUID, Month], tuple[date, ...]] = field(default_factory=dict)
    _closings: dict[tuple[UUID, date], Closed | None] = field(default_factory=dict)
    _promised: dict[UUID, tuple[tuple[GrantRecord, ...], bool]] = field(default_factory=dict)  # by position

    def facts(self, piece: Piece) -> Facts:
        """The facts of a position as things stand in the docket now."""
        line = piece.line
        return Facts(
            situation=self._situation(piece),
            claim=line.claim,
            town=self.town,
            provider=self.providers[line.provider_id].facts,
            agreement=self.agreement(line.provider_id, line.claim.benefit, line.facility_id, piece.first_day),
            facility=self._facility(line.facility_id),
            grants=self._grants(piece),
        )

    def same_day_facts(self, piece: Piece, facts: Facts) -> bool:
        """Whether what facts say of their day is true of the piece's day as well: opening, Sunday, agreement (see twins.py)."""
        line, day, situation = piece.line, piece.first_day, facts.situation
        return (
            self._closed(line.facility_id, day) == situation.closed
            and self._free_day(day) == situation.sunday_or_holiday
            and self.agreement(line.provider_id, line.claim.benefit, line.facility_id, day) is facts.agreement
            and (line.check_id is None or (self._grants(piece) is facts.grants and self._is_promised(piece) == situation.promised))
        )

    def same_age(self, child_id: UUID | None, first: date, last: date) -> bool:
        """Whether a child has no birthday after the first day, up to the last one, both of one month."""
        return self._age(child_id, first) == self._age(child_id, last)

    # ---- parts
    def grant_files(self, piece: Piece) -> tuple[GrantRecord, ...]:
        """The grants of the line's entitlement as they count for the position, in the order in which the facts name them."""
        return self._grants_of(piece) if piece.line.check_id is None else self._with_promise(piece)[0]

    def _is_promised(self, piece: Piece) -> bool:
        return piece.line.check_id is not None and self._with_promise(piece)[1]

    def _with_promise(self, piece: Piece) -> tuple[tuple[GrantRecord, ...], bool]:
        found = self._promised.get(piece.id)
        if found is None:
            found = self._promised[piece.id] = self.promises.grants_for(piece, self._grants_of(piece))
        return found

    def _grants_of(self, piece: Piece) -> tuple[GrantRecord, ...]:
        key = (piece.line.entitlement_id, piece.line.claim.benefit)
        found = self._grant_ids.get(key)
        if found is None:
            of_entitlement = self.grants.get(key[0], ()) if key[0] else ()
            # A number of another benefit tells nothing about this one.
            found = self._grant_ids[key] = tuple(of_entitlement) if key[0] and self.benefits.get(key[0]) == key[1] else ()
        return found

    def agreement(self, provider_id: UUID, benefit: str, facility_id: UUID | None, day: date) -> Agreement | None:
        """The agreement for benefit and facility on a day."""
        key = (provider_id, benefit, facility_id, day)
        if key not in self._agreements:
            record = choose_agreement(self.providers[provider_id].agreements, benefit, facility_id, day)
            self._agreements[key] = None if record is None else self._agreement_of(record)
        return self._agreements[key]

    def _agreement_of(self, record: AgreementRecord) -> Agreement:
        facts = self._agreement_facts.get(record.id)
        if facts is None:
            facts = self._agreement_facts[record.id] = record.facts()
        return facts

    def _facility(self, facility_id: UUID | None) -> Facility | None:
        if facility_id is None:
            return None
        facts = self._facility_facts.get(facility_id)
        if facts is None:
            facts = self._facility_facts[facility_id] = self.facilities[facility_id].record.facts()
        return facts

    def _grants(self, piece: Piece) -> tuple[Grant, ...]:
        line = piece.line
        files = self.grant_files(piece)
        key: tuple[object, ...] = (line.entitlement_id, line.provider_id, line.facility_id, line.claim.benefit)
        if line.check_id is not None:
            key += tuple((grant.version, grant.revoked_from, grant.notified_on) for grant in files)
        found = self._grant_facts.get(key)
        if found is None:
            found = self._grant_facts[key] = tuple(self._grant(g, line.provider_id, line.facility_id) for g in files)
        return found

    def _grant(self, grant: GrantRecord, provider_id: UUID, facility_id: UUID | None) -> Grant:
        return Grant(
            ref=str(grant.id),
            version=grant.version,
            key=grant.key,
            legal_basis=grant.legal_basis,
            valid_from=grant.valid_from,
            valid_to=grant.valid_to,
            status=grant.status,
            attends=grant.attends,
            provider_named=grant.provider_id is not None,
            provider_is_this=grant.provider_id == provider_id,
            facility_named=grant.facility_id is not None,
            facility_is_this=self._same_facility(grant, facility_id),
            subjects=grant.subjects,
            tutoring_form=grant.tutoring_form or "any",
            budget=Budget("amount" if grant.budget_kind == SAVING else grant.budget_kind, grant.limit),
            revoked_from=grant.revoked_from,
            notified_on=self.promises.notified_on(grant, provider_id),
            flagged=grant.doubtful,
            widened=grant.widened,
        )

    def _same_facility(self, grant: GrantRecord, facility_id: UUID | None) -> bool:
        """The grant's own facility, or (M-15) one that cooperates with the school the child attends."""
        if facility_id is None or grant.facility_id is None:
            return False
        return grant.facility_id == facility_id or self.facilities[facility_id].record.cooperating_school_id == grant.facility_id

    # ---- the situation
    def _situation(self, piece: Piece) -> Situation:
        line, day = piece.line, piece.first_day
        monthly, lunch = line.claim.form is Form.MONTH, line.claim.benefit == LUNCH
        facility = self.facilities.get(line.facility_id) if line.facility_id else None
        age, age_before_month = self._age(line.child_id, day)
        rivals = self.docket.lunch_rivals(piece) if lunch and line.claim.item == LUNCH else ()
        return Situation(
            first_day=day,
            last_day=piece.last_day,
            quantity=piece.quantity,
            claimed=piece.claimed,
            received_on=line.received_on,
            identity=line.identity,
            number_lost_on=line.number_lost_on,
            age=age,
            age_before_month=age_before_month,
            closed=self._closed(line.facility_id, day) if line.claim.form is Form.DAY else None,
            sunday_or_holiday=self._free_day(day),
            open_days=self._open(line.facility_id, facility, Month.of(day))
            if monthly and facility is not None and line.facility_id
            else (),
            budgets_left=tuple(self._left(grant, piece) for grant in self.grant_files(piece)),
            rival=self._rival(piece, rivals[0]) if rivals else None,
            overlap=None if lunch else self.docket.overlap(piece),
            tutor_overlap=False if lunch else self.docket.tutor_overlap(piece),
            proof_used=False if lunch else self.docket.proof_used(piece),
            minutes_that_day=0 if line.claim.lesson is None else self.docket.minutes_that_day(piece),
            absences_paid=0 if line.claim.lesson is None or line.claim.attended else self.docket.absences_paid(piece),
            paid_by_family=self._paid_by_family(piece),
            iban_differs=line.iban_differs,
            promised=self._is_promised(piece),
            corrected=None if piece.corrects is None else piece.corrects.facts(),
        )

    def _closed(self, facility_id: UUID | None, day: date) -> Closed | None:
        if facility_id is None:
            return None
        key = (facility_id, day)
        if key not in self._closings:
            self._closings[key] = self.facilities[facility_id].calendar.closed(day)
        return self._closings[key]

    def _free_day(self, day: date) -> bool:
        return day.weekday() == SUNDAY or day in self.public_holidays

    def _age(self, child_id: UUID | None, day: date) -> tuple[int, int]:
        if child_id is None or child_id not in self.births:
            return 0, 0
        born = self.births[child_id]
        before = date.fromordinal(day.replace(day=1).toordinal() - 1)
        return years_completed(born, day), years_completed(born, before)

    def _open(self, facility_id: UUID, facility: FacilityFile, month: Month) -> tuple[date, ...]:
        found = self._open_days.get((facility_id, month))
        if found is None:
            found = self._open_days[facility_id, month] = facility.calendar.open_days(month.days)
        return found

    def _rival(self, piece: Piece, slot: Slot) -> Rival:
        line = piece.line
        return Rival(
            same_provider=line.provider_id in (slot.provider_id, slot.rival_provider_id),
            state=slot.state,
            attributed=self._attributed(line.child_id, slot.provider_id, slot.facility_id, piece.first_day),
            this_attributed=self._attributed(line.child_id, line.provider_id, line.facility_id, piece.first_day),
        )

    def owns(self, piece: Piece, slots: Iterable[Slot]) -> bool:
        """Whether the grant gives a day's lunch to this provider alone, so that open claims of others give way (M-02)."""
        rivals = [self._rival(piece, slot) for slot in slots]
        return piece.line.claim.form is Form.DAY and all(
            not r.same_provider and r.this_attributed and not r.attributed and r.state is not SlotState.SETTLED for r in rivals
        )

    def _attributed(self, child_id: UUID | None, provider_id: UUID, facility_id: UUID | None, day: date) -> bool:
        """Whether a lunch grant of the day names this provider, or, where it names none, this facility (M-02)."""
        for grant in self.lunch_grants.get(child_id, ()) if child_id else ():
            if not grant.valid_from <= day <= grant.valid_to:
                continue
            if grant.provider_id is not None:
                if grant.provider_id == provider_id:
                    return True
            elif self._same_facility(grant, facility_id):
                return True
        return False

    def _paid_by_family(self, piece: Piece) -> tuple[date, date] | None:
        for provider_id, days in self.family_payments.get(piece.line.entitlement_id, ()) if piece.line.entitlement_id else ():
            if provider_id == piece.line.provider_id and piece.first_day in days:
                return days.first, days.last
        return None

    def _left(self, grant: GrantRecord, piece: Piece) -> int | None:
        """What the grant's budget has left for this position; the saving modes of participation set a nearer bound."""
        counter = self.docket.counters[grant.id]
        left = counter.left
        if left is None or grant.budget_kind != SAVING:
            return left
        return max(min(left, self._saved(grant, piece, counter.used + counter.reserved)), 0)

    def _saved(self, grant: GrantRecord, piece: Piece, taken: int) -> int:
        """Cents that a grant's months have given by the town's saving mode and nobody took yet.

        A cap of months or of a year counts what was billed in just those of its months that this grant covers: what an earlier grant
        gave and bore is that one's.
        """
        mode, born = self.town.participation_saving, self.births.get(piece.line.child_id) if piece.line.child_id else None
        last_good = None if born is None else last_day_before_age(born, law_at(grant.valid_from).participation_age_limit_years)
        granted = DayRange(grant.valid_from, grant.valid_to)
        savings = savings_of(mode, granted, piece.first_day, piece.line.received_on, last_good, last_day=piece.last_day)
        if mode in {"monthly_cap", "calendar_year"}:
            whole = DayRange(Month.of(savings.days.first).first, Month.of(savings.days.last).last)
            taken = self.docket.saved_in(grant.entitlement_id, whole, piece.id)
        return savings.limit - taken


def choose_agreement(agreements: Iterable[AgreementRecord], benefit: str, facility_id: UUID | None, day: date) -> AgreementRecord | None:
    """The agreement valid on the day for benefit and facility; one that names the facility goes before one for any."""
    fitting = [a for a in agreements if a.covers(benefit, facility_id, day)]
    return min(fitting, key=lambda a: (not a.facility_ids, a.key), default=None)

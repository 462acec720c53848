"""A person decides what is under review: pays what was proposed, another amount, nothing, or asks the provider first.

What a person decides no machine overrides. What no person may do either: pay a second lunch, overdraw a budget, pay without a grant.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.kit.money import divide_half_up, print_money
from but_gateway.kit.period import Month
from but_gateway.procedures.adjudication import review_store, ruling_store
from but_gateway.procedures.adjudication.casefile import CaseFile
from but_gateway.procedures.adjudication.docket import LUNCH, Docket
from but_gateway.procedures.adjudication.dossier import Dossier
from but_gateway.procedures.adjudication.gather import lock_positions, open_case, to_pieces
from but_gateway.procedures.adjudication.model import Piece, Ruling, Share, Standing
from but_gateway.procedures.adjudication.problems import BudgetUsed, DayTaken, NoGrant, NothingProposed
from but_gateway.procedures.adjudication.registers import read_registers
from but_gateway.procedures.adjudication.store import Row
from but_gateway.procedures.adjudication.write import write_rulings, write_slots
from but_gateway.rules.facts import Form
from but_gateway.rules.reconsider import Borne, bear
from but_gateway.rules.verdict import Effect, Finding, Outcome
from but_gateway.web.problems import Fault, Invalid, NotFound, Problem, Text, WrongState

PERSON = "person_"  # findings of persons: person_accept, person_reduce, person_reject, person_query
_RESOLVED = Text("Dieser Klärfall ist schon entschieden.", "This review is resolved already.")
_SETTLED = Text(
    "Die Position steht in einem Abrechnungslauf, ist korrigiert oder storniert: Sie kann nicht mehr anders entschieden werden.",
    "The position is in a settlement batch, corrected or cancelled: it cannot be decided otherwise any more.",
)
_STANDS = Text(
    "Die Position ist entschieden und nur zur Überprüfung wieder geöffnet. Eine Rückfrage ist hier nicht möglich.",
    "The position is decided and only reopened for another look. A query is not possible here.",
)
_TOO_HIGH = Fault("/approved", "too_high", Text("Mehr als berechnet wird nicht bezahlt.", "No more is paid than was billed."))


class Decision(StrEnum):
    """What a person may decide."""

    ACCEPT = "accept"
    REDUCE = "reduce"
    REJECT = "reject"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class Choice:
    """A person's decision about one review. ``approved`` in cents, for reduce only; ``reason`` is for staff."""

    review_id: UUID
    decision: Decision
    reason: str
    approved: int | None = None


@dataclass(slots=True)
class _Desk:
    """Decides one choice after the other; each sees what the ones before it took. Nothing is written yet."""

    call: Call
    case: CaseFile
    reviews: dict[UUID, Row]
    rows: dict[UUID, Row]
    pieces: dict[UUID, Piece]
    dossier: Dossier = field(default_factory=Dossier)
    rulings: dict[UUID, Ruling] = field(default_factory=dict)  # by review

    def decide(self, choice: Choice) -> Ruling:
        """The ruling of a choice; the case is unchanged when it is refused."""
        review = self.reviews.get(choice.review_id)
        if review is None:
            raise NotFound
        if review["state"] == "resolved" or choice.review_id in self.rulings:
            raise WrongState(_RESOLVED)
        piece, row = self.pieces[review["position_id"]], self.rows[review["position_id"]]
        if row["batch_id"] is not None or row["corrected"] or row["outcome"] == Outcome.CANCELLED:
            raise WrongState(_SETTLED)
        ruling = self._ask(piece) if choice.decision is Decision.QUERY else self._pay(piece, choice)
        ruling.decided_by = self.call.principal.actor
        # The decision gets its id when it is written, so its reason is sealed to the position.
        ruling.reason = self.call.keys.seal(choice.reason, "decision", piece.id, "reason")
        ruling.decision_seq = self.case.seqs.get(piece.line.child_id) if piece.line.child_id else None
        self.rulings[choice.review_id] = ruling
        return ruling

    def _ask(self, piece: Piece) -> Ruling:
        """Nothing moves: the position stays under review with what is reserved for it."""
        before = standing(piece)
        if before.outcome is not Outcome.REVIEW:
            raise WrongState(_STANDS)
        findings = (*without_persons(before.findings), Finding("person_query", Effect.REVIEW))
        return Ruling(piece, before.outcome, before.approved, before.proposed, findings, before.shares)

    def _pay(self, piece: Piece, choice: Choice) -> Ruling:
        cents = _amount(piece, choice)
        shares: tuple[Share, ...] = ()
        if cents:
            if day_taken(self.case.docket, piece):
                raise DayTaken
            shares = self._shares(piece, cents)
        self.case.docket.release(piece)
        facts = self.case.facts(piece)
        outcome = Outcome.REJECTED if not cents else Outcome.ACCEPTED if cents == piece.claimed else Outcome.REDUCED
        findings = (*without_persons(standing(piece).findings), _finding(choice.decision, outcome, cents))
        # The facts a person had before them are kept, so that a later fact can be told from an old one; no rule set: no rule decided.
        ruling = Ruling(piece, outcome, cents, None, findings, shares, facts=self.dossier.text(facts))
        self.case.docket.apply(ruling)
        return ruling

    def _shares(self, piece: Piece, cents: int) -> tuple[Share, ...]:
        """Who bears the amount: what is held for the position in proportion; more than that is borne by the grants in their order."""
        before = standing(piece)
        held = sum(share.cents for share in before.shares)
        if cents <= held:
            return scaled(before.shares, cents)
        docket = self.case.docket
        docket.move(before.shares, before.outcome, -1)
        borne = bear(self.case.facts(piece), cents)
        docket.move(before.shares, before.outcome, 1)
        if not borne.covered:
            raise NoGrant
        if borne.cents < cents:
            raise BudgetUsed
        return shares_of(self.case, piece, borne)


async def resolve_reviews(unit: UnitOfWork, call: Call, choices: Sequence[Choice]) -> list[Ruling | Problem]:
    """Decides each choice for itself, in their order, and writes what stands; a refusal takes the place of its ruling.

    Refusals: NotFound, WrongState, Invalid (``approved`` too high), DayTaken, BudgetUsed, NoGrant, NothingProposed.
    """
    ids = {choice.review_id for choice in choices}
    positions = {row["position_id"] for row in await review_store.find_reviews(unit, ids)}
    rows = await lock_positions(unit, positions)
    # Read again: only now nobody else can resolve them.
    reviews = await review_store.find_reviews(unit, ids)
    pieces = to_pieces(rows)
    case, _ = await open_case(unit, call.keys, await read_registers(unit, call.town.state), pieces)
    desk = _Desk(call, case, {r["id"]: r for r in reviews}, {r["position_id"]: r for r in rows}, {p.id: p for p in pieces})
    results: list[Ruling | Problem] = []
    for choice in choices:
        try:
            results.append(desk.decide(choice))
        except Problem as refusal:
            results.append(refusal)
    await _write(unit, call, desk, choices)
    return results


async def _write(unit: UnitOfWork, call: Call, desk: _Desk, choices: Sequence[Choice]) -> None:
    if not desk.rulings:
        return
    rulings = list(desk.rulings.values())
    await write_rulings(unit, rulings, call.now(), desk.dossier.bodies)
    await write_slots(unit, desk.case.docket)
    await ruling_store.count_decisions(unit, {r.piece.line.child_id for r in rulings if r.piece.line.child_id is not None})
    decided = {choice.review_id: choice for choice in reversed(choices) if choice.review_id in desk.rulings}
    asked = [choice for choice in decided.values() if choice.decision is Decision.QUERY]
    if asked:
        questions = [call.keys.seal(choice.reason, "review", choice.review_id, "query") for choice in asked]
        await review_store.ask(unit, [choice.review_id for choice in asked], questions)
    for review_id, ruling in desk.rulings.items():
        payload = {
            "decision": decided[review_id].decision.value,
            "position": str(ruling.piece.id),
            "approved": print_money(ruling.approved),
        }
        await record(
            unit,
            at=call.now(),
            actor=call.principal.actor,
            action="review.resolve",
            object_type="review",
            object_id=review_id,
            payload=payload,
        )


def _amount(piece: Piece, choice: Choice) -> int:
    """Cents that the decision would pay."""
    if choice.decision is Decision.REJECT:
        return 0
    if choice.decision is Decision.REDUCE:
        cents = choice.approved or 0
        if cents > piece.claimed:
            raise Invalid(faults=[_TOO_HIGH])
        return cents
    before = standing(piece)
    cents = before.approved if before.proposed is None else before.proposed
    if not cents:
        raise NothingProposed
    return cents


def _finding(decision: Decision, outcome: Outcome, cents: int) -> Finding:
    if outcome is Outcome.REJECTED:
        return Finding("person_reject", Effect.REJECT)
    if decision is Decision.REDUCE and outcome is Outcome.REDUCED:
        return Finding("person_reduce", Effect.REDUCE, payable=cents)
    return Finding("person_accept", Effect.NOTE)


def standing(piece: Piece) -> Standing:
    """What was decided so far. Refuses a piece that was never decided (LookupError): only decided ones come before a person."""
    if piece.before is None:
        raise LookupError("a position without a decision")
    return piece.before


def without_persons(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings of rules; what a person found before stands in the history."""
    return tuple(f for f in findings if not f.rule.startswith(PERSON))


def day_taken(docket: Docket, piece: Piece) -> bool:
    """Whether another position that is paid holds the lunch: the day's, the month's, or for a month one of its days'."""
    line = piece.line
    if line.claim.benefit != LUNCH or line.claim.item != LUNCH or line.child_id is None:
        return False
    month = Month.of(piece.first_day)
    days = [piece.first_day] if line.claim.form is Form.DAY else month.days
    slots = [docket.slots.get((line.child_id, month.first, True)), *(docket.slots.get((line.child_id, day, False)) for day in days)]
    return any(slot is not None and not slot.contested and slot.position_id != piece.id for slot in slots)


def scaled(shares: Sequence[Share], cents: int) -> tuple[Share, ...]:
    """Shares of a smaller amount in the same proportion: cents as differences of the half-up rounded running sum, units rounded up.

    A lunch paid in part still uses its day; nothing ever exceeds what the share had. Refuses more than the shares hold (ValueError).
    """
    total = sum(share.cents for share in shares)
    if cents > total:
        raise ValueError("more than the shares hold")
    made = []
    running = before = 0
    for share in shares:
        running += share.cents
        until = divide_half_up(running * cents, total)
        part, before = until - before, until
        if part:
            made.append(Share(share.grant_id, share.version, share.legal_basis, part, -(-share.units * part // share.cents)))
    return tuple(made)


def shares_of(case: CaseFile, piece: Piece, borne: Borne) -> tuple[Share, ...]:
    """What grants bear, with the grants' ids and versions."""
    grants = case.grant_files(piece)
    return tuple(
        Share(grants[a.grant].id, grants[a.grant].version, grants[a.grant].legal_basis, a.cents, a.units) for a in borne.allocations
    )

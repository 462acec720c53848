"""Decides the pieces of a case one after the other; each sees what the ones before it took."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from but_gateway.kit.money import divide_half_up
from but_gateway.procedures.adjudication.casefile import CaseFile
from but_gateway.procedures.adjudication.docket import LUNCH, PAYABLE, Slot
from but_gateway.procedures.adjudication.dossier import Dossier
from but_gateway.procedures.adjudication.model import Corrects, Piece, Ruling, Share
from but_gateway.procedures.adjudication.twins import Twins
from but_gateway.rules.catalogue import RULE_SET
from but_gateway.rules.evaluate import evaluate
from but_gateway.rules.verdict import Effect, Outcome, Verdict

CONTESTED = "M-03"
TUTOR_OVERLAP = "L-10"


@dataclass(slots=True)
class Bench:
    """Decides. ``known`` are all pieces that may be re-decided on the way: those of the case and their rivals."""

    case: CaseFile
    known: dict[UUID, Piece]
    dossier: Dossier = field(default_factory=Dossier)
    rulings: dict[UUID, Ruling] = field(default_factory=dict)
    settled_rivals: list[tuple[Piece, Slot]] = field(default_factory=list)  # a second bill for a lunch that is paid: the office hears of it
    _twins: Twins = field(init=False)

    def __post_init__(self) -> None:
        self._twins = Twins(self.case, self.dossier)

    def decide(self, pieces: Iterable[Piece]) -> list[Ruling]:
        """Rulings in the order they were made; a rival's ruling stands where it came up."""
        self.hear(pieces)
        return list(self.rulings.values())

    def hear(self, pieces: Iterable[Piece]) -> None:
        """Decides further pieces; their rulings are in ``rulings``."""
        for piece in pieces:
            self._decide_one(piece)

    def _decide_one(self, piece: Piece) -> None:
        case, line = self.case, piece.line
        if piece.corrects is not None:
            self._correct(piece, piece.corrects)
            return
        slots = case.docket.lunch_rivals(piece) if line.claim.benefit == LUNCH and line.claim.item == LUNCH else []
        again: list[Piece] = []
        if slots and case.owns(piece, slots):
            # What the others hold, of the day as of a budget, is free for the one to whom the grant gives the day.
            again = [rival for slot in slots for rival in self._take_out(slot)]
            ruling, slots = self._rule(piece), []
        else:
            ruling = (None if slots else self._twins.of(piece)) or self._rule(piece)
        if ruling.outcome is not Outcome.REJECTED and all(line.provider_id not in (s.provider_id, s.rival_provider_id) for s in slots):
            self.settled_rivals += [(piece, slot) for slot in slots if slot.settled]
            for slot in slots:
                if not slot.settled and not (slot.contested and _has(ruling, CONTESTED)):
                    again += self._take_out(slot)
        self._accept(ruling)
        if _has(ruling, TUTOR_OVERLAP):
            again += self._overlapped(piece)
        for rival in again:
            self._accept(self._rule(rival))

    def _take_out(self, slot: Slot) -> list[Piece]:
        """Releases the claims that hold a slot, so that the newcomer is put in first and they are decided against it."""
        rivals = [self.known[p] for p in (slot.position_id, slot.rival_position_id) if p is not None and p in self.known]
        for rival in rivals:
            self._release(rival)
        return rivals

    def _overlapped(self, piece: Piece) -> list[Piece]:
        """The lessons a tutor gave at the same time, where they are not under review for it yet."""
        found = []
        for other in self.case.docket.tutor_lessons.get((piece.line.provider_id, piece.line.tutor or "", piece.first_day), ()):
            rival = self.known.get(other.position_id)
            if rival is None or rival is piece or other.child_id == piece.line.child_id or not self.case.docket.tutor_overlap(rival):
                continue
            ruling = self.rulings.get(rival.id)
            findings = ruling.findings if ruling else rival.before.findings if rival.before else ()
            if not any(f.rule == TUTOR_OVERLAP for f in findings):
                found.append(rival)
        for rival in found:
            self._release(rival)
        return found

    def _release(self, piece: Piece) -> None:
        ruling = self.rulings.get(piece.id)
        if ruling is not None:
            self.case.docket.move(ruling.shares, ruling.outcome, -1)
            self.case.docket.forget(piece)
        else:
            self.case.docket.release(piece)

    def _rule(self, piece: Piece) -> Ruling:
        facts = self.case.facts(piece)
        verdict = evaluate(facts)
        ruling = Ruling(
            piece=piece,
            outcome=verdict.outcome,
            approved=verdict.approved,
            proposed=verdict.proposed,
            findings=verdict.findings,
            shares=self._shares(piece, verdict),
            facts=self.dossier.text(facts),
            rule_set=RULE_SET,
            decision_seq=self._seq(piece),
        )
        self._twins.remember(ruling, facts)
        return ruling

    def _accept(self, ruling: Ruling) -> None:
        self.case.docket.apply(ruling, contested=_has(ruling, CONTESTED))
        self.rulings[ruling.piece.id] = ruling

    def _seq(self, piece: Piece) -> int | None:
        return self.case.seqs.get(piece.line.child_id) if piece.line.child_id else None

    def _shares(self, piece: Piece, verdict: Verdict) -> tuple[Share, ...]:
        if not verdict.allocations:
            return ()
        grants = self.case.grant_files(piece)
        return tuple(
            Share(grants[a.grant].id, grants[a.grant].version, grants[a.grant].legal_basis, a.cents, a.units) for a in verdict.allocations
        )

    def _correct(self, piece: Piece, corrects: Corrects) -> None:
        facts = self.case.facts(piece)
        verdict = evaluate(facts)
        shares: tuple[Share, ...] = ()
        if verdict.outcome in PAYABLE:
            taken = -verdict.approved
            shares = mirror(corrects.shares, corrects.approved, corrects.corrected, taken)
            corrects.corrected += taken
            self.case.docket.move(shares, verdict.outcome, 1)
            if corrects.corrected == corrects.approved and corrects.position_id is not None:
                self.case.docket.free(piece, corrects.position_id)
        self.rulings[piece.id] = Ruling(
            piece, verdict.outcome, verdict.approved, verdict.proposed, verdict.findings, shares, self.dossier.text(facts), RULE_SET,
            decision_seq=self._seq(piece),
        )  # fmt: skip


def _has(ruling: Ruling, rule: str) -> bool:
    return bool(ruling.findings) and any(f.rule == rule and f.effect is not Effect.NOTE for f in ruling.findings)


def mirror(shares: Sequence[Share], approved: int, corrected: int, taken: int) -> tuple[Share, ...]:
    """Negative shares for ``taken`` cents of an approved amount of which ``corrected`` cents went back before.

    Each share gives its proportion; running sums are rounded, so that all corrections together give back exactly what was taken.
    """
    if approved <= 0:
        return ()
    mirrored = []
    cents_before = cents_after = running = 0
    for share in shares:
        running += share.cents
        before, after = (divide_half_up(running * part, approved) for part in (corrected, corrected + taken))
        units = share.units * (corrected + taken) // approved - share.units * corrected // approved
        mirrored.append(Share(share.grant_id, share.version, share.legal_basis, -((after - cents_after) - (before - cents_before)), -units))
        cents_before, cents_after = before, after
    return tuple(mirrored)

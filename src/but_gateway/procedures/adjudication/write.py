"""Writes rulings: decisions, states, postings, budgets, slots, reviews – in a fixed number of statements, however many there are."""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from but_gateway.db.lane import Lane
from but_gateway.db.session import UnitOfWork
from but_gateway.kit.ids import new_ids
from but_gateway.procedures.adjudication import ruling_store as store
from but_gateway.procedures.adjudication.docket import PAYABLE, Docket
from but_gateway.procedures.adjudication.model import Piece, Ruling, Share
from but_gateway.procedures.adjudication.tell import told_changes
from but_gateway.registers.providers.change_store import tell_provider
from but_gateway.rules.verdict import Finding, Outcome

_DAY_SLOTS, _MONTH_SLOTS = ("lunch_slot", "day"), ("lunch_month_slot", "month")


class ClaimedMeanwhileError(Exception):
    """A position was taken into a live batch between reading and writing. Its state is locked when read, so this is a fault of ours."""


def findings_text(findings: Sequence[Finding]) -> str:
    """As they stand in decision.findings: [[rule, effect, values, payable], …]."""
    if not findings:
        return "[]"
    return json.dumps([[f.rule, int(f.effect), f.values, f.payable] for f in findings], ensure_ascii=False, separators=(",", ":"))


async def write_rulings(unit: UnitOfWork, rulings: Sequence[Ruling], at: datetime, parts: dict[bytes, str]) -> None:
    """Writes decisions and everything that follows from them, but for slots (see ``write_slots``) and the positions themselves."""
    if not rulings:
        return
    async with Lane() as lane:
        writer = RulingWriter(unit, lane, at)
        await writer.put(rulings)
    await writer.finish(parts)


class RulingWriter:
    """Writes rulings in portions: ``put`` queues what is only added, ``finish`` does what must come once, after the lane has ended."""

    def __init__(self, unit: UnitOfWork, lane: Lane, at: datetime) -> None:
        self._unit, self._lane, self._at = unit, lane, at
        self._rulings: list[Ruling] = []
        self._known: list[tuple[UUID, Ruling]] = []
        self._budgets: dict[UUID, list[int]] = defaultdict(lambda: [0, 0])

    async def put(self, rulings: Sequence[Ruling]) -> None:
        """Queues decisions, first states and postings. The columns of each statement are made while the one before it runs."""
        if not rulings:
            return
        unit, lane = self._unit, self._lane
        ids = new_ids(len(rulings))
        await lane.put(store.insert_decisions(unit, self._at, _decision_columns(ids, rulings)))
        new = [(i, r) for i, r in zip(ids, rulings, strict=True) if r.piece.before is None]
        if new:
            await lane.put(store.insert_states(unit, _head_of(new), _state_columns(new)))
        rows = _postings(ids, rulings, self._budgets)
        if rows:
            columns = [new_ids(len(rows)), *(list(column) for column in zip(*rows, strict=True))]
            await lane.put(store.insert_postings(unit, self._at, columns))
        self._known += [(i, r) for i, r in zip(ids, rulings, strict=True) if r.piece.before is not None]
        self._rulings += rulings

    async def finish(self, parts: dict[bytes, str]) -> None:
        """New states of known positions, budgets, reviews, corrections, proofs, parts of facts, and what providers are told."""
        unit, rulings = self._unit, self._rulings
        if not rulings:
            return
        if parts:
            await store.insert_parts(unit, list(parts), list(parts.values()))
        if self._known:
            await _update(unit, self._known)
        budgets = {grant: change for grant, change in self._budgets.items() if change != [0, 0]}
        if budgets:
            grants = sorted(budgets)
            await store.move_budgets(unit, grants, [budgets[g][0] for g in grants], [budgets[g][1] for g in grants])
        await _review(unit, rulings, self._at)
        await _correct(unit, rulings)
        await _proofs(unit, rulings)
        tell_provider(unit, told_changes(rulings, self._at))


def _decision_columns(ids: list[UUID], rulings: Sequence[Ruling]) -> list[list[Any]]:
    return [
        ids,
        [r.piece.id for r in rulings],
        [r.piece.line.provider_id for r in rulings],
        [r.decided_by for r in rulings],
        [r.decision_seq for r in rulings],
        [r.outcome.value for r in rulings],
        [r.approved for r in rulings],
        [r.proposed for r in rulings],
        [findings_text(r.findings) for r in rulings],
        [_shares_text(r.shares) for r in rulings],
        [r.rule_set for r in rulings],
        [r.facts for r in rulings],
        [r.reason for r in rulings],
    ]


def _shares_text(shares: Sequence[Share]) -> str:
    if len(shares) == 1:
        s = shares[0]
        return f'[["{s.grant_id}",{s.version},"{s.legal_basis}",{s.cents},{s.units}]]'
    return json.dumps([s.document() for s in shares], separators=(",", ":"))


def _head_of(new: list[tuple[UUID, Ruling]]) -> tuple[UUID, UUID, datetime]:
    """What all new positions share: they are born with one invoice. Refuses several (ValueError)."""
    heads = {(r.piece.line.invoice_id, r.piece.line.provider_id, r.piece.line.received_at) for _, r in new}
    if len(heads) != 1:
        raise ValueError("new positions of several invoices")
    return heads.pop()


def _state_columns(new: list[tuple[UUID, Ruling]]) -> list[list[Any]]:
    pieces = [r.piece for _, r in new]
    lessons = [p.line.claim.lesson for p in pieces]
    return [
        [p.id for p in pieces],
        [p.line.id for p in pieces],
        [p.line.entitlement_id for p in pieces],
        [p.line.child_id for p in pieces],
        [p.line.claim.benefit for p in pieces],
        [p.line.claim.item for p in pieces],
        [p.line.claim.form.value for p in pieces],
        [p.first_day for p in pieces],
        [p.last_day for p in pieces],
        [lesson.recorded_from if lesson else None for lesson in lessons],
        [lesson.recorded_to if lesson else None for lesson in lessons],
        [lesson.minutes if lesson else None for lesson in lessons],
        [p.claimed for p in pieces],
        [i for i, _ in new],
        [r.outcome.value for _, r in new],
        [r.approved for _, r in new],
        [r.proposed for _, r in new],
    ]


async def _update(unit: UnitOfWork, known: list[tuple[UUID, Ruling]]) -> None:
    columns: list[list[Any]] = [
        [r.piece.id for _, r in known],
        [i for i, _ in known],
        [r.outcome.value for _, r in known],
        [r.approved for _, r in known],
        [r.proposed for _, r in known],
        [r.decided_by is not None for _, r in known],
    ]
    if await store.update_states(unit, columns) != len(known):
        raise ClaimedMeanwhileError


def _postings(ids: list[UUID], rulings: Sequence[Ruling], budgets: dict[UUID, list[int]]) -> list[tuple[Any, ...]]:
    """Postings of every change of money or budget: what stood before is taken back, what stands now is added.

    ``budgets`` collects by grant what is added to its used and reserved units.
    """
    rows: list[tuple[Any, ...]] = []
    for decision_id, ruling in zip(ids, rulings, strict=True):
        before = ruling.piece.before
        if before is not None and (before.outcome, before.shares) == (ruling.outcome, ruling.shares):
            continue
        if before is not None:
            _add(rows, budgets, (decision_id, ruling.piece), (before.shares, before.outcome), -1)
        _add(rows, budgets, (decision_id, ruling.piece), (ruling.shares, ruling.outcome), 1)
    return rows


def _add(
    rows: list[tuple[Any, ...]],
    budgets: dict[UUID, list[int]],
    decided: tuple[UUID, Piece],
    held: tuple[Sequence[Share], Outcome],
    sign: int,
) -> None:
    (decision_id, piece), (shares, outcome) = decided, held
    payable, reserved = outcome in PAYABLE, outcome is Outcome.REVIEW
    if not (payable or reserved):
        return
    year = piece.first_day.year
    for share in shares:
        used_units, reserved_units = (sign * share.units, 0) if payable else (0, sign * share.units)
        cents = sign * share.cents if payable else 0
        if not (cents or used_units or reserved_units):
            continue
        line = piece.line
        rows.append(
            (cents, used_units, reserved_units, line.provider_id, piece.id, decision_id, share.grant_id, share.version, share.legal_basis,
             line.claim.benefit, year)
        )  # fmt: skip
        if share.units:
            change = budgets[share.grant_id]
            change[0] += used_units
            change[1] += reserved_units


async def _review(unit: UnitOfWork, rulings: Sequence[Ruling], at: datetime) -> None:
    opened = [r.piece for r in rulings if r.outcome is Outcome.REVIEW]
    if opened:
        columns: list[list[Any]] = [
            new_ids(len(opened)), [p.id for p in opened], [p.line.invoice_id for p in opened], [p.line.provider_id for p in opened]
        ]  # fmt: skip
        await store.open_reviews(unit, at, columns)
    closed: dict[str | None, list[UUID]] = defaultdict(list)
    for ruling in rulings:
        if ruling.piece.before is not None and ruling.outcome is not Outcome.REVIEW:
            closed[ruling.decided_by].append(ruling.piece.id)
    for actor, positions in closed.items():
        await store.close_reviews(unit, at, positions, actor)


async def _correct(unit: UnitOfWork, rulings: Sequence[Ruling]) -> None:
    taken: dict[UUID, int] = defaultdict(int)
    for ruling in rulings:
        corrects = ruling.piece.corrects
        if corrects is not None and corrects.position_id is not None and ruling.outcome in PAYABLE:
            taken[corrects.position_id] -= ruling.approved
    if taken:
        positions = sorted(taken)
        await store.add_corrected(unit, positions, [taken[p] for p in positions])


async def _proofs(unit: UnitOfWork, rulings: Sequence[Ruling]) -> None:
    gone = [
        r.piece.id for r in rulings if r.piece.line.proof and r.piece.before is not None and r.outcome not in (*PAYABLE, Outcome.REVIEW)
    ]
    gone += [
        r.piece.corrects.position_id
        for r in rulings
        if r.piece.corrects and r.piece.corrects.position_id and r.piece.corrects.corrected == r.piece.corrects.approved
    ]
    # Freed first: what one lesson gives up another of the same rulings may take.
    if gone:
        await store.delete_proofs(unit, gone)
    live = [r.piece for r in rulings if r.piece.line.proof and r.piece.corrects is None and r.outcome in (*PAYABLE, Outcome.REVIEW)]
    if live:
        await store.insert_proofs(unit, [p.line.provider_id for p in live], [p.line.proof or "" for p in live], [p.id for p in live])


async def write_slots(unit: UnitOfWork, docket: Docket) -> None:
    """Writes the lunch slots as the docket has them now."""
    gone, new, changed = docket.slot_changes()
    for (table, day), monthly in ((_DAY_SLOTS, False), (_MONTH_SLOTS, True)):
        lost = [key for key in gone if key[2] is monthly]
        if lost:
            await store.delete_slots(unit, table, day, [key[0] for key in lost], [key[1] for key in lost])
        for rows, put in ((changed, store.update_slots), (new, store.insert_slots)):
            mine = [(key, slot.row()) for key, slot in rows if key[2] is monthly]
            if mine:
                columns: list[list[Any]] = [
                    [key[0] for key, _ in mine],
                    [key[1] for key, _ in mine],
                    *([row[i] for _, row in mine] for i in range(7)),
                ]
                await put(unit, table, day, columns)
    docket.mark_loaded()

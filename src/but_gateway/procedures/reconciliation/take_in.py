"""Taking in a report of bank or treasury: what it says finds its payment, is booked once, and changes nothing when it is said again."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.formats.bookings import Report
from but_gateway.identity.call import Call
from but_gateway.kit.ids import new_id, new_ids
from but_gateway.procedures.reconciliation import effect_store, store
from but_gateway.procedures.reconciliation.matching import Matcher, searched
from but_gateway.procedures.reconciliation.model import Outcome, Said, Source, State, Step, Tally
from but_gateway.procedures.reconciliation.schemas import PaymentReportOut
from but_gateway.procedures.reconciliation.store import Row
from but_gateway.web.answers import Answer


@dataclass(slots=True)
class _Sorted:
    """What a report says, sorted by what is known: entries to add, entries that find their payment only now, the rest in numbers."""

    added: dict[bytes, Row] = field(default_factory=dict)
    linked: dict[UUID, Row] = field(default_factory=dict)
    already_known: int = 0
    unmatched: int = 0

    @property
    def rows(self) -> list[Row]:
        """All entries that are written."""
        return [*self.added.values(), *self.linked.values()]


async def take_in(unit: UnitOfWork, call: Call, report: Report, raw: bytes) -> Answer:
    """Takes in the bookings of a report, all or nothing. Reports of a town wait for each other."""
    step, source = Step(call.principal.actor, call.now()), Source.of(report.kind)
    await store.take_turn(unit)
    matcher = Matcher(*await store.find_targets(unit, *searched(report.bookings)), source)
    found = [matcher.findings(booking) for booking in report.bookings]
    rows = [(*matcher.fingerprints(finding), finding) for findings in found for finding in findings]
    known = await store.known_entries(unit, {name for meant, given, _ in rows for name in (meant, given)})
    sorted_ = _Sorted()
    for entry_id, (meant, given, finding) in zip(new_ids(len(rows)), rows, strict=True):
        before = known.get(meant) or known.get(given)
        if before is None:
            sorted_.added[meant] = Row(entry_id, meant, finding)
        elif before[1]:
            sorted_.already_known += 1
        elif finding.target is not None and before[0] not in sorted_.linked:
            sorted_.linked[before[0]] = Row(before[0], meant, finding)
        else:
            sorted_.unmatched += 1
    histories = await effect_store.lock_histories(unit, {r.finding.target.id for r in sorted_.rows if r.finding.target})
    outcomes = histories.come_to(_said(sorted_.rows, source))
    tally = _tally(sorted_, outcomes, unrelated=sum(not findings for findings in found), not_booked=report.not_booked)
    digest, report_id = hashlib.sha256(raw).hexdigest(), new_id()
    values: dict[str, Any] = {"kind": report.kind, "sha256": digest, "bytes": len(raw), **_counts(tally)}
    await store.insert_report(unit, report_id, step, values)
    await store.insert_entries(unit, report_id, source, _marked(sorted_.added.values(), outcomes))
    await store.link_entries(unit, _marked(sorted_.linked.values(), outcomes))
    await effect_store.write_outcomes(unit, histories, outcomes, step)
    await record(
        unit, at=step.at, actor=step.by, action="reconciliation.take_in", object_type="payment_report", object_id=report_id, payload=values
    )
    return Answer(PaymentReportOut.of(tally))


def _said(rows: Iterable[Row], source: Source) -> list[Said]:
    return [
        Said(
            id=r.id,
            payment_id=r.finding.target.id,
            direction=r.finding.direction,
            source=source,
            booked_on=r.finding.booked_on,
            cents=r.finding.cents,
            whole=r.finding.whole,
            state=r.state,
            effective=False,
            return_reason=r.finding.return_reason,
        )
        for r in rows
        if r.finding.target is not None
    ]


def _marked(rows: Iterable[Row], outcomes: dict[UUID, Outcome]) -> list[Row]:
    """Entries with the state they have in the history of their payment."""
    marked = []
    for row in rows:
        target = row.finding.target
        state, effective = outcomes[target.id].marks[row.id] if target else (State.UNMATCHED, False)
        marked.append(replace(row, state=state, effective=effective))
    return marked


def _tally(sorted_: _Sorted, outcomes: dict[UUID, Outcome], *, unrelated: int, not_booked: int) -> Tally:
    rows = _marked(sorted_.rows, outcomes)
    matched = sum(r.effective for r in rows)
    confirmed = sum(r.state is State.MATCHED and not r.effective for r in rows)
    return Tally(
        matched=matched,
        unmatched=sorted_.unmatched + unrelated + len(rows) - matched - confirmed,
        already_known=sorted_.already_known + confirmed,
        unrelated=unrelated,
        not_booked=not_booked,
    )


def _counts(tally: Tally) -> dict[str, int]:
    return {
        "matched": tally.matched,
        "unmatched": tally.unmatched,
        "already_known": tally.already_known,
        "unrelated": tally.unrelated,
        "not_booked": tally.not_booked,
    }

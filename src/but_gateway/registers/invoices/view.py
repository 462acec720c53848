"""How an invoice is shown: to providers with public codes only, to staff with rules, allocations and every position."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from but_gateway.kit.clock import print_moment
from but_gateway.kit.money import print_money
from but_gateway.kit.period import DayRange, Month
from but_gateway.registers.invoices.model import InvoiceHead, LineView, PositionView
from but_gateway.rules.texts import clerk_text, provider_finding_text, public_code
from but_gateway.rules.verdict import Effect, Finding, Outcome
from but_gateway.rules.wording import Lang

_EFFECTS: Final = ("note", "reduce", "review", "reject")
_DECIDED: Final = frozenset({"person_accept", "person_reduce", "person_reject"})
OUTCOMES: Final = tuple(o.value for o in Outcome)
_Named = tuple[str, int, tuple[tuple[str, str], ...]]


def show_invoice(head: InvoiceHead, town: str, *, dry_run: bool = False) -> dict[str, Any]:
    """The invoice without its lines."""
    return {
        "id": str(head.id),
        "municipality": town,
        "provider": head.provider_key,
        "number": head.number,
        "state": head.state,
        "issued_on": head.issued_on.isoformat(),
        "period": {"from": head.first_day.isoformat(), "to": head.last_day.isoformat()},
        "received_at": print_moment(head.received_at),
        "dry_run": dry_run,
        "cancelled_by": head.cancelled_by,
        "totals": {
            "claimed": print_money(head.claimed),
            "approved": print_money(head.approved),
            "in_review": print_money(head.in_review),
            "refused": print_money(head.claimed - head.approved - head.in_review),
        },
        "counts": head.counts,
    }


def sums(positions: Iterable[PositionView]) -> tuple[int, int, int, dict[str, int]]:
    """Claimed, approved and in review in cents, and how many positions have which outcome."""
    claimed = approved = in_review = 0
    counts = dict.fromkeys(OUTCOMES, 0)
    for position in positions:
        claimed += position.claimed
        approved += position.approved
        counts[position.outcome] += 1
        if position.outcome is Outcome.REVIEW:
            in_review += position.claimed
    return claimed, approved, in_review, {name: counts[name] for name in ("accepted", "reduced", "rejected", "review", "cancelled")}


def show_line(line: LineView, language: Lang, *, staff: bool) -> dict[str, Any]:
    """A line: what holds for all its positions stands on it; positions are listed where they differ (staff: always)."""
    positions = line.positions if staff else [as_told(p) for p in line.positions]
    first = positions[0]
    outcomes = {p.outcome for p in positions}
    claimed, approved = sum(p.claimed for p in positions), sum(p.approved for p in positions)
    proposed = [p.proposed for p in positions if p.proposed is not None]
    common = first.findings
    differ = len(outcomes) > 1
    if len(positions) > 1 and any(p.findings != common for p in positions):
        shared = set.intersection(*({_name(f) for f in p.findings} for p in positions))
        common = tuple(f for f in first.findings if _name(f) in shared)
        differ = True
    shown: list[dict[str, Any]] = []
    if staff:
        shown = [show_position(p, language, staff=True) for p in positions]
    elif differ and len(positions) > 1:
        shown = [show_position(p, language, staff=False) for p in positions if p.outcome is not Outcome.ACCEPTED]
    outcome = next(iter(outcomes)) if len(outcomes) == 1 else None
    when = _when(first) if len(positions) == 1 else len(positions)
    return {
        "line_no": line.line_no,
        "decision": "mixed" if outcome is None else outcome.value,
        "claimed": print_money(claimed),
        "approved": print_money(approved),
        "proposed": print_money(sum(proposed)) if proposed else None,
        "findings": _show_findings(common, (claimed, approved, when, outcome), language, staff=staff),
        "positions": shown,
    }


def _name(finding: Finding) -> _Named:
    return finding.rule, int(finding.effect), tuple(sorted(finding.values.items()))


def _when(position: PositionView) -> Any:  # noqa: ANN401 - a day, a month or a range, as texts.py takes it
    if position.form == "day":
        return position.first_day
    if position.form == "month":
        return Month.of(position.first_day)
    return DayRange(position.first_day, position.last_day)


def show_position(position: PositionView, language: Lang, *, staff: bool) -> dict[str, Any]:
    """One position with its findings; staff also reads allocations, rule set and batch."""
    shown: dict[str, Any] = {
        "service_date": position.service_date,
        "decision": position.outcome.value,
        "claimed": print_money(position.claimed),
        "approved": print_money(position.approved),
        "proposed": None if position.proposed is None else print_money(position.proposed),
        "findings": show_findings(position, language, staff=staff),
    }
    if staff:
        shown |= {
            "id": str(position.id),
            "from": position.first_day.isoformat(),
            "to": position.last_day.isoformat(),
            "rule_set": position.rule_set,
            "batch_id": None if position.batch_id is None else str(position.batch_id),
            "allocations": [show_share(share) for share in position.shares],
        }
    return shown


def show_share(share: Sequence[object]) -> dict[str, Any]:
    """A part of a decision that one grant bears, for staff."""
    grant, version, basis, cents, units = share
    return {"grant": grant, "grant_version": version, "legal_basis": basis, "amount": print_money(int(str(cents))), "units": units}


def as_told(position: PositionView) -> PositionView:
    """The position as a provider hears of it: once a person decided, what that decision settled is no longer said.

    What the person cleared up is not open any more, and what the person set aside refuses nothing.
    """
    if not any(f.rule in _DECIDED for f in position.findings):
        return position
    settled = {
        Outcome.REJECTED: (Effect.REVIEW,),
        Outcome.ACCEPTED: (Effect.REVIEW, Effect.REJECT, Effect.REDUCE),
    }.get(position.outcome, (Effect.REVIEW, Effect.REJECT))
    return replace(position, findings=tuple(f for f in position.findings if f.effect not in settled))


def show_findings(position: PositionView, language: Lang, *, staff: bool) -> list[dict[str, Any]]:
    """The findings of one position."""
    position = position if staff else as_told(position)
    told = (position.claimed, position.approved, _when(position), position.outcome)
    return _show_findings(position.findings, told, language, staff=staff)


def _show_findings(
    findings: Sequence[Finding], told: tuple[int, int, Any, Outcome | None], language: Lang, *, staff: bool
) -> list[dict[str, Any]]:
    claimed, approved, when, outcome = told
    shown = []
    for finding in findings:
        code = public_code(finding.rule, finding.effect)
        if code is None and not staff:
            continue
        entry: dict[str, Any] = {
            "code": code,
            "effect": _EFFECTS[finding.effect],
            "text": None,
            "next_step": None,
            "bearer": None,
            "values": {},
        }
        if code is not None:
            text = provider_finding_text(
                finding.rule, finding.values, claimed, approved, when, language, effect=finding.effect, outcome=outcome
            )
            entry |= {"text": text.text, "next_step": text.next_step, "bearer": text.bearer, "values": dict(text.values)}
        if staff:
            entry |= {"rule": finding.rule, "clerk_text": clerk_text(finding.rule, finding.values, language), "values": finding.values}
        shown.append(entry)
    return shown

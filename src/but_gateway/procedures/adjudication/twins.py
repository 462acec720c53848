"""The fast path: days of one lunch line that cannot be decided differently are decided once.

A rule looks at the day of a position in three ways only: it compares it with a day that stands in the facts, it asks the law of
the day, or it takes its month. Two days of one line between which no such day lies, in one month, with the same situation
otherwise, therefore get the same verdict. `evaluate` remains the oracle: a property test decides random lines both ways.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, timedelta
from functools import cache

from but_gateway.kit.period import Month
from but_gateway.law.parameters import turning_days
from but_gateway.procedures.adjudication.casefile import CaseFile
from but_gateway.procedures.adjudication.docket import LUNCH
from but_gateway.procedures.adjudication.dossier import Dossier
from but_gateway.procedures.adjudication.model import Piece, Ruling
from but_gateway.rules.document import DAY_NAMES, situation_document
from but_gateway.rules.facts import Facts, Form

_HERE = "@"
_DAY = timedelta(days=1)
_PLAIN = (str, int)  # bool is an int; neither holds a day


@dataclass(slots=True)
class Twins:
    """Remembers the last full decision and tells whether the next piece is its twin."""

    case: CaseFile
    dossier: Dossier
    _ruling: Ruling | None = None
    _facts: Facts | None = None
    _span: tuple[date, date] | None = None  # from the first day on and before the second one nothing changes
    _text: list[str] | None = None
    _known: dict[int, tuple[object, tuple[date, ...]]] = field(default_factory=dict)  # borders by part; the part is kept with its id

    def remember(self, ruling: Ruling, facts: Facts) -> None:
        """A decision that later days of its line may share; one that names its day, or draws on a budget, is nobody's twin."""
        situation, line = facts.situation, ruling.piece.line
        day = situation.first_day.isoformat()
        usable = (
            line.claim.benefit == LUNCH
            and line.claim.form is Form.DAY
            and situation.rival is None
            and situation.paid_by_family is None
            and line.entitlement_id not in self.case.family_payments
            and all(left is None for left in situation.budgets_left)
            and not any(day in f.values.values() for f in ruling.findings)
        )
        self._ruling, self._facts = (ruling, facts) if usable else (None, None)
        self._span = self._text = None

    def of(self, piece: Piece) -> Ruling | None:
        """The decision of a piece that has no rival, if it is a twin of the last one; else None: it must be decided in full."""
        last, facts = self._ruling, self._facts
        if last is None or facts is None or last.piece.line is not piece.line:
            return None
        before, situation, day = last.piece, facts.situation, piece.first_day
        if before.quantity != piece.quantity or before.claimed != piece.claimed:
            return None
        if self._span is None:
            self._span = self._span_around(before)
        first, end = self._span
        if not first <= day < end or not self.case.same_day_facts(piece, facts):
            return None
        if self._text is None:
            document = situation_document(situation) | dict.fromkeys(DAY_NAMES, _HERE)
            self._text = self.dossier.text(facts, document).split(f'"{_HERE}"')
        return Ruling(
            piece=piece,
            outcome=last.outcome,
            approved=last.approved,
            proposed=last.proposed,
            findings=last.findings,
            shares=last.shares,
            facts=f'"{day.isoformat()}"'.join(self._text),
            rule_set=last.rule_set,
            decision_seq=last.decision_seq,
        )

    def _span_around(self, piece: Piece) -> tuple[date, date]:
        """The days of the piece's month that no day which a rule may compare with parts from its own; the second one lies behind them."""
        day, month = piece.first_day, Month.of(piece.first_day)
        first, end = month.first, month.last + _DAY
        for border in (*turning_days(), *self._all_borders()):
            if border <= day:
                first = max(first, border)
            else:
                end = min(end, border)
        if not self.case.same_age(piece.line.child_id, first, end - _DAY):
            return day, day + _DAY
        return first, end

    def _all_borders(self) -> Iterator[date]:
        """Days in the facts, and the day after each: on both a comparison may turn."""
        facts = self._facts
        if facts is None:
            return
        yield from _borders_of(facts.situation)
        for part in (facts.claim, facts.town, facts.provider, facts.agreement, facts.facility, facts.grants):
            known = self._known.get(id(part))
            if known is None:
                known = self._known[id(part)] = (part, tuple(_borders_of(part)))
            yield from known[1]


def _borders_of(part: object) -> Iterator[date]:
    for day in _days_in(part):
        yield day
        if day < date.max:
            yield day + _DAY


def _days_in(part: object) -> Iterator[date]:
    """All days that stand in facts, but for the position's own."""
    if isinstance(part, date):
        yield part
    elif isinstance(part, tuple):
        for one in part:
            yield from _days_in(one)
    elif is_dataclass(part) and not isinstance(part, type):
        for name in _names_of(type(part)):
            value = getattr(part, name)
            if value is not None and not isinstance(value, _PLAIN):
                yield from _days_in(value)


@cache
def _names_of(kind: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind) if one.name not in ("first_day", "last_day"))

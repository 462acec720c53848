"""Decides stored positions again from the facts they were decided from, with what is supposed put in their place. Writes nothing.

Everything else is as stored: what a budget had left, which claims were rivals, how old the child was. So a town sees what a change would
have done to each decision by itself, not how the money saved would have been spent on later ones.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any, Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.kit.period import DayRange
from but_gateway.procedures.adjudication.dossier import part_hashes, read_facts
from but_gateway.procedures.replay.model import Decided, Replayed, Supposition
from but_gateway.procedures.replay.store import Row, count_positions, fact_parts, only_read, provider_keys, stored_decisions
from but_gateway.rules.document import situation_from_document
from but_gateway.rules.evaluate import evaluate
from but_gateway.rules.facts import Facts
from but_gateway.rules.verdict import Effect, Finding, Outcome, Verdict
from but_gateway.rules.version import RULE_SET

_KEPT_MAX: Final = 20_000

Progress = Callable[[int, int], None]  # positions done, positions in all


async def replay(unit: UnitOfWork, days: DayRange, supposed: Supposition, progress: Progress) -> Replayed:
    """What the positions of a range of first service days would come to. The transaction can write nothing from here on."""
    await only_read(unit)
    result = Replayed()
    shelf = _Shelf(unit, supposed, await provider_keys(unit))
    law_on = supposed.law_on()
    decide = evaluate if law_on is None else partial(evaluate, law_on=law_on)
    total, done = await count_positions(unit, days.first, days.last), 0
    progress(done, total)
    async for rows in stored_decisions(unit, days.first, days.last):
        again = []
        for row in rows:
            reason = row["left_out"] or ("without_facts" if row["facts"] is None else None)
            if reason is None:
                again.append(row)
            else:
                result.left_out[reason] += 1
        await shelf.fetch(again)
        for row in again:
            facts = shelf.facts(row)
            result.other_rule_sets += row["rule_set"] != RULE_SET
            result.count(row["line_id"], row["claimed"], _stored(row), _decided(facts, decide(facts)))
        shelf.tidy()
        done += len(rows)
        progress(done, max(done, total))
    return result


@dataclass(slots=True)
class _Shelf:
    """Facts without their situations, as supposed: the same for many positions, so they are put together once and kept for a while."""

    unit: UnitOfWork
    supposed: Supposition
    providers: Mapping[UUID, str]
    parts: dict[bytes, Mapping[str, Any]] = field(default_factory=dict)
    known: dict[tuple[str, UUID], Facts] = field(default_factory=dict)

    async def fetch(self, rows: Sequence[Row]) -> None:
        """Brings the parts that a batch needs, in two statements."""
        new = [row["facts"] for row in rows if _key(row) not in self.known]
        await self._bring(h for stored in new for h in part_hashes(stored))
        await self._bring(h for stored in new for h in part_hashes(stored, self.parts[part_hashes(stored)[0]]))

    async def _bring(self, hashes: Iterable[bytes]) -> None:
        wanted = {one for one in hashes if one not in self.parts}
        if wanted:
            self.parts |= await fact_parts(self.unit, wanted)

    def facts(self, row: Row) -> Facts:
        """The facts of a position of the batch, with what is supposed."""
        key = _key(row)
        shared = self.known.get(key)
        if shared is None:
            stored = read_facts(row["facts"], self.parts)
            shared = self.known[key] = self.supposed.put_into(stored, self.providers[row["provider_id"]])
        return replace(shared, situation=situation_from_document(dict(row["facts"]["s"])))

    def tidy(self) -> None:
        """Lets go of what was put there first: lines come in the order they were billed, so old parts are seldom asked for again."""
        _shorten(self.parts)
        _shorten(self.known)


def _shorten(kept: dict[Any, Any]) -> None:
    for oldest in list(islice(kept, max(len(kept) - _KEPT_MAX, 0))):
        del kept[oldest]


def _key(row: Row) -> tuple[str, UUID]:
    return row["facts"]["c"], row["provider_id"]


def _stored(row: Row) -> Decided:
    return Decided(
        Outcome(row["outcome"]),
        row["approved"],
        row["proposed"],
        tuple(Finding(rule, Effect(effect), values, payable) for rule, effect, values, payable in row["findings"]),
        tuple((str(share[0]), int(share[3]), int(share[4])) for share in row["allocations"]),
    )


def _decided(facts: Facts, verdict: Verdict) -> Decided:
    borne = tuple((facts.grants[one.grant].ref, one.cents, one.units) for one in verdict.allocations)
    return Decided(verdict.outcome, verdict.approved, verdict.proposed, verdict.findings, borne)

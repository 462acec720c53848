"""What linked providers hear of a grant import: which days of a child came or fell away, from which day on, never why. Pure."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from but_gateway.kit.clock import business_day
from but_gateway.kit.period import DayRange
from but_gateway.law.parameters import FIRST_DAY
from but_gateway.registers.entitlements.coverage import Offer, Question, cover
from but_gateway.registers.entitlements.model import GrantRecord
from but_gateway.registers.entitlements.plan import Child, Entitlement
from but_gateway.registers.providers.change_store import PERIOD, Change

# A provider is told of days it may bill: as far back as there is law, as far ahead as a grant may reach.
_DAYS_AHEAD: Final = 3660


@dataclass(frozen=True, slots=True)
class PeriodChange:
    """The grants of one entitlement before and after an import; ``changed``: those known before that it changed."""

    entitlement: Entitlement
    child: Child
    before: tuple[GrantRecord, ...]
    after: tuple[GrantRecord, ...]
    changed: frozenset[UUID]


def told_periods(one: PeriodChange, provider_id: UUID, offers: Sequence[Offer], at: datetime) -> Iterator[Change]:
    """What a linked provider hears, as far as its own agreements reach.

    Nothing where the days stay the same: that another grant or another legal basis bears them is none of a provider's business.
    """
    today = business_day(at)
    days = DayRange(FIRST_DAY, today + timedelta(days=_DAYS_AHEAD))
    # Without good faith the bare days of the grants count: until when somebody is paid who does not know yet is another question.
    question = Question(one.entitlement.benefit, days, None, provider_id, today, protect_good_faith=False)
    born = one.child.date_of_birth
    before, after = (cover(question, born, grants, offers).periods for grants in (one.before, one.after))
    lost, gained = first_missing(before, after), first_missing(after, before)
    withdrawn = tuple((g.id, g.version) for g in one.after if g.id in one.changed or g.revoked_from is not None)
    for day, covered in ((lost, False), (gained, True)):
        if day is not None:
            details = {"benefit": one.entitlement.benefit, "from": day.isoformat(), "covered": covered}
            yield Change(provider_id, at, PERIOD, "child", one.child.id, details, () if covered else withdrawn)


def cut_short(one: PeriodChange) -> Iterator[UUID]:
    """Grants that lost days: they were revoked (or from an earlier day on), or their period got shorter."""
    old = {grant.id: grant for grant in one.before}
    for grant in one.after:
        was = old.get(grant.id)
        if was is None or grant.id not in one.changed:
            continue
        revoked = grant.revoked_from is not None and (was.revoked_from is None or grant.revoked_from < was.revoked_from)
        if revoked or grant.valid_from > was.valid_from or grant.valid_to < was.valid_to:
            yield grant.id


def first_missing(days: Collection[DayRange], among: Collection[DayRange]) -> date | None:
    """The first of the days that does not lie among the others, None if all do; both are merged and in order."""
    for one in days:
        day = one.first
        for other in among:
            if other.first <= day <= other.last:
                day = other.last + timedelta(days=1)
        if day <= one.last:
            return day
    return None

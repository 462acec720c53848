"""Tells linked providers which days of a child a grant import gave or took: from which day on, never why (GET …/changes)."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.kit.clock import business_day
from but_gateway.kit.period import DayRange
from but_gateway.law.parameters import FIRST_DAY
from but_gateway.procedures.intake import store
from but_gateway.registers.entitlements.coverage import Offer, Question, cover
from but_gateway.registers.entitlements.enter import Entered
from but_gateway.registers.entitlements.model import GrantRecord
from but_gateway.registers.entitlements.plan import Child, Entitlement
from but_gateway.registers.entitlements.store import load_grants
from but_gateway.registers.providers.change_store import PERIOD, Change, tell_provider
from but_gateway.registers.providers.store import load_agreements

# A provider is told of days it may bill: as far back as there is law, as far ahead as a grant may reach.
_DAYS_AHEAD: Final = 3660


@dataclass(frozen=True, slots=True)
class _Change:
    """The grants of one entitlement before and after an import, and which of them (with their version) it changed."""

    entitlement: Entitlement
    child: Child
    before: tuple[GrantRecord, ...]
    after: tuple[GrantRecord, ...]
    changed: frozenset[UUID]


async def tell_periods(unit: UnitOfWork, entered: Entered, at: datetime) -> None:
    """Notes the changes of periods for the providers linked with the entitlements, each as far as its own agreements reach.

    Nothing is told of entitlements whose families do not allow it, and nothing where the days stay the same: that another grant or
    another legal basis bears them is none of a provider's business.
    """
    changed = await _changed(unit, entered)
    links = await store.linked_providers(unit, [one.entitlement.id for one in changed])
    offers = {
        provider: [Offer(a.key, a.benefit, a.facility_ids, a.valid, a.prices) for a in await load_agreements(unit, provider)]
        for provider in {provider for _, provider in links}
    }
    by_id = {one.entitlement.id: one for one in changed}
    told: list[Change] = []
    for entitlement_id, provider_id in links:
        told += _told(by_id[entitlement_id], provider_id, offers[provider_id], at)
    tell_provider(unit, told)


async def _changed(unit: UnitOfWork, entered: Entered) -> list[_Change]:
    picture = entered.picture
    grants = [g for g in picture.grants.values() if g.versions]
    entitlements = {picture.entitlements[g.entitlement_key].id: picture.entitlements[g.entitlement_key] for g in grants}
    after = await load_grants(unit, list(entitlements))
    known = {g.id: g.version - len(g.versions) for g in grants if not g.new}
    old = await store.load_versions(unit, known)
    new = {g.id for g in grants if g.new}
    return [
        _Change(
            entitlement,
            picture.children[entitlement.child_key],
            tuple(old.get(g.id, g) for g in after[entitlement_id] if g.id not in new),
            tuple(after[entitlement_id]),
            frozenset(known),
        )
        for entitlement_id, entitlement in entitlements.items()
        if entitlement.information_allowed
    ]


def _told(one: _Change, provider_id: UUID, offers: Sequence[Offer], at: datetime) -> Iterator[Change]:
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

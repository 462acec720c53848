"""Imports up to a thousand rows in the open transaction: each stands or falls alone, touched positions are decided again."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from but_gateway.audit.record import record
from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.principal import Town
from but_gateway.kit.money import print_euro_de
from but_gateway.procedures.adjudication.redecide import redecide_children
from but_gateway.procedures.intake import store
from but_gateway.procedures.intake.model import Report
from but_gateway.procedures.intake.periods import PeriodChange, cut_short, told_periods
from but_gateway.registers.entitlements.coverage import Offer
from but_gateway.registers.entitlements.enter import Entered, enter, flags_of
from but_gateway.registers.entitlements.guard_store import add_notices
from but_gateway.registers.entitlements.schemas import RowIn, read_row
from but_gateway.registers.entitlements.store import load_grants
from but_gateway.registers.providers.change_store import Change, tell_provider
from but_gateway.registers.providers.store import load_agreements
from but_gateway.web.body import KEY_PATTERN


async def import_rows(  # noqa: PLR0913 - who imports what into which town, when; all keyword-only
    unit: UnitOfWork,
    report: Report,
    *,
    town: Town,
    keys: TownKeys,
    rows: Sequence[object],
    at: datetime,
    actor: str,
    reference: str,
) -> dict[str, str]:
    """Adds what became of the rows to the report; answers the numbers of their entitlements, printed, by key.

    ``rows`` are values of JSON, as sent; ``reference`` names the request or job in the audit record. Rows of wrong form fall alone,
    as do rows that contradict the register.
    """
    start = report.received
    report.received += len(rows)
    good: list[RowIn] = []
    places: list[int] = []
    for place, value in enumerate(rows, start + 1):
        row = read_row(value)
        if isinstance(row, RowIn):
            good.append(row)
            places.append(place)
        else:
            report.reject(place, _grant_key(value), row)
    entered = await enter(unit, keys, good, at)
    changed = await _changed_periods(unit, entered)
    await _tell_providers(unit, changed, at)
    await _tell_office(unit, changed, at)
    redecided = await redecide_children(unit, town, keys, entered.touched, at=at)
    report.add(entered, await flags_of(unit, entered), places)
    payload = {"rows": len(rows), "taken": len(good), "touched": sorted(map(str, entered.touched)), "redecided": redecided}
    await record(unit, at=at, actor=actor, action="grants.import", object_type="grant_import", object_id=reference, payload=payload)
    return entered.numbers()


async def _tell_providers(unit: UnitOfWork, periods: Sequence[PeriodChange], at: datetime) -> None:
    """Notes the changes of periods for the providers linked with the entitlements, where the families allow it."""
    changed = {one.entitlement.id: one for one in periods if one.entitlement.information_allowed}
    links = await store.linked_providers(unit, list(changed))
    offers = {
        provider: [Offer(a.key, a.benefit, a.facility_ids, a.valid, a.prices) for a in await load_agreements(unit, provider)]
        for provider in {provider for _, provider in links}
    }
    told: list[Change] = []
    for entitlement_id, provider_id in links:
        told += told_periods(changed[entitlement_id], provider_id, offers[provider_id], at)
    tell_provider(unit, told)


async def _tell_office(unit: UnitOfWork, periods: Sequence[PeriodChange], at: datetime) -> None:
    """S-08: what was settled on days that fell away stays paid; the office decides about the family (§ 50 SGB X)."""
    cut = [grant for one in periods for grant in cut_short(one)]
    notices = [
        ("grant", paid.grant_key, _PAID_ALREADY.format(key=paid.grant_key, count=paid.positions, amount=print_euro_de(paid.cents)))
        for paid in await store.paid_outside(unit, cut)
    ]
    await add_notices(unit.driver, unit.municipality_id, "revoked_after_payment", notices, at=at)


async def _changed_periods(unit: UnitOfWork, entered: Entered) -> list[PeriodChange]:
    picture = entered.picture
    grants = [g for g in picture.grants.values() if g.versions]
    entitlements = [picture.entitlements[key] for key in dict.fromkeys(g.entitlement_key for g in grants)]
    after = await load_grants(unit, [one.id for one in entitlements])
    new = {g.id for g in grants if g.new}
    old = await store.load_versions(unit, {g.id: g.version - len(g.versions) for g in grants if not g.new})
    return [
        PeriodChange(
            one,
            picture.children[one.child_key],
            tuple(old.get(g.id, g) for g in after[one.id] if g.id not in new),
            tuple(after[one.id]),
            frozenset(old),
        )
        for one in entitlements
    ]


def _grant_key(value: object) -> str | None:
    """The key of the grant where the row names one, so that its sender finds it again. Keys are pseudonyms."""
    grant = value.get("grant") if isinstance(value, dict) else None
    key = grant.get("key") if isinstance(grant, dict) else None
    return key if isinstance(key, str) and _KEY.fullmatch(key) else None


_PAID_ALREADY: Final = (
    "Von der Bewilligung {key} sind Tage weggefallen, die schon abgerechnet sind: {count} Position(en), {amount}. Vom Anbieter wird nichts "
    "zurückgefordert. Bitte entscheiden, ob die Familie erstattet (§ 50 SGB X)."
)
_KEY: Final = re.compile(KEY_PATTERN, re.ASCII)

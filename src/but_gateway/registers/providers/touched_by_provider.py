"""Which positions a change of a provider or of an agreement touches. Pure; days are closed ranges."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID

from but_gateway.registers.municipalities.touches import Touch
from but_gateway.registers.providers.model import AgreementRecord, ProviderRecord
from but_gateway.rules.facts import Agreement, DatedPrice
from but_gateway.rules.pricing import price_on


def touched_by_provider(old: ProviderRecord | None, new: ProviderRecord) -> list[Touch]:
    """What is received while a provider is suspended is looked at (P-03): all from the first day for which that changes."""
    if old is None or old.facts() == new.facts():
        return []
    starts = [r.suspended_from or date.min for r in (old, new) if r.status == "suspended"]
    if not starts:
        return []
    first = min(starts)
    return [Touch(provider_id=new.id, received_from=None if first == date.min else first)]


def touched_by_agreement(old: AgreementRecord | None, new: AgreementRecord) -> list[Touch]:
    """Positions of the provider whose terms or price on their first day differ: span by span, where the agreement reaches."""
    if old is not None and (old.provider_id, old.benefit) != (new.provider_id, new.benefit):
        return [*touched_by_agreement(None, old), *touched_by_agreement(None, new)]
    touches: list[Touch] = []
    for first, last in _spans(old, new):
        was, now = _terms(old, first), _terms(new, first)
        places = _places(old if was else None, new if now else None, differ=was != now)
        if places is None or places:
            touch = Touch(new.provider_id, (new.benefit,), places, anywhere=places is not None, first=first, last=last)
            if touches and touches[-1].last == first - timedelta(days=1) and touches[-1].facilities == places:
                touch = replace(touch, first=touches.pop().first)
            touches.append(touch)
    return touches


def _spans(old: AgreementRecord | None, new: AgreementRecord) -> Iterator[tuple[date, date]]:
    """Ranges of days on which neither of them changes."""
    borders: set[date] = set()
    for one in (old, new):
        if one is not None:
            borders |= {one.valid.first, one.valid.last + timedelta(days=1), *(p.valid_from for p in one.prices)}
    for first, behind in pairwise(sorted(borders)):
        yield first, behind - timedelta(days=1)


def _terms(agreement: AgreementRecord | None, day: date) -> Agreement | None:
    """What an agreement says on a day, with the prices of that day only."""
    if agreement is None or day not in agreement.valid:
        return None
    items = sorted({price.item for price in agreement.prices})
    found = [(item, price_on(agreement.prices, item, day)) for item in items]
    return replace(agreement.facts(), prices=tuple(DatedPrice(item, date.min, cents) for item, cents in found if cents is not None))


def _places(was: AgreementRecord | None, now: AgreementRecord | None, *, differ: bool) -> tuple[UUID, ...] | None:
    """The facilities touched; None: any, (): none."""
    sets = [one.facility_ids for one in (was, now) if one is not None]
    if differ:
        return None if not all(sets) else tuple(sorted(frozenset().union(*sets)))
    if len(sets) < 2 or sets[0] == sets[1]:  # noqa: PLR2004 - before and after
        return ()
    return None if not all(sets) else tuple(sorted(sets[0] ^ sets[1]))

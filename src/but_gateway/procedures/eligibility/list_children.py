"""The children a provider may know: those linked by a confirmed check, a named grant or an accepted line; never who they are."""

from datetime import date, timedelta
from uuid import UUID

from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.kit.period import DayRange, Month
from but_gateway.procedures.eligibility import store
from but_gateway.procedures.eligibility.schemas import MONTHS_BACK, MyChild, MyChildren, PeriodOut
from but_gateway.registers.entitlements.coverage import Question, cover, minutes_left
from but_gateway.registers.entitlements.model import child_reference
from but_gateway.registers.entitlements.terms import TUTORING
from but_gateway.web.pagination import Page, decode_id_cursor

YEARS_AHEAD_DAYS = 3660


async def list_children(unit: UnitOfWork, keys: TownKeys, provider_id: UUID, today: date, page: Page) -> MyChildren:
    """One page. The reference is a keyed hash of child and provider: two providers cannot find out that they know the same child."""
    town = unit.municipality_id
    rows, cursor = page.cut(
        await store.linked_entitlements(unit.driver, town, provider_id, decode_id_cursor(page.after), page.limit), lambda row: row.id
    )
    grants = await store.read_grants(unit.driver, town, [row.id for row in rows], [provider_id])
    terms = await store.read_terms(unit.driver, town, [provider_id], [])
    days = DayRange(Month.of(today).plus(-MONTHS_BACK).first, today + timedelta(days=YEARS_AHEAD_DAYS))
    items = []
    for row in rows:
        question = Question(row.benefit, days, None, provider_id, today, terms.protect_good_faith)
        born = date.fromisoformat(keys.open(row.date_of_birth, "child", row.child_id, "date_of_birth"))
        coverage = cover(question, born, grants.of(row.id, provider_id), terms.offers.get(provider_id, []))
        items.append(
            MyChild.model_construct(
                reference=child_reference(keys, provider_id, row.child_id),
                benefit=row.benefit,
                periods=[PeriodOut.model_validate({"from": p.first, "to": p.last}) for p in coverage.periods],
                remaining_minutes=minutes_left(coverage.grants) if row.benefit == TUTORING and coverage.periods else None,
            )
        )
    return MyChildren(items=items, next_cursor=cursor)

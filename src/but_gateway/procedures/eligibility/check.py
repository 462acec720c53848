"""Checks whether services will be paid, plainly: one statement after the other.

Every unusual request goes this way, and what the short way (express.py) answers is compared with it by a test.
Whatever the cause of a refusal, the same statements run.
"""

from collections.abc import Sequence
from uuid import UUID

from but_gateway.db.engine import Database
from but_gateway.db.fields import TownKeys
from but_gateway.db.tenancy import Scope
from but_gateway.kit.ids import new_ids
from but_gateway.procedures.eligibility import store
from but_gateway.procedures.eligibility.judge import NOBODY, Judge, attempt_of
from but_gateway.procedures.eligibility.model import Locked, Verdict, Visit
from but_gateway.registers.entitlements import guard
from but_gateway.registers.entitlements.guard_store import Driver


async def check(database: Database, keys: TownKeys, visit: Visit) -> list[Verdict] | Locked:
    """Answers a request of a town in one transaction; Locked where its client is or becomes locked.

    Every check is logged, counted and, when confirmed, linked before this returns. Checks that name an unknown facility are marked,
    and nothing of their request is logged: its answer must be a refusal of its content.
    """
    town, asker = keys.municipality_id, visit.asker
    providers = {asker.provider_id}
    async with database.short_transaction(Scope(town)) as driver:
        known = await store.read_numbers(driver, town, {ask.number_index for ask in visit.asks}, providers)
        grants = await store.read_grants(driver, town, {one.entitlement_id for one in known.values()} or {NOBODY}, providers)
        terms = await store.read_terms(driver, town, providers, {ask.facility for ask in visit.asks if ask.facility})
        judge = Judge(keys, known, grants, terms)
        verdicts = [judge.judge(check_id, asker, ask) for check_id, ask in zip(new_ids(len(visit.asks)), visit.asks, strict=True)]
        if any(verdict.unknown_facility for verdict in verdicts):
            return verdicts
        return Locked() if await _record(driver, town, verdicts) else verdicts


async def _record(driver: Driver, town: UUID, verdicts: Sequence[Verdict]) -> bool:
    """Logs, counts, links; whether the client is locked."""
    attempt = attempt_of(verdicts)
    (refused,) = await guard.count(driver, town, [attempt], {attempt.day: verdicts[0].asker.at})
    await store.write_log(driver, town, verdicts)
    links = [verdict for verdict in verdicts if verdict.link]
    if links and not refused:
        await store.write_links(driver, town, links)
    return refused

"""Checks whether services will be paid: confirms a number the family handed over, or says nothing (§ 79 SGB X: no search, no reason).

Whatever the cause of a refusal, the same statements run and a birth date is opened, so that time tells nothing either.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from but_gateway.db.engine import Database
from but_gateway.db.fields import TownKeys
from but_gateway.kit.ids import new_ids
from but_gateway.kit.period import DayRange
from but_gateway.procedures.eligibility import store
from but_gateway.procedures.eligibility.model import (
    FROZEN,
    IDENTITY_FAILURES,
    NOT_ALLOWED,
    NUMBER_REPLACED,
    OTHER_BENEFIT,
    UNKNOWN_NUMBER,
    WRONG_BIRTH_DATE,
    Ask,
    Locked,
    Verdict,
)
from but_gateway.registers.entitlements import guard
from but_gateway.registers.entitlements.coverage import Question, agreed_price, cover, covers_amount, minutes_left
from but_gateway.registers.entitlements.guard_store import Driver
from but_gateway.registers.entitlements.model import GrantRecord
from but_gateway.registers.entitlements.terms import PARTICIPATION, TUTORING

_NOBODY: Final = UUID(int=0)


async def check(database: Database, keys: TownKeys, requests: Sequence[Sequence[Ask]]) -> list[list[Verdict] | Locked]:
    """Answers requests of one town, each of one client, in one transaction; a locked client's request gets Locked instead.

    Every check is logged, counted and, when confirmed, linked before this returns. Checks that name an unknown facility are marked,
    and nothing of their request is logged: its answer must be a refusal of its content.
    """
    town = keys.municipality_id
    asks = [ask for request in requests for ask in request]
    providers = {ask.provider_id for ask in asks}
    async with store.transaction(database, town) as driver:
        known = await store.read_numbers(driver, town, {ask.number_index for ask in asks}, providers)
        grants = await store.read_grants(driver, town, {one.entitlement_id for one in known.values()} or {_NOBODY}, providers)
        terms = await store.read_terms(driver, town, providers, {ask.facility for ask in asks if ask.facility})
        desk = _Judge(keys, known, grants, terms)
        ids = iter(new_ids(len(asks)))
        answers = [[desk.judge(next(ids), ask) for ask in request] for request in requests]
        counted = [verdicts for verdicts in answers if verdicts and not any(v.unknown_facility for v in verdicts)]
        refused = await _record(driver, town, counted)
        locked = {id(verdicts) for verdicts, is_refused in zip(counted, refused, strict=True) if is_refused}
    return [Locked() if id(verdicts) in locked else verdicts for verdicts in answers]


async def _record(driver: Driver, town: UUID, answers: Sequence[Sequence[Verdict]]) -> list[bool]:
    """Logs, counts, links; for each request whether its client is locked."""
    if not answers:
        return []
    attempts = [_attempt(verdicts) for verdicts in answers]
    refused = await guard.count(driver, town, attempts, {v[0].ask.today: v[0].ask.at for v in answers})
    await store.write_log(driver, town, [verdict for verdicts in answers for verdict in verdicts])
    links = [v for verdicts, no in zip(answers, refused, strict=True) if not no for v in verdicts if v.link]
    if links:
        await store.write_links(driver, town, links)
    return refused


def _attempt(verdicts: Sequence[Verdict]) -> guard.Attempt:
    ask = verdicts[0].ask
    failures = [v for v in verdicts if v.cause in IDENTITY_FAILURES]
    wrong = tuple(v.entitlement_id for v in failures if v.cause == WRONG_BIRTH_DATE and v.entitlement_id)
    return guard.Attempt(ask.client_id, ask.provider_id, ask.today, len(verdicts), len(failures), wrong)


class _Judge:
    """Judges checks from what was read for all of them."""

    def __init__(self, keys: TownKeys, known: dict[bytes, store.Known], grants: store.Grants, terms: store.Terms) -> None:
        self._keys, self._known, self._grants, self._terms = keys, known, grants, terms
        # What is opened where there is nothing to open.
        self._dummy = keys.seal("0001-01-01", "child", _NOBODY, "date_of_birth")

    def judge(self, check_id: UUID, ask: Ask) -> Verdict:
        """The verdict on one check."""
        verdict = Verdict(check_id, ask)
        if ask.facility is not None:
            verdict.facility_id = self._terms.facilities.get(ask.facility)
            verdict.unknown_facility = verdict.facility_id is None
        known = self._known.get(ask.number_index)
        if known is None:
            self._keys.open(self._dummy, "child", _NOBODY, "date_of_birth")
            verdict.cause = UNKNOWN_NUMBER
            return verdict
        verdict.entitlement_id = known.entitlement_id
        right = self._keys.open(known.date_of_birth, "child", known.child_id, "date_of_birth") == ask.date_of_birth.isoformat()
        if ask.provider_id in known.frozen_for:
            verdict.cause = FROZEN
        elif not right:
            verdict.cause = WRONG_BIRTH_DATE
        elif known.benefit != ask.benefit:
            verdict.cause = OTHER_BENEFIT
        elif not known.information_allowed:
            verdict.cause = NOT_ALLOWED
        else:
            self._cover(verdict, known)
        return verdict

    def _cover(self, verdict: Verdict, known: store.Known) -> None:
        ask = verdict.ask
        days = ask.days if known.lost_on is None else _before(ask.days, known.lost_on)
        if days is None:
            verdict.cause = NUMBER_REPLACED
            return
        question = Question(ask.benefit, days, verdict.facility_id, ask.provider_id, ask.today, self._terms.protect_good_faith)
        offers = self._terms.offers.get(ask.provider_id, [])
        coverage = cover(question, ask.date_of_birth, self._grants.of(known.entitlement_id, ask.provider_id), offers)
        if coverage.cause is not None:
            verdict.cause = coverage.cause
            return
        verdict.periods = coverage.periods
        verdict.link = ask.provider_id not in known.linked_with
        items: tuple[str, ...] = ("lunch",) if ask.benefit == "lunch" else ()
        if ask.benefit == TUTORING:
            verdict.remaining_minutes = minutes_left(coverage.grants)
            verdict.subjects = _subjects(coverage.grants)
            verdict.form = _form(coverage.grants)
            items = ("group", "individual") if verdict.form == "group" else ("individual", "group")
        verdict.unit_price = agreed_price(offers, question, coverage.periods[0].first, items)
        if ask.benefit == PARTICIPATION and ask.amount is not None:
            verdict.covered = covers_amount(coverage.grants, ask.amount)


def _before(days: DayRange, lost_on: date) -> DayRange | None:
    """The days before a loss (B-04): the day of the loss no longer counts."""
    return days.cut(DayRange(date.min, date.fromordinal(lost_on.toordinal() - 1)))


def _subjects(grants: Sequence[GrantRecord]) -> tuple[str, ...]:
    """Subjects that are granted, in order of their names; none = all."""
    if any(not grant.subjects for grant in grants):
        return ()
    return tuple(sorted({subject for grant in grants for subject in grant.subjects}))


def _form(grants: Sequence[GrantRecord]) -> str:
    forms = {grant.tutoring_form or "any" for grant in grants}
    return forms.pop() if len(forms) == 1 else "any"

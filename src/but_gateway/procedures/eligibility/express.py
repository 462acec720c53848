"""The short way of checks: what the hottest operation does when nothing about a request is unusual.

A caterer's system asks about every child every night, one request each. Done plainly (endpoints.py, check.py) nearly all of the time
goes into the framework, and into eight round trips to the database for every single check. Here:

1. **Express** stands in front of the framework's routes, behind envelope, token check and rate limit. It takes
   ``POST …/eligibility-checks`` where this process has met the town and the account in it, the headers are ordinary, the body is short
   and has no fault. Everything else it hands on as it came: the ordinary route has the one implementation of every refusal.
2. **Desk** is a queue per town. What arrives while a round is under way goes into the next one; who comes alone waits for nobody.
3. **A round** (``answer_round``) answers its requests in one transaction of five round trips: the scope that row-level security looks
   at; what was agreed and whose the accounts are; numbers with their grants; tallies and access log in one statement; the commit.
   Nobody is answered before that commit: nothing unlogged leaves.

Requests of a round are judged in order, as if they had come one by one. A round ends before a request about a number for which an earlier
one of it named a wrong birth date, because five of them freeze the number. Where a round fails by a fault of ours, each of its requests
is tried alone: who cannot be answered takes nobody along. When the database is away, or nobody knows whether the commit arrived, all are
told so and nothing is tried again. Batches (endpoints.py) queue at the same desk.

Judging is the same code on both ways (judge.py). That reading, counting and recording are the same as well is shown by a test that asks
both ways the same (tests/procedures/eligibility/test_express.py).
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Final, NamedTuple
from uuid import UUID

from pydantic import ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from but_gateway.db.engine import Database
from but_gateway.db.fields import TownKeys
from but_gateway.db.tenancy import Scope as TownScope
from but_gateway.db.trouble import Trouble, is_deadlock, trouble_of
from but_gateway.identity.directory import Directory
from but_gateway.identity.principal import Principal, Role, Town
from but_gateway.identity.route import clock_of
from but_gateway.kit.clock import Clock, business_day
from but_gateway.kit.ids import new_ids
from but_gateway.procedures.eligibility import express_store, store
from but_gateway.procedures.eligibility.judge import NOBODY, Judge, attempt_of
from but_gateway.procedures.eligibility.model import WRONG_BIRTH_DATE, Asker, Locked, Verdict, Visit
from but_gateway.procedures.eligibility.schemas import CheckIn, content, document
from but_gateway.registers.entitlements import guard
from but_gateway.registers.entitlements.guard_store import Driver
from but_gateway.web.body import load_json
from but_gateway.web.problems import Problem, Unavailable

ROUND_VISITS_MAX: Final = 256  # requests in one round
ROUND_CHECKS_MAX: Final = 1000  # checks in one round; a single request may bring as many
WAITING_MAX: Final = 2048  # requests in a town's queue; beyond, 503
ATTEMPTS: Final = 4  # of a round that lost against others
BODY_BYTES_MAX: Final = 4096  # of a body that is read before somebody takes it; a check has 200
PREFIX: Final = "/v1/municipalities/"
SUFFIX: Final = "/eligibility-checks"


class Outcome(Enum):
    """What may become of a request instead of an answer; nothing of it was counted or logged."""

    ELSEWHERE = "elsewhere"  # unusual after all: the ordinary route has to refuse it
    AGAIN = "again"  # it has to wait for the next round


Answer = list[Verdict] | Locked | Outcome


class Express:
    """In front of the framework's routes: answers plain checks itself and hands on everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        plain = _plain_head(scope)
        if plain is None:
            await self.app(scope, receive, send)
            return
        messages = await _body(receive)
        visit = _plain_visit(plain, messages)
        answer: Answer = Outcome.ELSEWHERE
        if visit is not None:
            scope["route"] = _DECLARED
            answer = await desk_of(scope["app"].state).ask(plain.keys, visit)
        if isinstance(answer, Locked):
            raise guard.locked_until(plain.today, plain.at)
        if isinstance(answer, Outcome) or answer[0].unknown_facility:
            await self.app(scope, _once_more(messages, receive), send)
            return
        body = content(document(answer[0]))
        headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class _Declared(NamedTuple):
    """How log and figures name the operation."""

    path: str


_DECLARED: Final = _Declared(PREFIX + "{municipality}" + SUFFIX)


class _Head(NamedTuple):
    """What is known of a plain request before its body."""

    principal: Principal
    account: str
    keys: TownKeys
    at: datetime
    today: date


def _plain_head(scope: Scope) -> _Head | None:
    """Town, caller and moment of a plain request; None for everything else. Refuses nothing: that is the ordinary route's part."""
    if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"] or scope.get("root_path"):
        return None
    path: str = scope["path"]
    if not (path.endswith(SUFFIX) and path.startswith(PREFIX)):
        return None
    principal: Principal | None = scope["state"].get("principal")
    state = scope["app"].state
    directory: Directory = state.directory
    town = directory.known_town(path[len(PREFIX) : -len(SUFFIX)])
    if principal is None or town is None or Role.PROVIDER not in principal.roles:
        return None
    return _head(scope, principal, town, directory, state.clock)


def _head(scope: Scope, principal: Principal, town: Town, directory: Directory, machine_clock: Clock) -> _Head | None:
    sent = dict(scope["headers"])
    if len(sent) != len(scope["headers"]) or sent.get(b"content-type") != b"application/json":
        return None  # a header that came twice, or another type of body
    announced = sent.get(b"content-length", b"0")
    if not announced.isdigit() or int(announced) > BODY_BYTES_MAX:
        return None  # the ordinary route refuses what is too long before it comes
    accounts = principal.accounts
    wanted = sent.get(b"provider-account")
    account = accounts[0] if wanted is None and len(accounts) == 1 else (wanted or b"").decode("latin-1")
    if account not in accounts or not directory.has_met(account, town):
        return None
    clock, moved = machine_clock, sent.get(b"test-clock")
    if moved is not None:
        try:
            clock = clock_of(moved.decode("latin-1"), machine_clock, sandbox=town.sandbox)
        except Problem:
            return None
    at = clock.now()
    return _Head(principal, account, directory.keys(town), at, business_day(at))


async def _body(receive: Receive) -> list[Message]:
    """The messages of a body, up to the last one or until it is too long to be a plain one."""
    messages = [await receive()]
    length = len(messages[0].get("body", b""))
    while messages[-1].get("more_body", False) and length <= BODY_BYTES_MAX:
        messages.append(await receive())
        length += len(messages[-1].get("body", b""))
    return messages


def _plain_visit(head: _Head, messages: Sequence[Message]) -> Visit | None:
    """The check of a whole body without a fault; None for every other."""
    last = messages[-1]
    if last["type"] != "http.request" or last.get("more_body", False):
        return None
    try:
        check = CheckIn.model_validate(load_json(b"".join(message["body"] for message in messages)))
    except (Problem, ValidationError):
        return None
    if check.faults(head.today):
        return None
    asker = Asker(head.principal.client_id, NOBODY, head.at, head.today)
    return Visit(asker, [check.ask(head.keys)], head.account)


def _once_more(messages: list[Message], receive: Receive) -> Receive:
    """What was received already, for whoever comes next."""

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return again


class _Member(NamedTuple):
    """Who waits. The town's keys come along, for they may be changed while the process runs."""

    keys: TownKeys
    visit: Visit
    answer: asyncio.Future[Answer]


@dataclass(slots=True)
class _Queue:
    waiting: deque[_Member] = field(default_factory=deque)
    worker: asyncio.Task[None] | None = None


class Desk:
    """The queues of a process, one per town: a transaction belongs to one town."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queues: dict[UUID, _Queue] = {}

    async def ask(self, keys: TownKeys, visit: Visit) -> Answer:
        """The answer to a request of a town, after it was logged. Refuses when too many wait already (Unavailable)."""
        queue = self._queues.setdefault(keys.municipality_id, _Queue())
        if len(queue.waiting) >= WAITING_MAX:
            raise Unavailable(headers={"Retry-After": "1"})
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        queue.waiting.append(_Member(keys, visit, answer))
        if queue.worker is None or queue.worker.done():
            queue.worker = asyncio.create_task(self._serve(queue.waiting))
        return await answer

    async def _serve(self, waiting: deque[_Member]) -> None:
        while waiting:
            members = _next_round(waiting)
            if not members:
                continue
            results = await self._answers(members[-1].keys, [member.visit for member in members])
            waiting.extendleft(m for m, result in zip(reversed(members), reversed(results), strict=True) if result is Outcome.AGAIN)
            for member, result in zip(members, results, strict=True):
                if member.answer.done() or result is Outcome.AGAIN:
                    continue  # whoever asked has gone; or is answered in the next round
                if isinstance(result, Exception) and not isinstance(result, Locked):
                    member.answer.set_exception(result)
                else:
                    member.answer.set_result(result)

    async def _answers(self, keys: TownKeys, visits: Sequence[Visit]) -> Sequence[Answer | Exception]:
        """Answers or errors of a round, whatever happens in it."""
        for attempt in range(ATTEMPTS):
            try:
                return await answer_round(self._database, keys, visits)
            except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
                if is_deadlock(error) and attempt < ATTEMPTS - 1:
                    continue  # nothing of it was kept
                if len(visits) == 1 or trouble_of(error) in {Trouble.AWAY, Trouble.BUSY}:
                    return [error] * len(visits)
                break
        return [(await self._answers(keys, [visit]))[0] for visit in visits]


def desk_of(state: object) -> Desk:
    """The desk of this process (``app.state``), set up with the first check."""
    desk: Desk | None = getattr(state, "desk", None)
    if desk is None:
        desk = Desk(state.database)  # type: ignore[attr-defined] # starlette's State holds what was put there
        state.desk = desk  # type: ignore[attr-defined] # as above
    return desk


def _next_round(waiting: deque[_Member]) -> list[_Member]:
    """Those that come first, as many as fit in a round; who has gone meanwhile is left out."""
    members: list[_Member] = []
    checks = 0
    while waiting and len(members) < ROUND_VISITS_MAX:
        asked = len(waiting[0].visit.asks)
        if members and checks + asked > ROUND_CHECKS_MAX:
            break
        member = waiting.popleft()
        if not member.answer.done():
            members.append(member)
            checks += asked
    return members


async def answer_round(database: Database, keys: TownKeys, visits: Sequence[Visit]) -> list[Answer]:
    """Answers requests of one town in one transaction, after they were logged, counted and linked."""
    town = keys.municipality_id
    accounts = {visit.account for visit in visits if visit.account is not None}
    known_providers = {visit.asker.provider_id for visit in visits if visit.account is None}
    facilities = {ask.facility for visit in visits for ask in visit.asks if ask.facility}
    async with database.short_transaction(TownScope(town)) as driver:
        terms, ids = await express_store.read_terms(driver, town, accounts, known_providers, facilities)
        indexes = {ask.number_index for visit in visits for ask in visit.asks}
        known, grants = await express_store.read_numbers(driver, town, indexes, known_providers | set(ids.values()))
        answers = _judged(Judge(keys, known, grants, terms), visits, ids)
        await _record(driver, town, answers)
    return answers


def _judged(judge: Judge, visits: Sequence[Visit], ids: dict[str, UUID]) -> list[Answer]:
    """The verdicts on requests in their order, as far as the round goes."""
    answers: list[Answer] = []
    guessed: set[tuple[UUID, UUID | None]] = set()  # provider and entitlement of wrong birth dates of earlier requests
    check_ids = iter(new_ids(sum(len(visit.asks) for visit in visits)))
    for visit in visits:
        asker = visit.asker
        if visit.account is not None:
            provider_id = ids.get(visit.account)
            if provider_id is None:
                answers.append(Outcome.ELSEWHERE)
                continue
            asker = Asker(asker.client_id, provider_id, asker.at, asker.today)
        verdicts = [judge.judge(next(check_ids), asker, ask) for ask in visit.asks]
        if guessed and any((asker.provider_id, verdict.entitlement_id) in guessed for verdict in verdicts):
            break
        answers.append(verdicts)
        if not any(verdict.unknown_facility for verdict in verdicts):
            guessed.update((asker.provider_id, verdict.entitlement_id) for verdict in verdicts if verdict.cause == WRONG_BIRTH_DATE)
    return answers + [Outcome.AGAIN] * (len(visits) - len(answers))


async def _record(driver: Driver, town: UUID, answers: list[Answer]) -> None:
    """Counts, logs and links; puts Locked in the place of what a locked client must not hear."""
    counted = [
        (place, answer)
        for place, answer in enumerate(answers)
        if isinstance(answer, list) and not any(verdict.unknown_facility for verdict in answer)
    ]
    if not counted:
        return
    attempts = [attempt_of(verdicts) for _, verdicts in counted]
    moments = {verdicts[0].asker.today: verdicts[0].asker.at for _, verdicts in counted}
    found = await express_store.record(
        driver, town, guard.counts_of(attempts), guard.wrong_birth_dates_of(attempts), [v for _, verdicts in counted for v in verdicts]
    )
    full = [pair for pair, count in found.wrong.items() if count >= guard.WRONG_BIRTH_DATES_MAX]
    refused = await guard.settle(driver, town, attempts, moments, found.tallies, full)
    links = [v for (_, verdicts), no in zip(counted, refused, strict=True) if not no for v in verdicts if v.link]
    if links:
        await store.write_links(driver, town, links)
    for (place, _), no in zip(counted, refused, strict=True):
        if no:
            answers[place] = Locked()

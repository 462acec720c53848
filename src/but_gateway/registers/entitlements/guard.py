"""The guard against fishing: identity failures count across checks, dry runs and invoices; clients are locked, numbers frozen.

A client that fails more often than an honest one can is refused until the end of its business day. A number for which one
provider named five wrong birth dates is unknown to that provider until the town looks into it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from but_gateway.db.engine import Database
from but_gateway.db.session import UnitOfWork
from but_gateway.db.tenancy import Scope
from but_gateway.kit.clock import end_of_day
from but_gateway.registers.entitlements import guard_store
from but_gateway.registers.entitlements.guard_store import Driver
from but_gateway.web.problems import Text, TooManyRequests

FAILURES_FREE: Final = 20
ROWS_PER_FAILURE: Final = 100  # one failure in a hundred rows is an honest typist
WRONG_BIRTH_DATES_MAX: Final = 5
NOTICE_KIND: Final = "identity_lock"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one request asked: rows, how many of them failed by identity (I-01, I-02, I-04), the numbers named with a wrong birth date."""

    client_id: str
    provider_id: UUID
    day: date  # business day of the client's clock
    rows: int
    failures: int
    wrong_birth_dates: tuple[UUID, ...] = ()  # entitlements


def limit_of(rows: int) -> int:
    """How many identity failures a day with so many rows may have: max(20, 1 %)."""
    return max(FAILURES_FREE, rows // ROWS_PER_FAILURE)


def locked_until(day: date, at: datetime) -> TooManyRequests:
    """The refusal of a locked client, with the seconds until its business day ends."""
    seconds = max(1, int((end_of_day(day) - at).total_seconds()) + 1)
    return TooManyRequests(
        Text(
            "Zu viele Angaben passten heute zu keiner Berechtigung. Ihr Zugang ist bis zum Ende des Tages gesperrt; "
            "die Kommune ist informiert. Prüfen Sie Nummern und Geburtsdaten.",
            "Too much of what you sent today matched no entitlement. Your client is locked until the end of the day; "
            "the municipality has been told. Check numbers and birth dates.",
        ),
        headers={"Retry-After": str(seconds)},
    )


async def admit(  # noqa: PLR0913 - who asked what, when, with which success; all keyword-only
    database: Database,
    *,
    scope: Scope,
    client_id: str,
    provider_id: UUID,
    day: date,
    at: datetime,
    rows: int,
    failures: int,
    wrong_birth_dates: Sequence[UUID],
) -> None:
    """Counts a request in a transaction of its own, so that dry runs and refusals count too.

    Refuses when the client is locked or becomes so by this request (TooManyRequests): then nothing of the answer may be given.
    """
    attempt = Attempt(client_id, provider_id, day, rows, failures, tuple(wrong_birth_dates))
    if scope.municipality_id is None:
        raise LookupError("this scope belongs to no town")
    # Whoever asks holds a connection of the engine already, and must not wait for a second one of it.
    async with database.short_transaction(scope) as driver:
        refused = await count(driver, scope.municipality_id, [attempt], {day: at})
    if refused[0]:
        raise locked_until(day, at)


async def count(driver: Driver, town: UUID, attempts: Sequence[Attempt], moments: Mapping[date, datetime]) -> list[bool]:
    """Counts requests, in their order, in the open transaction; for each whether it must be refused.

    ``moments`` gives a moment of each business day, for the notices. The same statements run whatever the requests asked.
    """
    tallies = await guard_store.count(driver, town, counts_of(attempts))
    full = await guard_store.count_wrong_birth_dates(driver, town, wrong_birth_dates_of(attempts), WRONG_BIRTH_DATES_MAX)
    return await settle(driver, town, attempts, moments, tallies, full)


def counts_of(attempts: Sequence[Attempt]) -> list[tuple[str, date, int, int]]:
    """What requests add to the tallies: client, day, rows, failures; each client and day once."""
    sums: defaultdict[tuple[str, date], list[int]] = defaultdict(lambda: [0, 0])
    for attempt in attempts:
        entry = sums[attempt.client_id, attempt.day]
        entry[0] += attempt.rows
        entry[1] += attempt.failures
    return [(client, day, rows, failures) for (client, day), (rows, failures) in sums.items()]


def wrong_birth_dates_of(attempts: Sequence[Attempt]) -> list[tuple[UUID, UUID]]:
    """Provider and entitlement of each wrong birth date."""
    return [(attempt.provider_id, entitlement) for attempt in attempts for entitlement in attempt.wrong_birth_dates]


async def settle(  # noqa: PLR0913, PLR0917 - what was counted, and by whom
    driver: Driver,
    town: UUID,
    attempts: Sequence[Attempt],
    moments: Mapping[date, datetime],
    tallies: Mapping[tuple[str, date], guard_store.Tally],
    full: Sequence[tuple[UUID, UUID]],
) -> list[bool]:
    """Freezes the numbers that are ``full`` and locks clients after they were counted; for each request whether it must be refused.

    ``tallies`` are the sums after all of the requests.
    """
    if full:
        await _freeze(driver, town, full, max(moments.values()))
    # How things stood before each request: the requests of one round are judged in order, as if they had come one by one.
    standing = {}
    for client, day, rows, failures in counts_of(attempts):
        tally = tallies[client, day]
        standing[client, day] = [tally.rows - rows, tally.failures - failures, int(tally.locked)]
    refused: list[bool] = []
    for attempt in attempts:
        key = (attempt.client_id, attempt.day)
        stand = standing[key]
        stand[0] += attempt.rows
        stand[1] += attempt.failures
        if not stand[2] and stand[1] > limit_of(stand[0]):
            stand[2] = 1
            await _lock(driver, town, attempt, moments[attempt.day])
        refused.append(bool(stand[2]))
    return refused


async def thaw(unit: UnitOfWork, notice_id: UUID) -> bool:
    """Ends the freeze that a notice tells of; False where the notice tells of none."""
    return await guard_store.thaw(unit, notice_id)


async def _lock(driver: Driver, town: UUID, attempt: Attempt, at: datetime) -> None:
    if not await guard_store.lock(driver, town, attempt.client_id, attempt.day):
        return
    text = (
        f"Der Client {attempt.client_id} hat am {attempt.day:%d.%m.%Y} zu oft Nummern, Geburtsdaten oder Namen genannt, die zu keiner "
        "Berechtigung passen. Er ist bis zum Ende des Tages gesperrt. Bitte klären Sie mit dem Anbieter, woran das liegt."
    )
    await guard_store.add_notices(driver, town, NOTICE_KIND, [("client", attempt.client_id, text)], at=at)


async def _freeze(driver: Driver, town: UUID, pairs: Sequence[tuple[UUID, UUID]], at: datetime) -> None:
    frozen_now = await guard_store.freeze(driver, town, pairs, at)
    notices = [("entitlement", one.entitlement, _freeze_text(one)) for one in frozen_now]
    await guard_store.add_notices(driver, town, NOTICE_KIND, notices, at=at, ids=[one.notice_id for one in frozen_now])


def _freeze_text(one: guard_store.Freeze) -> str:
    return (
        f"Der Anbieter {one.provider} hat zur Nummer der Berechtigung {one.entitlement} {WRONG_BIRTH_DATES_MAX}-mal ein falsches "
        "Geburtsdatum genannt. Die Nummer gilt für ihn als unbekannt, bis Sie diesen Hinweis erledigen."
    )

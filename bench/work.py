"""What the worker does in a town, and what needs a town without Test-Clock, done here once and not kept: how long it takes."""

import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from typing import Final

from but_gateway.audit.late import seal_late
from but_gateway.audit.sealing import has_unsealed
from but_gateway.db.engine import Database
from but_gateway.db.session import UnitOfWork
from but_gateway.db.tenancy import Scope
from but_gateway.procedures.reporting.model import Rewind
from but_gateway.procedures.reporting.store import liabilities
from but_gateway.procedures.reporting.warn_of_terms import warn_of_terms


async def _late(unit: UnitOfWork) -> None:
    await seal_late(unit, datetime.now(UTC))


async def _all_late(unit: UnitOfWork) -> None:
    await seal_late(unit, datetime.now(UTC), search_all=True)


async def _terms(unit: UnitOfWork) -> None:
    await warn_of_terms(unit, datetime(2026, 11, 18, 10, tzinfo=UTC))


async def _owed(unit: UnitOfWork) -> None:
    await liabilities(unit, date(2026, 11, 18), term_days=30, warning_days=7, rewind=Rewind.NOTHING)


WORK: Final[Mapping[str, Callable[[UnitOfWork], Awaitable[object]]]] = {
    "worker: is anything unsealed, every 20 s": has_unsealed,
    "worker: rows that came late, every hour": _late,
    "worker: the same from the beginning, once a day": _all_late,
    "worker: payment terms, once a day": _terms,
    "report: liabilities today, in a town with the clock of all": _owed,
}


async def do(name: str, town_key: str, environ: Mapping[str, str]) -> float:
    """Seconds of one piece of work, as the app does it."""
    database = await Database.open(environ["BUT_DATABASE_URL"])
    try:
        await database.start()
        async with database.pool.acquire() as connection:
            town_id = await connection.fetchval("SELECT id FROM municipality WHERE key = $1", town_key)
        async with database.transaction(Scope(town_id)) as unit:
            unit.discard()
            begin = time.perf_counter()
            await WORK[name](unit)
            return time.perf_counter() - begin
    finally:
        await database.close()

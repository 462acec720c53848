"""Invoices of any length against a bare pipeline, what they cost in statements and memory; grants imported; decisions made anew."""

import asyncio
import json
import statistics
import time
from collections.abc import Mapping
from typing import Any, Final

import asyncpg
from measure import Busy, Server, forget_peak, line, peak, statements
from pipeline import positions_per_second
from sqlalchemy import make_url
from town import Town, school_days

from but_gateway.db.engine import connect_arguments

# lines, days of each, how many of them are sent in a round
SHAPES: Final = ((1, 1, 40), (1, 20, 40), (50, 20, 5), (500, 20, 1), (5000, 2, 1), (1000, 20, 1))
COUNTED: Final = ((1, 1), (50, 20), (500, 20))


def measure_invoices(town: Town, gateway: Server, environ: Mapping[str, str], rounds: int) -> None:
    """Prints the speeds; every round bills children nobody billed before."""
    bare = asyncio.run(_bare_pipeline(environ, json.dumps(town.invoice("bare", range(500), school_days(20))).encode(), rounds))
    line("bare pipeline, 10,000 positions", bare, "positions/s")
    imported = _new_children(town, 5000)
    line("grants imported, 1,000 per request", imported, "grants/s")
    bill(town, 500, 20)  # plans are made, pages are warm
    for lines, days, times in SHAPES:
        before = Busy.now(environ, gateway.pid)
        seconds = [bill(town, lines, days) for _ in range(times * rounds)]
        line(
            f"invoice of {lines * days:,} lunches, lines x days = {lines:,} x {days}",
            lines * days / statistics.median(seconds),
            "positions/s",
            against=bare,
            note=f"  {1000 * statistics.median(seconds):.0f} ms each"
            + Busy.now(environ, gateway.pid).since(before, len(seconds) * lines * days),
        )
    for lines, days in COUNTED:
        bodies = iter([_next_invoice(town, lines, days) for _ in range(3)])
        found = statements(environ, lambda bodies=bodies: town.post("invoices", next(bodies), town.provider))  # type: ignore[misc] # bound now
        if found is not None:
            line(f"statements: invoice of {lines * days:,} positions", found, "statements")
    held = forget_peak(gateway.pid)
    bill(town, 1000, 20)
    line("memory above rest, invoice of 20,000 positions", (peak(gateway.pid) - held) * 1024 / 20_000, "bytes/position")
    line("decisions made anew by revoked grants, 10,000 positions", _redecide(town), "positions/s")


def _new_children(town: Town, count: int) -> float:
    """Grants for so many more children; grants per second."""
    begin = time.perf_counter()
    town.children(count)
    return count / (time.perf_counter() - begin)


def _next_invoice(town: Town, lines: int, days: int) -> dict[str, Any]:
    """An invoice for children nobody billed before."""
    start = town.billed
    if start + lines > len(town.numbers):
        town.children(max(1000, lines))
    town.billed += lines
    return town.invoice(f"R-{start}", range(start, start + lines), school_days(days))


def bill(town: Town, lines: int, days: int) -> float:
    """The seconds of one invoice; all of it must be accepted."""
    body = _next_invoice(town, lines, days)
    begin = time.perf_counter()
    answer = town.post("invoices", body, town.provider).json()
    took = time.perf_counter() - begin
    if answer["counts"]["accepted"] != lines * days:
        raise SystemExit(f"not all accepted: {answer['counts']}")
    return took


def _redecide(town: Town) -> float:
    """Positions per second that are decided anew because the grants of 500 children were revoked before they ate."""
    start = town.billed
    bill(town, 500, 20)
    begin = time.perf_counter()
    town.revoke(range(start, start + 500), "2026-09-01")
    return 500 * 20 / (time.perf_counter() - begin)


async def _bare_pipeline(environ: Mapping[str, str], raw: bytes, rounds: int) -> float:
    connection = await asyncpg.connect(**connect_arguments(make_url(environ["BUT_DATABASE_URL"])))
    try:
        return statistics.median([await positions_per_second(connection, raw) for _ in range(rounds)])
    finally:
        await connection.close()

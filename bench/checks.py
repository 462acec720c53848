"""Eligibility checks: one per request by the short way and by the plain one, a thousand per request, and in towns of any size."""

import asyncio
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import asyncpg
from load import Load, http_request, run_load
from measure import Busy, Server, line, median, server, statements
from sqlalchemy import make_url
from town import BORN, CLOCK, Town

from but_gateway.db.engine import connect_arguments

CHECKS: Final = 6000
CONNECTIONS: Final = 64
JSON_TYPE: Final = {"Content-Type": "application/json"}
YES: Final = b'"eligible":true'
SIZES: Final = (10_000, 100_000, 1_000_000)


def measure_checks(town: Town, gateway: Server, environ: Mapping[str, str], rounds: int) -> None:
    """Prints the speeds of checks against raw look-ups in the same database through the same client, in turns."""
    bare = [http_request("POST", "/", JSON_TYPE, bytes(32))] * CHECKS
    short, plain = check_requests(town, town.numbers, CHECKS), check_requests(town, town.numbers, CHECKS // 4, Odd="1", odd="2")
    runs: dict[str, list[Load]] = {}
    busy: dict[str, list[str]] = {}

    def run(name: str, at: Server, requests: Sequence[bytes], expected: bytes = YES) -> None:
        before = Busy.now(environ, at.pid)
        runs.setdefault(name, []).append(run_load(at.port, requests, expected, CONNECTIONS))
        busy.setdefault(name, []).append(Busy.now(environ, at.pid).since(before, len(requests)))

    with _bare(environ, "app") as reset, _bare(environ, "unreset") as unreset:
        run_load(gateway.port, short[:1000], YES, CONNECTIONS)  # tokens, plans and links are made
        for _ in range(rounds):
            run("bare", reset, bare, b"true")
            run("unreset", unreset, bare, b"true")
            run("short", gateway, short)
            run("plain", gateway, plain)
    rates = {name: statistics.median(run.rate for run in found) for name, found in runs.items()}
    last = {name: found[-1] for name, found in busy.items()}
    line("raw ASGI + asyncpg look-up", rates["bare"], "requests/s", note=last["bare"])
    line("the same, its connections not reset", rates["unreset"], "requests/s", note=last["unreset"])
    line("eligibility check, one per request", rates["short"], "checks/s", against=rates["bare"], note=last["short"])
    line("  against the look-up without reset", rates["short"], "checks/s", against=rates["unreset"], note=_percentiles(runs["short"]))
    line("eligibility check, one per request, plain way", rates["plain"], "checks/s", against=rates["bare"], note=last["plain"])
    body = json.dumps({"checks": [_ask(number) for number in town.numbers[:1000]]}).encode()
    batch = http_request("POST", f"{_path(town)}/batch", _headers(town), body)
    before = Busy.now(environ, gateway.pid)
    speed = 1000 * median(rounds, lambda _: run_load(gateway.port, [batch] * 5, b"true", 1).rate)
    note = Busy.now(environ, gateway.pid).since(before, 5000 * rounds)
    line("eligibility checks, 1,000 per request", speed, "checks/s", note=note)
    for name, requests, connections in (
        ("a lone check", short[:1], 1),
        ("64 checks at once", short[:64], 64),
        ("1,000 in a batch", [batch], 1),
    ):
        found = statements(environ, partial(run_load, gateway.port, requests, b"true", connections))
        if found is not None:
            line(f"statements: {name}", found, "statements")


def measure_growth(town: Town, gateway: Server, environ: Mapping[str, str], rounds: int) -> None:
    """Prints the speed of single checks while the town grows; the many are put straight into the tables, the asked ones are the same."""
    single = check_requests(town, town.numbers, CHECKS)
    here = len(town.numbers)
    for size in SIZES:
        asyncio.run(_grow(environ, town.key, size - here))
        here = size
        run_load(gateway.port, single[:1000], YES, CONNECTIONS)
        loads = [run_load(gateway.port, single, YES, CONNECTIONS) for _ in range(rounds)]
        line(
            f"check in a town of {size:,} entitlements", statistics.median(one.rate for one in loads), "checks/s", note=_percentiles(loads)
        )


def _percentiles(loads: Sequence[Load]) -> str:
    """The times within which a half and 99 of 100 were answered."""
    half, most = (1000 * statistics.median(one.percentile(share) for one in loads) for share in (0.5, 0.99))
    return f"  half in {half:.1f} ms, 99 % in {most:.1f} ms"


def _path(town: Town) -> str:
    return f"/v1/municipalities/{town.key}/eligibility-checks"


def _headers(town: Town) -> dict[str, str]:
    return JSON_TYPE | {"Authorization": f"Bearer {town.provider}", "Test-Clock": CLOCK}


def _ask(number: str) -> dict[str, Any]:
    return {
        "benefit": "lunch",
        "entitlement_number": number,
        "date_of_birth": BORN,
        "from": "2026-11-01",
        "to": "2026-11-30",
        "facility": "s1",
    }


def check_requests(town: Town, numbers: Sequence[str], count: int, **more: str) -> list[bytes]:
    """So many single checks in turn; a header that comes twice makes them go the plain way."""
    bodies = [json.dumps(_ask(number)).encode() for number in numbers]
    return [http_request("POST", _path(town), _headers(town) | more, bodies[i % len(bodies)]) for i in range(count)]


def _bare(environ: Mapping[str, str], name: str) -> Any:  # noqa: ANN401 - a context manager of the port
    command = [sys.executable, "-m", "uvicorn", f"bare:{name}", "--no-access-log", "--log-level", "critical", "--loop", "uvloop"]
    return server(environ, command, "--port")


# Copies of the town's first grant under other ids and numbers. What is sealed in them does not open, and is never asked for.
_MANY: Final = """
CREATE TEMP TABLE many ON COMMIT DROP AS
  SELECT gen_random_uuid() AS child, gen_random_uuid() AS entitlement, gen_random_uuid() AS the_grant,
    sha256(gen_random_uuid()::text::bytea) AS number
  FROM generate_series(1, {count});
CREATE TEMP TABLE town ON COMMIT DROP AS SELECT id FROM municipality WHERE key = '{town}';
CREATE TEMP TABLE first ON COMMIT DROP AS SELECT g.* FROM entitlement_grant g, town WHERE g.municipality_id = town.id LIMIT 1;
"""
_COLUMNS: Final = """
SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
_COPIES: Final = (
    ("child", "o.id = (SELECT child_id FROM entitlement e, first WHERE e.id = first.entitlement_id)",
     {"id": "many.child", "key": "many.child::text", "same_child_index": "many.number"}),
    ("entitlement", "o.id = (SELECT entitlement_id FROM first)",
     {"id": "many.entitlement", "key": "many.entitlement::text", "child_id": "many.child"}),
    ("entitlement_number", "o.entitlement_id = (SELECT entitlement_id FROM first)",
     {"number_index": "many.number", "entitlement_id": "many.entitlement"}),
    ("entitlement_grant", "o.id = (SELECT id FROM first)",
     {"id": "many.the_grant", "key": "many.the_grant::text", "entitlement_id": "many.entitlement"}),
    ("grant_version", "o.grant_id = (SELECT id FROM first)", {"grant_id": "many.the_grant"}),
)  # fmt: skip


async def _grow(environ: Mapping[str, str], town: str, count: int) -> None:
    connection = await asyncpg.connect(**connect_arguments(make_url(environ["BUT_DATABASE_URL"])))
    try:
        async with connection.transaction():
            await connection.execute(_MANY.format(count=count, town=town))
            for table, which, others in _COPIES:
                columns = [row[0] for row in await connection.fetch(_COLUMNS, table)]
                values = ", ".join(others.get(column, f"o.{column}") for column in columns)
                await connection.execute(
                    f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM many, {table} o, town "  # noqa: S608 - names of our own
                    f"WHERE o.municipality_id = town.id AND {which}"
                )
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()

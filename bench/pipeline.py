"""The bare baseline of an invoice: pydantic, a dozen trivial rules, one bulk insert, fetched again, JSON out."""

import json
import time
from datetime import date
from typing import Any
from uuid import uuid4

import asyncpg
from pydantic import BaseModel


class Line(BaseModel):
    """A line of the baseline."""

    line_no: int
    entitlement_number: str
    date_of_birth: date
    service_dates: list[date]
    unit_price: str


class Invoice(BaseModel):
    """An invoice of the baseline."""

    number: str
    lines: list[Line]


RULES = [lambda day, price, limit=limit: price > limit and day.year > 2000 for limit in range(100_000, 100_012)]  # noqa: PLR2004 - figures that never match


async def positions_per_second(connection: asyncpg.Connection, raw: bytes) -> float:
    """Positions a second of the least that takes an invoice in, decides it and answers."""
    await connection.execute("CREATE TEMP TABLE bare (id uuid PRIMARY KEY, line int, day date, cents bigint, outcome text)")
    start = time.perf_counter()
    invoice = Invoice.model_validate_json(raw)
    rows: list[tuple[Any, ...]] = []
    for line in invoice.lines:
        cents = int(line.unit_price.replace(".", ""))
        for day in line.service_dates:
            outcome = "rejected" if any(rule(day, cents) for rule in RULES) else "accepted"
            rows.append((uuid4(), line.line_no, day, cents, outcome))
    columns = [list(c) for c in zip(*rows, strict=True)]
    await connection.execute("INSERT INTO bare SELECT * FROM unnest($1::uuid[], $2::int[], $3::date[], $4::bigint[], $5::text[])", *columns)
    stored = await connection.fetch("SELECT line, day, cents, outcome FROM bare ORDER BY line, day")
    json.dumps([{"line": r["line"], "day": r["day"].isoformat(), "cents": r["cents"], "outcome": r["outcome"]} for r in stored])
    took = time.perf_counter() - start
    await connection.execute("DROP TABLE bare")
    return len(rows) / took

"""Runs the invariants: what must hold in the database at any time, whoever wrote to it."""

import importlib.resources
import re
from functools import cache
from typing import Any, Final

import asyncpg

_HEAD: Final = re.compile(r"^-- invariant: (.+)$", re.MULTILINE)
# Violations answered per invariant: enough to see what is wrong.
ROWS_MAX: Final = 20


@cache
def invariants() -> dict[str, str]:
    """Query by name (``4 orders: an order says …``), in the order of the file."""
    text = importlib.resources.files("but_gateway.audit").joinpath("invariants.sql").read_text(encoding="utf-8")
    _, *parts = _HEAD.split(text)
    return {name: query.strip().rstrip(";") for name, query in zip(parts[::2], parts[1::2], strict=True)}


async def violations(connection: asyncpg.Connection) -> dict[str, list[dict[str, Any]]]:
    """What violates which invariant, over all towns; empty when all hold.

    Run it as a superuser. The owner of the tables is bound by row-level security like everybody: for it the towns are visited one after
    the other (and answers to idempotency keys, which belong to no town, stay unseen). Ends as it began: it only reads.
    """
    all_seeing: bool = await connection.fetchval("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    found: dict[str, list[dict[str, Any]]] = {}
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        towns = [None] if all_seeing else [row["id"] for row in await connection.fetch("SELECT id FROM municipality")]
        for town in towns:
            if town is not None:
                await connection.execute(f"SET LOCAL but.municipality = '{town}'")
            for name, query in invariants().items():
                rows = await connection.fetch(f"SELECT * FROM ({query}) violation LIMIT {ROWS_MAX}")  # noqa: S608 - our own file
                if rows:
                    found.setdefault(name, []).extend(dict(row) for row in rows)
    return found

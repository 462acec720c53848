"""Deletes what belongs to no town: old answers to idempotency keys, assertions that have expired."""

from datetime import UTC, datetime
from typing import Final

from but_gateway.db.engine import Database
from but_gateway.db.tenancy import Scope
from but_gateway.procedures.retention import short_store
from but_gateway.procedures.retention.catalogue import BY_RULE
from but_gateway.procedures.retention.model import months_before

ROWS_AT_ONCE: Final = 5_000


async def delete_answers(database: Database, now: datetime, *, dry: bool) -> dict[str, int]:
    """How many rows of which rule. As the owner, who sees the answers of all clients."""
    first = months_before(now.date(), BY_RULE["answers"].months or 0)
    work = {
        "answers": (short_store.delete_answers, datetime(first.year, first.month, 1, tzinfo=UTC)),
        "assertions": (short_store.delete_assertions, now),
    }
    done = dict.fromkeys(work, 0)
    for rule, (delete, before) in work.items():
        more = True
        while more:
            async with database.transaction(Scope()) as unit:
                rows = await delete(unit, before, 1_000_000_000 if dry else ROWS_AT_ONCE)
                if dry:
                    unit.discard()
            done[rule] += rows
            more = rows == ROWS_AT_ONCE and not dry
    return done

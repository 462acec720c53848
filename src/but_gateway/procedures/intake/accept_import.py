"""Accepts a large import: it is stored, sealed, and worked off in the background."""

from datetime import datetime
from typing import Any

from but_gateway.audit.record import record
from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.kit.ids import new_id
from but_gateway.procedures.intake import store
from but_gateway.procedures.intake.model import Report


async def accept_import(  # noqa: PLR0913 - who delivers what, when; all keyword-only
    unit: UnitOfWork, *, keys: TownKeys, rows: list[Any], at: datetime, actor: str, language: str
) -> store.Job:
    """Stores the rows; ``at`` is "now" for every one of them, whenever they are taken."""
    job = store.Job(new_id(), store.RUNNING, at, actor, len(rows), 0, Report(language=language))
    await store.add_import(unit, job, keys.seal(store.pack_rows(rows), "grant_import", job.id, "rows"))
    payload = {"rows": len(rows)}
    await record(unit, at=at, actor=actor, action="grants.accept_import", object_type="grant_import", object_id=job.id, payload=payload)
    return job

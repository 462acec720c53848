"""Imports up to a thousand rows in the open transaction: each stands or falls alone, touched positions are decided again."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from but_gateway.audit.record import record
from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.principal import Town
from but_gateway.procedures.adjudication.redecide import redecide_children
from but_gateway.procedures.intake.model import Report
from but_gateway.procedures.intake.tell_periods import tell_periods
from but_gateway.registers.entitlements.enter import enter, flags_of
from but_gateway.registers.entitlements.schemas import RowIn, read_row
from but_gateway.web.body import KEY_PATTERN


async def import_rows(  # noqa: PLR0913 - who imports what into which town, when; all keyword-only
    unit: UnitOfWork,
    report: Report,
    *,
    town: Town,
    keys: TownKeys,
    rows: Sequence[object],
    at: datetime,
    actor: str,
    reference: str,
) -> dict[str, str]:
    """Adds what became of the rows to the report; answers the numbers of their entitlements, printed, by key.

    ``rows`` are values of JSON, as sent; ``reference`` names the request or job in the audit record. Rows of wrong form fall alone,
    as do rows that contradict the register.
    """
    start = report.received
    report.received += len(rows)
    good: list[RowIn] = []
    places: list[int] = []
    for place, value in enumerate(rows, start + 1):
        row = read_row(value)
        if isinstance(row, RowIn):
            good.append(row)
            places.append(place)
        else:
            report.reject(place, _grant_key(value), row)
    entered = await enter(unit, keys, good, at)
    await tell_periods(unit, entered, at)
    redecided = await redecide_children(unit, town, keys, entered.touched, at=at)
    report.add(entered, await flags_of(unit, entered), places)
    payload = {"rows": len(rows), "taken": len(good), "touched": sorted(map(str, entered.touched)), "redecided": redecided}
    await record(unit, at=at, actor=actor, action="grants.import", object_type="grant_import", object_id=reference, payload=payload)
    return entered.numbers()


def _grant_key(value: object) -> str | None:
    """The key of the grant where the row names one, so that its sender finds it again. Keys are pseudonyms."""
    grant = value.get("grant") if isinstance(value, dict) else None
    key = grant.get("key") if isinstance(grant, dict) else None
    return key if isinstance(key, str) and _KEY.fullmatch(key) else None


_KEY: Final = re.compile(KEY_PATTERN, re.ASCII)

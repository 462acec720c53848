"""SQL of promises: confirmed checks that lines name, the grants as they stood then, what providers were told since."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime
from typing import Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.kit.period import DayRange
from but_gateway.procedures.adjudication.promise import Check, Version
from but_gateway.procedures.adjudication.store import Row
from but_gateway.registers.entitlements.store import GRANT_COLUMNS, grant_of

_CHECKS: Final = """
SELECT id, at, provider_id, entitlement_id, benefit, first_day, last_day, periods FROM access_log
WHERE municipality_id = $1 AND id = ANY($2::uuid[]) AND confirmed
"""
_VERSIONS: Final = f"""
SELECT v.recorded_at, {GRANT_COLUMNS}
FROM entitlement_grant g JOIN grant_version v ON v.municipality_id = g.municipality_id AND v.grant_id = g.id
WHERE g.municipality_id = $1 AND g.id = ANY($2::uuid[]) ORDER BY v.grant_id, v.version
"""  # noqa: S608 - a constant of the register's store


async def load_checks(unit: UnitOfWork, check_ids: Collection[UUID]) -> dict[UUID, Check]:
    """Confirmed checks by id, whoever made them."""
    return {
        row["id"]: Check(row["at"], row["provider_id"], row["entitlement_id"], row["benefit"], _periods(row))
        for row in await unit.driver.fetch(_CHECKS, unit.municipality_id, list(check_ids))
    }


def _periods(row: Row) -> tuple[DayRange, ...]:
    if row["periods"] is None:
        return (DayRange(row["first_day"], row["last_day"]),)
    return tuple(DayRange(date.fromisoformat(first), date.fromisoformat(last)) for first, last in row["periods"])


async def load_versions(unit: UnitOfWork, grant_ids: Collection[UUID]) -> dict[UUID, list[Version]]:
    """All versions of grants in their order."""
    found: dict[UUID, list[Version]] = defaultdict(list)
    for row in await unit.driver.fetch(_VERSIONS, unit.municipality_id, list(grant_ids)):
        values = dict(row)
        recorded_at: datetime = values.pop("recorded_at")
        found[values["id"]].append(Version(grant_of(values), recorded_at))
    return found


async def known_checks(unit: UnitOfWork, provider_id: UUID, check_ids: Collection[UUID]) -> set[UUID]:
    """Which of the ids are confirmed checks of this provider."""
    rows = await unit.driver.fetch(
        "SELECT id FROM access_log WHERE municipality_id = $1 AND id = ANY($2::uuid[]) AND provider_id = $3 AND confirmed",
        unit.municipality_id,
        list(check_ids),
        provider_id,
    )
    return {row["id"] for row in rows}

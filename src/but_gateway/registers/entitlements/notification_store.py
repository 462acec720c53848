"""SQL of notifications: from when on a provider knows that days of a grant fell away.

The office notes a date of its own with the revocation; reading it in ``…/changes`` is being told as well. The earlier of both counts,
and only for the revocation it was about: one that was taken back and came again has to be told again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork

_PRESENT: Final = """
  AND n.version > coalesce((SELECT max(v.version) FROM grant_version v
    WHERE v.municipality_id = n.municipality_id AND v.grant_id = n.grant_id AND v.revoked_from IS NULL), 0)
"""
# Which of the providers $3 read when of the present revocation of grants: of the grants $2, and of a grant ``g`` of the query around it.
_NOTIFIED: Final = f"""
SELECT n.grant_id, n.provider_id, min(n.notified_on) AS notified_on FROM grant_notification n
WHERE n.municipality_id = $1 AND n.grant_id = ANY($2::uuid[]) AND n.provider_id = ANY($3::uuid[]) {_PRESENT}
GROUP BY n.grant_id, n.provider_id
"""  # noqa: S608 - a constant of this module
NOTIFIED_OF_GRANT: Final = f"""
SELECT n.provider_id, min(n.notified_on) AS notified_on FROM grant_notification n
WHERE n.municipality_id = g.municipality_id AND n.grant_id = g.id AND n.provider_id = ANY($3::uuid[]) {_PRESENT}
GROUP BY n.provider_id
"""  # noqa: S608 - as above
_TOLD: Final = """
SELECT grant_id, provider_id, version, notified_on FROM grant_notification
WHERE municipality_id = $1 AND grant_id = ANY($2::uuid[]) AND provider_id = ANY($3::uuid[])
"""
# Once per provider, grant and version; the children of those that are new.
_INSERT: Final = """
WITH told AS (
  INSERT INTO grant_notification (municipality_id, provider_id, grant_id, version, notified_on, at, client_id)
  SELECT $1, $2, g, v, $5, $6, $7 FROM unnest($3::uuid[], $4::int[]) AS x (g, v) ORDER BY g, v
  ON CONFLICT DO NOTHING RETURNING grant_id
)
SELECT DISTINCT e.child_id FROM told
JOIN entitlement_grant g ON g.municipality_id = $1 AND g.id = told.grant_id
JOIN entitlement e ON e.municipality_id = $1 AND e.id = g.entitlement_id
"""


@dataclass(frozen=True, slots=True)
class Notification:
    """A provider read that days of this version of a grant fell away."""

    grant_id: UUID
    provider_id: UUID
    version: int
    notified_on: date


async def read_notified(unit: UnitOfWork, grant_ids: Collection[UUID], provider_ids: Collection[UUID]) -> dict[tuple[UUID, UUID], date]:
    """When providers read of the present revocation of grants, by grant and provider; only revoked grants may be asked for."""
    if not grant_ids or not provider_ids:
        return {}
    rows = await unit.driver.fetch(_NOTIFIED, unit.municipality_id, list(grant_ids), list(provider_ids))
    return {(row["grant_id"], row["provider_id"]): row["notified_on"] for row in rows}


async def read_notifications(unit: UnitOfWork, grant_ids: Collection[UUID], provider_ids: Collection[UUID]) -> list[Notification]:
    """All that providers read about grants."""
    rows = await unit.driver.fetch(_TOLD, unit.municipality_id, list(grant_ids), list(provider_ids))
    return [Notification(row["grant_id"], row["provider_id"], row["version"], row["notified_on"]) for row in rows]


async def note_notifications(  # noqa: PLR0913 - who read what, when
    unit: UnitOfWork, provider_id: UUID, versions: Collection[tuple[UUID, int]], *, on: date, at: datetime, client_id: str
) -> set[UUID]:
    """Notes that a provider has read of these versions of grants; answers the children for whom that is news."""
    known = sorted(set(versions))
    rows = await unit.driver.fetch(
        _INSERT, unit.municipality_id, provider_id, [g for g, _ in known], [v for _, v in known], on, at, client_id
    )
    return {row["child_id"] for row in rows}


def earlier(one: date | None, other: date | None) -> date | None:
    """The earlier of two days that may be missing."""
    return min((day for day in (one, other) if day is not None), default=None)

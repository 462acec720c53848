"""SQL that removes grants, entitlements and children for good. As the owner of the tables: the app role cannot."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork

_OF_GRANTS: Final = ("grant_notification", "grant_version")
_OF_ENTITLEMENTS: Final = ("family_payment", "provider_link", "number_freeze", "entitlement_number")


async def remove_grants(unit: UnitOfWork, ids: Sequence[UUID]) -> dict[str, list[UUID]]:
    """Removes grants with their versions; the ids of the grants whose rows are gone, by table."""
    gone = {table: await _remove(unit, table, "grant_id", ids) for table in _OF_GRANTS}
    return gone | {"entitlement_grant": await _remove(unit, "entitlement_grant", "id", ids)}


async def remove_entitlements(unit: UnitOfWork, ids: Sequence[UUID]) -> dict[str, list[UUID]]:
    """Removes entitlements that have no grants any more, with their numbers; the ids of the entitlements, by table."""
    gone = {table: await _remove(unit, table, "entitlement_id", ids) for table in _OF_ENTITLEMENTS}
    return gone | {"entitlement": await _remove(unit, "entitlement", "id", ids)}


async def remove_children(unit: UnitOfWork, ids: Sequence[UUID], *, by: str, at: datetime) -> dict[str, list[UUID]]:
    """Removes children that have no entitlements any more, and what providers were told of them; ids by table.

    Each is noted, so that it can be removed again from a backup that was made before.
    """
    await unit.driver.execute(
        "INSERT INTO erasure (municipality_id, child_id, requested_by, requested_at, erased_at) "
        "SELECT $1, c, $3, $4, $4 FROM unnest($2::uuid[]) c ON CONFLICT (municipality_id, child_id) DO UPDATE SET erased_at = $4",
        unit.municipality_id, list(ids), by, at,
    )  # fmt: skip
    told = await unit.driver.fetch(
        "DELETE FROM provider_change WHERE municipality_id = $1 AND subject_type = 'child' AND subject_id = ANY($2::uuid[]) RETURNING id",
        unit.municipality_id,
        list(ids),
    )
    return {"provider_change": [row["id"] for row in told], "child": await _remove(unit, "child", "id", ids)}


async def _remove(unit: UnitOfWork, table: str, column: str, ids: Iterable[UUID]) -> list[UUID]:
    rows = await unit.driver.fetch(
        f"DELETE FROM {table} WHERE municipality_id = $1 AND {column} = ANY($2::uuid[]) RETURNING {column}",  # noqa: S608 - our own names
        unit.municipality_id,
        list(ids),
    )
    return [row[0] for row in rows]

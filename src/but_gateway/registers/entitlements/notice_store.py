"""SQL of what an import tells the office: the same child under two keys, grants of two legal bases for the same days."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork

_SAME_CHILDREN: Final = """
SELECT array_agg(DISTINCT other.key) FROM child c
JOIN child other ON other.municipality_id = c.municipality_id AND other.same_child_index = c.same_child_index
WHERE c.municipality_id = $1 AND c.id = ANY($2::uuid[])
GROUP BY c.same_child_index HAVING count(DISTINCT other.id) > 1
"""
_DOUBLE_GRANTS: Final = """
SELECT DISTINCT LEAST(g.key, g2.key), GREATEST(g.key, g2.key)
FROM entitlement_grant g
JOIN grant_version v ON v.municipality_id = g.municipality_id AND v.grant_id = g.id AND v.version = g.current_version
JOIN entitlement e ON e.municipality_id = g.municipality_id AND e.id = g.entitlement_id
JOIN entitlement e2 ON e2.municipality_id = e.municipality_id AND e2.child_id = e.child_id AND e2.benefit = e.benefit
JOIN entitlement_grant g2 ON g2.municipality_id = e2.municipality_id AND g2.entitlement_id = e2.id AND g2.id <> g.id
JOIN grant_version v2 ON v2.municipality_id = g2.municipality_id AND v2.grant_id = g2.id AND v2.version = g2.current_version
WHERE g.municipality_id = $1 AND g.id = ANY($2::uuid[]) AND v2.legal_basis <> v.legal_basis
  AND GREATEST(v.valid_from, v2.valid_from)
    <= LEAST(v.valid_to, v2.valid_to, v.revoked_from - 1, v2.revoked_from - 1)
ORDER BY 1, 2
"""


async def same_children(unit: UnitOfWork, child_ids: Collection[UUID]) -> list[list[str]]:
    """Keys of children with equal name and birth date, in groups that hold at least one of the given ones."""
    if not child_ids:
        return []
    return [row[0] for row in await unit.driver.fetch(_SAME_CHILDREN, unit.municipality_id, list(child_ids))]


async def double_grants(unit: UnitOfWork, grant_ids: Collection[UUID]) -> list[tuple[str, str]]:
    """Keys of grants of different legal bases for the same child, benefit and days; one of each pair is among the given ones."""
    if not grant_ids:
        return []
    return [(row[0], row[1]) for row in await unit.driver.fetch(_DOUBLE_GRANTS, unit.municipality_id, list(grant_ids))]

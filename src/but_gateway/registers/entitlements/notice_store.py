"""SQL of what an import tells the office: the same child under two keys, grants of two legal bases for the same days."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork

_SAME_CHILDREN: Final = """
SELECT array_agg(DISTINCT other.key) FROM unnest($2::uuid[], $3::bytea[], $4::bytea[]) AS mine (id, name, hash)
JOIN child c ON c.municipality_id = $1 AND c.id = mine.id AND c.merged_into IS NULL
JOIN child other ON other.municipality_id = $1 AND other.same_child_index = mine.hash AND other.merged_into IS NULL
GROUP BY mine.name HAVING count(DISTINCT other.id) > 1
"""
# OFFSET 0 keeps the planner to this order. Before a new database was analysed it takes every table for nearly empty, begins with all
# versions against all versions, and a first delivery of two hundred grants took twelve seconds.
_DOUBLE_GRANTS: Final = """
SELECT DISTINCT LEAST(g.key, g2.key), GREATEST(g.key, g2.key)
FROM unnest($2::uuid[]) AS mine(id)
CROSS JOIN LATERAL (
  SELECT id, key, entitlement_id, current_version FROM entitlement_grant WHERE municipality_id = $1 AND id = mine.id OFFSET 0) g
CROSS JOIN LATERAL (
  SELECT legal_basis, valid_from, valid_to, revoked_from FROM grant_version
  WHERE municipality_id = $1 AND grant_id = g.id AND version = g.current_version OFFSET 0) v
CROSS JOIN LATERAL (SELECT child_id, benefit FROM entitlement WHERE municipality_id = $1 AND id = g.entitlement_id OFFSET 0) e
CROSS JOIN LATERAL (
  SELECT id FROM entitlement WHERE municipality_id = $1 AND child_id = e.child_id AND benefit = e.benefit OFFSET 0) e2
CROSS JOIN LATERAL (
  SELECT id, key, current_version FROM entitlement_grant WHERE municipality_id = $1 AND entitlement_id = e2.id AND id <> g.id OFFSET 0) g2
CROSS JOIN LATERAL (
  SELECT legal_basis, valid_from, valid_to, revoked_from FROM grant_version
  WHERE municipality_id = $1 AND grant_id = g2.id AND version = g2.current_version OFFSET 0) v2
WHERE v2.legal_basis <> v.legal_basis
  AND GREATEST(v.valid_from, v2.valid_from)
    <= LEAST(v.valid_to, v2.valid_to, v.revoked_from - 1, v2.revoked_from - 1)
ORDER BY 1, 2
"""


async def same_children(unit: UnitOfWork, children: Mapping[UUID, Sequence[bytes]]) -> list[list[str]]:
    """Keys of children with equal name and birth date, in groups that hold at least one of the given ones.

    ``children``: the keyed hashes of each by its id, the first of which names the group: while their key is changed there are two.
    """
    asked = [(child, hashes[0], one) for child, hashes in children.items() for one in hashes]
    if not asked:
        return []
    return [row[0] for row in await unit.driver.fetch(_SAME_CHILDREN, unit.municipality_id, *(list(x) for x in zip(*asked, strict=True)))]


async def double_grants(unit: UnitOfWork, grant_ids: Collection[UUID]) -> list[tuple[str, str]]:
    """Keys of grants of different legal bases for the same child, benefit and days; one of each pair is among the given ones."""
    if not grant_ids:
        return []
    return [(row[0], row[1]) for row in await unit.driver.fetch(_DOUBLE_GRANTS, unit.municipality_id, list(grant_ids))]

"""SQL of the register as staff reads it: entitlements with their child, number, grants and versions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.registers.entitlements.store import current_numbers

_ENTITLEMENTS: Final = """
SELECT e.id, e.key, e.benefit, e.information_allowed, c.id AS child_id, c.key AS child_key, c.family_name, c.given_names, c.date_of_birth
FROM entitlement e JOIN child c ON c.municipality_id = e.municipality_id AND c.id = e.child_id
WHERE e.municipality_id = $1 AND ($2::text IS NULL OR e.key = $2) AND ($3::uuid IS NULL OR e.id > $3)
  AND ($4::text IS NULL OR c.key = $4)
ORDER BY e.id LIMIT $5
"""
_VERSIONS: Final = """
SELECT g.entitlement_id, g.key, g.current_version, g.used, g.reserved, v.version, v.legal_basis, v.valid_from, v.valid_to, v.applied_on,
  v.status, v.attends, f.key AS facility, p.key AS provider, v.budget_kind, v.budget_limit, v.subjects, v.tutoring_form, v.revoked_from,
  v.notified_on, v.flags, v.recorded_at
FROM entitlement_grant g
JOIN grant_version v ON v.municipality_id = g.municipality_id AND v.grant_id = g.id
LEFT JOIN facility f ON f.municipality_id = v.municipality_id AND f.id = v.facility_id
LEFT JOIN provider p ON p.municipality_id = v.municipality_id AND p.id = v.provider_id
WHERE g.municipality_id = $1 AND g.entitlement_id = ANY($2::uuid[])
ORDER BY g.id, v.version
"""


@dataclass(frozen=True, slots=True)
class Registered:
    """An entitlement with its child in the clear and all versions of its grants (rows of the columns above, in order)."""

    id: UUID
    key: str
    benefit: str
    information_allowed: bool
    child: dict[str, str]
    number: str | None
    versions: list[dict[str, Any]] = field(default_factory=list)


async def read_entitlements(  # noqa: PLR0913 - what chooses them; all keyword-only
    unit: UnitOfWork, keys: TownKeys, *, key: str | None = None, child: str | None = None, after: UUID | None = None, limit: int = 1
) -> Sequence[Registered]:
    """Entitlements in order of their making: the one of a key, those of a child, or all after one."""
    rows = await unit.driver.fetch(_ENTITLEMENTS, unit.municipality_id, key, after, child, limit)
    numbers = await current_numbers(unit, keys, [row["key"] for row in rows])
    found = {}
    for row in rows:
        names = {name: keys.open(row[name], "child", row["child_id"], name) for name in ("family_name", "given_names", "date_of_birth")}
        person = {"key": row["child_key"], **names}
        number = numbers.get(row["key"])
        found[row["id"]] = Registered(row["id"], row["key"], row["benefit"], row["information_allowed"], person, number)
    for row in await unit.driver.fetch(_VERSIONS, unit.municipality_id, list(found)):
        found[row["entitlement_id"]].versions.append(dict(row))
    return list(found.values())

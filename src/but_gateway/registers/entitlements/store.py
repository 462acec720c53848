"""SQL of entitlements: what decisions and checks read, in bulk, one statement each; links of providers."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.kit.ids import print_entitlement_number
from but_gateway.registers.entitlements.model import GrantRecord, NumberRecord

# OFFSET 0 keeps each table looked up by its whole key (docs/decisions/0011): in tables that were just filled the planner takes a town for
# five rows, and would walk through all of it for each number.
_NUMBERS: Final = """
SELECT n.number_index, n.kind, n.lost_on, e.id AS entitlement_id, e.key AS entitlement_key, e.benefit, e.information_allowed,
       c.id AS child_id, c.key AS child_key, c.family_name, c.given_names, c.date_of_birth,
       EXISTS (
         SELECT FROM number_freeze
         WHERE municipality_id = $1 AND provider_id = $3 AND entitlement_id = e.id AND frozen_at IS NOT NULL OFFSET 0
       ),
       EXISTS (SELECT FROM provider_link WHERE municipality_id = $1 AND provider_id = $3 AND entitlement_id = e.id OFFSET 0)
FROM unnest($2::bytea[]) AS wanted (number_index)
CROSS JOIN LATERAL (SELECT * FROM entitlement_number WHERE municipality_id = $1 AND number_index = wanted.number_index OFFSET 0) n
CROSS JOIN LATERAL (SELECT * FROM entitlement WHERE municipality_id = $1 AND id = n.entitlement_id OFFSET 0) e
CROSS JOIN LATERAL (SELECT * FROM child WHERE municipality_id = $1 AND id = e.child_id OFFSET 0) c
"""

GRANT_COLUMNS: Final = """
  g.id, g.key, g.entitlement_id, v.version, v.legal_basis, v.valid_from, v.valid_to, v.applied_on, v.status, v.attends, v.facility_id,
  v.provider_id, v.budget_kind, v.budget_limit AS limit, v.subjects, v.tutoring_form, v.revoked_from, v.notified_on, v.flags, g.used,
  g.reserved
"""

_GRANTS: Final = f"""
SELECT {GRANT_COLUMNS}
FROM entitlement_grant g
JOIN grant_version v ON v.municipality_id = g.municipality_id AND v.grant_id = g.id AND v.version = g.current_version
WHERE g.municipality_id = $1 AND g.entitlement_id = ANY($2::uuid[])
ORDER BY g.entitlement_id, v.valid_from, g.key
"""  # noqa: S608 - constants of this module

_LINK: Final = """
INSERT INTO provider_link (municipality_id, provider_id, entitlement_id, linked_at)
SELECT $1, p, e, $4 FROM unnest($2::uuid[], $3::uuid[]) AS pairs (p, e) ORDER BY p, e
ON CONFLICT DO NOTHING
"""

_CURRENT_NUMBERS: Final = """
SELECT e.key, n.entitlement_id, n.number, n.kind FROM entitlement e
JOIN entitlement_number n ON n.municipality_id = e.municipality_id AND n.entitlement_id = e.id AND n.lost_on IS NULL
WHERE e.municipality_id = $1 AND e.key = ANY($2::text[]) ORDER BY n.issued_at, n.number_index
"""


async def find_by_numbers(unit: UnitOfWork, provider_id: UUID, indexes: Collection[bytes]) -> dict[bytes, NumberRecord]:
    """The known numbers among keyed hashes of folded numbers (``keys.index("entitlement_number", …)``), as a provider may use them."""
    if not indexes:
        return {}
    rows = await unit.driver.fetch(_NUMBERS, unit.municipality_id, list(indexes), provider_id)
    return {row["number_index"]: NumberRecord(*row) for row in rows}


async def load_grants(unit: UnitOfWork, entitlement_ids: Collection[UUID]) -> dict[UUID, list[GrantRecord]]:
    """The current versions of all grants by entitlement, in order of their first day; an entitlement without grants is left out."""
    if not entitlement_ids:
        return {}
    found: dict[UUID, list[GrantRecord]] = {}
    for row in await unit.driver.fetch(_GRANTS, unit.municipality_id, list(entitlement_ids)):
        grant = grant_of(row)
        found.setdefault(grant.entitlement_id, []).append(grant)
    return found


def grant_of(row: asyncpg.Record) -> GrantRecord:
    """The grant of a row of ``GRANT_COLUMNS``."""
    values = dict(row)
    values["subjects"], values["flags"] = tuple(values["subjects"]), tuple(values["flags"])
    return GrantRecord(**values)


async def link_providers(unit: UnitOfWork, pairs: Iterable[tuple[UUID, UUID]], at: datetime) -> None:
    """Notes that providers know entitlements (confirmed check, named grant, accepted line): pairs of provider and entitlement."""
    wanted = sorted(set(pairs))
    if wanted:
        await unit.driver.execute(_LINK, unit.municipality_id, [p for p, _ in wanted], [e for _, e in wanted], at)


def number_text(keys: TownKeys, row: Mapping[str, Any]) -> str:
    """A number as families read it, of a row with ``entitlement_id``, ``number`` (sealed) and ``kind``."""
    number = keys.open(row["number"], "entitlement_number", row["entitlement_id"], "number")
    return print_entitlement_number(number) if row["kind"] == "issued" else number


async def current_numbers(unit: UnitOfWork, keys: TownKeys, entitlement_keys: Collection[str]) -> dict[str, str]:
    """The number families hold now, printed, by key of the entitlement."""
    rows = await unit.driver.fetch(_CURRENT_NUMBERS, unit.municipality_id, list(entitlement_keys)) if entitlement_keys else ()
    return {row["key"]: number_text(keys, row) for row in rows}

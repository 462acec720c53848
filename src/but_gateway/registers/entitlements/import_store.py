"""SQL of grant imports: reads what rows touch, writes what changed. The number of statements does not depend on the number of rows."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.registers.entitlements.plan import Child, Entitlement, Grant, Picture
from but_gateway.registers.entitlements.schemas import RowIn
from but_gateway.registers.entitlements.store import number_text
from but_gateway.registers.entitlements.terms import Terms
from but_gateway.registers.municipalities.redecision_store import share_registers

_CHILDREN: Final = """
SELECT id, key, family_name, given_names, date_of_birth FROM child
WHERE municipality_id = $1 AND key = ANY($2::text[])
"""
_ENTITLEMENTS: Final = """
SELECT e.id, e.key, c.key AS child_key, e.benefit, e.information_allowed
FROM entitlement e JOIN child c ON c.municipality_id = e.municipality_id AND c.id = e.child_id
WHERE e.municipality_id = $1 AND (e.key = ANY($2::text[]) OR e.id IN (
  SELECT entitlement_id FROM entitlement_grant WHERE municipality_id = $1 AND key = ANY($3::text[])))
"""
_NUMBERS: Final = """
SELECT entitlement_id, number_index, number, kind, lost_on FROM entitlement_number
WHERE municipality_id = $1 AND entitlement_id = ANY($2::uuid[]) ORDER BY issued_at, number_index
"""
_TAKEN: Final = """
SELECT n.number_index, e.key FROM entitlement_number n
JOIN entitlement e ON e.municipality_id = n.municipality_id AND e.id = n.entitlement_id
WHERE n.municipality_id = $1 AND n.number_index = ANY($2::bytea[])
"""
_GRANTS: Final = """
SELECT g.id, g.key, e.key AS entitlement_key, v.version, g.used, g.reserved,
  v.legal_basis, v.valid_from, v.valid_to, v.applied_on, v.status, v.attends, v.facility_id, v.provider_id, v.budget_kind,
  v.budget_limit AS limit, v.subjects, v.tutoring_form, v.revoked_from, v.notified_on, v.flags
FROM entitlement_grant g
JOIN entitlement e ON e.municipality_id = g.municipality_id AND e.id = g.entitlement_id
JOIN grant_version v ON v.municipality_id = g.municipality_id AND v.grant_id = g.id AND v.version = g.current_version
WHERE g.municipality_id = $1 AND g.key = ANY($2::text[])
"""
_FACILITIES: Final = "SELECT key, id FROM facility WHERE municipality_id = $1 AND key = ANY($2::text[])"
_PROVIDERS: Final = "SELECT key, id FROM provider WHERE municipality_id = $1 AND key = ANY($2::text[])"
_NAMES: Final = """
SELECT c.key, own.key FROM child c JOIN child own ON own.municipality_id = c.municipality_id AND own.id = c.merged_into
WHERE c.municipality_id = $1 AND c.key = ANY($2::text[])
"""
_LOCK: Final = "SELECT 1 FROM child WHERE municipality_id = $1 AND id = ANY($2::uuid[]) ORDER BY id FOR NO KEY UPDATE"

_INSERT_CHILDREN: Final = """
INSERT INTO child (municipality_id, id, key, family_name, given_names, date_of_birth, same_child_index, decision_seq)
SELECT $1, r.*, 0 FROM unnest($2::uuid[], $3::text[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[]) AS r
"""
_UPDATE_CHILDREN: Final = """
UPDATE child c SET family_name = r.f, given_names = r.g, date_of_birth = r.d, same_child_index = r.s
FROM unnest($2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[]) AS r (i, f, g, d, s)
WHERE c.municipality_id = $1 AND c.id = r.i
"""
_INSERT_ENTITLEMENTS: Final = """
INSERT INTO entitlement (municipality_id, id, key, child_id, benefit, information_allowed)
SELECT $1, r.* FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::bool[]) AS r
"""
_UPDATE_ENTITLEMENTS: Final = """
UPDATE entitlement e SET information_allowed = r.a FROM unnest($2::uuid[], $3::bool[]) AS r (i, a)
WHERE e.municipality_id = $1 AND e.id = r.i
"""
_INSERT_NUMBERS: Final = """
INSERT INTO entitlement_number (municipality_id, number_index, entitlement_id, number, kind, issued_at)
SELECT $1, r.*, $6 FROM unnest($2::bytea[], $3::uuid[], $4::bytea[], $5::text[]) AS r
"""
_INSERT_GRANTS: Final = """
INSERT INTO entitlement_grant (municipality_id, id, key, entitlement_id, current_version, budget_limit, used, reserved)
SELECT $1, r.*, 0, 0 FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::int[], $6::bigint[]) AS r
"""
# A limit below what is used stays where the use is until the re-decision has freed what it can.
_UPDATE_GRANTS: Final = """
UPDATE entitlement_grant g
SET current_version = r.v, budget_limit = CASE WHEN r.l IS NULL THEN NULL ELSE GREATEST(r.l, g.used + g.reserved) END
FROM unnest($2::uuid[], $3::int[], $4::bigint[]) AS r (i, v, l) WHERE g.municipality_id = $1 AND g.id = r.i
"""
_INSERT_VERSIONS: Final = """
INSERT INTO grant_version (municipality_id, grant_id, version, legal_basis, valid_from, valid_to, applied_on, status, attends, facility_id,
  provider_id, budget_kind, budget_limit, subjects, tutoring_form, revoked_from, notified_on, flags, recorded_at)
SELECT $1, r.*, $3 FROM json_to_recordset($2::text::json) AS r (
  grant_id uuid, version int, legal_basis text, valid_from date, valid_to date, applied_on date, status text, attends text,
  facility_id uuid, provider_id uuid, budget_kind text,
  "limit" bigint, subjects text[],
  tutoring_form text, revoked_from date, notified_on date, flags text[])
"""
_SETTLE: Final = """
UPDATE entitlement_grant g SET budget_limit = GREATEST(v.budget_limit, g.used + g.reserved)
FROM grant_version v
WHERE g.municipality_id = $1 AND g.id = ANY($2::uuid[]) AND v.municipality_id = g.municipality_id AND v.grant_id = g.id
  AND v.version = g.current_version AND g.budget_limit <> GREATEST(v.budget_limit, g.used + g.reserved)
"""
_OVER: Final = """
SELECT g.id FROM entitlement_grant g
JOIN grant_version v ON v.municipality_id = g.municipality_id AND v.grant_id = g.id AND v.version = g.current_version
WHERE g.municipality_id = $1 AND g.id = ANY($2::uuid[]) AND g.used + g.reserved > v.budget_limit
"""
_TERMS: Final = tuple(f.name for f in fields(Terms))


async def by_own_keys(unit: UnitOfWork, rows: Sequence[RowIn]) -> list[RowIn]:
    """The rows with children under their own keys: a child that was merged into another is delivered under its old key as well."""
    found = await unit.driver.fetch(_NAMES, unit.municipality_id, sorted({row.child.key for row in rows}))
    names = dict(found)
    if not names:
        return list(rows)
    return [row.model_copy(update={"child": row.child.model_copy(update={"key": names.get(row.child.key, row.child.key)})}) for row in rows]


async def read_picture(unit: UnitOfWork, keys: TownKeys, rows: Sequence[RowIn], supplied: Collection[bytes]) -> Picture:
    """What the rows touch of the register; ``supplied`` are the hashes of numbers that rows bring along."""
    driver, town = unit.driver, unit.municipality_id
    entitlement_keys, grant_keys = sorted({r.entitlement.key for r in rows}), sorted({r.grant.key for r in rows})
    picture = Picture()
    for row in await driver.fetch(_ENTITLEMENTS, town, entitlement_keys, grant_keys):
        picture.entitlements[row["key"]] = Entitlement(**dict(row))
    by_id = {e.id: e for e in picture.entitlements.values()}
    child_keys = sorted({r.child.key for r in rows} | {e.child_key for e in by_id.values()})
    for row in await driver.fetch(_CHILDREN, town, child_keys):
        picture.children[row["key"]] = _open_child(row, keys)
    for row in await driver.fetch(_NUMBERS, town, list(by_id)):
        entitlement = by_id[row["entitlement_id"]]
        entitlement.numbers.add(row["number_index"])
        if row["lost_on"] is None:
            entitlement.number = number_text(keys, row)
    for row in await driver.fetch(_GRANTS, town, grant_keys):
        picture.grants[row["key"]] = _grant(row)
    picture.facilities = dict(await driver.fetch(_FACILITIES, town, sorted({r.grant.facility for r in rows if r.grant.facility})))
    picture.providers = dict(await driver.fetch(_PROVIDERS, town, sorted({r.grant.provider for r in rows if r.grant.provider})))
    if supplied:
        picture.taken = dict(await driver.fetch(_TAKEN, town, sorted(supplied)))
    return picture


def _open_child(row: Mapping[str, Any], keys: TownKeys) -> Child:
    names = [keys.open(row[column], "child", row["id"], column) for column in ("family_name", "given_names", "date_of_birth")]
    return Child(row["id"], row["key"], names[0], names[1], date.fromisoformat(names[2]))


def _grant(row: Mapping[str, Any]) -> Grant:
    values = {name: row[name] for name in _TERMS}
    values["subjects"], values["flags"] = tuple(row["subjects"]), tuple(row["flags"])
    return Grant(row["id"], row["key"], row["entitlement_key"], row["version"], Terms(**values), row["used"], row["reserved"])


async def lock_children(unit: UnitOfWork, child_ids: Collection[UUID]) -> None:
    """Keeps everything about the children as it is until the transaction ends."""
    await share_registers(unit)
    await unit.driver.execute(_LOCK, unit.municipality_id, sorted(child_ids))


async def write_children(unit: UnitOfWork, keys: TownKeys, children: Sequence[Child]) -> None:
    """Adds and changes children; names and birth dates are sealed."""
    new, changed = [c for c in children if c.new], [c for c in children if c.changed and not c.new]
    if new:
        await unit.driver.execute(_INSERT_CHILDREN, unit.municipality_id, [c.id for c in new], [c.key for c in new], *_sealed(new, keys))
    if changed:
        await unit.driver.execute(_UPDATE_CHILDREN, unit.municipality_id, [c.id for c in changed], *_sealed(changed, keys))


def _sealed(children: Sequence[Child], keys: TownKeys) -> tuple[list[bytes], ...]:
    def seal(column: str) -> list[bytes]:
        return [keys.seal(str(getattr(c, column)), "child", c.id, column) for c in children]

    return seal("family_name"), seal("given_names"), seal("date_of_birth"), [c.same_child_indexes(keys)[0] for c in children]


async def write_entitlements(unit: UnitOfWork, keys: TownKeys, picture: Picture, at: datetime) -> None:
    """Adds and changes entitlements, adds their numbers."""
    entitlements, town = picture.entitlements.values(), unit.municipality_id
    new, changed = [e for e in entitlements if e.new], [e for e in entitlements if e.changed and not e.new]
    if new:
        children = [picture.children[e.child_key].id for e in new]
        allowed = [e.information_allowed for e in new]
        await unit.driver.execute(
            _INSERT_ENTITLEMENTS, town, [e.id for e in new], [e.key for e in new], children, [e.benefit for e in new], allowed
        )
    if changed:
        await unit.driver.execute(_UPDATE_ENTITLEMENTS, town, [e.id for e in changed], [e.information_allowed for e in changed])
    numbers = [(e, n, index) for e in entitlements for n in e.new_numbers for index in n.indexes]
    if numbers:
        sealed = [keys.seal(n.text, "entitlement_number", e.id, "number") for e, n, _ in numbers]
        columns = [index for _, _, index in numbers], [e.id for e, _, _ in numbers], sealed, [n.kind for _, n, _ in numbers]
        await unit.driver.execute(_INSERT_NUMBERS, town, *columns, at)


async def write_grants(unit: UnitOfWork, picture: Picture, at: datetime) -> None:
    """Adds grants and versions, makes the last version the current one."""
    grants, town = [g for g in picture.grants.values() if g.versions], unit.municipality_id
    if not grants:
        return
    new, known = [g for g in grants if g.new], [g for g in grants if not g.new]
    if new:
        entitlements = [picture.entitlements[g.entitlement_key].id for g in new]
        columns = [g.id for g in new], [g.key for g in new], entitlements, [g.version for g in new], [g.terms.limit for g in new]
        await unit.driver.execute(_INSERT_GRANTS, town, *columns)
    if known:
        limits = [g.terms.limit for g in known]
        await unit.driver.execute(_UPDATE_GRANTS, town, [g.id for g in known], [g.version for g in known], limits)
    versions = [
        {"grant_id": g.id, "version": version, **{name: getattr(terms, name) for name in _TERMS}}
        for g in grants
        for version, terms in g.versions
    ]
    await unit.driver.execute(_INSERT_VERSIONS, town, json.dumps(versions, default=str), at)


async def settle_limits(unit: UnitOfWork, grant_ids: Collection[UUID]) -> None:
    """Sets the counters' limits of grants of locked children to what is granted, or to what is used where that is more."""
    if grant_ids:
        await unit.driver.execute(_SETTLE, unit.municipality_id, list(grant_ids))


async def overdrawn(unit: UnitOfWork, grant_ids: Collection[UUID]) -> set[UUID]:
    """Those of the grants of which more is used or reserved than they grant now."""
    if not grant_ids:
        return set()
    return {row[0] for row in await unit.driver.fetch(_OVER, unit.municipality_id, list(grant_ids))}

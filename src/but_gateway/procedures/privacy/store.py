"""SQL of the rights of persons: everything about a child, and what stands against its erasure."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from but_gateway.db.fields import TownKeys
from but_gateway.db.schema import metadata
from but_gateway.db.session import UnitOfWork
from but_gateway.procedures.privacy.model import Person, Recipient, Section
from but_gateway.procedures.privacy.reach import PARAMETERS, REACHES, TYPES, Reach, parameters_of

HASH_HEX: Final = 32
_CHILDREN: Final = "SELECT id, key FROM child WHERE municipality_id = $1 AND (id = $2 OR merged_into = $2) ORDER BY id"
_CHILDREN_LOCKED: Final = f"{_CHILDREN} FOR UPDATE"
_BATCHES: Final = "SELECT DISTINCT batch_id FROM order_item WHERE municipality_id = $1 AND position_id = ANY($2::uuid[])"
_LINES: Final = """
SELECT id, invoice_id FROM invoice_line
WHERE municipality_id = $1 AND (child_id = ANY($2::uuid[]) OR entitlement_id = ANY($3::uuid[]) OR number_index = ANY($4::bytea[]))
"""


async def find_person(unit: UnitOfWork, child_key: str, *, lock: bool = False) -> Person | None:
    """A child by the office's key, with all that hangs on it. A key that was merged names the child it was merged into."""
    town = unit.municipality_id
    found = await unit.driver.fetchrow(
        "SELECT coalesce(c.merged_into, c.id) AS id FROM child c WHERE c.municipality_id = $1 AND c.key = $2", town, child_key
    )
    return None if found is None else await load_person(unit, found["id"], lock=lock)


async def load_person(unit: UnitOfWork, child_id: UUID, *, lock: bool = False) -> Person | None:
    """A child by its id. ``lock`` keeps everybody from deciding about it until the end of the transaction."""
    town = unit.municipality_id
    children = await unit.driver.fetch(_CHILDREN_LOCKED if lock else _CHILDREN, town, child_id)
    if child_id not in {row["id"] for row in children}:
        return None
    ids = [row["id"] for row in children]
    entitlements = await unit.driver.fetch("SELECT id, key FROM entitlement WHERE municipality_id = $1 AND child_id = ANY($2)", town, ids)
    of = [row["id"] for row in entitlements]
    grants = await unit.driver.fetch(
        "SELECT id, key FROM entitlement_grant WHERE municipality_id = $1 AND entitlement_id = ANY($2)", town, of
    )
    numbers = await unit.driver.fetch(
        "SELECT number_index FROM entitlement_number WHERE municipality_id = $1 AND entitlement_id = ANY($2)", town, of
    )
    indexes = [row["number_index"] for row in numbers]
    lines = await unit.driver.fetch(_LINES, town, ids, of, indexes)
    line_ids = [row["id"] for row in lines]
    positions = await unit.driver.fetch("SELECT id FROM position WHERE municipality_id = $1 AND line_id = ANY($2)", town, line_ids)
    position_ids = [row["id"] for row in positions]
    facts = await unit.driver.fetch(
        "SELECT facts FROM decision WHERE municipality_id = $1 AND position_id = ANY($2) AND facts IS NOT NULL", town, position_ids
    )
    return Person(
        id=child_id,
        key=next(row["key"] for row in children if row["id"] == child_id),
        ids=tuple(ids),
        child_keys=tuple(row["key"] for row in children),
        entitlements=tuple(of),
        entitlement_keys=tuple(row["key"] for row in entitlements),
        grants=tuple(row["id"] for row in grants),
        grant_keys=tuple(row["key"] for row in grants),
        number_indexes=tuple(indexes),
        lines=tuple(line_ids),
        invoices=tuple({row["invoice_id"] for row in lines}),
        positions=tuple(position_ids),
        parts=tuple(await _parts(unit, [row["facts"] for row in facts])),
        batches=tuple(row["batch_id"] for row in await unit.driver.fetch(_BATCHES, town, position_ids)),
    )


async def _parts(unit: UnitOfWork, facts: list[Any]) -> set[bytes]:
    """The shared parts that stored facts rest on: the contexts that they name, and what those name."""
    contexts = {part for one in facts for part in _hashes(one)}
    bodies = await unit.driver.fetch(
        "SELECT body FROM fact_part WHERE municipality_id = $1 AND hash = ANY($2::bytea[])", unit.municipality_id, list(contexts)
    )
    return contexts | {part for row in bodies for part in _hashes(row["body"])}


def _hashes(value: Any) -> Iterable[bytes]:  # noqa: ANN401 - a JSON value
    """The hashes of shared parts that stored facts name."""
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _hashes(one)
    elif isinstance(value, list):
        for one in value:
            yield from _hashes(one)
    elif isinstance(value, str) and len(value) == HASH_HEX:
        try:
            yield bytes.fromhex(value)
        except ValueError:
            return


async def read_sections(unit: UnitOfWork, keys: TownKeys, person: Person) -> list[Section]:
    """Every table with rows about the child."""
    found = [Section(reach.table, await _rows(unit, keys, reach, person)) for reach in REACHES]
    return [section for section in found if section.rows]


async def _rows(unit: UnitOfWork, keys: TownKeys, reach: Reach, person: Person) -> list[dict[str, Any]]:
    table = metadata.tables[reach.table]
    order = ", ".join(f"t.{column.name}" for column in table.primary_key.columns)
    # Every parameter is named once, so that each has its type whatever the condition uses.
    rows = await unit.driver.fetch(
        f"WITH x AS (SELECT {_NAMED}) SELECT t.* FROM {reach.table} t "  # noqa: S608 - our own names
        f"WHERE t.municipality_id = $1 AND ({reach.condition}) ORDER BY {order}",
        unit.municipality_id, *parameters_of(person),
    )  # fmt: skip
    shown = [c for c in table.c if c.name != "municipality_id" and c.name not in reach.leave_out]
    found = [{column.name: _value(keys, reach.table, row, column) for column in shown} for row in rows]
    # While the key of hashes is changed a number lies under two of them: rows that differ in what is left out only are one.
    return list({repr(one): one for one in found}.values())


_NAMED: Final = ", ".join(f"${number}::{TYPES[name]}" for number, name in enumerate(PARAMETERS, 2))


def _value(keys: TownKeys, table: str, row: Any, column: Any) -> Any:  # noqa: ANN401 - a row and a column of it
    value = row[column.name]
    if value is not None and "sealed_row" in column.info:
        return keys.open(bytes(value), table, row[column.info["sealed_row"]], column.name)
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else value


_RECIPIENTS: Final = """
SELECT p.key, p.name, array_agg(DISTINCT x.how ORDER BY x.how) AS how FROM (
  SELECT provider_id, 'asked' AS how FROM access_log WHERE municipality_id = $1 AND entitlement_id = ANY($2::uuid[])
  UNION ALL SELECT provider_id, 'billed' FROM invoice_line WHERE municipality_id = $1 AND id = ANY($3::uuid[])
  UNION ALL SELECT provider_id, 'linked' FROM provider_link WHERE municipality_id = $1 AND entitlement_id = ANY($2::uuid[])
  UNION ALL SELECT provider_id, 'named' FROM grant_version WHERE municipality_id = $1 AND grant_id = ANY($4::uuid[])
  UNION ALL SELECT provider_id, 'told' FROM provider_change
    WHERE municipality_id = $1 AND subject_type = 'child' AND subject_id = ANY($5::uuid[])
) x JOIN provider p ON p.municipality_id = $1 AND p.id = x.provider_id GROUP BY p.key, p.name ORDER BY p.key
"""


async def read_recipients(unit: UnitOfWork, person: Person) -> list[Recipient]:
    """Providers that learned something of the child."""
    rows = await unit.driver.fetch(
        _RECIPIENTS, unit.municipality_id, list(person.entitlements), list(person.lines), list(person.grants), list(person.ids)
    )
    return [Recipient(row["key"], row["name"], tuple(row["how"])) for row in rows]


async def batch_numbers(unit: UnitOfWork, batches: Iterable[UUID]) -> list[str]:
    """Year and number of batches."""
    rows = await unit.driver.fetch(
        "SELECT fiscal_year, serial FROM settlement_batch WHERE municipality_id = $1 AND id = ANY($2::uuid[]) ORDER BY 1, 2",
        unit.municipality_id,
        list(batches),
    )
    return [f"{row['fiscal_year']}-{row['serial']:04d}" for row in rows]


async def grants_in_force(unit: UnitOfWork, grants: Iterable[UUID], today: date) -> list[tuple[str, date]]:
    """Grants that run on a day or later: key and last day. One that was revoked from its first day on never ran."""
    rows = await unit.driver.fetch(
        f"SELECT g.key, v.valid_to FROM {_CURRENT} AND v.valid_to >= $3 AND (v.revoked_from IS NULL OR v.revoked_from > $3) ORDER BY 1",  # noqa: S608 - our own text
        unit.municipality_id, list(grants), today,
    )  # fmt: skip
    return [(row["key"], row["valid_to"]) for row in rows]


async def grants_that_ran(unit: UnitOfWork, grants: Iterable[UUID]) -> list[str]:
    """Grants that were in force for at least a day: vouchers, whether or not anything was paid. Their keys."""
    rows = await unit.driver.fetch(
        f"SELECT g.key FROM {_CURRENT} AND (v.revoked_from IS NULL OR v.revoked_from > v.valid_from) ORDER BY 1",  # noqa: S608 - our own text
        unit.municipality_id, list(grants),
    )  # fmt: skip
    return [row["key"] for row in rows]


_CURRENT: Final = (
    "entitlement_grant g "
    "JOIN grant_version v ON v.municipality_id = g.municipality_id AND v.grant_id = g.id AND v.version = g.current_version "
    "WHERE g.municipality_id = $1 AND g.id = ANY($2::uuid[])"
)


async def note_request(unit: UnitOfWork, child_id: UUID, *, by: str, at: datetime) -> None:
    """Notes that a child is to be erased when retention ends."""
    await unit.driver.execute(
        "INSERT INTO erasure (municipality_id, child_id, requested_by, requested_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        unit.municipality_id, child_id, by, at,
    )  # fmt: skip


async def delete_traces(unit: UnitOfWork, person: Person) -> dict[str, int]:
    """Removes what names the child beside the register: checks and notices."""
    texts = [*map(str, (*person.ids, *person.entitlements, *person.grants)), *person.child_keys, *person.entitlement_keys]
    return {
        "access_log": await _delete(unit, "access_log", "entitlement_id", "uuid[]", list(person.entitlements)),
        "notice": await _delete(unit, "notice", "subject_id", "text[]", texts),
    }


async def _delete(unit: UnitOfWork, table: str, column: str, kind: str, values: list[Any]) -> int:
    status: str = await unit.driver.execute(
        f"DELETE FROM {table} WHERE municipality_id = $1 AND {column} = ANY($2::{kind})",  # noqa: S608 - our own names
        unit.municipality_id,
        values,
    )
    return int(status.rsplit(maxsplit=1)[-1])


async def read_erasures(unit: UnitOfWork) -> list[tuple[UUID, bool]]:
    """Which children were erased or are to be: id, and whether it was done."""
    rows = await unit.driver.fetch(
        "SELECT child_id, erased_at FROM erasure WHERE municipality_id = $1 ORDER BY child_id", unit.municipality_id
    )
    return [(row["child_id"], row["erased_at"] is not None) for row in rows]

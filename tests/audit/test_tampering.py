# ruff: noqa: S608, S311 - table names come from the catalog of sources, chance makes mutations and no secrets
"""Whatever is changed in sealed rows, seals or checkpoints is found, and an outsider can compute the chain from the document."""

import hashlib
import json
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from but_gateway.audit.check import check_chain
from but_gateway.audit.sealing import seal_town
from but_gateway.audit.sources import SOURCES
from but_gateway.db.session import UnitOfWork
from but_gateway.kit.ids import first_id_at, new_id
from tests.audit.conftest import AT_ONCE, Archive

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SEEDS = 300


async def test_random_mutations_of_rows_seals_and_checkpoints_are_all_found(archive: Archive, superuser: asyncpg.Connection) -> None:
    await archive.seal()
    assert (await archive.check(superuser)).faults == []
    read = await archive.reader()
    missed = []
    for seed in range(SEEDS):
        chance = random.Random(seed)
        savepoint = superuser.transaction()
        await savepoint.start()
        while (told := await try_to_mutate(superuser, archive.town_id, chance)) is None:
            pass
        report = await check_chain(superuser, archive.town_id, read)
        if not report.faults:
            missed.append(told)
        await savepoint.rollback()
    assert missed == []


async def try_to_mutate(connection: asyncpg.Connection, town: UUID, chance: random.Random) -> str | None:
    """A mutation; None where a key of the table already refuses it."""
    try:
        async with connection.transaction():
            return await mutate(connection, town, chance)
    except (asyncpg.UniqueViolationError, asyncpg.CheckViolationError):
        return None


async def mutate(connection: asyncpg.Connection, town: UUID, chance: random.Random) -> str:
    """Changes one value, or deletes, doubles or moves one row, of a random table that counts; says what it did."""
    columns = {source.name: ["municipality_id", "id", *source.columns] for source in SOURCES}
    columns |= {
        "audit_seal": [
            "municipality_id", "number", "source", "from_id", "to_id", "row_count", "root", "fingerprints", "sealed_at", "hash",
        ],
        "audit_checkpoint": ["municipality_id", "number", "at", "length", "head", "token"],
        "audit_head": ["municipality_id", "length", "head", "checkpoints"],
    }  # fmt: skip
    places: list[asyncpg.Record] = []
    while not places:
        table = chance.choice(list(columns))
        places = await connection.fetch(f"SELECT tableoid, ctid FROM {table} WHERE municipality_id = $1 ORDER BY 1, 2", town)
    place = chance.choice(places)
    here = "tableoid = $1 AND ctid = $2"
    if chance.random() < 0.1:
        await connection.execute(f"DELETE FROM {table} WHERE {here}", *place)
        return f"deleted from {table}"
    if chance.random() < 0.1 and table in {source.name for source in SOURCES}:
        copied = ", ".join(await all_columns(connection, table))
        older = first_id_at((new_id().int >> 80) - 10_000)
        await connection.execute(
            f"INSERT INTO {table} ({copied}) SELECT {copied.replace(' id,', ' $3::uuid,', 1)} FROM {table} WHERE {here}", *place, older
        )
        return f"inserted into {table}"
    column = chance.choice(columns[table])
    kind, value = await connection.fetchrow(f"SELECT pg_typeof({column})::text, {column}::text FROM {table} WHERE {here}", *place)
    other = changed(kind, value, chance)
    await connection.execute(f"UPDATE {table} SET {column} = $3::text::{kind} WHERE {here}", *place, other)
    return f"{table}.{column} {value} -> {other}"


async def all_columns(connection: asyncpg.Connection, table: str) -> list[str]:
    rows = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum", table
    )
    return [row["attname"] for row in rows]


FRESH = {"uuid": str(UUID(int=7 << 76)), "jsonb": "[]", "date": "2026-01-01", "boolean": "true", "text": "x"}


def changed(kind: str, value: str | None, chance: random.Random) -> str:
    """Another value of the same type, as near to the old one as can be."""
    if value is None:
        return FRESH.get(kind, "1")
    other: Any
    match kind:
        case "uuid":
            other = UUID(int=UUID(value).int ^ (1 << chance.randrange(62)))
        case "bigint" | "integer" | "smallint":
            other = int(value) + chance.choice([-1, 1])
        case "boolean":
            other = value == "false"
        case "date":
            other = date.fromisoformat(value) + timedelta(days=1)
        case "jsonb":
            other = json.dumps([json.loads(value)])
        case "bytea":
            raw = bytearray.fromhex(value.removeprefix("\\x"))
            raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
            other = "\\x" + raw.hex()
        case _ if kind.startswith("timestamp"):
            other = datetime.fromisoformat(value) + timedelta(microseconds=1)
        case _:
            at = chance.randrange(len(value))
            other = value[:at] + ("y" if value[at] != "y" else "z") + value[at + 1 :]
    return str(other)


async def test_a_chain_rewritten_as_a_whole_contradicts_its_checkpoint(archive: Archive, superuser: asyncpg.Connection) -> None:
    """Whoever may write everything can make a new chain over forged rows; what they cannot make is the signature."""
    await archive.seal()
    await superuser.execute("UPDATE posting SET cents = cents + 1 WHERE municipality_id = $1", archive.town_id)
    for table in ("audit_seal", "audit_head"):
        await superuser.execute(f"DELETE FROM {table} WHERE municipality_id = $1", archive.town_id)
    unit = UnitOfWork(None, superuser, archive.billing.scope)  # type: ignore[arg-type] # the sealer speaks to the driver alone
    for _ in range(2):
        await seal_town(unit, NOW, margin_ms=AT_ONCE)
    await superuser.execute("UPDATE audit_head SET checkpoints = 1 WHERE municipality_id = $1", archive.town_id)
    found = {fault.what for fault in (await archive.check(superuser)).faults}
    assert "checkpoint_contradicts" in found
    await superuser.execute(
        "UPDATE audit_checkpoint c SET length = s.number, head = s.hash FROM audit_seal s "
        "WHERE s.municipality_id = c.municipality_id AND s.number = 1 AND c.municipality_id = $1",
        archive.town_id,
    )
    assert "checkpoint_signature" in {fault.what for fault in (await archive.check(superuser)).faults}


# ---- the document is enough
async def test_an_outsider_recomputes_the_chain_from_the_document(archive: Archive, superuser: asyncpg.Connection) -> None:
    """Written from docs/audit.md alone: plain SQL for the values, JSON and SHA-256 for the rest."""
    await archive.seal()
    head = bytes(32).hex()
    hashed = 0
    for seal in await superuser.fetch("SELECT * FROM audit_seal WHERE municipality_id = $1 ORDER BY number", archive.town_id):
        wanted = "id = ANY($4)" if seal["late_ids"] else "NOT id = ANY($4)"
        late = seal["late_ids"] or await superuser.fetchval(
            "SELECT coalesce(array_agg(x), '{}') FROM audit_seal, unnest(late_ids) x WHERE municipality_id = $1 AND source = $2",
            archive.town_id, seal["source"],
        )  # fmt: skip
        rows = await superuser.fetch(
            f"SELECT * FROM {seal['source']} WHERE municipality_id = $1 AND id >= $2 AND id < $3 AND {wanted} ORDER BY id",
            archive.town_id, seal["from_id"], seal["to_id"], late,
        )  # fmt: skip
        hashes = [hashlib.sha256(row_text(seal["source"], row).encode()).digest() for row in rows]
        assert len(rows) == seal["row_count"]
        root, fingerprints = hashlib.sha256(b"".join(hashes)).hexdigest(), b"".join(one[:4] for one in hashes).hex()
        entry = [
            head, str(archive.town_id), seal["number"], seal["source"], str(seal["from_id"]), str(seal["to_id"]), len(rows), root,
            fingerprints, [str(one) for one in seal["late_ids"]] if seal["late_ids"] else None, moment(seal["sealed_at"]),
        ]  # fmt: skip
        head = hashlib.sha256(json.dumps(entry, separators=(",", ":")).encode()).hexdigest()
        assert head == seal["hash"].hex()
        hashed += len(rows)
    assert head == (await superuser.fetchval("SELECT head FROM audit_head WHERE municipality_id = $1", archive.town_id)).hex()
    assert hashed == await archive.rows()


DOCUMENTED = {
    "audit_event": "at recorded_at actor action object_type object_id payload_hash",
    "audit_retirement": "source from_id to_id at actor reason",
    "batch_step": "batch_id payment_id action from_state to_state actor at",
    "decision": "position_id provider_id decided_at decided_by decision_seq outcome approved proposed findings allocations rule_set facts",
    "family_payment": "entitlement_id provider_id first_day last_day recorded_at",
    "invoice": "provider_id number kind cancels_id issued_on first_day last_day total iban_differs received_at client_id",
    "invoice_line": "invoice_id provider_id line_no benefit item form first_day last_day quantity unit_price amount identity "
    "entitlement_id child_id facility_id claim tutor proof check_id corrects_line_id",
    "payment_report": "at actor kind sha256 bytes matched unmatched already_known unrelated not_booked",
    "position": "invoice_id line_id provider_id first_day last_day quantity claimed corrects_id",
    "posting": "at kind debit credit cents used reserved provider_id position_id decision_id grant_id grant_version legal_basis "
    "benefit fiscal_year batch_id order_id payment_id booked_on turn",
}
JSON_COLUMNS = {"findings", "allocations", "facts", "claim"}


def row_text(source: str, row: asyncpg.Record) -> str:
    """The text of a row as docs/audit.md describes it."""
    parts = []
    for name in ("municipality_id", "id", *DOCUMENTED[source].split()):
        value = row[name]
        if value is not None and name in JSON_COLUMNS:
            parts.append(value)  # jsonb comes as the text that PostgreSQL prints
        elif isinstance(value, datetime):
            parts.append(json.dumps(moment(value)))
        elif isinstance(value, bytes):
            parts.append(json.dumps(value.hex()))
        elif isinstance(value, UUID | date):
            parts.append(json.dumps(str(value)))
        else:
            parts.append(json.dumps(value, ensure_ascii=False))
    return "[" + ", ".join(parts) + "]"


def moment(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_the_documents_columns_are_those_that_are_sealed() -> None:
    assert {source.name: " ".join(source.columns) for source in SOURCES} == DOCUMENTED

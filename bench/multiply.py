"""Makes many of what a town already holds, inside PostgreSQL: each copy with children, grants, invoices and payments of its own.

A copy is row by row what the service wrote, under other ids, keys, numbers and hashes: the invariants hold, sealed fields open,
numbers are found, facts can be read again. Left out are the contents of packages (their sizes stay) and the answers to idempotency keys.
Nothing is switched off meanwhile: indices, durability and the sealing of the audit record work as ever.

An id of a copy is the moment of copying and what ``_IDS`` makes of the copied row's place, so copies lie one behind the other as if they
had come one after the other.
"""

import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg

from but_gateway.db.fields import TownKeys
from but_gateway.kit.ids import first_id_at, fold_entitlement_number, new_entitlement_number
from but_gateway.registers.entitlements.plan import NUMBER_PURPOSE, SAME_CHILD_PURPOSE, same_child_text

# Text that begins with the ids of a row's place: 4096 × 256 rows of one moment, told apart further by what is random in the original.
_IDS: Final = """
CREATE TEMP TABLE copied AS
SELECT id, '7' || lpad(to_hex(place >> 8), 3, '0') || '-8' || lpad(to_hex(place & 255), 2, '0') || substr(md5(id::text), 1, 1)
           || '-' || substr(md5(id::text), 2, 12) AS tail
FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM ({ids}) everything) placed
"""
_COLUMNS: Final = """
SELECT attname, atttypid = 'uuid'::regtype AS is_id FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
# In an order that foreign keys allow. Beside each: what becomes of columns that are no ids, and what is joined for it.
_SAME: Final[dict[str, str]] = {}
_KEY: Final = "t.key || '-' || :no::text"
_NEW_CHILD: Final = """
JOIN unnest(:children::uuid[], :family_names::bytea[], :given_names::bytea[], :birth_dates::bytea[], :same_children::bytea[])
  AS r(old, family_name, given_names, date_of_birth, same_child_index) ON r.old = t.id
"""
_NEW_NUMBER: Final = (
    " JOIN unnest(:old_numbers::bytea[], :new_numbers::bytea[], :sealed_numbers::bytea[]) AS r(old, new, sealed) ON r.old = t.number_index"
)
_BILLED_NUMBER: Final = " JOIN unnest(:old_numbers::bytea[], :new_numbers::bytea[]) AS r(old, new) ON r.old = t.number_index"
_NEW_FACTS: Final = " LEFT JOIN unnest(:old_contexts::text[], :new_contexts::text[]) AS r(old, new) ON r.old = t.facts->>'c'"
_TABLES: Final[tuple[tuple[str, dict[str, str], str], ...]] = (
    (
        "child",
        {"key": _KEY} | {name: f"r.{name}" for name in ("family_name", "given_names", "date_of_birth", "same_child_index")},
        _NEW_CHILD,
    ),
    ("entitlement", {"key": _KEY}, ""),
    ("entitlement_number", {"number_index": "r.new", "number": "r.sealed"}, _NEW_NUMBER),
    ("entitlement_grant", {"key": _KEY}, ""),
    ("grant_version", _SAME, ""),
    ("provider_link", _SAME, ""),
    ("invoice", {"number": "t.number || '-' || :no::text"}, ""),
    ("invoice_line", {"number_index": "r.new"}, _BILLED_NUMBER),
    ("position", _SAME, ""),
    (
        "decision",
        {
            # The first share's grant stands behind [[", its version and the rest behind that.
            "allocations": """
              coalesce(('[["' || :prefix::text || t.grant_tail || substr(t.allocations::text, 40))::jsonb, t.allocations)
            """,
            "facts": """coalesce(('{"c":"' || r.new || '","s":' || (t.facts->'s')::text || '}')::jsonb, t.facts)""",
        },
        _NEW_FACTS,
    ),
    ("position_state", _SAME, ""),
    ("lunch_slot", _SAME, ""),
    ("review", _SAME, ""),
    ("settlement_batch", {"serial": ":serial::int"}, ""),
    ("batch_step", _SAME, ""),
    ("payment", {"end_to_end_id": "t.end_to_end_id || '-' || :no::text", "iban": ":iban::bytea", "holder": ":holder::bytea"}, ""),
    ("payment_order", _SAME, ""),
    ("order_item", _SAME, ""),
    ("package_file", _SAME, ""),
    ("package_part", {"sealed_content": "'\\x00'::bytea"}, ""),
    ("remittance", {"number": "t.number || '-' || :no::text"}, ""),
    ("remittance_position", _SAME, ""),
    ("payment_report", _SAME, ""),
    (
        "payment_entry",
        {"end_to_end_id": "t.end_to_end_id || '-' || :no::text", "fingerprint": "sha256(t.fingerprint || convert_to(:no::text, 'UTF8'))"},
        "",
    ),
    ("posting", _SAME, ""),
    ("provider_change", {"serial": ":told::bigint + t.place"}, ""),
    ("audit_event", {"object_id": ":prefix::text || t.object_tail"}, ""),
)
_PROVIDER_COLUMNS: Final = frozenset({"provider_id", "rival_provider_id"})
_NAME: Final = re.compile(r"(?<!:):([a-z_]+)")


@dataclass(frozen=True)
class Recipient:
    """A provider that gets copies: whose they are, and the account their payments go to."""

    provider_id: UUID
    bank_account_id: UUID
    iban: str
    holder: str


@dataclass(frozen=True)
class Statement:
    """An INSERT of one copy, and the names of its parameters in their order."""

    text: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Statement":
        """A statement whose parameters are written ``:name``, each with its type behind it."""
        names = tuple(dict.fromkeys(_NAME.findall(text)))
        numbered = _NAME.sub(lambda found: f"${names.index(found[1]) + 1}", text)
        return cls(numbered, names)


@dataclass
class Multiplier:
    """Copies a town's books as they were when it was made. One connection, for what is copied lies in its temporary tables."""

    connection: asyncpg.Connection
    keys: TownKeys
    recipients: Sequence[Recipient]  # by turns: every second copy goes to the first
    made: int = 0  # copies so far
    positions: int = 0  # of each copy
    _statements: list[Statement] = field(default_factory=list)
    _children: list[tuple[UUID, str, str, str]] = field(default_factory=list)
    _numbers: list[tuple[bytes, UUID]] = field(default_factory=list)
    _grants: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _contexts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _changes: int = 0
    _tails: dict[UUID, str] = field(default_factory=dict)

    @property
    def town(self) -> UUID:
        """Whose books they are."""
        return self.keys.municipality_id

    async def prepare(self) -> None:
        """Keeps what is to be copied, and puts the statements together. Everything must be in the tables, in full."""
        run = self.connection.execute
        ids = []
        for table, _, _ in _TABLES:
            if any(row["attname"] == "id" for row in await self._columns(table)):
                ids.append(f"SELECT id FROM {table} WHERE municipality_id = '{self.town}'")  # noqa: S608 - names of our own
        await run(_IDS.format(ids=" UNION ".join(ids)))
        await run("CREATE UNIQUE INDEX ON copied (id)")
        await run("ANALYZE copied")
        for table, values, joined in _TABLES:
            await self._keep(table)
            self._statements.append(Statement.of(await self._statement(table, values, joined)))
        self._tails = {row["id"]: row["tail"] for row in await self.connection.fetch("SELECT id, tail FROM copied")}
        await self._read_people()
        self.positions = await self.connection.fetchval("SELECT count(*) FROM pg_temp.t_position")
        self._changes = await self.connection.fetchval("SELECT count(*) FROM pg_temp.t_provider_change")

    async def _columns(self, table: str) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self.connection.fetch(_COLUMNS, table)
        return rows

    async def _keep(self, table: str) -> None:
        """A table's rows as they are now, with the ends of their copies' ids."""
        columns = await self._columns(table)
        tails = [f"c{i}.tail AS {row['attname']}__tail" for i, row in enumerate(columns) if row["is_id"]]
        joins = [f"LEFT JOIN copied c{i} ON c{i}.id = o.{row['attname']}" for i, row in enumerate(columns) if row["is_id"]]
        further = {
            "decision": (["g.tail AS grant_tail"], "LEFT JOIN copied g ON g.id = (o.allocations->0->>0)::uuid", ""),
            "audit_event": (["x.tail AS object_tail"], "JOIN copied x ON x.id::text = o.object_id", ""),
            "provider_change": (["row_number() OVER (ORDER BY o.serial) AS place"], "JOIN copied x ON x.id = o.subject_id", ""),
        }
        more, join, _ = further.get(table, ([], "", ""))
        order = "o.id" if any(row["attname"] == "id" for row in columns) else "1"
        await self.connection.execute(
            f"CREATE TEMP TABLE t_{table} AS SELECT {', '.join(['o.*', *tails, *more])} FROM {table} o {' '.join([*joins, join])} "  # noqa: S608 - names of our own
            f"WHERE o.municipality_id = '{self.town}' ORDER BY {order}"
        )
        await self.connection.execute(f"ANALYZE t_{table}")

    async def _statement(self, table: str, values: Mapping[str, str], joined: str) -> str:
        columns = [(row["attname"], row["is_id"]) for row in await self._columns(table)]
        counted = ", ".join(f"count({name}), count({name}__tail)" for name, is_id in columns if is_id)
        rows, *counts = await self.connection.fetchrow(f"SELECT count(*), {counted} FROM pg_temp.t_{table}")  # noqa: S608 - names of our own
        found = iter(counts)
        chosen = []
        for name, is_id in columns:
            some = (next(found), next(found)) if is_id else (0, 0)
            chosen.append(values.get(name) or _copied(name, rows, *some))
        names = ", ".join(name for name, _ in columns)
        return f"INSERT INTO {table} ({names}) SELECT {', '.join(chosen)} FROM pg_temp.t_{table} t{joined}"  # noqa: S608 - names of our own

    async def _read_people(self) -> None:
        """Names, birth dates and facts of the children that are copied, opened."""
        opened = self.keys.open
        for row in await self.connection.fetch("SELECT id, family_name, given_names, date_of_birth FROM pg_temp.t_child"):
            values = [opened(row[name], "child", row["id"], name) for name in ("family_name", "given_names", "date_of_birth")]
            self._children.append((row["id"], values[0], values[1], values[2]))
        for row in await self.connection.fetch("SELECT number_index, entitlement_id FROM pg_temp.t_entitlement_number"):
            self._numbers.append((row["number_index"], row["entitlement_id"]))
        for row in await self.connection.fetch("SELECT hash, body::text AS body FROM fact_part WHERE municipality_id = $1", self.town):
            body = json.loads(row["body"])
            if "grants" in body:
                self._contexts.append((row["hash"].hex(), body))
            elif UUID(body["id"]) in self._tails if "lb" in body else False:
                self._grants.append((row["hash"].hex(), body))

    async def copy(self) -> list[str]:
        """One more copy, in a transaction of its own; the entitlement numbers of its children."""
        self.made += 1
        recipient = self.recipients[0] if self.made % 2 else self.recipients[1 + self.made // 2 % (len(self.recipients) - 1)]
        prefix = str(first_id_at(time.time_ns() // 1_000_000))[:14]
        async with self.connection.transaction():
            numbers, parameters = self._people(prefix)
            told: int = await self.connection.fetchval(_TELL, self.town, recipient.provider_id, self._changes)
            serial: int = await self.connection.fetchval(_SERIAL, self.town)
            payment: UUID = await self.connection.fetchval("SELECT id FROM pg_temp.t_payment")
            payment = UUID(prefix + self._tails[payment])
            parameters |= {
                "prefix": prefix, "no": str(self.made), "provider": recipient.provider_id, "bank_account": recipient.bank_account_id,
                "iban": self.keys.seal(recipient.iban, "payment", payment, "iban"),
                "holder": self.keys.seal(recipient.holder, "payment", payment, "holder"), "told": told - self._changes, "serial": serial,
            }  # fmt: skip
            hashes, bodies, parameters["old_contexts"], parameters["new_contexts"] = self._facts(prefix)
            await self.connection.execute(_PARTS, self.town, hashes, bodies)
            for statement in self._statements:
                await self.connection.execute(statement.text, *(parameters[name] for name in statement.names))
        return numbers

    def _people(self, prefix: str) -> tuple[list[str], dict[str, Any]]:
        """New numbers, and what of children and numbers is sealed or hashed. Names tell the copies apart: else they were one child."""
        rows = []
        suffix = "x" + "".join("abcdefghij"[int(digit)] for digit in str(self.made))
        for old, family_name, given_names, born in self._children:
            new = UUID(prefix + self._tails[old])
            names = {"family_name": f"{family_name} {suffix}", "given_names": given_names, "date_of_birth": born}
            same = self.keys.index(SAME_CHILD_PURPOSE, same_child_text(names["family_name"], given_names, born))
            rows.append((old, *(self.keys.seal(value, "child", new, name) for name, value in names.items()), same))
        columns = [list(column) for column in zip(*rows, strict=True)]
        names_of = ("children", "family_names", "given_names", "birth_dates", "same_children")
        numbers = [new_entitlement_number() for _ in self._numbers]
        sealed = [
            self.keys.seal(number, "entitlement_number", UUID(prefix + self._tails[entitlement]), "number")
            for number, (_, entitlement) in zip(numbers, self._numbers, strict=True)
        ]
        indices = [self.keys.index(NUMBER_PURPOSE, fold_entitlement_number(number)) for number in numbers]
        found = dict(zip(names_of, columns, strict=True))
        return numbers, found | {
            "old_numbers": [old for old, _ in self._numbers], "new_numbers": indices, "sealed_numbers": sealed
        }  # fmt: skip

    def _facts(self, prefix: str) -> tuple[list[bytes], list[str], list[str], list[str]]:
        """The parts of facts that name a grant, as adjudication would store them (dossier.py); contexts before and after."""
        stored: dict[bytes, str] = {}

        def store(document: dict[str, Any]) -> str:
            text = json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
            digest = hashlib.sha256(text.encode()).digest()[:16]
            stored[digest] = text
            return digest.hex()

        grants = {}
        for old, body in self._grants:
            grants[old] = store(body | {"id": prefix + self._tails[UUID(body["id"])], "k": f"{body['k']}-{self.made}"})
        contexts = {old: store(body | {"grants": [grants[one] for one in body["grants"]]}) for old, body in self._contexts}
        hashes = sorted(stored)
        return hashes, [stored[one] for one in hashes], list(contexts), list(contexts.values())


_PARTS: Final = """
INSERT INTO fact_part (municipality_id, hash, body) SELECT $1, h, b::jsonb FROM unnest($2::bytea[], $3::text[]) AS x(h, b)
"""
_SERIAL: Final = "SELECT max(serial) + 1 FROM settlement_batch WHERE municipality_id = $1"
_TELL: Final = """
UPDATE change_counter SET last_serial = last_serial + $3 WHERE municipality_id = $1 AND provider_id = $2 RETURNING last_serial
"""


def _copied(name: str, rows: int, ids: int, copied: int) -> str:
    """The value of a column: so many rows hold an id there, so many of them one that is copied."""
    if name == "bank_account_id":
        return ":bank_account::uuid"
    if name in _PROVIDER_COLUMNS and ids:
        return ":provider::uuid" if ids == rows else f"CASE WHEN t.{name} IS NULL THEN NULL ELSE :provider::uuid END"
    if not copied:
        return f"t.{name}"
    new = f"(:prefix::text || t.{name}__tail)::uuid"
    return new if copied in (ids, rows) else f"coalesce({new}, t.{name})"

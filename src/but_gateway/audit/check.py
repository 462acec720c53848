"""Checks a town's chain: its links, its checkpoints, and that every sealed row is still what it was. It only reads."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg

from but_gateway.audit.chain import FINGERPRINT_BYTES, GENESIS, NOTHING_SEALED, Seal, after, print_exact, seal_hash, split_fingerprints
from but_gateway.audit.checkpoint import checkpoint_of
from but_gateway.audit.sources import BY_NAME, SOURCES, Source

# What a signed checkpoint says; None when its signature does not hold.
ReadToken = Callable[[str], Mapping[str, Any] | None]
FAULTS_MAX: Final = 1_000
_SEALS_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class ChainFault:
    """Something that does not hold. ``what`` is a word of docs/verify.md, ``place`` names seal, table and row."""

    what: str
    place: str


@dataclass(slots=True)
class ChainReport:
    """What was found. ``rows_checked`` counts rows that were hashed again, ``retired`` rows that are gone on purpose."""

    length: int = 0
    head: bytes = GENESIS
    rows_checked: int = 0
    late: int = 0
    retired: int = 0
    unsealed: int = 0
    checkpoints: int = 0
    faults: list[ChainFault] = field(default_factory=list)

    def add(self, what: str, place: str) -> None:
        """Notes a fault; beyond a thousand only that there are more."""
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(ChainFault(what, place))


async def check_chain(
    connection: asyncpg.Connection, municipality_id: UUID, read_token: ReadToken | None, *, rows_max: int | None = None
) -> ChainReport:
    """Checks the chain of a town in the connection's transaction, which should see one moment (repeatable read).

    ``read_token``: None leaves signatures unchecked. ``rows_max``: look again only at about so many rows of each table, those of the
    newest seals and between them; None: all.
    """
    report = ChainReport()
    seals = await _check_links(connection, municipality_id, report)
    await _check_head(connection, municipality_id, seals, report)
    await _check_checkpoints(connection, municipality_id, read_token, report)
    for source in SOURCES:
        rows = _Rows(connection, municipality_id, source, [seal for seal in seals if seal.source == source.name], report)
        chosen = _newest(rows.seals, rows_max)
        await rows.check(chosen)
        await rows.count_unsealed(chosen)
    return report


# ---- the chain itself
async def _check_links(connection: asyncpg.Connection, town: UUID, report: ChainReport) -> list[Seal]:
    seals: list[Seal] = []
    ends: dict[str, UUID] = {}
    async for row in connection.cursor(f"SELECT {_COLUMNS} FROM audit_seal WHERE municipality_id = $1 ORDER BY number", town, prefetch=500):  # noqa: S608 - our own names
        seal = seal_of(row)
        place = f"seal {seal.number}"
        if seal.number != report.length + 1:
            report.add("seal_missing", f"seal {report.length + 1}")
        if seal_hash(report.head, town, seal) != bytes(row["hash"]):
            report.add("seal_changed", place)
        if seal.source not in BY_NAME or len(seal.fingerprints) != seal.row_count * FINGERPRINT_BYTES:
            report.add("seal_changed", place)
        if seal.late_ids is None:
            if seal.from_id < ends.get(seal.source, seal.from_id):
                report.add("sealed_twice", place)
            ends[seal.source] = seal.to_id
        else:
            report.late += len(seal.late_ids)
        report.length, report.head = seal.number, bytes(row["hash"])
        seals.append(seal)
    return seals


_COLUMNS: Final = "number, source, from_id, to_id, row_count, root, fingerprints, late_ids, sealed_at, hash"


def seal_of(row: Mapping[str, Any]) -> Seal:
    """A stored seal."""
    late = row["late_ids"]
    return Seal(
        row["number"], row["source"], row["from_id"], row["to_id"], row["row_count"], bytes(row["root"]), bytes(row["fingerprints"]),
        None if late is None else tuple(late), row["sealed_at"],
    )  # fmt: skip


async def _check_head(connection: asyncpg.Connection, town: UUID, seals: Sequence[Seal], report: ChainReport) -> None:
    head = await connection.fetchrow("SELECT length, head, checkpoints, sealed_below FROM audit_head WHERE municipality_id = $1", town)
    if head is None:
        if seals:
            report.add("head_changed", "audit_head")
        return
    ranges = [seal.to_id for seal in seals if seal.late_ids is None]
    if (head["length"], bytes(head["head"])) != (report.length, report.head) or (ranges and head["sealed_below"] < max(ranges)):
        report.add("head_changed", "audit_head")
    report.checkpoints = head["checkpoints"]


async def _check_checkpoints(connection: asyncpg.Connection, town: UUID, read_token: ReadToken | None, report: ChainReport) -> None:
    rows = await connection.fetch(
        """
        SELECT c.number, c.at, c.length, c.head, c.token, s.hash AS sealed
        FROM audit_checkpoint c LEFT JOIN audit_seal s ON s.municipality_id = c.municipality_id AND s.number = c.length
        WHERE c.municipality_id = $1 ORDER BY c.number
        """,
        town,
    )
    number = 0
    for row in rows:
        number += 1
        checkpoint = checkpoint_of(row)
        place = f"checkpoint {checkpoint.number}"
        if checkpoint.number != number:
            report.add("checkpoint_missing", f"checkpoint {number}")
            number = checkpoint.number
        if row["sealed"] is None or bytes(row["sealed"]) != checkpoint.head:
            report.add("checkpoint_contradicts", place)
        if read_token is None:
            continue
        claims = read_token(checkpoint.token)
        said = (str(town), checkpoint.number, checkpoint.length, checkpoint.head.hex(), print_exact(checkpoint.at))
        if claims is None or tuple(claims.get(name) for name in ("municipality", "number", "length", "head", "at")) != said:
            report.add("checkpoint_signature", place)
    if number != report.checkpoints:
        report.add("checkpoint_missing", f"checkpoint {number + 1}")


# ---- the rows
@dataclass(slots=True)
class _Rows:
    """The rows of one source of a town against their seals."""

    connection: asyncpg.Connection
    town: UUID
    source: Source
    seals: Sequence[Seal]
    report: ChainReport
    late: list[UUID] = field(init=False)

    def __post_init__(self) -> None:
        self.late = [one for seal in self.seals for one in seal.late_ids or ()]

    async def check(self, chosen: Sequence[Seal]) -> None:
        """Hashes the rows of seals again."""
        gone = await self.connection.fetch(
            "SELECT from_id, to_id FROM audit_retirement WHERE municipality_id = $1 AND source = $2", self.town, self.source.name
        )
        for start in range(0, len(chosen), _SEALS_AT_ONCE):
            part = {seal.number: seal for seal in chosen[start : start + _SEALS_AT_ONCE]}
            for row in await self.connection.fetch(_roots(self.source), self.town, list(part), self.late):
                seal = part[row["number"]]
                self.report.rows_checked += row["found"]
                if not _whole(seal, row):
                    retired = any(one["from_id"] <= seal.from_id and seal.to_id <= one["to_id"] for one in gone)
                    await self._explain(seal, retired=retired)

    async def _explain(self, seal: Seal, *, retired: bool) -> None:
        """Says which rows of a seal are not what they were: those there are told by id, those gone are counted."""
        rows = await self.connection.fetch(
            f"""
            SELECT t.id, {self.source.hash} AS hash FROM {self.source.name} t
            WHERE t.municipality_id = $1 AND t.id >= $2 AND t.id < $3
              AND CASE WHEN $4::uuid[] IS NULL THEN NOT t.id = ANY($5) ELSE t.id = ANY($4) END ORDER BY t.id
            """,  # noqa: S608 - our own names
            self.town, seal.from_id, seal.to_id, None if seal.late_ids is None else list(seal.late_ids), self.late,
        )  # fmt: skip
        place = f"seal {seal.number}, {self.source.name}"
        expected = Counter(split_fingerprints(seal.fingerprints))
        unknown = []
        for row in rows:
            fingerprint = bytes(row["hash"])[:FINGERPRINT_BYTES]
            if expected[fingerprint] > 0:
                expected[fingerprint] -= 1
            else:
                unknown.append(row["id"])
        missing = sum(expected.values())
        for row_id in unknown:
            self.report.add("row_changed", f"{place} {row_id}")
        if retired and not unknown:
            self.report.retired += missing
        elif missing > len(unknown):
            self.report.add("row_missing", f"{place}: {missing - len(unknown)}")
        elif not unknown:
            self.report.add("seal_contradicts", place)

    async def count_unsealed(self, chosen: Sequence[Seal]) -> None:
        """Rows that wait for their seal are counted; rows beside the chosen seals though their time is over are faults.

        ``chosen``: all seals, or the newest. Each gap is looked into by its bounds: joined, every row of a town met every gap.
        """
        name = self.source.name
        below = await self.connection.fetchval("SELECT sealed_below FROM audit_head WHERE municipality_id = $1", self.town)
        below = NOTHING_SEALED if below is None else below
        self.report.unsealed += await self.connection.fetchval(
            f"SELECT count(*) FROM {name} WHERE municipality_id = $1 AND id >= $2",  # noqa: S608 - our own names
            self.town, below,
        )  # fmt: skip
        ranges = [seal for seal in chosen if seal.late_ids is None]
        lows = [seal.to_id for seal in ranges]
        highs = [*(seal.from_id for seal in ranges), below]
        if len(chosen) == len(self.seals):
            lows.insert(0, NOTHING_SEALED)
        else:
            del highs[0]  # what lies before the newest seals is for who checks all
        rows = await self.connection.fetch(
            f"""
            SELECT t.id FROM unnest($2::uuid[], $3::uuid[]) g(low, high)
            CROSS JOIN LATERAL (
              SELECT t.id FROM {name} t WHERE t.municipality_id = $1 AND t.id >= g.low AND t.id < g.high AND NOT t.id = ANY($4)
              LIMIT {FAULTS_MAX}
            ) t LIMIT {FAULTS_MAX}
            """,  # noqa: S608 - our own names
            self.town, lows, highs, self.late,
        )  # fmt: skip
        for row in rows:
            self.report.add("row_unsealed", f"{name} {row['id']}")


def _newest(seals: Sequence[Seal], rows_max: int | None) -> Sequence[Seal]:
    if rows_max is None:
        return seals
    count, start = 0, len(seals)
    while start > 0 and count < rows_max:
        start -= 1
        count += seals[start].row_count
    return seals[start:]


def _whole(seal: Seal, row: Mapping[str, Any]) -> bool:
    """Whether the rows found are those of the seal, to their number, bounds, root and fingerprints."""
    if row["found"] != seal.row_count:
        return False
    computed = bytes(row["root"]), bytes(row["fingerprints"]), row["first"], after(row["last"])
    return computed == (seal.root, seal.fingerprints, seal.from_id, seal.to_id)


def _roots(source: Source) -> str:
    """SQL: count, root and fingerprints of the rows of seals, computed anew."""
    return f"""
        SELECT s.number, x.* FROM audit_seal s CROSS JOIN LATERAL (
          SELECT count(*) AS found, sha256(string_agg(hash, ''::bytea ORDER BY id)) AS root,
                 string_agg(substr(hash, 1, {FINGERPRINT_BYTES}), ''::bytea ORDER BY id) AS fingerprints,
                 (array_agg(id ORDER BY id))[1] AS first, (array_agg(id ORDER BY id DESC))[1] AS last
          FROM (
            SELECT t.id, {source.hash} AS hash FROM {source.name} t
            WHERE t.municipality_id = $1 AND t.id >= s.from_id AND t.id < s.to_id
              AND CASE WHEN s.late_ids IS NULL THEN NOT t.id = ANY($3) ELSE t.id = ANY(s.late_ids) END
          ) hashed
        ) x WHERE s.municipality_id = $1 AND s.number = ANY($2) ORDER BY s.number
    """  # noqa: S608 - our own names

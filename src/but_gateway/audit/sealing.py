"""Seals what business transactions left, some time afterwards and in batches, so that no business transaction waits for the chain.

Ids are given before a transaction commits, so a row may become visible after rows with greater ids. Therefore a bound is marked first
(``mark``: ids up to a minute ago) together with the transaction number of that moment; only when every transaction below that number has
ended are the rows up to the bound sealed. What takes its first step to the database more than a minute after it made its ids is found by
``audit/late.py``. The head of a chain is locked while it grows: a second worker waits and then finds the work done. Everything happens in
one transaction, so that whoever dies leaves nothing half done.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from but_gateway.audit.chain import FINGERPRINT_BYTES, GENESIS, NOTHING_SEALED, Seal, after, seal_hash
from but_gateway.audit.sources import SOURCES, Source
from but_gateway.db.session import UnitOfWork
from but_gateway.kit.ids import first_id_at, new_id

ROWS_PER_SEAL: Final = 1_000
ROWS_AT_ONCE: Final = 20_000
# How long before its transaction's first write an id may be made; also what clocks of several machines may differ.
MARGIN_MS: Final = 60_000
# A transaction that stays open longer is no longer waited for; what it commits then is sealed as late.
PATIENCE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain stands."""

    length: int
    head: bytes
    checkpoints: int
    sealed_below: UUID
    mark: UUID | None
    mark_xid: int | None
    marked_at: datetime | None
    searched_at: datetime | None
    searched_all_at: datetime | None


async def lock_head(unit: UnitOfWork) -> Head:
    """The head of the town's chain, held until the end of the transaction; made where there is none."""
    await unit.driver.execute(
        "INSERT INTO audit_head (municipality_id, length, head, checkpoints, sealed_below) "
        "VALUES ($1, 0, $2, 0, $3) ON CONFLICT DO NOTHING",
        unit.municipality_id, GENESIS, NOTHING_SEALED,
    )  # fmt: skip
    row = await unit.driver.fetchrow(f"{_HEAD} FOR UPDATE", unit.municipality_id)
    return Head(**{**row, "head": bytes(row["head"])})


async def hold_head(unit: UnitOfWork) -> None:
    """Keeps the chain as it is until the transaction ends, for whoever reads it in more than one statement: nobody seals meanwhile."""
    await unit.driver.execute("SELECT 1 FROM audit_head WHERE municipality_id = $1 FOR SHARE", unit.municipality_id)


async def read_head(unit: UnitOfWork) -> Head | None:
    """The head of the town's chain; None where nothing was ever sealed."""
    row = await unit.driver.fetchrow(_HEAD, unit.municipality_id)
    return None if row is None else Head(**{**row, "head": bytes(row["head"])})


async def has_unsealed(unit: UnitOfWork, *, margin_ms: int = MARGIN_MS) -> bool:
    """Whether there are rows old enough to be sealed, or a bound is marked already. Writes nothing."""
    head = await read_head(unit)
    if head is not None and head.mark is not None:
        return True
    low = NOTHING_SEALED if head is None else head.sealed_below
    return await _first(unit, low, _bound_now(margin_ms)) is not None


def _bound_now(margin_ms: int) -> UUID:
    """Ids below are at least so old."""
    return first_id_at((new_id().int >> 80) - margin_ms)


async def seal_town(
    unit: UnitOfWork, now: datetime, *, margin_ms: int = MARGIN_MS, rows_at_once: int = ROWS_AT_ONCE, rows_per_seal: int = ROWS_PER_SEAL
) -> bool:
    """Takes one step: marks the next bound, or seals up to the marked one. Answers whether there is more to do at once."""
    bound = _bound_now(margin_ms)
    head = await lock_head(unit)
    if head.mark is not None:
        oldest: int = await unit.driver.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        assert head.mark_xid is not None and head.marked_at is not None  # noqa: S101, PT018 - written together with the mark
        if oldest < head.mark_xid and now - head.marked_at < PATIENCE:
            return False
        high, rest = await _bound(unit, head.sealed_below, head.mark, rows_at_once)
        for source in SOURCES:
            head = await append_seals(unit, head, await _seals_of(unit, head, source, high, now, rows_per_seal))
        await unit.driver.execute(_MORE if rest else _REACHED, unit.municipality_id, high)
        if rest:
            return True
        head = await lock_head(unit)
    if bound > head.sealed_below and await _first(unit, head.sealed_below, bound):
        # Our own number: whoever begins to write from here on has a greater one and made its ids after the bound.
        await unit.driver.execute(
            "UPDATE audit_head SET mark = $2, mark_xid = pg_current_xact_id()::text::bigint, marked_at = $3 WHERE municipality_id = $1",
            unit.municipality_id, bound, now,
        )  # fmt: skip
    return False


_HEAD: Final = (
    "SELECT length, head, checkpoints, sealed_below, mark, mark_xid, marked_at, searched_at, searched_all_at "
    "FROM audit_head WHERE municipality_id = $1"
)
_MORE: Final = "UPDATE audit_head SET sealed_below = $2 WHERE municipality_id = $1"
_REACHED: Final = "UPDATE audit_head SET sealed_below = $2, mark = NULL, mark_xid = NULL, marked_at = NULL WHERE municipality_id = $1"


def month_after(row_id: UUID) -> UUID:
    """The first id of the month (UTC) after that of an id: seals end there, as partitions do."""
    moment = datetime.fromtimestamp((row_id.int >> 80) // 1000, UTC)
    first = datetime(moment.year + moment.month // 12, moment.month % 12 + 1, 1, tzinfo=UTC)
    return first_id_at(int(first.timestamp()) * 1000)


async def _bound(unit: UnitOfWork, low: UUID, mark: UUID, rows_at_once: int) -> tuple[UUID, bool]:
    """Up to where to seal now: not more than so many rows of any source, not beyond a month; and whether rows remain below the mark."""
    first = await _first(unit, low, mark)
    if first is None:
        return mark, False
    high = min(mark, month_after(first))
    for source in SOURCES:
        row = await unit.driver.fetchval(
            f"SELECT id FROM {source.name} WHERE municipality_id = $1 AND id >= $2 AND id < $3 ORDER BY id OFFSET $4 LIMIT 1",  # noqa: S608 - our own names
            unit.municipality_id, low, high, rows_at_once,
        )  # fmt: skip
        high = high if row is None else row
    return high, high < mark


async def _first(unit: UnitOfWork, low: UUID, high: UUID) -> UUID | None:
    """The smallest id of a row in the range, whatever its source."""
    parts = " UNION ALL ".join(
        f"(SELECT id FROM {source.name} WHERE municipality_id = $1 AND id >= $2 AND id < $3 ORDER BY id LIMIT 1)"  # noqa: S608 - our own names
        for source in SOURCES
    )
    found: UUID | None = await unit.driver.fetchval(f"SELECT id FROM ({parts}) x ORDER BY id LIMIT 1", unit.municipality_id, low, high)  # noqa: S608 - as above
    return found


async def _seals_of(  # noqa: PLR0913, PLR0917 - what, from where to where, when, how much in one
    unit: UnitOfWork, head: Head, source: Source, high: UUID, now: datetime, rows_per_seal: int
) -> list[Seal]:
    """The seals of a source's rows up to a bound."""
    rows = await unit.driver.fetch(
        f"""
        SELECT (array_agg(id ORDER BY id))[1] AS first, (array_agg(id ORDER BY id DESC))[1] AS last, count(*) AS row_count,
               sha256(string_agg(hash, ''::bytea ORDER BY id)) AS root,
               string_agg(substr(hash, 1, {FINGERPRINT_BYTES}), ''::bytea ORDER BY id) AS fingerprints
        FROM (
          SELECT t.id, (row_number() OVER (ORDER BY t.id) - 1) / $4 AS part, {source.hash} AS hash
          FROM {source.name} t WHERE t.municipality_id = $1 AND t.id >= $2 AND t.id < $3
        ) hashed
        GROUP BY part ORDER BY part
        """,  # noqa: S608 - our own names
        unit.municipality_id, head.sealed_below, high, rows_per_seal,
    )  # fmt: skip
    return [
        Seal(
            head.length + number, source.name, row["first"], after(row["last"]), row["row_count"], bytes(row["root"]),
            bytes(row["fingerprints"]), None, now,
        )
        for number, row in enumerate(rows, 1)
    ]  # fmt: skip


async def append_seals(unit: UnitOfWork, head: Head, seals: Sequence[Seal]) -> Head:
    """Adds seals to the chain whose head is locked; the head as it then is (``sealed_below`` stays)."""
    last = head.head
    values: list[tuple[Any, ...]] = []
    for seal in seals:
        last = seal_hash(last, unit.municipality_id, seal)
        values.append((
            unit.municipality_id, seal.number, seal.source, seal.from_id, seal.to_id, seal.row_count, seal.root, seal.fingerprints,
            None if seal.late_ids is None else list(seal.late_ids), seal.sealed_at, last,
        ))  # fmt: skip
    if not values:
        return head
    await unit.driver.executemany(_INSERT, values)
    moved = replace(head, length=seals[-1].number, head=last)
    await unit.driver.execute(
        "UPDATE audit_head SET length = $2, head = $3 WHERE municipality_id = $1", unit.municipality_id, moved.length, moved.head
    )
    return moved


_INSERT: Final = (
    "INSERT INTO audit_seal (municipality_id, number, source, from_id, to_id, row_count, root, fingerprints, late_ids, sealed_at, hash) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
)

"""Rows that came into a range when it was sealed already: found by counting, told apart by their hashes, and sealed by name.

It takes a transaction that began to write more than a minute after it made its ids, one that stayed open for an hour, or a machine whose
clock was set back. A late seal shows to everybody that its rows were not there when their range was sealed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from but_gateway.audit.chain import FINGERPRINT_BYTES, NOTHING_SEALED, Seal, after, root_of, split_fingerprints
from but_gateway.audit.sealing import ROWS_PER_SEAL, Head, append_seals, lock_head
from but_gateway.audit.sources import SOURCES, Source
from but_gateway.db.session import UnitOfWork
from but_gateway.kit.ids import first_id_at

SEARCH_EVERY: Final = timedelta(hours=1)
SEARCH_BACK: Final = timedelta(hours=26)
SEARCH_ALL_EVERY: Final = timedelta(days=1)
_START_MS: Final = 0


def search_due(head: Head, now: datetime) -> bool:
    """Whether it is time to look for rows that came late."""
    return head.searched_at is None or abs(now - head.searched_at) >= SEARCH_EVERY


async def seal_late(unit: UnitOfWork, now: datetime, *, search_all: bool = False) -> int:
    """Looks for rows that came late, once a day from the beginning, and seals them. Returns how many were sealed.

    A range whose rows do not add up to its seal without them was tampered with: nothing of it is sealed, the verifier will tell.
    """
    head = await lock_head(unit)
    whole = search_all or head.searched_all_at is None or abs(now - head.searched_all_at) >= SEARCH_ALL_EVERY
    since = NOTHING_SEALED if whole else first_id_at(max(int((now - SEARCH_BACK).timestamp()) * 1000, _START_MS))
    found = 0
    for source in SOURCES:
        late = await late_rows(unit, source, since, head.sealed_below)
        found += len(late)
        for start in range(0, len(late), ROWS_PER_SEAL):
            head = await append_seals(unit, head, [_late_seal(head.length + 1, source, late[start : start + ROWS_PER_SEAL], now)])
    await unit.driver.execute(
        "UPDATE audit_head SET searched_at = $2, searched_all_at = CASE WHEN $3 THEN $2 ELSE searched_all_at END "
        "WHERE municipality_id = $1",
        unit.municipality_id, now, whole,
    )  # fmt: skip
    return found


def _late_seal(number: int, source: Source, rows: Sequence[tuple[UUID, bytes]], now: datetime) -> Seal:
    ids, hashes = zip(*rows, strict=True)
    fingerprints = b"".join(one[:FINGERPRINT_BYTES] for one in hashes)
    return Seal(number, source.name, ids[0], after(ids[-1]), len(ids), root_of(hashes), fingerprints, ids, now)


async def late_rows(unit: UnitOfWork, source: Source, since: UUID, below: UUID) -> list[tuple[UUID, bytes]]:
    """Rows of a source with ids below a bound that no seal holds, in the order of their ids, with their hashes."""
    town = unit.municipality_id
    known: list[UUID] = await unit.driver.fetchval(_KNOWN, town, source.name)
    # A range is looked at whole or not at all.
    start: UUID = await unit.driver.fetchval(_START, town, source.name, since) or NOTHING_SEALED
    there: int = await unit.driver.fetchval(
        f"SELECT count(*) FROM {source.name} WHERE municipality_id = $1 AND id >= $2 AND id < $3",  # noqa: S608 - our own names
        town, start, below,
    )  # fmt: skip
    sealed: int = await unit.driver.fetchval(_SEALED, town, source.name, start)
    if there == sealed + sum(start <= one < below for one in known):
        return []
    between = await unit.driver.fetch(
        f"""
        SELECT t.id, {source.hash} AS hash FROM {source.name} t
        LEFT JOIN LATERAL (
          SELECT s.to_id FROM audit_seal s WHERE s.municipality_id = $1 AND s.source = $5 AND s.late_ids IS NULL AND s.from_id <= t.id
          ORDER BY s.from_id DESC LIMIT 1
        ) before ON true
        WHERE t.municipality_id = $1 AND t.id >= $2 AND t.id < $3 AND NOT t.id = ANY($4) AND (before.to_id > t.id) IS NOT TRUE
        """,  # noqa: S608 - our own names
        town, start, below, known, source.name,
    )  # fmt: skip
    rows = [(row["id"], bytes(row["hash"])) for row in between]
    seals = await unit.driver.fetch(
        f"""
        SELECT s.from_id, s.to_id, s.root, s.fingerprints FROM audit_seal s
        WHERE s.municipality_id = $1 AND s.source = $2 AND s.late_ids IS NULL AND s.from_id >= $3 AND s.row_count < (
          SELECT count(*) FROM {source.name} t
          WHERE t.municipality_id = $1 AND t.id >= s.from_id AND t.id < s.to_id AND NOT t.id = ANY($4)
        )
        """,  # noqa: S608 - our own names
        town, source.name, start, known,
    )  # fmt: skip
    for seal in seals:
        rows += await _intruders(unit, source, seal, known)
    return sorted(rows)


_KNOWN: Final = (
    "SELECT coalesce(array_agg(x.id), '{}') FROM audit_seal s CROSS JOIN LATERAL unnest(s.late_ids) x(id) "
    "WHERE s.municipality_id = $1 AND s.source = $2 AND s.late_ids IS NOT NULL"
)
_START: Final = (
    "SELECT to_id FROM audit_seal WHERE municipality_id = $1 AND source = $2 AND late_ids IS NULL AND from_id < $3 "
    "ORDER BY from_id DESC LIMIT 1"
)
_SEALED: Final = (
    "SELECT coalesce(sum(row_count), 0)::bigint FROM audit_seal "
    "WHERE municipality_id = $1 AND source = $2 AND late_ids IS NULL AND from_id >= $3"
)


async def _intruders(unit: UnitOfWork, source: Source, seal: Mapping[str, Any], known: Sequence[UUID]) -> list[tuple[UUID, bytes]]:
    """The rows within a sealed range that it was sealed without; none unless all others are as they were."""
    found = await unit.driver.fetch(
        f"""
        SELECT t.id, {source.hash} AS hash FROM {source.name} t
        WHERE t.municipality_id = $1 AND t.id >= $2 AND t.id < $3 AND NOT t.id = ANY($4) ORDER BY t.id
        """,  # noqa: S608 - our own names
        unit.municipality_id, seal["from_id"], seal["to_id"], list(known),
    )  # fmt: skip
    expected = Counter(split_fingerprints(bytes(seal["fingerprints"])))
    own, others = [], []
    for row in found:
        one = bytes(row["hash"])
        if expected[one[:FINGERPRINT_BYTES]] > 0:
            expected[one[:FINGERPRINT_BYTES]] -= 1
            own.append(one)
        else:
            others.append((row["id"], one))
    if root_of(own) == bytes(seal["root"]):
        return others
    structlog.get_logger().error("audit_late", municipality_id=str(unit.municipality_id), reason=source.name)
    return []

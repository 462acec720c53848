"""SQL of books whose time is over. Books name positions, grants and children by ids only; those are gone long before."""

from collections import Counter
from datetime import datetime
from typing import Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.procedures.retention.model import Place, counted
from but_gateway.procedures.retention.store import delete_by_ids

# Batches made before the bound, and whether something that happened later, or that still stands, holds them. A payment that came back
# is repeated in a later batch: the two hang together, so both batches must be over.
_BATCHES: Final = """
SELECT b.id, (
    b.state NOT IN ('handed_over', 'paid', 'withdrawn')
    OR EXISTS (SELECT FROM batch_step s WHERE s.municipality_id = b.municipality_id AND s.batch_id = b.id AND s.id >= $2)
    OR EXISTS (SELECT FROM position_state s WHERE s.municipality_id = b.municipality_id AND s.batch_id = b.id)
    OR EXISTS (
      SELECT FROM order_item i JOIN position_state s ON s.municipality_id = i.municipality_id AND s.position_id = i.position_id
      WHERE i.municipality_id = b.municipality_id AND i.batch_id = b.id
    )
    OR EXISTS (
      SELECT FROM posting p WHERE p.municipality_id = b.municipality_id AND p.batch_id = b.id
        AND (p.id >= $2 OR p.booked_on >= $3)
    )
  ) AS held
FROM settlement_batch b WHERE b.municipality_id = $1 AND b.id < $2 ORDER BY b.id
"""
_REPEATS: Final = """
SELECT r.batch_id AS one, p.batch_id AS other FROM payment r
JOIN payment p ON p.municipality_id = r.municipality_id AND p.id = r.repeats_id
WHERE r.municipality_id = $1 AND r.repeats_id IS NOT NULL AND r.batch_id <> p.batch_id
"""
# What hangs on a batch, children first. Entries of reports follow their payments.
_OF_PAYMENTS: Final = (
    ("remittance_position", "payment_id", "position_id"),
    ("remittance", "id", "id"),
    ("payment_entry", "payment_id", "id"),
)
_OF_BATCHES: Final = (
    ("order_item", "position_id"),
    ("payment_order", "id"),
    ("payment", "id"),
    ("carried_forward", "batch_id"),
    ("package_part", "batch_id"),
    ("package_file", "batch_id"),
    ("batch_step", "id"),
)
_POSTINGS: Final = """
DELETE FROM posting p WHERE p.municipality_id = $1 AND p.id IN (
  SELECT p.id FROM posting p WHERE p.municipality_id = $1 AND p.id < $2 AND p.batch_id IS NULL
    AND NOT EXISTS (SELECT FROM position_state s WHERE s.municipality_id = p.municipality_id AND s.position_id = p.position_id)
    AND NOT EXISTS (SELECT FROM order_item i WHERE i.municipality_id = p.municipality_id AND i.position_id = p.position_id)
    AND NOT EXISTS (SELECT FROM entitlement_grant g WHERE g.municipality_id = p.municipality_id AND g.id = p.grant_id)
  ORDER BY p.id LIMIT $3
) RETURNING p.id
"""
_EVENTS: Final = """
DELETE FROM audit_event e WHERE e.municipality_id = $1 AND e.id IN (
  SELECT e.id FROM audit_event e WHERE e.municipality_id = $1 AND e.id < $2
    AND NOT (e.object_type IN ('settlement_batch', 'payment') AND EXISTS (
      SELECT FROM batch_step s WHERE s.municipality_id = e.municipality_id AND coalesce(s.payment_id, s.batch_id)::text = e.object_id
    ))
  ORDER BY e.id LIMIT $3
) RETURNING e.id
"""
_REPORTS: Final = """
DELETE FROM payment_report r WHERE r.municipality_id = $1 AND r.id IN (
  SELECT r.id FROM payment_report r WHERE r.municipality_id = $1 AND r.id < $2
    AND NOT EXISTS (SELECT FROM payment_entry e WHERE e.municipality_id = r.municipality_id AND e.report_id = r.id)
  ORDER BY r.id LIMIT $3
) RETURNING r.id
"""
_STRAY_ENTRIES: Final = """
DELETE FROM payment_entry e WHERE e.municipality_id = $1 AND e.id IN (
  SELECT e.id FROM payment_entry e WHERE e.municipality_id = $1 AND e.id < $2 AND e.payment_id IS NULL ORDER BY e.id LIMIT $3
) RETURNING e.id
"""
# After the batches, in this order.
REST: Final = {"posting": _POSTINGS, "payment_entry": _STRAY_ENTRIES, "payment_report": _REPORTS, "audit_event": _EVENTS}


async def batches_before(unit: UnitOfWork, bound: UUID, after: datetime) -> dict[UUID, bool]:
    """Batches made before a bound, and whether they must stay."""
    rows = await unit.driver.fetch(_BATCHES, unit.municipality_id, bound, after.date())
    return {row["id"]: row["held"] for row in rows}


async def repeats(unit: UnitOfWork) -> list[tuple[UUID, UUID]]:
    """Pairs of batches of which one repeats a payment of the other."""
    return [(row["one"], row["other"]) for row in await unit.driver.fetch(_REPEATS, unit.municipality_id)]


async def delete_batches(unit: UnitOfWork, batches: list[UUID]) -> Counter[Place]:
    """Deletes batches with everything that hangs on them and all postings of the positions they settled; what is gone."""
    town, gone = unit.municipality_id, Counter[Place]()
    positions = [
        row[0]
        for row in await unit.driver.fetch(
            "SELECT DISTINCT position_id FROM order_item WHERE municipality_id = $1 AND batch_id = ANY($2::uuid[])", town, batches
        )
    ]
    payments = [
        row[0]
        for row in await unit.driver.fetch(
            "SELECT id FROM payment WHERE municipality_id = $1 AND batch_id = ANY($2::uuid[])", town, batches
        )
    ]
    gone += counted("posting", await delete_by_ids(unit, "posting", "batch_id", batches, "id"))
    for table, column, answer in _OF_PAYMENTS:
        gone += counted(table, await delete_by_ids(unit, table, column, payments, answer))
    for table, answer in _OF_BATCHES:
        gone += counted(table, await delete_by_ids(unit, table, "batch_id", batches, answer))
    # A position that left a withdrawn batch may have been settled by another one, which is still there.
    free = await unit.driver.fetch(
        "SELECT p FROM unnest($2::uuid[]) p WHERE NOT EXISTS "
        "(SELECT FROM order_item i WHERE i.municipality_id = $1 AND i.position_id = p)", town, positions,
    )  # fmt: skip
    gone += counted("posting", await delete_by_ids(unit, "posting", "position_id", [row[0] for row in free], "id"))
    return gone + counted("settlement_batch", await delete_by_ids(unit, "settlement_batch", "id", batches, "id"))


async def delete_rest(unit: UnitOfWork, table: str, bound: UUID, limit: int) -> list[UUID]:
    """Some rows of a book that no batch holds any more."""
    return [row[0] for row in await unit.driver.fetch(REST[table], unit.municipality_id, bound, limit)]


async def count_held(unit: UnitOfWork, bound: UUID) -> int:
    """How many postings made before a bound are still there."""
    count: int = await unit.driver.fetchval(
        "SELECT count(*) FROM posting WHERE municipality_id = $1 AND id < $2", unit.municipality_id, bound
    )
    return count

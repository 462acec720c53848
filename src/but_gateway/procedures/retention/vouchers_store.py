"""SQL of vouchers whose time is over: which they are, what holds them, and their deletion in an order in which nothing dangles."""

from collections import Counter
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.procedures.retention.model import Place, counted
from but_gateway.procedures.retention.store import delete_by_ids

# Why an invoice made before the bound stays. $2: the first id after the last year whose time is over.
HINDRANCES: Final = {
    "ein Klärfall ist offen": "bool_or(s.outcome = 'review')",
    "noch nicht abgerechnet": "bool_or(s.batch_id IS NULL AND s.outcome IN ('accepted', 'reduced') AND s.approved <> 0)",
    "die Zahlung ist nicht abgeschlossen": "bool_or(s.batch_id IS NOT NULL AND b.state NOT IN ('handed_over', 'paid'))",
    "später abgerechnet": "bool_or(s.batch_id >= $2)",
    "später entschieden": "bool_or(s.decision_id >= $2)",
}
_TESTS: Final = ", ".join(f"coalesce({test}, false) AS h{number}" for number, test in enumerate(HINDRANCES.values()))
_INVOICES: Final = f"""
SELECT i.id, count(s.position_id) AS positions, {_TESTS}
FROM invoice i
LEFT JOIN position_state s ON s.municipality_id = i.municipality_id AND s.invoice_id = i.id
LEFT JOIN settlement_batch b ON b.municipality_id = s.municipality_id AND b.id = s.batch_id
WHERE i.municipality_id = $1 AND i.id < $2 GROUP BY i.id ORDER BY i.id
"""  # noqa: S608 - our own tests
# Invoices that name each other: a cancellation its invoice, a correction the positions it takes back.
_LINKS: Final = """
SELECT i.id AS one, i.cancels_id AS other FROM invoice i WHERE i.municipality_id = $1 AND i.cancels_id IS NOT NULL
UNION
SELECT p.invoice_id, q.invoice_id FROM position p
JOIN position q ON q.municipality_id = p.municipality_id AND q.id = p.corrects_id
WHERE p.municipality_id = $1 AND p.corrects_id IS NOT NULL AND p.invoice_id <> q.invoice_id
"""
_SLOTS: Final = """
DELETE FROM {table} t USING position_state s
WHERE s.municipality_id = $1 AND s.invoice_id = ANY($2::uuid[]) AND t.municipality_id = $1 AND t.child_id = s.child_id
  AND t.{day} BETWEEN date_trunc('month', s.first_day)::date AND s.last_day AND t.position_id = s.position_id RETURNING t.position_id
"""
_GRANTS: Final = """
SELECT g.id FROM entitlement_grant g
WHERE g.municipality_id = $1 AND g.id < $2
  AND NOT EXISTS (
    SELECT FROM grant_version v WHERE v.municipality_id = g.municipality_id AND v.grant_id = g.id
      AND (v.valid_to > $3 OR (v.recorded_at AT TIME ZONE 'UTC')::date > $3)
  )
  AND NOT EXISTS (
    SELECT FROM posting p JOIN position_state s ON s.municipality_id = p.municipality_id AND s.position_id = p.position_id
    WHERE p.municipality_id = g.municipality_id AND p.grant_id = g.id
  )
ORDER BY g.id LIMIT $4
"""
_ENTITLEMENTS: Final = """
SELECT e.id FROM entitlement e
WHERE e.municipality_id = $1 AND e.id < $2
  AND NOT EXISTS (SELECT FROM entitlement_grant g WHERE g.municipality_id = e.municipality_id AND g.entitlement_id = e.id)
  AND NOT EXISTS (
    SELECT FROM position_state s WHERE s.municipality_id = e.municipality_id AND s.child_id = e.child_id AND s.entitlement_id = e.id
  )
  AND NOT EXISTS (SELECT FROM access_log a WHERE a.municipality_id = e.municipality_id AND a.entitlement_id = e.id)
ORDER BY e.id LIMIT $3
"""
_CHILDREN: Final = """
SELECT c.id FROM child c
WHERE c.municipality_id = $1 AND c.id < $2
  AND NOT EXISTS (SELECT FROM entitlement e WHERE e.municipality_id = c.municipality_id AND e.child_id = c.id)
  AND NOT EXISTS (SELECT FROM child o WHERE o.municipality_id = c.municipality_id AND o.merged_into = c.id)
  AND NOT EXISTS (SELECT FROM position_state s WHERE s.municipality_id = c.municipality_id AND s.child_id = c.id)
ORDER BY c.id LIMIT $3
"""


async def invoices_before(unit: UnitOfWork, bound: UUID) -> tuple[dict[UUID, int], dict[UUID, str]]:
    """Invoices made before a bound: how many positions each has; and of those that must stay, why."""
    sizes, held = {}, {}
    for row in await unit.driver.fetch(_INVOICES, unit.municipality_id, bound):
        sizes[row["id"]] = row["positions"]
        reasons = [why for number, why in enumerate(HINDRANCES) if row[f"h{number}"]]
        if reasons:
            held[row["id"]] = reasons[0]
    return sizes, held


async def links(unit: UnitOfWork) -> list[tuple[UUID, UUID]]:
    """Pairs of invoices of which one names the other."""
    return [(row["one"], row["other"]) for row in await unit.driver.fetch(_LINKS, unit.municipality_id)]


async def delete_invoices(unit: UnitOfWork, invoices: Sequence[UUID]) -> Counter[Place]:
    """Deletes invoices with everything that hangs on them; what is gone."""
    town, gone = unit.municipality_id, Counter[Place]()
    for table, day in (("lunch_slot", "day"), ("lunch_month_slot", "month")):
        rows = await unit.driver.fetch(_SLOTS.format(table=table, day=day), town, list(invoices))
        gone += counted(table, [row[0] for row in rows])
    gone += counted("review", await delete_by_ids(unit, "review", "invoice_id", invoices, "id"))
    positions = await delete_by_ids(unit, "position_state", "invoice_id", invoices, "position_id")
    gone += counted("position_state", positions)
    for table, column, answer in (
        ("used_proof", "position_id", "position_id"),
        ("decision", "position_id", "id"),
        ("position", "id", "id"),
        ("invoice_line", "invoice_id", "id"),
        ("invoice", "id", "id"),
    ):
        ids = positions if column == "position_id" or table == "position" else invoices
        gone += counted(table, await delete_by_ids(unit, table, column, ids, answer))
    return gone


async def delete_changes(unit: UnitOfWork, bound: UUID, limit: int) -> list[UUID]:
    """Some of what providers were told before a bound."""
    rows = await unit.driver.fetch(
        "DELETE FROM provider_change WHERE municipality_id = $1 AND (provider_id, serial) IN "
        "(SELECT provider_id, serial FROM provider_change WHERE municipality_id = $1 AND id < $2 LIMIT $3) RETURNING id",
        unit.municipality_id, bound, limit,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def grants_before(unit: UnitOfWork, bound: UUID, last_day: object, limit: int) -> list[UUID]:
    """Some grants whose days and versions all lie before a bound, and that no remaining position rests on."""
    return [row["id"] for row in await unit.driver.fetch(_GRANTS, unit.municipality_id, bound, last_day, limit)]


async def entitlements_before(unit: UnitOfWork, bound: UUID, limit: int) -> list[UUID]:
    """Some entitlements made before a bound on which nothing hangs any more."""
    return [row["id"] for row in await unit.driver.fetch(_ENTITLEMENTS, unit.municipality_id, bound, limit)]


async def children_before(unit: UnitOfWork, bound: UUID, limit: int) -> list[UUID]:
    """Some children made before a bound on whom nothing hangs any more."""
    return [row["id"] for row in await unit.driver.fetch(_CHILDREN, unit.municipality_id, bound, limit)]

"""SQL of take-up: which children are granted what on a day, and whether they ever used it."""

from datetime import date
from typing import Final

from but_gateway.db.session import UnitOfWork
from but_gateway.kit.clock import end_of_day
from but_gateway.procedures.reporting.model import Reach
from but_gateway.procedures.reporting.plan_store import join_by_hashes

# A child counts once for each benefit, under the grant that began last; with two from the same day, under the one that would pay first.
# Used: what decisions up to the end of the day put on any of its grants valid on that day comes to more than nothing.
_TAKE_UP: Final = """
    WITH valid AS (
      SELECT e.child_id, e.benefit, g.id AS grant_id, v.legal_basis, v.facility_id, v.valid_from,
             least(v.valid_to, v.revoked_from - 1) AS valid_to
      FROM entitlement e
      JOIN entitlement_grant g ON g.municipality_id = e.municipality_id AND g.entitlement_id = e.id
      JOIN grant_version v ON v.municipality_id = g.municipality_id AND v.grant_id = g.id AND v.version = g.current_version
      WHERE e.municipality_id = $1 AND v.valid_from <= $2 AND v.valid_to >= $2 AND coalesce(v.revoked_from, 'infinity') > $2
        AND v.status <> 'disputed'
    ), paid AS (
      SELECT t.child_id, t.benefit, coalesce(sum(p.cents), 0) > 0 AS used
      FROM valid t
      CROSS JOIN LATERAL (
        SELECT sum(p.cents) AS cents FROM posting p
        WHERE p.municipality_id = $1 AND p.grant_id = t.grant_id AND p.kind = 'decision' AND p.at < $3
      ) p
      GROUP BY t.child_id, t.benefit
    ), counted AS (
      SELECT DISTINCT ON (t.child_id, t.benefit) t.child_id, t.benefit, t.legal_basis, t.facility_id, p.used,
             max(t.valid_to) OVER (PARTITION BY t.child_id, t.benefit) AS valid_to
      FROM valid t
      JOIN paid p ON p.child_id = t.child_id AND p.benefit = t.benefit
      ORDER BY t.child_id, t.benefit, t.valid_from DESC, array_position($5::text[], t.legal_basis), t.grant_id
    )
    SELECT c.benefit, f.key AS facility_key, c.legal_basis, count(*) AS granted, count(*) FILTER (WHERE c.used) AS used,
           count(*) FILTER (WHERE NOT c.used AND c.valid_to <= $4) AS expiring
    FROM counted c LEFT JOIN facility f ON f.municipality_id = $1 AND f.id = c.facility_id
    GROUP BY 1, 2, 3 ORDER BY 1, 2 NULLS LAST, 3
"""


async def take_up(unit: UnitOfWork, on: date, *, expiring_until: date, payment_order: tuple[str, ...]) -> list[Reach]:
    """Exact counts of a day by benefit, facility and legal basis. Not to be shown as they are: see suppression.py."""
    await join_by_hashes(unit)
    rows = await unit.driver.fetch(_TAKE_UP, unit.municipality_id, on, end_of_day(on), expiring_until, list(payment_order))
    return [Reach(**row) for row in rows]

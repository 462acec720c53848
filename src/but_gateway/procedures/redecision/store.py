"""SQL of re-decisions: which children have open positions that a changed register touches."""

import json
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.registers.municipalities.redecision_store import peek_redecision
from but_gateway.registers.municipalities.touches import Touch

# Open: not in a live batch, not cancelled, not corrected, no negative line. What persons decided is among them: it may have to be reopened.
_TOUCHED: Final = """
FROM position_state ps
JOIN invoice_line l ON l.municipality_id = ps.municipality_id AND l.id = ps.line_id
WHERE ps.municipality_id = $1 AND ps.child_id IS NOT NULL AND ps.batch_id IS NULL AND ps.outcome <> 'cancelled' AND ps.corrected = 0
  AND ps.claimed >= 0 AND ($3::uuid IS NULL OR ps.child_id > $3)
  AND EXISTS (
    SELECT FROM jsonb_to_recordset($2::text::jsonb) AS t (
      provider_id uuid, benefits text[], facilities uuid[], anywhere bool, forms text[], first date, last date, weekdays int[],
      received_from date, checked bool, revoked bool)
    WHERE (t.provider_id IS NULL OR ps.provider_id = t.provider_id)
      AND (t.benefits IS NULL OR ps.benefit = ANY(t.benefits))
      AND (t.facilities IS NULL OR l.facility_id = ANY(t.facilities) OR (t.anywhere AND l.facility_id IS NULL))
      AND (t.forms IS NULL OR ps.form = ANY(t.forms))
      AND (t.first IS NULL OR ps.last_day >= t.first) AND (t.last IS NULL OR ps.first_day <= t.last)
      AND (t.weekdays IS NULL OR ps.form <> 'day' OR extract(isodow FROM ps.first_day)::int = ANY(t.weekdays))
      AND (t.received_from IS NULL OR (ps.received_at AT TIME ZONE 'Europe/Berlin')::date >= t.received_from)
      AND (t.checked IS NOT TRUE OR l.check_id IS NOT NULL)
      AND (t.revoked IS NOT TRUE OR EXISTS (
        SELECT FROM entitlement_grant g JOIN grant_version v
          ON v.municipality_id = g.municipality_id AND v.grant_id = g.id AND v.version = g.current_version
        WHERE g.municipality_id = ps.municipality_id AND g.entitlement_id = ps.entitlement_id AND v.revoked_from IS NOT NULL)))
"""
_COUNT: Final = f"SELECT count(*) FROM (SELECT 1 {_TOUCHED} LIMIT $4) AS counted"  # noqa: S608 - a constant of this module
_CHILDREN: Final = f"SELECT ps.child_id {_TOUCHED} GROUP BY ps.child_id ORDER BY ps.child_id LIMIT $4"


async def is_small(unit: UnitOfWork, redecision_id: UUID, positions: int) -> bool:
    """Whether a re-decision that is still running touches no more than so many open positions."""
    job = await peek_redecision(unit, redecision_id)
    if job is None:
        return False
    count: int = await unit.driver.fetchval(_COUNT, unit.municipality_id, _text(job.touches), job.after_child, positions + 1)
    return count <= positions


async def touched_children(unit: UnitOfWork, touches: Sequence[Touch], after_child: UUID | None, limit: int) -> list[UUID]:
    """The next children with touched positions, in order of their ids."""
    rows = await unit.driver.fetch(_CHILDREN, unit.municipality_id, _text(touches), after_child, limit)
    return [row["child_id"] for row in rows]


def _text(touches: Sequence[Touch]) -> str:
    return json.dumps([touch.document() for touch in touches])

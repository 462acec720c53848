"""SQL of reviews as clerks read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.procedures.review.model import ReviewView
from but_gateway.registers.invoices.store import position_view


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """Which reviews; None = all. ``findings`` are pairs of rule and effect, of which a position must have one."""

    state: str | None = None
    provider_id: UUID | None = None
    findings: Sequence[tuple[str, int]] | None = None


async def list_reviews(unit: UnitOfWork, wanted: ReviewFilter, *, after: UUID | None, limit: int) -> list[ReviewView]:
    """Reviews with their positions' present decisions, oldest first; one more than the limit where there are more.

    The page is found first and each of its rows looked up by whole keys (a LIMIT in a lateral query keeps the planner from joining the
    tables in another order, which on tables filled a moment ago takes minutes).
    """
    pairs = wanted.findings
    rows = await unit.driver.fetch(
        """
        WITH page AS MATERIALIZED (
          SELECT r.* FROM review r
          WHERE r.municipality_id = $1 AND ($2::uuid IS NULL OR r.id > $2) AND ($3::text IS NULL OR r.state = $3)
            AND ($4::uuid IS NULL OR r.provider_id = $4)
            AND ($5::text[] IS NULL OR EXISTS (
              SELECT FROM (
                SELECT s.decision_id FROM position_state s WHERE s.municipality_id = $1 AND s.position_id = r.position_id LIMIT 1
              ) s
              CROSS JOIN LATERAL (SELECT d.findings FROM decision d WHERE d.municipality_id = $1 AND d.id = s.decision_id LIMIT 1) d
              CROSS JOIN LATERAL jsonb_array_elements(d.findings) f
              JOIN unnest($5::text[], $6::int[]) AS w(rule, effect) ON f.value->>0 = w.rule AND (f.value->>1)::int = w.effect
            ))
          ORDER BY r.id LIMIT $7
        )
        SELECT r.id, r.state, r.opened_at, r.invoice_id, i.number, p.key AS provider_key, l.line_no, l.entitlement_id, r.objection, r.query,
               s.position_id, s.form, s.first_day, s.last_day, s.claimed, s.outcome, s.approved, s.proposed, s.batch_id,
               d.findings, d.allocations, d.rule_set, d.reason
        FROM page r
        CROSS JOIN LATERAL (SELECT * FROM position_state s WHERE s.municipality_id = $1 AND s.position_id = r.position_id LIMIT 1) s
        CROSS JOIN LATERAL (SELECT * FROM decision d WHERE d.municipality_id = $1 AND d.id = s.decision_id LIMIT 1) d
        CROSS JOIN LATERAL (SELECT * FROM invoice_line l WHERE l.municipality_id = $1 AND l.id = s.line_id LIMIT 1) l
        CROSS JOIN LATERAL (SELECT * FROM invoice i WHERE i.municipality_id = $1 AND i.id = r.invoice_id LIMIT 1) i
        CROSS JOIN LATERAL (SELECT * FROM provider p WHERE p.municipality_id = $1 AND p.id = r.provider_id LIMIT 1) p
        ORDER BY r.id
        """,
        unit.municipality_id,
        after,
        wanted.state,
        wanted.provider_id,
        None if pairs is None else [rule for rule, _ in pairs],
        None if pairs is None else [effect for _, effect in pairs],
        limit + 1,
    )
    return [_review(row) for row in rows]


def _review(row: Mapping[str, Any]) -> ReviewView:
    return ReviewView(
        id=row["id"],
        state=row["state"],
        opened_at=row["opened_at"],
        invoice_id=row["invoice_id"],
        invoice_number=row["number"],
        provider_key=row["provider_key"],
        line_no=row["line_no"],
        entitlement_id=row["entitlement_id"],
        position=position_view(row),
        objection=row["objection"],
        query=row["query"],
        reason=row["reason"],
    )

"""SQL of processing times: from receipt to decision, hand-over and payment, invoice by invoice."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from but_gateway.db.session import UnitOfWork
from but_gateway.kit.clock import end_of_day
from but_gateway.kit.period import Month
from but_gateway.procedures.reporting.model import Days, Speed
from but_gateway.procedures.reporting.plan_store import join_by_hashes

# An invoice is decided when its last review is; handed over and paid when the last position that is paid for it is. What is not yet
# counts in `received` only. A payment that came back counts from the day its repeat was paid.
_TIMES: Final = """
    WITH RECURSIVE billed AS MATERIALIZED (
      SELECT i.id, i.provider_id, i.received_at, (i.received_at AT TIME ZONE 'Europe/Berlin')::date AS received_on
      FROM invoice i
      WHERE i.municipality_id = $1 AND i.kind = 'invoice'
        AND i.received_at >= $2 AND i.received_at < $3
    ), repeated AS (
      SELECT p.id AS root, p.id, p.paid_on FROM payment p WHERE p.municipality_id = $1 AND p.repeats_id IS NULL
      UNION ALL
      SELECT c.root, p.id, p.paid_on FROM repeated c JOIN payment p ON p.municipality_id = $1 AND p.repeats_id = c.id
    ), executed AS MATERIALIZED (
      SELECT root, max(paid_on) AS paid_on FROM repeated GROUP BY root
    ), reviewed AS MATERIALIZED (
      SELECT r.invoice_id, CASE WHEN bool_and(r.state = 'resolved') THEN max(r.resolved_at) END AS decided_at
      FROM billed b JOIN review r ON r.municipality_id = $1 AND r.invoice_id = b.id GROUP BY r.invoice_id
    ), parts AS MATERIALIZED (
      SELECT b.id AS invoice_id, b.provider_id, s.batch_id
      FROM billed b
      CROSS JOIN LATERAL (
        SELECT DISTINCT s.batch_id FROM position_state s
        WHERE s.municipality_id = $1 AND s.invoice_id = b.id AND s.outcome IN ('accepted', 'reduced') AND s.approved > 0
          AND (s.batch_id IS NOT NULL OR s.corrected < s.approved)
      ) s
    ), settled AS MATERIALIZED (
      SELECT s.invoice_id,
             CASE WHEN bool_and(t.handed_over_at IS NOT NULL) THEN max(t.handed_over_at) END AS handed_over_at,
             CASE WHEN bool_and(e.paid_on IS NOT NULL) THEN max(e.paid_on) END AS paid_on
      FROM parts s
      LEFT JOIN settlement_batch t ON t.municipality_id = $1 AND t.id = s.batch_id
      LEFT JOIN payment p ON p.municipality_id = $1 AND p.batch_id = s.batch_id AND p.provider_id = s.provider_id AND p.repeats_id IS NULL
      LEFT JOIN executed e ON e.root = p.id
      GROUP BY s.invoice_id
    ), steps AS MATERIALIZED (
      SELECT date_trunc('month', b.received_on)::date AS month, v.kind AS provider_kind,
             CASE WHEN r.invoice_id IS NULL THEN 0
                  ELSE (r.decided_at AT TIME ZONE 'Europe/Berlin')::date - b.received_on END AS decision,
             CASE WHEN r.invoice_id IS NULL OR r.decided_at IS NOT NULL
                  THEN (t.handed_over_at AT TIME ZONE 'Europe/Berlin')::date - b.received_on END AS hand_over,
             CASE WHEN r.invoice_id IS NULL OR r.decided_at IS NOT NULL THEN t.paid_on - b.received_on END AS payment
      FROM billed b
      JOIN provider v ON v.municipality_id = $1 AND v.id = b.provider_id
      LEFT JOIN reviewed r ON r.invoice_id = b.id
      LEFT JOIN settled t ON t.invoice_id = b.id
    )
    SELECT month, provider_kind, count(*) AS received,
           count(decision) AS decision_invoices, percentile_disc(0.5) WITHIN GROUP (ORDER BY decision) AS decision_median,
           percentile_disc(0.9) WITHIN GROUP (ORDER BY decision) AS decision_p90, max(decision) AS decision_longest,
           count(hand_over) AS hand_over_invoices, percentile_disc(0.5) WITHIN GROUP (ORDER BY hand_over) AS hand_over_median,
           percentile_disc(0.9) WITHIN GROUP (ORDER BY hand_over) AS hand_over_p90, max(hand_over) AS hand_over_longest,
           count(payment) AS payment_invoices, percentile_disc(0.5) WITHIN GROUP (ORDER BY payment) AS payment_median,
           percentile_disc(0.9) WITHIN GROUP (ORDER BY payment) AS payment_p90, max(payment) AS payment_longest
    FROM steps GROUP BY month, provider_kind ORDER BY month, provider_kind
"""


async def payment_times(unit: UnitOfWork, year: int) -> list[Speed]:
    """How long the invoices received in a year took, by month of receipt and kind of provider."""
    await join_by_hashes(unit)
    rows = await unit.driver.fetch(_TIMES, unit.municipality_id, end_of_day(date(year - 1, 12, 31)), end_of_day(date(year, 12, 31)))
    return [
        Speed(
            Month.of(row["month"]),
            row["provider_kind"],
            row["received"],
            *(_days(row, step) for step in ("decision", "hand_over", "payment")),
        )
        for row in rows
    ]


def _days(row: Mapping[str, Any], step: str) -> Days | None:
    if not row[f"{step}_invoices"]:
        return None
    return Days(row[f"{step}_invoices"], row[f"{step}_median"], row[f"{step}_p90"], row[f"{step}_longest"])

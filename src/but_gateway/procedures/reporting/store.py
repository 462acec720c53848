"""SQL of the reports on money: spending, and what is owed. Sums over postings and over what was open on a day."""

from datetime import date, timedelta
from typing import Final

from but_gateway.db.session import UnitOfWork
from but_gateway.kit.clock import end_of_day
from but_gateway.kit.period import Month
from but_gateway.procedures.reporting.model import Liability, Owed, Spending

# What the bank did, by the day it did it. Paid at the end of a year for services of the next, it counts in January (§ 46 (11) S. 6 SGB II).
_SPENDING: Final = """
    SELECT g.legal_basis, g.benefit, month.starts_on,
           coalesce(sum(g.cents) FILTER (WHERE g.debit = 'ordered'), 0)::bigint AS paid,
           coalesce(sum(g.cents) FILTER (WHERE g.debit = 'bank'), 0)::bigint AS receipts
    FROM posting g
    CROSS JOIN LATERAL (
      SELECT CASE WHEN g.fiscal_year > extract(year FROM g.booked_on) THEN make_date(g.fiscal_year, 1, 1)
                  ELSE date_trunc('month', g.booked_on)::date END AS starts_on
    ) month
    WHERE g.municipality_id = $1 AND g.kind IN ('payment', 'return') AND extract(year FROM month.starts_on) = $2
    GROUP BY 1, 2, 3
    HAVING bool_or(g.cents <> 0) ORDER BY 3, 1, 2
"""
# Three disjoint parts. Accepted and not handed over: what decisions put to payable and no hand-over took from it, position by position.
# Handed over: whole payments less what the bank did for them or for their repeats. Under review: what would be paid if accepted as it is.
_LIABILITIES: Final = """
    WITH RECURSIVE chain AS (
      SELECT p.id AS root, p.id FROM payment p
      JOIN settlement_batch b ON b.municipality_id = p.municipality_id AND b.id = p.batch_id AND b.handed_over_at < $2
      WHERE p.municipality_id = $1 AND p.repeats_id IS NULL AND p.state IN ('handed_over', 'paid', 'returned')
      UNION ALL
      SELECT c.root, p.id FROM chain c JOIN payment p ON p.municipality_id = $1 AND p.repeats_id = c.id
    ), moved AS (
      SELECT c.root, sum(CASE g.debit WHEN 'ordered' THEN g.cents ELSE -g.cents END) AS cents
      FROM posting g JOIN chain c ON c.id = g.payment_id
      WHERE g.municipality_id = $1 AND g.kind IN ('payment', 'return') AND g.booked_on <= $3 GROUP BY c.root
    ), unpaid AS (
      SELECT p.id, p.batch_id, p.provider_id FROM payment p JOIN chain c ON c.root = c.id AND c.id = p.id
      LEFT JOIN moved m ON m.root = p.id
      WHERE p.municipality_id = $1 AND coalesce(m.cents, 0) <> p.net
    ), payable AS (
      SELECT g.position_id, sum(CASE g.kind WHEN 'decision' THEN g.cents ELSE -g.cents END)::bigint AS cents
      FROM posting g WHERE g.municipality_id = $1 AND g.kind IN ('decision', 'settlement') AND g.at < $2
      GROUP BY g.position_id HAVING sum(CASE g.kind WHEN 'decision' THEN g.cents ELSE -g.cents END) <> 0
    ), open AS (
      SELECT 'unsettled' AS state, y.position_id, y.cents FROM payable y WHERE NOT EXISTS (
        SELECT FROM order_item i
        JOIN settlement_batch b ON b.municipality_id = i.municipality_id AND b.id = i.batch_id
        WHERE i.municipality_id = $1 AND i.position_id = y.position_id AND b.drawn_up_at < $2
          AND coalesce(b.withdrawn_at, 'infinity') >= $2 AND coalesce(b.handed_over_at, 'infinity') >= $2
      )
      UNION ALL
      SELECT 'in_batch', y.position_id, y.cents FROM payable y WHERE EXISTS (
        SELECT FROM order_item i
        JOIN settlement_batch b ON b.municipality_id = i.municipality_id AND b.id = i.batch_id
        WHERE i.municipality_id = $1 AND i.position_id = y.position_id AND b.drawn_up_at < $2
          AND coalesce(b.withdrawn_at, 'infinity') >= $2 AND coalesce(b.handed_over_at, 'infinity') >= $2
      )
      UNION ALL
      SELECT 'handed_over', i.position_id, sum(i.cents)::bigint
      FROM unpaid u
      JOIN payment_order o ON o.municipality_id = $1 AND o.payment_id = u.id
      JOIN order_item i ON i.municipality_id = o.municipality_id AND i.order_id = o.id
      GROUP BY i.position_id
      UNION ALL
      SELECT 'review', r.position_id, d.proposed
      FROM review r
      CROSS JOIN LATERAL (
        SELECT d.outcome, d.proposed FROM decision d
        WHERE d.municipality_id = r.municipality_id AND d.position_id = r.position_id AND d.decided_at < $2
        ORDER BY d.decided_at DESC, d.id DESC LIMIT 1
      ) d
      WHERE r.municipality_id = $1 AND r.opened_at < $2 AND (r.resolved_at IS NULL OR r.resolved_at >= $2) AND d.outcome = 'review'
    )
    SELECT v.key AS provider_key, o.state, count(DISTINCT s.invoice_id) AS invoices, count(*) AS positions,
           coalesce(sum(o.cents) FILTER (WHERE o.cents > 0), 0)::bigint AS amount,
           coalesce(-sum(o.cents) FILTER (WHERE o.cents < 0), 0)::bigint AS receipts,
           coalesce(sum(o.cents) FILTER (WHERE o.cents > 0 AND age.received_on >= $5), 0)::bigint AS in_time,
           coalesce(sum(o.cents) FILTER (WHERE o.cents > 0 AND age.received_on >= $4 AND age.received_on < $5), 0)::bigint AS soon,
           coalesce(sum(o.cents) FILTER (WHERE o.cents > 0 AND age.received_on < $4), 0)::bigint AS late,
           count(DISTINCT s.invoice_id) FILTER (WHERE o.cents > 0 AND age.received_on < $4) AS late_invoices,
           min(age.received_on) FILTER (WHERE o.cents > 0) AS oldest_received_on
    FROM open o
    JOIN position_state s ON s.municipality_id = $1 AND s.position_id = o.position_id
    JOIN provider v ON v.municipality_id = s.municipality_id AND v.id = s.provider_id
    CROSS JOIN LATERAL (SELECT (s.received_at AT TIME ZONE 'Europe/Berlin')::date AS received_on) age
    GROUP BY v.key, o.state ORDER BY v.key, array_position(ARRAY['review', 'unsettled', 'in_batch', 'handed_over'], o.state)
"""


async def spending(unit: UnitOfWork, year: int) -> list[Spending]:
    """What was paid and taken back in a year, by month, legal basis and benefit."""
    rows = await unit.driver.fetch(_SPENDING, unit.municipality_id, year)
    return [Spending(r["legal_basis"], r["benefit"], Month.of(r["starts_on"]), r["paid"], r["receipts"]) for r in rows]


async def liabilities(unit: UnitOfWork, on: date, *, term_days: int, warning_days: int) -> list[Liability]:
    """What was owed at the end of a day, by provider and state.

    Received on the day ``on`` − ``term_days`` the term ends today; the day before it is over; within ``warning_days`` it ends soon.
    """
    term_ends_today = on - timedelta(days=term_days)
    rows = await unit.driver.fetch(
        _LIABILITIES, unit.municipality_id, end_of_day(on), on, term_ends_today, term_ends_today + timedelta(days=warning_days + 1)
    )
    return [Liability(**dict(row) | {"state": Owed(row["state"])}) for row in rows]

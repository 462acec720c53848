"""SQL of the reports on money: spending, and what is owed. Sums over postings and over what was open on a day."""

from datetime import date, timedelta
from typing import Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.kit.clock import end_of_day
from but_gateway.kit.ids import first_id_at
from but_gateway.kit.period import Month
from but_gateway.procedures.reporting.model import Liability, Owed, Rewind, Spending

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
# Looked at is what is open now, what was handed over or paid since, and what was decided otherwise since ($6: the smallest id that the
# postings of such a decision can have; null: there are none); all else was settled before the day and stayed so. Three disjoint parts come
# of it. Accepted and not handed over: what decisions put to payable and no hand-over took from it, position by position. Handed over: whole
# payments less what the bank did for them or for their repeats. Under review: what would be paid if accepted as it is. Lateral and
# materialized where the planner, which takes a town it has not met for small, would walk through the whole of it once for each position,
# payment or provider.
_LIABILITIES: Final = """
    WITH RECURSIVE chain AS (
      SELECT p.id AS root, p.id, p.net FROM payment p
      JOIN settlement_batch b ON b.municipality_id = p.municipality_id AND b.id = p.batch_id AND b.handed_over_at < $2
      WHERE p.municipality_id = $1 AND p.repeats_id IS NULL AND p.state IN ('handed_over', 'paid', 'returned')
        AND NOT (p.state = 'paid' AND p.paid_on <= $3)
      UNION ALL
      SELECT c.root, p.id, c.net FROM chain c JOIN payment p ON p.municipality_id = $1 AND p.repeats_id = c.id
    ), unpaid AS MATERIALIZED (
      SELECT c.root AS payment_id FROM chain c
      CROSS JOIN LATERAL (
        SELECT coalesce(sum(CASE g.debit WHEN 'ordered' THEN g.cents ELSE -g.cents END), 0) AS cents
        FROM payment_order o
        JOIN posting g ON g.municipality_id = o.municipality_id AND g.order_id = o.id AND g.kind IN ('payment', 'return')
        WHERE o.municipality_id = $1 AND o.payment_id = c.id AND g.booked_on <= $3
      ) x
      GROUP BY c.root, c.net HAVING sum(x.cents) <> c.net
    ), planned AS MATERIALIZED (
      SELECT i.position_id, b.withdrawn_at, b.drawn_up_at
      FROM settlement_batch b JOIN order_item i ON i.municipality_id = b.municipality_id AND i.batch_id = b.id
      WHERE b.municipality_id = $1 AND coalesce(b.handed_over_at, 'infinity') >= $2
    ), touched AS MATERIALIZED (
      SELECT s.position_id FROM position_state s
      WHERE s.municipality_id = $1 AND s.batch_id IS NULL AND s.outcome IN ('accepted', 'reduced')
      UNION
      SELECT n.position_id FROM planned n
      UNION
      SELECT g.position_id FROM posting g
      WHERE $6::uuid IS NOT NULL AND g.municipality_id = $1 AND g.id >= $6 AND g.kind = 'decision' AND g.at >= $2
    ), payable AS MATERIALIZED (
      SELECT t.position_id, x.cents
      FROM touched t
      CROSS JOIN LATERAL (
        SELECT sum(CASE g.kind WHEN 'decision' THEN g.cents ELSE -g.cents END)::bigint AS cents FROM posting g
        WHERE g.municipality_id = $1 AND g.position_id = t.position_id AND g.kind IN ('decision', 'settlement') AND g.at < $2
      ) x
      WHERE x.cents <> 0
    ), open AS (
      SELECT CASE WHEN y.position_id IN (
               SELECT n.position_id FROM planned n WHERE n.drawn_up_at < $2 AND coalesce(n.withdrawn_at, 'infinity') >= $2
             ) THEN 'in_batch' ELSE 'unsettled' END AS state, y.position_id, y.cents
      FROM payable y
      UNION ALL
      SELECT 'handed_over', i.position_id, sum(i.cents)::bigint
      FROM unpaid u
      JOIN payment_order o ON o.municipality_id = $1 AND o.payment_id = u.payment_id
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
    ), aged AS MATERIALIZED (
      SELECT s.provider_id, o.state, s.invoice_id, o.cents, (s.received_at AT TIME ZONE 'Europe/Berlin')::date AS received_on
      FROM open o
      CROSS JOIN LATERAL (
        SELECT s.provider_id, s.invoice_id, s.received_at FROM position_state s
        WHERE s.municipality_id = $1 AND s.position_id = o.position_id LIMIT 1
      ) s
    ), summed AS MATERIALIZED (
      SELECT a.provider_id, a.state, count(DISTINCT a.invoice_id) AS invoices, count(*) AS positions,
             coalesce(sum(a.cents) FILTER (WHERE a.cents > 0), 0)::bigint AS amount,
             coalesce(-sum(a.cents) FILTER (WHERE a.cents < 0), 0)::bigint AS receipts,
             coalesce(sum(a.cents) FILTER (WHERE a.cents > 0 AND a.received_on >= $5), 0)::bigint AS in_time,
             coalesce(sum(a.cents) FILTER (WHERE a.cents > 0 AND a.received_on >= $4 AND a.received_on < $5), 0)::bigint AS soon,
             coalesce(sum(a.cents) FILTER (WHERE a.cents > 0 AND a.received_on < $4), 0)::bigint AS late,
             count(DISTINCT a.invoice_id) FILTER (WHERE a.cents > 0 AND a.received_on < $4) AS late_invoices,
             min(a.received_on) FILTER (WHERE a.cents > 0) AS oldest_received_on
      FROM aged a GROUP BY a.provider_id, a.state
    )
    SELECT v.key AS provider_key, u.state, u.invoices, u.positions, u.amount, u.receipts, u.in_time, u.soon, u.late, u.late_invoices,
           u.oldest_received_on
    FROM summed u JOIN provider v ON v.municipality_id = $1 AND v.id = u.provider_id
    ORDER BY v.key, array_position(ARRAY['review', 'unsettled', 'in_batch', 'handed_over'], u.state)
"""

# A decision's moment is taken before the ids of its postings are made, by this machine or by another.
_CLOCKS_DIFFER: Final = timedelta(days=1)


async def spending(unit: UnitOfWork, year: int) -> list[Spending]:
    """What was paid and taken back in a year, by month, legal basis and benefit."""
    rows = await unit.driver.fetch(_SPENDING, unit.municipality_id, year)
    return [Spending(r["legal_basis"], r["benefit"], Month.of(r["starts_on"]), r["paid"], r["receipts"]) for r in rows]


async def liabilities(
    unit: UnitOfWork, on: date, *, term_days: int, warning_days: int, rewind: Rewind = Rewind.BY_MOMENT
) -> list[Liability]:
    """What was owed at the end of a day, by provider and state.

    Received on the day ``on`` − ``term_days`` the term ends today; the day before it is over; within ``warning_days`` it ends soon.
    ``rewind``: how what was decided after that day is found.
    """
    term_ends_today = on - timedelta(days=term_days)
    soon_from = term_ends_today + timedelta(days=warning_days + 1)
    decided_from = {
        Rewind.NOTHING: None,
        Rewind.BY_ID: first_id_at(int((end_of_day(on) - _CLOCKS_DIFFER).timestamp()) * 1000),
        Rewind.BY_MOMENT: UUID(int=0),
    }[rewind]
    rows = await unit.driver.fetch(_LIABILITIES, unit.municipality_id, end_of_day(on), on, term_ends_today, soon_from, decided_from)
    return [Liability(**dict(row) | {"state": Owed(row["state"])}) for row in rows]

"""SQL of the payment term: invoices that are not paid in full although their term is nearly over, and the notices about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.kit.clock import end_of_day
from but_gateway.kit.ids import new_ids

KIND: Final = "payment_term"
# What of each invoice is still owed, and what it waits for. The parts are small: open reviews, what is in no batch, payments not made.
# What a provider owes back is netted with what it gets, so a provider whose free positions net to nothing is owed nothing.
_OPEN: Final = """
    WITH RECURSIVE repeated AS (
      SELECT p.id AS root, p.id, p.state FROM payment p WHERE p.municipality_id = $1 AND p.state = 'returned' AND p.repeats_id IS NULL
      UNION ALL
      SELECT c.root, p.id, p.state FROM repeated c JOIN payment p ON p.municipality_id = $1 AND p.repeats_id = c.id
    ), netted AS (
      SELECT s.provider_id FROM position_state s
      WHERE s.municipality_id = $1 AND s.batch_id IS NULL AND s.outcome IN ('accepted', 'reduced')
      GROUP BY s.provider_id HAVING sum(s.approved) <= 0
    ), unpaid AS MATERIALIZED (
      SELECT p.id, p.batch_id, p.provider_id, p.state, due.due_on
      FROM settlement_batch b
      JOIN payment p ON p.municipality_id = b.municipality_id AND p.batch_id = b.id AND p.repeats_id IS NULL
        AND p.state IN ('open', 'handed_over', 'returned')
      CROSS JOIN LATERAL (SELECT greatest(b.due_on, (b.handed_over_at AT TIME ZONE 'Europe/Berlin')::date) AS due_on) due
      WHERE b.municipality_id = $1 AND b.state <> 'withdrawn'
        -- Only a town whose bank reports payments can know that one was not made; else what fell due is taken for paid.
        AND (p.state <> 'handed_over' OR due.due_on >= $3
             OR EXISTS (SELECT FROM payment q WHERE q.municipality_id = $1 AND q.state IN ('paid', 'returned')))
        AND NOT EXISTS (SELECT FROM repeated c WHERE c.root = p.id AND c.state = 'paid')
    ), batched AS MATERIALIZED (
      SELECT s.invoice_id, s.provider_id, s.batch_id, s.received_at, count(*) AS positions, sum(s.approved)::bigint AS cents
      FROM (SELECT DISTINCT batch_id FROM unpaid) u
      JOIN position_state s ON s.municipality_id = $1 AND s.batch_id = u.batch_id AND s.approved > 0 AND s.received_at < $2
      GROUP BY 1, 2, 3, 4
    ), waiting AS MATERIALIZED (
      SELECT s.invoice_id, s.provider_id, s.received_at, 'review' AS cause, 1 AS rank, count(*) AS positions, sum(s.claimed) AS cents,
             NULL::date AS due_on
      FROM review r JOIN position_state s ON s.municipality_id = r.municipality_id AND s.position_id = r.position_id
      WHERE r.municipality_id = $1 AND r.state IN ('open', 'query') AND s.outcome = 'review' AND s.claimed > 0 AND s.received_at < $2
      GROUP BY 1, 2, 3
      UNION ALL
      SELECT s.invoice_id, s.provider_id, s.received_at, 'settlement', 2, count(*), sum(s.approved), NULL
      FROM position_state s
      WHERE s.municipality_id = $1 AND s.batch_id IS NULL AND s.outcome IN ('accepted', 'reduced') AND s.approved > s.corrected
        AND s.received_at < $2 AND s.provider_id NOT IN (SELECT provider_id FROM netted)
      GROUP BY 1, 2, 3
      UNION ALL
      SELECT s.invoice_id, s.provider_id, s.received_at, x.cause, x.rank, s.positions, s.cents, p.due_on
      FROM batched s JOIN unpaid p ON p.batch_id = s.batch_id AND p.provider_id = s.provider_id
      CROSS JOIN LATERAL (SELECT (s.received_at AT TIME ZONE 'Europe/Berlin')::date + $4::int AS ends_on) term
      CROSS JOIN LATERAL (
        SELECT CASE
          WHEN p.state = 'open' THEN 'order'
          WHEN p.state = 'returned' THEN 'returned'
          WHEN p.due_on > term.ends_on AND p.due_on >= $3 THEN 'due'
          WHEN $3 > term.ends_on AND $3 > p.due_on THEN 'treasury' END AS cause,
          CASE p.state WHEN 'open' THEN 3 WHEN 'returned' THEN 4 ELSE 5 END AS rank
      ) x
      WHERE x.cause IS NOT NULL
    )
"""
# One cause at a time, in the order of the work; not while a notice of the invoice is open, nor for a cause that was dealt with.
_AT_RISK: Final = f"""
    {_OPEN}
    , chosen AS MATERIALIZED (
      SELECT DISTINCT ON (w.invoice_id) w.*
      FROM waiting w
      WHERE NOT EXISTS (
        SELECT FROM notice n WHERE n.municipality_id = $1 AND n.kind = '{KIND}' AND n.subject_id = w.invoice_id::text
          AND n.cause IS NOT NULL AND (n.state = 'open' OR n.cause = w.cause)
      )
      ORDER BY w.invoice_id, w.rank LIMIT $5
    )
    SELECT c.invoice_id, r.key AS provider_key, (c.received_at AT TIME ZONE 'Europe/Berlin')::date AS received_on, c.cause, c.positions,
           c.cents::bigint AS cents, c.due_on
    FROM chosen c JOIN provider r ON r.municipality_id = $1 AND r.id = c.provider_id ORDER BY c.invoice_id
"""  # noqa: S608 - constants of this module


@dataclass(frozen=True, slots=True)
class AtRisk:
    """An invoice not paid in full whose term ends soon or is over, and what it waits for.

    ``positions`` and ``cents`` are those that wait for it; ``due_on`` is the day its batch is to be paid.
    """

    invoice_id: UUID
    provider_key: str
    received_on: date
    cause: str  # review | settlement | order | returned | due | treasury
    positions: int
    cents: int
    due_on: date | None


async def invoices_at_risk(unit: UnitOfWork, today: date, *, term_days: int, warning_days: int, limit: int) -> list[AtRisk]:
    """Invoices whose term ends within so many days or has ended, that nobody was told of yet, oldest ids first."""
    received_until = end_of_day(today + timedelta(days=warning_days - term_days))
    rows = await unit.driver.fetch(_AT_RISK, unit.municipality_id, received_until, today, term_days, limit)
    return [AtRisk(**row) for row in rows]


async def add_warnings(unit: UnitOfWork, warnings: Sequence[tuple[AtRisk, str]], at: datetime) -> int:
    """Stores the notices; how many are new. What another process stored at the same time is left as it is."""
    status: str = await unit.driver.execute(
        """
        INSERT INTO notice (municipality_id, id, kind, at, subject_type, subject_id, text, state, cause)
        SELECT $1, x.id, $2, $3, 'invoice', x.invoice_id::text, x.text, 'open', x.cause
        FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[]) AS x(id, invoice_id, text, cause)
        ON CONFLICT DO NOTHING
        """,
        unit.municipality_id,
        KIND,
        at,
        new_ids(len(warnings)),
        [invoice.invoice_id for invoice, _ in warnings],
        [text for _, text in warnings],
        [invoice.cause for invoice, _ in warnings],
    )
    return int(status.rsplit(maxsplit=1)[-1])

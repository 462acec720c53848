"""SQL of invoices: taking one in, reading it again."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from but_gateway.db.session import UnitOfWork
from but_gateway.registers.invoices.model import InvoiceHead, LineView, PositionView
from but_gateway.rules.verdict import Effect, Finding, Outcome

# Invoices of ``page``, each with the sums of its positions. The page is found first: joined, every page summed up the whole town.
_HEADS: Final = """
SELECT i.id, p.key AS provider_key, i.number, i.kind, i.issued_on, i.first_day, i.last_day, i.total, i.received_at,
       c.number AS cancelled_by, s.claimed, s.approved, s.in_review, s.accepted, s.reduced, s.rejected, s.review, s.cancelled
FROM page i
CROSS JOIN LATERAL (SELECT p.key FROM provider p WHERE p.municipality_id = $1 AND p.id = i.provider_id LIMIT 1) p
LEFT JOIN LATERAL (SELECT c.number FROM invoice c WHERE c.municipality_id = $1 AND c.cancels_id = i.id LIMIT 1) c ON true
CROSS JOIN LATERAL (
  SELECT coalesce(sum(claimed), 0)::bigint AS claimed, coalesce(sum(approved), 0)::bigint AS approved,
         coalesce(sum(claimed) FILTER (WHERE outcome = 'review'), 0)::bigint AS in_review,
         count(*) FILTER (WHERE outcome = 'accepted') AS accepted, count(*) FILTER (WHERE outcome = 'reduced') AS reduced,
         count(*) FILTER (WHERE outcome = 'rejected') AS rejected, count(*) FILTER (WHERE outcome = 'review') AS review,
         count(*) FILTER (WHERE outcome = 'cancelled') AS cancelled
  FROM position_state s WHERE s.municipality_id = $1 AND s.invoice_id = i.id
) s
ORDER BY i.id
"""
_ONE: Final = f"WITH page AS MATERIALIZED (SELECT * FROM invoice i WHERE i.municipality_id = $1 AND i.id = $2) {_HEADS}"  # noqa: S608 - a constant
_LIST: Final = f"""
WITH page AS MATERIALIZED (
  SELECT i.* FROM invoice i
  WHERE i.municipality_id = $1 AND i.kind = 'invoice' AND ($2::uuid IS NULL OR i.id > $2) AND ($3::text IS NULL OR i.number = $3)
    AND ($4::timestamptz IS NULL OR i.received_at >= $4)
    AND ($5::text IS NULL OR ($5 = 'cancelled') = EXISTS (
      SELECT FROM invoice c WHERE c.municipality_id = $1 AND c.cancels_id = i.id OFFSET 0
    ))
  ORDER BY i.id LIMIT $6
)
{_HEADS}
"""  # noqa: S608 - a constant
_COUNTS: Final = ("accepted", "reduced", "rejected", "review", "cancelled")


async def insert_invoice(unit: UnitOfWork, values: dict[str, Any]) -> bool:
    """Takes an invoice in; False when its number is used already (H-01). A rival in another transaction is waited for."""
    names = list(values)
    status: str = await unit.driver.execute(
        f"""INSERT INTO invoice (municipality_id, {", ".join(names)})
        VALUES ($1, {", ".join(f"${i}" for i in range(2, len(names) + 2))})
        ON CONFLICT (municipality_id, provider_id, number) DO NOTHING""",  # noqa: S608 - column names of our own
        unit.municipality_id,
        *values.values(),
    )
    return status == "INSERT 0 1"


async def insert_lines(unit: UnitOfWork, columns: Sequence[list[Any]]) -> None:
    """Lines, column by column in the order of the statement; claims as JSON text."""
    await unit.driver.execute(
        """
        INSERT INTO invoice_line (municipality_id, id, invoice_id, provider_id, line_no, benefit, item, form, first_day, last_day,
                                  quantity, unit_price, amount, identity, entitlement_id, child_id, number_index, facility_id, claim, tutor,
                                  proof, check_id, corrects_line_id)
        SELECT $1, id, invoice_id, provider_id, line_no, benefit, item, form, first_day, last_day, quantity, unit_price, amount, identity,
               entitlement_id, child_id, number_index, facility_id, claim::jsonb, tutor, proof, check_id, corrects_line_id
        FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::int[], $6::text[], $7::text[], $8::text[], $9::date[], $10::date[],
                    $11::int[], $12::bigint[], $13::bigint[], $14::text[], $15::uuid[], $16::uuid[], $17::bytea[], $18::uuid[], $19::text[],
                    $20::text[], $21::text[], $22::uuid[], $23::uuid[])
          AS x(id, invoice_id, provider_id, line_no, benefit, item, form, first_day, last_day, quantity, unit_price, amount, identity,
               entitlement_id, child_id, number_index, facility_id, claim, tutor, proof, check_id, corrects_line_id)
        """,
        unit.municipality_id,
        *columns,
    )


async def copy_lines(unit: UnitOfWork, cancellation_id: UUID, old: list[UUID], new: list[UUID]) -> None:
    """Lines of a cancellation: negative copies of the lines it takes back."""
    await unit.driver.execute(
        """
        INSERT INTO invoice_line (municipality_id, id, invoice_id, provider_id, line_no, benefit, item, form, first_day, last_day, quantity,
                                  unit_price, amount, identity, entitlement_id, child_id, facility_id, claim, corrects_line_id)
        SELECT l.municipality_id, x.new, $2, l.provider_id, l.line_no, l.benefit, l.item, l.form, l.first_day, l.last_day, -l.quantity,
               l.unit_price, -l.amount, l.identity, l.entitlement_id, l.child_id, l.facility_id, l.claim, l.id
        FROM unnest($3::uuid[], $4::uuid[]) AS x(old, new) JOIN invoice_line l ON l.municipality_id = $1 AND l.id = x.old
        """,
        unit.municipality_id,
        cancellation_id,
        old,
        new,
    )


async def insert_positions(unit: UnitOfWork, columns: Sequence[list[Any]]) -> None:
    """Positions: id, invoice, line, provider, first day, last day, quantity, claimed, the position it takes back."""
    await unit.driver.execute(
        """
        INSERT INTO position (municipality_id, id, invoice_id, line_id, provider_id, first_day, last_day, quantity, claimed, corrects_id)
        SELECT $1, *
        FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::date[], $7::date[], $8::int[], $9::bigint[], $10::uuid[])
        """,
        unit.municipality_id,
        *columns,
    )


async def find_head(unit: UnitOfWork, invoice_id: UUID) -> InvoiceHead | None:
    """An invoice without its lines, as far as the caller may see it."""
    row = await unit.driver.fetchrow(_ONE, unit.municipality_id, invoice_id)
    return None if row is None else _head(row)


async def list_heads(  # noqa: PLR0913 - the filters of the list, keyword-only
    unit: UnitOfWork, *, after: UUID | None, limit: int, state: str | None, number: str | None, received_from: datetime | None
) -> list[InvoiceHead]:
    """Invoices, oldest first; one more than the limit where there are more."""
    rows = await unit.driver.fetch(
        _LIST,
        unit.municipality_id,
        after,
        number,
        received_from,
        state,
        limit + 1,
    )
    return [_head(row) for row in rows]


def _head(row: asyncpg.Record) -> InvoiceHead:
    values = dict(row)
    counts = {name: values.pop(name) for name in _COUNTS}
    return InvoiceHead(counts=counts, **values)


async def load_lines(
    unit: UnitOfWork, invoice_id: UUID, *, after: int = 0, limit: int | None = None, decision: str | None = None
) -> list[LineView]:
    """Lines with their positions, by number; ``decision``: an outcome or ``mixed``; one more than the limit where there are more."""
    rows = await unit.driver.fetch(
        """
        WITH wanted AS (
          SELECT l.id, l.line_no FROM invoice_line l JOIN position_state s ON s.municipality_id = l.municipality_id AND s.line_id = l.id
          WHERE l.municipality_id = $1 AND l.invoice_id = $2 AND s.invoice_id = $2 AND l.line_no > $3
          GROUP BY l.id, l.line_no
          HAVING $4::text IS NULL OR CASE WHEN min(s.outcome) = max(s.outcome) THEN min(s.outcome) ELSE 'mixed' END = $4
          ORDER BY l.line_no LIMIT $5
        )
        SELECT w.line_no, s.position_id, s.form, s.first_day, s.last_day, s.claimed, s.outcome, s.approved, s.proposed, s.batch_id,
               d.findings, d.allocations, d.rule_set
        FROM wanted w
        JOIN position_state s ON s.municipality_id = $1 AND s.invoice_id = $2 AND s.line_id = w.id
        JOIN decision d ON d.municipality_id = s.municipality_id AND d.id = s.decision_id
        ORDER BY w.line_no, s.position_id
        """,
        unit.municipality_id,
        invoice_id,
        after,
        decision,
        None if limit is None else limit + 1,
    )
    lines: dict[int, list[PositionView]] = {}
    for row in rows:
        lines.setdefault(row["line_no"], []).append(position_view(row))
    return [LineView(no, positions) for no, positions in lines.items()]


def position_view(row: Mapping[str, Any]) -> PositionView:
    """The position of a row."""
    return PositionView(
        id=row["position_id"],
        form=row["form"],
        first_day=row["first_day"],
        last_day=row["last_day"],
        claimed=row["claimed"],
        outcome=Outcome(row["outcome"]),
        approved=row["approved"],
        proposed=row["proposed"],
        findings=read_findings(row["findings"]),
        shares=row["allocations"],
        batch_id=row["batch_id"],
        rule_set=row["rule_set"],
    )


def read_findings(documents: Iterable[Sequence[Any]]) -> tuple[Finding, ...]:
    """Findings from decision.findings: [[rule, effect, values, payable], …]."""
    return tuple(Finding(rule, Effect(effect), values, payable) for rule, effect, values, payable in documents)


async def list_decisions(unit: UnitOfWork, invoice_id: UUID, line_no: int) -> list[asyncpg.Record]:
    """Every decision of a line's positions, in the order they were made."""
    rows: list[asyncpg.Record] = await unit.driver.fetch(
        """
        SELECT d.id, d.position_id, s.form, s.first_day, s.last_day, s.claimed, d.outcome, d.approved, d.proposed, d.findings,
               d.allocations, d.rule_set, d.decided_at, d.decided_by, d.reason, NULL::uuid AS batch_id
        FROM invoice_line l
        -- By the invoice, for which there is an index: by the line alone all positions of the town were read.
        JOIN position_state s ON s.municipality_id = l.municipality_id AND s.invoice_id = $2 AND s.line_id = l.id
        JOIN decision d ON d.municipality_id = s.municipality_id AND d.position_id = s.position_id
        WHERE l.municipality_id = $1 AND l.invoice_id = $2 AND l.line_no = $3
        ORDER BY d.id
        """,
        unit.municipality_id,
        invoice_id,
        line_no,
    )
    return rows

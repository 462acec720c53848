"""SQL of the difference to the month before: what a batch pays beside what that month's batches paid for the same."""

from datetime import timedelta
from typing import Final

from but_gateway.db.session import UnitOfWork
from but_gateway.kit.clock import business_day, end_of_day
from but_gateway.kit.period import Month
from but_gateway.procedures.settlement.model import Batch, Compared, Difference, batch_number

# The batch itself and those of the month before; a payment that only repeats a returned one is no spending of its month.
_BATCHES: Final = """
    WITH compared AS (
      SELECT b.id, b.id = $2 AS is_this FROM settlement_batch b
      WHERE b.municipality_id = $1 AND (b.id = $2 OR b.drawn_up_at >= $3 AND b.drawn_up_at < $4 AND b.state <> 'withdrawn')
    ), compared_payment AS (
      SELECT c.is_this, p.id, p.provider_id, p.net FROM compared c
      JOIN payment p ON p.municipality_id = $1 AND p.batch_id = c.id AND p.state <> 'left' AND p.repeats_id IS NULL
    )
"""
_PARTS: Final = f"""
    {_BATCHES}
    SELECT ARRAY[o.legal_basis, o.benefit] AS key,
           coalesce(sum(o.gross - o.receipts) FILTER (WHERE c.is_this), 0)::bigint AS net,
           coalesce(sum(o.gross - o.receipts) FILTER (WHERE NOT c.is_this), 0)::bigint AS before
    FROM compared_payment c JOIN payment_order o ON o.municipality_id = $1 AND o.payment_id = c.id GROUP BY 1 ORDER BY 1
"""  # noqa: S608 - constants of this module
_PROVIDERS: Final = f"""
    {_BATCHES}
    SELECT ARRAY[r.key] AS key, coalesce(sum(c.net) FILTER (WHERE c.is_this), 0)::bigint AS net,
           coalesce(sum(c.net) FILTER (WHERE NOT c.is_this), 0)::bigint AS before
    FROM compared_payment c JOIN provider r ON r.municipality_id = $1 AND r.id = c.provider_id GROUP BY 1 ORDER BY 1
"""  # noqa: S608 - constants of this module
_NUMBERS: Final = """
    SELECT b.fiscal_year, b.serial FROM settlement_batch b
    WHERE b.municipality_id = $1 AND b.drawn_up_at >= $2 AND b.drawn_up_at < $3 AND b.state <> 'withdrawn' ORDER BY b.id
"""


async def load_difference(unit: UnitOfWork, batch: Batch) -> Difference:
    """The batch beside the batches drawn up in the calendar month (Europe/Berlin) before its own."""
    month = Month.of(business_day(batch.drawn_up.at)).plus(-1)
    begins, ends = end_of_day(month.first - timedelta(days=1)), end_of_day(month.last)
    parameters = (unit.municipality_id, batch.id, begins, ends)
    parts, providers = [
        tuple(Compared(tuple(row["key"]), row["net"], row["before"]) for row in await unit.driver.fetch(query, *parameters))
        for query in (_PARTS, _PROVIDERS)
    ]
    numbers = await unit.driver.fetch(_NUMBERS, unit.municipality_id, begins, ends)
    return Difference(month, tuple(batch_number(row["fiscal_year"], row["serial"]) for row in numbers), parts, providers)

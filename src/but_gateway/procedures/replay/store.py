"""SQL of the replay: it only reads, and the transaction is told so."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork

Row = Mapping[str, Any]
BATCH: Final = 2_000
_SECONDS_MAX: Final = 3_600  # the first batch waits for the sort of a town's whole period


async def only_read(unit: UnitOfWork) -> None:
    """From here on the database refuses every write of this transaction."""
    unit.discard()
    await unit.driver.execute("SET TRANSACTION READ ONLY")


async def count_positions(unit: UnitOfWork, first: date, last: date) -> int:
    """How many positions have their first service day in the range."""
    found: int = await unit.driver.fetchval(
        "SELECT count(*) FROM position_state WHERE municipality_id = $1 AND first_day BETWEEN $2 AND $3",
        unit.municipality_id,
        first,
        last,
        timeout=_SECONDS_MAX,
    )
    return found


async def stored_decisions(unit: UnitOfWork, first: date, last: date) -> AsyncIterator[Sequence[Row]]:
    """The positions of a range of first service days with their current decisions, in batches, line by line, as they stand at one moment.

    ``left_out`` says why one is not to be decided again: a person's word stands, what is cancelled costs nothing, and a position that
    was corrected is half of a sum whose other half would have to be corrected anew.
    """
    cursor = await unit.driver.cursor(
        """
        SELECT p.position_id, p.line_id, p.provider_id, p.claimed, p.outcome, p.approved, p.proposed, p.left_out,
               d.findings, d.allocations, d.facts, d.rule_set
        FROM (
          SELECT *, CASE
            WHEN outcome = 'cancelled' THEN 'cancelled'
            WHEN by_person THEN 'by_person'
            WHEN corrected > 0 OR (claimed < 0 AND outcome <> 'rejected') THEN 'corrected'
          END AS left_out
          FROM position_state WHERE municipality_id = $1 AND first_day BETWEEN $2 AND $3
        ) p
        LEFT JOIN decision d ON d.municipality_id = p.municipality_id AND d.id = p.decision_id AND p.left_out IS NULL
        ORDER BY p.line_id, p.position_id
        """,
        unit.municipality_id,
        first,
        last,
        timeout=_SECONDS_MAX,
    )
    while rows := await cursor.fetch(BATCH, timeout=_SECONDS_MAX):
        yield rows


async def fact_parts(unit: UnitOfWork, hashes: Collection[bytes]) -> dict[bytes, Mapping[str, Any]]:
    """Parts of stored facts by the hash of their content."""
    rows = await unit.driver.fetch(
        "SELECT hash, body FROM fact_part WHERE municipality_id = $1 AND hash = ANY($2)", unit.municipality_id, list(hashes)
    )
    return {bytes(row["hash"]): row["body"] for row in rows}


async def provider_keys(unit: UnitOfWork) -> dict[UUID, str]:
    """The town's keys of its providers."""
    rows = await unit.driver.fetch("SELECT id, key FROM provider WHERE municipality_id = $1", unit.municipality_id)
    return {row["id"]: row["key"] for row in rows}

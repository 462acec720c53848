"""SQL of remittances: keeping what is told at hand-over, reading it again, finding the advice in the package."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from but_gateway.db.fields import TownKeys
from but_gateway.db.pieces import PiecePlace, open_piece
from but_gateway.db.session import UnitOfWork

_ROWS: Final = 1_000
# Positions as they were told: the decision kept with the remittance, the line, and what a correction corrects. Findings only where a
# position was not paid in full: nobody reads the others.
# Each position is looked up by its whole keys (OFFSET 0 keeps the planner from doing otherwise): tables filled minutes before look empty
# to it, and it would join every position with every line; in old ones it would walk through all of the town's positions.
_TOLD: Final = """
    SELECT t.payment_id, t.position_id, t.approved, t.previous, s.form, s.first_day, s.last_day, s.benefit, s.claimed, l.line_no,
           i.number AS invoice, d.outcome, d.proposed, CASE WHEN t.approved <> s.claimed THEN d.findings END AS findings,
           o.line_no AS corrected_line, o.number AS corrected_invoice
    FROM remittance_position t
    JOIN payment y ON y.municipality_id = t.municipality_id AND y.id = t.payment_id
    CROSS JOIN LATERAL (
      SELECT * FROM position_state x WHERE x.municipality_id = t.municipality_id AND x.position_id = t.position_id OFFSET 0
    ) s
    CROSS JOIN LATERAL (
      SELECT x.line_no FROM invoice_line x WHERE x.municipality_id = s.municipality_id AND x.id = s.line_id OFFSET 0
    ) l
    CROSS JOIN LATERAL (SELECT x.number FROM invoice x WHERE x.municipality_id = s.municipality_id AND x.id = s.invoice_id OFFSET 0) i
    CROSS JOIN LATERAL (
      SELECT x.outcome, x.proposed, x.findings FROM decision x WHERE x.municipality_id = t.municipality_id AND x.id = t.decision_id OFFSET 0
    ) d
    LEFT JOIN LATERAL (
      SELECT ol.line_no, oi.number
      FROM position c
      JOIN position_state os ON os.municipality_id = c.municipality_id AND os.position_id = c.corrects_id
      JOIN invoice_line ol ON ol.municipality_id = os.municipality_id AND ol.id = os.line_id
      JOIN invoice oi ON oi.municipality_id = ol.municipality_id AND oi.id = ol.invoice_id
      WHERE s.claimed < 0 AND c.municipality_id = t.municipality_id AND c.id = t.position_id OFFSET 0
    ) o ON true
"""
_HEAD: Final = """
    SELECT r.id, r.batch_id, v.key AS provider, r.number, b.fiscal_year, b.serial, r.created_at,
           r.remittance_text, r.claimed, r.approved, r.receipts, r.net, r.pdf_offset, r.pdf_bytes, r.csv_offset, r.csv_bytes, y.state,
           y.paid_on, y.returned_on
    FROM remittance r
    JOIN payment y ON y.municipality_id = r.municipality_id AND y.id = r.id
    JOIN settlement_batch b ON b.municipality_id = r.municipality_id AND b.id = r.batch_id
    JOIN provider v ON v.municipality_id = r.municipality_id AND v.id = r.provider_id
    WHERE r.municipality_id = $1
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an advice lies in Avise.zip: offset of its first byte, number of bytes."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class KeptRemittance:
    """A remittance as it is kept; sums in cents. ``batch`` is the batch's number, ``state`` the payment's."""

    id: UUID
    batch_id: UUID
    batch: str
    provider: str
    number: str
    created_at: datetime
    remittance_text: str
    claimed: int
    approved: int
    receipts: int
    net: int
    pdf: Place
    csv: Place
    state: str  # handed_over | paid | returned
    paid_on: date | None
    returned_on: date | None


@dataclass(frozen=True, slots=True)
class NewRemittance:
    """A remittance to be kept; sums in cents."""

    payment_id: UUID
    provider_id: UUID
    number: str
    remittance_text: str
    claimed: int
    approved: int
    receipts: int
    net: int
    pdf: Place
    csv: Place


# ---- at hand-over
async def keep_positions(unit: UnitOfWork, batch_id: UUID) -> None:
    """Keeps what the batch's payments tell of: positions they pay, and those of the same invoices that are refused or still under review.

    What such an invoice holds besides stands in the remittance of the payment that pays it. Cancelled positions are claimed by nobody.
    A payment that repeats a returned one tells the same once more. The previous worth of a corrected position is what it was paid, less
    the corrections that were told before this one.
    """
    await unit.driver.execute(
        """
        WITH paid AS (
          SELECT y.id AS payment_id, s.provider_id, s.invoice_id, s.position_id, s.decision_id, s.approved
          FROM payment y
          JOIN position_state s ON s.municipality_id = y.municipality_id AND s.batch_id = y.batch_id AND s.provider_id = y.provider_id
          WHERE y.municipality_id = $1 AND y.batch_id = $2 AND y.state = 'handed_over' AND y.repeats_id IS NULL
        ), told AS (
          SELECT payment_id, provider_id, position_id, decision_id, approved FROM paid
          UNION ALL
          SELECT x.payment_id, s.provider_id, s.position_id, s.decision_id, 0
          FROM (SELECT DISTINCT payment_id, invoice_id FROM paid) x
          JOIN position_state s ON s.municipality_id = $1 AND s.invoice_id = x.invoice_id
          WHERE s.batch_id IS NULL AND s.approved = 0 AND s.claimed <> 0 AND s.outcome <> 'cancelled'
        )
        INSERT INTO remittance_position (municipality_id, payment_id, position_id, provider_id, decision_id, approved, previous)
        SELECT $1, t.payment_id, t.position_id, t.provider_id, t.decision_id, t.approved, o.approved + before.taken
        FROM told t
        LEFT JOIN position c ON c.municipality_id = $1 AND c.id = t.position_id AND t.approved < 0
        LEFT JOIN position_state o ON o.municipality_id = $1 AND o.position_id = c.corrects_id
        LEFT JOIN LATERAL (
          SELECT coalesce(sum(k.approved), 0)::bigint AS taken
          FROM position x JOIN position_state k ON k.municipality_id = $1 AND k.position_id = x.id
          WHERE x.municipality_id = $1 AND x.corrects_id = c.corrects_id AND k.outcome IN ('accepted', 'reduced') AND (
            EXISTS (SELECT 1 FROM remittance_position e WHERE e.municipality_id = $1 AND e.position_id = x.id)
            OR (k.batch_id = $2 AND x.id < c.id)
          )
        ) before ON true
        UNION ALL
        SELECT $1, y.id, e.position_id, e.provider_id, e.decision_id, e.approved, e.previous
        FROM payment y JOIN remittance_position e ON e.municipality_id = y.municipality_id AND e.payment_id = y.repeats_id
        WHERE y.municipality_id = $1 AND y.batch_id = $2 AND y.state = 'handed_over'
        """,
        unit.municipality_id,
        batch_id,
    )


async def read_told(unit: UnitOfWork, batch_id: UUID) -> AsyncIterator[list[asyncpg.Record]]:
    """All positions the batch's payments tell of, payment by payment in order of their numbers, some at a time."""
    cursor = await unit.driver.cursor(
        f"{_TOLD} WHERE t.municipality_id = $1 AND y.batch_id = $2 ORDER BY y.serial, s.invoice_id, l.line_no, t.position_id",
        unit.municipality_id,
        batch_id,
    )
    while rows := await cursor.fetch(_ROWS):
        yield rows


async def keep_remittances(unit: UnitOfWork, batch_id: UUID, created_at: datetime, remittances: Sequence[NewRemittance]) -> None:
    """Keeps the remittances of a batch."""
    await unit.driver.execute(
        """
        INSERT INTO remittance (municipality_id, batch_id, created_at, id, provider_id, number, remittance_text, claimed, approved,
                                receipts, net, pdf_offset, pdf_bytes, csv_offset, csv_bytes)
        SELECT $1, $2, $3, * FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[],
                                         $11::bigint[], $12::bigint[], $13::int[], $14::bigint[], $15::int[])
        """,
        unit.municipality_id,
        batch_id,
        created_at,
        [r.payment_id for r in remittances],
        [r.provider_id for r in remittances],
        [r.number for r in remittances],
        [r.remittance_text for r in remittances],
        [r.claimed for r in remittances],
        [r.approved for r in remittances],
        [r.receipts for r in remittances],
        [r.net for r in remittances],
        [r.pdf.offset for r in remittances],
        [r.pdf.length for r in remittances],
        [r.csv.offset for r in remittances],
        [r.csv.length for r in remittances],
    )


# ---- afterwards: a provider's transaction sees its own rows only
async def list_remittances(unit: UnitOfWork, after: UUID | None, limit: int) -> list[KeptRemittance]:
    """Remittances, oldest first; one more than the limit where there are more."""
    rows = await unit.driver.fetch(
        f"{_HEAD} AND ($2::uuid IS NULL OR r.id > $2) ORDER BY r.id LIMIT $3", unit.municipality_id, after, limit + 1
    )
    return [_kept(row) for row in rows]


async def find_remittance(unit: UnitOfWork, payment_id: UUID) -> KeptRemittance | None:
    """The remittance of a payment, as far as the caller may see it."""
    row = await unit.driver.fetchrow(f"{_HEAD} AND r.id = $2", unit.municipality_id, payment_id)
    return None if row is None else _kept(row)


async def read_positions(unit: UnitOfWork, payment_id: UUID) -> AsyncIterator[list[asyncpg.Record]]:
    """The positions of one remittance in order of invoices and lines, some at a time."""
    cursor = await unit.driver.cursor(
        f"{_TOLD} WHERE t.municipality_id = $1 AND t.payment_id = $2 ORDER BY s.invoice_id, l.line_no, t.position_id",
        unit.municipality_id,
        payment_id,
    )
    while rows := await cursor.fetch(_ROWS):
        yield rows


async def read_advice(unit: UnitOfWork, keys: TownKeys, batch_id: UUID, place: Place, piece_bytes: int) -> AsyncIterator[bytes]:
    """A part of Avise.zip, piece by piece as the file is stored (``piece_bytes`` long each); no other pieces are opened."""
    end = place.offset + place.length
    for part in range(place.offset // piece_bytes, -(-end // piece_bytes)):
        first = max(place.offset - part * piece_bytes, 0)
        row = await unit.driver.fetchrow(
            """
            SELECT p.name, p.content, p.sealed_content
            FROM package_part p JOIN package_file f ON f.municipality_id = p.municipality_id AND f.batch_id = p.batch_id AND f.name = p.name
            WHERE p.municipality_id = $1 AND p.batch_id = $2 AND p.part = $3 AND f.package = 'advice'
            """,
            unit.municipality_id,
            batch_id,
            part,
        )
        content = await asyncio.to_thread(open_piece, keys, PiecePlace(batch_id, row["name"], part), row)
        yield content[first : end - part * piece_bytes]


def _kept(row: asyncpg.Record) -> KeptRemittance:
    values: dict[str, Any] = dict(row)
    values["batch"] = f"{values.pop('fiscal_year')}-{values.pop('serial'):04d}"
    values["pdf"] = Place(values.pop("pdf_offset"), values.pop("pdf_bytes"))
    values["csv"] = Place(values.pop("csv_offset"), values.pop("csv_bytes"))
    return KeptRemittance(**values)

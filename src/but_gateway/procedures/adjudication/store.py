"""SQL of adjudication: what is read, and locked, to decide. In bulk, straight through asyncpg."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.registers.entitlements.store import GRANT_COLUMNS
from but_gateway.registers.municipalities.redecision_store import share_registers

Row = Mapping[str, Any]
Rows = list[Row]

LIVE: Final = ("accepted", "reduced", "review")


async def _fetch(unit: UnitOfWork, query: str, *arguments: object) -> Rows:
    rows: Rows = await unit.driver.fetch(query, *arguments)
    return rows


async def lock_children(unit: UnitOfWork, child_ids: Collection[UUID]) -> Rows:
    """Locks children in order of their ids; everything about them is decided one after the other, the registers as they are now."""
    await share_registers(unit)
    return await _fetch(
        unit,
        "SELECT id, decision_seq, date_of_birth FROM child WHERE municipality_id = $1 AND id = ANY($2) ORDER BY id FOR NO KEY UPDATE",
        unit.municipality_id,
        sorted(child_ids),
    )


async def take_turns(unit: UnitOfWork, provider_ids: Collection[UUID]) -> None:
    """Lets one invoice with lessons of a provider after the other: tutors and proofs are compared across children (L-10, L-14)."""
    await unit.driver.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(k, 0)) FROM unnest($1::text[]) AS k",
        sorted(f"lessons|{unit.municipality_id}|{provider}" for provider in provider_ids),
    )


async def load_grants(unit: UnitOfWork, child_ids: Collection[UUID], benefits: Collection[str]) -> Rows:
    """Current versions of all grants of the children under entitlements to the benefits, with their counters, child and benefit."""
    return await _fetch(
        unit,
        f"""
        SELECT e.child_id, e.benefit, {GRANT_COLUMNS}
        FROM entitlement e
        JOIN entitlement_grant g ON g.municipality_id = e.municipality_id AND g.entitlement_id = e.id
        JOIN grant_version v ON v.municipality_id = g.municipality_id AND v.grant_id = g.id AND v.version = g.current_version
        WHERE e.municipality_id = $1 AND e.child_id = ANY($2) AND e.benefit = ANY($3)
        ORDER BY g.entitlement_id, g.id
        """,  # noqa: S608 - only constants stand in the text
        unit.municipality_id,
        list(child_ids),
        list(benefits),
    )


# Settled: the holder keeps what it has, in a live batch or decided by a person (a question or an objection decides nothing).
_SLOT: Final = """
  child_id, position_id, provider_id, facility_id, state, rival_position_id, rival_provider_id, rival_facility_id,
  EXISTS (
    SELECT FROM position_state s
    WHERE s.municipality_id = $1 AND s.position_id = slot.position_id
      AND (s.batch_id IS NOT NULL OR (s.by_person AND s.outcome <> 'review')) OFFSET 0
  ) AS settled
"""
_SLOTS: Final = f"""
SELECT day, false AS monthly, {_SLOT} FROM lunch_slot slot WHERE municipality_id = $1 AND child_id = ANY($2) AND day BETWEEN $3 AND $4
UNION ALL
SELECT month, true, {_SLOT} FROM lunch_month_slot slot WHERE municipality_id = $1 AND child_id = ANY($2) AND month BETWEEN $3 AND $4
"""  # noqa: S608 - only constants stand in the text


async def load_slots(unit: UnitOfWork, child_ids: Collection[UUID], first: date, last: date) -> Rows:
    """Lunch slots of the children, of days and of months (``monthly``; their ``day`` is the first one), in a range of whole months."""
    return await _fetch(unit, _SLOTS, unit.municipality_id, list(child_ids), first, last)


async def load_others(unit: UnitOfWork, child_ids: Collection[UUID], first: date, last: date) -> Rows:
    """Live positions of the children other than lunches that overlap a range of days."""
    return await _fetch(
        unit,
        """
        SELECT position_id, child_id, entitlement_id, provider_id, benefit, item, first_day, last_day, starts_at, ends_at, minutes,
               approved - corrected + coalesce(proposed, 0) AS amount
        FROM position_state
        WHERE municipality_id = $1 AND child_id = ANY($2) AND first_day <= $4 AND last_day >= $3 AND benefit <> 'lunch'
          AND outcome = ANY($5) AND claimed > 0 AND (outcome = 'review' OR corrected < approved)
        """,
        unit.municipality_id,
        list(child_ids),
        first,
        last,
        list(LIVE),
    )


async def load_tutor_lessons(unit: UnitOfWork, provider_ids: Collection[UUID], tutors: Collection[str], first: date, last: date) -> Rows:
    """Live lessons of these tutors (a tutor is known by the provider's own name for them) in a range of days."""
    return await _fetch(
        unit,
        """
        SELECT l.tutor, s.position_id, s.child_id, s.entitlement_id, s.provider_id, s.benefit, s.item, s.first_day, s.last_day,
               s.starts_at, s.ends_at, s.minutes, s.approved AS amount
        FROM invoice_line l
        CROSS JOIN LATERAL (SELECT id FROM position WHERE municipality_id = $1 AND line_id = l.id OFFSET 0) p
        CROSS JOIN LATERAL (SELECT * FROM position_state WHERE municipality_id = $1 AND position_id = p.id OFFSET 0) s
        WHERE l.municipality_id = $1 AND l.provider_id = ANY($2) AND l.tutor = ANY($3) AND l.first_day BETWEEN $4 AND $5
          AND s.outcome = ANY($6) AND s.child_id IS NOT NULL AND s.claimed > 0 AND (s.outcome = 'review' OR s.corrected < s.approved)
        """,
        unit.municipality_id,
        list(provider_ids),
        list(tutors),
        first,
        last,
        list(LIVE),
    )


async def load_proofs(unit: UnitOfWork, provider_ids: Collection[UUID], proofs: Collection[str]) -> Rows:
    """Which positions used these proofs."""
    return await _fetch(
        unit,
        "SELECT provider_id, proof, position_id FROM used_proof WHERE municipality_id = $1 AND provider_id = ANY($2) AND proof = ANY($3)",
        unit.municipality_id,
        list(provider_ids),
        list(proofs),
    )


async def load_family_payments(unit: UnitOfWork, entitlement_ids: Collection[UUID]) -> Rows:
    """What families paid themselves (§ 30 SGB II)."""
    return await _fetch(
        unit,
        "SELECT entitlement_id, provider_id, first_day, last_day FROM family_payment"
        " WHERE municipality_id = $1 AND entitlement_id = ANY($2)",
        unit.municipality_id,
        list(entitlement_ids),
    )


# OFFSET 0 keeps each table looked up by its whole key: in tables that were just filled the planner takes a town for five rows, and joined
# every position with every line of the town.
_PIECES: Final = """
        SELECT ps.position_id, ps.decision_id, ps.outcome, ps.approved, ps.proposed, ps.corrected, ps.by_person, ps.batch_id,
               p.first_day, p.last_day, p.quantity, p.claimed, p.corrects_id,
               l.id AS line_id, l.line_no, l.provider_id, l.claim, l.identity, l.entitlement_id, ps.child_id, l.facility_id,
               l.tutor, l.proof, l.check_id, i.id AS invoice_id, i.number, i.received_at, i.iban_differs, n.lost_on,
               d.findings, d.allocations
        FROM position_state ps
        CROSS JOIN LATERAL (SELECT * FROM position WHERE municipality_id = $1 AND id = ps.position_id OFFSET 0) p
        CROSS JOIN LATERAL (SELECT * FROM invoice_line WHERE municipality_id = $1 AND id = ps.line_id OFFSET 0) l
        CROSS JOIN LATERAL (SELECT * FROM invoice WHERE municipality_id = $1 AND id = ps.invoice_id OFFSET 0) i
        CROSS JOIN LATERAL (SELECT * FROM decision WHERE municipality_id = $1 AND id = ps.decision_id OFFSET 0) d
        LEFT JOIN LATERAL (SELECT * FROM entitlement_number WHERE municipality_id = $1 AND number_index = l.number_index OFFSET 0) n ON true
"""


async def load_pieces(unit: UnitOfWork, position_ids: Collection[UUID]) -> Rows:
    """Positions as ``lock_pieces`` gives them, without a lock: to learn which children to lock first."""
    return await _fetch(
        unit,
        f"{_PIECES} WHERE ps.municipality_id = $1 AND ps.position_id = ANY($2) ORDER BY ps.position_id",
        unit.municipality_id,
        sorted(position_ids),
    )


async def positions_of_line(unit: UnitOfWork, invoice_id: UUID, line_no: int) -> list[UUID]:
    """The positions of an invoice's line; none where there is no such line."""
    rows = await _fetch(
        unit,
        """
        SELECT s.position_id FROM invoice_line l
        JOIN position_state s ON s.municipality_id = l.municipality_id AND s.invoice_id = $2 AND s.line_id = l.id
        WHERE l.municipality_id = $1 AND l.invoice_id = $2 AND l.line_no = $3 ORDER BY s.position_id
        """,
        unit.municipality_id,
        invoice_id,
        line_no,
    )
    return [row["position_id"] for row in rows]


async def lock_pieces(unit: UnitOfWork, position_ids: Collection[UUID]) -> Rows:
    """Positions with line, invoice and current decision, their state locked in order of ids."""
    return await _fetch(
        unit,
        f"{_PIECES} WHERE ps.municipality_id = $1 AND ps.position_id = ANY($2) ORDER BY ps.position_id FOR UPDATE OF ps",
        unit.municipality_id,
        sorted(position_ids),
    )


async def lock_open_pieces(unit: UnitOfWork, child_ids: Collection[UUID]) -> Rows:
    """Positions of the children that a later fact re-decides: not in a live batch, not cancelled, not corrected, not by a person.

    Negative lines are left alone too, whether or not what they correct was found: no fact makes them anything else.
    """
    return await _fetch(
        unit,
        f"""{_PIECES} WHERE ps.municipality_id = $1 AND ps.child_id = ANY($2) AND ps.batch_id IS NULL AND ps.outcome <> 'cancelled'
        AND NOT ps.by_person AND ps.corrected = 0 AND ps.claimed >= 0 ORDER BY ps.position_id FOR UPDATE OF ps""",
        unit.municipality_id,
        list(child_ids),
    )


async def lock_person_pieces(unit: UnitOfWork, child_ids: Collection[UUID]) -> Rows:
    """Positions of the children that a person decided and may decide again: not settled, not corrected, no review open."""
    return await _fetch(
        unit,
        f"""{_PIECES} WHERE ps.municipality_id = $1 AND ps.child_id = ANY($2) AND ps.batch_id IS NULL AND ps.by_person
        AND ps.outcome IN ('accepted', 'reduced', 'rejected') AND ps.corrected = 0 AND p.corrects_id IS NULL
        AND NOT EXISTS (
          SELECT FROM review r WHERE r.municipality_id = ps.municipality_id AND r.position_id = ps.position_id AND r.state <> 'resolved'
        ) ORDER BY ps.position_id FOR UPDATE OF ps""",
        unit.municipality_id,
        list(child_ids),
    )


async def lock_invoice_pieces(unit: UnitOfWork, invoice_id: UUID) -> Rows:
    """All positions of an invoice."""
    return await _fetch(
        unit,
        f"{_PIECES} WHERE ps.municipality_id = $1 AND ps.invoice_id = $2 ORDER BY ps.position_id FOR UPDATE OF ps",
        unit.municipality_id,
        invoice_id,
    )


async def find_corrected(
    unit: UnitOfWork, provider_id: UUID, child_ids: Collection[UUID], numbers: Sequence[str], line_nos: Sequence[int]
) -> Rows:
    """Positions of these (locked) children in the provider's own invoices and lines that a correction names, their state locked."""
    return await _fetch(
        unit,
        """
        SELECT i.number, l.line_no, ps.first_day, ps.benefit, ps.form, ps.position_id, ps.child_id, ps.approved, ps.corrected, ps.outcome,
               d.allocations
        FROM position_state ps
        CROSS JOIN LATERAL (SELECT number FROM invoice WHERE municipality_id = $1 AND id = ps.invoice_id OFFSET 0) i
        CROSS JOIN LATERAL (SELECT line_no FROM invoice_line WHERE municipality_id = $1 AND id = ps.line_id OFFSET 0) l
        CROSS JOIN LATERAL (SELECT allocations FROM decision WHERE municipality_id = $1 AND id = ps.decision_id OFFSET 0) d
        WHERE ps.municipality_id = $1 AND ps.claimed > 0 AND ps.child_id = ANY($5) AND ps.position_id = ANY(ARRAY(
          SELECT p.id FROM unnest($3::text[], $4::int[]) AS wanted(number, line_no)
          CROSS JOIN LATERAL (
            SELECT id FROM invoice
            WHERE municipality_id = $1 AND provider_id = $2 AND number = wanted.number AND kind = 'invoice' OFFSET 0
          ) i
          CROSS JOIN LATERAL (
            SELECT id FROM invoice_line WHERE municipality_id = $1 AND invoice_id = i.id AND line_no = wanted.line_no OFFSET 0
          ) l
          CROSS JOIN LATERAL (SELECT id FROM position WHERE municipality_id = $1 AND line_id = l.id OFFSET 0) p
        ))
        ORDER BY ps.position_id FOR UPDATE OF ps
        """,
        unit.municipality_id,
        provider_id,
        list(numbers),
        list(line_nos),
        list(child_ids),
    )


async def children_of(unit: UnitOfWork, invoice_id: UUID) -> set[UUID]:
    """The children of an invoice's positions."""
    rows = await _fetch(
        unit,
        "SELECT DISTINCT child_id FROM position_state WHERE municipality_id = $1 AND invoice_id = $2 AND child_id IS NOT NULL",
        unit.municipality_id,
        invoice_id,
    )
    return {row["child_id"] for row in rows}


async def is_cancelled(unit: UnitOfWork, invoice_id: UUID) -> bool:
    """Whether a cancellation of the invoice exists; asked once its positions are locked."""
    found: bool = await unit.driver.fetchval(
        "SELECT EXISTS (SELECT FROM invoice WHERE municipality_id = $1 AND cancels_id = $2)", unit.municipality_id, invoice_id
    )
    return found

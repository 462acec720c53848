"""SQL of batches: reading them, locking them, moving them from state to state, holding payments."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import insert, select, update

from but_gateway.db.session import UnitOfWork
from but_gateway.kit.ids import new_id
from but_gateway.procedures.settlement.difference_store import load_difference
from but_gateway.procedures.settlement.model import (
    Batch,
    CarriedForward,
    Cause,
    Contents,
    Hold,
    Kind,
    Order,
    Payment,
    State,
    Step,
    Totals,
)
from but_gateway.procedures.settlement.tables import batch_step, payment, settlement_batch

_COLUMNS: Final = """
    b.id, b.fiscal_year, b.serial, b.state, b.cutoff, b.due_on, b.benefits, b.provider_ids, b.drawn_up_by, b.drawn_up_at, b.factual_by,
    b.factual_at, b.arithmetical_by, b.arithmetical_at, b.ordered_by, b.ordered_at, b.handed_over_by, b.handed_over_at, b.withdrawn_at
"""


# ---- reading
async def lock_batch(unit: UnitOfWork, batch_id: UUID) -> Batch | None:
    """A batch, locked until the transaction ends: of two steps at once, the second sees what the first did."""
    row = await unit.driver.fetchrow(
        f"SELECT {_COLUMNS} FROM settlement_batch b WHERE b.municipality_id = $1 AND b.id = $2 FOR NO KEY UPDATE",  # noqa: S608 - own columns
        unit.municipality_id,
        batch_id,
    )
    return None if row is None else _batch(row)


async def load_contents(unit: UnitOfWork, batch_id: UUID) -> Contents:
    """A batch with all it carries. Refuses when there is no such batch (LookupError)."""
    found = await find_contents(unit, batch_id)
    if found is None:
        raise LookupError("no such batch in this town")
    return found


async def find_contents(unit: UnitOfWork, batch_id: UUID) -> Contents | None:
    """A batch with all it carries, None if there is none."""
    row = await unit.driver.fetchrow(
        f"SELECT {_COLUMNS} FROM settlement_batch b WHERE b.municipality_id = $1 AND b.id = $2",  # noqa: S608 - own columns
        unit.municipality_id,
        batch_id,
    )
    if row is None:
        return None
    batch = _batch(row)
    payments = await load_payments(unit, batch_id)
    staying = tuple(p for p in payments if not p.has_left)
    orders = await _load_orders(unit, batch_id, {p.id for p in staying})
    filtered = None if batch.provider_ids is None else await _provider_keys(unit, batch.provider_ids)
    return Contents(
        batch=batch,
        payments=staying,
        left=tuple(p for p in payments if p.has_left),
        orders=orders,
        carried_forward=await _load_carried(unit, batch_id),
        provider_keys=filtered,
        difference=await load_difference(unit, batch),
    )


async def load_payments(unit: UnitOfWork, batch_id: UUID) -> tuple[Payment, ...]:
    """All payments of a batch, in order of their numbers."""
    rows = await unit.driver.fetch(
        """
        SELECT p.id, p.serial, p.provider_id, r.key AS provider_key, p.gross, p.receipts, p.held, p.held_cause, p.end_to_end_id,
               p.remittance_text, p.state, p.repeats_id
        FROM payment p JOIN provider r ON r.municipality_id = p.municipality_id AND r.id = p.provider_id
        WHERE p.municipality_id = $1 AND p.batch_id = $2 ORDER BY p.serial
        """,
        unit.municipality_id,
        batch_id,
    )
    return tuple(_payment(row) for row in rows)


async def list_batches(unit: UnitOfWork, state: State | None, after: UUID | None, limit: int) -> list[tuple[Batch, Totals]]:
    """Batches with their sums, oldest first; one more than the limit where there are more."""
    rows = await unit.driver.fetch(
        f"""
        SELECT {_COLUMNS}, s.gross, s.receipts
        FROM settlement_batch b CROSS JOIN LATERAL (
          SELECT coalesce(sum(p.gross), 0)::bigint AS gross, coalesce(sum(p.receipts), 0)::bigint AS receipts
          FROM payment p WHERE p.municipality_id = b.municipality_id AND p.batch_id = b.id AND p.state <> 'left'
        ) s
        WHERE b.municipality_id = $1 AND ($2::text IS NULL OR b.state = $2) AND ($3::uuid IS NULL OR b.id > $3) ORDER BY b.id LIMIT $4
        """,  # noqa: S608 - own columns
        unit.municipality_id,
        state,
        after,
        limit + 1,
    )
    return [(_batch(row), Totals(row["gross"], row["receipts"])) for row in rows]


async def list_positions(unit: UnitOfWork, batch_id: UUID, after: tuple[UUID, UUID] | None, limit: int) -> Sequence[asyncpg.Record]:
    """Positions of a batch, a row for each order they stand in; ``after``: position and order.

    The page is found first and each of its rows looked up by whole keys: joined, every position of the batch met every order of the town.
    """
    rows: Sequence[asyncpg.Record] = await unit.driver.fetch(
        """
        WITH page AS MATERIALIZED (
          SELECT i.* FROM (
            SELECT i.position_id, i.order_id, i.cents FROM order_item i
            WHERE i.municipality_id = $1 AND i.batch_id = $2 AND ($3::uuid IS NULL OR (i.position_id, i.order_id) > ($3, $4))
              AND i.order_id NOT IN (
                SELECT o.id FROM payment p JOIN payment_order o ON o.municipality_id = p.municipality_id AND o.payment_id = p.id
                WHERE p.municipality_id = $1 AND p.batch_id = $2 AND p.state = 'left'
              )
            ORDER BY i.position_id, i.order_id OFFSET 0
          ) i
          -- Retention deletes positions before the books. Looked up for those on the page only, hence OFFSET 0.
          WHERE EXISTS (SELECT FROM position_state s WHERE s.municipality_id = $1 AND s.position_id = i.position_id OFFSET 0)
          ORDER BY i.position_id, i.order_id LIMIT $5
        )
        SELECT i.position_id, i.order_id, i.cents, o.payment_id, s.invoice_id, l.line_no, s.form, s.first_day
        FROM page i
        CROSS JOIN LATERAL (SELECT * FROM payment_order o WHERE o.municipality_id = $1 AND o.id = i.order_id LIMIT 1) o
        CROSS JOIN LATERAL (SELECT * FROM position_state s WHERE s.municipality_id = $1 AND s.position_id = i.position_id LIMIT 1) s
        CROSS JOIN LATERAL (SELECT * FROM invoice_line l WHERE l.municipality_id = $1 AND l.id = s.line_id LIMIT 1) l
        ORDER BY i.position_id, i.order_id
        """,
        unit.municipality_id,
        batch_id,
        after[0] if after else None,
        after[1] if after else None,
        limit + 1,
    )
    return rows


async def batch_exists(unit: UnitOfWork, batch_id: UUID) -> bool:
    """Whether the town has this batch."""
    here = (settlement_batch.c.municipality_id == unit.municipality_id, settlement_batch.c.id == batch_id)
    return (await unit.execute(select(settlement_batch.c.id).where(*here))).one_or_none() is not None


async def has_decided_in(unit: UnitOfWork, batch_id: UUID, actor: str) -> bool:
    """Whether a person resolved a review of a position in the batch, or made the decision it is paid by."""
    found: bool = await unit.driver.fetchval(
        """
        SELECT EXISTS (
          SELECT 1 FROM review r JOIN position_state s ON s.municipality_id = r.municipality_id AND s.position_id = r.position_id
          WHERE r.municipality_id = $1 AND r.resolved_by = $3 AND s.batch_id = $2
        ) OR EXISTS (
          SELECT 1 FROM position_state s JOIN decision d ON d.municipality_id = s.municipality_id AND d.id = s.decision_id
          WHERE s.municipality_id = $1 AND s.batch_id = $2 AND d.decided_by = $3
        )
        """,
        unit.municipality_id,
        batch_id,
        actor,
    )
    return found


# ---- writing
async def move_batch(unit: UnitOfWork, batch_id: UUID, **values: Any) -> None:  # noqa: ANN401 - columns of any type
    """Changes columns of a locked batch; the table's CHECKs hold who may and what belongs together."""
    here = (settlement_batch.c.municipality_id == unit.municipality_id, settlement_batch.c.id == batch_id)
    await unit.execute(update(settlement_batch).where(*here).values(**values))


async def certify_batch(unit: UnitOfWork, batch_id: UUID, kinds: Collection[Kind], step: Step, state: State) -> None:
    """Records who certified what."""
    values = {f"{kind}_by": step.by for kind in kinds} | {f"{kind}_at": step.at for kind in kinds}
    await move_batch(unit, batch_id, state=state, **values)


async def record_step(  # noqa: PLR0913 - the parts of a step, all named
    unit: UnitOfWork,
    *,
    step_id: UUID,
    batch_id: UUID,
    action: str,
    step: Step,
    from_state: State | None,
    to_state: State,
    payment_id: UUID | None = None,
    reason: bytes | None = None,
) -> None:
    """Adds to the batch's history; it is never rewritten."""
    await unit.execute(
        insert(batch_step).values(
            municipality_id=unit.municipality_id,
            id=step_id,
            batch_id=batch_id,
            payment_id=payment_id,
            action=action,
            from_state=from_state,
            to_state=to_state,
            actor=step.by,
            at=step.at,
            reason=reason,
        )
    )


async def note_step(  # noqa: PLR0913 - the parts of a step, all named
    unit: UnitOfWork, batch: Batch, action: str, step: Step, to_state: State, *, payment_id: UUID | None = None
) -> None:
    """Adds a step without a reason."""
    await record_step(
        unit,
        step_id=new_id(),
        batch_id=batch.id,
        action=action,
        step=step,
        from_state=batch.state,
        to_state=to_state,
        payment_id=payment_id,
    )


async def set_hold(unit: UnitOfWork, payment_ids: Collection[UUID], hold: Hold | None) -> None:
    """Holds payments or lets them go."""
    if payment_ids:
        await unit.driver.execute(
            "UPDATE payment SET held = $3, held_cause = $4 WHERE municipality_id = $1 AND id = ANY($2)",
            unit.municipality_id,
            list(payment_ids),
            hold.reason if hold else None,
            hold.cause.value if hold else None,
        )


async def find_payment(unit: UnitOfWork, batch_id: UUID, payment_id: UUID) -> Payment | None:
    """A payment of a batch."""
    here = (payment.c.municipality_id == unit.municipality_id, payment.c.batch_id == batch_id, payment.c.id == payment_id)
    if (await unit.execute(select(payment.c.id).where(*here))).one_or_none() is None:
        return None
    return next(p for p in await load_payments(unit, batch_id) if p.id == payment_id)


# ---- rows to values
async def _load_orders(unit: UnitOfWork, batch_id: UUID, payment_ids: set[UUID]) -> tuple[Order, ...]:
    rows = await unit.driver.fetch(
        """
        SELECT id, serial, payment_id, legal_basis, benefit, fiscal_year, positions, gross, receipts
        FROM payment_order WHERE municipality_id = $1 AND batch_id = $2 ORDER BY serial
        """,
        unit.municipality_id,
        batch_id,
    )
    return tuple(Order(**row) for row in rows if row["payment_id"] in payment_ids)


async def _load_carried(unit: UnitOfWork, batch_id: UUID) -> tuple[CarriedForward, ...]:
    rows = await unit.driver.fetch(
        """
        SELECT c.provider_id, r.key AS provider_key, c.balance_cents AS balance
        FROM carried_forward c JOIN provider r ON r.municipality_id = c.municipality_id AND r.id = c.provider_id
        WHERE c.municipality_id = $1 AND c.batch_id = $2 ORDER BY r.key
        """,
        unit.municipality_id,
        batch_id,
    )
    return tuple(CarriedForward(**row) for row in rows)


async def _provider_keys(unit: UnitOfWork, provider_ids: Collection[UUID]) -> tuple[str, ...]:
    rows = await unit.driver.fetch(
        "SELECT key FROM provider WHERE municipality_id = $1 AND id = ANY($2) ORDER BY key", unit.municipality_id, list(provider_ids)
    )
    return tuple(row["key"] for row in rows)


def _step(row: asyncpg.Record, name: str) -> Step | None:
    return None if row[f"{name}_by"] is None else Step(row[f"{name}_by"], row[f"{name}_at"])


def _batch(row: asyncpg.Record) -> Batch:
    at: datetime = row["drawn_up_at"]
    return Batch(
        id=row["id"],
        fiscal_year=row["fiscal_year"],
        serial=row["serial"],
        state=State(row["state"]),
        cutoff=row["cutoff"],
        due_on=row["due_on"],
        benefits=None if row["benefits"] is None else tuple(row["benefits"]),
        provider_ids=None if row["provider_ids"] is None else tuple(row["provider_ids"]),
        drawn_up=Step(row["drawn_up_by"], at),
        factual=_step(row, "factual"),
        arithmetical=_step(row, "arithmetical"),
        ordered=_step(row, "ordered"),
        handed_over=_step(row, "handed_over"),
        withdrawn_at=row["withdrawn_at"],
    )


def _payment(row: asyncpg.Record) -> Payment:
    values = dict(row)
    held, cause = values.pop("held"), values.pop("held_cause")
    return Payment(**values, hold=None if held is None else Hold(Cause(cause), held))

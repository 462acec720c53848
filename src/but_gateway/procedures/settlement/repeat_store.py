"""SQL of repeats: returned payments that the next batch pays once more, and giving them free again when it does not."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.procedures.settlement.draw_store import Selection
from but_gateway.procedures.settlement.model import Order, batch_number


@dataclass(frozen=True, slots=True)
class Returned:
    """A returned payment that no live payment repeats. Money in cents; ``account_id``: where it went.

    ``first_batch``: number of the batch that paid it first. ``came_back_before``: it is a repeat itself, and came back from this account
    then, too.
    """

    id: UUID
    provider_id: UUID
    provider_key: str
    gross: int
    receipts: int
    remittance_text: str
    account_id: UUID
    return_reason: str | None
    first_batch: str
    came_back_before: bool


async def lock_returned(unit: UnitOfWork, selection: Selection) -> list[Returned]:
    """Returned payments nobody repeats yet, by provider's key and age, locked: what a bank reports of them meanwhile waits.

    With a choice of benefits only payments all of which is of these; the cutoff says nothing about them: their positions were settled.
    Call it in turn.
    """
    _, _, benefits, provider_ids = selection.parameters(unit)
    locked = await unit.driver.fetch(
        """
        SELECT p.id FROM payment p
        WHERE p.municipality_id = $1 AND p.state = 'returned' AND ($2::uuid[] IS NULL OR p.provider_id = ANY($2))
          AND ($3::text[] IS NULL OR NOT EXISTS (
            SELECT 1 FROM payment_order o WHERE o.municipality_id = $1 AND o.payment_id = p.id AND o.benefit <> ALL($3)
          ))
        ORDER BY p.id FOR NO KEY UPDATE
        """,
        unit.municipality_id,
        provider_ids,
        benefits,
    )
    rows = await unit.driver.fetch(
        """
        WITH RECURSIVE chain AS (
          SELECT p.id, p.id AS link, p.repeats_id, p.batch_id, p.bank_account_id, 0 AS depth FROM payment p
          WHERE p.municipality_id = $1 AND p.id = ANY($2)
          UNION ALL
          SELECT c.id, e.id, e.repeats_id, e.batch_id, e.bank_account_id, c.depth + 1
          FROM chain c JOIN payment e ON e.municipality_id = $1 AND e.id = c.repeats_id
        )
        SELECT p.id, p.provider_id, r.key AS provider_key, p.gross, p.receipts, p.remittance_text, p.bank_account_id AS account_id,
               p.return_reason, b.fiscal_year, b.serial,
               EXISTS (
                 SELECT 1 FROM chain c WHERE c.id = p.id AND c.depth > 0 AND c.bank_account_id = p.bank_account_id
               ) AS came_back_before
        FROM payment p
        JOIN provider r ON r.municipality_id = p.municipality_id AND r.id = p.provider_id
        JOIN chain f ON f.id = p.id AND f.repeats_id IS NULL
        JOIN settlement_batch b ON b.municipality_id = p.municipality_id AND b.id = f.batch_id
        WHERE p.municipality_id = $1 AND p.id = ANY($2)
          AND NOT EXISTS (SELECT 1 FROM payment n WHERE n.municipality_id = $1 AND n.repeats_id = p.id AND NOT n.lapsed)
        ORDER BY r.key, p.id
        """,
        unit.municipality_id,
        [row["id"] for row in locked],
    )
    found = []
    for row in rows:
        values = dict(row)
        number = batch_number(values.pop("fiscal_year"), values.pop("serial"))
        found.append(Returned(**values, first_batch=number))
    return found


async def load_orders(unit: UnitOfWork, payment_ids: Collection[UUID]) -> list[Order]:
    """The orders of some payments, in the order of their numbers."""
    rows = await unit.driver.fetch(
        """
        SELECT id, serial, payment_id, legal_basis, benefit, fiscal_year, positions, gross, receipts
        FROM payment_order WHERE municipality_id = $1 AND payment_id = ANY($2) ORDER BY payment_id, serial
        """,
        unit.municipality_id,
        list(payment_ids),
    )
    return [Order(**row) for row in rows]


async def let_lapse(unit: UnitOfWork, batch_id: UUID, payment_ids: Collection[UUID] | None = None) -> None:
    """Gives up the repeats of a batch, all or some: what they repeated is free for the next batch."""
    await unit.driver.execute(
        """
        UPDATE payment SET lapsed = true
        WHERE municipality_id = $1 AND batch_id = $2 AND repeats_id IS NOT NULL AND ($3::uuid[] IS NULL OR id = ANY($3))
        """,
        unit.municipality_id,
        batch_id,
        None if payment_ids is None else list(payment_ids),
    )


async def lock_repeated(unit: UnitOfWork, payment_ids: Collection[UUID]) -> frozenset[UUID]:
    """Of payments that shall be repeated those that are still returned, locked: whoever reports of them meanwhile comes after."""
    rows = await unit.driver.fetch(
        "SELECT id, state FROM payment WHERE municipality_id = $1 AND id = ANY($2) ORDER BY id FOR NO KEY UPDATE",
        unit.municipality_id,
        list(payment_ids),
    )
    return frozenset(row["id"] for row in rows if row["state"] == "returned")

"""SQL of drawing up: which positions are free, claiming them, splitting them into payments and orders."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import insert

from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.kit.text import fold_name
from but_gateway.procedures.settlement.model import CarriedForward, Order, Payment, batch_number
from but_gateway.procedures.settlement.tables import carried_forward, settlement_batch

_Result = TypeVar("_Result")

_ATTEMPTS: Final = 5
# Positions a batch may take: decided to be paid (or taken back), received in time, in no live batch.
_FREE: Final = """
    s.municipality_id = $1 AND s.batch_id IS NULL AND s.outcome IN ('accepted', 'reduced') AND s.approved <> 0 AND s.received_at < $2
    AND ($3::text[] IS NULL OR s.benefit = ANY($3)) AND ($4::uuid[] IS NULL OR s.provider_id = ANY($4))
"""
_LOCKED: Final = "(s.child_id IS NULL OR s.child_id IN (SELECT unnest($5::uuid[])))"
# The parts of each claimed position by legal basis, from the allocations of the decision it is paid by.
_PARTS: Final = """
    SELECT s.municipality_id, s.position_id, s.provider_id, s.benefit, extract(year FROM s.first_day)::smallint AS fiscal_year,
           a.value->>2 AS legal_basis, sum((a.value->>3)::bigint)::bigint AS cents
    FROM position_state s
    JOIN decision d ON d.municipality_id = s.municipality_id AND d.id = s.decision_id
    CROSS JOIN LATERAL jsonb_array_elements(d.allocations) a
    WHERE s.municipality_id = $1 AND s.batch_id = $2
    GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum((a.value->>3)::bigint) <> 0
"""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a batch shall take: received before a moment, some benefits or all, some providers or all."""

    until: datetime
    benefits: tuple[str, ...] | None
    provider_ids: tuple[UUID, ...] | None

    def parameters(self, unit: UnitOfWork) -> tuple[Any, ...]:
        """The first four parameters of every statement below."""
        providers = None if self.provider_ids is None else list(self.provider_ids)
        return unit.municipality_id, self.until, None if self.benefits is None else list(self.benefits), providers


@dataclass(frozen=True, slots=True)
class Balance:
    """What a provider's free positions come to, in cents; ``iban_differs``: one of its invoices named another account (H-07)."""

    provider_id: UUID
    provider_key: str
    net: int
    iban_differs: bool


@dataclass(frozen=True, slots=True)
class Part:
    """The future order of a provider: sums over the parts of its positions, in cents."""

    provider_id: UUID
    legal_basis: str
    benefit: str
    fiscal_year: int
    positions: int
    gross: int
    receipts: int


async def take_turn(unit: UnitOfWork) -> None:
    """Lets one draw-up of the town after the other; the lock ends with the transaction. Numbers stay without gaps from failures."""
    await unit.driver.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"settlement|{unit.municipality_id}")


async def next_serial(unit: UnitOfWork, fiscal_year: int) -> int:
    """The next running number of a fiscal year. Call it in turn."""
    serial: int = await unit.driver.fetchval(
        "SELECT coalesce(max(serial), 0) + 1 FROM settlement_batch WHERE municipality_id = $1 AND fiscal_year = $2",
        unit.municipality_id,
        fiscal_year,
    )
    return serial


async def claim_free(unit: UnitOfWork, selection: Selection, batch_id: UUID) -> list[Balance]:
    """Puts free positions into a batch and answers what each provider's came to, in order of keys; those netting to ≤ 0 stay free.

    The children are locked first, as everybody does who decides about them: until the end of the transaction nothing about their
    positions changes, and what is being decided meanwhile is waited for.
    """

    async def work() -> list[Balance]:
        query = f"SELECT s.child_id FROM position_state s WHERE {_FREE}"  # noqa: S608 - constants of this module
        parameters = (*selection.parameters(unit), await _lock_children(unit, query, *selection.parameters(unit)))
        balances = await _sum_free(unit, parameters)
        payers = [b.provider_id for b in balances if b.net > 0]
        if payers:
            await unit.driver.execute(
                f"UPDATE position_state s SET batch_id = $7 WHERE {_FREE} AND {_LOCKED} AND s.provider_id = ANY($6)",  # noqa: S608 - as above
                *parameters,
                payers,
                batch_id,
            )
        return balances

    return await _unless_deadlocked(unit, work)


async def free_positions(unit: UnitOfWork, batch_id: UUID, provider_ids: Collection[UUID] | None = None) -> None:
    """Takes positions out of a batch, all or those of some providers, under the locks of their children."""
    providers = None if provider_ids is None else list(provider_ids)
    taken = "s.municipality_id = $1 AND s.batch_id = $2 AND ($3::uuid[] IS NULL OR s.provider_id = ANY($3))"

    async def work() -> None:
        query = f"SELECT s.child_id FROM position_state s WHERE {taken}"  # noqa: S608 - a constant
        await _lock_children(unit, query, unit.municipality_id, batch_id, providers)
        statement = f"UPDATE position_state s SET batch_id = NULL WHERE {taken}"  # noqa: S608 - a constant
        await unit.driver.execute(statement, unit.municipality_id, batch_id, providers)

    await _unless_deadlocked(unit, work)


async def _lock_children(unit: UnitOfWork, positions: str, *parameters: object) -> list[UUID]:
    rows = await unit.driver.fetch(
        f"SELECT c.id FROM child c WHERE c.municipality_id = $1 AND c.id IN ({positions}) ORDER BY c.id FOR NO KEY UPDATE",  # noqa: S608 - constants
        *parameters,
    )
    return [row["id"] for row in rows]


async def _unless_deadlocked(unit: UnitOfWork, work: Callable[[], Awaitable[_Result]]) -> _Result:
    """Locks are taken in one order, so rings hardly form; where one does, PostgreSQL breaks it and the work begins anew without locks."""
    for _ in range(_ATTEMPTS - 1):
        await unit.driver.execute("SAVEPOINT attempt")
        try:
            result = await work()
        except asyncpg.DeadlockDetectedError:
            await unit.driver.execute("ROLLBACK TO SAVEPOINT attempt")
        else:
            await unit.driver.execute("RELEASE SAVEPOINT attempt")
            return result
    return await work()


async def _sum_free(unit: UnitOfWork, parameters: tuple[Any, ...]) -> list[Balance]:
    rows = await unit.driver.fetch(
        f"""
        SELECT s.provider_id, r.key AS provider_key, sum(s.approved)::bigint AS net, bool_or(i.iban_differs) AS iban_differs
        FROM position_state s
        JOIN provider r ON r.municipality_id = s.municipality_id AND r.id = s.provider_id
        JOIN invoice i ON i.municipality_id = s.municipality_id AND i.id = s.invoice_id
        WHERE {_FREE} AND {_LOCKED} GROUP BY s.provider_id, r.key ORDER BY r.key
        """,  # noqa: S608 - constants of this module
        *parameters,
    )
    return [Balance(**row) for row in rows]


async def split(unit: UnitOfWork, batch_id: UUID) -> list[Part]:
    """The claimed positions by provider, legal basis, benefit and fiscal year of service, in this order."""
    rows = await unit.driver.fetch(
        f"""
        SELECT provider_id, legal_basis, benefit, fiscal_year, count(*) AS positions,
               coalesce(sum(cents) FILTER (WHERE cents > 0), 0)::bigint AS gross,
               coalesce(-sum(cents) FILTER (WHERE cents < 0), 0)::bigint AS receipts
        FROM ({_PARTS}) parts GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
        """,  # noqa: S608 - constants of this module
        unit.municipality_id,
        batch_id,
    )
    return [Part(**row) for row in rows]


async def billed_invoices(unit: UnitOfWork, batch_id: UUID) -> Sequence[asyncpg.Record]:
    """Provider, id and number of the invoices in the batch, oldest first."""
    rows: Sequence[asyncpg.Record] = await unit.driver.fetch(
        """
        -- From the batch's positions to their invoices: the other way round every invoice of the town was asked.
        SELECT i.provider_id, i.id, i.number
        FROM (SELECT DISTINCT s.invoice_id FROM position_state s WHERE s.municipality_id = $1 AND s.batch_id = $2) b
        CROSS JOIN LATERAL (SELECT * FROM invoice i WHERE i.municipality_id = $1 AND i.id = b.invoice_id OFFSET 0) i
        ORDER BY i.id
        """,
        unit.municipality_id,
        batch_id,
    )
    return rows


async def names_in_invoices(
    unit: UnitOfWork, keys: TownKeys, batch_id: UUID, invoice_ids: Collection[UUID]
) -> Mapping[UUID, frozenset[str]]:
    """The words of the names of the children in some invoices of the batch, by invoice: its number must hold none of them (S-07)."""
    names: dict[UUID, frozenset[str]] = defaultdict(frozenset)
    if not invoice_ids:
        return names
    rows = await unit.driver.fetch(
        """
        SELECT DISTINCT s.invoice_id, c.id, c.family_name, c.given_names
        FROM position_state s JOIN child c ON c.municipality_id = s.municipality_id AND c.id = s.child_id
        WHERE s.municipality_id = $1 AND s.batch_id = $2 AND s.invoice_id = ANY($3)
        """,
        unit.municipality_id,
        batch_id,
        list(invoice_ids),
    )
    for row in rows:
        name = " ".join(keys.open(row[column], "child", row["id"], column) for column in ("family_name", "given_names"))
        names[row["invoice_id"]] |= fold_name(name)
    return names


async def insert_batch(unit: UnitOfWork, values: dict[str, Any]) -> None:
    """A new batch."""
    await unit.execute(insert(settlement_batch).values(municipality_id=unit.municipality_id, **values))


async def insert_payments(unit: UnitOfWork, batch_id: UUID, payments: Sequence[Payment]) -> None:
    """The payments of a batch."""
    await unit.driver.execute(
        """
        INSERT INTO payment (municipality_id, batch_id, state, id, serial, provider_id, gross, receipts, net, held, held_cause,
                             end_to_end_id, remittance_text, repeats_id)
        SELECT $1, $2, 'open', * FROM unnest($3::uuid[], $4::int[], $5::uuid[], $6::bigint[], $7::bigint[], $8::bigint[], $9::text[],
                                             $10::text[], $11::text[], $12::text[], $13::uuid[])
        """,
        unit.municipality_id,
        batch_id,
        [p.id for p in payments],
        [p.serial for p in payments],
        [p.provider_id for p in payments],
        [p.gross for p in payments],
        [p.receipts for p in payments],
        [p.net for p in payments],
        [p.hold.reason if p.hold else None for p in payments],
        [p.hold.cause.value if p.hold else None for p in payments],
        [p.end_to_end_id for p in payments],
        [p.remittance_text for p in payments],
        [p.repeats_id for p in payments],
    )


async def insert_orders(unit: UnitOfWork, batch_id: UUID, orders: Sequence[Order]) -> None:
    """Orders of a batch. Those of repeated payments carry amounts and no positions, which were settled once."""
    await unit.driver.execute(
        """
        INSERT INTO payment_order (municipality_id, batch_id, id, serial, payment_id, legal_basis, benefit, fiscal_year, positions, gross,
                                   receipts)
        SELECT $1, $2, * FROM unnest($3::uuid[], $4::int[], $5::uuid[], $6::text[], $7::text[], $8::smallint[], $9::int[], $10::bigint[],
                                     $11::bigint[])
        """,
        unit.municipality_id,
        batch_id,
        [o.id for o in orders],
        [o.serial for o in orders],
        [o.payment_id for o in orders],
        [o.legal_basis for o in orders],
        [o.benefit for o in orders],
        [o.fiscal_year for o in orders],
        [o.positions for o in orders],
        [o.gross for o in orders],
        [o.receipts for o in orders],
    )


async def insert_items(unit: UnitOfWork, batch_id: UUID, orders: Sequence[Order], provider_of: Mapping[UUID, UUID]) -> int:
    """What each order carries; the sum of all items in cents. ``provider_of``: provider by payment."""
    # The orders come in as arrays: of tables filled a moment ago the planner knows nothing and loops.
    total: int = await unit.driver.fetchval(
        f"""
        WITH items AS (
          INSERT INTO order_item (municipality_id, order_id, position_id, batch_id, cents)
          SELECT x.municipality_id, o.id, x.position_id, $2, x.cents
          FROM ({_PARTS}) x
          JOIN unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::smallint[])
            AS o(id, provider_id, legal_basis, benefit, fiscal_year)
            USING (provider_id, legal_basis, benefit, fiscal_year)
          RETURNING cents
        )
        SELECT coalesce(sum(cents), 0)::bigint FROM items
        """,  # noqa: S608 - constants of this module
        unit.municipality_id,
        batch_id,
        [o.id for o in orders],
        [provider_of[o.payment_id] for o in orders],
        [o.legal_basis for o in orders],
        [o.benefit for o in orders],
        [o.fiscal_year for o in orders],
    )
    return total


async def insert_carried(unit: UnitOfWork, batch_id: UUID, carried: Sequence[CarriedForward]) -> None:
    """Remembers whom the batch carried forward."""
    if carried:
        rows = [
            {"municipality_id": unit.municipality_id, "batch_id": batch_id, "provider_id": c.provider_id, "balance_cents": c.balance}
            for c in carried
        ]
        await unit.execute(insert(carried_forward), rows)


async def carried_since_paid(unit: UnitOfWork, provider_id: UUID) -> list[str]:
    """Numbers of the batches that carried a provider forward since its last payment, oldest first."""
    rows = await unit.driver.fetch(
        """
        SELECT b.fiscal_year, b.serial FROM carried_forward c
        JOIN settlement_batch b ON b.municipality_id = c.municipality_id AND b.id = c.batch_id AND b.state <> 'withdrawn'
        WHERE c.municipality_id = $1 AND c.provider_id = $2 AND NOT EXISTS (
          SELECT 1 FROM payment p JOIN settlement_batch later ON later.municipality_id = p.municipality_id AND later.id = p.batch_id
          WHERE p.municipality_id = c.municipality_id AND p.provider_id = c.provider_id AND p.state <> 'left'
            AND p.repeats_id IS NULL AND later.state <> 'withdrawn' AND later.id > b.id
        )
        ORDER BY b.id
        """,
        unit.municipality_id,
        provider_id,
    )
    return [batch_number(row["fiscal_year"], row["serial"]) for row in rows]


async def has_open_notice(unit: UnitOfWork, kind: str, subject_id: UUID) -> bool:
    """Whether the office was told already and has not dealt with it."""
    found: bool = await unit.driver.fetchval(
        "SELECT EXISTS (SELECT 1 FROM notice WHERE municipality_id = $1 AND kind = $2 AND subject_id = $3 AND state = 'open')",
        unit.municipality_id,
        kind,
        str(subject_id),
    )
    return found

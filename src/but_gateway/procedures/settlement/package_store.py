"""SQL of the hand-over: what leaves, what is posted, what the audit reads, and the files that stay the same for ever."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from sqlalchemy import insert, select

from but_gateway.db.fields import TownKeys
from but_gateway.db.pieces import PiecePlace, open_piece, seal_piece
from but_gateway.db.session import UnitOfWork
from but_gateway.kit.ids import new_ids
from but_gateway.procedures.settlement.model import PackageFile
from but_gateway.procedures.settlement.tables import package_file, package_part

_ROWS: Final = 1_000


async def leave(unit: UnitOfWork, payment_ids: Collection[UUID]) -> None:
    """Lets held payments leave the batch."""
    await unit.driver.execute(
        "UPDATE payment SET state = 'left' WHERE municipality_id = $1 AND id = ANY($2)", unit.municipality_id, list(payment_ids)
    )


async def snapshot_accounts(unit: UnitOfWork, rows: Sequence[tuple[UUID, UUID, bytes, bytes]]) -> None:
    """Marks payments as handed over with the account they go to: payment, bank account, sealed IBAN, sealed holder."""
    await unit.driver.execute(
        """
        UPDATE payment p SET state = 'handed_over', bank_account_id = x.account_id, iban = x.iban, holder = x.holder
        FROM unnest($2::uuid[], $3::uuid[], $4::bytea[], $5::bytea[]) AS x(id, account_id, iban, holder)
        WHERE p.municipality_id = $1 AND p.id = x.id
        """,
        unit.municipality_id,
        *(list(column) for column in zip(*rows, strict=True)),
    )


async def post_settlement(unit: UnitOfWork, batch_id: UUID, at: datetime) -> int:
    """Posts what is ordered, item by item: payable to ordered. Returns how many postings."""
    count: int = await unit.driver.fetchval(
        """
        SELECT count(*) FROM order_item i JOIN payment_order o ON o.municipality_id = i.municipality_id AND o.id = i.order_id
        JOIN payment p ON p.municipality_id = o.municipality_id AND p.id = o.payment_id
        WHERE i.municipality_id = $1 AND i.batch_id = $2 AND p.state = 'handed_over'
        """,
        unit.municipality_id,
        batch_id,
    )
    status: str = await unit.driver.execute(
        """
        INSERT INTO posting (municipality_id, id, at, kind, debit, credit, cents, used, reserved, provider_id, position_id, legal_basis,
                             benefit, fiscal_year, batch_id, order_id, payment_id)
        SELECT $1, ($4::uuid[])[row_number() OVER (ORDER BY o.serial, i.position_id)], $3, 'settlement', 'payable', 'ordered', i.cents,
               0, 0, p.provider_id, i.position_id, o.legal_basis, o.benefit, o.fiscal_year, $2, i.order_id, o.payment_id
        FROM order_item i JOIN payment_order o ON o.municipality_id = i.municipality_id AND o.id = i.order_id
        JOIN payment p ON p.municipality_id = o.municipality_id AND p.id = o.payment_id
        WHERE i.municipality_id = $1 AND i.batch_id = $2 AND p.state = 'handed_over'
        """,
        unit.municipality_id,
        batch_id,
        at,
        new_ids(count),
    )
    return int(status.rsplit(maxsplit=1)[-1])


async def read_positions(unit: UnitOfWork, batch_id: UUID) -> AsyncIterator[list[asyncpg.Record]]:
    """The batch's positions with invoice, line, decision and orders, some at a time: memory does not grow with their number.

    Each is looked up by its whole keys (OFFSET 0 keeps the planner from doing otherwise, as in remittance_store).
    """
    cursor = await unit.driver.cursor(
        """
        SELECT s.position_id, r.key AS provider, i.number AS invoice, s.invoice_id, l.line_no, s.benefit, s.item, s.form, s.first_day,
               s.last_day, p.quantity, s.claimed, p.corrects_id, s.received_at, d.id AS decision_id, d.decided_at, d.decided_by, d.outcome,
               d.approved, d.findings::text AS findings, d.allocations::text AS allocations, d.rule_set, d.facts::text AS facts,
               o.orders::text AS orders, o.payment
        FROM position_state s
        CROSS JOIN LATERAL (SELECT * FROM position x WHERE x.municipality_id = s.municipality_id AND x.id = s.position_id OFFSET 0) p
        CROSS JOIN LATERAL (SELECT * FROM invoice_line x WHERE x.municipality_id = s.municipality_id AND x.id = s.line_id OFFSET 0) l
        CROSS JOIN LATERAL (SELECT * FROM invoice x WHERE x.municipality_id = s.municipality_id AND x.id = s.invoice_id OFFSET 0) i
        CROSS JOIN LATERAL (SELECT x.key FROM provider x WHERE x.municipality_id = s.municipality_id AND x.id = s.provider_id OFFSET 0) r
        CROSS JOIN LATERAL (SELECT * FROM decision x WHERE x.municipality_id = s.municipality_id AND x.id = s.decision_id OFFSET 0) d
        CROSS JOIN LATERAL (
          SELECT jsonb_agg(jsonb_build_array(o.serial, o.legal_basis, i.cents) ORDER BY o.serial) AS orders, min(y.end_to_end_id) AS payment
          FROM order_item i JOIN payment_order o ON o.municipality_id = i.municipality_id AND o.id = i.order_id
          JOIN payment y ON y.municipality_id = o.municipality_id AND y.id = o.payment_id
          WHERE i.municipality_id = s.municipality_id AND i.position_id = s.position_id AND i.batch_id = s.batch_id
        ) o
        WHERE s.municipality_id = $1 AND s.batch_id = $2 ORDER BY s.position_id
        """,
        unit.municipality_id,
        batch_id,
    )
    while rows := await cursor.fetch(_ROWS):
        yield rows


async def services_of_orders(unit: UnitOfWork, batch_id: UUID) -> Sequence[asyncpg.Record]:
    """The invoices in each order with their first and last day of service, in order of the orders and the invoices."""
    rows: Sequence[asyncpg.Record] = await unit.driver.fetch(
        """
        SELECT x.order_id, x.invoice_id, i.number, i.issued_on, x.first_day, x.last_day
        FROM (
          SELECT o.serial, t.order_id, s.invoice_id, min(s.first_day) AS first_day, max(s.last_day) AS last_day
          FROM order_item t
          JOIN payment_order o ON o.municipality_id = t.municipality_id AND o.id = t.order_id
          JOIN position_state s ON s.municipality_id = t.municipality_id AND s.position_id = t.position_id
          WHERE t.municipality_id = $1 AND t.batch_id = $2
          GROUP BY 1, 2, 3
        ) x
        JOIN invoice i ON i.municipality_id = $1 AND i.id = x.invoice_id
        ORDER BY x.serial, x.invoice_id
        """,
        unit.municipality_id,
        batch_id,
    )
    return rows


async def load_fact_parts(unit: UnitOfWork, hashes: Collection[bytes]) -> dict[bytes, str]:
    """Shared parts of facts by hash, as JSON texts."""
    rows = await unit.driver.fetch(
        "SELECT hash, body::text AS body FROM fact_part WHERE municipality_id = $1 AND hash = ANY($2)", unit.municipality_id, list(hashes)
    )
    return {bytes(row["hash"]): row["body"] for row in rows}


async def insert_file(unit: UnitOfWork, keys: TownKeys, batch_id: UUID, file: PackageFile, parts: Iterable[bytes]) -> None:
    """Stores a file, sealed piece by piece beside the loop."""
    values = {name: getattr(file, name) for name in PackageFile.__slots__}
    await unit.execute(insert(package_file).values(municipality_id=unit.municipality_id, batch_id=batch_id, **values))
    for number, content in enumerate(parts):
        piece = await asyncio.to_thread(seal_piece, keys, PiecePlace(batch_id, file.name, number), content)
        await unit.execute(
            insert(package_part).values(
                municipality_id=unit.municipality_id, batch_id=batch_id, name=file.name, part=number, content=b"", sealed_content=piece,
                bytes=len(content),
            )
        )  # fmt: skip


async def list_files(unit: UnitOfWork, batch_id: UUID) -> list[PackageFile]:
    """The files of a batch, by name."""
    c = package_file.c
    query = select(c.name, c.package, c.media_type, c.sha256, c.bytes).where(
        c.municipality_id == unit.municipality_id, c.batch_id == batch_id
    )
    return [PackageFile(row.name, row.package, row.media_type, row.sha256, row.bytes) for row in await unit.execute(query.order_by(c.name))]


async def read_part(unit: UnitOfWork, keys: TownKeys, place: PiecePlace) -> bytes | None:
    """A piece of a file, None behind its end. Refuses when it does not open (SealBrokenError)."""
    c = package_part.c
    here = (c.municipality_id == unit.municipality_id, c.batch_id == place.batch_id, c.name == place.name, c.part == place.part)
    row = (await unit.execute(select(c.content, c.sealed_content).where(*here))).mappings().one_or_none()
    return None if row is None else await asyncio.to_thread(open_piece, keys, place, dict(row))

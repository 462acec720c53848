"""SQL of what reports come to: payments and batches under lock, their histories followed, states and postings written."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

import asyncpg

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.formats.bookings import Direction
from but_gateway.kit.ids import new_id, new_ids
from but_gateway.procedures.reconciliation import history
from but_gateway.procedures.reconciliation.model import PAID, Account, Outcome, Said, Source, State, Step
from but_gateway.registers.providers.change_store import PAYMENT, Change, tell_provider

_PAYMENT, _RETURN = "payment", "return"
_HANDED_OVER, _PARTLY_RETURNED = "handed_over", "partly_returned"


class LedgerBrokenError(Exception):
    """The ledger holds an execution that no entry stands for: nothing may be booked on top of it."""


@dataclass(frozen=True, slots=True)
class Histories:
    """Payments under lock, and all that was said of each of them."""

    accounts: list[Account]
    said: Mapping[UUID, list[Said]]

    def come_to(self, more: Iterable[Said]) -> dict[UUID, Outcome]:
        """What each payment comes to once ``more`` is said of it."""
        added: dict[UUID, list[Said]] = defaultdict(list)
        for one in more:
            added[one.payment_id].append(one)
        return {a.id: history.follow(a, [*self.said.get(a.id, ()), *added[a.id]]) for a in self.accounts}


async def lock_histories(unit: UnitOfWork, payment_ids: Collection[UUID]) -> Histories:
    """Locks payments and their batches: batches before payments, each in the order of their ids, as everybody does who changes them."""
    return Histories(await _lock_accounts(unit, payment_ids), await _load_said(unit, payment_ids))


async def write_outcomes(unit: UnitOfWork, histories: Histories, outcomes: Mapping[UUID, Outcome], step: Step) -> None:
    """Brings entries said before, the ledger, payments and batches to what the histories come to, and tells the providers."""
    await _write_marks(unit, histories.said, {entry: mark for outcome in outcomes.values() for entry, mark in outcome.marks.items()})
    await _post(unit, histories.accounts, outcomes, step)
    changed = [a for a in histories.accounts if _differs(a, outcomes[a.id])]
    await _move_payments(unit, changed, outcomes)
    moved = [a for a in changed if a.state != outcomes[a.id].state]
    await _move_batches(unit, {a.batch_id for a in moved}, step)
    tell_provider(unit, [Change(a.provider_id, step.at, PAYMENT, "remittance", a.id, {"state": outcomes[a.id].state}) for a in moved])


async def _lock_accounts(unit: UnitOfWork, payment_ids: Collection[UUID]) -> list[Account]:
    ids = list(payment_ids)
    await unit.driver.execute(
        """
        SELECT FROM settlement_batch b WHERE b.municipality_id = $1
          AND b.id IN (SELECT p.batch_id FROM payment p WHERE p.municipality_id = $1 AND p.id = ANY($2))
        ORDER BY b.id FOR NO KEY UPDATE
        """,
        unit.municipality_id,
        ids,
    )
    rows = await unit.driver.fetch(
        """
        SELECT p.id, p.batch_id, p.provider_id, p.net, p.state, p.paid_on, p.returned_on
        FROM payment p WHERE p.municipality_id = $1 AND p.id = ANY($2) ORDER BY p.id FOR NO KEY UPDATE
        """,
        unit.municipality_id,
        ids,
    )
    repeated = await unit.driver.fetch(
        """
        SELECT repeats_id FROM payment
        WHERE municipality_id = $1 AND repeats_id = ANY($2) AND state IN ('handed_over', 'paid', 'returned')
        """,
        unit.municipality_id,
        ids,
    )
    booked = await _load_booked(unit, {row["batch_id"] for row in rows}, ids)
    again = {row["repeats_id"] for row in repeated}
    return [
        Account(
            **row,
            repeated=row["id"] in again,
            paid=tuple(booked.get((row["id"], _PAYMENT), ())),
            returned=tuple(booked.get((row["id"], _RETURN), ())),
        )
        for row in rows
    ]


async def _load_booked(unit: UnitOfWork, batch_ids: Collection[UUID], payment_ids: list[UUID]) -> Mapping[tuple[UUID, str], list[date]]:
    """The days of what is in the ledger, by payment and kind, in the order of turns."""
    rows = await unit.driver.fetch(
        """
        SELECT DISTINCT payment_id, kind, turn, booked_on FROM posting
        WHERE municipality_id = $1 AND batch_id = ANY($2) AND payment_id = ANY($3) AND kind IN ('payment', 'return')
        ORDER BY payment_id, kind, turn
        """,
        unit.municipality_id,
        list(batch_ids),
        payment_ids,
    )
    booked: dict[tuple[UUID, str], list[date]] = defaultdict(list)
    for row in rows:
        booked[row["payment_id"], row["kind"]].append(row["booked_on"])
    return booked


async def _load_said(unit: UnitOfWork, payment_ids: Collection[UUID]) -> Mapping[UUID, list[Said]]:
    rows = await unit.driver.fetch(
        """
        SELECT id, payment_id, kind AS direction, source, booked_on, cents, whole, state, effective, return_reason
        FROM payment_entry WHERE municipality_id = $1 AND payment_id = ANY($2) ORDER BY id
        """,
        unit.municipality_id,
        list(payment_ids),
    )
    said: dict[UUID, list[Said]] = defaultdict(list)
    for row in rows:
        values = dict(row)
        said[row["payment_id"]].append(
            Said(**values | {"direction": Direction(row["direction"]), "source": Source(row["source"]), "state": State(row["state"])})
        )
    return said


async def _write_marks(unit: UnitOfWork, said: Mapping[UUID, list[Said]], marks: Mapping[UUID, tuple[State, bool]]) -> None:
    moved = [entry.id for entries in said.values() for entry in entries if (entry.state, entry.effective) != marks[entry.id]]
    if moved:
        await unit.driver.execute(
            """
            UPDATE payment_entry e SET state = x.state, effective = x.effective
            FROM unnest($2::uuid[], $3::text[], $4::boolean[]) AS x(id, state, effective)
            WHERE e.municipality_id = $1 AND e.id = x.id
            """,
            unit.municipality_id,
            moved,
            [marks[entry_id][0] for entry_id in moved],
            [marks[entry_id][1] for entry_id in moved],
        )


async def _post(unit: UnitOfWork, accounts: Sequence[Account], outcomes: Mapping[UUID, Outcome], step: Step) -> None:
    """Books what the ledger lacks: an execution per order, gross from ordered to bank and receipts back; a return is its negative."""
    wanted: list[tuple[UUID, str, int, date]] = []
    for account in accounts:
        outcome = outcomes[account.id]
        for kind, days, booked in ((_PAYMENT, outcome.paid, account.paid), (_RETURN, outcome.returned, account.returned)):
            try:
                lacking = history.missing(days, booked)
            except ValueError:
                raise LedgerBrokenError from None
            wanted += [(account.id, kind, turn, day) for turn, day in enumerate(lacking, len(booked) + 1)]
    if not wanted:
        return
    sides = await unit.driver.fetchval(_COUNT, unit.municipality_id, [payment for payment, _, _, _ in wanted])
    await unit.driver.execute(
        _BOOK,
        unit.municipality_id,
        step.at,
        new_ids(sides),
        *(list(column) for column in zip(*wanted, strict=True)),
    )


_COUNT: Final = """
    SELECT coalesce(sum((o.gross <> 0)::int + (o.receipts <> 0)::int), 0)::int
    FROM unnest($2::uuid[]) AS w(payment_id) JOIN payment_order o ON o.municipality_id = $1 AND o.payment_id = w.payment_id
"""
_BOOK: Final = """
    INSERT INTO posting (municipality_id, id, at, kind, debit, credit, cents, used, reserved, provider_id, legal_basis, benefit,
                         fiscal_year, batch_id, order_id, payment_id, booked_on, turn)
    SELECT $1, ($3::uuid[])[row_number() OVER (ORDER BY w.turn, w.kind, o.id, s.debit)], $2, w.kind, s.debit, s.credit,
           CASE w.kind WHEN 'return' THEN -s.cents ELSE s.cents END, 0, 0, p.provider_id, o.legal_basis, o.benefit, o.fiscal_year,
           p.batch_id, o.id, p.id, w.booked_on, w.turn
    FROM unnest($4::uuid[], $5::text[], $6::smallint[], $7::date[]) AS w(payment_id, kind, turn, booked_on)
    JOIN payment p ON p.municipality_id = $1 AND p.id = w.payment_id
    JOIN payment_order o ON o.municipality_id = $1 AND o.payment_id = p.id
    CROSS JOIN LATERAL (VALUES ('ordered', 'bank', o.gross), ('bank', 'ordered', o.receipts)) AS s(debit, credit, cents)
    WHERE s.cents <> 0
"""


def _differs(account: Account, outcome: Outcome) -> bool:
    return (account.state, account.paid_on, account.returned_on) != (outcome.state, outcome.paid_on, outcome.returned_on)


async def _move_payments(unit: UnitOfWork, accounts: Sequence[Account], outcomes: Mapping[UUID, Outcome]) -> None:
    if accounts:
        await unit.driver.execute(
            """
            UPDATE payment p SET state = x.state, paid_on = x.paid_on, returned_on = x.returned_on, return_reason = x.return_reason
            FROM unnest($2::uuid[], $3::text[], $4::date[], $5::date[], $6::text[]) AS x(id, state, paid_on, returned_on, return_reason)
            WHERE p.municipality_id = $1 AND p.id = x.id
            """,
            unit.municipality_id,
            [a.id for a in accounts],
            [outcomes[a.id].state for a in accounts],
            [outcomes[a.id].paid_on for a in accounts],
            [outcomes[a.id].returned_on for a in accounts],
            [outcomes[a.id].return_reason for a in accounts],
        )


async def _move_batches(unit: UnitOfWork, batch_ids: Collection[UUID], step: Step) -> None:
    rows = await unit.driver.fetch(
        """
        SELECT b.id, b.state, count(*) FILTER (WHERE p.state <> 'paid') AS unpaid, count(*) FILTER (WHERE p.state = 'returned') AS returned
        FROM settlement_batch b JOIN payment p ON p.municipality_id = b.municipality_id AND p.batch_id = b.id AND p.state <> 'left'
        WHERE b.municipality_id = $1 AND b.id = ANY($2) GROUP BY b.id, b.state ORDER BY b.id
        """,
        unit.municipality_id,
        list(batch_ids),
    )
    for row in rows:
        state = _batch_state(row)
        if state != row["state"]:
            await _move_batch(unit, row["id"], (row["state"], state), step)


def _batch_state(row: asyncpg.Record) -> str:
    """Paid when all is paid; partly returned from the first return until then."""
    if not row["unpaid"]:
        return PAID
    return _PARTLY_RETURNED if row["returned"] or row["state"] != _HANDED_OVER else _HANDED_OVER


async def _move_batch(unit: UnitOfWork, batch_id: UUID, states: tuple[str, str], step: Step) -> None:
    await unit.driver.execute(
        "UPDATE settlement_batch SET state = $3 WHERE municipality_id = $1 AND id = $2", unit.municipality_id, batch_id, states[1]
    )
    await unit.driver.execute(
        """
        INSERT INTO batch_step (municipality_id, id, batch_id, action, from_state, to_state, actor, at)
        VALUES ($1, $2, $3, 'reconcile', $4, $5, $6, $7)
        """,
        unit.municipality_id,
        new_id(),
        batch_id,
        *states,
        step.by,
        step.at,
    )
    await record(
        unit, at=step.at, actor=step.by, action="settlement.reconcile", object_type="settlement_batch", object_id=batch_id,
        payload={"from": states[0], "to": states[1]},
    )  # fmt: skip

"""SQL of adjudication: what rulings write, a fixed number of statements for any number of positions."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from but_gateway.db.session import UnitOfWork


async def count_decisions(unit: UnitOfWork, child_ids: Collection[UUID]) -> None:
    """Raises the children's decision_seq by one."""
    await unit.driver.execute(
        "UPDATE child SET decision_seq = decision_seq + 1 WHERE municipality_id = $1 AND id = ANY($2)",
        unit.municipality_id,
        sorted(child_ids),
    )


async def insert_parts(unit: UnitOfWork, hashes: list[bytes], bodies: list[str]) -> None:
    """Shared parts of facts, once by content. In order of their hashes, so that two invoices never wait for each other in a ring."""
    await unit.driver.execute(
        """
        INSERT INTO fact_part (municipality_id, hash, body)
        SELECT $1, h, b::jsonb FROM unnest($2::bytea[], $3::text[]) AS x(h, b) ORDER BY h ON CONFLICT DO NOTHING
        """,
        unit.municipality_id,
        hashes,
        bodies,
    )


async def insert_decisions(unit: UnitOfWork, at: datetime, columns: Sequence[list[Any]]) -> None:
    """Decisions, column by column in the order of the statement; JSON as text."""
    await unit.driver.execute(
        """
        INSERT INTO decision (municipality_id, id, position_id, provider_id, decided_at, decided_by, decision_seq, outcome, approved,
                              proposed, findings, allocations, rule_set, facts, reason)
        SELECT $1, id, position_id, provider_id, $2, decided_by, seq, outcome, approved, proposed, findings::jsonb, allocations::jsonb,
               rule_set, facts::jsonb, reason
        FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::bigint[], $8::text[], $9::bigint[], $10::bigint[],
                    $11::text[], $12::text[], $13::text[], $14::text[], $15::bytea[])
          AS x(id, position_id, provider_id, decided_by, seq, outcome, approved, proposed, findings, allocations, rule_set, facts, reason)
        """,
        unit.municipality_id,
        at,
        *columns,
    )


async def insert_states(unit: UnitOfWork, head: tuple[UUID, UUID, datetime], columns: Sequence[list[Any]]) -> None:
    """First states of new positions of one invoice; ``head``: the invoice, its provider, when it was received."""
    await unit.driver.execute(
        """
        INSERT INTO position_state (municipality_id, invoice_id, provider_id, received_at, corrected, by_person, position_id, line_id,
                                    entitlement_id, child_id, benefit, item, form, first_day, last_day, starts_at, ends_at, minutes,
                                    claimed, decision_id, outcome, approved, proposed)
        SELECT $1, $2, $3, $4, 0, false, *
        FROM unnest($5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::text[], $10::text[], $11::text[], $12::date[], $13::date[],
                    $14::smallint[], $15::smallint[], $16::int[], $17::bigint[], $18::uuid[], $19::text[], $20::bigint[], $21::bigint[])
        """,
        unit.municipality_id,
        *head,
        *columns,
    )


async def update_states(unit: UnitOfWork, columns: Sequence[list[Any]]) -> int:
    """New decisions of known positions: position, decision, outcome, approved, proposed, by person. Only where no live batch has them."""
    status: str = await unit.driver.execute(
        """
        UPDATE position_state s SET decision_id = x.decision_id, outcome = x.outcome, approved = x.approved, proposed = x.proposed,
               by_person = x.by_person
        FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::bool[])
          AS x(position_id, decision_id, outcome, approved, proposed, by_person)
        WHERE s.municipality_id = $1 AND s.position_id = x.position_id AND s.batch_id IS NULL
        """,
        unit.municipality_id,
        *columns,
    )
    return int(status.rsplit(maxsplit=1)[-1])


async def add_corrected(unit: UnitOfWork, position_ids: list[UUID], cents: list[int]) -> None:
    """Counts accepted corrections on the positions they correct. The table's CHECK refuses more than was approved."""
    await unit.driver.execute(
        """
        UPDATE position_state s SET corrected = s.corrected + x.cents FROM unnest($2::uuid[], $3::bigint[]) AS x(position_id, cents)
        WHERE s.municipality_id = $1 AND s.position_id = x.position_id
        """,
        unit.municipality_id,
        position_ids,
        cents,
    )


async def move_budgets(unit: UnitOfWork, grant_ids: list[UUID], used: list[int], reserved: list[int]) -> None:
    """Adds to the counters of grants. The table's CHECKs refuse an overdraft."""
    await unit.driver.execute(
        """
        UPDATE entitlement_grant g SET used = g.used + x.used, reserved = g.reserved + x.reserved
        FROM unnest($2::uuid[], $3::bigint[], $4::bigint[]) AS x(id, used, reserved) WHERE g.municipality_id = $1 AND g.id = x.id
        """,
        unit.municipality_id,
        grant_ids,
        used,
        reserved,
    )


async def insert_postings(unit: UnitOfWork, at: datetime, columns: Sequence[list[Any]]) -> None:
    """Postings of decisions: expenditure to payable, and units of budgets."""
    await unit.driver.execute(
        """
        INSERT INTO posting (municipality_id, at, kind, debit, credit, id, cents, used, reserved, provider_id, position_id, decision_id,
                             grant_id, grant_version, legal_basis, benefit, fiscal_year)
        SELECT $1, $2, 'decision', 'expenditure', 'payable', *
        FROM unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::uuid[], $8::uuid[], $9::uuid[], $10::uuid[], $11::int[],
                    $12::text[], $13::text[], $14::smallint[])
        """,
        unit.municipality_id,
        at,
        *columns,
    )


async def open_reviews(unit: UnitOfWork, at: datetime, columns: Sequence[list[Any]]) -> None:
    """Opens reviews: id, position, invoice, provider. One that is open already stays as it is."""
    await unit.driver.execute(
        """
        INSERT INTO review (municipality_id, state, opened_at, id, position_id, invoice_id, provider_id)
        SELECT $1, 'open', $2, * FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[])
        ON CONFLICT (municipality_id, position_id) WHERE state <> 'resolved' DO NOTHING
        """,
        unit.municipality_id,
        at,
        *columns,
    )


async def close_reviews(unit: UnitOfWork, at: datetime, position_ids: list[UUID], resolved_by: str | None) -> None:
    """Closes what is open for positions that are no longer under review."""
    await unit.driver.execute(
        """
        UPDATE review SET state = 'resolved', resolved_at = $3, resolved_by = $4
        WHERE municipality_id = $1 AND position_id = ANY($2) AND state <> 'resolved'
        """,
        unit.municipality_id,
        position_ids,
        at,
        resolved_by,
    )


async def delete_slots(unit: UnitOfWork, table: str, day: str, children: list[UUID], days: list[date]) -> None:
    """Frees lunch slots."""
    await unit.driver.execute(
        f"""DELETE FROM {table} s USING unnest($2::uuid[], $3::date[]) AS x(child_id, day)
        WHERE s.municipality_id = $1 AND s.child_id = x.child_id AND s.{day} = x.day""",  # noqa: S608 - constants of write.py
        unit.municipality_id,
        children,
        days,
    )


async def insert_slots(unit: UnitOfWork, table: str, day: str, columns: Sequence[list[Any]]) -> None:
    """Takes lunch slots. A plain INSERT: where one is taken already, the primary key fails the whole transaction."""
    await unit.driver.execute(
        f"""INSERT INTO {table} (municipality_id, child_id, {day}, position_id, provider_id, facility_id, state, rival_position_id,
                               rival_provider_id, rival_facility_id)
        SELECT $1, *
        FROM unnest($2::uuid[], $3::date[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::uuid[], $9::uuid[], $10::uuid[])""",  # noqa: S608 - as above
        unit.municipality_id,
        *columns,
    )


async def update_slots(unit: UnitOfWork, table: str, day: str, columns: Sequence[list[Any]]) -> None:
    """Changes who holds or contests lunch slots."""
    await unit.driver.execute(
        f"""UPDATE {table} s SET position_id = x.position_id, provider_id = x.provider_id, facility_id = x.facility_id,
               state = x.state, rival_position_id = x.rival_position_id, rival_provider_id = x.rival_provider_id,
               rival_facility_id = x.rival_facility_id
        FROM unnest($2::uuid[], $3::date[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::uuid[], $9::uuid[], $10::uuid[])
          AS x(child_id, day, position_id, provider_id, facility_id, state, rival_position_id, rival_provider_id, rival_facility_id)
        WHERE s.municipality_id = $1 AND s.child_id = x.child_id AND s.{day} = x.day""",  # noqa: S608 - as above
        unit.municipality_id,
        *columns,
    )


async def insert_proofs(unit: UnitOfWork, provider_ids: list[UUID], proofs: list[str], position_ids: list[UUID]) -> None:
    """Remembers proofs; the first use stays."""
    await unit.driver.execute(
        """
        INSERT INTO used_proof (municipality_id, provider_id, proof, position_id)
        SELECT $1, p, n, s FROM unnest($2::uuid[], $3::text[], $4::uuid[]) AS x(p, n, s) ORDER BY p, n ON CONFLICT DO NOTHING
        """,
        unit.municipality_id,
        provider_ids,
        proofs,
        position_ids,
    )


async def delete_proofs(unit: UnitOfWork, position_ids: list[UUID]) -> None:
    """Frees the proofs of positions that are no longer live."""
    await unit.driver.execute(
        "DELETE FROM used_proof WHERE municipality_id = $1 AND position_id = ANY($2)", unit.municipality_id, position_ids
    )

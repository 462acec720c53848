"""SQL of reviews as deciding needs it: which are open, what was asked and objected."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.procedures.adjudication.store import Rows


async def find_reviews(unit: UnitOfWork, review_ids: Collection[UUID]) -> Rows:
    """Reviews with id, position and state, as they are now; no lock: whoever decides holds the positions'."""
    rows: Rows = await unit.driver.fetch(
        "SELECT id, position_id, state FROM review WHERE municipality_id = $1 AND id = ANY($2) ORDER BY id",
        unit.municipality_id,
        list(review_ids),
    )
    return rows


async def open_reviews_of(unit: UnitOfWork, position_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The open review of each position that has one."""
    rows = await unit.driver.fetch(
        "SELECT position_id, id FROM review WHERE municipality_id = $1 AND position_id = ANY($2) AND state <> 'resolved'",
        unit.municipality_id,
        list(position_ids),
    )
    return {row["position_id"]: row["id"] for row in rows}


async def ask(unit: UnitOfWork, review_ids: list[UUID], questions: list[bytes]) -> None:
    """Notes the clerk's questions to the provider, sealed."""
    await unit.driver.execute(
        """
        UPDATE review r SET state = 'query', query = x.question FROM unnest($2::uuid[], $3::bytea[]) AS x(id, question)
        WHERE r.municipality_id = $1 AND r.id = x.id
        """,
        unit.municipality_id,
        review_ids,
        questions,
    )


async def note_objections(unit: UnitOfWork, review_ids: list[UUID], texts: list[bytes]) -> None:
    """Notes the provider's words on the reviews they opened, sealed."""
    await unit.driver.execute(
        """
        UPDATE review r SET objection = x.words FROM unnest($2::uuid[], $3::bytea[]) AS x(id, words)
        WHERE r.municipality_id = $1 AND r.id = x.id
        """,
        unit.municipality_id,
        review_ids,
        texts,
    )


async def count_objections(unit: UnitOfWork, position_ids: Collection[UUID]) -> dict[UUID, int]:
    """How often each position was objected to; those never objected to are left out."""
    rows = await unit.driver.fetch(
        "SELECT position_id, count(*) FROM review WHERE municipality_id = $1 AND position_id = ANY($2) AND objection IS NOT NULL"
        " GROUP BY position_id",
        unit.municipality_id,
        list(position_ids),
    )
    return {row["position_id"]: row["count"] for row in rows}


async def reopen(unit: UnitOfWork, at: datetime, review_ids: list[UUID], position_ids: list[UUID]) -> None:
    """Opens reviews of positions whose decision stands, unless one is open."""
    await unit.driver.execute(
        """
        INSERT INTO review (municipality_id, state, opened_at, id, position_id, invoice_id, provider_id)
        SELECT $1, 'open', $2, x.id, s.position_id, s.invoice_id, s.provider_id
        FROM unnest($3::uuid[], $4::uuid[]) AS x(id, position_id)
        JOIN position_state s ON s.municipality_id = $1 AND s.position_id = x.position_id
        ON CONFLICT (municipality_id, position_id) WHERE state <> 'resolved' DO NOTHING
        """,
        unit.municipality_id,
        at,
        review_ids,
        position_ids,
    )


async def load_facts(unit: UnitOfWork, decision_ids: Collection[UUID]) -> dict[UUID, Mapping[str, Any]]:
    """The stored facts of decisions; those that keep none are left out."""
    rows = await unit.driver.fetch(
        "SELECT id, facts FROM decision WHERE municipality_id = $1 AND id = ANY($2) AND facts IS NOT NULL",
        unit.municipality_id,
        list(decision_ids),
    )
    return {row["id"]: row["facts"] for row in rows}


async def load_parts(unit: UnitOfWork, hashes: Collection[bytes]) -> dict[bytes, Mapping[str, Any]]:
    """Shared parts of facts by their hash."""
    rows = await unit.driver.fetch(
        "SELECT hash, body FROM fact_part WHERE municipality_id = $1 AND hash = ANY($2)", unit.municipality_id, list(hashes)
    )
    return {bytes(row["hash"]): row["body"] for row in rows}

"""What holds after every test that writes: the invariants, and that each decision by rule recomputes from the facts it stores."""

import json

import asyncpg

from but_gateway.audit.invariants import violations
from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.procedures.adjudication.dossier import part_hashes, read_facts
from but_gateway.rules.catalogue import RULE_SET
from but_gateway.rules.evaluate import evaluate


async def assert_sound(database_url: str, town: str) -> None:
    """No violation anywhere in the database, and the town's decisions recompute."""
    connection = await asyncpg.connect(asyncpg_dsn(database_url))
    try:
        found = await violations(connection)
        assert not found, found
        await assert_recomputes(connection, town)
    finally:
        await connection.close()


async def assert_recomputes(connection: asyncpg.Connection, town: str) -> int:
    """Decides every stored decision of a town again from its stored facts; answers how many there were."""
    await connection.set_type_codec("jsonb", encoder=str, decoder=json.loads, schema="pg_catalog")
    town_id = await connection.fetchval("SELECT id FROM municipality WHERE key = $1", town)
    decisions = await connection.fetch(
        "SELECT d.*, p.corrects_id, p.claimed FROM decision d JOIN position p ON p.municipality_id = d.municipality_id "
        "AND p.id = d.position_id WHERE d.municipality_id = $1 AND d.rule_set IS NOT NULL",
        town_id,
    )
    parts = {
        bytes(r["hash"]): r["body"] for r in await connection.fetch("SELECT hash, body FROM fact_part WHERE municipality_id = $1", town_id)
    }
    for row in decisions:
        assert row["rule_set"] == RULE_SET
        context = parts[part_hashes(row["facts"])[0]]
        assert all(h in parts for h in part_hashes(row["facts"], context))
        facts = read_facts(row["facts"], parts)
        verdict = evaluate(facts)
        findings = [[f.rule, int(f.effect), f.values, f.payable] for f in verdict.findings]
        assert (verdict.outcome, verdict.approved, verdict.proposed, findings) == (
            row["outcome"],
            row["approved"],
            row["proposed"],
            row["findings"],
        )
        if row["corrects_id"] is None:
            borne = [[facts.grants[a.grant].ref, a.cents, a.units] for a in verdict.allocations]
            assert borne == [[grant, cents, units] for grant, _, _, cents, units in row["allocations"]]
    return len(decisions)

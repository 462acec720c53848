"""What must be found after a storm: all invariants, all that clients were told, and no effect without its record or record without it."""

import hashlib
import json
from typing import Any, Final

import asyncpg

from but_gateway.audit.invariants import violations
from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.kit.money import parse_money
from tests.crash.memory import Told
from tests.crash.town import Town, actor
from tests.procedures.adjudication.soundness import assert_recomputes

JSON = Any
# Written when a register is put or changes are read, which may be repeated without a key, or when a report of the bank moves a batch:
# how often cannot be known from outside.
UNCOUNTED: Final = ("provider.", "agreement.", "facility.", "settings.", "register.", "changes.", "settlement.reconcile")
SHOWN_MAX: Final = 300


async def check_database(url: str, towns: list[Town]) -> list[str]:
    """What is wrong in the database, given what the towns' people were told."""
    connection = await asyncpg.connect(asyncpg_dsn(url))
    try:
        found = [f"invariant {name}: {rows[0]}"[:SHOWN_MAX] for name, rows in (await violations(connection)).items()]
        for town in towns:
            for check in (_records, _effects, _checks, _invoices, _imports, _payments_told, _decisions_told, _serials, _prices):
                found += [f"{town.key}: {fault}"[:SHOWN_MAX] for fault in await check(connection, town)]
        for town in towns:
            try:
                await assert_recomputes(connection, town.key)
            except AssertionError as error:
                found.append(f"{town.key}: a decision does not recompute: {error}"[:SHOWN_MAX])
    finally:
        await connection.close()
    return found


async def _records(connection: asyncpg.Connection, town: Town) -> list[str]:
    """Every acknowledged key has its record with that status, and there is no record that nobody was told of."""
    rows = await connection.fetch(
        "SELECT client_id, key, status FROM idempotency_record WHERE client_id = ANY($1)",
        [f"{town.key}-{who}" for who in town.client.callers],
    )
    kept = {(row["client_id"], row["key"]): row["status"] for row in rows}
    keyed = [one for one in town.memory.told if not one.wish.path.startswith("/eligibility-checks")]
    told = {(f"{town.key}-{one.wish.who}", one.key): one.status for one in keyed}
    faults = [f"told and not recorded: {key}" for key in told.keys() - kept.keys()]
    faults += [f"recorded and never told: {key}" for key in kept.keys() - told.keys()]
    return faults + [f"recorded otherwise than told: {key}" for key in told.keys() & kept.keys() if told[key] != kept[key]]


async def _effects(connection: asyncpg.Connection, town: Town) -> list[str]:
    """The audit record says that each was done as often as its clients were told."""
    people = {actor(town, who): who for who in town.client.callers}
    rows = await connection.fetch(
        "SELECT actor, action, count(*) AS times FROM audit_event WHERE actor = ANY($1) GROUP BY 1, 2", list(people)
    )
    done = {(people[row["actor"]], row["action"]): row["times"] for row in rows if not row["action"].startswith(UNCOUNTED)}
    told = {key: times for key, times in town.memory.effects.items() if times}
    return [
        f"{who} did {action} {done.get((who, action), 0)} times and was told of {told.get((who, action), 0)}"
        for who, action in sorted(done.keys() | told.keys())
        if done.get((who, action), 0) != told.get((who, action), 0)
    ]


async def _checks(connection: asyncpg.Connection, town: Town) -> list[str]:
    """Every check that was answered stands in the access log, once, with that answer."""
    rows = await connection.fetch("SELECT id::text AS id, confirmed FROM access_log WHERE id = ANY($1::uuid[])", list(town.memory.checks))
    logged = [(row["id"], row["confirmed"]) for row in rows]
    return [f"check {one} is not in the access log as it was answered" for one in town.memory.checks.items() if logged.count(one) != 1]


async def _invoices(connection: asyncpg.Connection, town: Town) -> list[str]:
    """Every acknowledged invoice stands with its lines, and the first decision of each is what was answered."""
    rows = await connection.fetch(
        """
        SELECT i.id::text AS id, i.number, l.line_no, count(*) AS positions, sum(p.claimed)::bigint AS claimed,
               sum(d.approved)::bigint AS approved
        FROM invoice i
        JOIN municipality m ON m.id = i.municipality_id AND m.key = $1
        JOIN invoice_line l ON l.municipality_id = i.municipality_id AND l.invoice_id = i.id
        JOIN position p ON p.municipality_id = l.municipality_id AND p.line_id = l.id
        JOIN LATERAL (SELECT d.approved FROM decision d WHERE d.municipality_id = p.municipality_id AND d.position_id = p.id
                      ORDER BY d.id LIMIT 1) d ON true
        WHERE i.kind = 'invoice' GROUP BY 1, 2, 3
        """,
        town.key,
    )
    stored = {(row["id"], row["line_no"]): (row["number"], row["positions"], row["claimed"], row["approved"]) for row in rows}
    told = {
        (answer["id"], line["line_no"]): (
            answer["number"], len(sent.get("service_dates", ())) or 1, parse_money(line["claimed"]), parse_money(line["approved"])
        )
        for one in town.invoices.values() for answer in (one["answer"],)
        for line, sent in zip(answer["lines"], one["lines"], strict=True)
    }  # fmt: skip
    keys = sorted(stored.keys() | told.keys())
    return [f"invoice {key}: stored {stored.get(key)}, told {told.get(key)}" for key in keys if stored.get(key) != told.get(key)]


async def _imports(connection: asyncpg.Connection, town: Town) -> list[str]:
    """Every large import is done, and all of its rows are there; so are those of the small ones."""
    rows = await connection.fetch(
        "SELECT id::text AS id, state, report::text AS report FROM grant_import WHERE id = ANY($1)", list(town.jobs)
    )
    states = {row["id"]: (row["state"], json.loads(row["report"])["created"]) for row in rows}
    wanted = {job: ("done", len(entitlements)) for job, entitlements in town.jobs.items()}
    faults = [f"import {job}: {states.get(job)} instead of {wanted[job]}" for job in wanted if states.get(job) != wanted[job]]
    keys = {key for entitlements in town.jobs.values() for key in entitlements} | set(town.rows)
    rows = await connection.fetch(
        "SELECT g.key FROM entitlement_grant g JOIN municipality m ON m.id = g.municipality_id AND m.key = $1 WHERE g.key = ANY($2)",
        town.key, list(keys),
    )  # fmt: skip
    return faults + [f"the grant {key} is lost" for key in keys - {row["key"] for row in rows}]


async def _payments_told(connection: asyncpg.Connection, town: Town) -> list[str]:
    """Every provider was told of its payment in every batch that was handed over."""
    rows = await connection.fetch(
        """
        SELECT p.id FROM payment p JOIN municipality m ON m.id = p.municipality_id AND m.key = $1
        WHERE p.state IN ('handed_over', 'paid', 'returned') AND (
          SELECT count(*) FROM provider_change c WHERE c.municipality_id = p.municipality_id AND c.provider_id = p.provider_id
            AND c.kind = 'payment' AND c.subject_id = p.id AND c.details->>'state' = 'handed_over') <> 1
        """,
        town.key,
    )
    return [f"the provider was not told once of its payment {row['id']}" for row in rows]


async def _decisions_told(connection: asyncpg.Connection, town: Town) -> list[str]:
    """Every provider was told of each decision about a day that was decided otherwise before."""
    rows = await connection.fetch(
        """
        WITH d AS (
          SELECT d.municipality_id, d.position_id, (d.outcome, d.approved, d.proposed) IS DISTINCT FROM
                 lag((d.outcome, d.approved, d.proposed)) OVER w AS is_new, row_number() OVER w AS nth, d.outcome
          FROM decision d JOIN municipality m ON m.id = d.municipality_id AND m.key = $1
          WINDOW w AS (PARTITION BY d.position_id ORDER BY coalesce(d.decision_seq, 0), d.id)
        ), due AS (
          SELECT municipality_id, position_id, count(*) AS due FROM d WHERE nth > 1 AND is_new AND outcome <> 'cancelled' GROUP BY 1, 2
        )
        SELECT due.position_id, due.due, c.told FROM due
        JOIN position_state s ON s.municipality_id = due.municipality_id AND s.position_id = due.position_id AND s.form = 'day'
        JOIN invoice_line l ON l.municipality_id = s.municipality_id AND l.id = s.line_id
        CROSS JOIN LATERAL (
          SELECT count(*) AS told FROM provider_change c
          WHERE c.municipality_id = s.municipality_id AND c.provider_id = s.provider_id AND c.kind = 'decision'
            AND c.subject_id = s.invoice_id AND c.details->>'line_no' = l.line_no::text AND c.details->>'service_date' = s.first_day::text
        ) c
        WHERE c.told < due.due
        """,
        town.key,
    )
    return [f"the provider was not told of a new decision: {dict(row)}" for row in rows]


async def _serials(connection: asyncpg.Connection, town: Town) -> list[str]:
    """What changed for a provider is numbered without a gap."""
    rows = await connection.fetch(
        """
        SELECT k.provider_id, k.last_serial, c.changes, c.last
        FROM change_counter k JOIN municipality m ON m.id = k.municipality_id AND m.key = $1
        CROSS JOIN LATERAL (SELECT count(*) AS changes, coalesce(max(serial), 0) AS last FROM provider_change c
                            WHERE c.municipality_id = k.municipality_id AND c.provider_id = k.provider_id) c
        WHERE k.last_serial <> c.changes OR k.last_serial <> c.last
        """,
        town.key,
    )
    return [f"changes with gaps: {dict(row)}" for row in rows]


async def _prices(connection: asyncpg.Connection, town: Town) -> list[str]:
    """What is open was decided again after the last change of the price, for no re-decision is under way any more."""
    (price,) = [parse_money(one["unit_price"]) for one in town.registers["/agreements/c1"]["prices"] if one["valid_from"] <= "2026-01-01"]
    if len(town.registers["/agreements/c1"]["prices"]) != 1:
        return []
    rows = await connection.fetch(
        """
        SELECT s.position_id, s.approved, s.claimed FROM position_state s
        JOIN municipality m ON m.id = s.municipality_id AND m.key = $1
        JOIN provider p ON p.municipality_id = s.municipality_id AND p.id = s.provider_id AND p.key = 'c1'
        WHERE s.benefit = 'lunch' AND s.outcome IN ('accepted', 'reduced') AND NOT s.by_person AND s.batch_id IS NULL AND s.corrected = 0
          AND s.claimed > 0 AND s.approved <> least(s.claimed, $2)
          AND NOT EXISTS (SELECT FROM order_item i WHERE i.municipality_id = s.municipality_id AND i.position_id = s.position_id)
        """,
        town.key, price,
    )  # fmt: skip
    return [f"not decided again at {price} cents: {dict(row)}" for row in rows]


async def check_answers(town: Town) -> list[str]:
    """Everybody repeats what they asked for, and fetches their files again: the same answers, byte for byte."""
    faults = []
    for one in town.memory.told:
        if one.wish.path.startswith("/eligibility-checks"):
            continue
        again = await town.client.ask(one.wish, one.key)
        if not isinstance(again, Told) or (again.status, again.content) != (one.status, one.content):
            faults.append(f"{town.key}: another answer to the same key: {one.wish.method} {one.wish.path} of {one.wish.who}")
    for path, (who, content) in town.memory.files.items():
        answer = await town.client.read(who, path)
        if answer is None or answer.content != content:
            faults.append(f"{town.key}: other bytes than before: {path} ({hashlib.sha256(content).hexdigest()[:12]})")
    for path, body in town.registers.items():
        shown = await town.client.document("registrar", path)
        if other := [name for name, value in body.items() if not _holds(shown.get(name), value)]:
            faults.append(f"{town.key}: the register {path} is not what was put: {', '.join(other)}")
    return faults


def _holds(shown: JSON, put: JSON) -> bool:
    """Whether what is shown says all that was put; it may say more (what has a default)."""
    if isinstance(put, dict):
        return isinstance(shown, dict) and all(_holds(shown.get(name), value) for name, value in put.items())
    if isinstance(put, list):
        return isinstance(shown, list) and len(shown) == len(put) and all(map(_holds, shown, put))
    return bool(shown == put)

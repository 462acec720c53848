"""SQL of the short way (express.py): two statements read, one writes, for any number of checks of one town, in one transaction.

What store.py reads and writes plainly is here put together, for every statement is a round trip that all checks of a round wait for.
"""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import asyncpg

from but_gateway.procedures.eligibility import store
from but_gateway.procedures.eligibility.model import Verdict
from but_gateway.registers.entitlements.coverage import Offer
from but_gateway.registers.entitlements.guard_store import Driver, Tally
from but_gateway.registers.entitlements.model import GrantRecord
from but_gateway.registers.entitlements.notification_store import NOTIFIED_OF_GRANT
from but_gateway.registers.entitlements.store import GRANT_COLUMNS

# What store.read_terms reads, and which providers of the town the accounts $2 are. Providers $3 are known already.
_TERMS: Final = """
WITH provider AS MATERIALIZED (
  SELECT x.key, t.provider_id FROM unnest($2::text[]) AS asked (key)
  JOIN account x ON x.key = asked.key JOIN account_town t ON t.account_id = x.id AND t.municipality_id = $1
)
SELECT (SELECT s.body ->> 'protect_good_faith' FROM settings s WHERE s.municipality_id = $1),
  (SELECT json_object_agg(f.key, f.id)::text FROM unnest($4::text[]) AS asked (key)
   CROSS JOIN LATERAL (SELECT * FROM facility WHERE municipality_id = $1 AND key = asked.key OFFSET 0) f),
  (SELECT json_agg(json_build_array(a.provider_id, a.key, a.benefit, a.facility_ids, a.valid_from, a.valid_to,
      (SELECT json_agg(json_build_array(p.item, p.valid_from, p.unit_price)) FROM agreement_price p
       WHERE p.municipality_id = $1 AND p.agreement_id = a.id)))::text
   FROM unnest($3::uuid[] || ARRAY(SELECT p.provider_id FROM provider p)) AS asked (provider_id)
   CROSS JOIN LATERAL (SELECT * FROM agreement WHERE municipality_id = $1 AND provider_id = asked.provider_id OFFSET 0) a),
  (SELECT json_object_agg(p.key, p.provider_id)::text FROM provider p)
"""
# What store.read_numbers and store.read_grants read: one row for each grant of a known number, one without a grant where there is none.
# OFFSET 0: see there.
_NUMBERS: Final = f"""
SELECT n.number_index, n.lost_on, e.id, e.benefit, e.information_allowed, c.id, c.date_of_birth,
  ARRAY(SELECT f.provider_id FROM number_freeze f WHERE f.municipality_id = $1 AND f.provider_id = ANY($3::uuid[])
        AND f.entitlement_id = e.id AND f.frozen_at IS NOT NULL),
  ARRAY(SELECT l.provider_id FROM provider_link l WHERE l.municipality_id = $1 AND l.entitlement_id = e.id
        AND l.provider_id = ANY($3::uuid[])),
  CASE WHEN v.revoked_from IS NOT NULL THEN (
    SELECT json_object_agg(n.provider_id, n.notified_on)::text FROM ({NOTIFIED_OF_GRANT}) n) END,
  {GRANT_COLUMNS}
FROM unnest($2::bytea[]) AS asked (number_index)
CROSS JOIN LATERAL (SELECT * FROM entitlement_number WHERE municipality_id = $1 AND number_index = asked.number_index OFFSET 0) n
JOIN entitlement e ON e.municipality_id = $1 AND e.id = n.entitlement_id
JOIN child c ON c.municipality_id = $1 AND c.id = e.child_id
LEFT JOIN entitlement_grant g ON g.municipality_id = $1 AND g.entitlement_id = e.id
LEFT JOIN grant_version v ON v.municipality_id = $1 AND v.grant_id = g.id AND v.version = g.current_version
"""  # noqa: S608 - constants of the register's stores
_READ_BY, _GRANT = 9, 10  # where in such a row: who has read of a revocation; the first column of the grant
# What the guard counts, and the access log. First the tallies of clients, then the numbers, in the order in which everybody takes them:
# the numbers wait for the count of the tallies. What a statement of the guard does, it does here too.
_RECORD: Final = """
WITH tally AS (
  INSERT INTO identity_tally AS t (municipality_id, client_id, day, rows, failures, locked)
  SELECT $1, c, d, r, f, false FROM unnest($2::text[], $3::date[], $4::int[], $5::int[]) AS new (c, d, r, f) ORDER BY c, d
  ON CONFLICT (municipality_id, client_id, day) DO UPDATE SET rows = t.rows + excluded.rows, failures = t.failures + excluded.failures
  RETURNING t.client_id, t.day, t.rows, t.failures, t.locked
), wrong AS (
  INSERT INTO number_freeze AS f (municipality_id, provider_id, entitlement_id, wrong_birth_dates)
  SELECT $1, p, e, n FROM unnest($6::uuid[], $7::uuid[], $8::int[]) AS new (p, e, n)
  WHERE (SELECT count(*) FROM tally) > 0 ORDER BY p, e
  ON CONFLICT (municipality_id, provider_id, entitlement_id)
  DO UPDATE SET wrong_birth_dates = f.wrong_birth_dates + excluded.wrong_birth_dates
  RETURNING f.provider_id, f.entitlement_id, f.wrong_birth_dates, f.frozen_at
), log AS (
  INSERT INTO access_log (municipality_id, id, at, client_id, provider_id, entitlement_id, benefit, first_day, last_day, facility_id,
    confirmed, cause, periods)
  SELECT $1, r.i, r.a, r.c, r.p, r.e, r.b, r.f, r.l, r.y, r.ok, r.w, r.d::jsonb
  FROM unnest($9::uuid[], $10::timestamptz[], $11::text[], $12::uuid[], $13::uuid[], $14::text[], $15::date[], $16::date[],
    $17::uuid[], $18::bool[], $19::text[], $20::text[]) AS r (i, a, c, p, e, b, f, l, y, ok, w, d)
)
SELECT client_id, day, rows, failures, locked, NULL::uuid, NULL::uuid FROM tally
UNION ALL
SELECT NULL, NULL, wrong_birth_dates, NULL, NULL, provider_id, entitlement_id FROM wrong WHERE frozen_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """What the guard's tables say after a round: sums by client and day, wrong birth dates by provider and entitlement not yet frozen."""

    tallies: dict[tuple[str, date], Tally]
    wrong: dict[tuple[UUID, UUID], int]


async def read_terms(
    driver: Driver, town: UUID, accounts: Collection[str], providers: Collection[UUID], facility_keys: Collection[str]
) -> tuple[store.Terms, dict[str, UUID]]:
    """Settings, facilities and agreements that the checks need, and the provider records of accounts."""
    row = await driver.fetchrow(_TERMS, town, list(accounts), list(providers), list(facility_keys))
    return store.Terms(row[0] != "false", _ids(row[1]), _offers(row[2])), _ids(row[3])


@lru_cache(maxsize=256)
def _ids(text: str | None) -> dict[str, UUID]:
    """Ids by key. The same text is the same ids: nothing is remembered that was not read just now. Not to be changed."""
    return {key: UUID(one) for key, one in json.loads(text or "{}").items()}


@lru_cache(maxsize=256)
def _offers(text: str | None) -> dict[UUID, list[Offer]]:
    """Offers by provider; remembered like ids."""
    return store.offers_of(text)


async def read_numbers(
    driver: Driver, town: UUID, indexes: Collection[bytes], providers: Collection[UUID]
) -> tuple[dict[bytes, store.Known], store.Grants]:
    """The known numbers with freezes and links of these providers, and the current versions of their grants."""
    known: dict[bytes, store.Known] = {}
    by_number: dict[bytes, list[GrantRecord]] = {}
    grants = store.Grants({}, {})
    for row in await driver.fetch(_NUMBERS, town, list(indexes), list(providers)):
        index, lost_on, entitlement, benefit, allowed, child, born, frozen, linked = row[:_READ_BY]
        if index not in known:
            known[index] = store.Known(entitlement, benefit, allowed, lost_on, child, born, frozen, linked)
            # Of two numbers of one entitlement the later read one says the same again.
            by_number[index] = grants.by_entitlement[entitlement] = []
        if row[_GRANT] is not None:
            by_number[index].append(_grant(row[_GRANT:]))
            if row[_READ_BY] is not None:
                grants.note_readers(row[_GRANT], row[_READ_BY])
    return known, grants


def _grant(columns: Sequence[Any]) -> GrantRecord:
    """The grant of ``GRANT_COLUMNS``, whose order is that of the record's fields."""
    *head, subjects, form, revoked_from, notified_on, flags, used, reserved = columns
    return GrantRecord(*(*head, tuple(subjects), form, revoked_from, notified_on, tuple(flags), used, reserved))


async def record(
    driver: Driver,
    town: UUID,
    counts: Sequence[tuple[str, date, int, int]],
    wrong: Sequence[tuple[UUID, UUID]],
    verdicts: Sequence[Verdict],
) -> Counted:
    """Counts for the guard (``counts_of`` and ``wrong_birth_dates_of`` there) and logs: one statement, the same whatever was asked."""
    tallied = sorted(Counter(wrong).items())
    columns = [p for (p, _), _ in tallied], [e for (_, e), _ in tallied], [n for _, n in tallied]
    rows: list[asyncpg.Record] = await driver.fetch(_RECORD, town, *zip(*counts, strict=True), *columns, *store.log_columns(verdicts))
    counted = Counted({}, {})
    for client, day, first, failures, locked, provider, entitlement in rows:
        if client is not None:
            counted.tallies[client, day] = Tally(first, failures, locked)
        else:
            counted.wrong[provider, entitlement] = first
    return counted

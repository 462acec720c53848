"""SQL of checks, straight to asyncpg: a fixed number of statements for any number of checks, all of one town, in one transaction."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final
from uuid import UUID

from but_gateway.kit.period import DayRange
from but_gateway.procedures.eligibility.model import Verdict
from but_gateway.registers.entitlements.coverage import Offer
from but_gateway.registers.entitlements.guard_store import Driver
from but_gateway.registers.entitlements.model import GrantRecord
from but_gateway.registers.entitlements.notification_store import NOTIFIED_OF_GRANT, earlier
from but_gateway.registers.entitlements.store import GRANT_COLUMNS, grant_of
from but_gateway.rules.facts import DatedPrice

# OFFSET 0 keeps the order: each value asked for is looked up by the whole key. Of tables that were just filled the planner knows nothing;
# it would take a town for five rows, read all of it and look through what was asked.
_NUMBERS: Final = """
SELECT n.number_index, n.lost_on, e.id AS entitlement_id, e.benefit, e.information_allowed, c.id AS child_id, c.date_of_birth,
  ARRAY(SELECT f.provider_id FROM number_freeze f WHERE f.municipality_id = $1 AND f.provider_id = ANY($3::uuid[])
        AND f.entitlement_id = e.id AND f.frozen_at IS NOT NULL) AS frozen_for,
  ARRAY(SELECT l.provider_id FROM provider_link l WHERE l.municipality_id = $1 AND l.entitlement_id = e.id
        AND l.provider_id = ANY($3::uuid[])) AS linked_with
FROM unnest($2::bytea[]) AS asked (number_index)
CROSS JOIN LATERAL (SELECT * FROM entitlement_number WHERE municipality_id = $1 AND number_index = asked.number_index OFFSET 0) n
JOIN entitlement e ON e.municipality_id = $1 AND e.id = n.entitlement_id
JOIN child c ON c.municipality_id = $1 AND c.id = e.child_id
"""
# Who has read of a revocation knows it from that day on; asked for revoked grants only, in the same statement for all.
_GRANTS: Final = f"""
SELECT {GRANT_COLUMNS}, CASE WHEN v.revoked_from IS NOT NULL THEN (
    SELECT json_object_agg(n.provider_id, n.notified_on)::text FROM ({NOTIFIED_OF_GRANT}) n) END AS read_by
FROM unnest($2::uuid[]) AS asked (entitlement_id)
CROSS JOIN LATERAL (SELECT * FROM entitlement_grant WHERE municipality_id = $1 AND entitlement_id = asked.entitlement_id OFFSET 0) g
JOIN grant_version v ON v.municipality_id = $1 AND v.grant_id = g.id AND v.version = g.current_version
"""  # noqa: S608 - a constant of the register's store
# As text: connections of SQLAlchemy's pool open JSON themselves, those of the fast one do not.
_TERMS: Final = """
SELECT (SELECT s.body ->> 'protect_good_faith' FROM settings s WHERE s.municipality_id = $1),
  (SELECT json_object_agg(f.key, f.id)::text FROM facility f WHERE f.municipality_id = $1 AND f.key = ANY($3::text[])),
  (SELECT json_agg(json_build_array(a.provider_id, a.key, a.benefit, a.facility_ids, a.valid_from, a.valid_to,
      (SELECT json_agg(json_build_array(p.item, p.valid_from, p.unit_price)) FROM agreement_price p
       WHERE p.municipality_id = $1 AND p.agreement_id = a.id)))::text
   FROM agreement a WHERE a.municipality_id = $1 AND a.provider_id = ANY($2::uuid[]))
"""
_LOG: Final = """
INSERT INTO access_log (municipality_id, id, at, client_id, provider_id, entitlement_id, benefit, first_day, last_day, facility_id,
  confirmed, cause, periods)
SELECT $1, r.i, r.a, r.c, r.p, r.e, r.b, r.f, r.l, r.y, r.ok, r.w, r.d::jsonb
FROM unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::uuid[], $6::uuid[], $7::text[], $8::date[], $9::date[],
  $10::uuid[], $11::bool[], $12::text[], $13::text[]) AS r (i, a, c, p, e, b, f, l, y, ok, w, d)
"""
_LINK: Final = """
INSERT INTO provider_link (municipality_id, provider_id, entitlement_id, linked_at)
SELECT $1, r.* FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) AS r (p, e, a) ORDER BY p, e
ON CONFLICT DO NOTHING
"""
_LINKED_ENTITLEMENTS: Final = """
SELECT e.id, e.benefit, e.child_id, c.date_of_birth
FROM provider_link l
JOIN entitlement e ON e.municipality_id = l.municipality_id AND e.id = l.entitlement_id
JOIN child c ON c.municipality_id = e.municipality_id AND c.id = e.child_id
WHERE l.municipality_id = $1 AND l.provider_id = $2 AND e.information_allowed AND ($3::uuid IS NULL OR l.entitlement_id > $3)
  AND NOT EXISTS (SELECT 1 FROM number_freeze f WHERE f.municipality_id = $1 AND f.provider_id = $2 AND f.entitlement_id = e.id
                  AND f.frozen_at IS NOT NULL)
ORDER BY l.entitlement_id LIMIT $4
"""


@dataclass(slots=True)  # not frozen: one is made for every check
class Known:
    """A known number. ``date_of_birth`` is still sealed."""

    entitlement_id: UUID
    benefit: str
    information_allowed: bool
    lost_on: date | None
    child_id: UUID
    date_of_birth: bytes
    frozen_for: Collection[UUID]
    linked_with: Collection[UUID]


@dataclass(frozen=True, slots=True)
class Terms:
    """What the town and its providers agreed: facilities by key, offers by provider."""

    protect_good_faith: bool
    facilities: Mapping[str, UUID]
    offers: Mapping[UUID, list[Offer]]


async def read_numbers(driver: Driver, town: UUID, indexes: Collection[bytes], providers: Collection[UUID]) -> dict[bytes, Known]:
    """The known numbers; freezes and links of these providers."""
    rows = await driver.fetch(_NUMBERS, town, list(indexes), list(providers))
    return {row[0]: Known(row[2], row[3], row[4], row[1], row[5], row[6], row[7], row[8]) for row in rows}


@dataclass(slots=True)
class Grants:
    """Current versions of grants by entitlement, and which providers have read of revocations, by grant and provider."""

    by_entitlement: dict[UUID, list[GrantRecord]]
    read: dict[tuple[UUID, UUID], date]

    def note_readers(self, grant_id: UUID, readers: str) -> None:
        """Notes which providers have read of a revocation, and when: a JSON object as the statements answer it."""
        for provider, day in json.loads(readers).items():
            self.read[grant_id, UUID(provider)] = date.fromisoformat(day)

    def of(self, entitlement_id: UUID, provider_id: UUID) -> list[GrantRecord]:
        """The grants of an entitlement as a provider has to reckon with them."""
        grants = self.by_entitlement.get(entitlement_id, [])
        if not self.read:
            return grants
        return [
            replace(g, notified_on=earlier(g.notified_on, self.read[g.id, provider_id])) if (g.id, provider_id) in self.read else g
            for g in grants
        ]


async def read_grants(driver: Driver, town: UUID, entitlement_ids: Collection[UUID], providers: Collection[UUID]) -> Grants:
    """The grants of entitlements, as far as they concern these providers."""
    grants = Grants({}, {})
    for row in await driver.fetch(_GRANTS, town, list(entitlement_ids), list(providers)):
        values = dict(row)
        if (readers := values.pop("read_by")) is not None:
            grants.note_readers(values["id"], readers)
        grants.by_entitlement.setdefault(values["entitlement_id"], []).append(grant_of(values))
    return grants


async def read_terms(driver: Driver, town: UUID, providers: Collection[UUID], facility_keys: Collection[str]) -> Terms:
    """Settings, facilities and agreements that the checks need."""
    row = await driver.fetchrow(_TERMS, town, list(providers), list(facility_keys))
    facilities = {key: UUID(facility) for key, facility in json.loads(row[1] or "{}").items()}
    return Terms(row[0] != "false", facilities, offers_of(row[2]))


def offers_of(agreements: str | None) -> dict[UUID, list[Offer]]:
    """Offers by provider: of the JSON array that the statements make of agreements."""
    offers: dict[UUID, list[Offer]] = {}
    for provider, *offer in json.loads(agreements or "[]"):
        offers.setdefault(UUID(provider), []).append(_offer(*offer))
    return offers


def _offer(key: str, benefit: str, facilities: list[str], first: str, last: str, prices: list[tuple[str, str, int]] | None) -> Offer:  # noqa: PLR0913, PLR0917 - the columns of the statement
    dated = tuple(DatedPrice(item, date.fromisoformat(day), cents) for item, day, cents in prices or ())
    return Offer(key, benefit, frozenset(map(UUID, facilities)), DayRange(date.fromisoformat(first), date.fromisoformat(last)), dated)


async def write_log(driver: Driver, town: UUID, verdicts: Sequence[Verdict]) -> None:
    """The access log of these checks."""
    await driver.execute(_LOG, town, *log_columns(verdicts))


def log_columns(verdicts: Sequence[Verdict]) -> Iterator[tuple[Any, ...]]:
    """The columns of the access log from ``id`` to ``periods``, at least one row long."""
    rows = [
        (v.id, v.asker.at, v.asker.client_id, v.asker.provider_id, v.entitlement_id, v.ask.benefit, v.ask.days.first, v.ask.days.last,
         v.facility_id, v.confirmed, v.cause, _part(v))
        for v in verdicts
    ]  # fmt: skip
    return zip(*rows, strict=True)


def _part(verdict: Verdict) -> str | None:
    """The confirmed periods as JSON where they are only a part of the days asked for: what the check promises (protected check)."""
    if not verdict.confirmed or verdict.periods == (verdict.ask.days,):
        return None
    return json.dumps([[period.first.isoformat(), period.last.isoformat()] for period in verdict.periods])


async def write_links(driver: Driver, town: UUID, verdicts: Sequence[Verdict]) -> None:
    """Links providers with the entitlements that were confirmed to them."""
    columns: list[Any] = [[v.asker.provider_id for v in verdicts], [v.entitlement_id for v in verdicts], [v.asker.at for v in verdicts]]
    await driver.execute(_LINK, town, *columns)


@dataclass(frozen=True, slots=True)
class LinkedEntitlement:
    """An entitlement a provider is linked with. ``date_of_birth`` is sealed."""

    id: UUID
    benefit: str
    child_id: UUID
    date_of_birth: bytes


async def linked_entitlements(driver: Driver, town: UUID, provider_id: UUID, after: UUID | None, limit: int) -> list[LinkedEntitlement]:
    """Entitlements linked with a provider in order of their making, one more than the limit where there are more."""
    return [LinkedEntitlement(*row) for row in await driver.fetch(_LINKED_ENTITLEMENTS, town, provider_id, after, limit + 1)]

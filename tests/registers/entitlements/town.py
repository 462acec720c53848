"""A small town in the database: what entitlements stand on, put there directly."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.db.engine import Database
from but_gateway.db.fields import MasterKey, TownKeys
from but_gateway.db.tenancy import Scope
from but_gateway.identity.principal import Town
from but_gateway.kit.ids import new_id

MASTER = MasterKey(AESGCM(bytes(32)))
NOW = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


@dataclass(slots=True)
class Place:
    """A town with facility s1, caterers c1 and c2, tutor t1, club v1; all agreements valid in 2026 and until July 2027."""

    database: Database
    admin: asyncpg.Connection
    town: Town
    keys: TownKeys
    providers: dict[str, UUID] = field(default_factory=dict)
    facilities: dict[str, UUID] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        return Scope(self.town.id)

    async def close(self) -> None:
        await self.admin.close()
        await self.database.close()


async def make_place(url: str, key: str | None = None) -> Place:
    """A town of its own; many may stand in one database."""
    admin = await asyncpg.connect(asyncpg_dsn(url))
    database = await Database.open(url)
    await database.start()
    town_id = new_id()
    data_key = MASTER.new_data_key(town_id)
    town = Town(town_id, key or f"t-{town_id.hex[-8:]}", "Musterstadt", "NW", sandbox=True, data_key=data_key)
    await admin.execute(
        "INSERT INTO municipality (id, key, name, ags, state, sandbox, data_key, created_at) "
        "VALUES ($1, $2, $3, '05999001', $4, true, $5, $6)",
        town.id, town.key, town.name, town.state, data_key, NOW,
    )  # fmt: skip
    place = Place(database, admin, town, MASTER.town_keys(town.id, data_key))
    await _fill(place)
    return place


async def _fill(place: Place) -> None:
    for key, kind in (("s1", "school"), ("k1", "daycare")):
        place.facilities[key] = new_id()
        await place.admin.execute(
            "INSERT INTO facility (municipality_id, id, key, name, kind, open_weekdays, observes_school_holidays, version) "
            "VALUES ($1, $2, $3, $3, $4, '{1,2,3,4,5}', false, 1)",
            place.town.id, place.facilities[key], key, kind,
        )  # fmt: skip
    for key, kind in (("c1", "caterer"), ("c2", "caterer"), ("t1", "tutor"), ("v1", "club")):
        place.providers[key] = new_id()
        await place.admin.execute(
            "INSERT INTO provider (municipality_id, id, key, name, kind, status, version) VALUES ($1, $2, $3, $3, $4, 'active', 1)",
            place.town.id, place.providers[key], key, kind,
        )  # fmt: skip
    prices = [("lunch", date(2026, 1, 1), 420), ("lunch", date(2026, 9, 16), 450)]
    await add_agreement(place, "c1-lunch", "c1", "lunch", ["s1", "k1"], prices)
    await add_agreement(place, "c2-lunch", "c2", "lunch", ["k1"], [("lunch", date(2026, 1, 1), 400)])
    lessons = [("individual", date(2026, 1, 1), 2250), ("group", date(2026, 1, 1), 1200)]
    await add_agreement(place, "t1-tutoring", "t1", "tutoring", [], lessons)
    await add_agreement(place, "v1-participation", "v1", "participation", [], [])


async def add_agreement(  # noqa: PLR0913, PLR0917 - an agreement's parts
    place: Place,
    key: str,
    provider: str,
    benefit: str,
    facilities: list[str],
    prices: list[tuple[str, date, int]],
    valid: tuple[date, date] = (date(2026, 1, 1), date(2027, 7, 31)),
) -> None:
    """An agreement with its prices (item, from, cents)."""
    agreement = new_id()
    await place.admin.execute(
        "INSERT INTO agreement (municipality_id, id, key, provider_id, benefit, facility_ids, valid_from, valid_to, mode, evidence, "
        "vat_treatment, drink_included, min_period_months, version) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'per_use', 'dates', 'catering_service', false, 0, 1)",
        place.town.id, agreement, key, place.providers[provider], benefit, [place.facilities[f] for f in facilities], *valid,
    )  # fmt: skip
    await place.admin.executemany(
        "INSERT INTO agreement_price (municipality_id, agreement_id, item, valid_from, unit_price) VALUES ($1, $2, $3, $4, $5)",
        [(place.town.id, agreement, item, day, cents) for item, day, cents in prices],
    )

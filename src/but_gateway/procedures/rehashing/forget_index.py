"""Destroys a town's older index key, once nobody looks up by it and nothing refers to a hash made with it (docs/decisions/0022)."""

from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from but_gateway.db.engine import Database
from but_gateway.db.fields import MasterKey, TownKeys
from but_gateway.db.tenancy import Scope
from but_gateway.identity import index_keys, index_store
from but_gateway.identity.town_keys import NOTICE_SECONDS, SETTLED_SECONDS, KeyStillNeededError, fresh_town
from but_gateway.kit.ids import first_id_at
from but_gateway.procedures.rehashing import store

ROWS_AT_ONCE: Final = 1000


async def forget_index(
    database: Database, master_key: MasterKey, town_key: str, *, settled: timedelta = timedelta(seconds=SETTLED_SECONDS)
) -> int:
    """Destroys the older key, then what was kept under it only so that it could be looked up by; how many keys.

    Refuses while it may be looked up by, or a child, an account or a line has a hash of it (KeyStillNeededError). Cut off after the key
    is gone, it takes away the rest when it is begun again.
    """
    async with database.transaction(Scope()) as unit:
        town = await fresh_town(unit.driver, town_key)
        newest = await index_keys.settled_index_key(unit.driver, town.id, settled.total_seconds())
    keys = master_key.town_keys(town.id, town.data_key, town.further_keys)
    forgotten = 0
    if newest is not None:
        await _assert_unneeded(database, keys, town.id)
        await _lose_strangers(database, town.id, newest)
        async with database.transaction(Scope(town.id)) as unit:
            forgotten = await index_keys.destroy_index_keys(unit.driver, town.id, newest)
            town = await fresh_town(unit.driver, town_key)
        keys = master_key.town_keys(town.id, town.data_key, town.further_keys)
    async for _ in store.in_chunks(database, town.id, partial(store.settle_numbers, keys=keys, limit=ROWS_AT_ONCE)):
        pass
    return forgotten


async def _assert_unneeded(database: Database, keys: TownKeys, town_id: UUID) -> None:
    works = {place.table: partial(store.rehash_rows, place=place, keys=keys, limit=ROWS_AT_ONCE, write=False) for place in store.SINGLE}
    works[store.LINES] = partial(store.rehash_lines, keys=keys, limit=ROWS_AT_ONCE, write=False)
    for table, work in works.items():
        left = 0
        async for rows in store.in_chunks(database, town_id, work):
            left += rows
        if left:
            raise KeyStillNeededError(f"{left} rows of {table} have a hash of an older key")


async def _lose_strangers(database: Database, town_id: UUID, newest: int) -> None:
    """Lines about numbers that nobody knows, of the time before every process looked up by the newest key."""
    async with database.transaction(Scope(town_id)) as unit:
        since = await index_store.used_since(unit.driver, town_id, newest)
    before = first_id_at(int((since + NOTICE_SECONDS) * 1000))
    async for _ in store.in_chunks(database, town_id, partial(store.lose_strangers, before=before, limit=ROWS_AT_ONCE)):
        pass

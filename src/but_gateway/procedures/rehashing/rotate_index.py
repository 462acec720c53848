"""Changes a town's index key: announced, numbers stored under both, put into use, everything else moved (docs/decisions/0022).

At no moment is a known number unknown to anybody: a process that still looks up by the old key finds every number under it, one that
looks up by the new key begins when every number lies under that too.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from but_gateway.db.engine import Database
from but_gateway.db.fields import MasterKey, TownKeys
from but_gateway.db.tenancy import Scope
from but_gateway.identity import index_keys, index_store, key_store
from but_gateway.identity.principal import Town
from but_gateway.identity.town_keys import NOTICE_SECONDS, fresh_town
from but_gateway.procedures.rehashing import store

ROWS_AT_ONCE: Final = 1000
ANNOUNCED: Final = "announced"
IN_USE: Final = "in use"
NOTICE: Final = timedelta(seconds=NOTICE_SECONDS)
_PAUSE: Final = timedelta(milliseconds=200)  # for rows that somebody held


@dataclass(frozen=True, slots=True)
class Step:
    """What was done: ``what`` is a table and so many rows of it, or what became of the key. Then some time passes."""

    what: str
    number: int  # of the key
    rows: int = 0
    wait: timedelta = timedelta()


async def rotate_index(
    database: Database, master_key: MasterKey, town_key: str, *, notice: timedelta = NOTICE, rows_at_once: int = ROWS_AT_ONCE
) -> AsyncGenerator[Step, None]:
    """Changes the key step by step, as the owner of the tables. Cut off anywhere it goes on when it is begun again.

    Where a change was begun and its old key not destroyed yet, that change is finished instead of beginning another.
    """
    town, keys, number = await _announce(database, master_key, town_key)
    if keys.number_in_use != number:
        wait = await _notice_left(database, town.id, number, notice)
        yield Step(ANNOUNCED, number, wait=wait)
        # Those who do not know the key yet store numbers under the old one only; what they stored is found before it is put into use.
        await asyncio.sleep(wait.total_seconds())
        async for rows in store.in_chunks(database, town.id, partial(store.settle_numbers, keys=keys, limit=rows_at_once)):
            if rows:
                yield Step(store.NUMBERS, number, rows)
        keys = await _use(database, master_key, town, number, rows_at_once)
        yield Step(IN_USE, number, wait=notice)
    # What processes wrote until they had seen that it is in use has hashes of the old one.
    await asyncio.sleep((await _notice_left(database, town.id, number, notice)).total_seconds())
    for place in store.SINGLE:
        async for rows in _until_none(database, town.id, partial(store.rehash_rows, place=place, keys=keys, limit=rows_at_once)):
            yield Step(place.table, number, rows)
    async for rows in store.in_chunks(database, town.id, partial(store.rehash_lines, keys=keys, limit=rows_at_once)):
        if rows:
            yield Step(store.LINES, number, rows)


async def _announce(database: Database, master_key: MasterKey, town_key: str) -> tuple[Town, TownKeys, int]:
    async with database.transaction(Scope()) as unit:
        town = await fresh_town(unit.driver, town_key)
        number = await index_keys.announce_index_key(unit.driver, master_key, town)
        town = await fresh_town(unit.driver, town_key)
    return town, master_key.town_keys(town.id, town.data_key, town.further_keys), number


async def _use(database: Database, master_key: MasterKey, town: Town, number: int, rows_at_once: int) -> TownKeys:
    """Puts the key into use when, with nobody storing numbers, the last one lies under it; the keys then."""
    async with database.transaction(Scope(town.id)) as unit:
        await index_store.hold_index_keys(unit.driver, town.id)
        await key_store.lock_town(unit.driver, town.id)
        town = await fresh_town(unit.driver, town.key)
        keys = master_key.town_keys(town.id, town.data_key, town.further_keys)
        after = store.START
        while True:
            chunk = await store.settle_numbers(unit, after, keys=keys, limit=rows_at_once)
            if chunk.last is None:
                break
            (after,) = chunk.last
        await index_store.use_index_key(unit.driver, town.id, number)
        return keys.as_stored(await index_store.read_index_numbers(unit.driver, town.id))


async def _notice_left(database: Database, town_id: UUID, number: int, notice: timedelta) -> timedelta:
    async with database.transaction(Scope(town_id)) as unit:
        return timedelta(seconds=await index_store.seconds_of_notice_left(unit.driver, town_id, number, notice.total_seconds()))


async def _until_none(database: Database, town_id: UUID, work: store.Work) -> AsyncGenerator[int, None]:
    """Goes through all rows again and again until none is left to be changed; yields how many were, chunk by chunk."""
    while True:
        left = 0
        async for rows in store.in_chunks(database, town_id, work):
            left += rows
            if rows:
                yield rows
        if not left:
            return
        await asyncio.sleep(_PAUSE.total_seconds())

"""Changing a town's data key while the town works.

A new key is made known first and used a while later: by then every process has looked at the town's keys again (directory.py), so that
what one seals with it all can read. From then on what was sealed with older keys is sealed anew, in small transactions, as often as
something is left. Older keys stay until ``forget_data_keys``, which looks whether anything still needs them.

Keyed hashes do not change with the data key: their key gets a place of its own at the first change (index_keys.py).
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from typing import Final

from but_gateway.db.connect import Connection
from but_gateway.db.engine import Database
from but_gateway.db.fields import FIELDS, KEY_BYTES, MasterKey, data_key_purpose, town_key_purpose
from but_gateway.db.reseal import Place, count_older, reseal_chunk, sealed_places
from but_gateway.db.tenancy import Scope
from but_gateway.identity import key_store, store
from but_gateway.identity.principal import Town
from but_gateway.identity.town_keys import NOTICE_SECONDS, SETTLED_SECONDS, KeyStillNeededError, fresh_town, keep_hashes
from but_gateway.web import idempotency_upkeep

ROWS_AT_ONCE: Final = 500
_PAUSE_SECONDS: Final = 0.2  # for rows that somebody held


async def announce_data_key(
    connection: Connection, master_key: MasterKey, town: Town, *, notice_seconds: float = NOTICE_SECONDS
) -> tuple[int, float]:
    """Makes the town's next data key known, to be used after the notice; its number. Run it in one transaction.

    While older keys are there, the newest goes on instead: whoever was cut off may simply begin again.
    """
    await key_store.lock_town(connection, town.id)
    town = await fresh_town(connection, town.key)
    numbers = [key.number for key in town.further_keys if key.purpose == FIELDS]
    data_key = master_key.unwrap(town.data_key, data_key_purpose(town.id))
    if numbers and (len(numbers) > 1 or data_key):
        return max(numbers), await key_store.seconds_until_use(connection, town.id, FIELDS, max(numbers))
    await keep_hashes(connection, master_key, town)
    number = max(numbers, default=1) + 1
    wrapped = master_key.wrap(secrets.token_bytes(KEY_BYTES), town_key_purpose(town.id, FIELDS, number))
    await key_store.add_town_key(connection, town.id, purpose=FIELDS, number=number, wrapped=wrapped, notice_seconds=notice_seconds)
    return number, notice_seconds


async def reseal_town(
    database: Database, master_key: MasterKey, town_key: str, *, rows_at_once: int = ROWS_AT_ONCE
) -> AsyncGenerator[tuple[str, int], None]:
    """Seals with the key in use what older keys sealed; yields the table and how many rows, transaction by transaction.

    Needs the owner's rights, because it changes columns of rows that are only added to otherwise (seals of the audit chain leave them
    out). Rows that somebody else holds are left for the next round; ends when nothing is left.
    """
    async with database.pool.acquire() as connection:
        town = await store.find_town(connection, town_key)
    if town is None:
        raise LookupError(town_key)
    keys = master_key.town_keys(town.id, town.data_key, town.further_keys)
    places = sealed_places()
    while places:
        left: list[Place] = []
        for place in places:
            after = None
            while True:
                async with database.transaction(Scope(town.id)) as unit:
                    chunk = await reseal_chunk(unit, keys, place, after, rows_at_once)
                if chunk.changed:
                    yield place.table, chunk.changed
                after = chunk.last
                if after is None:
                    break
            async with database.transaction(Scope(town.id)) as unit:
                left += [place] if await count_older(unit, keys, place) else []
        places = left
        if places:
            await asyncio.sleep(_PAUSE_SECONDS)
    after_key: tuple[str, str] | None = ("", "")
    while after_key is not None:
        async with database.transaction(Scope(town.id)) as unit:
            changed, after_key = await idempotency_upkeep.reseal_answers(unit, keys, after_key, rows_at_once)
        if changed:
            yield "idempotency_record", changed


async def forget_data_keys(database: Database, master_key: MasterKey, town: Town, *, settled_seconds: float = SETTLED_SECONDS) -> int:
    """Destroys the town's older data keys; how many. What backups hold opens with the keys that those backups hold.

    Refuses while nobody may be sure that they are no longer written with, or something is sealed with them (KeyStillNeededError).
    """
    async with database.transaction(Scope(town.id)) as unit:
        await key_store.lock_town(unit.driver, town.id)
        town = await fresh_town(unit.driver, town.key)
        rows = [row for row in await key_store.load_town_keys(unit.driver, town.id, settled_seconds) if row.purpose == FIELDS]
        if not rows:
            return 0
        newest = rows[-1]
        if not newest.settled:
            raise KeyStillNeededError("the newest key has not been in use for a day yet")
        keys = master_key.town_keys(town.id, town.data_key, town.further_keys)
        for place in sealed_places():
            if left := await count_older(unit, keys, place):
                raise KeyStillNeededError(f"{left} rows of {place.table} are sealed with an older key")
        if await idempotency_upkeep.any_older(unit, keys):
            raise KeyStillNeededError("answers to idempotency keys are sealed with an older key")
        count = await key_store.drop_town_keys(unit.driver, town.id, FIELDS, newest.number)
        purpose = data_key_purpose(town.id)
        if master_key.unwrap(town.data_key, purpose):
            await key_store.save_data_key(unit.driver, town.id, master_key.wrap(b"", purpose))
            count += 1
        return count

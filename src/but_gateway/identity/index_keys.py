"""The steps by which a town's index key, the key of its keyed hashes, is exchanged. What is hashed is moved by procedures/rehashing.

A new key is announced; when every process knows it, each stores numbers under both. When every number lies under both it is put into use:
from then on numbers are looked up by it. The old one stays until nobody looks up by it and nothing else refers to it.
"""

import secrets
from uuid import UUID

from but_gateway.db.connect import Connection
from but_gateway.db.fields import INDEX, KEY_BYTES, MasterKey, town_key_purpose
from but_gateway.identity import index_store, key_store
from but_gateway.identity.principal import Town
from but_gateway.identity.town_keys import KeyStillNeededError, fresh_town, keep_hashes


async def announce_index_key(connection: Connection, master_key: MasterKey, town: Town) -> int:
    """Makes the town's next index key known; its number. Run it in one transaction.

    While two are there the newer one goes on instead: whoever was cut off may simply begin again.
    """
    await index_store.hold_index_keys(connection, town.id)
    await key_store.lock_town(connection, town.id)
    town = await fresh_town(connection, town.key)
    await keep_hashes(connection, master_key, town)
    numbers = await index_store.read_index_numbers(connection, town.id)
    if len(numbers) > 1:
        return max(numbers)
    number = max(numbers) + 1
    wrapped = master_key.wrap(secrets.token_bytes(KEY_BYTES), town_key_purpose(town.id, INDEX, number))
    await index_store.announce_index_key(connection, town.id, number, wrapped)
    return number


async def settled_index_key(connection: Connection, town_id: UUID, settled_seconds: float) -> int | None:
    """The number of the key in use when there is an older one, which nobody looks up by any more; None when there is none.

    Refuses while the older one is in use or was until lately (KeyStillNeededError).
    """
    rows = [row for row in await key_store.load_town_keys(connection, town_id, settled_seconds) if row.purpose == INDEX]
    if len(rows) < 2:  # noqa: PLR2004 - an older one and a newer one
        return None
    if not rows[-1].active:
        raise KeyStillNeededError("the newest key is not in use yet")
    if not rows[-1].settled:
        raise KeyStillNeededError("the newest key has not been in use for a day yet")
    return rows[-1].number


async def destroy_index_keys(connection: Connection, town_id: UUID, below: int) -> int:
    """Destroys the town's index keys with smaller numbers; how many. Run it in one transaction."""
    await index_store.hold_index_keys(connection, town_id)
    await key_store.lock_town(connection, town_id)
    return await key_store.drop_town_keys(connection, town_id, INDEX, below)

"""What changing a town's keys has in common, whichever it is."""

from typing import Final

from but_gateway.db.connect import Connection
from but_gateway.db.fields import INDEX, REFERENCE, MasterKey, data_key_purpose, index_of, town_key_purpose
from but_gateway.identity import key_store, store
from but_gateway.identity.directory import REFRESH_SECONDS
from but_gateway.identity.principal import Town

# Until every process knows a new key, and until whoever began before that has ended.
NOTICE_SECONDS: Final = REFRESH_SECONDS * 3
# A key is destroyed no earlier than this after its successor came into use.
SETTLED_SECONDS: Final = 24 * 60 * 60


class KeyStillNeededError(Exception):
    """An older key cannot be destroyed yet; the text says why."""


async def fresh_town(connection: Connection, key: str) -> Town:
    """The town with the keys that it has now. Refuses when there is none (LookupError)."""
    found = await store.find_town(connection, key)
    if found is None:
        raise LookupError(key)
    return found


async def keep_hashes(connection: Connection, master_key: MasterKey, town: Town) -> None:
    """Gives the keys of hashes, which follow from the first data key, a place of their own before one of the three is changed."""
    if any(key.purpose == INDEX for key in town.further_keys):
        return
    index = index_of(master_key.unwrap(town.data_key, data_key_purpose(town.id)))
    for purpose in (INDEX, REFERENCE):
        wrapped = master_key.wrap(index, town_key_purpose(town.id, purpose, 1))
        await key_store.add_town_key(connection, town.id, purpose=purpose, number=1, wrapped=wrapped, notice_seconds=0)

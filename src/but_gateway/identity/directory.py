"""Towns and who acts in them, looked up before a transaction of the town begins."""

from dataclasses import dataclass, field
from uuid import UUID

from but_gateway.db.engine import Database
from but_gateway.db.fields import MasterKey, TownKeys
from but_gateway.identity import store
from but_gateway.identity.principal import Town


@dataclass(slots=True)
class Directory:
    """Finds towns and the provider record of an account.

    What is kept in memory never changes once it exists (a town's id, state, sandbox flag, keys); which provider an account is,
    is asked each time, because a registrar may change it at any moment.
    """

    database: Database
    master_key: MasterKey
    _towns: dict[str, Town] = field(default_factory=dict)
    _keys: dict[UUID, TownKeys] = field(default_factory=dict)

    async def town(self, key: str) -> Town | None:
        """The town of a key, None if there is none."""
        town = self._towns.get(key)
        if town is None:
            async with self.database.pool.acquire() as connection:
                town = await store.find_town(connection, key)
            if town is not None:
                self._towns[key] = town
        return town

    def known_town(self, key: str) -> Town | None:
        """The town of a key if this process has met it before; None says nothing."""
        return self._towns.get(key)

    async def provider(self, account_key: str, town: Town) -> UUID | None:
        """The id of the town's provider record that names the account, None if there is none."""
        async with self.database.pool.acquire() as connection:
            return await store.find_provider(connection, account_key, town.id)

    def keys(self, town: Town) -> TownKeys:
        """The opened keys of a town."""
        keys = self._keys.get(town.id)
        if keys is None:
            keys = self._keys[town.id] = self.master_key.town_keys(town.id, town.data_key)
        return keys

"""Towns and who acts in them, looked up before a transaction of the town begins."""

import time
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from but_gateway.db.engine import Database
from but_gateway.db.fields import MasterKey, TownKeys
from but_gateway.identity import store
from but_gateway.identity.principal import Town

# How long a process may not know of a town's new key. Keys are used a while after they were made: see identity/data_keys.py.
REFRESH_SECONDS: Final = 30.0
MET_MAX: Final = 100_000  # accounts in towns that a process remembers to have met


@dataclass(slots=True)
class Directory:
    """Finds towns and the provider record of an account.

    What is kept in memory never changes once it exists (a town's id, state, sandbox flag), except for its keys, which are looked at anew
    every half minute; which provider an account is, is asked each time, because a registrar may change it at any moment.
    """

    database: Database
    master_key: MasterKey
    _towns: dict[str, tuple[Town, float]] = field(default_factory=dict)
    _met: set[tuple[str, UUID]] = field(default_factory=set)
    _keys: dict[UUID, tuple[Town, TownKeys]] = field(default_factory=dict)

    async def town(self, key: str) -> Town | None:
        """The town of a key, None if there is none."""
        town = self.known_town(key)
        if town is None:
            looked_at = time.monotonic()
            async with self.database.pool.acquire() as connection:
                town = await store.find_town(connection, key)
            if town is not None:
                self._towns[key] = town, looked_at
        return town

    def known_town(self, key: str) -> Town | None:
        """The town of a key if this process has looked at it within the last half minute; None says nothing."""
        town, looked_at = self._towns.get(key, (None, 0.0))
        return town if time.monotonic() - looked_at < REFRESH_SECONDS else None

    async def provider(self, account_key: str, town: Town) -> UUID | None:
        """The id of the town's provider record that names the account, None if there is none."""
        async with self.database.pool.acquire() as connection:
            found = await store.find_provider(connection, account_key, town.id)
        if found is not None:
            if len(self._met) >= MET_MAX:
                self._met.clear()
            self._met.add((account_key, town.id))
        return found

    def has_met(self, account_key: str, town: Town) -> bool:
        """Whether the account had a record in the town when this process asked last; whether it still has one must be asked."""
        return (account_key, town.id) in self._met

    def keys(self, town: Town) -> TownKeys:
        """The opened keys of a town."""
        of, keys = self._keys.get(town.id, (None, None))
        if keys is None or of != town:
            keys = self.master_key.town_keys(town.id, town.data_key, town.further_keys)
            self._keys[town.id] = town, keys
        return keys

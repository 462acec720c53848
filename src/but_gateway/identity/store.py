"""SQL of the logins."""

from uuid import UUID

import asyncpg

from but_gateway.identity.principal import Town


async def find_town(connection: asyncpg.Connection, key: str) -> Town | None:
    """The town of a key."""
    row = await connection.fetchrow("SELECT id, key, name, state, sandbox, data_key FROM municipality WHERE key = $1", key)
    return Town(row["id"], row["key"], row["name"], row["state"], row["sandbox"], bytes(row["data_key"])) if row else None


async def find_provider(connection: asyncpg.Connection, account_key: str, municipality_id: UUID) -> UUID | None:
    """The provider record of an account in a town."""
    found: UUID | None = await connection.fetchval(
        "SELECT t.provider_id FROM account_town t JOIN account a ON a.id = t.account_id WHERE a.key = $1 AND t.municipality_id = $2",
        account_key,
        municipality_id,
    )
    return found

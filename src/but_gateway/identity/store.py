"""SQL of the logins: towns, accounts, clients, used assertions, signing keys."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from but_gateway.db.fields import WrappedKey
from but_gateway.identity.principal import Town


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """A client as the token endpoint needs it. ``accounts`` are keys, ``municipality`` is a key."""

    id: str
    kind: str  # machine or person
    roles: tuple[str, ...]
    municipality: str | None
    sandbox: bool | None  # of its town
    accounts: tuple[str, ...]
    secret_hash: bytes | None
    jwk: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class SigningKeyRecord:
    """A signing key of the instance; ``private_key`` is wrapped by the master key."""

    kid: str
    private_key: bytes
    public_jwk: Mapping[str, Any]
    retired_at: datetime | None


async def find_town(connection: asyncpg.Connection, key: str) -> Town | None:
    """The town of a key, with the keys that it has now."""
    row = await connection.fetchrow("SELECT id, key, name, state, sandbox, data_key FROM municipality WHERE key = $1", key)
    if row is None:
        return None
    # The database's clock says which key is in use, the same for all processes.
    further = await connection.fetch(
        "SELECT purpose, number, wrapped, active_from <= clock_timestamp() AS active FROM town_key WHERE municipality_id = $1 "
        "ORDER BY purpose, number",
        row["id"],
    )
    keys = tuple(WrappedKey(one["purpose"], one["number"], bytes(one["wrapped"]), one["active"]) for one in further)
    return Town(row["id"], row["key"], row["name"], row["state"], row["sandbox"], bytes(row["data_key"]), keys)


async def find_provider(connection: asyncpg.Connection, account_key: str, municipality_id: UUID) -> UUID | None:
    """The provider record of an account in a town."""
    found: UUID | None = await connection.fetchval(
        "SELECT t.provider_id FROM account_town t JOIN account a ON a.id = t.account_id WHERE a.key = $1 AND t.municipality_id = $2",
        account_key,
        municipality_id,
    )
    return found


async def find_accounts(connection: asyncpg.Connection, keys: Iterable[str]) -> dict[str, UUID]:
    """The ids of those accounts that exist."""
    rows = await connection.fetch("SELECT key, id FROM account WHERE key = ANY($1::text[])", list(keys))
    return {row["key"]: row["id"] for row in rows}


async def add_town(connection: asyncpg.Connection, town: Town, ags: str, at: datetime) -> bool:
    """Adds a town; False when the key is taken."""
    made = await connection.fetchval(
        "INSERT INTO municipality (id, key, name, ags, state, sandbox, data_key, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
        "ON CONFLICT (key) DO NOTHING RETURNING id",
        town.id, town.key, town.name, ags, town.state, town.sandbox, town.data_key, at,
    )  # fmt: skip
    return made is not None


async def add_account(connection: asyncpg.Connection, account_id: UUID, key: str, name: str, at: datetime) -> bool:
    """Adds an account; False when the key is taken."""
    made = await connection.fetchval(
        "INSERT INTO account (id, key, name, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (key) DO NOTHING RETURNING id",
        account_id,
        key,
        name,
        at,
    )
    return made is not None


async def add_client(  # noqa: PLR0913 - the columns of the table, all keyword-only
    connection: asyncpg.Connection,
    *,
    client_id: str,
    kind: str,
    name: str,
    roles: Iterable[str],
    municipality_id: UUID | None,
    account_ids: Iterable[UUID],
    secret_hash: bytes | None,
    jwk: Mapping[str, Any] | None,
    at: datetime,
) -> None:
    """Adds a client and the accounts it acts for."""
    await connection.execute(
        "INSERT INTO client (id, kind, name, roles, municipality_id, secret_hash, jwk, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        client_id, kind, name, sorted(roles), municipality_id, secret_hash, json.dumps(jwk) if jwk else None, at,
    )  # fmt: skip
    await connection.executemany(
        "INSERT INTO client_account (client_id, account_id) VALUES ($1, $2)", [(client_id, account_id) for account_id in account_ids]
    )


async def find_client(connection: asyncpg.Connection, client_id: str) -> ClientRecord | None:
    """The client of an id, unless it was disabled."""
    row = await connection.fetchrow(
        "SELECT c.id, c.kind, c.roles, m.key AS municipality, m.sandbox, c.secret_hash, c.jwk, "
        "ARRAY(SELECT a.key FROM client_account x JOIN account a ON a.id = x.account_id "
        "WHERE x.client_id = c.id ORDER BY a.key) AS accounts "
        "FROM client c LEFT JOIN municipality m ON m.id = c.municipality_id WHERE c.id = $1 AND c.disabled_at IS NULL",
        client_id,
    )
    if row is None:
        return None
    return ClientRecord(
        id=row["id"],
        kind=row["kind"],
        roles=tuple(row["roles"]),
        municipality=row["municipality"],
        sandbox=row["sandbox"],
        accounts=tuple(row["accounts"]),
        secret_hash=bytes(row["secret_hash"]) if row["secret_hash"] is not None else None,
        jwk=json.loads(row["jwk"]) if row["jwk"] is not None else None,
    )


async def find_names(connection: asyncpg.Connection, client_ids: Iterable[str]) -> dict[str, str]:
    """The names of those clients that exist, disabled ones too: what a person signed they signed."""
    rows = await connection.fetch("SELECT id, name FROM client WHERE id = ANY($1::text[])", list(client_ids))
    return {row["id"]: row["name"] for row in rows}


async def disable_client(connection: asyncpg.Connection, client_id: str, at: datetime) -> bool:
    """Disables a client; False when there is none that works."""
    found = await connection.fetchval(
        "UPDATE client SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL RETURNING id", client_id, at
    )
    return found is not None


async def use_assertion(connection: asyncpg.Connection, client_id: str, jti: str, expires_at: datetime, now: datetime) -> bool:
    """Marks an assertion as used; False when it was used before. Expired ones are forgotten on the way."""
    await connection.execute("DELETE FROM used_assertion WHERE client_id = $1 AND expires_at < $2", client_id, now)
    used = await connection.fetchval(
        "INSERT INTO used_assertion (client_id, jti, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING jti",
        client_id,
        jti,
        expires_at,
    )
    return used is not None


async def load_signing_keys(connection: asyncpg.Connection, retired_after: datetime) -> list[SigningKeyRecord]:
    """The active key and those retired after a moment, the active one first."""
    rows = await connection.fetch(
        "SELECT kid, private_key, public_jwk, retired_at FROM signing_key WHERE retired_at IS NULL OR retired_at > $1 "
        "ORDER BY retired_at DESC NULLS FIRST, kid",
        retired_after,
    )
    return [SigningKeyRecord(r["kid"], bytes(r["private_key"]), json.loads(r["public_jwk"]), r["retired_at"]) for r in rows]


async def add_signing_key(connection: asyncpg.Connection, key: SigningKeyRecord, at: datetime) -> bool:
    """Adds the active key; False when another process was first."""
    made = await connection.fetchval(
        "INSERT INTO signing_key (kid, private_key, public_jwk, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING kid",
        key.kid,
        key.private_key,
        json.dumps(dict(key.public_jwk)),
        at,
    )
    return made is not None


async def retire_signing_key(connection: asyncpg.Connection, at: datetime) -> None:
    """Ends signing with the active key; tokens it signed stay valid until they expire."""
    await connection.execute("UPDATE signing_key SET retired_at = $1 WHERE retired_at IS NULL", at)

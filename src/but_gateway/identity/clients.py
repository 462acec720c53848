"""Making logins: what the command line's account, client and person do, and how secrets are kept."""

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from but_gateway.db.connect import Connection
from but_gateway.db.fields import MasterKey
from but_gateway.identity import store
from but_gateway.identity.principal import MACHINE_ROLES, PERSON_ROLES, Role, Town
from but_gateway.kit.ids import new_id, new_secret

MACHINE: Final = "machine"
PERSON: Final = "person"


class UnknownKeyError(Exception):
    """A key names nothing; the text says which."""


class KeyTakenError(Exception):
    """A key is taken already; the text says which."""


class WrongRolesError(Exception):
    """These roles cannot be given together, or not to this kind of login; the text says why."""


@dataclass(frozen=True, slots=True)
class Made:
    """A new login. The secret is shown once and never again; None for one with a key of its own."""

    client_id: str
    client_secret: str | None


def hash_secret(secret: str) -> bytes:
    """How a secret is kept. It is 256 random bits, so that a fast hash is as good as a slow one."""
    return hashlib.sha256(secret.encode()).digest()


def secret_matches(secret: str, stored: bytes | None) -> bool:
    """Whether a secret is the stored one; takes the same time when nothing is stored."""
    return hmac.compare_digest(hash_secret(secret), stored or bytes(32)) and stored is not None


async def add_town(  # noqa: PLR0913 - what a town is, all keyword-only
    connection: Connection, master_key: MasterKey, *, key: str, name: str, ags: str, state: str, sandbox: bool, at: datetime
) -> Town:
    """Makes a municipality with a data key of its own. Refuses when the key is taken (KeyTakenError)."""
    town_id = new_id()
    town = Town(town_id, key, name, state, sandbox, master_key.new_data_key(town_id))
    if not await store.add_town(connection, town, ags, at):
        raise KeyTakenError(f"there is a municipality {key} already")
    return town


async def add_account(connection: Connection, *, key: str, name: str, at: datetime) -> None:
    """Makes the login organisation of a provider. Refuses when the key is taken (KeyTakenError)."""
    if not await store.add_account(connection, new_id(), key, name, at):
        raise KeyTakenError(f"there is an account {key} already")


async def add_client(  # noqa: PLR0913 - what a client is, all keyword-only
    connection: Connection,
    *,
    kind: str,
    name: str,
    roles: Collection[Role],
    municipality: str | None,
    accounts: Collection[str],
    jwk: Mapping[str, Any] | None,
    at: datetime,
) -> Made:
    """Makes a client: with a secret, or with a public key when ``jwk`` is given.

    Refuses roles that do not fit (WrongRolesError) and keys that name nothing (UnknownKeyError).
    """
    _check_roles(kind, frozenset(roles), municipality, accounts)
    town = await store.find_town(connection, municipality) if municipality is not None else None
    if municipality is not None and town is None:
        raise UnknownKeyError(f"there is no municipality {municipality}")
    known = await store.find_accounts(connection, accounts)
    for account in accounts:
        if account not in known:
            raise UnknownKeyError(f"there is no account {account}")
    secret = new_secret() if jwk is None else None
    made = Made(f"{kind[0]}-{new_id().hex}", secret)
    await store.add_client(
        connection,
        client_id=made.client_id,
        kind=kind,
        name=name,
        roles=roles,
        municipality_id=town.id if town else None,
        account_ids=known.values(),
        secret_hash=hash_secret(secret) if secret else None,
        jwk=jwk,
        at=at,
    )
    return made


def _check_roles(kind: str, roles: frozenset[Role], municipality: str | None, accounts: Collection[str]) -> None:
    allowed = PERSON_ROLES if kind == PERSON else MACHINE_ROLES
    if not roles or not roles <= allowed:
        raise WrongRolesError(f"a {kind} may be: {', '.join(sorted(allowed))}")
    if Role.PROVIDER in roles:
        if roles != {Role.PROVIDER}:
            raise WrongRolesError("a provider has no other role")
        if not accounts or municipality is not None:
            raise WrongRolesError("a provider needs --account and no --municipality")
    elif Role.OPERATOR in roles:
        if roles != {Role.OPERATOR} or accounts or municipality is not None:
            raise WrongRolesError("an operator has no other role, no account and no municipality")
    elif municipality is None or accounts:
        raise WrongRolesError("this role needs --municipality and no --account")

"""Signing keys of the instance: made once for all processes, wrapped by the master key, in the database, so that they survive restarts."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from but_gateway.db.connect import Connection
from but_gateway.db.fields import MasterKey, SealBrokenError
from but_gateway.identity import store
from but_gateway.identity.tokens import ES256, VerifyingKey, load_public_key

# A retired key verifies for as long as the last token it signed may live, and as long as another process may not know that it is retired.
RETIRED_KEY_SECONDS: Final = 15 * 60


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The key that signs, and all that verify, by kid. ``jwks`` is what the world may see."""

    kid: str
    private_pem: bytes = field(repr=False)
    verifying: Mapping[str, VerifyingKey]

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public keys as a JWK set (RFC 7517)."""
        return {"keys": [{**key.jwk, "kid": kid, "use": "sig", "alg": ES256} for kid, key in self.verifying.items()]}


def thumbprint(jwk: Mapping[str, str]) -> str:
    """The RFC 7638 thumbprint of a public EC key."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    digest = hashlib.sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def make_key_pair() -> tuple[bytes, dict[str, str]]:
    """A fresh P-256 key: private PEM and public JWK."""
    private = ec.generate_private_key(ec.SECP256R1())
    # PKCS #8 is what python-jose reads as well; the key never leaves the process but wrapped.
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem, _public_jwk(private)


def _public_jwk(private: object) -> dict[str, str]:
    assert isinstance(private, ec.EllipticCurvePrivateKey)  # noqa: S101 - no other kind is ever made
    numbers = private.public_key().public_numbers()
    coordinates = {
        name: base64.urlsafe_b64encode(value.to_bytes(32, "big")).rstrip(b"=").decode()
        for name, value in (("x", numbers.x), ("y", numbers.y))
    }
    return {"kty": "EC", "crv": "P-256", **coordinates}


async def load_key_ring(connection: Connection, master_key: MasterKey, now: datetime) -> KeyRing:
    """The keys of the instance. Where none signs yet, one is made; of several processes that start at once, one wins."""
    after = now - timedelta(seconds=RETIRED_KEY_SECONDS)
    records = await store.load_signing_keys(connection, after)
    if not records or records[0].retired_at is not None:
        await store.add_signing_key(connection, _new_record(master_key), now)
        records = await store.load_signing_keys(connection, after)
    active = records[0]
    return KeyRing(
        active.kid,
        master_key.unwrap(active.private_key, _purpose(active.kid)),
        {record.kid: load_public_key(record.public_jwk, ES256) for record in records},
    )


async def keys_that_ever_signed(connection: Connection, master_key: MasterKey) -> dict[str, VerifyingKey]:
    """The public keys of all signing keys, also of those retired long ago: statements such as checkpoints stay verifiable.

    Each is computed from its private key, which the master key opens; a public key that somebody put into the table counts for nothing.
    """
    found = {}
    for record in await store.load_signing_keys(connection, datetime.min.replace(tzinfo=UTC)):
        try:
            jwk = _public_jwk(serialization.load_pem_private_key(master_key.unwrap(record.private_key, _purpose(record.kid)), None))
        except SealBrokenError:
            continue
        found[record.kid] = load_public_key(jwk, ES256)
    return found


async def rotate_signing_key(connection: Connection, master_key: MasterKey, now: datetime) -> str:
    """Retires the active key and makes another; the kid of the new one. Run it in one transaction."""
    await store.retire_signing_key(connection, now)
    record = _new_record(master_key)
    await store.add_signing_key(connection, record, now)
    return record.kid


async def master_key_fits(connection: Connection, master_key: MasterKey, now: datetime) -> bool:
    """Whether what was sealed in this database opens with the master key."""
    records = await store.load_signing_keys(connection, now)
    try:
        return all(master_key.unwrap(record.private_key, _purpose(record.kid)) for record in records)
    except SealBrokenError:
        return False


def _new_record(master_key: MasterKey) -> store.SigningKeyRecord:
    pem, jwk = make_key_pair()
    kid = thumbprint(jwk)
    return store.SigningKeyRecord(kid, master_key.wrap(pem, _purpose(kid)), jwk, None)


def _purpose(kid: str) -> str:
    return f"signing:{kid}"

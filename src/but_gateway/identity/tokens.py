"""Tokens: the only module that knows python-jose, and every guard that it lacks.

python-jose by itself accepts tokens without ``exp`` or ``aud``, unknown ``crit``, any ``typ``, a wrong ``kid`` and weak keys, and some bad
tokens make it raise what nobody expects. So the shape of a token is checked before it sees one byte, the key is chosen and validated here,
exactly one algorithm is allowed per issuer, all claims are checked here, and any exception means: refused. No JWE, no HMAC, ever.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NoReturn

from jose import jwk as jose_jwk
from jose import jws

ES256: Final = "ES256"
RS256: Final = "RS256"
AT_JWT: Final = "at+jwt"
TOKEN_BYTES_MAX: Final = 8 * 1024
CLAIM_LENGTH_MAX: Final = 255
LEEWAY_SECONDS: Final = 5
RSA_BITS_MIN, RSA_BITS_MAX = 2048, 8192
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_FORBIDDEN_HEADERS: Final = frozenset({"crit", "jku", "x5u", "jwk", "x5c", "b64", "zip", "enc", "epk", "apu", "apv"})
_SIGNATURE_BYTES_ES256: Final = 64
_COORDINATE_BYTES: Final = 32
_RSA_EXPONENT_MIN: Final = 65537


class TokenRefusedError(Exception):
    """A token does not hold. The reason is for tests and operators, never for the caller."""


class KeyRefusedError(Exception):
    """A JSON Web Key is not one that signatures may be checked with; the text says why."""


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A validated public key: P-256 for ES256, RSA of 2048 to 8192 bits for RS256."""

    algorithm: str
    jwk: Mapping[str, str]
    _key: Any = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token of one issuer must say. ``types`` are the allowed ``typ`` in lower case; empty: not looked at."""

    issuer: str
    audiences: frozenset[str]
    algorithm: str = ES256
    types: frozenset[str] = frozenset({AT_JWT})
    lifetime_seconds_max: int = 600
    jti_required: bool = True
    kid_required: bool = True


def load_public_key(document: object, algorithm: str) -> VerifyingKey:
    """The key of a JWK document. Refuses other key types, curves, sizes and uses than the algorithm's (KeyRefusedError)."""
    if not isinstance(document, Mapping):
        raise KeyRefusedError("a JWK is a JSON object")
    if "d" in document or "k" in document:
        raise KeyRefusedError("this JWK holds a private or symmetric key; give only the public part")
    if document.get("use", "sig") != "sig" or document.get("alg", algorithm) != algorithm:
        raise KeyRefusedError(f"this JWK is not for signatures with {algorithm}")
    operations = document.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise KeyRefusedError("this JWK is not for verifying")
    public = _ec_members(document) if algorithm == ES256 else _rsa_members(document)
    try:
        return VerifyingKey(algorithm, public, jose_jwk.construct(dict(public), algorithm))
    except Exception as error:
        raise KeyRefusedError("this JWK is not a valid public key") from error


def sign(claims: Mapping[str, Any], private_pem: bytes, *, kid: str, typ: str = AT_JWT) -> str:
    """A compact ES256 token of the claims."""
    signed: str = jws.sign(dict(claims), private_pem.decode("ascii"), headers={"kid": kid, "typ": typ}, algorithm=ES256)
    return signed


def peek(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token whose shape is right, not verified: only to find its issuer and key.

    Refuses what is no compact JWS of strict base64url and strict JSON objects (TokenRefusedError).
    """
    if not isinstance(token, str) or len(token) > TOKEN_BYTES_MAX or not _SHAPE.fullmatch(token):
        raise TokenRefusedError("shape")
    header_part, claims_part, signature_part = token.split(".")
    _decode(signature_part)
    return _object(header_part), _object(claims_part)


def verify(token: str, keys: Mapping[str, VerifyingKey], expected: Expected, now: datetime) -> dict[str, Any]:
    """The claims of a token that holds in every respect.

    ``keys`` by kid; where a kid is not required and the token has none, the only key of the mapping is meant. Refuses everything else
    (TokenRefusedError), whatever goes wrong on the way.
    """
    try:
        return _verify(token, keys, expected, now)
    except TokenRefusedError:
        raise
    except Exception as error:
        raise TokenRefusedError("unexpected") from error


def verify_statement(token: str, keys: Mapping[str, VerifyingKey], typ: str) -> dict[str, Any]:
    """What a statement of our own says that is no access token and never ends, such as a checkpoint of the audit chain.

    Refuses whatever is not signed with ES256 under this ``typ`` by one of the keys (TokenRefusedError).
    """
    try:
        return _verify_statement(token, keys, typ)
    except TokenRefusedError:
        raise
    except Exception as error:
        raise TokenRefusedError("unexpected") from error


def _verify_statement(token: str, keys: Mapping[str, VerifyingKey], typ: str) -> dict[str, Any]:
    header, _ = peek(token)
    if not _FORBIDDEN_HEADERS.isdisjoint(header) or header.get("alg") != ES256 or header.get("typ") != typ:
        raise TokenRefusedError("header")
    key = keys.get(str(header.get("kid")))
    if key is None or key.algorithm != ES256 or len(_decode(token.rsplit(".", 1)[1])) != _SIGNATURE_BYTES_ES256:
        raise TokenRefusedError("key")
    return _strict_object(jws.verify(token, key._key, algorithms=[ES256]))  # noqa: SLF001 - the wrapped key is this module's own


def _verify(token: str, keys: Mapping[str, VerifyingKey], expected: Expected, now: datetime) -> dict[str, Any]:
    header, _ = peek(token)
    if not _FORBIDDEN_HEADERS.isdisjoint(header):
        raise TokenRefusedError("header")
    if header.get("alg") != expected.algorithm:
        raise TokenRefusedError("alg")
    if expected.types:
        typ = header.get("typ")
        if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in expected.types:
            raise TokenRefusedError("typ")
    key = _choose(header, keys, expected)
    if key.algorithm != expected.algorithm:
        raise TokenRefusedError("key")
    if expected.algorithm == ES256 and len(_decode(token.rsplit(".", 1)[1])) != _SIGNATURE_BYTES_ES256:
        raise TokenRefusedError("signature")
    payload = jws.verify(token, key._key, algorithms=[expected.algorithm])  # noqa: SLF001 - the wrapped key is this module's own
    claims = _strict_object(payload)
    _check_claims(claims, expected, int(now.timestamp()))
    return claims


def _choose(header: Mapping[str, Any], keys: Mapping[str, VerifyingKey], expected: Expected) -> VerifyingKey:
    kid = header.get("kid")
    if kid is None and "kid" not in header and not expected.kid_required and len(keys) == 1:
        return next(iter(keys.values()))
    if not isinstance(kid, str) or kid not in keys:
        raise TokenRefusedError("kid")
    return keys[kid]


def _check_claims(claims: Mapping[str, Any], expected: Expected, now: int) -> None:
    if claims.get("iss") != expected.issuer:
        raise TokenRefusedError("iss")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or not all(isinstance(a, str) for a in audiences) or expected.audiences.isdisjoint(audiences):
        raise TokenRefusedError("aud")
    _text_claim(claims, "sub")
    if expected.jti_required:
        _text_claim(claims, "jti")
    issued, expires = _moment_claim(claims, "iat"), _moment_claim(claims, "exp")
    if issued > now + LEEWAY_SECONDS:
        raise TokenRefusedError("iat")
    if expires <= now:
        raise TokenRefusedError("exp")
    if not 0 < expires - issued <= expected.lifetime_seconds_max:
        raise TokenRefusedError("lifetime")
    if "nbf" in claims and _moment_claim(claims, "nbf") > now + LEEWAY_SECONDS:
        raise TokenRefusedError("nbf")


def _text_claim(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= CLAIM_LENGTH_MAX or not value.isprintable():
        raise TokenRefusedError(name)
    return value


def _moment_claim(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**40:
        raise TokenRefusedError(name)
    return value


def _decode(part: str) -> bytes:
    """Strict base64url: one text per value, so that no token has a second spelling."""
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        raise TokenRefusedError("base64") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise TokenRefusedError("base64")
    return raw


def _object(part: str) -> dict[str, Any]:
    return _strict_object(_decode(part))


def _strict_object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constants)
    except (ValueError, RecursionError):
        raise TokenRefusedError("json") from None
    if not isinstance(value, dict):
        raise TokenRefusedError("json")
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise TokenRefusedError("json")
    return found


def _no_constants(_name: str) -> NoReturn:
    raise TokenRefusedError("json")


def _ec_members(document: Mapping[Any, Any]) -> dict[str, str]:
    if document.get("kty") != "EC" or document.get("crv") != "P-256":
        raise KeyRefusedError("ES256 needs a JWK with kty EC and crv P-256")
    members = {"kty": "EC", "crv": "P-256"}
    for name in ("x", "y"):
        if len(_member(document, name)) != _COORDINATE_BYTES:
            raise KeyRefusedError(f"{name} of this JWK must be 32 bytes")
        members[name] = document[name]
    return members


def _rsa_members(document: Mapping[Any, Any]) -> dict[str, str]:
    if document.get("kty") != "RSA":
        raise KeyRefusedError("RS256 needs a JWK with kty RSA")
    modulus, exponent = (int.from_bytes(_member(document, name), "big") for name in ("n", "e"))
    if not RSA_BITS_MIN <= modulus.bit_length() <= RSA_BITS_MAX or modulus % 2 == 0:
        raise KeyRefusedError(f"an RSA key needs {RSA_BITS_MIN} to {RSA_BITS_MAX} bits")
    if not _RSA_EXPONENT_MIN <= exponent < 2**32 or exponent % 2 == 0:
        raise KeyRefusedError("an RSA key needs an odd exponent of 65537 or more")
    return {"kty": "RSA", "n": document["n"], "e": document["e"]}


def _member(document: Mapping[Any, Any], name: str) -> bytes:
    value = document.get(name)
    if not isinstance(value, str) or not value.isascii():
        raise KeyRefusedError(f"{name} is missing in this JWK")
    try:
        return _decode(value)
    except TokenRefusedError:
        raise KeyRefusedError(f"{name} of this JWK is not base64url") from None

"""Asking for a token (RFC 6749 client credentials): who asks, proven by a secret or by a signed assertion (RFC 7523)."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus

from but_gateway.identity import store
from but_gateway.identity.clients import secret_matches
from but_gateway.identity.issuer import TOKEN_SECONDS, Issuer
from but_gateway.identity.principal import Role
from but_gateway.identity.store import ClientRecord
from but_gateway.identity.tokens import CLAIM_LENGTH_MAX, ES256, Expected, KeyRefusedError, TokenRefusedError, load_public_key, peek, verify

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS_MAX: Final = 300
FORM_BYTES_MAX: Final = 16 * 1024
_FIELDS_MAX: Final = 20
# What private_key_jwt libraries write; RFC 7523 leaves it open.
_ASSERTION_TYPES: Final = frozenset({"jwt", "client-authentication+jwt"})


class TokenError(Exception):
    """A refusal in the words of RFC 6749, section 5.2. ``basic``: the client tried HTTP Basic and must be told so."""

    def __init__(self, code: str, description: str, *, status: int = 400, basic: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.description = description
        self.status = status
        self.basic = basic


@dataclass(frozen=True, slots=True)
class Grant:
    """A token and what it is good for."""

    access_token: str
    expires_in: int
    scope: str


async def grant_token(issuer: Issuer, form: bytes, authorization: str | None) -> Grant:
    """The token a form asks for. Refuses as RFC 6749 says (TokenError)."""
    fields = _read_form(form)
    if fields.get("grant_type") != "client_credentials":
        code = "unsupported_grant_type" if fields.get("grant_type") else "invalid_request"
        raise TokenError(code, "grant_type must be client_credentials")
    seconds = _lifetime(fields)
    if "client_assertion" in fields or "client_assertion_type" in fields:
        if authorization is not None:
            raise TokenError("invalid_request", "send either an assertion or HTTP Basic, not both")
        client = await _by_assertion(issuer, fields)
    else:
        client = await _by_secret(issuer, fields, authorization)
    roles = _scope(fields, client)
    token = await issuer.issue(client.id, roles, client.accounts, client.municipality, seconds)
    return Grant(token, seconds, " ".join(sorted(roles)))


def _read_form(form: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            form.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(form), max_num_fields=_FIELDS_MAX, errors="strict"
        )
    except ValueError:
        raise TokenError("invalid_request", "the body must be application/x-www-form-urlencoded") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise TokenError("invalid_request", "a parameter was sent twice")
    return fields


def _lifetime(fields: Mapping[str, str]) -> int:
    text = fields.get("expires_in")
    if text is None:
        return TOKEN_SECONDS
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) >= 1):  # noqa: PLR2004 - more digits are no lifetime
        raise TokenError("invalid_request", "expires_in must be a number of seconds")
    return min(int(text), TOKEN_SECONDS)


def _scope(fields: Mapping[str, str], client: ClientRecord) -> frozenset[Role]:
    have = frozenset(Role(role) for role in client.roles)
    wanted = fields.get("scope", "").split()
    if not wanted:
        return have
    if not set(wanted) <= have:
        raise TokenError("invalid_scope", "scope may only name roles of this client")
    return frozenset(Role(word) for word in wanted)


async def _by_secret(issuer: Issuer, fields: Mapping[str, str], authorization: str | None) -> ClientRecord:
    client_id, secret = _basic(authorization)
    if fields.get("client_id", client_id) != client_id or "client_secret" in fields:
        raise TokenError("invalid_request", "send client_id and secret by HTTP Basic only")
    async with issuer.database.pool.acquire() as connection:
        client = await store.find_client(connection, client_id)
    if not secret_matches(secret, client.secret_hash if client else None) or client is None:
        raise _invalid_client(basic=True)
    return client


def _basic(authorization: str | None) -> tuple[str, str]:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        raise _invalid_client(basic=True)
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        raise _invalid_client(basic=True) from None
    client_id, secret = unquote_plus(client_id), unquote_plus(secret)
    if not colon or not _storable(client_id):
        raise _invalid_client(basic=True)
    return client_id, secret


async def _by_assertion(issuer: Issuer, fields: Mapping[str, str]) -> ClientRecord:
    """The client that signed an assertion: ES256, for us, at most five minutes, each ``jti`` once."""
    if fields.get("client_assertion_type") != ASSERTION_TYPE:
        raise TokenError("invalid_request", f"client_assertion_type must be {ASSERTION_TYPE}")
    assertion = fields.get("client_assertion", "")
    try:
        _, unverified = peek(assertion)
    except TokenRefusedError:
        raise _invalid_client() from None
    client_id = unverified.get("sub")
    if not isinstance(client_id, str) or not _storable(client_id) or fields.get("client_id", client_id) != client_id:
        raise _invalid_client()
    now = issuer.clock.now()
    async with issuer.database.pool.acquire() as connection:
        client = await store.find_client(connection, client_id)
        if client is None or client.jwk is None:
            raise _invalid_client()
        claims = _verify_assertion(issuer, assertion, client, now)
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        if not await store.use_assertion(connection, client.id, claims["jti"], expires_at, now):
            raise _invalid_client()
    return client


def _verify_assertion(issuer: Issuer, assertion: str, client: ClientRecord, now: datetime) -> dict[str, Any]:
    assert client.jwk is not None  # noqa: S101 - the caller looked
    header, _ = peek(assertion)
    expected = Expected(
        issuer=client.id,
        audiences=frozenset({issuer.url, f"{issuer.url}/", issuer.token_endpoint}),
        types=_ASSERTION_TYPES if "typ" in header else frozenset(),
        lifetime_seconds_max=ASSERTION_SECONDS_MAX,
        kid_required=False,
    )
    try:
        key = load_public_key(client.jwk, ES256)
        claims = verify(assertion, {str(client.jwk.get("kid", "")): key}, expected, now)
    except (TokenRefusedError, KeyRefusedError):
        raise _invalid_client() from None
    if claims["sub"] != client.id:
        raise _invalid_client()
    return claims


def _storable(client_id: str) -> bool:
    return 0 < len(client_id) <= CLAIM_LENGTH_MAX and client_id.isprintable() and client_id.isascii()


def _invalid_client(*, basic: bool = False) -> TokenError:
    return TokenError("invalid_client", "the client is unknown or its proof does not hold", status=401, basic=basic)

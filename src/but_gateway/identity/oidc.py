"""External OpenID Connect issuers that vouch for persons of a town: what each may say, and their keys."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from but_gateway.identity.principal import PERSON_ROLES, Principal, Role
from but_gateway.identity.tokens import ES256, RS256, Expected, KeyRefusedError, TokenRefusedError, VerifyingKey, load_public_key
from but_gateway.kit.clock import Clock

JWKS_BYTES_MAX: Final = 256 * 1024
JWKS_SECONDS: Final = 600
JWKS_SECONDS_MIN: Final = 30  # not asked more often, whatever kids strangers invent
FETCH_SECONDS: Final = 5


class OidcFileError(Exception):
    """The file of external issuers cannot be used; the text says why."""


class ExternalIssuer(BaseModel):
    """One entry of the file that BUT_OIDC_FILE names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(min_length=8)
    audience: str = Field(min_length=1)
    jwks_uri: str = Field(pattern=r"^https?://")
    algorithm: str = Field(default=RS256, pattern=f"^({RS256}|{ES256})$")
    typ: str | None = "at+jwt"  # None: not looked at, for issuers that write JWT
    lifetime_seconds_max: int = Field(default=3600, ge=60, le=86_400)
    roles_claim: str = "roles"  # a path such as realm_access.roles
    roles: dict[str, Role] = Field(min_length=1)  # what the issuer calls them → ours
    municipality_claim: str | None = None  # None: the issuer has one town only
    municipalities: tuple[str, ...] = Field(min_length=1)  # towns it may speak for
    jti_required: bool = True

    @property
    def expected(self) -> Expected:
        """What its tokens say."""
        return Expected(
            self.issuer,
            frozenset({self.audience}),
            self.algorithm,
            frozenset({self.typ.lower()}) if self.typ else frozenset(),
            self.lifetime_seconds_max,
            self.jti_required,
        )

    def principal(self, claims: Mapping[str, Any]) -> Principal:
        """Whom a verified token names. Refuses a town it may not speak for, or no role of a person (TokenRefusedError)."""
        if self.municipality_claim is None and len(self.municipalities) == 1:
            town: object = self.municipalities[0]
        else:
            town = _at(claims, self.municipality_claim or "municipality")
        if not isinstance(town, str) or town not in self.municipalities:
            raise TokenRefusedError("municipality")
        named = _at(claims, self.roles_claim)
        words = named.split() if isinstance(named, str) else named
        if not isinstance(words, list):
            raise TokenRefusedError("roles")
        roles = frozenset(self.roles[w] for w in words if isinstance(w, str) and w in self.roles) & PERSON_ROLES
        if not roles:
            raise TokenRefusedError("roles")
        return Principal(self.issuer, str(claims["sub"]), roles, (), town)


def _at(claims: Mapping[str, Any], path: str) -> object:
    value: object = claims
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def read_issuers(path: Path | None) -> tuple[ExternalIssuer, ...]:
    """The external issuers of a file. Refuses a file that cannot be read or says something unknown (OidcFileError)."""
    if path is None:
        return ()
    try:
        issuers = TypeAdapter(tuple[ExternalIssuer, ...]).validate_python(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "it is no readable JSON file"
        raise OidcFileError(f"BUT_OIDC_FILE {path} cannot be used: {reason}") from None
    if len({i.issuer for i in issuers}) != len(issuers):
        raise OidcFileError(f"BUT_OIDC_FILE {path} names an issuer twice")
    return issuers


@dataclass(slots=True)
class KeySet:
    """The keys of one issuer: fetched once for all who wait, kept for ten minutes, kept longer when the issuer does not answer."""

    issuer: ExternalIssuer
    client: httpx.AsyncClient
    clock: Clock
    _keys: dict[str, VerifyingKey] = field(default_factory=dict, init=False)
    _tried_at: datetime | None = field(default=None, init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def keys_for(self, kid: str) -> Mapping[str, VerifyingKey]:
        """The keys, fetched again when they are old or the kid is unknown."""
        if self._due(kid):
            async with self._turn:
                if self._due(kid):
                    self._tried_at = self.clock.now()
                    self._keys = await self._fetch() or self._keys
        return self._keys

    def _due(self, kid: str) -> bool:
        age = JWKS_SECONDS if kid in self._keys else JWKS_SECONDS_MIN
        return self._tried_at is None or self.clock.now() - self._tried_at >= timedelta(seconds=age)

    async def _fetch(self) -> dict[str, VerifyingKey]:
        """The usable keys of the issuer's set; none when it does not answer as it should."""
        try:
            # The client's own limit is for each step: who sends a byte now and then would keep everybody waiting who wants to log in.
            async with (
                asyncio.timeout(FETCH_SECONDS),
                self.client.stream("GET", self.issuer.jwks_uri, follow_redirects=False, timeout=FETCH_SECONDS) as answer,
            ):
                if answer.status_code != httpx.codes.OK:
                    return {}
                raw = b""
                async for chunk in answer.aiter_bytes():
                    raw += chunk
                    if len(raw) > JWKS_BYTES_MAX:
                        return {}
            documents = json.loads(raw)["keys"]
        except (httpx.HTTPError, TimeoutError, ValueError, KeyError, TypeError, RecursionError):
            return {}
        found = {}
        for document in documents if isinstance(documents, list) else []:
            kid = document.get("kid") if isinstance(document, dict) else None
            if isinstance(kid, str):
                try:
                    found[kid] = load_public_key(document, self.issuer.algorithm)
                except KeyRefusedError:
                    continue  # sets also hold keys for encryption and other algorithms
        return found

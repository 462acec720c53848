"""From a bearer token to a principal, with a short memory for tokens seen before."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from but_gateway.identity.issuer import Issuer, principal_of
from but_gateway.identity.oidc import KeySet
from but_gateway.identity.principal import Principal
from but_gateway.identity.tokens import TokenRefusedError, peek, verify

# Verifying costs 100 to 200 µs, remembering almost nothing; a token is believed for seconds only, never beyond its own end.
REMEMBER_SECONDS: Final = 15
REMEMBER_TOKENS_MAX: Final = 10_000


@dataclass(slots=True)
class Authenticator:
    """Verifies tokens of our own and of the configured external issuers."""

    issuer: Issuer
    external: Mapping[str, KeySet] = field(default_factory=dict)
    _seen: dict[bytes, tuple[Principal, datetime]] = field(default_factory=dict, init=False)

    async def authenticate(self, token: str) -> Principal:
        """Whom a token names. Refuses whatever does not hold (TokenRefusedError)."""
        now = self.issuer.clock.now()
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        seen = self._seen.get(digest)
        if seen is not None and now < seen[1]:
            return seen[0]
        principal, expires_at = await self._verify(token, now)
        if len(self._seen) >= REMEMBER_TOKENS_MAX:
            self._seen.clear()
        self._seen[digest] = (principal, min(expires_at, now + timedelta(seconds=REMEMBER_SECONDS)))
        return principal

    async def _verify(self, token: str, now: datetime) -> tuple[Principal, datetime]:
        header, unverified = peek(token)
        kid, named = header.get("kid"), unverified.get("iss")
        if not isinstance(kid, str) or not isinstance(named, str):
            raise TokenRefusedError("kid")
        key_set = self.external.get(named)
        if key_set is not None and named != self.issuer.url:
            claims = verify(token, await key_set.keys_for(kid), key_set.issuer.expected, now)
            principal = key_set.issuer.principal(claims)
        else:
            claims = verify(token, await self.issuer.keys_for(kid), self.issuer.expected, now)
            principal = principal_of(claims)
        return principal, now + timedelta(seconds=int(claims["exp"]) - int(now.timestamp()))

"""The instance as an issuer: signs access tokens, and knows the keys its own tokens verify with."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from but_gateway.db.engine import Database
from but_gateway.db.fields import MasterKey, SealBrokenError
from but_gateway.identity.keys import KeyRing, load_key_ring
from but_gateway.identity.principal import OWN_ISSUER, Principal, Role
from but_gateway.identity.tokens import AT_JWT, Expected, TokenRefusedError, VerifyingKey, sign
from but_gateway.kit.clock import Clock
from but_gateway.kit.ids import new_id

TOKEN_SECONDS: Final = 600
# Another process may have rotated the key: the ring is read again after this time, or sooner when a token names an unknown key.
RING_SECONDS: Final = 60
RING_SECONDS_MIN: Final = 2


@dataclass(slots=True)
class Issuer:
    """``url`` is the public base URL and the audience of its tokens."""

    url: str
    database: Database
    master_key: MasterKey
    clock: Clock
    _ring: KeyRing | None = field(default=None, init=False)
    _read_at: datetime | None = field(default=None, init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    @property
    def token_endpoint(self) -> str:
        """Where tokens are asked for."""
        return f"{self.url}/oauth2/token"

    @property
    def expected(self) -> Expected:
        """What its own tokens say."""
        return Expected(self.url, frozenset({self.url}), types=frozenset({AT_JWT}), lifetime_seconds_max=TOKEN_SECONDS)

    async def ring(self, older_than_seconds: float = RING_SECONDS) -> KeyRing:
        """The keys, read again when what is known is older."""
        if self._fresh(older_than_seconds):
            assert self._ring is not None  # noqa: S101 - a fresh ring is there
            return self._ring
        async with self._turn:
            if not self._fresh(older_than_seconds):
                now = self.clock.now()
                async with self.database.pool.acquire() as connection:
                    self._ring = await load_key_ring(connection, self.master_key, now)
                self._read_at = now
        assert self._ring is not None  # noqa: S101 - read just now
        return self._ring

    async def keys_for(self, kid: str) -> Mapping[str, VerifyingKey]:
        """The verifying keys; read again when the kid is not among them."""
        ring = await self.ring()
        if kid not in ring.verifying:
            ring = await self.ring(RING_SECONDS_MIN)
        return ring.verifying

    async def issue(self, client_id: str, roles: Iterable[Role], accounts: tuple[str, ...], municipality: str | None, seconds: int) -> str:
        """An access token of at most ten minutes."""
        ring = await self.ring()
        now = int(self.clock.now().timestamp())
        claims: dict[str, Any] = {
            "iss": self.url,
            "sub": client_id,
            "aud": self.url,
            "iat": now,
            "exp": now + min(seconds, TOKEN_SECONDS),
            "jti": str(new_id()),
            "client_id": client_id,
            "scope": " ".join(sorted(roles)),
        }
        if accounts:
            claims["account"] = accounts[0] if len(accounts) == 1 else list(accounts)
        if municipality is not None:
            claims["municipality"] = municipality
        return sign(claims, ring.private_pem, kid=ring.kid)

    async def fault(self) -> str | None:
        """Why the instance cannot sign and verify with its master key; None when it can."""
        try:
            await self.ring()
        except SealBrokenError:
            return "the master key file is not the one this database was set up with"
        return None

    def _fresh(self, seconds: float) -> bool:
        return self._read_at is not None and self.clock.now() - self._read_at < timedelta(seconds=seconds)


def principal_of(claims: Mapping[str, Any]) -> Principal:
    """Who a token of our own names. Refuses roles, accounts or a municipality of another shape (TokenRefusedError)."""
    scope, account, municipality = claims.get("scope"), claims.get("account", []), claims.get("municipality")
    accounts = [account] if isinstance(account, str) else account
    if not isinstance(scope, str) or not isinstance(accounts, list) or not all(isinstance(a, str) for a in accounts):
        raise TokenRefusedError("scope")
    if not isinstance(municipality, str | None):
        raise TokenRefusedError("municipality")
    try:
        roles = frozenset(Role(word) for word in scope.split())
    except ValueError:
        raise TokenRefusedError("scope") from None
    if not roles:
        raise TokenRefusedError("scope")
    return Principal(OWN_ISSUER, str(claims["sub"]), roles, tuple(accounts), municipality)

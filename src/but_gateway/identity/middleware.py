"""Authentication before anything else: who has no valid token learns nothing, whatever the path and the body. Pure ASGI."""

import time
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from but_gateway.identity.authenticator import Authenticator
from but_gateway.identity.principal import Principal
from but_gateway.identity.tokens import TokenRefusedError
from but_gateway.web.limits import RateLimiter
from but_gateway.web.problems import Unauthorized

OPEN_PATHS: Final = frozenset({"/", "/favicon.ico", "/oauth2/token", "/openapi.json", "/docs", "/problems", "/metrics"})
OPEN_FOLDERS: Final = ("/.well-known/", "/health/", "/docs/", "/problems/", "/v1/code-lists/")


def is_open(path: str) -> bool:
    """Whether a path is for everybody. ``/metrics`` has a token of its own."""
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)


class Authentication:
    """Sets ``request.state.principal``, or refuses (Unauthorized); counts what each client asks for (TooManyRequests)."""

    def __init__(self, app: ASGIApp, *, limiter: RateLimiter) -> None:
        self.app = app
        self.limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] == "http" and not is_open(scope["path"]):
            principal = await self._authenticate(scope)
            scope["state"]["principal"] = principal
            scope["state"]["answer_headers"] = self.limiter.take(principal.client_id, time.monotonic())
        elif scope["type"] == "websocket":
            return  # there are none
        await self.app(scope, receive, send)

    async def _authenticate(self, scope: Scope) -> Principal:
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        scheme, _, token = sent[0].partition(b" ") if len(sent) == 1 else (b"", b"", b"")
        if scheme.lower() != b"bearer" or not token:
            raise Unauthorized(headers={"WWW-Authenticate": 'Bearer realm="but-gateway"'})
        authenticator: Authenticator = scope["app"].state.authenticator
        try:
            return await authenticator.authenticate(token.decode("ascii"))
        except (TokenRefusedError, UnicodeDecodeError):
            raise Unauthorized(headers={"WWW-Authenticate": 'Bearer realm="but-gateway", error="invalid_token"'}) from None

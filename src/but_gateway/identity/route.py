"""The route class of every operation under ``/v1``: who may, where and when is settled before a byte of the body is read."""

import re
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from but_gateway.identity.call import Call, hash_request
from but_gateway.identity.directory import Directory
from but_gateway.identity.principal import Principal, Role
from but_gateway.kit.clock import Clock, FixedClock
from but_gateway.kit.period import YEARS
from but_gateway.web.body import KEY_PATTERN, load_json, read_limited
from but_gateway.web.problems import (
    BadHeader,
    Fault,
    Forbidden,
    IdempotencyKeyMissing,
    Invalid,
    MalformedBody,
    NotFound,
    Text,
    Unauthorized,
    UnsupportedMediaType,
    language_of,
)

_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{8,128}")
_RFC3339: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_KEY: Final = re.compile(KEY_PATTERN, re.ASCII)
# What validation takes for true in a query: the key must be asked for exactly when the operation will keep something.
_YES: Final = frozenset({"true", "t", "1", "yes", "y", "on"})
_NUL: Final = Text("Der Text enthält unzulässige Zeichen.", "The text holds characters that are not allowed.")
_TOWN_MISSING: Final = Text("Diese Kommune gibt es für Ihren Zugang nicht.", "There is no such municipality for your client.")


class StrictRequest(Request):
    """A request whose body was read up to the limit already and whose JSON is strict."""

    def keep(self, raw: bytes) -> "StrictRequest":
        """The same request with the body that was read."""
        self._body = raw
        return self

    async def json(self) -> Any:  # noqa: ANN401 - JSON is whatever was sent
        """The value of the body. Refuses what web/body.py refuses."""
        if not hasattr(self, "_json"):
            self._json = load_json(await self.body())
        return self._json


class GatewayRoute(APIRoute):
    """Prepares the Call: town (404), role (403), Test-Clock, account, idempotency key (400), content type (415), size (413)."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with the preparation in front of it."""
        handle = super().get_route_handler()
        declared = self.openapi_extra or {}
        roles = frozenset(Role(r) for r in declared.get("x-roles", ()))
        keyed, types, limit = declared.get("x-idempotency-key", False), declared.get("x-body", ()), declared.get("x-body-limit", 0)

        queries = frozenset(parameter.alias for parameter in self.dependant.query_params)
        simulates = "dry_run" in queries

        async def prepared(request: Request) -> Response:
            principal: Principal | None = getattr(request.state, "principal", None)
            strict = StrictRequest(request.scope, request.receive)
            town_key = request.path_params.get("municipality")
            if principal is None:
                if roles or town_key is not None:
                    raise Unauthorized
                return await handle(strict)
            if town_key is None:
                if not principal.has(*roles):
                    raise Forbidden
                return await handle(strict)
            call = await _prepare(request, principal, roles, town_key)
            _refuse_nul(request, queries)
            dry_run = simulates and request.query_params.get("dry_run", "").lower() in _YES
            key = _idempotency_key(request) if keyed and not dry_run else None
            raw = await _read_body(strict, types, limit)
            query = request.scope["query_string"]
            fingerprint = hash_request(request.method, request.url.path, query, raw, provider_id=call.provider_id)
            request.state.call = replace(call, idempotency_key=key, request_hash=fingerprint)
            strict.keep(raw)
            if types and _is_json(request):
                await strict.json()  # FastAPI would turn our refusal into a bare 400
            return await handle(strict)

        return prepared


async def _prepare(request: Request, principal: Principal, roles: frozenset[Role], town_key: str) -> Call:
    directory: Directory = request.app.state.directory
    town = await directory.town(town_key) if _KEY.fullmatch(town_key) else None
    if town is None:
        raise NotFound(_TOWN_MISSING)
    provider_id: UUID | None = None
    if principal.has(Role.PROVIDER):
        provider_id = await directory.provider(_account(request, principal), town)
        if provider_id is None:
            raise NotFound(_TOWN_MISSING)
    elif principal.municipality != town.key:
        raise NotFound(_TOWN_MISSING)
    if not principal.has(*roles):
        raise Forbidden
    machine_clock: Clock = request.app.state.clock
    return Call(
        database=request.app.state.database,
        principal=principal,
        town=town,
        keys=directory.keys(town),
        provider_id=provider_id,
        clock=clock_of(request.headers.get("test-clock"), machine_clock, sandbox=town.sandbox),
        machine_clock=machine_clock,
        language=language_of(request.headers.get("accept-language")),
        request_id=request.state.request_id,
        idempotency_key=None,
        request_hash=b"",
    )


def _account(request: Request, principal: Principal) -> str:
    wanted = request.headers.get("provider-account")
    if wanted is None:
        if len(principal.accounts) != 1:
            raise BadHeader(
                Text(
                    "Ihr Client handelt für mehrere Zugänge. Nennen Sie einen im Header Provider-Account.",
                    "Your client acts for several accounts. Name one in the header Provider-Account.",
                )
            )
        return principal.accounts[0]
    if wanted not in principal.accounts:
        raise NotFound(Text("Ihr Client handelt nicht für diesen Zugang.", "Your client does not act for this account."))
    return wanted


def clock_of(text: str | None, machine_clock: Clock, *, sandbox: bool) -> Clock:
    """The clock of a call: the machine's, or the one of its Test-Clock header. Refuses a header that is none (BadHeader)."""
    if text is None:
        return machine_clock
    if not sandbox:
        raise BadHeader(Text("Test-Clock gibt es nur in einer Sandbox.", "Test-Clock exists in a sandbox only."))
    if _RFC3339.fullmatch(text) and int(text[:4]) in YEARS:
        try:
            return FixedClock(datetime.fromisoformat(text.upper()))
        except (ValueError, OverflowError):
            pass
    raise BadHeader(
        Text("Test-Clock muss ein Zeitpunkt wie 2026-11-02T10:00:00Z sein.", "Test-Clock must be a moment such as 2026-11-02T10:00:00Z.")
    )


def _refuse_nul(request: Request, names: frozenset[str]) -> None:
    # No text in the database can hold it, so it would only be found out there.
    faults = [Fault(f"?{name}", "bad_text", _NUL) for name in sorted(names) if "\x00" in request.query_params.get(name, "")]
    if faults:
        raise Invalid(faults=faults)


def _idempotency_key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise IdempotencyKeyMissing
    return key


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").split(";")[0].strip().lower() == "application/json"


async def _read_body(request: Request, types: tuple[str, ...], limit: int) -> bytes:
    if not types:
        # "POSTs for which no body is shown take none": an empty object is let pass, anything else is a mistake of the caller.
        raw = await read_limited(request, 64) if request.method not in ("GET", "HEAD") else b""
        if raw.strip() not in (b"", b"{}", b"null"):
            raise MalformedBody(Text("Diese Anfrage nimmt keinen Inhalt.", "This request takes no body."))
        return b""
    sent = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if sent not in types:
        raise UnsupportedMediaType(Text(f"Senden Sie den Inhalt als {' oder '.join(types)}.", f"Send the body as {' or '.join(types)}."))
    return await read_limited(request, limit)


def town_router(tag: str) -> APIRouter:
    """A router for operations of a town; ``tag`` groups them in the docs."""
    return APIRouter(prefix="/v1/municipalities/{municipality}", route_class=GatewayRoute, tags=[tag])

"""How an operation declares who may call it and what may go wrong, once, for the route, the docs and the isolation tests."""

from collections.abc import Iterable
from typing import Any, Final

from but_gateway.web.body import LIMIT_DEFAULT
from but_gateway.web.problems import (
    BadHeader,
    BodyTooLarge,
    Forbidden,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    Invalid,
    MalformedBody,
    NotFound,
    Problem,
    RequestInProgress,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
    declare,
)

JSON_TYPE: Final = "application/json"
ALWAYS: Final = (Unauthorized, Forbidden, NotFound, Invalid, BadHeader, TooManyRequests, Unavailable)
WITH_BODY: Final = (MalformedBody, BodyTooLarge, UnsupportedMediaType)
TAKING_NONE: Final = (MalformedBody, BodyTooLarge)  # a body where none is taken
WITH_KEY: Final = (IdempotencyKeyMissing, IdempotencyKeyReused, RequestInProgress)


def operation(  # noqa: PLR0913 - all keyword-only, each with its meaning in the contract
    *,
    roles: Iterable[str],
    problems: Iterable[type[Problem]] = (),
    keyed: bool = False,
    body: bool = False,
    media_types: tuple[str, ...] = (JSON_TYPE,),
    body_limit: int = LIMIT_DEFAULT,
    extra: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Keyword arguments for a router decorator: ``@router.post("/invoices", **operation(roles={Role.PROVIDER}, keyed=True, body=True))``.

    Args:
        roles: who may call it; everybody else of the town gets 403.
        problems: what else it may refuse with.
        keyed: needs an Idempotency-Key (not with ``?dry_run=true``).
        body: takes a body, of one of the media types, up to ``body_limit`` bytes.
        media_types: content types of the body.
        body_limit: bytes.
        extra: more OpenAPI of the operation.
    """
    declared = [
        *ALWAYS,
        *(WITH_BODY if body else ()),
        *(WITH_KEY if keyed else ()),
        *(TAKING_NONE if keyed and not body else ()),
        *problems,
    ]
    return {
        "openapi_extra": {
            "x-roles": sorted(str(role) for role in roles),
            "x-idempotency-key": keyed,
            "x-body": list(media_types) if body else [],
            "x-body-limit": body_limit if body else 0,
            **(extra or {}),
        },
        "responses": declare(*dict.fromkeys(declared)),
    }

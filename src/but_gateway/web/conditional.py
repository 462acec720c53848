"""Registers are replaced by PUT: versions as ETags, If-Match against lost updates (RFC 9110 § 13), 201 for new and 200 for known."""

from collections.abc import Iterable
from typing import Annotated, Any, Final

from fastapi import Header, Response
from pydantic import BaseModel

from but_gateway.web.answers import Answer
from but_gateway.web.operation import operation
from but_gateway.web.problems import PreconditionFailed, Problem

_ETAG_HEADER: Final = {"ETag": {"description": "Fassung des Datensatzes, für If-Match", "schema": {"type": "string", "examples": ['"3"']}}}

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=1000,
        description='ETag der Fassung, die Sie ändern, zum Beispiel `"3"`. Hat inzwischen jemand anders geändert: 412.',
    ),
]


def etag(version: int) -> str:
    """The ETag of a version."""
    return f'"{version}"'


def demand_match(if_match: str | None, version: int) -> None:
    """Refuses when If-Match names other versions than the present one; 0 means there is none yet (PreconditionFailed).

    Weak tags never match: a write needs the strong comparison (RFC 9110 § 13.1.1).
    """
    if if_match is None or (if_match.strip() == "*" and version > 0):
        return
    if etag(version) not in [tag.strip() for tag in if_match.split(",")]:
        raise PreconditionFailed


def reading_operation(*, roles: Iterable[str], problems: Iterable[type[Problem]] = ()) -> dict[str, Any]:
    """Keyword arguments for a GET of one record: ``operation`` and the ETag it answers."""
    declared = operation(roles=roles, problems=problems)
    declared["responses"] = {**declared["responses"], 200: {"headers": _ETAG_HEADER}}
    return declared


def replacing_operation(model: type[BaseModel], *, roles: Iterable[str], problems: Iterable[type[Problem]] = ()) -> dict[str, Any]:
    """Keyword arguments for a PUT: ``operation`` with both answers, 200 and 201, and their ETag."""
    declared = operation(roles=roles, problems=[PreconditionFailed, *problems], body=True)
    declared["responses"] = {
        **declared["responses"],
        200: {"description": "Geändert, oder schon so gespeichert", "headers": _ETAG_HEADER},
        201: {"description": "Neu angelegt", "model": model, "headers": _ETAG_HEADER},
    }
    return declared


def stored(body: BaseModel, version: int, *, created: bool, location: str) -> Answer:
    """The answer to a PUT: the record as it is stored now."""
    headers = {"ETag": etag(version)} | ({"Location": location} if created else {})
    return Answer(body, 201 if created else 200, headers)


def respond(answer: Answer) -> Response:
    """An answer as an HTTP response."""
    return Response(answer.content(), answer.status, headers={"content-type": "application/json", **answer.headers})

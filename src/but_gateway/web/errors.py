"""From any exception to the problem the caller is told."""

import json
import traceback
from typing import Any, Final

from fastapi.exceptions import RequestValidationError, ResponseValidationError
from starlette.exceptions import HTTPException

from but_gateway.db.trouble import Trouble, trouble_of
from but_gateway.web.faults import problem_of
from but_gateway.web.problems import (
    BadHeader,
    BodyTooLarge,
    Conflict,
    Forbidden,
    MalformedBody,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    Problem,
    ProblemResponse,
    Text,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    Unexpected,
    UnsupportedMediaType,
)

RETRY_SECONDS: Final = "2"
_BY_STATUS: Final[dict[int, type[Problem]]] = {
    400: MalformedBody,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    406: NotAcceptable,
    413: BodyTooLarge,
    415: UnsupportedMediaType,
    429: TooManyRequests,
    503: Unavailable,
}


def problem_for(error: BaseException) -> Problem:  # noqa: PLR0911 - one return per family of exceptions
    """The problem an exception stands for; what we do not know is a fault of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return problem_of(error.errors(), error.body)
    if isinstance(error, ResponseValidationError):
        return Unexpected()
    if isinstance(error, HTTPException):
        found = _BY_STATUS.get(error.status_code, BadHeader if error.status_code < 500 else Unexpected)  # noqa: PLR2004 - server errors
        return found(_REQUEST_BROKEN if found is BadHeader else None, headers=error.headers or {})
    match trouble_of(error):
        case Trouble.AWAY | Trouble.BUSY:
            return Unavailable(headers={"Retry-After": RETRY_SECONDS})
        case Trouble.TAKEN:
            return Conflict(headers={"Retry-After": "1"})
        case None:
            return Unexpected()


_REQUEST_BROKEN: Final = Text("Die Anfrage ist so nicht möglich.", "The request is not possible like this.")


def response_for(problem: Problem, language: str, request_id: str) -> ProblemResponse:
    """The problem as an answer in a language."""
    document: dict[str, Any] = problem.body(language, request_id)
    content = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return ProblemResponse(content, problem.status, headers={"Content-Language": language, **problem.headers})


def place_of(error: BaseException) -> dict[str, str]:
    """Type and place of an exception for the log; its message stays out, for it may repeat what was sent."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "but_gateway" in frame.filename] or frames
    place = f"{ours[-1].filename.rpartition('but_gateway/')[2]}:{ours[-1].lineno}" if ours else "?"
    return {"error": type(error).__qualname__, "place": place}

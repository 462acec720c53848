"""Errors as RFC 9457 problem details: a business error is a class with its status, code and texts.

The hierarchy::

    Problem
    ├── Unauthorized 401        ├── MalformedBody 400          ├── WrongState 409
    ├── Forbidden 403           ├── BadHeader 400              ├── IdempotencyKeyReused 422
    │   └── FourEyes 403        ├── BodyTooLarge 413           ├── RequestInProgress 409
    ├── NotFound 404            ├── UnsupportedMediaType 415   ├── Conflict 409
    ├── MethodNotAllowed 405    ├── Invalid 422                ├── TooManyRequests 429
    ├── NotAcceptable 406       └── PreconditionFailed 412     ├── Unavailable 503
    └── ReceiveTimeout 408                                     └── Unexpected 500

Rooms add their own subclasses (``InvoiceNumberUsed`` …). Details never carry what a caller sent.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from starlette.responses import Response

MEDIA_TYPE: Final = "application/problem+json"
Language = Literal["de", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("de", "en")
_WEIGHT: Final = re.compile(r"q=(0(?:\.\d{1,3})?|1(?:\.0{1,3})?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence in both languages."""

    de: str
    en: str

    def __getitem__(self, language: str) -> str:
        return self.en if language == "en" else self.de


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a bad body or query. ``pointer`` is a JSON pointer into the body (``/lines/3/amount``) or ``?name`` for the query."""

    pointer: str
    code: str
    detail: Text


class Problem(Exception):  # noqa: N818 - the standard's word for it
    """A refusal with an answer. Subclasses set status, code, title and a detail that says how to mend it."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "problem"
    title: ClassVar[Text] = Text("Fehler", "Problem")
    default_detail: ClassVar[Text] = Text("", "")

    def __init__(self, detail: Text | None = None, *, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None) -> None:
        super().__init__(self.code)
        self.detail = detail or self.default_detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})

    def body(self, language: str, request_id: str) -> dict[str, Any]:
        """The problem document in a language."""
        document: dict[str, Any] = {
            "type": f"/problems/{self.code}",
            "title": self.title[language],
            "status": self.status,
            "detail": self.detail[language],
            "code": self.code,
            "request_id": request_id,
        }
        if self.faults:
            document["errors"] = [{"pointer": f.pointer, "code": f.code, "detail": f.detail[language]} for f in self.faults]
        return document


class Unauthorized(Problem):
    """No token, or one that does not hold."""

    status = 401
    code = "unauthorized"
    title = Text("Nicht angemeldet", "Not authenticated")
    default_detail = Text(
        "Senden Sie ein gültiges Zugriffstoken im Header Authorization: Bearer.",
        "Send a valid access token in the header Authorization: Bearer.",
    )


class Forbidden(Problem):
    """The right object, but the right to do this is missing."""

    status = 403
    code = "forbidden"
    title = Text("Keine Berechtigung", "Not allowed")
    default_detail = Text("Ihr Zugang hat nicht das Recht dazu.", "Your client has no right to do this.")


class FourEyes(Forbidden):
    """Another person must do this."""

    code = "four_eyes"
    title = Text("Vier-Augen-Prinzip", "Four-eyes principle")
    default_detail = Text(
        "Wer daran schon beteiligt war, darf diesen Schritt nicht tun. Eine andere Person muss ihn ausführen.",
        "Whoever took part before may not take this step. Another person has to.",
    )


class NotFound(Problem):
    """There is no such thing here – for this caller."""

    status = 404
    code = "not_found"
    title = Text("Nicht gefunden", "Not found")
    default_detail = Text("Unter dieser Adresse gibt es nichts.", "There is nothing at this address.")


class MethodNotAllowed(Problem):
    """The address exists, the method does not."""

    status = 405
    code = "method_not_allowed"
    title = Text("Methode nicht erlaubt", "Method not allowed")
    default_detail = Text("Diese Adresse kennt die Methode nicht.", "This address does not know the method.")


class NotAcceptable(Problem):
    """No representation that the caller accepts."""

    status = 406
    code = "not_acceptable"
    title = Text("Format nicht verfügbar", "Not acceptable")
    default_detail = Text("In diesem Format gibt es das nicht.", "There is no representation in this format.")


class MalformedBody(Problem):
    """Not JSON as it should be: syntax, duplicate key, NaN, bad UTF-8, too deep."""

    status = 400
    code = "malformed_body"
    title = Text("Inhalt nicht lesbar", "Body not readable")
    default_detail = Text("Der Inhalt ist kein gültiges JSON.", "The body is not valid JSON.")


class BadHeader(Problem):
    """A header is missing or has a value it may not have."""

    status = 400
    code = "bad_header"
    title = Text("Header fehlt oder ist falsch", "Header missing or wrong")


class IdempotencyKeyMissing(BadHeader):
    """POSTs that create or change need an Idempotency-Key."""

    code = "idempotency_key_missing"
    title = Text("Idempotency-Key fehlt", "Idempotency-Key missing")
    default_detail = Text(
        "Senden Sie den Header Idempotency-Key mit 8 bis 128 sichtbaren ASCII-Zeichen, für jeden neuen Vorgang einen neuen.",
        "Send the header Idempotency-Key with 8 to 128 visible ASCII characters, a new one for every new request.",
    )


class BodyTooLarge(Problem):
    """The body is over the limit."""

    status = 413
    code = "body_too_large"
    title = Text("Inhalt zu groß", "Body too large")
    default_detail = Text("Der Inhalt ist größer als erlaubt. Teilen Sie ihn auf.", "The body is larger than allowed. Split it.")


class UnsupportedMediaType(Problem):
    """The content type is not one this address takes."""

    status = 415
    code = "unsupported_media_type"
    title = Text("Format nicht unterstützt", "Unsupported media type")
    default_detail = Text("Senden Sie den Inhalt als application/json.", "Send the body as application/json.")


class Invalid(Problem):
    """The content is malformed; ``errors`` lists all faults."""

    status = 422
    code = "invalid"
    title = Text("Angaben fehlerhaft", "Invalid content")
    default_detail = Text(
        "Die Anfrage enthält Fehler; alle stehen unter errors. Es wurde nichts gespeichert.",
        "The request has faults; all of them are listed under errors. Nothing was stored.",
    )


class IdempotencyKeyReused(Problem):
    """The same key came with another request before."""

    status = 422
    code = "idempotency_key_reused"
    title = Text("Idempotency-Key schon verwendet", "Idempotency-Key used before")
    default_detail = Text(
        "Dieser Idempotency-Key gehört zu einer anderen Anfrage. Verwenden Sie einen neuen.",
        "This Idempotency-Key belongs to another request. Use a new one.",
    )


class ReceiveTimeout(Problem):
    """The body came too slowly."""

    status = 408
    code = "receive_timeout"
    title = Text("Anfrage zu langsam", "Request too slow")
    default_detail = Text(
        "Der Inhalt kam nicht in der vorgesehenen Zeit an. Es wurde nichts gespeichert; senden Sie die Anfrage erneut.",
        "The body did not arrive in time. Nothing was stored; send the request again.",
    )


class Conflict(Problem):
    """Two requests wanted the same at the same moment."""

    status = 409
    code = "conflict"
    title = Text("Gleichzeitig geändert", "Changed at the same moment")
    default_detail = Text(
        "Eine andere Anfrage war einen Augenblick früher. Es wurde nichts gespeichert; senden Sie die Anfrage erneut.",
        "Another request came a moment before. Nothing was stored; send the request again.",
    )


class WrongState(Problem):
    """The object is not in a state in which this can be done."""

    status = 409
    code = "wrong_state"
    title = Text("Im jetzigen Zustand nicht möglich", "Not possible in the present state")
    default_detail = Text("Der Vorgang ist im jetzigen Zustand nicht möglich.", "This cannot be done in the present state.")


class RequestInProgress(Problem):
    """The first request with this key is still running."""

    status = 409
    code = "request_in_progress"
    title = Text("Anfrage läuft noch", "Request in progress")
    default_detail = Text(
        "Die erste Anfrage mit diesem Idempotency-Key läuft noch. Fragen Sie in einer Sekunde erneut.",
        "The first request with this Idempotency-Key is still running. Ask again in a second.",
    )


class PreconditionFailed(Problem):
    """If-Match names another version."""

    status = 412
    code = "precondition_failed"
    title = Text("Inzwischen geändert", "Changed meanwhile")
    default_detail = Text(
        "Der Datensatz wurde inzwischen geändert. Laden Sie ihn neu und senden Sie die Änderung mit dem neuen ETag.",
        "The record was changed meanwhile. Read it again and send your change with the new ETag.",
    )


class TooManyRequests(Problem):
    """More than the limit allows."""

    status = 429
    code = "too_many_requests"
    title = Text("Zu viele Anfragen", "Too many requests")
    default_detail = Text("Warten Sie, bis Retry-After abgelaufen ist.", "Wait until Retry-After has passed.")


class Unavailable(Problem):
    """The database is away or the service is full: nothing was done, ask again."""

    status = 503
    code = "unavailable"
    title = Text("Vorübergehend nicht verfügbar", "Temporarily unavailable")
    default_detail = Text(
        "Der Dienst ist gerade nicht erreichbar. Senden Sie die Anfrage später mit demselben Idempotency-Key erneut.",
        "The service is not available right now. Send the request again later with the same Idempotency-Key.",
    )


class Unexpected(Problem):
    """A fault of ours."""

    status = 500
    code = "unexpected"
    title = Text("Unerwarteter Fehler", "Unexpected error")
    default_detail = Text(
        "Das ist unser Fehler. Nennen Sie dem Betrieb die request_id.", "This is our fault. Tell the operator the request_id."
    )


def all_problems() -> list[type[Problem]]:
    """Every problem class known so far, by code."""
    found: dict[str, type[Problem]] = {}
    todo = list(Problem.__subclasses__())
    while todo:
        one = todo.pop()
        todo += one.__subclasses__()
        found[one.code] = one
    return [found[code] for code in sorted(found)]


def language_of(accept_language: str | None) -> Language:
    """``en`` where the caller prefers English, else ``de``."""
    best: Language = "de"
    best_weight = 0.0
    for part in (accept_language or "")[:200].lower().split(","):
        tag, _, parameter = part.partition(";")
        found = _WEIGHT.fullmatch(parameter.strip()) if parameter else None
        weight = float(found[1]) if found else 1.0
        language = next((known for known in LANGUAGES if known == tag.strip().split("-")[0]), None)
        if language is not None and weight > best_weight:
            best, best_weight = language, weight
    return best


def declare(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of an operation for these problems, one entry per status with all its codes."""
    by_status: dict[int, list[type[Problem]]] = {}
    for problem in problems:
        by_status.setdefault(problem.status, []).append(problem)
    answers: dict[int | str, dict[str, Any]] = {}
    for status, group in sorted(by_status.items()):
        examples = {p.code: {"value": p().body("de", "0198f0c2-0000-7000-8000-000000000000")} for p in sorted(group, key=lambda p: p.code)}
        answers[status] = {
            "description": "; ".join(f"`{p.code}`: {p.title.de}" for p in sorted(group, key=lambda p: p.code)),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
        }
    return answers


class ProblemResponse(Response):
    """A problem as an HTTP answer."""

    media_type = MEDIA_TYPE

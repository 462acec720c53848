"""The OpenAPI 3.1 document: what the operations declare, plus what holds for all of them."""

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from but_gateway.web.body import AnswerModel, StrictModel
from but_gateway.web.examples import example_lists, keep_nulls, written_in_models
from but_gateway.web.problems import MEDIA_TYPE, Invalid, declare

PROBLEM_REF: Final = {"$ref": "#/components/schemas/Problem"}
_DESCRIPTION: Final = """\
Caterer und Nachhilfeanbieter prüfen Berechtigungen und rechnen Leistungen für Bildung und Teilhabe mit Kommunen ab;
die Kommune entscheidet jede Position mit Begründung und zahlt aus.

Alles einer Kommune liegt unter `/v1/municipalities/{municipality}/…`. Beträge sind Zeichenketten in EUR (`"4.50"`), Tage `YYYY-MM-DD`,
Monate `YYYY-MM`, Zeitpunkte RFC 3339 in UTC. Fehler sind `application/problem+json` (RFC 9457); ihr `type` führt zu einer Seite, die sie
erklärt. Texte kommen auf Deutsch, mit `Accept-Language: en` auf Englisch.
"""
_PROBLEM: Final = {
    "type": "object",
    "description": "Fehler nach RFC 9457. `errors` nennt alle Fehler eines Inhalts oder einer Abfrage.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "Seite, die den Fehler erklärt"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "was ist und was Sie tun können"},
        "code": {"type": "string", "description": "fester Name des Fehlers"},
        "request_id": {"type": "string", "description": "wie im Header X-Request-Id"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "JSON Pointer in den Inhalt (`/lines/3/amount`) oder `?name` für die Abfrage",
                    },
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
    "examples": [
        {
            "type": "/problems/invalid",
            "title": "Angaben fehlerhaft",
            "status": 422,
            "detail": Invalid.default_detail.de,
            "code": "invalid",
            "request_id": "0198f0c2-0000-7000-8000-000000000000",
            "errors": [{"pointer": "/lines/3/amount", "code": "not_an_amount", "detail": 'Hier gehört ein Betrag wie "4.50" hin.'}],
        }
    ],
}
_TOKEN_ERROR: Final = {
    "type": "object",
    "description": "Fehler nach RFC 6749, Abschnitt 5.2",
    "required": ["error", "error_description"],
    "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
}
_SECURITY_SCHEMES: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "at+jwt", "description": "Zugriffstoken von `POST /oauth2/token`"},
    "clientBasic": {"type": "http", "scheme": "basic", "description": "Client-Id und Secret, nur für `POST /oauth2/token`"},
}
_PARAMETERS: Final = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": (
            "8 bis 128 sichtbare ASCII-Zeichen, für jeden neuen Vorgang ein neuer. Die Wiederholung mit demselben Schlüssel und demselben "
            "Inhalt bekommt dieselbe Antwort und den Header `Idempotency-Replayed: true`."
        ),
        "schema": {"type": "string", "minLength": 8, "maxLength": 128, "pattern": "^[\\x21-\\x7e]+$"},
        "example": "R-2026-10-001-a6f2",
    },
    "TestClock": {
        "name": "Test-Clock",
        "in": "header",
        "required": False,
        "description": "Nur in einer Sandbox: der Zeitpunkt, der für diese Anfrage *jetzt* ist.",
        "schema": {"type": "string", "format": "date-time"},
        "example": "2026-11-02T10:00:00Z",
    },
    "ProviderAccount": {
        "name": "Provider-Account",
        "in": "header",
        "required": False,
        "description": "Für Clients, die für mehrere Zugänge handeln: der Zugang, für den diese Anfrage gilt.",
        "schema": {"type": "string"},
        "example": "caterer-gmbh",
    },
}
_HEADERS: Final = {
    "RequestId": {"description": "Kennung der Anfrage; nennen Sie sie bei Rückfragen", "schema": {"type": "string"}},
    "RetryAfter": {"description": "Sekunden bis zum nächsten Versuch", "schema": {"type": "integer"}},
    "Replayed": {"description": "`true`: Antwort einer früheren Anfrage mit demselben Idempotency-Key", "schema": {"type": "string"}},
}
_RETRYABLE: Final = frozenset({"429", "503"})


def describe(app: FastAPI) -> dict[str, Any]:
    """The whole document, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            openapi_version="3.1.0",
            summary="Bildung und Teilhabe: prüfen, einreichen, entscheiden, auszahlen",
            description=_DESCRIPTION,
            routes=app.routes,
            servers=[{"url": "/"}],
            license_info={"name": "Apache-2.0"},
        )
        components = document.setdefault("components", {})
        components["securitySchemes"] = _SECURITY_SCHEMES
        components["parameters"] = _PARAMETERS
        components["headers"] = _HEADERS
        schemas = components.setdefault("schemas", {})
        for ours in ("HTTPValidationError", "ValidationError"):
            schemas.pop(ours, None)  # FastAPI's own form of a 422, which we never answer
        schemas.update(_named_by_hand(document, schemas))
        keep_nulls(document, [*written_in_models(StrictModel, AnswerModel), *_written_in_routes(app.routes)])
        example_lists(schemas)
        components["schemas"] = dict(sorted({**schemas, "Problem": _PROBLEM, "TokenError": _TOKEN_ERROR}.items()))
        for operation in operations(document):
            _complete(operation)
        app.openapi_schema = document
    return app.openapi_schema


def _written_in_routes(routes: Iterable[BaseRoute]) -> Iterator[object]:
    for route in routes:
        inner = getattr(route, "original_router", None)  # newer versions of the framework keep included routers as they are
        yield from _written_in_routes(inner.routes) if inner is not None else ()
        yield from (getattr(route, "responses", None), getattr(route, "openapi_extra", None))


def _named_by_hand(document: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The schemas of bodies that an operation reads itself and only refers to: FastAPI does not see them."""
    found: dict[str, Any] = {}
    models = {model.__name__: model for model in StrictModel.__subclasses__()}
    for name in sorted(set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document))) - known.keys()):
        if name in models:
            schema = models[name].model_json_schema(ref_template="#/components/schemas/{model}")
            found |= {**schema.pop("$defs", {}), name: schema}
    return found


def operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation of a document."""
    for item in document["paths"].values():
        for method, operation in item.items():
            if method in ("get", "put", "post", "delete", "patch"):
                yield operation


def _complete(operation: dict[str, Any]) -> None:
    simulated = None
    responses = operation["responses"] = dict(sorted(operation["responses"].items()))
    refused = responses.get("422", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if refused.get("$ref", "").endswith("/HTTPValidationError"):
        responses["422"] = declare(Invalid)[422]
    parameters = operation.setdefault("parameters", [])
    if "201" in responses and any(parameter.get("name") == "dry_run" for parameter in parameters):
        simulated = {**copy.deepcopy(responses["201"]), "description": "Mit `dry_run=true`: dasselbe Ergebnis, nichts wird behalten"}
        responses = operation["responses"] = {"200": simulated, **responses}
    if "x-roles" in operation:
        operation["security"] = [{"bearer": []}]
        named = {parameter.get("name", "").lower() for parameter in parameters}
        wanted = {
            "IdempotencyKey": operation.get("x-idempotency-key", False),
            "TestClock": any(p.get("name") == "municipality" for p in parameters),
            "ProviderAccount": "provider" in operation["x-roles"],
        }
        parameters += [
            {"$ref": f"#/components/parameters/{key}"}
            for key, due in wanted.items()
            if due and str(_PARAMETERS[key]["name"]).lower() not in named
        ]
    if not parameters:
        del operation["parameters"]
    operation.setdefault("security", [])
    for status, response in responses.items():
        headers = response.setdefault("headers", {})
        headers["X-Request-Id"] = {"$ref": "#/components/headers/RequestId"}
        if status in _RETRYABLE or (status == "409" and operation.get("x-idempotency-key")):
            headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
        if operation.get("x-idempotency-key") and status.startswith("2") and response is not simulated:
            headers["Idempotency-Replayed"] = {"$ref": "#/components/headers/Replayed"}
        for media_type, content in response.get("content", {}).items():
            if media_type == MEDIA_TYPE:
                content["schema"] = PROBLEM_REF

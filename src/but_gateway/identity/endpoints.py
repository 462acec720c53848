"""Tokens, and what others need to know to ask for them and to check them."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ConfigDict, Field

from but_gateway.identity.issuer import TOKEN_SECONDS, Issuer
from but_gateway.identity.principal import Role
from but_gateway.identity.token_request import FORM_BYTES_MAX, TokenError, grant_token
from but_gateway.web.body import AnswerModel, read_limited
from but_gateway.web.problems import BodyTooLarge, Text, Unavailable, UnsupportedMediaType, declare

FORM_TYPE: Final = "application/x-www-form-urlencoded"
_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
router = APIRouter(tags=["Anmeldung"])


class TokenOut(AnswerModel):
    """A token."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"access_token": "eyJhbGciOiJFUzI1NiIs…", "token_type": "Bearer", "expires_in": 600, "scope": "provider"}]
        }
    )

    access_token: str = Field(description="Zugriffstoken (ES256, `typ: at+jwt`), im Header `Authorization: Bearer …` zu senden")
    token_type: str = Field(description="immer `Bearer`")
    expires_in: int = Field(description="Gültigkeit in Sekunden, höchstens 600")
    scope: str = Field(description="Rollen, durch Leerzeichen getrennt")


def current_issuer(request: Request) -> Issuer:
    """The instance's issuer."""
    issuer: Issuer = request.app.state.issuer
    return issuer


_FORM_SCHEMA: Final = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "enum": ["client_credentials"]},
        "scope": {"type": "string", "description": "Rollen, wenn das Token weniger dürfen soll als der Client"},
        "expires_in": {"type": "integer", "minimum": 1, "maximum": TOKEN_SECONDS, "description": "kürzere Gültigkeit in Sekunden"},
        "client_id": {"type": "string"},
        "client_assertion_type": {"type": "string", "enum": ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]},
        "client_assertion": {"type": "string", "description": "mit ES256 signiertes JWT: iss = sub = client_id, aud, exp (≤ 300 s), jti"},
    },
}
_FORM_EXAMPLES: Final = {
    "secret": {"summary": "mit HTTP Basic", "value": {"grant_type": "client_credentials"}},
    "private_key_jwt": {
        "summary": "mit signierter Assertion",
        "value": {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": "eyJhbGciOiJFUzI1NiIs…",
        },
    },
}
_ERROR_EXAMPLE: Final = {"error": "invalid_client", "error_description": "the client is unknown or its proof does not hold"}
_ERROR: Final = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/TokenError"}, "example": _ERROR_EXAMPLE}}}


@router.post(
    "/oauth2/token",
    summary="Zugriffstoken holen",
    description=(
        "OAuth 2.0 *client credentials* (RFC 6749). Der Client weist sich mit HTTP Basic (Client-Id und Secret, Sandbox und Einzelplatz) "
        "oder mit `private_key_jwt` (RFC 7523) aus. Eine Assertion gilt höchstens 300 Sekunden und nur einmal."
    ),
    response_model=TokenOut,
    responses={
        400: {"description": "Fehler nach RFC 6749, Abschnitt 5.2", **_ERROR},
        401: {"description": "`invalid_client`", **_ERROR},
        **declare(BodyTooLarge, UnsupportedMediaType, Unavailable),
    },
    openapi_extra={
        "security": [{"clientBasic": []}, {}],
        "requestBody": {"required": True, "content": {FORM_TYPE: {"schema": _FORM_SCHEMA, "examples": _FORM_EXAMPLES}}},
    },
)
async def issue_token(request: Request, issuer: Annotated[Issuer, Depends(current_issuer)]) -> Response:
    """Gives a token to a client that proves who it is."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM_TYPE:
        raise UnsupportedMediaType(Text(f"Senden Sie ein Formular als {FORM_TYPE}.", f"Send a form as {FORM_TYPE}."))
    form = await read_limited(request, FORM_BYTES_MAX)
    try:
        grant = await grant_token(issuer, form, request.headers.get("authorization"))
    except TokenError as error:
        challenge = {"WWW-Authenticate": 'Basic realm="but-gateway"'} if error.basic else {}
        return JSONResponse({"error": error.code, "error_description": error.description}, error.status, {**_NO_STORE, **challenge})
    answer = TokenOut(access_token=grant.access_token, token_type="Bearer", expires_in=grant.expires_in, scope=grant.scope)  # noqa: S106 - a kind of token
    return Response(answer.model_dump_json(), headers=_NO_STORE, media_type="application/json")


@router.get(
    "/.well-known/jwks.json",
    summary="Öffentliche Schlüssel",
    description="Schlüssel (RFC 7517), mit denen sich unsere Token prüfen lassen.",
)
async def jwks(issuer: Annotated[Issuer, Depends(current_issuer)]) -> JSONResponse:
    """The public keys."""
    return JSONResponse((await issuer.ring()).jwks(), headers={"Cache-Control": "public, max-age=300"})


@router.get(
    "/.well-known/oauth-authorization-server",
    summary="Angaben zum Anmeldedienst",
    description="Metadaten für OAuth-Bibliotheken (RFC 8414): Adressen, Verfahren und Rollen.",
)
async def authorization_server(issuer: Annotated[Issuer, Depends(current_issuer)]) -> JSONResponse:
    """The metadata of RFC 8414."""
    return JSONResponse(
        {
            "issuer": issuer.url,
            "token_endpoint": issuer.token_endpoint,
            "jwks_uri": f"{issuer.url}/.well-known/jwks.json",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "scopes_supported": [str(role) for role in Role],
            "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
            "service_documentation": f"{issuer.url}/docs",
        },
        headers={"Cache-Control": "public, max-age=300"},
    )

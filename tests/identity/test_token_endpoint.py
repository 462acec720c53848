"""Getting a token: by secret, by assertion, and every way of not getting one."""

import base64
import json
from typing import Any

import pytest

from but_gateway.identity.clients import Made
from but_gateway.identity.keys import make_key_pair, thumbprint
from but_gateway.identity.principal import Role
from but_gateway.identity.tokens import peek, sign
from but_gateway.kit.ids import new_id
from tests.factories.instance import ISSUER, Instance

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT = {"grant_type": "client_credentials"}


async def test_a_secret_gets_a_token_for_ten_minutes(instance: Instance) -> None:
    made = await instance.client(Role.REGISTRAR, town="krefeld")
    answer = await instance.http.post("/oauth2/token", data=GRANT, auth=(made.client_id, made.client_secret or ""))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert {key: body[key] for key in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": "registrar",
    }
    header, claims = peek(body["access_token"])
    assert header["typ"] == "at+jwt"
    assert (claims["iss"], claims["aud"], claims["sub"], claims["municipality"]) == (ISSUER, ISSUER, made.client_id, "krefeld")
    assert claims["exp"] - claims["iat"] == 600
    assert "account" not in claims


async def test_a_token_names_the_accounts_of_a_vendor(instance: Instance) -> None:
    for key in ("a1", "a2"):
        await instance.account(key)
    assert peek(await instance.token(Role.PROVIDER, accounts=["a1"]))[1]["account"] == "a1"
    assert peek(await instance.token(Role.PROVIDER, accounts=["a1", "a2"]))[1]["account"] == ["a1", "a2"]


async def test_a_token_can_be_asked_for_with_less(instance: Instance) -> None:
    made = await instance.client(Role.CLERK, Role.FINANCE, town="krefeld")
    form = {**GRANT, "scope": "clerk", "expires_in": "60"}
    answer = await instance.http.post("/oauth2/token", data=form, auth=(made.client_id, made.client_secret or ""))
    assert (answer.json()["scope"], answer.json()["expires_in"]) == ("clerk", 60)


async def test_a_token_cannot_be_asked_for_with_more(instance: Instance) -> None:
    made = await instance.client(Role.CLERK, town="krefeld")
    auth = (made.client_id, made.client_secret or "")
    answer = await instance.http.post("/oauth2/token", data={**GRANT, "scope": "clerk finance"}, auth=auth)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    longer = await instance.http.post("/oauth2/token", data={**GRANT, "expires_in": "86400"}, auth=auth)
    assert longer.json()["expires_in"] == 600


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"scope": "registrar"}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({**GRANT, "expires_in": "soon"}, 400, "invalid_request"),
        ({**GRANT, "expires_in": "0"}, 400, "invalid_request"),
        ({**GRANT, "client_id": "somebody else"}, 400, "invalid_request"),
        ({**GRANT, "client_assertion": "x"}, 400, "invalid_request"),
    ],
)
async def test_a_bad_form_is_refused_in_the_words_of_the_standard(
    instance: Instance, form: dict[str, str], status: int, error: str
) -> None:
    made = await instance.client(Role.REGISTRAR, town="krefeld")
    answer = await instance.http.post("/oauth2/token", data=form, auth=(made.client_id, made.client_secret or ""))
    assert (answer.status_code, answer.json().get("error")) == (status, error)


async def test_an_empty_form_or_another_content_type_is_refused(instance: Instance) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for content in (
        b"",
        b"grant_type",
        b"\xff\xfe=1",
        b"&" * 50,
        b"a=1&" * 50,
        b"grant_type=client_credentials&grant_type=client_credentials",
    ):
        answer = await instance.http.post("/oauth2/token", content=content, headers=headers)
        assert answer.status_code == 400, content
    other = await instance.http.post("/oauth2/token", json=GRANT)
    assert (other.status_code, "x-www-form-urlencoded" in other.json()["detail"]) == (415, True)
    assert (await instance.http.post("/oauth2/token", content=b"a" * 20_000, headers=headers)).status_code == 413


@pytest.mark.parametrize(
    "authorization",
    [
        None, "Basic", "Basic !!", "Basic " + base64.b64encode(b"nobody:secret").decode(), "Basic " + base64.b64encode(b"nocolon").decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(), "Bearer x", "Basic " + base64.b64encode(b"a\x00b:c").decode(),
        "Basic " + base64.b64encode(b"x" * 5000 + b":y").decode(),
    ],
)  # fmt: skip
async def test_an_unknown_client_is_told_to_prove_itself(instance: Instance, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = await instance.http.post("/oauth2/token", data=GRANT, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic")


async def test_a_wrong_secret_is_refused(instance: Instance) -> None:
    made = await instance.client(Role.REGISTRAR, town="krefeld")
    answer = await instance.http.post("/oauth2/token", data=GRANT, auth=(made.client_id, (made.client_secret or "")[:-1] + "!"))
    assert answer.status_code == 401


class Signer:
    """A client with a key of its own."""

    def __init__(self, made: Made, pem: bytes, kid: str) -> None:
        self.id, self.pem, self.kid = made.client_id, pem, kid

    def form(self, *, typ: str = "JWT", kid: str | None = None, **changed: object) -> dict[str, str]:
        now = int(str(changed.pop("at")).split(".")[0])
        claims = {
            "iss": self.id,
            "sub": self.id,
            "aud": f"{ISSUER}/oauth2/token",
            "iat": now,
            "exp": now + 120,
            "jti": str(new_id()),
        } | changed
        claims = {name: value for name, value in claims.items() if value is not None}
        return {**GRANT, "client_assertion_type": TYPE, "client_assertion": sign(claims, self.pem, kid=kid or self.kid, typ=typ)}


async def new_signer(instance: Instance) -> Signer:
    pem, jwk = make_key_pair()
    kid = thumbprint(jwk)
    return Signer(await instance.client(Role.REGISTRAR, town="krefeld", jwk={**jwk, "kid": kid}), pem, kid)


async def test_an_assertion_gets_a_token_once(instance: Instance) -> None:
    signer = await new_signer(instance)
    form = signer.form(at=instance.clock.now().timestamp())
    assert (await instance.http.post("/oauth2/token", data=form)).status_code == 200
    again = await instance.http.post("/oauth2/token", data=form)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("audience", [ISSUER, f"{ISSUER}/oauth2/token", [ISSUER]])
async def test_an_assertion_may_name_us_in_either_way(instance: Instance, audience: object) -> None:
    signer = await new_signer(instance)
    answer = await instance.http.post("/oauth2/token", data=signer.form(at=instance.clock.now().timestamp(), aud=audience))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "https://other.example"}, {"aud": None}, {"iss": "m-other"}, {"sub": "m-other"},
        {"exp": 1}, {"jti": None}, {"jti": ""}, {"iat": None},
        {"typ": "at+jwt"}, {"kid": "other"}, {"jti": "a\x00b"},
    ],
)  # fmt: skip
async def test_an_assertion_that_does_not_hold_is_refused(instance: Instance, changed: dict[str, Any]) -> None:
    signer = await new_signer(instance)
    answer = await instance.http.post("/oauth2/token", data=signer.form(at=instance.clock.now().timestamp(), **changed))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_an_assertion_lives_five_minutes_at_most(instance: Instance) -> None:
    signer, now = await new_signer(instance), int(instance.clock.now().timestamp())
    assert (await instance.http.post("/oauth2/token", data=signer.form(at=now, exp=now + 300))).status_code == 200
    assert (await instance.http.post("/oauth2/token", data=signer.form(at=now, exp=now + 301))).status_code == 401


async def test_the_key_of_another_client_does_not_help(instance: Instance) -> None:
    one, other = await new_signer(instance), await new_signer(instance)
    form = Signer(Made(one.id, None), other.pem, one.kid).form(at=instance.clock.now().timestamp())
    assert (await instance.http.post("/oauth2/token", data=form)).status_code == 401


async def test_a_client_with_a_key_has_no_secret_and_the_other_way_round(instance: Instance) -> None:
    signer = await new_signer(instance)
    assert (await instance.http.post("/oauth2/token", data=GRANT, auth=(signer.id, ""))).status_code == 401
    made = await instance.client(Role.REGISTRAR, town="krefeld")
    pem, _ = make_key_pair()
    form = Signer(made, pem, "kid").form(at=instance.clock.now().timestamp())
    assert (await instance.http.post("/oauth2/token", data=form)).status_code == 401


async def test_the_public_documents_tell_where_and_with_which_keys(instance: Instance) -> None:
    token = await instance.token(Role.REGISTRAR, town="krefeld")
    metadata = (await instance.http.get("/.well-known/oauth-authorization-server")).json()
    assert metadata["token_endpoint"] == f"{ISSUER}/oauth2/token"
    keys = (await instance.http.get("/.well-known/jwks.json")).json()["keys"]
    assert peek(token)[0]["kid"] in {key["kid"] for key in keys}
    assert all(key["kty"] == "EC" and "d" not in key for key in keys)
    assert "private" not in json.dumps(keys)

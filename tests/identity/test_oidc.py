"""Persons of an external issuer: what it may say, for which town, with which keys."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from but_gateway.identity import oidc
from but_gateway.identity.oidc import ExternalIssuer, KeySet, OidcFileError, read_issuers
from but_gateway.identity.principal import Role
from but_gateway.identity.tokens import RS256, TokenRefusedError, verify
from but_gateway.kit.clock import FixedClock
from tests.identity.bad_tokens import CLAIMS, NOW, RSA, compact, encode, rs256

ENTRY: dict[str, Any] = {
    "issuer": "https://sso.example.org/realms/stadt",
    "audience": "but-gateway",
    "jwks_uri": "https://sso.example.org/realms/stadt/certs",
    "roles_claim": "realm_access.roles",
    "roles": {"BuT-Sachbearbeitung": "clerk", "BuT-Finanzen": "finance", "BuT-Fachverfahren": "registrar"},
    "municipality_claim": "town",
    "municipalities": ["krefeld", "moers"],
    "typ": None,
}
ISSUER = ExternalIssuer.model_validate(ENTRY)
NUMBERS = RSA.public_key().public_numbers()
KEY = {"kty": "RSA", "kid": "r1", "use": "sig", "n": encode(NUMBERS.n.to_bytes(256, "big")), "e": "AQAB"}
PERSON = {
    **CLAIMS, "iss": ENTRY["issuer"], "aud": ["account", "but-gateway"], "sub": "f:1234|a.beispiel", "town": "krefeld",
    "realm_access": {"roles": ["BuT-Sachbearbeitung", "offline_access"]},
}  # fmt: skip


class Server:
    """The issuer's key server as a transport: counts what it is asked and answers what a test wants."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer = httpx.Response(200, json={"keys": [KEY, {"kty": "EC"}, "x", {"kid": "enc", "kty": "RSA", "use": "enc"}]})

    def __call__(self, _request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(self.answer.status_code, headers=self.answer.headers, content=self.answer.content)

    def key_set(self, clock: FixedClock) -> KeySet:
        return KeySet(ISSUER, httpx.AsyncClient(transport=httpx.MockTransport(self)), clock)


def person(**changed: object) -> str:
    return compact({"alg": "RS256", "typ": "JWT", "kid": "r1"}, {**PERSON, **changed}, rs256)


async def test_a_person_of_the_town_is_let_in_with_its_roles() -> None:
    keys = await Server().key_set(FixedClock(NOW)).keys_for("r1")
    principal = ISSUER.principal(verify(person(), keys, ISSUER.expected, NOW))
    assert (principal.roles, principal.municipality) == (frozenset({Role.CLERK}), "krefeld")
    assert principal.actor == "https://sso.example.org/realms/stadt|f:1234|a.beispiel"
    assert principal.client_id.replace("-", "").isalnum()


@pytest.mark.parametrize(
    "changed",
    [
        {"town": "duisburg"}, {"town": None}, {"town": ["krefeld"]}, {"realm_access": {}}, {"realm_access": "BuT-Finanzen"},
        {"realm_access": {"roles": ["admin"]}}, {"realm_access": {"roles": ["BuT-Fachverfahren"]}}, {"realm_access": {"roles": [1]}},
    ],
)  # fmt: skip
async def test_another_town_or_no_role_of_a_person_is_refused(changed: dict[str, object]) -> None:
    keys = await Server().key_set(FixedClock(NOW)).keys_for("r1")
    with pytest.raises(TokenRefusedError):
        ISSUER.principal(verify(person(**changed), keys, ISSUER.expected, NOW))


async def test_keys_are_fetched_once_and_again_when_they_are_old() -> None:
    server, clock = Server(), FixedClock(NOW)
    key_set = server.key_set(clock)
    for _ in range(5):
        assert set(await key_set.keys_for("r1")) == {"r1"}
    assert server.asked == 1
    object.__setattr__(clock, "moment", NOW + timedelta(seconds=601))
    await key_set.keys_for("r1")
    assert server.asked == 2


async def test_a_crowd_that_comes_before_the_first_keys_fetches_them_once() -> None:
    server = Server()
    key_set = server.key_set(FixedClock(NOW))
    found = await asyncio.gather(*(key_set.keys_for("r1") for _ in range(50)))
    assert all(set(keys) == {"r1"} for keys in found)
    assert server.asked == 1


async def test_unknown_kids_do_not_make_us_ask_again_and_again() -> None:
    server, clock = Server(), FixedClock(NOW)
    key_set = server.key_set(clock)
    for number in range(50):
        await key_set.keys_for(f"unknown-{number}")
    assert server.asked == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500), httpx.Response(302, headers={"Location": "https://evil.example/keys"}),
        httpx.Response(200, content=b"x" * 300_000),
        httpx.Response(200, content=b"{"), httpx.Response(200, json=[]), httpx.Response(200, json={"keys": 1}),
        httpx.Response(200, json={"keys": []}),
    ],
)  # fmt: skip
async def test_when_the_issuer_does_not_answer_as_it_should_the_old_keys_hold(answer: httpx.Response) -> None:
    server, clock = Server(), FixedClock(NOW)
    key_set = server.key_set(clock)
    await key_set.keys_for("r1")
    server.answer = answer
    object.__setattr__(clock, "moment", NOW + timedelta(hours=2))
    assert set(await key_set.keys_for("r1")) == {"r1"}
    assert server.asked == 2


async def test_an_issuer_that_sends_a_byte_now_and_then_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def drip(_request: httpx.Request) -> httpx.Response:
        async def slowly() -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(0.01)

        return httpx.Response(200, content=slowly())

    monkeypatch.setattr(oidc, "FETCH_SECONDS", 0.05)
    key_set = KeySet(ISSUER, httpx.AsyncClient(transport=httpx.MockTransport(drip)), FixedClock(NOW))
    assert await asyncio.wait_for(key_set.keys_for("r1"), 5) == {}


def write(path: Path, *entries: object) -> Path:
    path.write_text(json.dumps(entries))
    return path


def test_the_file_of_issuers_is_read_strictly(tmp_path: Path) -> None:
    assert read_issuers(None) == ()
    assert read_issuers(write(tmp_path / "a", ENTRY)) == (ISSUER,)
    bad: list[dict[str, Any]] = [
        {**ENTRY, "algorithm": "HS256"}, {**ENTRY, "more": 1}, {**ENTRY, "roles": {}}, {**ENTRY, "municipalities": []},
        {**ENTRY, "jwks_uri": "file:///etc/passwd"}, {**ENTRY, "roles": {"x": "emperor"}},
    ]  # fmt: skip
    for entry in bad:
        with pytest.raises(OidcFileError):
            read_issuers(write(tmp_path / "b", entry))
    with pytest.raises(OidcFileError):
        read_issuers(write(tmp_path / "c", ENTRY, ENTRY))
    with pytest.raises(OidcFileError):
        read_issuers(tmp_path / "missing")


def test_rs256_is_the_default_because_most_issuers_sign_with_it() -> None:
    assert ISSUER.algorithm == RS256

"""Only tokens that hold in every respect are accepted; the corpus also runs against another library."""

from collections.abc import Mapping
from typing import Any

import joserfc.errors
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwk as oracle_jwk
from joserfc import jwt as oracle_jwt

from but_gateway.identity.issuer import principal_of
from but_gateway.identity.keys import make_key_pair, thumbprint
from but_gateway.identity.principal import Role
from but_gateway.identity.tokens import (
    ES256,
    RS256,
    Expected,
    KeyRefusedError,
    TokenRefusedError,
    load_public_key,
    peek,
    sign,
    verify,
)
from tests.identity.bad_tokens import CLAIMS, HEADER, ISSUER, JWK, KID, NOW, RSA, SECONDS, Bad, compact, corpus, encode, good, rs256

KEYS = {KID: load_public_key(JWK, ES256)}
EXPECTED = Expected(ISSUER, frozenset({ISSUER}))
CORPUS = list(corpus())
# What the other library leaves to its caller, so that it is no judge: limits and forms that only we demand.
BEYOND_ORACLE = {
    "longer than 8 KiB", "typ JWT", "no typ", "no kid", "an unknown kid", "a kid in another case", "a kid as a path",
    "a key of its own, well signed", "jku", "x5u", "x5c", "a lifetime of an hour", "issued long ago", "exp as a fraction", "iat negative",
    "a subject with a line end", "a subject of 300 characters", "claims with a duplicate name", "claims with NaN",
    "claims with a byte order mark", "header with a duplicate name",
}  # fmt: skip


def oracle_key(document: Mapping[str, str]) -> oracle_jwk.ECKey:
    members: dict[str, str | list[str]] = {**document}
    return oracle_jwk.ECKey.import_key(members)


def accepted_by_oracle(token: str) -> bool:
    """Whether joserfc, asked as strictly as it can be, accepts a token."""
    registry = oracle_jwt.JWTClaimsRegistry(
        now=SECONDS,
        leeway=0,
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": ISSUER},
        sub={"essential": True},
        iat={"essential": True},
        exp={"essential": True},
        jti={"essential": True},
    )
    try:
        decoded = oracle_jwt.decode(token, oracle_key(JWK), algorithms=["ES256"])
        registry.validate(decoded.claims)
    except (joserfc.errors.JoseError, ValueError, TypeError, AttributeError, RecursionError, UnicodeError):
        return False
    return True


def test_the_corpus_is_large_and_has_no_doubles() -> None:
    assert len(CORPUS) >= 60
    assert len({bad.what for bad in CORPUS}) == len(CORPUS) == len({bad.token for bad in CORPUS})


@pytest.mark.parametrize("bad", CORPUS, ids=lambda bad: bad.what)
def test_a_bad_token_is_refused_whatever_is_wrong_with_it(bad: Bad) -> None:
    with pytest.raises(TokenRefusedError):
        verify(bad.token, KEYS, EXPECTED, NOW)


def test_another_library_refuses_it_too_but_for_what_only_we_demand() -> None:
    assert {bad.what for bad in CORPUS if accepted_by_oracle(bad.token)} == BEYOND_ORACLE


@pytest.mark.parametrize(
    ("header", "claims"),
    [({}, {}), ({"typ": "application/at+jwt"}, {}), ({}, {"aud": ["https://other.example", ISSUER]}), ({}, {"nbf": SECONDS - 5})],
)
def test_a_good_token_is_accepted_by_both(header: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
    token = good(header, claims)
    assert verify(token, KEYS, EXPECTED, NOW)["sub"] == "m-1"
    assert accepted_by_oracle(token)


def test_what_we_sign_holds_for_us_and_for_the_oracle() -> None:
    pem, jwk = make_key_pair()
    token = sign(CLAIMS, pem, kid=thumbprint(jwk))
    assert verify(token, {thumbprint(jwk): load_public_key(jwk, ES256)}, EXPECTED, NOW) == CLAIMS
    decoded = oracle_jwt.decode(token, oracle_key(jwk), algorithms=["ES256"])
    assert decoded.header == {"alg": "ES256", "typ": "at+jwt", "kid": thumbprint(jwk)}
    assert oracle_key(jwk).thumbprint() == thumbprint(jwk)


def test_a_token_is_not_accepted_with_the_key_of_another_algorithm() -> None:
    numbers = RSA.public_key().public_numbers()
    document = {"kty": "RSA", "n": encode(numbers.n.to_bytes(256, "big")), "e": encode(numbers.e.to_bytes(3, "big"))}
    keys = {KID: load_public_key(document, RS256)}
    rs_token = compact({**HEADER, "alg": "RS256"}, CLAIMS, rs256)
    assert verify(rs_token, keys, Expected(ISSUER, frozenset({ISSUER}), RS256), NOW)["sub"] == "m-1"
    with pytest.raises(TokenRefusedError):
        verify(rs_token, keys, EXPECTED, NOW)
    with pytest.raises(TokenRefusedError):
        verify(good(), keys, EXPECTED, NOW)


def weak_rsa(bits: int, exponent: int = 65537) -> dict[str, str]:
    numbers = rsa.generate_private_key(public_exponent=exponent, key_size=bits).public_key().public_numbers()
    return {"kty": "RSA", "n": encode(numbers.n.to_bytes(bits // 8, "big")), "e": encode(numbers.e.to_bytes(3, "big").lstrip(b"\x00"))}


@pytest.mark.parametrize(
    ("document", "algorithm"),
    [
        (weak_rsa(1024), RS256),
        (weak_rsa(2048, exponent=3), RS256),
        ({**weak_rsa(2048), "d": "AQAB"}, RS256),
        ({"kty": "oct", "k": "c2VjcmV0"}, ES256),
        ({**JWK, "d": JWK["x"]}, ES256),
        ({**JWK, "crv": "P-384"}, ES256),
        ({**JWK, "y": JWK["x"]}, ES256),
        ({**JWK, "x": JWK["x"] + "A"}, ES256),
        ({**JWK, "use": "enc"}, ES256),
        ({**JWK, "alg": "ECDH-ES"}, ES256),
        ({**JWK, "key_ops": ["sign"]}, ES256),
        ({"kty": "EC", "crv": "P-256", "x": 1, "y": 2}, ES256),
        (JWK, RS256),
        ([], ES256),
        (None, ES256),
    ],
)
def test_a_key_that_is_weak_or_for_something_else_is_refused(document: object, algorithm: str) -> None:
    with pytest.raises(KeyRefusedError):
        load_public_key(document, algorithm)


def test_peeking_never_believes_a_signature() -> None:
    header, claims = peek(compact(HEADER, CLAIMS, lambda _: b"x"))
    assert (header["kid"], claims["sub"]) == (KID, "m-1")


@pytest.mark.parametrize(
    "claims",
    [
        {"scope": ""}, {"scope": None}, {"scope": ["registrar"]}, {"scope": "registrar admin"}, {"account": 1}, {"account": ["a", 1]},
        {"municipality": ["krefeld"]},
    ],
)  # fmt: skip
def test_a_principal_is_only_made_of_claims_of_the_right_shape(claims: Mapping[str, Any]) -> None:
    with pytest.raises(TokenRefusedError):
        principal_of({**CLAIMS, **claims})


def test_a_principal_knows_its_roles_and_accounts() -> None:
    principal = principal_of({**CLAIMS, "scope": "provider", "account": ["a", "b"], "municipality": None})
    assert principal.roles == {Role.PROVIDER}
    assert principal.accounts == ("a", "b")
    assert principal.actor == "but-gateway|m-1"

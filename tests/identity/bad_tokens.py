"""The corpus: tokens that must never be accepted, each made from a good one by one change."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

NOW: Final = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECONDS: Final = int(NOW.timestamp())
ISSUER: Final = "https://but.example.org"
KID: Final = "key-1"
ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

PRIVATE: Final = ec.generate_private_key(ec.SECP256R1())
STRANGER: Final = ec.generate_private_key(ec.SECP256R1())
P384: Final = ec.generate_private_key(ec.SECP384R1())
RSA: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jwk_of(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": encode(numbers.x.to_bytes(32, "big")), "y": encode(numbers.y.to_bytes(32, "big"))}


JWK: Final = jwk_of(PRIVATE)
PEM: Final = PRIVATE.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
DER: Final = PRIVATE.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
HEADER: Final[Mapping[str, Any]] = {"alg": "ES256", "typ": "at+jwt", "kid": KID}
CLAIMS: Final[Mapping[str, Any]] = {
    "iss": ISSUER,
    "sub": "m-1",
    "aud": ISSUER,
    "iat": SECONDS - 10,
    "exp": SECONDS + 590,
    "jti": "jti-1",
    "scope": "registrar",
    "municipality": "krefeld",
}


def es256(message: bytes, key: ec.EllipticCurvePrivateKey = PRIVATE) -> bytes:
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def es384(message: bytes) -> bytes:
    r, s = decode_dss_signature(P384.sign(message, ec.ECDSA(hashes.SHA384())))
    return r.to_bytes(48, "big") + s.to_bytes(48, "big")


def der(message: bytes) -> bytes:
    return PRIVATE.sign(message, ec.ECDSA(hashes.SHA256()))


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda message: hmac.digest(secret, message, hashlib.sha256)


def rs256(message: bytes) -> bytes:
    return RSA.sign(message, PKCS1v15(), hashes.SHA256())


def compact(header: object, claims: object, sign: Callable[[bytes], bytes] = es256) -> str:
    """A signed token; header and claims are objects, or bytes as they shall stand in it."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)]
    signed = f"{encode(parts[0])}.{encode(parts[1])}"
    return f"{signed}.{encode(sign(signed.encode()))}"


def good(header: Mapping[str, Any] | None = None, claims: Mapping[str, Any] | None = None) -> str:
    """A token that holds, but for what is changed; None takes a member out."""
    return compact(_changed(HEADER, header), _changed(CLAIMS, claims))


def _changed(base: Mapping[str, Any], over: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in {**base, **(over or {})}.items() if value is not None}


def raw_claims(**texts: str) -> bytes:
    """The good claims as JSON in which some values stand as they are written here."""
    members = {name: json.dumps(value) for name, value in CLAIMS.items()} | texts
    return ("{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in members.items()) + "}").encode()


@dataclass(frozen=True)
class Bad:
    """A token and what is wrong with it."""

    what: str
    token: str = field(repr=False)


def corpus() -> Iterator[Bad]:
    for group in (_shapes(), _signatures(), _headers(), _claims(), _documents()):
        for what, token in group:
            yield Bad(what, token)


def _shapes() -> Iterator[tuple[str, str]]:
    token = good()
    head, body, signature = token.split(".")
    yield "empty", ""
    yield "a word", "token"
    yield "two parts", f"{head}.{body}"
    yield "four parts", f"{token}.x"
    yield "five parts, as a JWE", f"{head}.{body}.{signature}.x.y"
    yield "no signature", f"{head}.{body}."
    yield "no header", f".{body}.{signature}"
    yield "no claims", f"{head}..{signature}"
    yield "a blank before", f" {token}"
    yield "a line end behind", f"{token}\n"
    yield "a blank inside", f"{head}. {body}.{signature}"
    yield "padding", f"{head}.{body}.{signature}=="
    yield "standard base64", f"{head}.{body}.{'+' + signature[1:]}"
    yield "an umlaut", f"{head}.{body}.ä{signature[1:]}"
    yield "a NUL", f"{head}.{body}.{signature}\x00"
    yield "longer than 8 KiB", good(claims={"more": "x" * 9000})
    yield "a second spelling of the last character", token[:-1] + chr(ord(token[-1]) + 1)
    yield "three dots only", "..."
    yield "JSON serialisation", json.dumps({"protected": head, "payload": body, "signature": signature})


def _signatures() -> Iterator[tuple[str, str]]:
    head, body, signature = good().split(".")
    yield "another key of the right kind", compact(HEADER, CLAIMS, lambda m: es256(m, STRANGER))
    yield "a signature of zeros", f"{head}.{body}.{encode(bytes(64))}"
    yield "r and s equal to the order", f"{head}.{body}.{encode(ORDER.to_bytes(32, 'big') * 2)}"
    yield "a DER signature", compact(HEADER, CLAIMS, der)
    yield "a signature too short", f"{head}.{body}.{encode(bytes(63))}"
    yield "a signature too long", f"{head}.{body}.{encode(bytes(65))}"
    yield "the signature of other claims", f"{head}.{encode(json.dumps({**CLAIMS, 'scope': 'finance'}).encode())}.{signature}"
    yield "the signature of another header", f"{encode(json.dumps({**HEADER, 'x': 1}).encode())}.{body}.{signature}"
    yield "alg none without signature", f"{encode(json.dumps({**HEADER, 'alg': 'none'}).encode())}.{body}."
    yield "alg none with a signature", good({"alg": "none"})
    yield "alg None", good({"alg": "None"})
    yield "HS256 with the public key in PEM", compact({**HEADER, "alg": "HS256"}, CLAIMS, hs256(PEM))
    yield "HS256 with the public key in DER", compact({**HEADER, "alg": "HS256"}, CLAIMS, hs256(DER))
    yield "HS256 with an empty key", compact({**HEADER, "alg": "HS256"}, CLAIMS, hs256(b""))
    yield "HS256 with the coordinate", compact({**HEADER, "alg": "HS256"}, CLAIMS, hs256(JWK["x"].encode()))
    yield "ES384", compact({**HEADER, "alg": "ES384"}, CLAIMS, es384)
    yield "ES384 signature under ES256", compact(HEADER, CLAIMS, es384)
    yield "RS256", compact({**HEADER, "alg": "RS256"}, CLAIMS, rs256)
    yield "alg in lower case", good({"alg": "es256"})
    yield "no alg", good({"alg": None})
    yield "alg as a list", good({"alg": ["ES256"]})
    yield "alg as an object", good({"alg": {"a": 1}})


def _headers() -> Iterator[tuple[str, str]]:
    yield "typ JWT", good({"typ": "JWT"})
    yield "no typ", good({"typ": None})
    yield "typ as a number", good({"typ": 1})
    yield "no kid", good({"kid": None})
    yield "an unknown kid", good({"kid": "key-2"})
    yield "a kid in another case", good({"kid": KID.upper()})
    yield "a kid as a path", good({"kid": "../../dev/null"})
    yield "a kid as a number", good({"kid": 1})
    yield "a kid as a list", good({"kid": [KID]})
    yield "a key of its own", compact({**HEADER, "jwk": jwk_of(STRANGER)}, CLAIMS, lambda m: es256(m, STRANGER))
    yield "a key of its own, well signed", good({"jwk": JWK})
    yield "jku", good({"jku": "https://evil.example/jwks.json"})
    yield "x5u", good({"x5u": "https://evil.example/cert.pem"})
    yield "x5c", good({"x5c": ["MIIB"]})
    yield "crit of something unknown", good({"crit": ["exp2"], "exp2": 1})
    yield "crit and b64", good({"crit": ["b64"], "b64": False})
    yield "zip", good({"zip": "DEF"})
    yield "an encrypted token's header", good({"enc": "A256GCM"})


def _claims() -> Iterator[tuple[str, str]]:
    for name in ("iss", "sub", "aud", "exp", "iat", "jti"):
        yield f"no {name}", good(claims={name: None})
        yield f"{name} as an object", good(claims={name: {"a": 1}})
    yield "another issuer", good(claims={"iss": "https://evil.example"})
    yield "the issuer with a slash", good(claims={"iss": f"{ISSUER}/"})
    yield "another audience", good(claims={"aud": "https://other.example"})
    yield "an empty list of audiences", good(claims={"aud": []})
    yield "a number among the audiences", good(claims={"aud": [ISSUER, 1]})
    yield "expired", good(claims={"exp": SECONDS - 1})
    yield "expires now", good(claims={"exp": SECONDS})
    yield "issued in the future", good(claims={"iat": SECONDS + 60, "exp": SECONDS + 300})
    yield "not yet valid", good(claims={"nbf": SECONDS + 60})
    yield "nbf as a text", good(claims={"nbf": "now"})
    yield "a lifetime of an hour", good(claims={"exp": SECONDS + 3600})
    yield "issued long ago", good(claims={"iat": SECONDS - 3600})
    yield "exp before iat", good(claims={"iat": SECONDS + 4, "exp": SECONDS + 3})
    yield "exp as a text", good(claims={"exp": str(SECONDS + 300)})
    yield "exp as a fraction", good(claims={"exp": SECONDS + 300.5})
    yield "exp true", good(claims={"exp": True})
    yield "iat negative", good(claims={"iat": -1})
    yield "an empty subject", good(claims={"sub": ""})
    yield "a subject with a line end", good(claims={"sub": "m-1\nadmin"})
    yield "a subject of 300 characters", good(claims={"sub": "m" * 300})
    yield "an empty jti", good(claims={"jti": ""})


def _documents() -> Iterator[tuple[str, str]]:
    yield "claims are a list", compact(HEADER, [1])
    yield "claims are a text", compact(HEADER, "x")
    yield "claims are null", compact(HEADER, None)
    yield "claims are no JSON", compact(HEADER, b"{")
    yield "claims are not UTF-8", compact(HEADER, b'{"a": "\xff"}')
    yield "claims with a duplicate name", compact(HEADER, raw_claims()[:-1] + b',"sub":"m-2"}')
    yield "claims with NaN", compact(HEADER, raw_claims(more="NaN"))
    yield "exp Infinity", compact(HEADER, raw_claims(exp="Infinity"))
    yield "exp with 5,000 digits", compact(HEADER, raw_claims(exp="1" + "0" * 5000))
    yield "exp 1e400", compact(HEADER, raw_claims(exp="1e400"))
    yield "claims nested too deep", compact(HEADER, raw_claims(more="[" * 2500 + "]" * 2500))
    yield "claims with a byte order mark", compact(HEADER, b"\xef\xbb\xbf" + raw_claims())
    yield "header is a list", compact([1], CLAIMS)
    yield "header is no JSON", compact(b"{", CLAIMS)
    yield "header is not UTF-8", compact(b'{"alg":"\xff"}', CLAIMS)
    yield "header with a duplicate name", compact(b'{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"key-1"}', CLAIMS)

"""Who may, where and when is settled before a byte of the body is read."""

import pytest

from but_gateway.db.connect import connect
from but_gateway.identity import store
from but_gateway.identity.principal import STAFF_ROLES, Role
from but_gateway.kit.ids import new_id
from tests.factories.instance import Instance

BODY = {"name": "Essen", "price": "4.50"}
KREFELD = "/v1/municipalities/krefeld"
KEY = {"Idempotency-Key": "key-00000001"}


@pytest.mark.parametrize("role", sorted(STAFF_ROLES))
async def test_staff_reaches_its_own_town_and_no_other(instance: Instance, role: Role) -> None:
    headers = await instance.bearer(role, town="krefeld")
    assert (await instance.http.get(f"{KREFELD}/things", headers=headers)).status_code == 200
    for other in ("moers", "nowhere", "a/b", "%00", "x" * 100):
        answer = await instance.http.get(f"/v1/municipalities/{other}/things", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), other


@pytest.mark.parametrize("role", sorted(set(STAFF_ROLES) - {Role.REGISTRAR}))
async def test_a_missing_right_is_403_whatever_the_body(instance: Instance, role: Role) -> None:
    headers = await instance.bearer(role, town="krefeld")
    for content in (b"{", b"\xff", b"x" * 2_000_000):
        answer = await instance.http.post(f"{KREFELD}/things", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_an_operator_has_no_business_in_a_town(instance: Instance) -> None:
    headers = await instance.bearer(Role.OPERATOR)
    assert (await instance.http.get(f"{KREFELD}/things", headers=headers)).status_code == 404


async def add_provider(instance: Instance, account: str, town: str) -> None:
    async with connect(instance.database_url, role=None) as connection:
        await connection.execute(
            "INSERT INTO account_town (account_id, municipality_id, provider_id) "
            "SELECT a.id, m.id, $3 FROM account a, municipality m WHERE a.key = $1 AND m.key = $2",
            account,
            town,
            new_id(),
        )


async def test_a_provider_reaches_the_towns_that_keep_a_record_of_it(instance: Instance) -> None:
    await instance.account("caterer")
    await add_provider(instance, "caterer", "krefeld")
    headers = await instance.bearer(Role.PROVIDER, accounts=["caterer"])
    answer = await instance.http.get(f"{KREFELD}/my/things", headers=headers)
    assert (answer.status_code, answer.json()["provider"]) == (200, True)
    assert (await instance.http.get("/v1/municipalities/moers/my/things", headers=headers)).status_code == 404
    assert (await instance.http.get(f"{KREFELD}/things", headers=headers)).status_code == 403


async def test_a_vendor_names_the_account_it_acts_for(instance: Instance) -> None:
    for key in ("v1", "v2", "v3"):
        await instance.account(key)
    await add_provider(instance, "v1", "krefeld")
    headers = await instance.bearer(Role.PROVIDER, accounts=["v1", "v2"])
    address = f"{KREFELD}/my/things"
    missing = await instance.http.get(address, headers=headers)
    assert (missing.status_code, missing.json()["code"]) == (400, "bad_header")
    assert (await instance.http.get(address, headers={**headers, "Provider-Account": "v1"})).status_code == 200
    for foreign in ("v2", "v3", "nobody"):
        assert (await instance.http.get(address, headers={**headers, "Provider-Account": foreign})).status_code == 404


async def test_the_clock_moves_in_a_sandbox_only(instance: Instance) -> None:
    sandbox = await instance.bearer(Role.REGISTRAR, town="krefeld")
    answer = await instance.http.get(f"{KREFELD}/things", headers={**sandbox, "Test-Clock": "2019-02-03T10:00:00+01:00"})
    assert answer.json()["now"] == "2019-02-03T09:00:00+00:00"
    real = await instance.bearer(Role.REGISTRAR, town="moers")
    refused = await instance.http.get("/v1/municipalities/moers/things", headers={**real, "Test-Clock": "2019-02-03T10:00:00Z"})
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_header")


@pytest.mark.parametrize(
    "clock",
    [
        "",
        "now",
        "2026-11-02",
        "2026-11-02T10:00:00",
        "2026-13-02T10:00:00Z",
        "2026-02-30T10:00:00Z",
        "99999-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+14:00",
    ],
)
async def test_a_clock_that_shows_no_time_is_a_bad_header(instance: Instance, clock: str) -> None:
    headers = await instance.bearer(Role.REGISTRAR, town="krefeld")
    assert (await instance.http.get(f"{KREFELD}/things", headers={**headers, "Test-Clock": clock})).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/municipalities/krefeld/things"), ("POST", "/v1/municipalities/krefeld/things"),
        ("DELETE", "/v1/municipalities/krefeld/things"),
        ("GET", "/v1/nothing"), ("POST", "/nothing"), ("GET", "/v1/code-lists"), ("PUT", "/admin"), ("GET", "/docs/../v1/x"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Basic eDp5", "bearer ä", "Token x"])
async def test_without_a_valid_token_everything_is_401(instance: Instance, method: str, path: str, authorization: str | None) -> None:
    headers = {b"Authorization": authorization.encode()} if authorization else {}
    answer = await instance.http.request(method, path, headers=headers, content=b"\xff{" if method in ("POST", "PUT") else None)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_two_authorization_headers_are_none(instance: Instance) -> None:
    token = await instance.token(Role.REGISTRAR, town="krefeld")
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    assert (await instance.http.get(f"{KREFELD}/things", headers=headers)).status_code == 401


async def test_a_disabled_client_gets_no_token(instance: Instance) -> None:
    made = await instance.client(Role.REGISTRAR, town="krefeld")
    async with connect(instance.database_url) as connection:
        assert await store.disable_client(connection, made.client_id, instance.clock.now())
        assert not await store.disable_client(connection, made.client_id, instance.clock.now())
    answer = await instance.http.post(
        "/oauth2/token", data={"grant_type": "client_credentials"}, auth=(made.client_id, made.client_secret or "")
    )
    assert answer.status_code == 401

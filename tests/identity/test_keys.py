"""The signing key: one for all processes, there after a restart, replaced without an outage."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest_asyncio

from but_gateway.db.connect import connect
from but_gateway.db.fields import MasterKey
from but_gateway.identity.keys import KeyRing, load_key_ring, master_key_fits, rotate_signing_key
from but_gateway.identity.principal import Role
from but_gateway.identity.tokens import peek
from but_gateway.kit.clock import FixedClock, SystemClock
from tests.factories.instance import running

NOW = SystemClock().now()


@pytest_asyncio.fixture
async def url(database_url: str) -> str:
    """The module's database without any signing key."""
    async with connect(database_url, role=None) as connection:
        await connection.execute("DELETE FROM signing_key")
    return database_url


async def ring(url: str, master_key: MasterKey) -> KeyRing:
    async with connect(url) as connection:
        return await load_key_ring(connection, master_key, NOW)


async def test_processes_that_start_at_once_share_one_key(url: str, tmp_path: Path) -> None:
    master_key = MasterKey.make(tmp_path / "key")
    rings = await asyncio.gather(*(ring(url, master_key) for _ in range(12)))
    assert len({found.kid for found in rings}) == 1


async def test_a_token_holds_after_a_restart_and_in_another_process(url: str, tmp_path: Path) -> None:
    async with running(url, tmp_path) as first:
        headers = await first.bearer(Role.OPERATOR)
        assert (await first.http.get("/v1/nothing", headers=headers)).status_code == 404
    async with running(url, tmp_path) as second:
        assert (await second.http.get("/v1/nothing", headers=headers)).status_code == 404


async def test_after_a_rotation_new_tokens_have_the_new_key_and_old_ones_still_hold(url: str, tmp_path: Path) -> None:
    async with running(url, tmp_path, clock=FixedClock(NOW)) as made:
        old = await made.token(Role.OPERATOR)
        async with connect(made.database_url) as connection:
            kid = await rotate_signing_key(connection, made.master_key, NOW)
        async with running(made.database_url, tmp_path, clock=FixedClock(NOW + timedelta(seconds=61))) as later:
            new = await later.token(Role.OPERATOR)
            assert peek(new)[0]["kid"] == kid != peek(old)[0]["kid"]
            for token in (old, new):
                answer = await later.http.get("/v1/nothing", headers={"Authorization": f"Bearer {token}"})
                assert answer.status_code == 404


async def test_a_process_learns_of_a_key_it_does_not_know_yet(url: str, tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    async with running(url, tmp_path, clock=clock) as made:
        await made.token(Role.OPERATOR)
        async with connect(made.database_url) as connection:
            await rotate_signing_key(connection, made.master_key, NOW)
        object.__setattr__(clock, "moment", NOW + timedelta(seconds=3))
        async with running(made.database_url, tmp_path, clock=clock) as other:
            new = await other.token(Role.OPERATOR)
        assert (await made.http.get("/v1/nothing", headers={"Authorization": f"Bearer {new}"})).status_code == 404


async def test_a_retired_key_is_forgotten_after_a_quarter_of_an_hour(url: str, tmp_path: Path) -> None:
    master_key = MasterKey.make(tmp_path / "key")
    first = await ring(url, master_key)
    async with connect(url) as connection:
        await rotate_signing_key(connection, master_key, NOW)
        kept = await load_key_ring(connection, master_key, NOW + timedelta(minutes=14))
        gone = await load_key_ring(connection, master_key, NOW + timedelta(minutes=16))
    assert first.kid in kept.verifying
    assert first.kid not in gone.verifying


async def test_another_master_key_is_noticed(url: str, tmp_path: Path) -> None:
    async with running(url, tmp_path) as made:
        assert (await made.http.get("/health/ready")).status_code == 200
    other = tmp_path / "other"
    other.mkdir()
    async with running(url, other) as made:
        answer = await made.http.get("/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    async with connect(url) as connection:
        assert await master_key_fits(connection, MasterKey.make(tmp_path / "master.key"), NOW)
        assert not await master_key_fits(connection, MasterKey.make(other / "master.key"), NOW)


async def test_private_keys_are_wrapped_in_the_database(url: str, tmp_path: Path) -> None:
    master_key = MasterKey.make(tmp_path / "key")
    found = await ring(url, master_key)
    async with connect(url) as connection:
        stored = bytes(await connection.fetchval("SELECT private_key FROM signing_key"))
    assert b"PRIVATE KEY" in found.private_pem
    assert b"PRIVATE KEY" not in stored
    assert "PRIVATE" not in repr(found)


async def test_no_token_lives_longer_than_ten_minutes(url: str, tmp_path: Path) -> None:
    async with running(url, tmp_path) as made:
        claims = peek(await made.issuer.issue("m-1", [Role.OPERATOR], (), None, 100_000))[1]
    assert claims["exp"] - claims["iat"] == 600

"""Keys change while the instance runs; whoever is cut off in between has lost nothing."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from but_gateway.db.fields import MasterKey, MasterKeyError, MasterKeyFile, SealBrokenError, TownKeys
from but_gateway.db.reseal import sealed_places
from but_gateway.identity import directory, key_store
from but_gateway.identity.data_keys import announce_data_key, forget_data_keys, reseal_town
from but_gateway.identity.town_keys import KeyStillNeededError
from but_gateway.identity.wrapping import forget_master_keys, prepare_master_key, rotate_master_key
from tests.privacy.conftest import House

JSON = Any
# What the stage leaves empty: nothing was returned by the bank, no import waits, no provider named its tax number.
EMPTY = {"payment_entry", "grant_import", "provider"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes look at a town's keys at every request, not only every half minute."""
    monkeypatch.setattr(directory, "REFRESH_SECONDS", 0)


async def sealed_values(house: House) -> dict[tuple[str, UUID, str], bytes]:
    """Everything sealed in the town, by what it is bound to."""
    town = await house.town()
    found: dict[tuple[str, UUID, str], bytes] = {}
    for place in sealed_places():
        for column in place.columns:
            bound = "".join(f" || '|' || {name}" for name in place.beside)
            rows = await house.superuser.fetch(
                f"SELECT {place.row} AS row, '{column}'{bound} AS bound, {column} AS value FROM {place.table} "  # noqa: S608 - names of the metadata
                f"WHERE municipality_id = $1 AND {column} IS NOT NULL",
                town.id,
            )
            found |= {(place.table, row["row"], row["bound"]): bytes(row["value"]) for row in rows}
    return found


def opened(keys: TownKeys, values: dict[tuple[str, UUID, str], bytes]) -> dict[tuple[str, UUID, str], bytes]:
    return {place: keys.open_bytes(value, *place) for place, value in values.items()}


async def read_everything(house: House) -> list[JSON]:
    """What the town's people read that was sealed."""
    town = house.stage.town
    return [
        await town.ok("registrar", "GET", "/entitlements?limit=50"),
        await town.ok("clerk", "GET", "/reviews?limit=50"),
        await town.ok("c1", "GET", "/my/children?limit=50"),
        await town.ok("finance", "GET", "/providers/c1/bank-accounts"),
        await files(house),
    ]


async def files(house: House) -> dict[str, bytes]:
    """The files of the batch that was handed over."""
    town, found = house.stage.town, {}
    batches = (await town.ok("finance", "GET", "/settlement-batches?limit=50"))["items"]
    for batch in batches:
        path = f"/settlement-batches/{batch['id']}/files"
        for file in await town.ok("finance", "GET", path):
            answer = await town.call("auditor" if file["package"] == "audit" else "finance", "GET", f"{path}/{file['name']}")
            assert (answer.status_code, hashlib.sha256(answer.content).hexdigest()) == (200, file["sha256"])
            found[file["name"]] = answer.content
    assert len(found) > 5
    return found


# ---- the master key
async def test_a_new_master_key_wraps_everything_while_the_instance_runs(house: House) -> None:
    before, old = await read_everything(house), house.key_file.read_text("ascii").strip()
    count = await rotate_master_key(house.as_owner, house.key_file)
    async with house.as_owner() as connection:
        assert count == len(await key_store.lock_wrapped(connection)) >= 3
    file = MasterKeyFile.read(house.key_file)
    assert file.old == (bytes.fromhex(old),)
    assert file.next is None
    assert house.key_file.stat().st_mode & 0o777 == 0o600
    assert await read_everything(house) == before
    assert await forget_master_keys(house.as_owner, house.key_file) == 1
    assert MasterKeyFile.read(house.key_file) == MasterKeyFile(file.current)
    assert opened(await house.keys(), await sealed_values(house))


async def test_a_backup_from_before_needs_the_old_master_key(house: House) -> None:
    town, old = await house.town(), MasterKey.read(house.key_file)
    old_file = house.key_file.with_name("old.key")
    old_file.write_bytes(house.key_file.read_bytes())
    old_file.chmod(0o600)
    await rotate_master_key(house.as_owner, house.key_file)
    await forget_master_keys(house.as_owner, house.key_file)
    with pytest.raises(SealBrokenError):
        MasterKey.read(house.key_file).town_keys(town.id, town.data_key)
    assert MasterKey.read(old_file).town_keys(town.id, town.data_key)
    assert old.town_keys(town.id, (await house.town()).data_key), "whoever knew the old one only reads the file again"


@pytest.mark.parametrize("cut_at", ["the database", "the file"])
async def test_whoever_is_cut_off_while_wrapping_begins_again(house: House, cut_at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dies(*_: object) -> None:
        raise ConnectionError

    def dies_too(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        if cut_at == "the database":
            patch.setattr(key_store, "save_wrapped", dies)
        else:
            prepare_master_key(house.key_file)
            patch.setattr(MasterKeyFile, "write", dies_too)
        with pytest.raises(ConnectionError):
            await rotate_master_key(house.as_owner, house.key_file)
    prepared = MasterKeyFile.read(house.key_file)
    assert prepared.next is not None
    assert opened(await house.keys(), await sealed_values(house)), "everything opens in between"
    with pytest.raises(ValueError, match="under way"):
        await forget_master_keys(house.as_owner, house.key_file)
    await rotate_master_key(house.as_owner, house.key_file)
    assert MasterKeyFile.read(house.key_file).current == prepared.next
    assert opened(await house.keys(), await sealed_values(house))


async def test_what_an_old_process_wrapped_meanwhile_is_not_forgotten(house: House) -> None:
    await rotate_master_key(house.as_owner, house.key_file)
    town = await house.town(house.stage.other.key)
    file = MasterKeyFile.read(house.key_file)
    stale = MasterKey(AESGCM(file.old[0]))  # it never looks at the file
    purpose = f"municipality:{town.id}"
    async with house.as_owner() as connection:
        await key_store.save_data_key(connection, town.id, stale.wrap(stale_key := bytes(range(32)), purpose))
    await forget_master_keys(house.as_owner, house.key_file)
    assert MasterKey.read(house.key_file).unwrap((await house.town(town.key)).data_key, purpose) == stale_key


@pytest.mark.parametrize(
    "text",
    ["", "ab", "zz" * 32, "ab" * 32 + "\n" + "cd" * 32, "next " + "ab" * 32, "ab" * 32 + "\nsoon " + "cd" * 32, "ab" * 32 + "\nold ab"],
)
def test_a_malformed_master_key_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "master.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(MasterKeyError):
        MasterKey.read(path)


# ---- the data key of a town
async def test_a_new_data_key_seals_everything_anew_and_the_old_one_is_destroyed(house: House) -> None:
    shown, values = await read_everything(house), await sealed_values(house)
    texts, master = opened(await house.keys(), values), MasterKey.read(house.key_file)
    tables = {table for table, _, _ in values}
    assert {place.table for place in sealed_places()} - tables <= EMPTY
    async with house.as_owner() as connection:
        assert await announce_data_key(connection, master, await house.town(), notice_seconds=0) == (2, 0)
    done = [table async for table, _ in reseal_town(house.owner, master, house.key, rows_at_once=2)]
    assert set(done) == tables | {"idempotency_record"}
    after = await sealed_values(house)
    assert after.keys() == values.keys()
    assert all(value.startswith(b"\x02\x00\x02") for value in after.values())
    assert opened(await house.keys(), after) == texts
    with pytest.raises(KeyStillNeededError, match="for a day"):
        await forget_data_keys(house.owner, master, await house.town())
    assert await forget_data_keys(house.owner, master, await house.town(), settled_seconds=0) == 1
    assert opened(await house.keys(), after) == texts
    with pytest.raises(SealBrokenError):
        opened(await house.keys(), values)
    assert await read_everything(house) == shown


async def test_the_town_works_on_while_its_data_key_changes(house: House) -> None:
    town, master, stop = house.stage.town, MasterKey.read(house.key_file), asyncio.Event()
    numbers = []

    async def grant_and_ask() -> None:
        names = iter(range(1_000))
        while not stop.is_set():
            child = f"N{next(names)}"
            await town.grant(child)
            numbers.append(town.numbers[f"{child}-lunch"])
            answer = await town.call("c1", "GET", "/my/children?limit=100")
            assert answer.status_code == 200, answer.text

    async def some_more() -> None:
        seen = len(numbers)
        while len(numbers) < seen + 2:
            assert not busy.done()
            await asyncio.sleep(0.01)

    busy = asyncio.create_task(grant_and_ask())
    try:
        await some_more()
        for round_number in (2, 3):
            async with house.as_owner() as connection:
                number, wait = await announce_data_key(connection, master, await house.town(), notice_seconds=0.4)
            assert number == round_number
            await asyncio.sleep(wait)
            await some_more()
            async for _ in reseal_town(house.owner, master, house.key, rows_at_once=3):
                await asyncio.sleep(0)
            assert await forget_data_keys(house.owner, master, await house.town(), settled_seconds=0) == 1
    finally:
        stop.set()
        await busy
    values = await sealed_values(house)
    assert all(value.startswith(b"\x02\x00\x03") for value in values.values())
    assert len(opened(await house.keys(), values)) == len(values)


async def test_a_resealing_that_was_cut_off_goes_on_and_no_key_is_destroyed_before(house: House) -> None:
    texts, master = opened(await house.keys(), await sealed_values(house)), MasterKey.read(house.key_file)
    async with house.as_owner() as connection:
        await announce_data_key(connection, master, await house.town(), notice_seconds=0)
    work = reseal_town(house.owner, master, house.key, rows_at_once=1)
    for _ in range(3):
        await anext(work)
    await work.aclose()
    assert opened(await house.keys(), await sealed_values(house)) == texts
    with pytest.raises(KeyStillNeededError, match="older key"):
        await forget_data_keys(house.owner, master, await house.town(), settled_seconds=0)
    async with house.as_owner() as connection:
        number, _ = await announce_data_key(connection, master, await house.town())
    assert number == 2, "the change that was begun is finished first"
    async for _ in reseal_town(house.owner, master, house.key):
        pass
    assert await forget_data_keys(house.owner, master, await house.town(), settled_seconds=0) == 1


async def test_an_answer_is_replayed_after_the_key_it_was_sealed_with_is_gone(house: House) -> None:
    town, master = house.stage.town, MasterKey.read(house.key_file)
    headers = {"Idempotency-Key": str(uuid4())}
    path, body = "/entitlements/A-lunch/number-replacements", {"lost_on": "2026-11-01"}
    first = await town.call("registrar", "POST", path, body, headers=headers)
    assert first.status_code == 200, first.text
    async with house.as_owner() as connection:
        await announce_data_key(connection, master, await house.town(), notice_seconds=0)
    async for _ in reseal_town(house.owner, master, house.key):
        pass
    await forget_data_keys(house.owner, master, await house.town(), settled_seconds=0)
    again = await town.call("registrar", "POST", path, body, headers=headers)
    assert (again.status_code, again.text) == (first.status_code, first.text)
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_references_that_providers_keep_stay_the_same(house: House) -> None:
    before = await house.stage.town.ok("c1", "GET", "/my/children?limit=50")
    keys = await house.keys()
    async with house.as_owner() as connection:
        await announce_data_key(connection, MasterKey.read(house.key_file), await house.town(), notice_seconds=0)
    changed = await house.keys()
    assert changed.reference("my_child", "x") == keys.reference("my_child", "x")
    assert changed.index("entitlement_number", "x") == keys.index("entitlement_number", "x")
    assert changed.sealing_with != keys.sealing_with
    assert await house.stage.town.ok("c1", "GET", "/my/children?limit=50") == before

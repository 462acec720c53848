"""The key of keyed hashes changes while the town works: no known number is ever unknown, none comes twice, nothing old is left."""

import asyncio
import shutil
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import LargeBinary

from but_gateway.db.fields import MasterKey, StaleKeysError
from but_gateway.db.schema import metadata
from but_gateway.db.session import UnitOfWork
from but_gateway.db.tenancy import Scope
from but_gateway.identity import directory, index_keys, index_store
from but_gateway.identity.data_keys import announce_data_key, forget_data_keys, reseal_town
from but_gateway.identity.town_keys import KeyStillNeededError
from but_gateway.procedures.intake import store as intake_store
from but_gateway.procedures.rehashing import store
from but_gateway.procedures.rehashing.forget_index import forget_index
from but_gateway.procedures.rehashing.rotate_index import IN_USE, Step, rotate_index
from but_gateway.registers.entitlements.import_store import lock_children
from tests.privacy.conftest import Built, House, administer, name_of
from tests.privacy.test_subject_access import of as told_of
from tests.procedures.adjudication.lines import lunch
from tests.procedures.adjudication.registers import IBANS
from tests.procedures.adjudication.town import Town, served

JSON = Any
HASHES = (
    ("bank_account", "iban_index"),
    ("child", "same_child_index"),
    ("entitlement_number", "number_index"),
    ("invoice_line", "number_index"),
)
UNKNOWN = "0000-0000-0000-X"
DAY = "2026-11-02T10:00:00Z"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes look at a town's keys at every request, not only every half minute."""
    monkeypatch.setattr(directory, "REFRESH_SECONDS", 0)


def test_every_column_with_a_keyed_hash_is_moved() -> None:
    found = {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.c
        if isinstance(column.type, LargeBinary) and column.name.endswith("index")
    }
    assert found == set(HASHES)
    assert found == {(place.table, place.column) for place in store.SINGLE} | {(t, "number_index") for t in (store.NUMBERS, store.LINES)}


async def hashes(house: House) -> dict[str, list[bytes]]:
    """The hashes in the town, by table."""
    town = await house.town()
    return {
        table: [
            bytes(row[0])
            for row in await house.superuser.fetch(
                f"SELECT {column} FROM {table} WHERE municipality_id = $1 AND {column} IS NOT NULL",  # noqa: S608 - our own names
                town.id,
            )
        ]
        for table, column in HASHES
    }


async def told(house: House, child: str) -> JSON:
    """What somebody is told of a child, but for who asked; in any order."""
    return {
        part.table: sorted(map(repr, part.rows))
        for part in (await told_of(house, child)).sections
        if part.table not in {"audit_event", "access_log"}
    }


async def change(house: House, *, rows_at_once: int = 3, notice: timedelta = timedelta()) -> list[Step]:
    """The whole change; what was done."""
    master = MasterKey.read(house.key_file)
    return [step async for step in rotate_index(house.owner, master, house.key, notice=notice, rows_at_once=rows_at_once)]


async def cut(house: House, steps: int) -> bool:
    """Begins or goes on, and is cut off after so many steps; whether there were as many."""
    work = rotate_index(house.owner, MasterKey.read(house.key_file), house.key, notice=timedelta(), rows_at_once=2)
    done = 0
    async for _ in work:
        done += 1
        if done == steps:
            await work.aclose()
            return True
    return False


async def forget(house: House) -> int:
    return await forget_index(house.owner, MasterKey.read(house.key_file), house.key, settled=timedelta())


def asked(town: Town, entitlement: str, number: str | None = None) -> JSON:
    born = town.births[entitlement.partition("-")[0]]
    month = {"from": "2026-11-01", "to": "2026-11-30"}
    return {
        "entitlement_number": number or town.numbers[entitlement],
        "benefit": "lunch",
        "date_of_birth": born,
        "facility": "s1",
        **month,
    }


async def assert_known(town: Town, *, dry_run: bool = True) -> None:
    """Every number of the town is known: to checks one by one and at once, to imports, and to invoices."""
    known = [key for key in town.numbers if key.endswith("-lunch")]
    for key in known:
        answer = await town.ok("c1", "POST", "/eligibility-checks", asked(town, key))
        assert answer["eligible"], key
    batch = await town.ok("c1", "POST", "/eligibility-checks/batch", {"checks": [asked(town, key) for key in known]})
    assert all(one["eligible"] for one in batch["results"])
    lines = [lunch(key.removesuffix("-lunch"), "2026-11-03") for key in known]
    sent = await town.send("c1", *lines, query="?dry_run=true" if dry_run else "", iban=IBANS["c1"])
    assert sent.status_code == (200 if dry_run else 201), sent.text
    codes = {finding["code"] for line in sent.json()["lines"] for finding in line["findings"]}
    assert not {code for code in codes if "number" in code or "iban" in code}, codes


async def assert_not_taken_twice(town: Town, entitlement: str) -> None:
    """No other entitlement gets the number; the same one delivered again with it changes nothing."""
    row = town.rows[entitlement] | {}
    other = {
        "child": row["child"] | {"key": "Z"},
        "entitlement": row["entitlement"] | {"key": "Z-lunch", "number": town.numbers[entitlement]},
        "grant": row["grant"] | {"key": "Z-lunch"},
    }
    report = await town.ok("registrar", "POST", "/grant-imports", [other])
    assert [fault["code"] for one in report["rejected"] for fault in one["errors"]] == ["number_taken"], report
    same = row | {"entitlement": row["entitlement"] | {"number": town.numbers[entitlement]}}
    assert (await town.ok("registrar", "POST", "/grant-imports", [same]))["unchanged"] == 1


async def stranger(town: Town) -> str:
    """An invoice about a number that nobody knows, and one with a wrong birth date; the number of the first."""
    bill = await town.bill("c1", lunch("A", "2026-11-04", entitlement_number=UNKNOWN), lunch("B", "2026-11-04", date_of_birth="2010-01-01"))
    return bill.id


async def lines_of(house: House, invoice_id: str) -> list[bytes | None]:
    rows = await house.superuser.fetch("SELECT number_index FROM invoice_line WHERE invoice_id = $1 ORDER BY line_no", invoice_id)
    return [row[0] for row in rows]


async def test_a_new_index_key_makes_all_hashes_anew_and_the_old_one_is_destroyed(house: House) -> None:
    town = house.stage.town
    await town.grant("E", number="Pass 4711/b")
    old_number = await town.replace_number("B-lunch", "2026-11-01")
    odd = await stranger(town)
    before, told_before = await hashes(house), await told(house, "B")
    steps = await change(house)
    assert {step.what for step in steps} == {"announced", IN_USE, *(table for table, _ in HASHES)}
    assert {step.number for step in steps} == {2}
    between = await hashes(house)
    assert set(between["entitlement_number"]) > set(before["entitlement_number"]), "either key finds every number"
    assert len(between["entitlement_number"]) == 2 * len(before["entitlement_number"])
    assert await told(house, "B") == told_before, "who asks is not told of the same number twice"
    await assert_known(town)
    await assert_not_taken_twice(town, "E-lunch")
    with pytest.raises(KeyStillNeededError, match="for a day"):
        await forget_index(house.owner, MasterKey.read(house.key_file), house.key)
    assert await forget(house) == 1
    after = await hashes(house)
    for table in after:
        assert not set(after[table]) & set(before[table]), table
        assert len(after[table]) == len(before[table]) - (table == "invoice_line"), table
    nobodys, somebodys = await lines_of(house, odd)
    assert nobodys is None, "nobody could ever tell whose it was"
    assert somebodys in after["entitlement_number"]
    assert (await house.keys()).index_numbers == {2}
    assert await told(house, "B") == told_before
    lost = await town.ok("c1", "POST", "/eligibility-checks", asked(town, "B-lunch", old_number))
    assert not lost["eligible"]
    await assert_known(town, dry_run=False)
    await assert_not_taken_twice(town, "E-lunch")
    assert await forget(house) == 0


async def test_it_can_be_cut_off_after_every_step(house: House) -> None:
    town = house.stage.town
    for steps in count(1):
        more = await cut(house, steps)
        await assert_known(town)
        await town.grant(f"N{steps}")
        if not more:
            break
    assert steps > 4
    await assert_not_taken_twice(town, "N1-lunch")
    assert await forget(house) == 1
    assert (await house.keys()).index_numbers == {2}
    await assert_known(town)


@pytest.mark.parametrize("at", ["_add", "_set", "use"])
async def test_it_can_be_cut_off_inside_of_a_transaction(house: House, at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dies(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        if at == "use":
            patch.setattr(index_store, "use_index_key", dies)
        else:
            patch.setattr(store, at, dies)
        with pytest.raises(ConnectionError):
            await change(house)
    await assert_known(house.stage.town)
    with pytest.raises(KeyStillNeededError):
        await forget(house)
    await change(house)
    assert await forget(house) == 1
    await assert_known(house.stage.town)


async def test_forgetting_that_was_cut_off_takes_away_the_rest_later(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dies(*_: object, **__: object) -> None:
        raise ConnectionError

    before = await hashes(house)
    await change(house)
    with monkeypatch.context() as patch:
        patch.setattr(store, "settle_numbers", dies)
        with pytest.raises(ConnectionError):
            await forget(house)
    assert set(before["entitlement_number"]) < set((await hashes(house))["entitlement_number"])
    await assert_known(house.stage.town)
    assert await forget(house) == 0
    assert not set(before["entitlement_number"]) & set((await hashes(house))["entitlement_number"])
    await assert_known(house.stage.town)


@pytest.mark.parametrize(("table", "column"), [one for one in HASHES if one[0] != "entitlement_number"])
async def test_no_key_is_destroyed_while_something_has_a_hash_of_it(house: House, table: str, column: str) -> None:
    key = "id" if table != "invoice_line" else "number_index IS NOT NULL DESC, id"
    (row,) = await house.superuser.fetch(
        f"SELECT id, {column} AS old FROM {table} WHERE municipality_id = $1 ORDER BY {key} LIMIT 1",  # noqa: S608 - our own names
        (await house.town()).id,
    )
    await change(house)
    await house.superuser.execute(f"UPDATE {table} SET {column} = $2 WHERE id = $1", row["id"], row["old"])  # noqa: S608 - our own names
    with pytest.raises(KeyStillNeededError, match=f"1 rows of {table}"):
        await forget(house)
    await assert_known(house.stage.town)
    assert [step.what for step in await change(house)] == [table]
    assert await forget(house) == 1


async def test_two_changes_in_a_row(house: House) -> None:
    for number in (2, 3):
        assert {step.number for step in await change(house)} == {number}
        assert [step async for step in rotate_index(house.owner, MasterKey.read(house.key_file), house.key, notice=timedelta())] == []
        await assert_known(house.stage.town)
        assert await forget(house) == 1
    assert (await house.keys()).index_numbers == {3}
    await assert_known(house.stage.town)


async def test_data_key_and_index_key_change_one_after_the_other(house: House) -> None:
    master, references = MasterKey.read(house.key_file), (await house.keys()).reference("my_child", "x")
    await change(house)
    assert await forget(house) == 1
    async with house.as_owner() as connection:
        await announce_data_key(connection, master, await house.town(), notice_seconds=0)
    async for _ in reseal_town(house.owner, master, house.key):
        pass
    assert await forget_data_keys(house.owner, master, await house.town(), settled_seconds=0) == 1
    await assert_known(house.stage.town)
    assert {step.number for step in await change(house)} == {3}
    assert await forget(house) == 1
    await assert_known(house.stage.town)
    assert (await house.keys()).reference("my_child", "x") == references


async def test_the_same_child_is_found_whichever_key_it_was_hashed_with(house: House) -> None:
    town = house.stage.town
    await town.grant("S1")
    assert await cut(house, 1)
    while (await house.keys()).number_in_use == 1:
        assert await cut(house, 3)
    names = town.rows["S1-lunch"]["child"]
    row = town.rows["S1-lunch"]
    twin = {
        "child": names | {"key": "S2"},
        "entitlement": row["entitlement"] | {"key": "S2-lunch"},
        "grant": row["grant"] | {"key": "S2-lunch"},
    }
    old, _ = await house.superuser.fetch("SELECT same_child_index FROM child WHERE municipality_id = $1 LIMIT 2", (await house.town()).id)
    assert old[0] in (await hashes(house))["child"]
    await town.deliver(twin)
    rows = await house.superuser.fetch("SELECT text FROM notice WHERE kind = 'same_child'")
    assert any("S1 und S2" in row["text"] for row in rows)


async def test_a_process_that_does_not_know_the_key_in_use_stores_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    town = house.stage.town
    await assert_known(town)
    monkeypatch.setattr(directory, "REFRESH_SECONDS", 1000)
    await town.ok("c1", "POST", "/eligibility-checks", asked(town, "A-lunch"))
    await change(house)
    row = town._row("T", "lunch", "T-lunch")  # noqa: SLF001 - sent by hand, for it is refused
    headers = {"Authorization": f"Bearer {await town.token('registrar')}", "Idempotency-Key": str(uuid4()), "Test-Clock": DAY}
    path = f"/v1/municipalities/{town.key}/grant-imports"
    refused = await house.instance.http.post(path, json=[row], headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert refused.headers["Retry-After"]
    await assert_known(town)  # it still finds all that there is
    monkeypatch.setattr(directory, "REFRESH_SECONDS", 0)
    assert (await house.instance.http.post(path, json=[row], headers=headers)).status_code == 200


async def test_a_loss_is_not_missed_while_numbers_are_stored_under_the_new_key(house: House) -> None:
    town, master = await house.town(), MasterKey.read(house.key_file)
    async with house.as_owner() as connection:
        await index_keys.announce_index_key(connection, master, town)
    keys = await house.keys()

    async def settle() -> None:
        async with house.owner.transaction(Scope(town.id)) as unit:
            await store.settle_numbers(unit, store.START, keys=keys, limit=100)

    async with house.owner.transaction(Scope(town.id)) as unit:
        found = await intake_store.find_entitlement(unit, "A-lunch")
        assert found is not None
        await lock_children(unit, [found.child_id])
        working = asyncio.create_task(settle())
        await asyncio.sleep(0.3)
        assert not working.done()
        await intake_store.lose_numbers(unit, found.id, house.instance.clock.now().date())
    await working
    rows = await house.superuser.fetch("SELECT lost_on FROM entitlement_number WHERE entitlement_id = $1", found.id)
    assert len(rows) == 2
    assert None not in [row["lost_on"] for row in rows]


async def test_whoever_has_not_seen_all_keys_settles_nothing(house: House) -> None:
    town, keys = await house.town(), await house.keys()
    async with house.as_owner() as connection:
        await index_keys.announce_index_key(connection, MasterKey.read(house.key_file), town)
    unit: UnitOfWork
    async with house.owner.transaction(Scope(town.id)) as unit:
        with pytest.raises(StaleKeysError):
            await store.settle_numbers(unit, store.START, keys=keys, limit=100)
        unit.discard()


async def test_a_backup_from_before_works_with_the_keys_of_its_day(house: House, built: Built, postgres_url: str, tmp_path: Path) -> None:
    await change(house)
    assert await forget(house) == 1
    name = f"restored_{uuid4().hex[:12]}"
    await administer(postgres_url, f'CREATE DATABASE "{name}" TEMPLATE "{name_of(built.url)}" STRATEGY file_copy')
    folder = tmp_path / "restored"
    folder.mkdir()
    shutil.copy2(house.key_file, folder / "master.key")
    async with served(built.url.replace(f"/{name_of(built.url)}?", f"/{name}?"), folder) as restored:
        town = replace(house.stage.town, instance=restored)
        await assert_known(town)
    await administer(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')

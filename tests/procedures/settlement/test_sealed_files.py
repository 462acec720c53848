"""Handed-over files lie sealed in the database: nobody reads them there, moves them, or notices a difference when fetching them."""

import hashlib
import random
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from but_gateway.db.fields import SealBrokenError, TownKeys
from but_gateway.db.pieces import PiecePlace, open_piece, seal_piece
from but_gateway.identity.principal import Role
from but_gateway.procedures.settlement import package_store, remittance_store
from but_gateway.procedures.settlement.model import PackageFile
from but_gateway.procedures.settlement.package import PIECE_BYTES
from but_gateway.procedures.settlement.remittance_store import Place
from but_gateway.web.accept import CSV, PDF
from tests.factories.billing import Meal
from tests.procedures.settlement.conftest import DEBTOR, Treasury, done

JSON = Any
TUESDAY = date(2026, 10, 6)
PIECES = "SELECT name, part, content, sealed_content, bytes FROM package_part WHERE batch_id = $1 ORDER BY name, part"


async def handed_over(treasury: Treasury) -> JSON:
    """A small batch that is with the treasury."""
    child = await treasury.billing.child("sgb2")
    await treasury.billing.invoice("c1", [Meal(child, TUESDAY, {"sgb2": 450})])
    return await treasury.settle()


async def fetch_all(treasury: Treasury, batch: JSON) -> dict[str, bytes]:
    """Every file, as it is downloaded; its hash and length are what the list says."""
    auditor, found = await treasury.person("auditor", Role.AUDITOR), {}
    path = f"/settlement-batches/{batch['id']}/files"
    for file in done(await treasury.finance.get(path)):
        answer = await (auditor if file["package"] == "audit" else treasury.finance).get(f"{path}/{file['name']}")
        assert (hashlib.sha256(answer.content).hexdigest(), len(answer.content)) == (file["sha256"], file["bytes"])
        found[file["name"]] = answer.content
    return found


async def fetch_advice(treasury: Treasury, accept: str) -> bytes:
    """The newest remittance in a format."""
    newest = done(await treasury.finance.get("/remittances"))["items"][-1]
    answer = await treasury.finance.get(f"/remittances/{newest['id']}", accept=accept)
    assert answer.status_code == 200
    return answer.content


def keys_of(treasury: Treasury) -> TownKeys:
    keys: TownKeys = treasury.office.app.state.directory.keys(treasury.office.towns[treasury.town])
    return keys


async def test_no_account_stands_in_the_clear_in_the_database(treasury: Treasury, superuser: asyncpg.Connection) -> None:
    batch = await handed_over(treasury)
    payments = await superuser.fetch("SELECT id, iban FROM payment WHERE batch_id = $1", UUID(batch["id"]))
    ibans = [keys_of(treasury).open(bytes(row["iban"]), "payment", row["id"], "iban") for row in payments]
    files = await fetch_all(treasury, batch)
    assert all(any(iban.encode() in content for content in files.values()) for iban in (*ibans, DEBTOR.iban))
    rows = await superuser.fetch(PIECES, UUID(batch["id"]))
    assert {row["name"] for row in rows} == files.keys()
    assert ibans
    for row in rows:
        assert row["content"] == b""
        assert row["sealed_content"].startswith(keys_of(treasury).sealing_with)
        assert not any(
            word in row["sealed_content"] for word in (*(iban.encode() for iban in ibans), b"<?xml", b"position_id", b"PK\x03\x04")
        )
    whole = await superuser.fetch("SELECT p::text AS row FROM package_part p WHERE batch_id = $1", UUID(batch["id"]))
    assert not any(iban.encode().hex() in row["row"] or iban in row["row"] for row in whole for iban in ibans)


async def test_a_piece_that_is_moved_does_not_open(treasury: Treasury, superuser: asyncpg.Connection) -> None:
    batch, keys = await handed_over(treasury), keys_of(treasury)
    row, other, *_ = await superuser.fetch(PIECES, UUID(batch["id"]))
    here = PiecePlace(UUID(batch["id"]), row["name"], row["part"])
    assert len(open_piece(keys, here, row)) == row["bytes"]
    for elsewhere in (
        PiecePlace(UUID(int=1), here.name, here.part), PiecePlace(here.batch_id, other["name"], 0), PiecePlace(here.batch_id, here.name, 1)
    ):  # fmt: skip
        with pytest.raises(SealBrokenError):
            open_piece(keys, elsewhere, row)
    with pytest.raises(SealBrokenError):
        open_piece(TownKeys.of(UUID(int=2), bytes(32)), here, row)
    with pytest.raises(SealBrokenError):
        open_piece(None, here, row)
    with pytest.raises(SealBrokenError, match="kind"):
        open_piece(keys, here, {"content": b"", "sealed_content": keys.seal_bytes(b"\x07x", *here.bound)})


def test_a_name_and_a_number_cannot_run_into_each_other() -> None:
    places = [PiecePlace(UUID(int=1), name, part) for name, part in (("a", 11), ("a|1", 1), ("a1", 1), ("a|11", 1), ("a|1", 11))]
    assert len({place.bound for place in places}) == len(places)


async def test_files_of_before_are_read_as_ever(treasury: Treasury, superuser: asyncpg.Connection) -> None:
    batch, keys = await handed_over(treasury), keys_of(treasury)
    files, pdf, csv = await fetch_all(treasury, batch), await fetch_advice(treasury, PDF), await fetch_advice(treasury, CSV)
    for row in await superuser.fetch(PIECES, UUID(batch["id"])):
        content = open_piece(keys, PiecePlace(UUID(batch["id"]), row["name"], row["part"]), row)
        await superuser.execute(
            "UPDATE package_part SET content = $4, sealed_content = NULL, bytes = NULL WHERE batch_id = $1 AND name = $2 AND part = $3",
            UUID(batch["id"]), row["name"], row["part"], content,
        )  # fmt: skip
    assert await fetch_all(treasury, batch) == files
    assert (await fetch_advice(treasury, PDF), await fetch_advice(treasury, CSV)) == (pdf, csv)


async def test_the_database_keeps_a_piece_in_one_place_only(treasury: Treasury, superuser: asyncpg.Connection) -> None:
    batch = await handed_over(treasury)
    for change in ("content = 'x'", "bytes = NULL", "sealed_content = NULL"):
        with pytest.raises(asyncpg.CheckViolationError):
            await superuser.execute(f"UPDATE package_part SET {change} WHERE batch_id = $1", UUID(batch["id"]))  # noqa: S608 - our own words


async def test_a_long_file_comes_back_whole_and_in_slices(treasury: Treasury) -> None:
    """Three pieces: text that shrinks, noise that does not, a rest. Slices begin and end in the middle of pieces and open no others."""
    child = await treasury.billing.child("sgb2")
    await treasury.billing.invoice("c1", [Meal(child, TUESDAY, {"sgb2": 450})])
    batch_id, keys = UUID((await treasury.draw_up())["id"]), keys_of(treasury)
    noise = random.Random(7).randbytes(PIECE_BYTES)  # noqa: S311 - no secret: what does not shrink
    content = (b"Leistung;4,50\n" * PIECE_BYTES)[:PIECE_BYTES] + noise + b"rest"
    parts = [content[at : at + PIECE_BYTES] for at in range(0, len(content), PIECE_BYTES)]
    file = PackageFile("Lang.zip", "advice", "application/zip", hashlib.sha256(content).hexdigest(), len(content))
    async with treasury.billing.unit() as unit:
        await package_store.insert_file(unit, keys, batch_id, file, parts)
        rows = await unit.driver.fetch("SELECT length(sealed_content) FROM package_part WHERE name = 'Lang.zip' ORDER BY part")
        read = [await package_store.read_part(unit, keys, PiecePlace(batch_id, "Lang.zip", part)) for part in range(4)]
        for offset, length in (
            (0, 10),
            (PIECE_BYTES - 3, 6),
            (PIECE_BYTES, PIECE_BYTES),
            (PIECE_BYTES + 5, PIECE_BYTES - 2),
            (7, len(content) - 7),
        ):
            slices = [piece async for piece in remittance_store.read_advice(unit, keys, batch_id, Place(offset, length), PIECE_BYTES)]
            assert b"".join(slices) == content[offset : offset + length]
            assert len(slices) == (offset + length - 1) // PIECE_BYTES - offset // PIECE_BYTES + 1
        unit.discard()
    assert read == [*parts, None]
    small, noisy, rest = (row[0] for row in rows)
    assert small < PIECE_BYTES // 20
    assert (noisy, rest) == (PIECE_BYTES + 30, 4 + 30)


@pytest.mark.parametrize("content", [b"", b"x", b"a" * 100_000, bytes(range(256))])
def test_whatever_is_in_a_piece_comes_back(content: bytes) -> None:
    keys, place = TownKeys.of(UUID(int=2), bytes(32)), PiecePlace(UUID(int=1), "a.csv", 0)
    sealed = seal_piece(keys, place, content)
    assert sealed != seal_piece(keys, place, content), "each time another nonce"
    assert open_piece(keys, place, {"content": b"", "sealed_content": sealed}) == content

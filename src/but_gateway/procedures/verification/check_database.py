"""Checks the database: the invariants, every town's audit chain with its sealed rows, stored facts and stored files. It only reads."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from but_gateway.audit.check import ReadToken, check_chain
from but_gateway.audit.invariants import violations
from but_gateway.audit.record import hash_payload
from but_gateway.db.connect import Connection
from but_gateway.db.fields import MasterKey, SealBrokenError, TownKeys
from but_gateway.db.pieces import open_piece
from but_gateway.identity.store import find_town
from but_gateway.procedures.verification import database_store as store
from but_gateway.procedures.verification.model import Findings

_PART_HASH_BYTES: Final = 16


class UnknownTownError(Exception):
    """There is no town of this key."""


@dataclass(slots=True)
class DatabaseReport:
    """What was checked and found."""

    findings: Findings = field(default_factory=Findings)
    towns: int = 0
    seals: int = 0
    rows: int = 0
    checkpoints: int = 0
    facts: int = 0
    files: int = 0


async def check_database(
    connection: Connection,
    town_key: str | None,
    read_token: ReadToken | None,
    kept: Sequence[str] = (),
    *,
    master_key: MasterKey | None = None,
) -> DatabaseReport:
    """Checks all towns, or one, on a connection that is in no transaction.

    ``read_token`` reads signed checkpoints; None: signatures stay unchecked. ``kept``: checkpoints that somebody kept outside, with which
    the chain must still agree. ``master_key`` opens stored files; None: sealed ones stay unchecked.

    Refuses a town that is not there (UnknownTownError).
    """
    report = DatabaseReport()
    for name, rows in (await violations(connection)).items():
        for row in rows:
            ids = [str(value) for value in row.values() if isinstance(value, UUID)]
            report.findings.add("invariant", name, " ".join(ids))
    async with store.one_moment(connection):
        towns = await store.towns(connection, town_key)
        if town_key is not None and not towns:
            raise UnknownTownError
        if not await store.is_all_seeing(connection):
            report.findings.add("partial_sight", "", note=True)
        if read_token is None:
            report.findings.add("signatures_unchecked", "", note=True)
        for town_id, key in towns:
            await store.enter(connection, town_id)
            report.towns += 1
            await _check_chain(connection, town_id, key, read_token, report)
            await _check_facts(connection, town_id, key, report)
            await _check_files(connection, town_id, key, master_key, report)
        await _check_kept(connection, towns, read_token, kept, report)
    return report


async def _check_chain(connection: Connection, town_id: UUID, key: str, read_token: ReadToken | None, report: DatabaseReport) -> None:
    chain = await check_chain(connection, town_id, read_token)
    report.seals += chain.length
    report.rows += chain.rows_checked
    report.checkpoints += chain.checkpoints
    for fault in chain.faults:
        report.findings.add(fault.what, key, fault.place)
    for code, count in (("not_yet_sealed", chain.unsealed), ("sealed_late", chain.late), ("retired", chain.retired)):
        if count:
            report.findings.add(code, key, str(count), note=True)


async def _check_facts(connection: Connection, town_id: UUID, key: str, report: DatabaseReport) -> None:
    """Parts of facts lie under the hash of their content; sealed decisions name the hashes."""
    async for digest, body in store.fact_parts(connection, town_id):
        report.facts += 1
        text = json.dumps(json.loads(body), separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        same = hashlib.sha256(text.encode()).digest()[:_PART_HASH_BYTES] == digest
        report.findings.require(same, "part_changed", key, f"fact_part {digest.hex()}")


async def _check_files(connection: Connection, town_id: UUID, key: str, master_key: MasterKey | None, report: DatabaseReport) -> None:
    """Files are those that the sealed event of their hand-over vouches for: by the manifest's hash, and the manifest by theirs."""
    manifests: dict[UUID, bytes] = {}
    digests: dict[UUID, dict[str, tuple[str, int]]] = {}
    keys, unread = await _keys(connection, key, master_key), set[UUID]()
    for file in await store.stored_files(connection, town_id):
        read = await _read_file(connection, town_id, keys, file["batch_id"], file["name"])
        if read is None:
            unread.add(file["batch_id"])
            continue
        digest, length, content = read
        report.files += 1
        same = (digest, length) == (file["sha256"], file["bytes"])
        report.findings.require(same, "file_changed", key, f"{file['batch_id']} {file['name']}")
        digests.setdefault(file["batch_id"], {})[file["name"]] = digest, length
        if file["name"].endswith("manifest.json"):
            manifests[file["batch_id"]] = content
    if unread:
        report.findings.add("files_unchecked", key, str(len(unread)), note=True)
    for batch in await store.hand_overs(connection, town_id):
        if batch["payload_hash"] is None and batch["batch_id"] not in digests:
            continue  # event and files are gone together: the chain tells whether on purpose
        if batch["batch_id"] in unread:
            continue
        manifest = manifests.get(batch["batch_id"], b"")
        vouched = hash_payload(
            {"manifest": hashlib.sha256(manifest).hexdigest(), "count": batch["control_count"], "cents": batch["control_cents"]}
        )
        whole = batch["payload_hash"] is not None and bytes(batch["payload_hash"]) == vouched
        report.findings.require(whole, "file_changed", key, f"{batch['batch_id']} manifest.json")
        there = digests.get(batch["batch_id"], {})
        for name, digest_and_length in _listed(manifest).items() if whole else ():
            report.findings.require(there.get(name) == digest_and_length, "file_changed", key, f"{batch['batch_id']} {name}")


async def _keys(connection: Connection, key: str, master_key: MasterKey | None) -> TownKeys | None:
    """The town's keys; None without a master key. With one that is not the town's nothing opens."""
    town = await find_town(connection, key) if master_key is not None else None
    if master_key is None or town is None:
        return None
    try:
        return master_key.town_keys(town.id, town.data_key, town.further_keys)
    except SealBrokenError:
        return TownKeys.of(town.id, b"")


async def _read_file(
    connection: Connection, town_id: UUID, keys: TownKeys | None, batch_id: UUID, name: str
) -> tuple[str, int, bytes] | None:
    """Hash, length and last piece of a file; None where there are no keys to open it with. What does not open has no length."""
    digest, length, content = hashlib.sha256(), 0, b""
    async for place, piece in store.file_pieces(connection, town_id, batch_id, name):
        if keys is None and piece["sealed_content"] is not None:
            return None
        try:
            content = open_piece(keys, place, piece)
        except SealBrokenError:
            return "", -1, b""
        digest.update(content)
        length += len(content)
    return digest.hexdigest(), length, content


def _listed(manifest: bytes) -> dict[str, tuple[str, int]]:
    return {one["name"]: (one["sha256"], one["bytes"]) for one in json.loads(manifest)["files"]}


async def _check_kept(
    connection: Connection, towns: Sequence[tuple[UUID, str]], read_token: ReadToken | None, kept: Sequence[str], report: DatabaseReport
) -> None:
    """Checkpoints kept outside: signed by this instance, and the chain still has the hash they name."""
    for number, token in enumerate(kept, 1):
        claims = read_token(token) if read_token is not None else None
        place = f"--checkpoint {number}"
        if claims is None:
            report.findings.add("checkpoint_signature", "", place)
            continue
        town = next((one for one in towns if str(one[0]) == claims.get("municipality")), None)
        if town is None:
            report.findings.add("checkpoint_missing", "", place)
            continue
        await store.enter(connection, town[0])
        there = await store.seal_at(connection, town[0], int(claims["length"]))
        same = there is not None and there.hex() == claims["head"]
        report.findings.require(same, "checkpoint_contradicts", town[1], place)

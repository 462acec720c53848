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
    connection: Connection, town_key: str | None, read_token: ReadToken | None, kept: Sequence[str] = ()
) -> DatabaseReport:
    """Checks all towns, or one, on a connection that is in no transaction.

    ``read_token`` reads signed checkpoints; None: signatures stay unchecked. ``kept``: checkpoints that somebody kept outside, with which
    the chain must still agree.

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
            await _check_files(connection, town_id, key, report)
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


async def _check_files(connection: Connection, town_id: UUID, key: str, report: DatabaseReport) -> None:
    """Files are those that the sealed event of their hand-over vouches for: by the manifest's hash, and the manifest by theirs."""
    manifests: dict[UUID, bytes] = {}
    digests: dict[UUID, dict[str, tuple[str, int]]] = {}
    for file in await store.stored_files(connection, town_id):
        digest, length, content = hashlib.sha256(), 0, b""
        async for piece in store.file_pieces(connection, town_id, file["batch_id"], file["name"]):
            digest.update(piece)
            length += len(piece)
            content = piece
        report.files += 1
        same = (digest.hexdigest(), length) == (file["sha256"], file["bytes"])
        report.findings.require(same, "file_changed", key, f"{file['batch_id']} {file['name']}")
        digests.setdefault(file["batch_id"], {})[file["name"]] = digest.hexdigest(), length
        if file["name"].endswith("manifest.json"):
            manifests[file["batch_id"]] = content
    for batch in await store.hand_overs(connection, town_id):
        if batch["payload_hash"] is None and batch["batch_id"] not in digests:
            continue  # event and files are gone together: the chain tells whether on purpose
        manifest = manifests.get(batch["batch_id"], b"")
        vouched = hash_payload(
            {"manifest": hashlib.sha256(manifest).hexdigest(), "count": batch["control_count"], "cents": batch["control_cents"]}
        )
        whole = batch["payload_hash"] is not None and bytes(batch["payload_hash"]) == vouched
        report.findings.require(whole, "file_changed", key, f"{batch['batch_id']} manifest.json")
        there = digests.get(batch["batch_id"], {})
        for name, digest_and_length in _listed(manifest).items() if whole else ():
            report.findings.require(there.get(name) == digest_and_length, "file_changed", key, f"{batch['batch_id']} {name}")


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

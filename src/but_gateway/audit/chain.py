"""The chain: what a seal says, and how its hash follows from it and from the seal before. docs/audit.md tells it to outsiders."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

# What stands before the first seal.
GENESIS: Final = bytes(32)
FINGERPRINT_BYTES: Final = 4
NOTHING_SEALED: Final = UUID(int=0)
CHECKPOINT_TYPE: Final = "audit-checkpoint+jwt"


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal over rows of one source. ``from_id`` inclusive, ``to_id`` exclusive; ``late_ids``: exactly these rows, not a range."""

    number: int
    source: str
    from_id: UUID
    to_id: UUID
    row_count: int
    root: bytes
    fingerprints: bytes
    late_ids: tuple[UUID, ...] | None
    sealed_at: datetime


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a chain at a moment, signed by the instance."""

    number: int
    at: datetime
    length: int
    head: bytes
    token: str


def seal_hash(previous: bytes, municipality_id: UUID, seal: Seal) -> bytes:
    """The hash of a seal: SHA-256 of a JSON array that begins with the hash before it."""
    late = None if seal.late_ids is None else [str(one) for one in seal.late_ids]
    document = [
        previous.hex(), str(municipality_id), seal.number, seal.source, str(seal.from_id), str(seal.to_id), seal.row_count,
        seal.root.hex(), seal.fingerprints.hex(), late, print_exact(seal.sealed_at),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(document, separators=(",", ":")).encode()).digest()


def root_of(hashes: Iterable[bytes]) -> bytes:
    """The root over the hashes of rows, in the order of their ids."""
    return hashlib.sha256(b"".join(hashes)).digest()


def split_fingerprints(fingerprints: bytes) -> list[bytes]:
    """The fingerprints of the single rows."""
    return [fingerprints[i : i + FINGERPRINT_BYTES] for i in range(0, len(fingerprints), FINGERPRINT_BYTES)]


def checkpoint_claims(issuer: str, municipality_id: UUID, checkpoint: Checkpoint) -> Mapping[str, Any]:
    """What the instance signs."""
    return {
        "iss": issuer,
        "municipality": str(municipality_id),
        "number": checkpoint.number,
        "length": checkpoint.length,
        "head": checkpoint.head.hex(),
        "at": print_exact(checkpoint.at),
    }


def print_exact(moment: datetime) -> str:
    """A moment as it is hashed: RFC 3339 in UTC with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def after(row_id: UUID) -> UUID:
    """The smallest id behind one."""
    return UUID(int=row_id.int + 1)

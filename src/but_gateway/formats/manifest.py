"""manifest.json: what a package consists of, with the hash of each file, and what it pays in all."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from but_gateway.kit.clock import print_moment
from but_gateway.kit.money import print_money


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A file of a package: its name, which package it belongs to, SHA-256 in hexadecimal digits, length in bytes."""

    name: str
    package: str  # treasury | audit | advice
    sha256: str
    bytes: int


def digest_of(files: Iterable[ManifestFile]) -> str:
    r"""One SHA-256 (hexadecimal) for many files: over the lines ``<sha256>  <name>\n`` in order of names, as ``sha256sum`` prints them.

    The payment order states it over all other files. It stands in the manifest itself, so it cannot state the manifest's own hash.
    """
    lines = sorted((f.name, f.sha256) for f in files)
    return hashlib.sha256("".join(f"{sha256}  {name}\n" for name, sha256 in lines).encode()).hexdigest()


def write_manifest(
    batch: str, municipality: str, created_at: datetime, totals: tuple[int, int, int], files: Sequence[ManifestFile]
) -> bytes:
    """The manifest. ``totals``: gross, receipts, net in cents. The same input gives the same bytes."""
    gross, receipts, net = totals
    document = {
        "batch": batch,
        "municipality": municipality,
        "created_at": print_moment(created_at),
        "totals": {"gross": print_money(gross), "receipts": print_money(receipts), "net": print_money(net)},
        "files": [{"name": f.name, "package": f.package, "sha256": f.sha256, "bytes": f.bytes} for f in files],
    }
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()

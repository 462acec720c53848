"""manifest.json: what a package consists of, with the hash of each file, and what it pays in all."""

import json
from collections.abc import Sequence
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

"""Reads manifest.json and compares what it lists with the files that are there."""

import json
import re
from typing import Any, Final

from but_gateway.kit.money import parse_money
from but_gateway.procedures.verification.model import Findings, Listed, Manifest
from but_gateway.procedures.verification.opening import KINDS, Package

_NAME: Final = "manifest.json"
_BYTES_MAX: Final = 1024 * 1024
_PACKAGES: Final = {"advice": {"Avise.zip"}, "audit": {"Einzelposten.ndjson", "Einzelposten.xlsx"}}
_BATCH: Final = re.compile(r"[0-9]{4}-[0-9]{4,6}", re.ASCII)
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z", re.ASCII)


def read_manifest(package: Package, findings: Findings) -> Manifest | None:
    """What the manifest says; every file there is hashed and compared. None when it cannot be read."""
    with package.open(_NAME) as file:
        content = file.read(_BYTES_MAX)
    try:
        document = json.loads(content)
        # One byte more or less, a key twice, other blanks: not what the gateway wrote.
        if (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode() != content:
            findings.add("not_canonical", _NAME)
        manifest = _manifest(document)
    except (ValueError, KeyError, TypeError, RecursionError):
        findings.add("unreadable", _NAME)
        return None
    findings.require(manifest.gross - manifest.receipts == manifest.net, "sum_wrong", _NAME, "totals")
    stem = re.fullmatch(r"BuT-(.+)_([0-9]{4})-([0-9]{2})_Lauf-(.+)_", package.stem)
    if findings.require(stem, "name_wrong", _NAME, package.stem) and stem is not None:
        findings.require((stem[1], stem[4]) == (manifest.municipality, manifest.batch), "name_wrong", _NAME, package.stem)
    _compare(package, manifest, findings)
    return manifest


def _manifest(document: dict[str, Any]) -> Manifest:
    if list(document) != ["batch", "municipality", "created_at", "totals", "files"]:
        raise ValueError("other members")
    totals = document["totals"]
    if (
        list(totals) != ["gross", "receipts", "net"]
        or not _BATCH.fullmatch(document["batch"])
        or not _MOMENT.fullmatch(document["created_at"])
    ):
        raise ValueError("other members")
    files = tuple(Listed(**one) for one in document["files"])
    if any(list(one) != ["name", "package", "sha256", "bytes"] for one in document["files"]):
        raise ValueError("other members")
    gross, receipts, net = (parse_money(totals[name]) for name in ("gross", "receipts", "net"))
    return Manifest(document["batch"], document["municipality"], document["created_at"], gross, receipts, net, files)


def _compare(package: Package, manifest: Manifest, findings: Findings) -> None:
    listed = {one.name: one for one in manifest.files}
    findings.require(len(listed) == len(manifest.files), "listed_twice", _NAME)
    expected = {f"{package.stem}{kind}": kind for kind in KINDS if kind != _NAME}
    for name in sorted(listed.keys() ^ expected.keys()):
        findings.add("not_listed" if name in expected else "unknown_file", _NAME, expected.get(name, name))
    for kind, name in sorted(package.names.items()):
        one = listed.get(name.rpartition("/")[2])
        if kind == _NAME or one is None:
            continue
        sha256, length = package.digest(name)
        findings.require(one.bytes == length, "size_differs", kind)
        findings.require(one.sha256 == sha256, "hash_differs", kind)
    for name, one in sorted(listed.items()):
        kind = expected.get(name, name)
        package_of = next((word for word, kinds in _PACKAGES.items() if kind in kinds), "treasury")
        findings.require(one.package == package_of, "package_wrong", _NAME, kind)
        if name in expected and kind not in package.names:
            findings.add("file_absent", kind, note=True)

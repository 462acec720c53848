"""The verifier on a town's real packages: they hold, alone and together, and whatever is changed in them is found."""

# ruff: noqa: S311 - chance makes mutations, no secrets

import csv
import hashlib
import io
import json
import random
import re
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from but_gateway.procedures.verification.model import Findings
from but_gateway.procedures.verification.opening import KINDS, NoPackageError, open_package
from but_gateway.procedures.verification.read_manifest import read_manifest
from but_gateway.procedures.verification.verify_package import PackageReport, verify_package
from tests.demo.conftest import Round

FLIPS, FORGERIES = 200, 100
TREASURY = ("manifest.json", "pain001.xml", "HKR.csv", "Zahlungen.xlsx", "Anordnung.pdf")
AUDIT = ("Einzelposten.ndjson", "Einzelposten.xlsx")


@pytest.fixture
def small(played_round: Round) -> Path:
    return played_round.folder / "package" / "Lauf-2026-0001"


@pytest.fixture
def large(played_round: Round) -> Path:
    return played_round.folder / "package" / "Lauf-2026-0002"


def part(package: Path, folder: Path, kinds: Sequence[str]) -> Path:
    """A copy with these files only."""
    folder.mkdir(exist_ok=True)
    for path in package.iterdir():
        if path.name.endswith(tuple(kinds)):
            shutil.copy(path, folder)
    return folder


def codes(report: PackageReport) -> set[str]:
    return set(report.findings.counts)


# ---- what holds
def test_a_batch_with_everything_in_it_holds_and_every_decision_is_made_again(large: Path) -> None:
    report = verify_package(large)
    assert report.findings.violations == 0, report.findings.kept
    assert codes(report) <= {"by_person"}
    assert report.recomputed + report.by_person == report.positions
    assert report.recomputed > 1000
    assert report.payments is not None
    assert report.payments >= 10


@pytest.mark.parametrize("kinds", [TREASURY, AUDIT, (*AUDIT, "manifest.json"), ("Avise.zip",), ("HKR.csv", "Einzelposten.ndjson"), KINDS])
def test_each_part_of_a_package_can_be_checked_by_itself(small: Path, tmp_path: Path, kinds: Sequence[str]) -> None:
    report = verify_package(part(small, tmp_path, kinds))
    assert report.findings.violations == 0, report.findings.kept
    assert len(report.files) == len(kinds)
    assert codes(report) <= {"file_absent", "no_manifest"}


def test_a_zip_of_the_files_is_as_good_as_a_directory(small: Path, tmp_path: Path) -> None:
    whole = shutil.make_archive(str(tmp_path / "batch"), "zip", small.parent, small.name)
    report = verify_package(Path(whole))
    assert (report.findings.violations, report.recomputed) == (0, report.positions)


def test_what_is_no_package_is_refused(small: Path, large: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("x")
    both = part(large, part(small, tmp_path / "both", ["manifest.json"]), ["manifest.json"])
    for path in (tmp_path / "none", tmp_path / "empty", tmp_path / "text", both):
        with pytest.raises(NoPackageError):
            verify_package(path)


# ---- whatever is changed is found
def test_a_changed_byte_anywhere_is_found(small: Path, tmp_path: Path) -> None:
    """Flipped bits, bytes cut off or added, in any file. The manifest alone finds them, so the rest need not be run two hundred times."""
    copy = part(small, tmp_path, KINDS)
    missed = []
    for seed in range(FLIPS):
        chance = random.Random(seed)
        path = chance.choice(sorted(copy.iterdir()))
        before = path.read_bytes()
        at = chance.randrange(len(before))
        flipped = bytes([before[at] ^ (1 << chance.randrange(8))])
        changed = chance.choice([before[:at] + flipped + before[at + 1 :]] * 8 + [before[:at], before[:at] + b" " + before[at:]])
        path.write_bytes(changed)
        findings = Findings()
        read_manifest(open_package(copy, findings), findings)
        if not findings.violations:
            missed.append((path.name, seed))
        path.write_bytes(before)
    assert missed == []
    assert verify_package(copy).findings.violations == 0


def test_a_forgery_whose_hashes_were_made_anew_is_found(small: Path, tmp_path: Path) -> None:
    """A hundred times cents, lines, accounts and decisions are changed and the manifest is made to fit; the signed paper is not at hand."""
    copy = part(small, tmp_path, [kind for kind in KINDS if kind != "Anordnung.pdf"])
    missed = []
    for seed in range(FORGERIES):
        chance = random.Random(seed)
        kind = chance.choice(list(FORGERS))
        path = next(one for one in copy.iterdir() if one.name.endswith(kind))
        manifest = next(one for one in copy.iterdir() if one.name.endswith("manifest.json"))
        before = path.read_bytes(), manifest.read_bytes()
        forged = FORGERS[kind](before[0], chance)
        assert forged != before[0], (kind, seed)
        path.write_bytes(forged)
        if kind != "manifest.json":
            make_fit(manifest, path)
        if not verify_package(copy).findings.violations:
            missed.append((kind, seed))
        path.write_bytes(before[0])
        manifest.write_bytes(before[1])
    assert missed == []


def test_the_signed_paper_contradicts_a_manifest_made_anew(small: Path, tmp_path: Path) -> None:
    copy = part(small, tmp_path, KINDS)
    archive = next(one for one in copy.iterdir() if one.name.endswith("Avise.zip"))
    with zipfile.ZipFile(archive, "a") as opened:
        opened.comment = b"harmless"
    make_fit(next(one for one in copy.iterdir() if one.name.endswith("manifest.json")), archive)
    report = verify_package(copy)
    assert codes(report) == {"hash_differs", "fingerprint_differs"}
    assert {finding.file for finding in report.findings.kept} == {"Anordnung.pdf"}


def make_fit(manifest: Path, path: Path) -> None:
    """Writes the file's hash and length into the manifest, as a careful forger would."""
    document = json.loads(manifest.read_bytes())
    entry = next(one for one in document["files"] if one["name"] == path.name)
    entry["sha256"], entry["bytes"] = hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size
    manifest.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", "utf-8")


# ---- forgers: each changes one thing and keeps the form
def of_lines(lines: list[bytes], chance: random.Random) -> list[bytes]:
    """One line less, one twice, two exchanged."""
    at = chance.randrange(len(lines))
    other = (at + 1) % len(lines)
    match chance.randrange(3):
        case 0:
            return lines[:at] + lines[at + 1 :]
        case 1:
            return [*lines[: at + 1], *lines[at:]]
    lines[at], lines[other] = lines[other], lines[at]
    return lines


def one_of(pattern: bytes, content: bytes, chance: random.Random, change: Callable[[bytes], bytes]) -> bytes:
    """One random match of the pattern's group, changed."""
    found = chance.choice(list(re.finditer(pattern, content)))
    start, end = found.span(1)
    return content[:start] + change(found[1]) + content[end:]


def a_cent_more(amount: bytes) -> bytes:
    return amount[:-1] + (b"1" if amount[-1:] == b"0" else b"0")


def another_digit(text: bytes) -> bytes:
    return text[:-1] + (b"1" if text[-1:] != b"1" else b"2")


def forge_positions(content: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.4:
        return b"".join(of_lines(content.splitlines(keepends=True), chance))
    pattern = chance.choice(
        [rb'"(?:claimed|approved|amount)":"(-?\d+\.\d\d)"', rb'"decision":"(accepted|reduced)"', rb'"legal_basis":"(\w+)"',
         rb'"first_day":"(\d{4}-\d\d-\d\d)"', rb'"order":"([\d-]+)"', rb'"payment":"([\w-]+)"', rb'"units":(\d+)']
    )  # fmt: skip
    words = {b"accepted": b"reduced", b"reduced": b"accepted", b"sgb2": b"bkgg"}
    return one_of(
        pattern, content, chance, lambda old: words.get(old) or (b"sgb2" if old.isalnum() and old[:1].isalpha() else another_digit(old))
    )


def forge_hkr(content: bytes, chance: random.Random) -> bytes:
    rows = content.split(b"\r\n")
    if chance.random() < 0.3:
        return b"\r\n".join([rows[0], *of_lines(rows[1:-1], chance), b""])
    column = chance.choice([1, 2, 3, 4, 5, 7, 8, 10, 12, 14])
    at = chance.randrange(1, len(rows) - 1)
    cells = next(csv.reader(io.StringIO(rows[at].decode()), delimiter=";"))
    cells[column] = another_digit(cells[column].encode()).decode()
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="").writerow(cells)
    rows[at] = out.getvalue().encode()
    return b"\r\n".join(rows)


def forge_bank_file(content: bytes, chance: random.Random) -> bytes:
    patterns = (
        rb">(\d+\.\d\d)</InstdAmt>", rb"<CtrlSum>([\d.]+)<", rb"<NbOfTxs>(\d+)<", rb"<Ustrd>([^<]+)<", rb"<EndToEndId>([^<]+)<",
        rb"<Cdtr><Nm>([^<]+)<", rb"<CdtrAcct><Id><IBAN>([^<]+)<", rb"<MsgId>([^<]+)<",
    )  # fmt: skip
    return one_of(chance.choice(patterns), content, chance, another_digit)


def forge_book(sheets: dict[str, str]) -> Callable[[bytes, random.Random], bytes]:
    """Changes a number or a text in one of these columns of a sheet, and keeps all else of the archive."""

    def forge(content: bytes, chance: random.Random) -> bytes:
        sheet = chance.choice(list(sheets))
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
            for entry in old.infolist():
                inside = old.read(entry)
                if entry.filename == f"xl/worksheets/{sheet}.xml":
                    cell = rb'<c r="[' + sheets[sheet].encode() + rb'](?!1")\d+"[^>]*>(?:<is><t[^>]*>|<f>[^<]*</f>)?(?:<v>)?([^<>]+)<'
                    inside = one_of(cell, inside, chance, another_digit)
                new.writestr(entry, inside)
        return out.getvalue()

    return forge


def forge_advices(content: bytes, chance: random.Random) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        tables = [entry.filename for entry in old.infolist() if entry.filename.endswith(".csv")]
        chosen = chance.choice(tables)
        for entry in old.infolist():
            inside = old.read(entry)
            if entry.filename == chosen:
                head, *rows = inside.splitlines(keepends=True)
                at = chance.randrange(len(rows))
                rows[at] = one_of(rb"(?<=;)(-?\d+,\d\d)(?=;)", rows[at], chance, a_cent_more) if chance.random() < 0.7 else b""
                inside = b"".join([head, *rows])
            new.writestr(entry, inside)
    return out.getvalue()


def forge_manifest(content: bytes, chance: random.Random) -> bytes:
    return one_of(rb'"(?:gross|receipts|net)": "(\d+\.\d\d)"', content, chance, a_cent_more)


FORGERS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "Einzelposten.ndjson": forge_positions,
    "HKR.csv": forge_hkr,
    "pain001.xml": forge_bank_file,
    "Zahlungen.xlsx": forge_book({"sheet2": "ABCDEFGHK", "sheet3": "ACDEFGHJLMNO", "sheet4": "ABCEGHIJK"}),
    "Einzelposten.xlsx": forge_book({"sheet2": "ABCDEFGHIJK", "sheet3": "ABCG"}),
    "Avise.zip": forge_advices,
    "manifest.json": forge_manifest,
}

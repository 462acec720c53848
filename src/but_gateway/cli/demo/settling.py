"""Settlement of the made-up town: two batches through four hands, packages downloaded, and every sum compared to the cent."""

import asyncio
import csv
import hashlib
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from but_gateway.cli.demo.logins import AUDITOR, CLERK, FINANCE, ORDERER
from but_gateway.cli.demo.speaker import Speaker
from but_gateway.formats.pain001 import read_controls
from but_gateway.kit.money import parse_money
from but_gateway.procedures.verification.verify_package import verify_package

KINDS: Final = ["factual", "arithmetical"]
# Who may read which package (trust: the treasury sees payments and orders only).
_READERS: Final = {"treasury": FINANCE, "audit": AUDITOR, "advice": CLERK}


class SumsDifferError(Exception):
    """Two places that must say the same amount do not; the text says which and how much."""


@dataclass(frozen=True, slots=True)
class Dates:
    """When a batch goes through which hands: moments of the town's clock, cutoff and due day."""

    at: str
    ordered_at: str
    cutoff: str
    due_on: str


SEPTEMBER_BATCH: Final = Dates("2026-10-12T09:00:00Z", "2026-10-13T09:00:00Z", "2026-10-11", "2026-10-20")
OCTOBER_BATCH: Final = Dates("2026-11-09T09:00:00Z", "2026-11-10T09:00:00Z", "2026-11-08", "2026-11-25")


@dataclass(slots=True)
class Settled:
    """A batch that was handed over. Amounts in cents; ``sums`` names the places that were compared and agree."""

    number: str
    gross: int
    receipts: int
    net: int
    payments: int
    held: int
    orders: int
    positions: int
    recomputed: int = 0  # decisions that the verifier made again from the package alone
    files: list[Path] = field(default_factory=list)
    sums: dict[str, int] = field(default_factory=dict)


async def settle(speaker: Speaker, dates: Dates, folder: Path) -> Settled:
    """Draws up, certifies, orders by another person, hands over, downloads the files, compares the sums and verifies the package.

    Refuses when sums differ or the package does not hold (SumsDifferError).
    """
    wish = {"cutoff": dates.cutoff, "due_on": dates.due_on, "benefits": None, "providers": None}
    drawn = await speaker.post(FINANCE, "/settlement-batches", dates.at, wish)
    path = f"/settlement-batches/{drawn['id']}"
    await speaker.post(FINANCE, f"{path}/certification", dates.at, {"kinds": KINDS})
    await speaker.post(ORDERER, f"{path}/order", dates.ordered_at)
    batch = await speaker.post(FINANCE, f"{path}/hand-over", dates.ordered_at)
    settled = Settled(
        number=batch["number"],
        gross=parse_money(batch["totals"]["gross"]),
        receipts=parse_money(batch["totals"]["receipts"]),
        net=parse_money(batch["totals"]["net"]),
        payments=len(batch["payments"]),
        held=sum(payment["held"] is not None for payment in drawn["payments"]),
        orders=len(batch["orders"]),
        positions=0,
    )
    package = folder / f"Lauf-{settled.number}"
    contents = await _download(speaker, path, dates.ordered_at, package, settled)
    _compare(settled, batch, contents)
    report = await asyncio.to_thread(verify_package, package)
    if report.findings.violations:
        raise SumsDifferError(f"the package of batch {settled.number} does not hold: {report.findings.kept[:3]}")
    settled.recomputed = report.recomputed
    return settled


async def _download(speaker: Speaker, path: str, clock: str, folder: Path, settled: Settled) -> dict[str, bytes]:
    """Every file of the packages, by the last part of its name; each role fetches what it may read."""
    contents = {}
    for file in await speaker.get(FINANCE, f"{path}/files", clock):
        content = await speaker.content(_READERS[file["package"]], f"{path}/files/{file['name']}", clock)
        if hashlib.sha256(content).hexdigest() != file["sha256"]:
            raise SumsDifferError(f"{file['name']} is not what its checksum says")
        settled.files.append(_keep(folder, file["name"], content))
        contents[file["name"].rpartition("_")[2]] = content
    return contents


def _keep(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def _compare(settled: Settled, batch: Any, contents: dict[str, bytes]) -> None:  # noqa: ANN401 - JSON
    """The batch, its payments and orders, the books' file, the bank's file and the audit's positions all say the same."""
    controls = read_controls(io.BytesIO(contents["pain001.xml"]))
    positions = [json.loads(line) for line in contents["Einzelposten.ndjson"].splitlines()]
    settled.positions = len(positions)
    settled.sums = {
        "Lauf": settled.net,
        "Zahlungen": sum(parse_money(payment["net"]) for payment in batch["payments"]),
        "Anordnungen": sum(parse_money(order["gross"]) - parse_money(order["receipts"]) for order in batch["orders"]),
        "HKR.csv": _books(contents["HKR.csv"]),
        "pain001.xml": controls.cents,
        "Einzelposten.ndjson": sum(parse_money(position["approved"]) for position in positions),
        "manifest.json": parse_money(json.loads(contents["manifest.json"])["totals"]["net"]),
    }
    if len(set(settled.sums.values())) != 1 or controls.count != settled.payments or settled.net != settled.gross - settled.receipts:
        raise SumsDifferError(f"the sums of batch {settled.number} differ: {settled.sums}")


def _books(content: bytes) -> int:
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";")
    return sum(parse_money(row["Betrag"].replace(",", ".")) for row in rows)

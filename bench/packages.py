"""The packages of a large batch against bare writers of the same formats in the same run, and how far memory grows meanwhile.

The bare writers get everything ready in memory and write as many rows and cells, with the libraries ours stand on: lxml's ``xmlfile``,
``csv``, ``xlsxwriter`` in constant memory, ``json``. Ours read from the database, decide what stands where, check and hash.
"""

import asyncio
import csv
import io
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import xlsxwriter
from lxml import etree
from sqlalchemy import make_url
from town import CLOCK, Town, school_days

from but_gateway.db.engine import Database, connect_arguments
from but_gateway.db.session import UnitOfWork
from but_gateway.db.tenancy import Scope
from but_gateway.formats.hkr_profile import load_profiles
from but_gateway.kit.ids import new_ids
from but_gateway.procedures.settlement import store
from but_gateway.procedures.settlement.audit_files import POSITIONS
from but_gateway.procedures.settlement.package import DraftFile, HandedOver, PackageOptions, Payee
from but_gateway.procedures.settlement.treasury_files import BOOK, HKR, PAYMENTS
from but_gateway.registers.municipalities.store import read_settings
from but_gateway.registers.providers.store import load_providers

DAYS: Final = 20
IBAN: Final = "DE02120300000000202051"
SETTINGS: Final = {
    "debtor": {"name": "Messstadt", "iban": IBAN, "bic": None},
    "account_assignments": [
        {"legal_basis": "sgb2", "benefit": "lunch", "product": "05.311.01", "account": "533110", "cost_centre": "50-4"}
    ],
}


@dataclass(frozen=True)
class Measured:
    """Seconds, and by how many MiB memory peaked above where it stood."""

    seconds: float
    mebibytes: float


def measure_packages(town: Town, environ: Mapping[str, str], positions: int, line: Callable[..., None]) -> None:
    """Bills, draws up, makes the files, and prints each figure."""
    payments = positions // 10
    _bill(town, environ, positions, payments)
    finance = town.token("person", "finance", "--municipality", town.key, "--name", "Messen")
    town.put("settings", SETTINGS)
    start = time.perf_counter()
    batch = town.post("settlement-batches", {"cutoff": CLOCK[:10], "due_on": "2026-12-15"}, finance).json()
    line(f"draw up {positions:,} positions, {payments:,} payments", positions / (time.perf_counter() - start), "positions/s")
    asyncio.run(_files(town, environ, UUID(batch["id"]), line))


def _bill(town: Town, environ: Mapping[str, str], positions: int, payments: int) -> None:
    """Bills by one caterer and divides the positions among many: the files do not care who sent the invoice."""
    first, children = len(town.numbers), positions // DAYS
    town.children(children)
    for part in range(first, first + children, 500):
        members = range(part, min(part + 500, first + children))
        town.post("invoices", town.invoice(f"P-{part}", members, school_days(DAYS)), town.provider)
    asyncio.run(_divide(town, environ, payments))


async def _divide(town: Town, environ: Mapping[str, str], payments: int) -> None:
    connection = await asyncpg.connect(**connect_arguments(make_url(environ["BUT_DATABASE_URL"])))
    try:
        ids = new_ids(payments)
        await connection.execute(
            """
            INSERT INTO provider (municipality_id, id, key, name, kind, status, undertaking_signed_on, creditor_number, version)
            SELECT m.id, x.id, 'p' || x.no, 'Mensaverein ' || x.no, 'caterer', 'active', '2026-01-01', lpad(x.no::text, 7, '0'), 1
            FROM municipality m, unnest($2::uuid[]) WITH ORDINALITY AS x(id, no) WHERE m.key = $1
            """,
            town.key,
            ids,
        )
        invoice_ids = new_ids(payments)
        await connection.execute(
            """
            INSERT INTO invoice
            SELECT (jsonb_populate_record(i, jsonb_build_object('id', x.id, 'provider_id', x.provider_id, 'number', 'R-' || x.no))).*
            FROM invoice i, unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS x(id, provider_id, no)
            WHERE i.id = (SELECT o.id FROM invoice o JOIN municipality m ON m.id = o.municipality_id WHERE m.key = $1 LIMIT 1)
            """,
            town.key,
            invoice_ids,
            ids,
        )
        await connection.execute(
            """
            UPDATE position_state s SET provider_id = ($2::uuid[])[n.of], invoice_id = ($3::uuid[])[n.of]
            FROM (
              SELECT s.municipality_id, s.position_id, 1 + row_number() OVER (ORDER BY s.position_id) % cardinality($2::uuid[]) AS of
              FROM position_state s JOIN municipality m ON m.id = s.municipality_id WHERE m.key = $1
            ) n
            WHERE n.municipality_id = s.municipality_id AND n.position_id = s.position_id
            """,
            town.key,
            ids,
            invoice_ids,
        )
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


async def _files(town: Town, environ: Mapping[str, str], batch_id: UUID, line: Callable[..., None]) -> None:
    database = await Database.open(environ["BUT_DATABASE_URL"])
    await database.start()
    async with database.pool.acquire() as connection:
        town_id = await connection.fetchval("SELECT id FROM municipality WHERE key = $1", town.key)
    async with database.transaction(Scope(town_id)) as unit:
        handed = await _handed(unit, town, batch_id)
        ours, bare = Measured(0, 0), Measured(0, 0)
        for name, maker, baseline in (
            ("pain001.xml", PAYMENTS, _bare_payments),
            ("HKR.csv", HKR, _bare_table),
            ("Zahlungen.xlsx", BOOK, _bare_book),
            ("Einzelposten.ndjson and .xlsx", POSITIONS, _bare_positions),
        ):
            drafts = [DraftFile(kind.name, kind.package, kind.media_type) for kind in maker.kinds]
            made = await _measured(lambda maker=maker, drafts=drafts: maker.make(unit, handed, (), drafts))  # type: ignore[misc] # bound now
            least = await _measured(lambda baseline=baseline, drafts=drafts: asyncio.to_thread(baseline, handed, drafts))  # type: ignore[misc] # as above
            for draft in drafts:
                draft.close()
            _print(line, name, made, least)
            ours = Measured(ours.seconds + made.seconds, max(ours.mebibytes, made.mebibytes))
            bare = Measured(bare.seconds + least.seconds, max(bare.mebibytes, least.mebibytes))
        _print(line, "all of them", ours, bare)
        unit.discard()
    await database.close()


async def _handed(unit: UnitOfWork, town: Town, batch_id: UUID) -> HandedOver:
    contents, settings = await store.load_contents(unit, batch_id), await read_settings(unit)
    if settings.debtor is None:
        raise SystemExit("the town has no account")
    payees = {p.id: Payee(f"Mensaverein {p.serial}", IBAN) for p in contents.payments}
    providers = await load_providers(unit, {p.provider_id for p in contents.payments})
    made_at = datetime.fromisoformat(CLOCK).astimezone(UTC)
    return HandedOver(
        town.key, contents, settings, settings.debtor, payees, providers, made_at, made_at.date(), PackageOptions(load_profiles()), {}
    )  # fmt: skip


def _print(line: Callable[..., None], name: str, ours: Measured, bare: Measured) -> None:
    line(f"{name}, bare writers ({bare.mebibytes:.0f} MiB)", 1000 * bare.seconds, "ms")
    line(f"{name} ({ours.mebibytes:.0f} MiB)", 1000 * ours.seconds, "ms", against=1000 * bare.seconds)


async def _measured(work: Callable[[], Any]) -> Measured:
    _forget_peak()
    before, start = _memory("VmRSS"), time.perf_counter()
    await work()
    return Measured(time.perf_counter() - start, (_memory("VmHWM") - before) / 1024)


def _forget_peak() -> None:
    """Lets the kernel count the peak of this process's memory anew."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")


def _memory(field: str) -> int:
    """A figure of this process's memory in KiB."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(text.split()[1]) for text in lines if text.startswith(f"{field}:"))


# ---- the bare writers: as many rows, cells and characters, from what lies ready
def _bare_payments(handed: HandedOver, _drafts: Sequence[DraftFile]) -> None:
    with etree.xmlfile(io.BytesIO(), encoding="UTF-8") as file, file.element("Document"):
        for payment in handed.contents.payments:
            element = etree.Element("CdtTrfTxInf")
            for path, text in (
                ("PmtId/EndToEndId", payment.end_to_end_id), ("Amt/InstdAmt", "45.00"), ("Cdtr/Nm", "Mensaverein"),
                ("CdtrAcct/Id/IBAN", IBAN), ("RmtInf/Ustrd", payment.remittance_text),
            ):  # fmt: skip
                parent = element
                for name in path.split("/"):
                    parent = etree.SubElement(parent, name)
                parent.text = text
            file.write(element)


def _bare_table(handed: HandedOver, drafts: Sequence[DraftFile]) -> None:
    row = next(csv.reader(io.TextIOWrapper(drafts[0].reader(), "utf-8-sig"), delimiter=";"))
    writer = csv.writer(io.StringIO(newline=""), delimiter=";")
    for _ in handed.contents.orders:
        writer.writerow(row)


def _bare_book(handed: HandedOver, _drafts: Sequence[DraftFile]) -> None:
    text, number = "Mensaverein der Schule", 45.0
    with xlsxwriter.Workbook(io.BytesIO(), {"constant_memory": True}) as book:
        for rows, texts, numbers in ((len(handed.contents.payments), 7, 5), (len(handed.contents.orders), 11, 6)):
            _bare_sheet(book, [text] * texts + [number] * numbers, rows)


def _bare_positions(_handed: HandedOver, drafts: Sequence[DraftFile]) -> None:
    lines = drafts[0].reader()
    document, count = json.loads(next(iter(lines))), 1 + sum(1 for _ in lines)
    out = io.BytesIO()
    for _ in range(count):
        out.write(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    del out
    ids = [document["position_id"], document["decision_id"]]
    texts = [document[name] for name in ("provider", "invoice", "benefit", "item", "decision", "payment", "rule_set")]
    with xlsxwriter.Workbook(io.BytesIO(), {"constant_memory": True}) as book:
        _bare_sheet(book, [*ids, *texts, document["orders"][0]["order"], *[45.0] * 9], count)


def _bare_sheet(book: Any, row: Sequence[str | float], rows: int) -> None:  # noqa: ANN401 - xlsxwriter has no types
    looks = book.add_format({"num_format": "#,##0.00 €"})
    sheet = book.add_worksheet()
    for number in range(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(number, column, cell, looks)
            else:
                sheet.write_number(number, column, cell, looks)

"""The same contents make the same bytes; what a spreadsheet shows is what was ordered, also after a German LibreOffice had it."""

import asyncio
import csv
import io
import json
import shutil
import subprocess
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest

from but_gateway.db.session import UnitOfWork
from but_gateway.formats.hkr_profile import load_profiles
from but_gateway.formats.xlsx import DAY_FORMAT, MONEY_FORMAT
from but_gateway.identity.principal import Role
from but_gateway.kit.money import parse_money
from but_gateway.procedures.settlement import package_store, store
from but_gateway.procedures.settlement.files import MAKERS
from but_gateway.procedures.settlement.model import PackageFile
from but_gateway.procedures.settlement.package import DraftFile, HandedOver, PackageOptions, Payee, ServiceOf
from but_gateway.registers.municipalities.store import read_settings
from but_gateway.registers.providers.store import load_providers
from tests.factories.billing import RECEIVED, Meal, german_iban
from tests.procedures.settlement.conftest import JSON, Treasury

MONDAY, TUESDAY = date(2026, 10, 5), date(2026, 10, 6)
# LibreOffice's own settings: the language of a Windows PC in a German town hall.
GERMAN = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse"><value>de-DE</value></prop></item>
</oor:items>"""
SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")


async def settled(treasury: Treasury) -> JSON:
    """A second batch, with a correction and a provider whose name begins like a formula."""
    billing = treasury.billing
    await billing.provider("zz", name="=SUMME(A1) & Söhne")
    one, two = await billing.child("sgb2", "bkgg"), await billing.child("asylblg_3")
    first = await billing.invoice("c1", [Meal(one, date(2025, 12, 1), {"bkgg": 900})], number="R-1")
    await treasury.settle()
    await billing.correction("c1", first, 0, number="K-1")
    await billing.invoice("c1", [Meal(one, MONDAY, {"sgb2": 450}), Meal(one, TUESDAY, {"sgb2": 100, "bkgg": 350}, claimed=500)])
    await billing.invoice("c1", [Meal(two, MONDAY, {"asylblg_3": 450})], number="007")
    await billing.invoice("zz", [Meal(two, TUESDAY, {"asylblg_3": 450}, benefit="tutoring")])
    return await treasury.settle()


def table(content: bytes, title: str) -> list[dict[str, Any]]:
    """The rows of a sheet by the titles of its columns."""
    head, *rows = openpyxl.load_workbook(io.BytesIO(content), data_only=True)[title].iter_rows(values_only=True)
    return [dict(zip((str(h) for h in head), row, strict=True)) for row in rows]


def cents(value: object) -> int:
    return int((Decimal(str(value)) * 100).to_integral_exact())


async def test_the_treasurys_spreadsheet_tells_payments_and_orders(treasury: Treasury) -> None:
    batch = await settled(treasury)
    content = await treasury.file(batch, "Zahlungen.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["Deckblatt", "Zahlungen", "Anordnungen", "Summen", "Korrekturen", "Erläuterung"]
    *payments, total = table(content, "Zahlungen")
    assert [(p["Anbieter"], cents(p["Zahlbetrag"]), p["Ende-zu-Ende-Referenz"]) for p in payments] == [
        (p["provider"], parse_money(p["net"]), p["end_to_end_id"]) for p in batch["payments"]
    ]
    assert (total["Nr."], cents(total["Zahlbetrag"])) == ("Summe", parse_money(batch["totals"]["net"]))
    assert [p["Empfänger"] for p in payments] == ["Mensa Rheinland GmbH", "=SUMME(A1) & Söhne"]
    assert all(str(p["Kreditor"]).startswith("07") for p in payments)
    *orders, total = table(content, "Anordnungen")
    assert [(o["Anordnung"], cents(o["Betrag"]), o["Haushaltsjahr"]) for o in orders] == [
        (o["number"], parse_money(o["gross"]) - parse_money(o["receipts"]), o["fiscal_year"]) for o in batch["orders"]
    ]
    assert {o["Rechtskreis"]: o["Produkt"] for o in orders} == {
        "SGB II": "05.311.01",
        "BKGG (§ 6b)": "05.321.01",
        "AsylbLG, § 3": "05.361.01",
    }
    *sums, total = table(content, "Summen")
    assert sum(cents(s["Betrag"]) for s in sums) == cents(total["Betrag"]) == parse_money(batch["totals"]["net"])
    assert [(c["Art"], c["Rechtskreis"], cents(c["Betrag"])) for c in table(content, "Korrekturen")] == [("Absetzung", "BKGG (§ 6b)", -900)]
    money, day = book["Zahlungen"]["F2"], book["Zahlungen"]["I2"]
    assert (money.number_format, day.number_format, day.value) == (MONEY_FORMAT, DAY_FORMAT, datetime(2026, 12, 15))  # noqa: DTZ001 - as openpyxl reads a day


async def test_what_left_or_was_carried_forward_stands_with_the_corrections(treasury: Treasury) -> None:
    child, billing = await treasury.billing.child(), treasury.billing
    first = await billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    await treasury.settle()
    await billing.correction("c1", first, 0)
    await billing.provider("none", account=False)
    await billing.invoice("none", [Meal(child, MONDAY, {"sgb2": 300})])
    await billing.invoice("c2", [Meal(child, TUESDAY, {"sgb2": 200})])
    batch = await treasury.settle()
    rows = table(await treasury.file(batch, "Zahlungen.xlsx"), "Korrekturen")
    assert [(r["Art"], r["Anbieter"], cents(r["Betrag"])) for r in rows] == [("Vortrag", "c1", -450), ("Angehalten", "none", 300)]


async def test_the_audits_spreadsheet_tells_every_position_and_its_legal_bases(treasury: Treasury) -> None:
    batch = await settled(treasury)
    auditor = await treasury.person("auditor", Role.AUDITOR)
    content = await treasury.file(batch, "Einzelposten.xlsx", auditor)
    lines = [json.loads(line) for line in (await treasury.file(batch, "Einzelposten.ndjson", auditor)).splitlines()]
    *rows, total = table(content, "Positionen")
    assert [(r["Position"], r["Rechnung"], cents(r["Anerkannt"])) for r in rows] == [
        (line["position_id"], line["invoice"], parse_money(line["approved"])) for line in lines
    ]
    assert "007" in {r["Rechnung"] for r in rows}
    split = next(r for r in rows if r["BKGG (§ 6b)"] and r["SGB II"])
    assert (cents(split["Gefordert"]), cents(split["SGB II"]), cents(split["BKGG (§ 6b)"]), split["Entscheidung"]) == (
        500,
        100,
        350,
        "gekürzt",
    )
    taken_back = next(r for r in rows if cents(r["Anerkannt"]) < 0)
    assert (cents(taken_back["BKGG (§ 6b)"]), taken_back["Berichtigt Position"] is not None) == (-900, True)
    assert [cents(total[name]) for name in ("SGB II", "BKGG (§ 6b)", "AsylbLG, § 3")] == [550, -550, 900]
    *sums, whole = table(content, "Summen")
    assert {(s["Rechtskreis"], s["Leistungsart"], s["Haushaltsjahr"]): cents(s["Betrag"]) for s in sums} == {
        ("BKGG (§ 6b)", "Mittagsverpflegung", 2025): -900,
        ("BKGG (§ 6b)", "Mittagsverpflegung", 2026): 350,
        ("SGB II", "Mittagsverpflegung", 2026): 550,
        ("AsylbLG, § 3", "Mittagsverpflegung", 2026): 450,
        ("AsylbLG, § 3", "Lernförderung", 2026): 450,
    }
    assert cents(whole["Betrag"]) == parse_money(batch["totals"]["net"])


async def test_the_treasury_learns_of_no_position_and_no_child(treasury: Treasury) -> None:
    batch = await settled(treasury)
    book = openpyxl.load_workbook(io.BytesIO(await treasury.file(batch, "Zahlungen.xlsx")))
    texts = " ".join(str(c.value) for sheet in book.worksheets for row in sheet.iter_rows() for c in row if c.value is not None)
    async with treasury.billing.unit() as unit:
        ids = await unit.driver.fetch(
            "SELECT position_id, child_id, invoice_id FROM position_state WHERE municipality_id = $1", unit.municipality_id
        )
    assert not [value for row in ids for value in row.values() if str(value) in texts]
    for name in ("Yılmaz", "Elif", "2016-05-11", "11.05.2016"):
        assert name not in texts


async def handed_over(unit: UnitOfWork, treasury: Treasury, batch: JSON) -> HandedOver:
    """What the files of a batch are made from, put together anew."""
    contents = await store.load_contents(unit, UUID(batch["id"]))
    settings = await read_settings(unit)
    assert settings.debtor is not None
    payees = {p.id: Payee(f"Küche {p.serial}", german_iban(p.serial)) for p in contents.payments}
    providers = await load_providers(unit, {p.provider_id for p in contents.payments})
    services = {o.id: ServiceOf(MONDAY, TUESDAY, (("R-1", MONDAY),)) for o in contents.orders}
    return HandedOver(
        treasury.town, contents, settings, settings.debtor, payees, providers, RECEIVED, RECEIVED.date(), PackageOptions(load_profiles()),
        services,
    )  # fmt: skip


async def test_the_same_contents_make_the_same_bytes_a_second_time(treasury: Treasury) -> None:
    child = await treasury.billing.child("sgb2", "bkgg")
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 100, "bkgg": 350}, claimed=500)])
    await treasury.billing.invoice("c2", [Meal(child, TUESDAY, {"sgb2": 450})])
    batch = await treasury.draw_up()
    await treasury.certify(batch)
    await treasury.order(batch)
    rounds = []
    for _ in range(2):
        made: list[PackageFile] = []
        async with treasury.billing.unit() as unit:
            payments = await store.load_payments(unit, UUID(batch["id"]))
            await package_store.snapshot_accounts(unit, [(p.id, p.id, b"iban", b"holder") for p in payments])
            handed = await handed_over(unit, treasury, batch)
            for maker in MAKERS:
                drafts = [DraftFile(kind.name, kind.package, kind.media_type) for kind in maker.kinds]
                await maker.make(unit, handed, tuple(made), drafts)
                made += [draft.done() for draft in drafts]
                for draft in drafts:
                    draft.close()
            unit.discard()
        rounds.append(made)
        # The next seconds of the machine's clock must not show; archives count in steps of two.
        await asyncio.sleep(2.1)
    assert rounds[0] == rounds[1]
    assert len(rounds[0]) == sum(len(maker.kinds) for maker in MAKERS)


async def test_services_name_only_invoices_that_may_be_printed(treasury: Treasury) -> None:
    child = await treasury.billing.child("sgb2", family_name="Müller")
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450}), Meal(child, TUESDAY, {"sgb2": 450})], number="R-9")
    await treasury.billing.invoice("c1", [Meal(child, date(2026, 9, 7), {"sgb2": 450})], number="Müller 9")
    batch = await treasury.draw_up()
    async with treasury.billing.unit() as unit:
        rows = await package_store.services_of_orders(unit, UUID(batch["id"]))
    assert [(r["number"], r["first_day"], r["last_day"]) for r in rows] == [
        ("R-9", MONDAY, TUESDAY), ("Müller 9", date(2026, 9, 7), date(2026, 9, 7))
    ]  # fmt: skip


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed here")
async def test_a_german_libreoffice_shows_what_was_written(treasury: Treasury, tmp_path: Path) -> None:
    batch = await settled(treasury)
    content = await treasury.file(batch, "Zahlungen.xlsx")
    source = tmp_path / "Zahlungen.xlsx"
    source.write_bytes(content)
    sheets = {title: await asyncio.to_thread(_as_csv, source, number) for number, title in ((2, "Zahlungen"), (3, "Anordnungen"))}
    payments = sheets["Zahlungen"]
    net = parse_money(batch["totals"]["net"])
    amount, iban, creditor, due = (payments[0].index(name) for name in ("Zahlbetrag", "IBAN", "Kreditor", "Fällig"))
    assert payments[-1][amount] == f"{net // 100},{net % 100:02d} €"
    assert payments[1][due] == "15.12.2026"
    assert payments[1][creditor].startswith("07")
    assert payments[1][iban].startswith("DE")
    assert "=SUMME(A1) & Söhne" in {row[payments[0].index("Empfänger")] for row in payments}
    orders = sheets["Anordnungen"]
    assert "-9,00 €" in {row[orders[0].index("Betrag")] for row in orders}


def _as_csv(source: Path, sheet: int) -> list[list[str]]:
    """A sheet as LibreOffice with German settings shows it, read back from text separated by tabs."""
    assert SOFFICE is not None
    folder, profile = source.parent / f"sheet{sheet}", source.parent / "profile"
    (profile / "user").mkdir(parents=True, exist_ok=True)
    (profile / "user" / "registrymodifications.xcu").write_text(GERMAN)
    # Tabs, quotes, UTF-8, from line 1, no column formats, German; cells as shown; this sheet only.
    shape = f"csv:Text - txt - csv (StarCalc):9,34,76,1,,1031,false,true,true,false,false,{sheet}"
    command = [
        SOFFICE,
        f"-env:UserInstallation=file://{profile}",
        "--headless",
        "--convert-to",
        shape,
        "--outdir",
        str(folder),
        str(source),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=300)  # noqa: S603 - our own file
    (made,) = folder.glob("*.csv")
    return list(csv.reader(io.StringIO(made.read_text("utf-8"), newline=""), delimiter="\t"))

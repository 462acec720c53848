"""The packages: sums that agree to the cent, no names, the same bytes for ever."""

import csv
import hashlib
import io
import json
import re
from datetime import date

import pytest
from lxml import etree

from but_gateway.formats.pain001 import NAMESPACE, Controls, read_controls
from but_gateway.identity.principal import Role
from but_gateway.kit.money import parse_money
from but_gateway.procedures.settlement.package import XLSX
from tests.factories.billing import Meal
from tests.procedures.settlement.conftest import JSON, Treasury, done

MONDAY, TUESDAY, WEDNESDAY = date(2026, 10, 5), date(2026, 10, 6), date(2026, 10, 7)


async def settled(treasury: Treasury) -> JSON:
    """A second batch with a correction, two providers, three legal bases, a name too long for a bank."""
    billing = treasury.billing
    await billing.provider("long", name="Förderverein für Schülerverpflegung & Ganztag der Grundschulen im Stadtteil Hüls-Süd e. V.")
    one, two = await billing.child("sgb2", "bkgg", family_name="Müller"), await billing.child("asylblg_3")
    first = await billing.invoice("c1", [Meal(one, date(2026, 9, 1), {"bkgg": 900})], number="R-1")
    await treasury.settle()
    await billing.correction("c1", first, 0, number="K-1")
    await billing.invoice(
        "c1", [Meal(one, MONDAY, {"sgb2": 450}), Meal(one, TUESDAY, {"sgb2": 100, "bkgg": 350}), Meal(two, MONDAY, {"asylblg_3": 450})]
    )
    await billing.invoice("long", [Meal(two, WEDNESDAY, {"asylblg_3": 450})], number="=SUMME(A1)")
    return await treasury.settle()


async def hkr(treasury: Treasury, batch: JSON) -> list[dict[str, str]]:
    text = (await treasury.file(batch, "HKR.csv")).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


async def test_all_sums_are_the_same_sum(treasury: Treasury, superuser: object) -> None:
    batch = await settled(treasury)
    net = parse_money(batch["totals"]["net"])
    assert net == sum(parse_money(p["net"]) for p in batch["payments"]) == 450 + 450 + 450 + 450 - 900
    content = await treasury.file(batch, "pain001.xml")
    assert read_controls(io.BytesIO(content)) == Controls(len(batch["payments"]), net)
    rows = await hkr(treasury, batch)
    assert sum(parse_money(row["Betrag"].replace(",", ".")) for row in rows) == net
    assert [row["Betrag"] for row in rows if row["Rechtskreis"] == "bkgg"] == ["-5,50"]
    auditor = await treasury.person("auditor", Role.AUDITOR)
    lines = [json.loads(line) for line in (await treasury.file(batch, "Einzelposten.ndjson", auditor)).splitlines()]
    assert sum(parse_money(line["approved"]) for line in lines) == net
    assert sum(parse_money(o["amount"]) for line in lines for o in line["orders"]) == net
    assert sum(parse_money(a["amount"]) for line in lines for a in line["allocations"]) == net
    manifest = json.loads(await treasury.file(batch, "manifest.json"))
    assert manifest["totals"] == batch["totals"]
    async with treasury.billing.unit() as unit:
        posted = await unit.driver.fetchval("SELECT sum(cents) FROM posting WHERE batch_id = $1", batch["id"])
    assert posted == net
    del superuser


async def test_the_manifest_names_every_other_file_with_its_hash(treasury: Treasury) -> None:
    batch = await settled(treasury)
    files = done(await treasury.finance.get(f"/settlement-batches/{batch['id']}/files"))
    stem = f"BuT-{treasury.town}_2026-11_Lauf-2026-0002_"
    assert {f["name"]: (f["package"], f["media_type"]) for f in files} == {
        f"{stem}pain001.xml": ("treasury", "application/xml"),
        f"{stem}HKR.csv": ("treasury", "text/csv; charset=utf-8"),
        f"{stem}Zahlungen.xlsx": ("treasury", XLSX),
        f"{stem}Einzelposten.ndjson": ("audit", "application/x-ndjson"),
        f"{stem}Einzelposten.xlsx": ("audit", XLSX),
        f"{stem}Avise.zip": ("advice", "application/zip"),
        f"{stem}Anordnung.pdf": ("treasury", "application/pdf"),
        f"{stem}manifest.json": ("treasury", "application/json"),
    }
    manifest = json.loads(await treasury.file(batch, "manifest.json"))
    assert (manifest["batch"], manifest["municipality"], manifest["created_at"]) == ("2026-0002", treasury.town, "2026-11-02T11:00:00.000Z")
    listed = {f["name"]: {key: f[key] for key in ("name", "package", "sha256", "bytes")} for f in files}
    del listed[f"{stem}manifest.json"]
    assert {f["name"]: f for f in manifest["files"]} == listed


async def test_a_file_is_the_same_for_ever(treasury: Treasury) -> None:
    batch = await settled(treasury)
    auditor = await treasury.person("auditor", Role.AUDITOR)
    files = done(await treasury.finance.get(f"/settlement-batches/{batch['id']}/files"))
    before = {}
    for file in files:
        caller = auditor if file["package"] == "audit" else treasury.finance
        path = f"/settlement-batches/{batch['id']}/files/{file['name']}"
        answer = await caller.get(path)
        before[path] = (caller, answer.content)
        assert hashlib.sha256(answer.content).hexdigest() == file["sha256"]
        assert len(answer.content) == file["bytes"] == int(answer.headers["content-length"])
        assert answer.headers["etag"] == f'"{file["sha256"]}"'
        assert answer.headers["content-type"] == file["media_type"]
        assert answer.headers["content-disposition"] == f'attachment; filename="{file["name"]}"'
        assert (await caller.get(path, if_none_match=answer.headers["etag"])).status_code == 304
    await treasury.billing.bank_account("c1")
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    await treasury.settle()
    for path, (caller, content) in before.items():
        assert (await caller.get(path)).content == content


async def test_the_orders_of_the_books(treasury: Treasury) -> None:
    batch = await settled(treasury)
    rows = await hkr(treasury, batch)
    assert [row["Anordnung"] for row in rows] == [o["number"] for o in batch["orders"]] == [f"2026-0002-{n:04d}" for n in range(1, 5)]
    assert {row["Rechtskreis"]: (row["Produkt"], row["Sachkonto"], row["Kostenstelle"]) for row in rows} == {
        "sgb2": ("05.311.01", "533110", "50-4"),
        "bkgg": ("05.321.01", "533110", ""),
        "asylblg_3": ("05.361.01", "533110", ""),
    }
    assert {(row["Waehrung"], row["Faellig"], row["Haushaltsjahr"], row["Leistungsart"]) for row in rows} == {
        ("EUR", "15.12.2026", "2026", "lunch")
    }
    assert all(re.fullmatch(r"07\d{5}", row["Kreditor"]) for row in rows)


async def test_a_name_too_long_for_the_bank_is_cut_visibly(treasury: Treasury) -> None:
    batch = await settled(treasury)
    root = etree.fromstring(await treasury.file(batch, "pain001.xml"))
    cut = "Foerderverein fuer Schuelerverpflegung + Ganztag der Grundschulen im S"
    assert [e.text for e in root.iter(f"{{{NAMESPACE}}}Nm")] == ["Stadt Krefeld", "Stadt Krefeld", "Mensa Rheinland GmbH", cut]
    assert {row["Name"] for row in await hkr(treasury, batch)} == {"Mensa Rheinland GmbH", f"{cut} [gekürzt]"}


async def test_no_file_and_no_answer_tells_a_childs_name(treasury: Treasury) -> None:
    batch = await settled(treasury)
    clerk = await treasury.person("clerk", Role.CLERK)
    contents = [await treasury.file(batch, name) for name in ("pain001.xml", "HKR.csv", "manifest.json")]
    contents.append(await treasury.file(batch, "Einzelposten.ndjson", clerk))
    contents.append(json.dumps(batch).encode())
    for content in contents:
        for name in ("Müller", "Mueller", "Yılmaz", "Yilmaz", "Elif", "2016-05-11"):
            assert name.encode() not in content
    # The bank and the provider learn nothing of legal bases.
    assert not re.search(rb"sgb|bkgg|asyl", contents[0], re.IGNORECASE)


@pytest.mark.parametrize(
    ("number", "printed"),
    [
        ("R-2026-10-001", " R-2026-10-001"),
        ("Müller 10/26", " +1"),
        ("Soeren-Oktober", " +1"),
        ("SGB2-4711", " +1"),
        ("BuT BKGG 7", " +1"),
        ("Menü_7", " Menue-7"),
    ],
)
async def test_a_remittance_text_holds_numbers_only(treasury: Treasury, number: str, printed: str) -> None:
    child = await treasury.billing.child(family_name="Müller", given_names="Sören")
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})], number=number)
    batch = await treasury.draw_up()
    assert batch["payments"][0]["remittance_text"] == f"BuT {treasury.town} 2026-0001{printed}"


async def test_what_does_not_fit_into_a_remittance_text_is_counted(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    for day in range(1, 21):
        await treasury.billing.invoice("c1", [Meal(child, date(2026, 10, day), {"sgb2": 450})], number=f"RECHNUNG-2026-{day:04d}")
    text = (await treasury.draw_up())["payments"][0]["remittance_text"]
    assert len(text) <= 140
    named, left_out = text.split(" +")
    assert named.count("RECHNUNG-") + int(left_out) == 20


async def test_what_is_due_already_is_due_today_for_the_bank(treasury: Treasury) -> None:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    batch = await treasury.settle(due_on="2026-10-15")
    root = etree.fromstring(await treasury.file(batch, "pain001.xml"))
    assert [e.text for e in root.iter(f"{{{NAMESPACE}}}Dt")] == ["2026-11-02"]
    assert {row["Faellig"] for row in await hkr(treasury, batch)} == {"15.10.2026"}

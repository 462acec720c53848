"""Remittances: what a provider is told about a payment, in four formats, the same for ever."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import openpyxl
import pytest

from but_gateway.kit.money import parse_money
from but_gateway.web.accept import CSV, PDF, XLSX
from tests.factories.instance import Instance
from tests.formats.documents import root_of, text_of
from tests.procedures.adjudication.lines import correction, lesson, lunch, lunch_month
from tests.procedures.adjudication.registers import PROVIDERS
from tests.procedures.adjudication.town import HINT, NOVEMBER, Town, open_town, served
from tests.procedures.review.clerk import resolve, reviews

JSON = Any
MONDAY, TUESDAY, WEDNESDAY = "2026-10-05", "2026-10-06", "2026-10-07"
DECEMBER, LATER = "2026-12-03T10:00:00Z", "2026-12-10T10:00:00Z"
FULL: JSON = {"code": None, "text": None, "next_step": None, "further_reasons": []}


@pytest.fixture(scope="module")
async def instance(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Instance]:
    """One instance for all tests of this module; each has a town of its own."""
    async with served(new_database(), tmp_path_factory.mktemp("instance")) as made:
        yield made


@pytest.fixture
async def town(instance: Instance) -> AsyncIterator[Town]:
    """A fresh town; when the test is done, all invariants hold and every decision recomputes."""
    made = await open_town(instance)
    yield made
    await made.assert_sound()


async def fetch(town: Town, who: str, path: str, accept: str | None = None, **headers: str) -> httpx.Response:
    """A remittance in a format; ``call`` would take it for JSON."""
    sent = {"Authorization": f"Bearer {await town.token(who)}", "Test-Clock": NOVEMBER, **headers}
    if accept is not None:
        sent["Accept"] = accept
    return await town.instance.http.get(f"/v1/municipalities/{town.key}{path}", headers=sent)


async def remittances(town: Town, who: str = "c1") -> list[JSON]:
    """All remittances somebody sees."""
    items: list[JSON] = (await town.ok(who, "GET", "/remittances"))["items"]
    return items


async def read(town: Town, remittance: JSON, who: str = "c1") -> JSON:
    return await town.ok(who, "GET", f"/remittances/{remittance['id']}")


async def last(town: Town, who: str = "c1") -> JSON:
    """The newest remittance with its positions."""
    return await read(town, (await remittances(town, who))[-1], who)


async def mixed(town: Town) -> JSON:
    """A payment with a line in full, one over the price, one under review, one refused, and a later invoice besides. Gives the batch."""
    for child in ("A", "B"):
        await town.grant(child, facility="s1")
    await town.bill(
        "c1",
        lunch("A", MONDAY),
        lunch("A", TUESDAY, unit_price="5.00"),
        lunch("B", MONDAY, facility="s2"),
        lunch("B", "2026-10-10"),
        number="R-1",
    )
    await town.bill("c1", lunch("B", WEDNESDAY), number="R-2")
    return await town.settle()


async def file(town: Town, batch: JSON, name: str, who: str = "finance") -> bytes:
    """The content of the file whose name ends so."""
    files = await town.ok(who, "GET", f"/settlement-batches/{batch['id']}/files")
    found = next(f for f in files if f["name"].endswith(name))
    answer = await fetch(town, who, f"/settlement-batches/{batch['id']}/files/{found['name']}")
    assert answer.status_code == 200, answer.text
    assert hashlib.sha256(answer.content).hexdigest() == found["sha256"]
    return answer.content


# ---- what it says
async def test_every_line_not_paid_in_full_has_a_reason_and_a_next_step(town: Town) -> None:
    await mixed(town)
    told = await last(town)
    positions = {(p["invoice"], p["line_no"]): p for p in told["positions"]}
    assert {key: (p["decision"], p["claimed"], p["approved"], p["code"]) for key, p in positions.items()} == {
        ("R-1", 1): ("accepted", "4.50", "4.50", None),
        ("R-1", 2): ("reduced", "5.00", "4.50", "OVER_AGREED_PRICE"),
        ("R-1", 3): ("review", "4.50", "0.00", "IN_CLARIFICATION"),
        ("R-1", 4): ("rejected", "4.50", "0.00", "CLOSED_DAY"),
        ("R-2", 1): ("accepted", "4.50", "4.50", None),
    }
    assert positions["R-1", 1] == {
        "invoice": "R-1", "line_no": 1, "service_date": MONDAY, "from": MONDAY, "to": MONDAY, "benefit": "lunch", "decision": "accepted",
        "claimed": "4.50", "approved": "4.50", "correction": None, **FULL,
    }  # fmt: skip
    for position in told["positions"]:
        assert (position["approved"] == position["claimed"]) == (position["text"] is None)
        assert bool(position["text"]) == bool(position["next_step"])
    assert "4,50 €" in positions["R-1", 2]["text"]
    assert told["totals"] == {"claimed": "23.00", "approved": "13.50", "receipts": "0.00", "net": "13.50"}


async def test_it_is_named_by_its_payment_and_carries_the_text_of_the_bank_statement(town: Town) -> None:
    batch = await mixed(town)
    told, payment = await last(town), batch["payments"][0]
    assert (told["id"], told["batch"], told["number"]) == (payment["id"], batch["number"], f"{batch['number']}-00001")
    assert payment["end_to_end_id"].endswith(told["number"])
    assert told["remittance_text"] == payment["remittance_text"]
    assert told["totals"]["net"] == payment["net"]
    assert (told["state"], told["paid_on"], told["returned_on"]) == ("handed_over", None, None)
    assert f"<Ustrd>{told['remittance_text']}</Ustrd>".encode() in await file(town, batch, "pain001.xml")


async def test_reasons_are_told_in_the_readers_language(town: Town) -> None:
    await mixed(town)
    (one,) = await remittances(town)
    english = (await fetch(town, "c1", f"/remittances/{one['id']}", **{"Accept-Language": "en"})).json()
    assert "instead of" in next(p["text"] for p in english["positions"] if p["code"] == "OVER_AGREED_PRICE")


async def test_months_and_lessons_have_their_days(town: Town) -> None:
    await town.grant("A", attends="daycare")
    await town.grant("B", "tutoring", budget={"kind": "minutes", "minutes": 45})
    await town.bill("c3", lunch_month("A", "2026-10", attended_days=12))
    await town.bill("t1", lesson("B", MONDAY, "15:00", "16:30"))
    await town.settle()
    (month,), (hour,) = (await last(town, "c3"))["positions"], (await last(town, "t1"))["positions"]
    assert (month["service_date"], month["from"], month["to"]) == (None, "2026-10-01", "2026-10-31")
    assert (hour["benefit"], hour["decision"], hour["approved"]) == ("tutoring", "reduced", "22.50")
    assert hour["code"] == "BUDGET_USED"


async def test_a_correction_says_what_was_what_is_and_the_difference(town: Town) -> None:
    await town.grant("A", legal_basis="bkgg")
    line = lunch("A", MONDAY, TUESDAY)
    await town.bill("c1", line, number="R-30")
    await town.settle()
    await town.bill("c1", correction(line, "R-30", 1, [TUESDAY]), at=DECEMBER, number="K-30")
    await town.bill("c1", lunch("A", "2026-10-15", "2026-10-16"), at=DECEMBER)
    await town.settle(at=LATER)
    told = await last(town)
    (corrected,) = [p for p in told["positions"] if p["invoice"] == "K-30"]
    assert corrected["correction"] == {"invoice": "R-30", "line_no": 1, "previous": "4.50", "new": "0.00", "difference": "-4.50"}
    assert corrected["approved"] == "-4.50"
    assert told["totals"] == {"claimed": "9.00", "approved": "9.00", "receipts": "4.50", "net": "4.50"}


async def test_a_cancelled_invoice_is_taken_back_position_by_position(town: Town) -> None:
    await town.grant("A")
    first = await town.bill("c1", lunch("A", MONDAY, TUESDAY), number="R-1")
    await town.settle()
    await town.cancel(first, "ST-1", at=DECEMBER)
    await town.bill("c1", lunch("A", MONDAY, TUESDAY, WEDNESDAY), at=DECEMBER, number="R-2")
    await town.settle(at=LATER)
    told = await last(town)
    taken = [p["correction"] for p in told["positions"] if p["correction"]]
    assert taken == [{"invoice": "R-1", "line_no": 1, "previous": "4.50", "new": "0.00", "difference": "-4.50"}] * 2
    assert [p["invoice"] for p in told["positions"]] == ["ST-1", "ST-1", "R-2", "R-2", "R-2"]
    assert told["totals"]["net"] == "4.50"


# ---- who reads it
async def test_a_provider_reads_its_own_and_nobody_elses(town: Town) -> None:
    await mixed(town)
    await town.need_provider("c2")
    assert await remittances(town, "c2") == []
    (own,) = await remittances(town)
    for path in (f"/remittances/{own['id']}", "/remittances/0198f0c2-7a10-7000-8000-000000000002", "/remittances/nonsense"):
        for accept in (None, PDF, CSV, XLSX):
            assert (await fetch(town, "c2", path, accept)).status_code == 404


@pytest.mark.parametrize(("who", "status"), [("finance", 200), ("clerk", 200), ("auditor", 200), ("orderer", 403), ("registrar", 403)])
async def test_staff_that_answers_for_payments_reads_all(town: Town, who: str, status: int) -> None:
    await mixed(town)
    (own,) = await remittances(town)
    assert (await fetch(town, who, "/remittances")).status_code == status
    answer = await fetch(town, who, f"/remittances/{own['id']}")
    assert answer.status_code == status
    if status == 200:
        assert answer.json() == await read(town, own)


async def test_there_is_none_before_the_hand_over(town: Town) -> None:
    await town.grant("A")
    await town.bill("c1", lunch("A", MONDAY))
    batch = await town.ok("finance", "POST", "/settlement-batches", {"cutoff": "2026-11-30", "due_on": "2026-12-15"})
    assert await remittances(town) == []
    assert (await fetch(town, "c1", f"/remittances/{batch['payments'][0]['id']}")).status_code == 404


async def test_the_list_has_pages_oldest_first(town: Town) -> None:
    await town.grant("A")
    for number, day in enumerate((MONDAY, TUESDAY, WEDNESDAY)):
        await town.bill("c1", lunch("A", day))
        await town.settle(at=f"2026-12-0{number + 1}T10:00:00Z")
    page = await town.ok("c1", "GET", "/remittances?limit=2")
    rest = await town.ok("c1", "GET", f"/remittances?limit=2&cursor={page['next_cursor']}")
    assert [one["number"] for one in page["items"] + rest["items"]] == [f"2026-000{n}-00001" for n in (1, 2, 3)]
    assert rest["next_cursor"] is None
    assert "positions" not in page["items"][0]


# ---- for ever
async def test_what_was_told_stays_when_a_clerk_decides_later(town: Town) -> None:
    batch = await mixed(town)
    before = await last(town)
    shapes = {accept: (await fetch(town, "c1", f"/remittances/{before['id']}", accept)).content for accept in (PDF, CSV, XLSX)}
    archive = await file(town, batch, "Avise.zip")
    for review in await reviews(town):
        assert (await resolve(town, review, "accept", at=DECEMBER)).status_code == 200
    await town.provider("c1", name="Ganz anders GmbH")
    await town.settle(at=LATER)
    first, second = await remittances(town)
    assert await read(town, first) == before
    for accept, content in shapes.items():
        assert (await fetch(town, "c1", f"/remittances/{first['id']}", accept)).content == content
    assert await file(town, batch, "Avise.zip") == archive
    later = await read(town, second)
    assert {(p["invoice"], p["line_no"], p["approved"]) for p in later["positions"]} == {("R-1", 3, "4.50"), ("R-1", 4, "0.00")}


async def test_what_an_invoice_still_waits_for_is_told_again_when_the_rest_of_it_is_paid(town: Town) -> None:
    await town.grant("A", facility="s1")
    await town.bill("c1", *(lunch("A", day, facility="s2") for day in (MONDAY, TUESDAY, WEDNESDAY)), lunch("A", "2026-10-08"))
    await town.settle()
    first, second, _ = sorted(await reviews(town), key=lambda review: review["line_no"])
    await resolve(town, first, "accept", at=DECEMBER)
    await resolve(town, second, "reject", at=DECEMBER)
    await town.settle(at=LATER)
    told = [(p["line_no"], p["decision"], p["approved"], p["code"]) for p in (await last(town))["positions"]]
    assert told == [(1, "accepted", "4.50", None), (2, "rejected", "0.00", "DECIDED_BY_OFFICE"), (3, "review", "0.00", "IN_CLARIFICATION")]


# ---- formats
async def test_all_formats_say_the_same(town: Town) -> None:
    await mixed(town)
    told = await last(town)
    path = f"/remittances/{told['id']}"
    document, table, book = [await fetch(town, "c1", path, accept) for accept in (PDF, CSV, XLSX)]
    for answer, ending in ((document, "pdf"), (table, "csv"), (book, "xlsx")):
        assert answer.headers["content-disposition"] == f'attachment; filename="Avis-{told["number"]}.{ending}"'
        assert answer.headers["cache-control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"), newline=""), delimiter=";"))
    cells = list(openpyxl.load_workbook(io.BytesIO(book.content), data_only=True)["Positionen"].iter_rows(min_row=2, values_only=True))
    text = text_of(document.content)
    assert len(rows) == len(cells) - 1 == len(told["positions"])
    for position, row, cell in zip(told["positions"], rows, cells, strict=False):
        assert (row["Rechnung"], int(row["Zeile"])) == cell[:2] == (position["invoice"], position["line_no"])
        assert (row["Abgerechnet"], row["Bezahlt"]) == (position["claimed"].replace(".", ","), position["approved"].replace(".", ","))
        assert row["Code"] == (position["code"] or "")
        if position["text"]:
            assert position["text"] in row["Begruendung"]
            assert position["text"] in str(cell[13])
            assert position["text"] in text
    assert sum(parse_money(row["Bezahlt"].replace(",", ".")) for row in rows) == parse_money(told["totals"]["net"])
    assert "Wir überweisen Ihnen 13,50 €" in text
    assert root_of(document.content)["/MarkInfo"]["/Marked"]


@pytest.mark.parametrize("accept", ["image/png", "application/json;q=0", "text/html"])
async def test_a_format_there_is_not_is_refused_as_a_problem(town: Town, accept: str) -> None:
    await mixed(town)
    (one,) = await remittances(town)
    answer = await fetch(town, "c1", f"/remittances/{one['id']}", accept)
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_advice_package_holds_what_providers_download(town: Town) -> None:
    await town.grant("B")
    await town.bill("c2", lunch("B", TUESDAY))
    batch = await mixed(town)
    with zipfile.ZipFile(io.BytesIO(await file(town, batch, "Avise.zip"))) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        number = batch["number"]
        assert names == sorted(names) == [f"Avis-{number}-0000{n}_c{n}.{kind}" for n in (1, 2) for kind in ("csv", "pdf")]
        assert {entry.date_time for entry in archive.infolist()} == {(2026, 12, 1, 11, 0, 0)}
        for who in ("c1", "c2"):
            (one,) = await remittances(town, who)
            for accept, kind in ((PDF, "pdf"), (CSV, "csv")):
                own = (await fetch(town, who, f"/remittances/{one['id']}", accept)).content
                assert own == archive.read(f"Avis-{one['number']}_{who}.{kind}")


async def test_no_format_tells_a_child_a_legal_basis_a_rule_or_another_provider(town: Town) -> None:
    await town.grant("C", legal_basis="asylblg_3")
    await town.bill("c2", lunch("C", TUESDAY))
    batch = await mixed(town)
    (one,) = await remittances(town)
    path = f"/remittances/{one['id']}"
    texts = [json.dumps(await read(town, one))]
    texts += [(await fetch(town, "c1", path, CSV)).content.decode("utf-8-sig"), text_of((await fetch(town, "c1", path, PDF)).content)]
    with zipfile.ZipFile(io.BytesIO((await fetch(town, "c1", path, XLSX)).content)) as book:
        texts.append("".join(book.read(name).decode() for name in book.namelist() if name.startswith("xl/")))
    for text in texts:
        assert len(text) > 100
        assert HINT.search(text) is None, HINT.search(text)
        for secret in ("Müller", "Mueller", "Öztürk", "Sören", "2016-05-11", "11.05.2016", PROVIDERS["c2"]["name"], *town.numbers.values()):
            assert secret not in text
    del batch


# ---- the payment order
async def test_the_payment_order_names_every_other_file_and_can_be_checked_against_the_manifest(town: Town) -> None:
    batch = await mixed(town)
    manifest = json.loads(await file(town, batch, "manifest.json"))
    others = sorted((f["name"], f["sha256"]) for f in manifest["files"] if not f["name"].endswith("_Anordnung.pdf"))
    assert len(others) == len(manifest["files"]) - 1
    fingerprint = hashlib.sha256("".join(f"{sha256}  {name}\n" for name, sha256 in others).encode()).hexdigest()
    text = text_of(await file(town, batch, "Anordnung.pdf")).replace("\u200b", "")
    assert fingerprint in text
    for _, sha256 in others:
        assert sha256 in text


async def test_the_payment_order_says_who_certified_ordered_and_is_paid(town: Town) -> None:
    batch = await mixed(town)
    text = text_of(await file(town, batch, "Anordnung.pdf"))
    for part in (
        f"Abrechnungslauf {batch['number']}", "Auszahlungsbetrag 13,50 €", "dreizehn Euro und fünfzig Cent", "§§ 28, 29 SGB II",
        f"Sachlich richtig festgestellt but-gateway|{town.key}-finance", f"Angeordnet but-gateway|{town.key}-orderer",
        batch["payments"][0]["end_to_end_id"], "Summe (1 Zahlung) 13,50 €",
    ):  # fmt: skip
        assert part in text


async def test_the_payment_order_shows_names_of_persons_it_knows(town: Town) -> None:
    async with town.instance.app.state.database.pool.acquire() as connection:
        await connection.execute(
            "INSERT INTO client (id, kind, name, roles, created_at) VALUES ($1, 'person', 'Änne Beispiel', '{finance}', now())",
            f"{town.key}-finance",
        )
    batch = await mixed(town)
    text = text_of(await file(town, batch, "Anordnung.pdf"))
    assert f"Rechnerisch richtig festgestellt Änne Beispiel but-gateway|{town.key}-finance" in text


# ---- what the bank says
async def report(town: Town, batch: JSON, status: str, on: str, at: str) -> None:
    """The treasury's word about the first payment of a batch."""
    payment = batch["payments"][0]
    body = {"payments": [{"end_to_end_id": payment["end_to_end_id"], "status": status, "on": on, "amount": payment["net"]}]}
    await town.ok("finance", "POST", "/payment-reports", body, at)


async def test_the_day_the_bank_paid_is_added_and_nothing_else_changes(town: Town) -> None:
    batch = await mixed(town)
    before = await last(town)
    await report(town, batch, "paid", "2026-12-15", "2026-12-16T10:00:00Z")
    assert await last(town) == before | {"state": "paid", "paid_on": "2026-12-15"}


async def test_a_payment_that_came_back_is_repeated_with_the_same_positions(town: Town) -> None:
    batch = await mixed(town)
    before = await last(town)
    await report(town, batch, "paid", "2026-12-15", "2026-12-16T10:00:00Z")
    await report(town, batch, "returned", "2026-12-17", "2026-12-18T10:00:00Z")
    await town.settle(at="2026-12-20T10:00:00Z", due_on="2026-12-28")
    returned, repeated = [await read(town, one) for one in await remittances(town)]
    assert returned == before | {"state": "returned", "returned_on": "2026-12-17"}
    assert repeated["number"] == "2026-0002-00001"
    assert repeated["positions"] == before["positions"]
    assert repeated["totals"] == before["totals"]

"""Batches with corrections by chance: every file of a batch says the same sum to the cent, and so do the books."""

import io
import json
import os
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet
from pypdf import PdfReader

from but_gateway.formats.hkr_csv import read_net_cents
from but_gateway.formats.hkr_profile import GENERIC, load_profiles
from but_gateway.formats.pain001 import Controls, read_controls
from but_gateway.identity.principal import Role
from but_gateway.kit.money import parse_money, print_euro_de
from tests.factories.billing import Billed, Child, Meal
from tests.procedures.settlement.conftest import JSON, Treasury, done

# Two hundred batches with HYPOTHESIS_PROFILE=search; a file of each kind is set, zipped and read back for every one of them.
SEEDS, BATCHES = (1, 2, 3, 4), 50 if os.environ.get("HYPOTHESIS_PROFILE") == "search" else 10
PROVIDERS = ("c1", "c2", "c3")
BASES = ("sgb2", "bkgg", "sgb12_3", "asylblg_3")
FIRST = date(2025, 1, 2)
PROFILE = load_profiles()[GENERIC]


@dataclass
class Year:
    """What providers bill and take back, by chance, in a town that settles again and again."""

    treasury: Treasury
    chance: Random
    children: list[Child]
    day: date = FIRST
    settled: list[tuple[str, Billed, int]] = field(default_factory=list)
    fresh: list[tuple[str, Billed, int]] = field(default_factory=list)
    taken_back: int = 0

    async def bill(self) -> None:
        """Some providers bill some meals each, of one or two legal bases, on days nobody billed before."""
        for provider in self.chance.sample(PROVIDERS, self.chance.randint(1, len(PROVIDERS))):
            meals = []
            for child in self.chance.sample(self.children, self.chance.randint(1, 3)):
                bases = self.chance.sample(sorted(child.grants), self.chance.randint(1, 2))
                cents = {basis: self.chance.randint(1, 60_000) for basis in bases}
                benefit = self.chance.choice(("lunch", "tutoring"))
                meals.append(Meal(child, self.day, cents, sum(cents.values()) + self.chance.choice((0, 0, 30)), benefit))
            billed = await self.treasury.billing.invoice(provider, meals)
            self.fresh += [(provider, billed, i) for i in range(len(meals))]
            self.day += timedelta(days=1)

    async def take_back(self) -> None:
        """Some of what was settled is taken back; now and then more than a provider has coming."""
        for _ in range(min(self.chance.choice((0, 0, 1, 1, 2, 3)), len(self.settled))):
            provider, billed, index = self.settled.pop(self.chance.randrange(len(self.settled)))
            await self.treasury.billing.correction(provider, billed, index)
            self.taken_back += 1

    async def settle(self) -> JSON | None:
        """A batch, if anybody gets anything."""
        answer = await self.treasury.finance.post("/settlement-batches", {"cutoff": "2026-11-30", "due_on": "2026-12-15"})
        if answer.status_code == 409:
            return None
        batch = answer.json()
        await self.treasury.certify(batch)
        await self.treasury.order(batch)
        # What was carried forward stays free and is not taken back before it was paid.
        paid = {p["provider"] for p in batch["payments"]}
        self.settled += [one for one in self.fresh if one[0] in paid]
        self.fresh = [one for one in self.fresh if one[0] not in paid]
        return await self.treasury.hand_over(batch)


def cents(value: object) -> int:
    """What a cell of money says; spreadsheets count in floats."""
    return int((Decimal(str(value)) * 100).to_integral_exact())


def column(sheet: Worksheet, title: str) -> list[int]:
    """A column of money: its rows, and last the stored sum."""
    place = [cell.value for cell in sheet[1]].index(title)
    return [cents(row[place].value or 0) for row in sheet.iter_rows(min_row=2)]


def spreadsheet_sums(content: bytes, columns: dict[str, str]) -> set[int]:
    """By sheet and column: what the rows come to, and what the stored sum says."""
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    sums = set()
    for title, money in columns.items():
        sheet = book[title]
        assert isinstance(sheet, Worksheet)
        *rows, stored = column(sheet, money)
        sums |= {sum(rows), stored}
    return sums


async def sums_of(treasury: Treasury, batch: JSON, files: dict[str, bytes]) -> dict[str, object]:
    """The sum of a batch as each of its parts tells it."""
    lines = [json.loads(line) for line in files["Einzelposten.ndjson"].splitlines()]
    async with treasury.billing.unit() as unit:
        posted = await unit.driver.fetchval(
            "SELECT sum(cents)::bigint FROM posting WHERE kind = 'settlement' AND batch_id = $1", batch["id"]
        )
        items = await unit.driver.fetchval("SELECT sum(cents)::bigint FROM order_item WHERE batch_id = $1", batch["id"])
    return {
        "payments": sum(parse_money(p["net"]) for p in batch["payments"]),
        "orders": sum(parse_money(o["gross"]) - parse_money(o["receipts"]) for o in batch["orders"]),
        "items": items,
        "postings": posted,
        "pain001": read_controls(io.BytesIO(files["pain001.xml"])).cents,
        "HKR": sum(read_net_cents(io.BytesIO(files["HKR.csv"]), PROFILE)),
        "positions": sum(parse_money(line["approved"]) for line in lines),
        "allocations": sum(parse_money(a["amount"]) for line in lines for a in line["allocations"]),
        "manifest": parse_money(json.loads(files["manifest.json"])["totals"]["net"]),
        "Zahlungen": spreadsheet_sums(files["Zahlungen.xlsx"], {"Zahlungen": "Zahlbetrag", "Anordnungen": "Betrag", "Summen": "Betrag"}),
        "Einzelposten": spreadsheet_sums(files["Einzelposten.xlsx"], {"Positionen": "Anerkannt", "Summen": "Betrag"}),
    }


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_file_and_the_books_say_the_same_sum(treasury: Treasury, seed: int) -> None:
    billing, chance = treasury.billing, Random(seed)  # noqa: S311 - the same batches every time
    await billing.provider("c3", name="Łódź & Söhne Schulverpflegung")
    auditor = await treasury.person("auditor", Role.AUDITOR)
    children = [await billing.child(*chance.sample(BASES, 2)) for _ in range(6)]
    year, batches, negative = Year(treasury, chance, children), 0, 0
    while batches < BATCHES:
        await year.bill()
        await year.take_back()
        batch = await year.settle()
        if batch is None:
            continue
        batches += 1
        files = {}
        for file in done(await treasury.finance.get(f"/settlement-batches/{batch['id']}/files")):
            caller = auditor if file["package"] == "audit" else treasury.finance
            answer = await caller.get(f"/settlement-batches/{batch['id']}/files/{file['name']}")
            files[file["name"].rsplit("_", 1)[-1]] = answer.content
        net = parse_money(batch["totals"]["net"])
        sums = await sums_of(treasury, batch, files)
        assert {name: said for name, said in sums.items() if said not in (net, {net})} == {}
        assert read_controls(io.BytesIO(files["pain001.xml"])) == Controls(len(batch["payments"]), net)
        negative += any(parse_money(o["gross"]) < parse_money(o["receipts"]) for o in batch["orders"])
        if batches % 5 == 0:
            text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(files["Anordnung.pdf"])).pages)
            assert print_euro_de(net).replace(" €", "") in text
    # The cases that make it hard did occur.
    assert year.taken_back > BATCHES / 2
    assert negative > BATCHES / 10

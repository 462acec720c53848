"""Every report says the same in JSON, CSV, spreadsheet and picture, to those it is for."""

import csv
import io
from datetime import date
from typing import Any

import httpx
import openpyxl
import pytest
from lxml import etree

from but_gateway.identity.principal import Role
from but_gateway.kit.money import parse_money
from but_gateway.rules.verdict import Outcome
from tests.factories.billing import Meal
from tests.procedures.reporting.books import bank, report
from tests.procedures.settlement.conftest import Treasury, done

JSON = Any
REPORTS = ("expenditure?year=2026", "liabilities?on=2026-11-10", "payment-times?year=2026", "take-up?on=2026-11-10")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MONDAY, TUESDAY = date(2026, 10, 5), date(2026, 10, 6)


@pytest.fixture
async def town(treasury: Treasury) -> Treasury:
    """A town whose reports all have something to say, with a provider whose key looks like a formula."""
    billing = treasury.billing
    children = [await billing.child("sgb2") for _ in range(6)] + [await billing.child("bkgg") for _ in range(7)]
    meals = [Meal(child, MONDAY, {next(iter(child.grants)): 450}) for child in children]
    await billing.invoice("c1", meals)
    await bank(treasury, "2026-11-05", *(await treasury.settle())["payments"])
    await billing.invoice("c2", [Meal(children[0], TUESDAY, {"sgb2": 123_456}), Meal(children[1], TUESDAY, {"sgb2": 400})])
    await billing.invoice("c1", [Meal(children[2], TUESDAY, {"sgb2": 450}, outcome=Outcome.REVIEW)])
    await billing.provider("-2+3")
    await billing.invoice("-2+3", [Meal(children[3], TUESDAY, {"sgb2": 300})])
    return treasury


def read_csv(answer: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""), delimiter=";"))


@pytest.mark.parametrize("path", REPORTS)
async def test_csv_and_spreadsheet_have_the_rows_of_the_answer(town: Treasury, path: str) -> None:
    answer = done(await report(town, path))
    rows = len(answer["items"]) + len(answer.get("totals", ()))
    table = await report(town, path, accept="text/csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"].startswith("attachment; filename=")
    assert len(read_csv(table)) == rows > 0
    book = await report(town, path, accept=XLSX)
    assert book.headers["content-type"] == XLSX
    [sheet] = openpyxl.load_workbook(io.BytesIO(book.content)).worksheets
    assert [cell.value for cell in sheet[1]] == next(csv.reader([table.content.decode("utf-8-sig").splitlines()[0]], delimiter=";"))
    assert sum(row[0] is not None for row in sheet.iter_rows(min_row=2, max_row=rows + 1, values_only=True)) == rows


@pytest.mark.parametrize("path", REPORTS)
async def test_the_picture_is_a_picture_with_words(town: Treasury, path: str) -> None:
    picture = await report(town, path, accept="image/svg+xml")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.headers["cache-control"] == "no-store"
    root = etree.fromstring(picture.content)
    assert root.findtext("{http://www.w3.org/2000/svg}desc")
    assert "Keine Werte" not in picture.text
    assert (await report(town, path, accept="image/svg+xml")).content == picture.content


async def test_the_sums_are_the_same_in_every_format(town: Treasury) -> None:
    answer = done(await report(town, REPORTS[0]))
    rows = read_csv(await report(town, REPORTS[0], accept="text/csv"))
    assert sum(parse_money(row["Netto"].replace(",", ".")) for row in rows) == parse_money(answer["total"]["net"]) == 13 * 450
    assert {row["§ 46 SGB II"] for row in rows} == {"ja"}


async def test_no_cell_is_a_formula(town: Treasury) -> None:
    rows = read_csv(await report(town, REPORTS[1], accept="text/csv"))
    assert "'-2+3" in [row["Anbieter"] for row in rows]
    [sheet] = openpyxl.load_workbook(io.BytesIO((await report(town, REPORTS[1], accept=XLSX)).content)).worksheets
    assert ("-2+3", "s") in [(cell.value, cell.data_type) for cell in sheet["A"]]


async def test_another_format_is_refused(treasury: Treasury) -> None:
    for path in REPORTS:
        answer = await report(treasury, path, accept="application/pdf")
        assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


async def test_without_anything_to_say_every_format_is_still_one(treasury: Treasury) -> None:
    for path in REPORTS:
        for accept in ("application/json", "text/csv", XLSX, "image/svg+xml"):
            assert (await report(treasury, path, accept=accept)).status_code == 200


@pytest.mark.parametrize(
    ("path", "roles"),
    [
        ("expenditure", {Role.FINANCE, Role.ORDERER, Role.AUDITOR}),
        ("liabilities", {Role.FINANCE, Role.ORDERER, Role.AUDITOR, Role.CLERK}),
        ("payment-times", {Role.FINANCE, Role.ORDERER, Role.AUDITOR, Role.CLERK}),
        ("take-up", {Role.FINANCE, Role.ORDERER, Role.AUDITOR, Role.CLERK}),
    ],
)
async def test_who_may_read_which_report(treasury: Treasury, path: str, roles: set[Role]) -> None:
    for role in (Role.FINANCE, Role.ORDERER, Role.AUDITOR, Role.CLERK, Role.REGISTRAR):
        assert (await report(treasury, path, role)).status_code == (200 if role in roles else 403)


@pytest.mark.parametrize(
    "query",
    ["liabilities?on=2010-12-31", "liabilities?on=2026-02-30", "take-up?on=9999-12-31", "take-up?horizon_days=0", "payment-times?year=x"],
)
async def test_odd_questions_are_refused(treasury: Treasury, query: str) -> None:
    assert (await report(treasury, query)).status_code == 422

"""Packages of every kind of batch hold before the verifier: corrections, several legal bases, long names, payments repeated."""

from datetime import date
from pathlib import Path

import pytest

from but_gateway.identity.principal import Role
from but_gateway.procedures.verification.model import Findings
from but_gateway.procedures.verification.verify_package import verify_package
from tests.factories.billing import Meal
from tests.procedures.reconciliation.conftest import JSON, Bank, paid, returned
from tests.procedures.settlement.conftest import done

MONDAY, TUESDAY = date(2026, 10, 5), date(2026, 10, 6)
AUDIT = ("Einzelposten.ndjson", "Einzelposten.xlsx", "manifest.json")
# The factory's decisions were made by no rule set of ours, or by people.
UNCOMPUTED = {"other_rule_set", "by_person"}


async def download(bank: Bank, batch: JSON, folder: Path, *endings: str) -> Path:
    """The files of a batch, those with these endings or all."""
    everybody = await bank.treasury.person("all", Role.FINANCE, Role.AUDITOR, Role.CLERK)
    for file in done(await everybody.get(f"/settlement-batches/{batch['id']}/files")):
        if file["name"].endswith(endings or ("",)):
            answer = await everybody.get(f"/settlement-batches/{batch['id']}/files/{file['name']}")
            (folder / file["name"]).write_bytes(answer.content)
    return folder


def violations(findings: Findings) -> list[object]:
    return [one for one in findings.kept if not one.note]


async def corrected(bank: Bank) -> JSON:
    """A batch with a correction, legal bases shared within a position, a name no bank takes, and a balance carried forward."""
    billing = bank.treasury.billing
    await billing.provider("long", name="Förderverein für Schülerverpflegung & Ganztag der Grundschulen im Stadtteil Hüls-Süd e. V.")
    one, two = await billing.child("sgb2", "bkgg"), await billing.child("asylblg_3")
    first = await billing.invoice("c1", [Meal(one, date(2025, 12, 1), {"bkgg": 900})], number="=R-1")
    other = await billing.invoice("c2", [Meal(two, date(2026, 9, 2), {"asylblg_3": 900})])
    await bank.treasury.settle()
    await billing.correction("c1", first, 0, number="K-1")
    await billing.correction("c2", other, 0, number="K-2")
    await billing.invoice("c1", [Meal(one, MONDAY, {"sgb2": 450}), Meal(one, TUESDAY, {"sgb2": 500, "bkgg": 350}, claimed=900)])
    await billing.invoice("long", [Meal(two, TUESDAY, {"asylblg_3": 450})])
    return await bank.treasury.settle()


async def repeated(bank: Bank) -> JSON:
    """A batch that pays a returned payment again, beside a new payment to the same provider."""
    first = await bank.batch("c1", bases=("sgb2", "bkgg"))
    await bank.report(paid(first["payments"][0]), returned(first["payments"][0]))
    await bank.bill("c1", "c2", cents=700)
    return await bank.treasury.settle()


@pytest.mark.parametrize("made", [corrected, repeated])
async def test_the_whole_package_holds(bank: Bank, tmp_path: Path, made: JSON) -> None:
    report = verify_package(await download(bank, await made(bank), tmp_path))
    assert violations(report.findings) == []
    assert set(report.findings.counts) <= UNCOMPUTED
    assert report.positions


@pytest.mark.parametrize("made", [corrected, repeated])
@pytest.mark.parametrize(
    "endings", [AUDIT, ("Einzelposten.ndjson", "HKR.csv", "pain001.xml"), ("Avise.zip", "pain001.xml", "manifest.json")]
)
async def test_parts_of_it_hold(bank: Bank, tmp_path: Path, made: JSON, endings: tuple[str, ...]) -> None:
    report = verify_package(await download(bank, await made(bank), tmp_path, *endings))
    assert violations(report.findings) == []
    assert set(report.findings.counts) <= UNCOMPUTED | {"file_absent", "no_manifest", "perhaps_repeats"}

"""What an instance and a town decide about packages: another interface file, a stricter schema; a refusal keeps nothing."""

import importlib.resources
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from but_gateway.app import create_app
from but_gateway.formats.hkr_csv import read_net_cents
from but_gateway.formats.pain001 import NAMESPACE, load_schema
from but_gateway.procedures.settlement.package import PackageOptions
from but_gateway.registers.municipalities.store import read_settings, write_settings
from but_gateway.settings import Settings, SettingsError
from tests.factories.billing import RECEIVED, Meal
from tests.procedures.settlement.conftest import JSON, Treasury, done

MONDAY = date(2026, 10, 5)
# ISO's schema, but a name may have 20 characters only.
STRICT = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{n}" targetNamespace="{n}" elementFormDefault="qualified">
  <xs:redefine schemaLocation="iso.xsd"><xs:simpleType name="Max140Text"><xs:restriction base="Max140Text">
    <xs:maxLength value="{longest}"/></xs:restriction></xs:simpleType></xs:redefine></xs:schema>"""


@pytest.fixture
def options(treasury: Treasury) -> Iterator[PackageOptions]:
    """The instance's options, put back when the test is over."""
    kept: PackageOptions = treasury.office.app.state.package_options
    yield kept
    treasury.office.app.state.package_options = kept


async def choose(treasury: Treasury, profile: str) -> None:
    """The town chooses a profile."""
    async with treasury.billing.unit() as unit:
        await write_settings(unit, replace(await read_settings(unit), hkr_profile=profile), 2, RECEIVED)


async def ordered(treasury: Treasury) -> JSON:
    child = await treasury.billing.child()
    await treasury.billing.invoice("c1", [Meal(child, MONDAY, {"sgb2": 450})])
    batch = await treasury.draw_up()
    await treasury.certify(batch)
    return await treasury.order(batch)


async def assert_nothing_was_kept(treasury: Treasury, batch: JSON) -> None:
    assert (await treasury.read(batch))["state"] == "ordered"
    assert done(await treasury.finance.get(f"/settlement-batches/{batch['id']}/files")) == []


async def test_the_town_gets_the_interface_file_it_chose(treasury: Treasury, options: PackageOptions) -> None:
    await choose(treasury, "sap_style")
    batch = await treasury.hand_over(await ordered(treasury))
    content = await treasury.file(batch, "HKR.csv")
    assert list(read_net_cents(io.BytesIO(content), options.profiles["sap_style"])) == [450]
    files = done(await treasury.finance.get(f"/settlement-batches/{batch['id']}/files"))
    assert [f["media_type"] for f in files if f["name"].endswith("HKR.csv")] == ["text/plain; charset=windows-1252"]


async def test_an_order_that_does_not_fit_is_named_and_nothing_is_kept(treasury: Treasury) -> None:
    await choose(treasury, "sap_style")
    async with treasury.billing.unit() as unit:
        await unit.driver.execute("UPDATE provider SET creditor_number = '12345678901' WHERE municipality_id = $1", unit.municipality_id)
    batch = await ordered(treasury)
    refusal = await treasury.step(treasury.finance, batch, "hand-over")
    assert (refusal.status_code, refusal.json()["code"]) == (409, "interface_unfit")
    assert "Anordnung 2026-0001-0001" in refusal.json()["detail"]
    assert "Spalte KREDITOR: 11 Zeichen, 10 haben Platz" in refusal.json()["detail"]
    await assert_nothing_was_kept(treasury, batch)
    await choose(treasury, "generic")
    await treasury.hand_over(batch)


async def test_a_profile_that_is_gone_is_named(treasury: Treasury) -> None:
    await choose(treasury, "former")
    batch = await ordered(treasury)
    refusal = await treasury.step(treasury.finance, batch, "hand-over")
    assert (refusal.status_code, refusal.json()["code"]) == (409, "interface_unfit")
    assert "Profil former" in refusal.json()["detail"]
    await assert_nothing_was_kept(treasury, batch)


@pytest.mark.parametrize(("longest", "status"), [(140, 200), (19, 409)])
async def test_a_stricter_schema_decides_as_well(
    treasury: Treasury, options: PackageOptions, tmp_path: Path, longest: int, status: int
) -> None:
    iso = importlib.resources.files("sepaxml").joinpath("schemas", "pain.001.001.09.xsd")
    (tmp_path / "iso.xsd").write_bytes(iso.read_bytes())
    (tmp_path / "strict.xsd").write_text(STRICT.format(n=NAMESPACE, longest=longest))
    treasury.office.app.state.package_options = replace(options, payment_schema=load_schema(tmp_path / "strict.xsd"))
    batch = await ordered(treasury)
    answer = await treasury.step(treasury.finance, batch, "hand-over")
    assert answer.status_code == status
    if status == 409:
        assert answer.json()["code"] == "payment_file_refused"
        assert "element Nm, SCHEMAV_CVC_MAXLENGTH_VALID" in answer.json()["detail"]
        assert "Mensa" not in answer.text
        await assert_nothing_was_kept(treasury, batch)


def test_a_broken_profile_or_schema_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("name: x")
    with pytest.raises(SettingsError, match=r"BUT_HKR_PROFILES: .*own\.yaml: title: Field required"):
        create_app(Settings(hkr_profiles=tmp_path))
    with pytest.raises(SettingsError, match=r"BUT_PAIN001_XSD: .*own\.yaml is not a readable XML schema"):
        create_app(Settings(pain001_xsd=tmp_path / "own.yaml"))

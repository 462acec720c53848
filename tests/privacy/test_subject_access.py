"""Information about a child is complete, opened, noted, and holds nothing of other children."""

import json
from datetime import UTC, date, datetime

import pytest

from but_gateway.cli.subject_access import document, text
from but_gateway.db.schema import metadata
from but_gateway.db.tenancy import Scope
from but_gateway.procedures.privacy.model import Disclosure
from but_gateway.procedures.privacy.reach import NOTHING, REACHES
from but_gateway.procedures.privacy.subject_access import subject_access
from tests.privacy.conftest import House

TENANT = {name for name, table in metadata.tables.items() if table.info["tenant"]}
# Columns that lead to a child. Who adds a table with one must say how it is reached, or why it need not be.
LEADING = {"child_id", "entitlement_id", "grant_id", "position_id", "line_id", "decision_id", "corrects_id", "date_of_birth", "number"}
LEADS_ELSEWHERE = {
    "audit_checkpoint": "its number is its own",
    "audit_seal": "its number is its own",
    "remittance": "its number is the advice's",
    "invoice": "its number is the provider's; reached by its lines",
}


async def disclosed(house: House, child: str) -> Disclosure | None:
    town, keys = await house.town(), await house.keys()
    async with house.instance.app.state.database.transaction(Scope(town.id)) as unit:
        return await subject_access(unit, town, keys, child, at=datetime.now(UTC), actor="but-gateway|operator")


async def of(house: House, child: str) -> Disclosure:
    found = await disclosed(house, child)
    assert found is not None
    return found


def test_every_table_of_a_town_is_reached_or_holds_nothing_of_a_child() -> None:
    reached = {reach.table for reach in REACHES}
    assert TENANT - reached - set(NOTHING) == set()
    assert reached & set(NOTHING) == set()
    assert reached | set(NOTHING) == TENANT
    assert all(NOTHING.values())
    leading = {name for name in TENANT if LEADING & set(metadata.tables[name].c.keys())}
    assert leading - reached - set(LEADS_ELSEWHERE) == set()


async def test_everything_about_a_child_is_there_and_open(house: House) -> None:
    found = await of(house, "A")
    tables = {section.table: section.rows for section in found.sections}
    assert tables["child"][0]["family_name"] == "Müller-Öztürk"
    assert tables["child"][0]["date_of_birth"] == "2016-05-11"
    assert tables["entitlement_number"][0]["number"] == house.stage.town.numbers["A-lunch"].replace("-", "")
    positions = await house.superuser.fetchval(
        "SELECT count(*) FROM position_state s JOIN child c ON c.id = s.child_id WHERE c.key = 'A' AND s.municipality_id = $1",
        (await house.town()).id,
    )
    assert len(tables["position_state"]) == len(tables["position"]) == positions > 2
    assert len(tables["decision"]) >= positions
    assert {"fact_part", "posting", "order_item", "lunch_slot", "provider_link", "invoice", "invoice_line"} <= tables.keys()
    assert {r.key: r.how for r in found.recipients}["c1"] == ("billed", "linked")
    assert len(found.batches) >= 1


async def test_checks_name_the_child_they_asked_for(house: House) -> None:
    tables = {section.table: section.rows for section in (await of(house, "B")).sections}
    assert {row["confirmed"] for row in tables["access_log"]} == {False}
    assert tables["number_freeze"][0]["wrong_birth_dates"] == 5
    assert "asked" in {how for r in (await of(house, "B")).recipients for how in r.how}


async def test_nothing_of_another_child_is_told(house: House) -> None:
    a, d = document(await of(house, "A")), document(await of(house, "D"))
    others = [house.stage.town.numbers[f"{child}-lunch"].replace("-", "") for child in "BCD"]
    assert not any(number in json.dumps(a, default=str) for number in others)
    assert "Sören A" not in json.dumps(d, ensure_ascii=False)
    lines = [row["id"] for section in a["sections"] if section["table"] == "invoice_line" for row in section["rows"]]
    rows = await house.superuser.fetch(
        "SELECT c.key FROM invoice_line l JOIN child c ON c.id = l.child_id WHERE l.id = ANY($1::uuid[])", lines
    )
    assert {row["key"] for row in rows} == {"A"}


async def test_the_information_reads_as_german_and_as_json(house: House) -> None:
    found = await of(house, "A")
    lines = text(found)
    assert lines[0].startswith("Auskunft nach Art. 15 DSGVO, § 83 SGB X")
    assert any("Müller-Öztürk" in line for line in lines)
    assert {"Empfänger", "Herkunft", "Weiteres"} <= set(lines)
    assert json.loads(json.dumps(document(found)))["child"] == "A"
    assert all(section["retention"] for section in document(found)["sections"])


async def test_that_somebody_looked_is_noted(house: House) -> None:
    await of(house, "A")
    noted = await house.superuser.fetchval("SELECT count(*) FROM audit_event WHERE action = 'child.disclose' AND object_type = 'child'")
    assert noted == 1
    assert {"audit_event"} <= {section.table for section in (await of(house, "A")).sections}


@pytest.mark.parametrize("child", ["Z", "", "a"])
async def test_who_is_not_there_is_not_told_of(house: House, child: str) -> None:
    assert await disclosed(house, child) is None


async def test_a_merged_child_answers_under_both_keys(house: House) -> None:
    town = house.stage.town
    await town.grant("E")
    assert (await town.call("registrar", "POST", "/children/E/merge", {"into": "A"})).status_code < 300
    tables = {section.table: section.rows for section in (await of(house, "E")).sections}
    assert {row["key"] for row in tables["child"]} == {"A", "E"}
    assert len(tables["entitlement"]) == 2
    assert date.fromisoformat(tables["child"][0]["date_of_birth"]).year == 2016

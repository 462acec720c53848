"""A child is erased when nothing speaks against it, and otherwise the reasons are told."""

from datetime import UTC, date, datetime

from but_gateway.db.schema import metadata
from but_gateway.db.tenancy import Scope
from but_gateway.procedures.privacy.erase_child import erase_child
from but_gateway.procedures.privacy.model import Erased
from tests.isolation.stage import check
from tests.privacy.conftest import House

TODAY = date(2026, 11, 22)


async def erased(house: House, child: str, *, today: date = TODAY, after_retention: bool = False) -> Erased | None:
    async with house.owner.transaction(Scope((await house.town()).id)) as unit:
        return await erase_child(
            unit, child, at=datetime.now(UTC), today=today, actor="but-gateway|operator", after_retention=after_retention
        )


async def of(house: House, child: str, *, today: date = TODAY, after_retention: bool = False) -> Erased:
    found = await erased(house, child, today=today, after_retention=after_retention)
    assert found is not None
    return found


async def texts_of(house: House) -> str:
    """Everything in the town's tables but the audit record and the list of erasures, as one text."""
    parts = []
    for name, table in metadata.tables.items():
        if table.info["tenant"] and name not in {"audit_event", "erasure", "grant_import"}:
            rows = await house.superuser.fetch(f"SELECT t::text FROM {name} t WHERE municipality_id = $1", (await house.town()).id)  # noqa: S608 - names of the metadata
            parts += [row[0] for row in rows]
    return "\n".join(parts)


async def test_a_child_with_a_running_grant_or_vouchers_is_kept_and_the_reasons_are_told(house: House) -> None:
    before = await texts_of(house)
    found = await of(house, "A")
    assert len(found.reasons) == 3
    assert "läuft noch (bis 31.08.2027)" in found.reasons[0]
    assert await texts_of(house) == before
    assert len((await of(house, "A", today=date(2030, 1, 1))).reasons) == 2, "the grant has ended, its vouchers are kept"


async def test_a_child_that_was_imported_by_mistake_is_erased_with_every_trace(house: House) -> None:
    town = house.stage.town
    await town.grant("F")
    child, entitlement = await house.superuser.fetchrow(
        "SELECT c.id AS child, e.id FROM child c JOIN entitlement e ON e.child_id = c.id WHERE c.key = 'F' AND c.municipality_id = $1",
        (await house.town()).id,
    )
    await town.grant("F", revocation={"effective_from": "2026-09-01", "notified_on": "2026-09-02"})
    answer = await town.call("c1", "POST", "/eligibility-checks", check(town, "F"))
    assert answer.status_code == 200
    assert str(entitlement) in await texts_of(house)
    found = await of(house, "F")
    assert found.reasons == ()
    assert found.rows["child"] == 1
    left = await texts_of(house)
    assert str(child) not in left
    assert str(entitlement) not in left
    assert "F-lunch" not in left
    assert await erased(house, "F") is None
    assert await house.superuser.fetchval("SELECT erased_at IS NOT NULL FROM erasure WHERE child_id = $1", child) is True, (
        "noted, for backups from before"
    )
    again = await town.call("c1", "POST", "/eligibility-checks", check(town, "F"))
    assert again.status_code == 200
    assert "true" not in again.text


async def test_a_request_that_must_wait_is_noted_once(house: House) -> None:
    for _ in range(2):
        found = await of(house, "A", after_retention=True)
        assert found.waits
    rows = await house.superuser.fetch("SELECT erased_at FROM erasure")
    assert [row["erased_at"] for row in rows] == [None]

"""Retention deletes what was kept long enough, nothing else, and says so; whoever is cut off goes on where it was."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg
import pytest

from but_gateway.audit.check import ChainReport, check_chain
from but_gateway.audit.sealing import seal_town
from but_gateway.cli.owner import ACTOR, Office
from but_gateway.cli.retention import Report, retain
from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.db.fields import MasterKey
from but_gateway.db.schema import metadata
from but_gateway.db.tenancy import OWNER_ROLE, Scope
from but_gateway.procedures.retention import store
from but_gateway.procedures.retention.adopt_accounts import AdoptionRefusedError, adopt_accounts
from but_gateway.procedures.retention.catalogue import KEPT, PERIODS
from but_gateway.procedures.retention.delete_answers import delete_answers
from but_gateway.procedures.retention.delete_vouchers import delete_vouchers
from but_gateway.procedures.retention.model import Run, horizon, months_before
from but_gateway.procedures.retention.partition_store import LOCK_SECONDS, drop_month
from but_gateway.settings import Settings
from tests.isolation.stage import check
from tests.privacy.conftest import House

# The stage is made now, whatever its Test-Clock said: what is deleted when follows from this year.
MADE = datetime.now(UTC)
YEAR = MADE.year
ADOPTED = date(YEAR + 1, 6, 30)
VOUCHERS_OVER = datetime(YEAR + 1 + 7, 1, 1, 12, tzinfo=UTC)
BOOKS_OVER = datetime(YEAR + 1 + 11, 1, 1, 12, tzinfo=UTC)
VOUCHERS = {"invoice", "invoice_line", "position", "position_state", "decision", "review", "lunch_slot"}
REGISTER = {"child", "entitlement", "entitlement_number", "entitlement_grant", "grant_version", "provider_link"}
BOOKS = {"settlement_batch", "payment", "payment_order", "order_item", "batch_step", "package_file", "package_part"}


async def counts(house: House, town: UUID | None = None) -> dict[str, int]:
    """Rows of the town by table."""
    found = {}
    for table in metadata.sorted_tables:
        if table.info["tenant"]:
            town = town or (await house.town()).id
            found[table.name] = await house.superuser.fetchval(f"SELECT count(*) FROM {table.name} WHERE municipality_id = $1", town)  # noqa: S608 - names of the metadata
    return found


async def retained(house: House, now: datetime, *, dry: bool = False) -> Report:
    url = house.instance.database_url
    office = Office(Settings(database_url=url), house.owner, MasterKey.read(house.key_file), url, OWNER_ROLE)
    return await retain(office, now, dry=dry)


async def adopt(house: House, *years: int, at: datetime = BOOKS_OVER) -> None:
    for key in (house.key, house.stage.other.key):
        town = await house.town(key)
        for year in years:
            await adopt_accounts(Run(house.owner, town.id, at, ACTOR, dry=False), year, date(year + 1, 6, 30))


async def finish(house: House) -> None:
    """Nothing is open any more: reviews are decided, and what is payable is paid out."""
    superuser = house.superuser
    town = (await house.town()).id
    await house.stage.town.ok(
        "finance", "POST", f"/settlement-batches/{house.stage.ids['open batch_id']}/withdrawal", at="2026-12-04T10:00:00Z"
    )
    await settle_reviews(house)
    await house.stage.town.settle(at="2026-12-06T10:00:00Z", due_on="2026-12-20")
    assert await superuser.fetchval("SELECT count(*) FROM review WHERE municipality_id = $1 AND state <> 'resolved'", town) == 0


async def settle_reviews(house: House) -> None:
    town = house.stage.town
    resolution = {"decision": "reject", "approved": None, "reason": "Kein Nachweis."}
    for state in ("open", "query"):
        for review in (await town.ok("clerk", "GET", f"/reviews?state={state}&limit=100", at="2026-12-05T10:00:00Z"))["items"]:
            await town.call("clerk", "POST", f"/reviews/{review['id']}/resolution", resolution, "2026-12-05T10:00:00Z")


def by_table(report: Report, town: str, rule: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for (key, of, table, _), rows in report.rows.items():
        if (key, of) == (town, rule):
            found[table] += rows
    return found


async def seal_all(house: House) -> None:
    town = await house.town()
    for _ in range(20):
        async with house.instance.app.state.database.transaction(Scope(town.id)) as unit:
            await seal_town(unit, datetime.now(UTC), margin_ms=-1)


async def chain(house: House) -> ChainReport:
    async with house.superuser.transaction(isolation="repeatable_read"):
        return await check_chain(house.superuser, (await house.town()).id, None)


# ---- the periods
def test_every_table_of_a_town_has_a_period_or_a_reason_to_stay() -> None:
    timed = {table for period in PERIODS for table in period.tables}
    tenant = {name for name, table in metadata.tables.items() if table.info["tenant"]}
    assert tenant - timed - set(KEPT) == set()
    assert timed & set(KEPT) == set()
    assert set(KEPT) <= tenant
    assert all((period.months is None) != (period.years is None) for period in PERIODS)


@pytest.mark.parametrize(
    ("adoptions", "today", "last"),
    [
        ({}, date(2099, 1, 1), None),
        ({2026: date(2027, 6, 30)}, date(2033, 12, 31), None),
        ({2026: date(2027, 6, 30)}, date(2034, 1, 1), 2026),
        ({2026: date(2029, 6, 30), 2027: date(2029, 6, 30)}, date(2036, 1, 1), 2027),
        ({2027: date(2028, 6, 30)}, date(2099, 1, 1), None),
        ({2026: date(2027, 6, 30), 2028: date(2029, 6, 30)}, date(2099, 1, 1), 2026),
    ],
)
def test_a_years_time_runs_from_the_year_after_its_accounts_were_adopted(
    adoptions: Mapping[int, date], today: date, last: int | None
) -> None:
    assert horizon(adoptions, 2026, 6, today) == last
    assert horizon(adoptions, None, 6, today) is None


def test_months_are_counted_over_the_turn_of_the_year() -> None:
    assert months_before(date(2026, 3, 31), 3) == date(2025, 12, 1)
    assert months_before(date(2026, 12, 1), -1) == date(2027, 1, 1)
    assert months_before(date(2026, 1, 15), 0) == date(2026, 1, 1)


async def test_an_adoption_that_makes_no_sense_is_refused(house: House) -> None:
    run = Run(house.owner, (await house.town()).id, BOOKS_OVER, ACTOR, dry=False)
    with pytest.raises(AdoptionRefusedError):
        await adopt_accounts(run, 2030, date(2030, 12, 31))
    with pytest.raises(AdoptionRefusedError):
        await adopt_accounts(run, 2030, date(2099, 1, 1))


# ---- what goes when
async def test_without_an_adoption_vouchers_and_books_stay_for_ever(house: House) -> None:
    before = await counts(house)
    await retained(house, datetime(2099, 1, 1, tzinfo=UTC))
    after = await counts(house)
    assert {t: n for t, n in after.items() if t in VOUCHERS | REGISTER | BOOKS | {"posting", "audit_retirement"}} == {
        t: n for t, n in before.items() if t in VOUCHERS | REGISTER | BOOKS | {"posting", "audit_retirement"}
    }
    assert after["access_log"] == 0


async def test_checks_go_after_months_the_failed_ones_sooner(house: House) -> None:
    log = "SELECT count(*) FROM access_log WHERE municipality_id = $1 AND confirmed = $2"
    town = (await house.town()).id
    confirmed, failed = await house.superuser.fetchval(log, town, True), await house.superuser.fetchval(log, town, False)  # noqa: FBT003 - a value of a column
    assert failed > 0
    month = MADE.year * 12 + MADE.month - 1

    def later(months: int) -> datetime:
        return datetime((month + months) // 12, (month + months) % 12 + 1, 1, tzinfo=UTC)

    await retained(house, later(3))
    assert await house.superuser.fetchval(log, town, False) == failed  # noqa: FBT003 - as above
    report = await retained(house, later(4))
    assert by_table(report, house.key, "checks_failed") == {"access_log": failed}
    assert await house.superuser.fetchval(log, town, True) == confirmed  # noqa: FBT003 - as above
    assert await house.superuser.fetchval(log, town, False) == 0  # noqa: FBT003 - as above
    partition = f"access_log_m{MADE:%Y_%m}"
    assert partition not in (await retained(house, later(6))).dropped
    assert partition in (await retained(house, later(7))).dropped
    assert await house.superuser.fetchval("SELECT to_regclass($1)", partition) is None
    assert await house.superuser.fetchval(log, town, True) == 0  # noqa: FBT003 - as above
    check = await house.stage.town.call("c1", "GET", "/my/children?limit=5")
    assert check.status_code == 200


async def test_what_is_not_finished_stays_and_is_named(house: House) -> None:
    await adopt(house, YEAR)
    before = await counts(house)
    report = await retained(house, VOUCHERS_OVER)
    after = await counts(house)
    assert {held.why for town, held in report.held if town == house.key} >= {"ein Klärfall ist offen"}
    assert 0 < after["invoice"] <= before["invoice"]
    assert after["child"] > 0
    await house.assert_sound()


async def test_vouchers_go_after_six_years_and_books_after_ten(house: House) -> None:
    await finish(house)
    await adopt(house, YEAR)
    before = await counts(house)
    assert before["invoice"] > 1
    await retained(house, datetime(YEAR + 7, 12, 31, tzinfo=UTC))
    assert {t: n for t, n in (await counts(house)).items() if t in VOUCHERS | REGISTER} == {
        t: n for t, n in before.items() if t in VOUCHERS | REGISTER
    }
    # The grants reach into next year, so they wait for its accounts.
    report = await retained(house, VOUCHERS_OVER)
    after = await counts(house)
    assert {t: after[t] for t in VOUCHERS} == dict.fromkeys(VOUCHERS, 0), report.held
    assert after["entitlement_grant"] == before["entitlement_grant"]
    assert {t: after[t] for t in BOOKS} == {t: before[t] for t in BOOKS}
    assert after["posting"] == before["posting"]
    gone = by_table(report, house.key, "vouchers")
    assert {t: gone[t] for t in VOUCHERS} == {t: before[t] for t in VOUCHERS}
    assert f"position_m{MADE:%Y_%m}" in report.dropped
    await house.assert_sound()
    await adopt(house, YEAR + 1)
    report = await retained(house, datetime(YEAR + 2 + 7, 1, 1, tzinfo=UTC))
    after = await counts(house)
    assert {t: after[t] for t in REGISTER} == dict.fromkeys(REGISTER, 0)
    assert after["erasure"] == before["child"], "each child is noted, for backups from before"
    assert {t: after[t] for t in BOOKS} == {t: before[t] for t in BOOKS}
    await house.assert_sound()
    await retained(house, BOOKS_OVER)
    after = await counts(house)
    assert {t: after[t] for t in BOOKS} == dict.fromkeys(BOOKS, 0)
    assert after["posting"] == 0
    assert after["provider"] == before["provider"]
    again = await retained(house, BOOKS_OVER)
    assert {t for (_, rule, t, _) in again.rows if rule in {"vouchers", "books"}} <= {"audit_event"}


async def test_a_dry_run_says_the_same_and_keeps_everything(house: House) -> None:
    await finish(house)
    await adopt(house, YEAR, YEAR + 1)
    before = await counts(house)
    now = datetime(YEAR + 2 + 7, 1, 1, tzinfo=UTC)
    said = await retained(house, now, dry=True)
    assert await counts(house) == before
    done = await retained(house, now)
    assert {k: n for k, n in said.rows.items() if k[1] != "checks_confirmed"} == {
        k: n for k, n in done.rows.items() if k[1] != "checks_confirmed"
    }
    assert by_table(said, house.key, "vouchers")["child"] == before["child"]


async def test_whoever_is_killed_in_between_has_counted_what_is_gone(house: House) -> None:
    await finish(house)
    await adopt(house, YEAR)
    before, town = await counts(house), (await house.town()).id
    await delete_answers(house.owner, VOUCHERS_OVER, dry=False)
    chunks = 0
    for _ in range(50):  # each time one more transaction, then killed
        work = delete_vouchers(Run(house.owner, town, VOUCHERS_OVER, ACTOR, dry=False), positions_at_once=1)
        async for _deleted in work:
            chunks += 1
            break
        await work.aclose()
        now = await counts(house)
        noted = dict(
            await house.superuser.fetch(
                "SELECT source, sum(rows)::int AS rows FROM retention_count WHERE municipality_id = $1 GROUP BY 1", town
            )
        )
        assert {t: before[t] - now[t] for t in VOUCHERS if before[t] != now[t]} == {t: n for t, n in noted.items() if t in VOUCHERS and n}
        await house.assert_sound()
        if not now["invoice"]:
            break
    assert chunks > 2
    assert (await counts(house))["invoice"] == 0


async def test_the_app_role_cannot_do_what_retention_does(house: House) -> None:
    run = Run(house.instance.app.state.database, (await house.town()).id, VOUCHERS_OVER, ACTOR, dry=False)
    await adopt(house, YEAR)
    await finish(house)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async for _ in delete_vouchers(run):
            pass


async def test_the_count_names_month_and_table(house: House) -> None:
    await finish(house)
    await adopt(house, YEAR)
    report = await retained(house, VOUCHERS_OVER)
    document = report.document(applied=True)
    row = next(r for r in document["rows"] if r["table"] == "position")
    assert (row["municipality"], row["month"]) == (house.key, f"{MADE:%Y-%m}")
    async with house.owner.transaction(Scope((await house.town()).id)) as unit:
        assert await store.first_year(unit) == YEAR


async def test_the_chain_knows_what_was_deleted_on_purpose_and_still_finds_the_rest(house: House) -> None:
    await finish(house)
    await seal_all(house)
    before = await chain(house)
    assert before.rows_checked > 50
    assert before.faults == []
    await adopt(house, YEAR)
    await retained(house, VOUCHERS_OVER)
    after = await chain(house)
    assert after.faults == []
    assert after.retired > 10
    posting = await house.superuser.fetchval("SELECT id FROM posting WHERE cents <> 0 AND municipality_id = $1", (await house.town()).id)
    await house.superuser.execute("UPDATE posting SET cents = cents + 1 WHERE id = $1", posting)
    assert [fault.what for fault in (await chain(house)).faults] == ["row_changed"]
    await house.superuser.execute("UPDATE posting SET cents = cents - 1 WHERE id = $1", posting)


async def test_a_month_that_somebody_reads_is_dropped_later_and_nobody_waits_long(house: House) -> None:
    later = datetime(YEAR + 2, 1, 1, tzinfo=UTC)
    partition = f"access_log_m{MADE:%Y_%m}"
    reader = await asyncpg.connect(asyncpg_dsn(house.instance.database_url))
    reading = reader.transaction()
    await reading.start()
    await reader.fetchval("SELECT count(*) FROM access_log")
    begun = time.monotonic()
    async with house.owner.transaction(Scope()) as unit:
        assert await drop_month(unit, partition) is False
    assert time.monotonic() - begun < LOCK_SECONDS + 1
    asked = asyncio.create_task(house.stage.town.call("c1", "POST", "/eligibility-checks", check(house.stage.town)))
    dropping = asyncio.create_task(retained(house, later))
    answer = await asked
    assert answer.status_code == 200, answer.text
    await reading.rollback()
    await reader.close()
    assert partition in (await dropping).dropped

"""A town after an autumn in which nearly everything happened once, and its replay."""

from datetime import date
from uuid import UUID

import asyncpg

from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.db.tenancy import Scope
from but_gateway.kit.period import DayRange
from but_gateway.law.parameters import law_book
from but_gateway.procedures.replay.model import Replayed, Supposition
from but_gateway.procedures.replay.replay import replay
from but_gateway.procedures.replay.schemas import read_supposition
from tests.procedures.adjudication.lines import correction, fee, lesson, lunch, lunch_month
from tests.procedures.adjudication.town import Town
from tests.procedures.review.clerk import resolved, reviews

AUTUMN = DayRange(date(2026, 9, 1), date(2026, 12, 31))
MONDAY, TUESDAY, WEDNESDAY = "2026-10-05", "2026-10-06", "2026-10-07"


async def live(town: Town) -> None:
    """Lunches by day, month and count, lessons and fees: paid, reduced, refused, reviewed, resolved, corrected, cancelled."""
    await town.grant("A", facility="s1")
    await town.grant("B", legal_basis="bkgg", valid_from="2026-09-10", valid_to="2026-10-20", budget={"kind": "days", "days": 3})
    await town.grant("H", attends="daycare")
    await town.grant("O", "tutoring", budget={"kind": "minutes", "minutes": 180})
    await town.grant("V", "participation")
    await town.bill(
        "c1", lunch("A", "2026-09-14", MONDAY, TUESDAY), lunch("A", "2026-10-08", quantity=2), lunch("A", "2026-10-09", attended=False)
    )
    await town.bill("c1", lunch("B", MONDAY, TUESDAY, WEDNESDAY, "2026-10-08", "2026-11-30", "2026-10-10"), at="2026-12-02T10:00:00Z")
    await town.bill("c2", lunch("A", MONDAY), lunch("A", WEDNESDAY, unit_price="3.90"))
    await town.bill(
        "c3", lunch_month("H", "2026-10", attended_days=12), lunch_month("H", "2026-11", attended_days=0), at="2026-12-02T10:00:00Z"
    )
    await town.bill("t1", lesson("O", MONDAY), lesson("O", TUESDAY, subject="latein"), lesson("O", WEDNESDAY, "15:00", "17:15"))
    await town.bill("t1", lesson("O", "2026-10-12", proof=None), lesson("O", "2026-10-13", "15:00", "15:50", minutes=60))
    await town.bill("v1", fee("V", "2026-10-01", "2026-10-31", "15.00"), fee("V", "2026-11-01", "2026-11-30", "40.00", activity="other"))
    late = await town.bill("c1", lunch("A", "2026-09-15"), at="2027-01-20T10:00:00Z")
    assert late.says == ["review ?4.20 H-06 P-05"]
    gone = await town.bill("c1", lunch("A", "2026-11-02", "2026-11-03"), at="2026-12-02T10:00:00Z")
    await town.cancel(gone, at="2026-12-03T10:00:00Z")
    line = lunch("A", "2026-11-04", "2026-11-05")
    paid = await town.bill("c1", line, at="2026-12-02T10:00:00Z")
    await town.bill("c1", correction(line, paid.number, 1, ["2026-11-04"]), at="2026-12-03T10:00:00Z")


async def take_a_decision(town: Town) -> None:
    """A clerk accepts one of the reviews."""
    await resolved(town, (await reviews(town))[0], "accept")


def supposed(text: str) -> Supposition:
    """What a file with this text supposes."""
    return read_supposition(text, law_book(), law_differs=False)


async def replayed(town: Town, what: Supposition, days: DayRange = AUTUMN, seen: list[tuple[int, int]] | None = None) -> Replayed:
    """The replay of a town, in a transaction as the command opens one."""
    database = town.instance.app.state.database
    async with database.transaction(Scope(await town_id(town))) as unit:
        return await replay(unit, days, what, lambda done, total: None if seen is None else seen.append((done, total)))


async def town_id(town: Town) -> UUID:
    """The town's id."""
    found: UUID = (await town.instance.app.state.directory.town(town.key)).id
    return found


async def rows(town: Town) -> dict[str, int]:
    """How many rows each table holds."""
    connection = await asyncpg.connect(asyncpg_dsn(town.instance.database_url))
    try:
        names = [row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]
        return {name: await connection.fetchval(f'SELECT count(*) FROM "{name}"') for name in names}  # noqa: S608 - names of the catalog
    finally:
        await connection.close()

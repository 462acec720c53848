import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine

from but_gateway.db.engine import Database
from but_gateway.db.state_holidays import KINDS, STATES, load_state_holidays
from but_gateway.db.tenancy import Scope


async def test_every_state_has_both_kinds_from_2011_on(database_url: str) -> None:
    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        rows = (await connection.execute(text("SELECT state, kind, extract(year FROM min(day)) FROM state_holiday GROUP BY 1, 2"))).all()
    await engine.dispose()
    assert {(row[0], row[1]) for row in rows} == {(state, kind) for state in STATES for kind in KINDS}
    assert {int(row[2]) for row in rows} == {2011}


async def test_loading_again_changes_nothing_and_mends_what_differs(database_url: str) -> None:
    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        assert await load_state_holidays(connection) == 0
        await connection.execute(text("DELETE FROM state_holiday WHERE state = 'NW' AND day = '2026-10-19'"))
        await connection.execute(text("INSERT INTO state_holiday VALUES ('NW', '2026-10-05', 'school', 'Irrtum')"))
        await connection.execute(text("UPDATE state_holiday SET name = 'x' WHERE state = 'BY' AND day = '2026-01-06' AND kind = 'public'"))
        assert await load_state_holidays(connection) == 3
        assert await load_state_holidays(connection) == 0
        await connection.rollback()
    await engine.dispose()


async def test_the_app_role_cannot_take_holidays_away(database_url: str) -> None:
    database = await Database.open(database_url)
    await database.start()
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with database.transaction(Scope()) as unit:
            await unit.execute(text("DELETE FROM state_holiday"))
    await database.close()

"""What counts as a database that is away, and what is a fault of ours."""

from contextlib import AsyncExitStack

import asyncpg
import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from but_gateway.db.engine import Database
from but_gateway.db.trouble import Trouble, trouble_of


@pytest.mark.parametrize(
    "text",
    [
        "connection is closed",
        "cannot perform operation: connection is closed",
        "pool is closing",
        "cannot call Connection.execute(): connection has been released back to the pool",
    ],
)
def test_a_closed_connection_is_a_database_that_is_away(text: str) -> None:
    assert trouble_of(asyncpg.InterfaceError(text)) is Trouble.AWAY


def test_wrong_arguments_are_a_fault_of_ours() -> None:
    assert trouble_of(asyncpg.InterfaceError("the server expects 8 arguments for this query, 6 were passed")) is None


def test_a_server_that_goes_down_in_mid_word_is_away() -> None:
    assert trouble_of(asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")) is Trouble.AWAY


def test_what_cannot_be_rolled_back_is_what_made_it_fail() -> None:
    hidden = asyncpg.InterfaceError("cannot perform operation: another operation is in progress")
    assert trouble_of(hidden) is None
    hidden.__context__ = ConnectionResetError()
    assert trouble_of(hidden) is Trouble.AWAY
    hidden.__context__ = ValueError("a fault of ours")
    assert trouble_of(hidden) is None


async def test_a_crowd_waiting_for_connections_is_refused_at_once(database_url: str) -> None:
    database = await Database.open(database_url, pool_size=1)
    await database.start()
    try:
        async with AsyncExitStack() as crowd:
            for _ in range(database.places):
                await crowd.enter_async_context(database.place())
            with pytest.raises(PoolTimeoutError) as refused:
                async with database.place():
                    pass
            assert trouble_of(refused.value) is Trouble.BUSY
        async with database.place():
            pass  # all places are free again
    finally:
        await database.close()

"""What counts as a database that is away, and what is a fault of ours."""

import asyncpg
import pytest

from but_gateway.db.trouble import Trouble, trouble_of


@pytest.mark.parametrize("text", ["connection is closed", "cannot perform operation: connection is closed", "pool is closing"])
def test_a_closed_connection_is_a_database_that_is_away(text: str) -> None:
    assert trouble_of(asyncpg.InterfaceError(text)) is Trouble.AWAY


def test_wrong_arguments_are_a_fault_of_ours() -> None:
    assert trouble_of(asyncpg.InterfaceError("the server expects 8 arguments for this query, 6 were passed")) is None

"""The town that checks are asked against."""

from collections.abc import AsyncIterator, Callable

import pytest

from tests.procedures.eligibility.desk_town import DeskTown, open_town
from tests.registers.office import Office, open_office


@pytest.fixture(scope="session")
async def desk_office(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """The served gateway."""
    async with open_office(new_database(), tmp_path_factory.mktemp("desk")) as served:
        yield served


@pytest.fixture
async def town(desk_office: Office) -> DeskTown:
    """A fresh town."""
    return await open_town(desk_office)

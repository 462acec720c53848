"""The town that checks are asked against."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.procedures.eligibility.desk_town import DeskTown, open_town
from tests.registers.office import Office, open_office


@pytest.fixture(scope="session")
def desk_place(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The database and the folder with the master key."""
    return new_database(), tmp_path_factory.mktemp("desk")


@pytest.fixture(scope="session")
async def desk_office(desk_place: tuple[str, Path]) -> AsyncIterator[Office]:
    """The served gateway."""
    async with open_office(*desk_place) as served:
        yield served


@pytest.fixture
async def second_office(desk_place: tuple[str, Path], desk_office: Office) -> AsyncIterator[Office]:
    """The gateway served once more, on the same database: what a second process is."""
    async with open_office(*desk_place) as served:
        yield served
    del desk_office


@pytest.fixture
async def town(desk_office: Office) -> DeskTown:
    """A fresh town."""
    return await open_town(desk_office)

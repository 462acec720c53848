"""What the tests of all registers share."""

from collections.abc import AsyncIterator, Callable

import pytest

from tests.registers.office import Office, open_office


@pytest.fixture(scope="session")
def office_url(new_database: Callable[[], str]) -> str:
    """One database for all of them: every test makes its own towns."""
    return new_database()


@pytest.fixture(scope="session")
async def office(office_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """The served gateway."""
    async with open_office(office_url, tmp_path_factory.mktemp("office")) as served:
        yield served

from collections.abc import AsyncIterator, Callable

import pytest

from tests.factories.instance import Instance
from tests.procedures.adjudication.town import Town, open_town, served


@pytest.fixture(scope="package")
async def instance(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Instance]:
    """One instance for all tests of this room; each has a town of its own."""
    async with served(new_database(), tmp_path_factory.mktemp("instance")) as made:
        yield made


@pytest.fixture
async def town(instance: Instance) -> AsyncIterator[Town]:
    """A fresh town; when the test is done, all invariants hold and every decision recomputes."""
    made = await open_town(instance)
    yield made
    await made.assert_sound()

from collections.abc import AsyncIterator, Callable

import pytest

from tests.factories.instance import Instance
from tests.isolation.stage import Stage, build
from tests.procedures.adjudication.town import Town, open_town, served


@pytest.fixture(scope="session")
def isolation_url(new_database: Callable[[], str]) -> str:
    """One database for all tests of isolation."""
    return new_database()


@pytest.fixture(scope="session")
async def instance(isolation_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Instance]:
    """The served gateway."""
    async with served(isolation_url, tmp_path_factory.mktemp("isolation")) as made:
        yield made


@pytest.fixture(scope="module")
async def stage(instance: Instance) -> Stage:
    """A town with one of everything and another one; each test module has its own."""
    return await build(instance)


@pytest.fixture
async def town(instance: Instance) -> AsyncIterator[Town]:
    """A fresh town; when the test is done, all invariants hold."""
    made = await open_town(instance)
    yield made
    await made.assert_sound()

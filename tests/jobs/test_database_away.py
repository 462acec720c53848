"""A database that is away is no fault of the work: nothing is given up for it, however often it happens."""

from uuid import uuid4

import pytest

from but_gateway.jobs import grant_imports, payment_terms, redecisions
from but_gateway.jobs.patience import ATTEMPTS_MAX
from but_gateway.kit.clock import SystemClock
from tests.procedures.adjudication.town import served


@pytest.mark.parametrize("kind", [grant_imports.GrantImports, redecisions.Redecisions])
async def test_lost_connections_are_not_counted_as_failures(
    kind: type[grant_imports.GrantImports | redecisions.Redecisions],
    database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def lost(*_: object) -> None:
        raise ConnectionResetError

    async with served(database_url, tmp_path_factory.mktemp("away")) as instance:
        state = instance.app.state
        work = kind(state.database, state.directory, SystemClock())
        town = await instance.town(f"away-{uuid4().hex[:6]}")
        monkeypatch.setattr(kind, "_chunk", lost)
        for _ in range(2 * ATTEMPTS_MAX):
            with pytest.raises(ConnectionResetError):
                await work._try_chunk(town, uuid4())  # noqa: SLF001 - what the worker's sweep calls for each of them
        assert work.patience.is_untried


async def test_a_town_whose_terms_could_not_be_looked_at_is_looked_at_again(
    database_url: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: object, **__: object) -> None:
        raise ConnectionResetError

    async with served(database_url, tmp_path_factory.mktemp("away")) as instance:
        state = instance.app.state
        work = payment_terms.PaymentTerms(state.database, state.directory, SystemClock())
        key = f"away-{uuid4().hex[:6]}"
        await instance.town(key)
        with monkeypatch.context() as away:
            away.setattr(payment_terms, "warn_of_terms", lost)
            for _ in range(2 * ATTEMPTS_MAX):
                with pytest.raises(ConnectionResetError):
                    await work.sweep([key])
        assert work._waiting == [key]  # noqa: SLF001 - what it still has to do today
        assert await work.sweep([key]) is False
        assert work._waiting == []  # noqa: SLF001 - as above

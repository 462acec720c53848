from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from but_gateway.cli.demo import store
from but_gateway.cli.demo.playing import Played, play
from but_gateway.cli.demo.running import prepare
from but_gateway.cli.demo.serving import served
from but_gateway.cli.demo.speaker import Speaker
from but_gateway.cli.demo.stages import Advance
from tests.factories.ports import free_port

CHILDREN = 160


class Listener(Speaker):
    """A speaker that keeps what it was told."""

    heard: list[tuple[str, str]]

    async def _ask(self, method: str, who: str, path: str, clock: str, body: Any = None, **more: Any) -> httpx.Response:  # noqa: ANN401 - JSON
        answer = await super()._ask(method, who, path, clock, body, **more)
        self.heard.append((who, answer.text))
        return answer


class Silence:
    """A screen that shows nothing and notes how far each stage came."""

    def __init__(self) -> None:
        self.done: dict[str, tuple[int, int]] = {}

    @contextmanager
    def stage(self, title: str, total: int) -> Iterator[Advance]:
        """Counts a stage."""
        came = 0

        def advance(count: int) -> None:
            nonlocal came
            came += count

        yield advance
        self.done[title] = (came, total)


@dataclass
class Round:
    """A round that was played, still served."""

    played: Played
    speaker: Listener
    screen: Silence
    base_url: str
    database_url: str
    folder: Path
    told: list[tuple[str, str]]  # all answers of the round: client, text


@pytest.fixture(scope="package")
async def played_round(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Round]:
    """One small town for all tests of this room, played over HTTP against the service on a port."""
    url, folder, port = new_database(), tmp_path_factory.mktemp("demo"), free_port()
    settings = await prepare(url, folder, port)
    async with served(settings, port) as base_url, closing(base_url) as listener:
        screen = Silence()
        played = await play(listener, screen, folder / "package", lambda: store.keep_house(url), seed=1, children=CHILDREN)
        yield Round(played, listener, screen, base_url, url, folder, list(listener.heard))


@asynccontextmanager
async def closing(base_url: str) -> AsyncIterator[Listener]:
    """A listener for a service."""
    listener = Listener(httpx.AsyncClient(base_url=base_url, timeout=60, trust_env=False))
    listener.heard = []
    try:
        yield listener
    finally:
        await listener.close()

"""Runs the demo from the empty folder to the last signal: database, service, round, summary, serving."""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from but_gateway.cli.demo.logins import make_logins
from but_gateway.cli.demo.place import HOST, database_in
from but_gateway.cli.demo.playing import KeepHouse, Played, play
from but_gateway.cli.demo.screen import RichScreen
from but_gateway.cli.demo.serving import served
from but_gateway.cli.demo.settling import SumsDifferError
from but_gateway.cli.demo.speaker import Speaker, UnexpectedAnswerError
from but_gateway.cli.demo.store import keep_house
from but_gateway.cli.report import CommandError, Exit
from but_gateway.db.migrate import migrate
from but_gateway.kit.clock import SystemClock
from but_gateway.settings import Settings

Done = Callable[[Played, str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for."""

    port: int
    seed: int
    children: int
    folder: Path
    serve: bool


def run(wish: Wish, done: Done) -> None:
    """Runs to the end. Ctrl-C or SIGTERM while serving is the end; before, it is an interruption (KeyboardInterrupt)."""
    import uvloop  # noqa: PLC0415 - where there is none, Python's own loop does

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_run(wish, done))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None


async def _run(wish: Wish, done: Done) -> None:
    _end_on_termination()
    screen = RichScreen()
    with screen.shown():
        async with contextlib.AsyncExitStack() as stack:
            with screen.stage("PostgreSQL, Migrationen, Musterstadt", 1) as advance:
                url = await stack.enter_async_context(database_in(wish.folder))
                settings = await prepare(url, wish.folder, wish.port)
                base_url = await stack.enter_async_context(served(settings, wish.port))
                advance(1)
            speaker = Speaker.at(base_url)
            stack.push_async_callback(speaker.close)
            played = await _play(speaker, screen, wish, lambda: keep_house(url))
            screen.stop()
            done(played, base_url)
            if wish.serve:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()


async def prepare(url: str, folder: Path, port: int) -> Settings:
    """Migrates an empty database and makes the town's logins in it; gives the settings to serve it with."""
    now = SystemClock().now()
    await migrate(url, now)
    key_file = folder / "keys" / "master.key"
    await make_logins(url, key_file, now)
    # Not the environment's settings: this is nobody's instance but the demo's.
    return Settings(database_url=url, master_key_file=key_file, issuer=f"http://{HOST}:{port}", issuer_is_set=True)


async def _play(speaker: Speaker, screen: RichScreen, wish: Wish, keep_house: KeepHouse) -> Played:
    try:
        return await play(speaker, screen, wish.folder / "package", keep_house, seed=wish.seed, children=wish.children)
    except (UnexpectedAnswerError, SumsDifferError) as error:
        raise CommandError(f"The demo found something wrong: {error}", Exit.FINDINGS) from None


def _end_on_termination() -> None:
    """Whoever terminates us ends us in order, as Ctrl-C does."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)

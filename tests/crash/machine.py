"""The machine under test: a PostgreSQL of its own, the proxy before it, two apps – and the hand that kills them."""

import asyncio
import contextlib
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import asyncpg

from but_gateway.db.embedded import EmbeddedPostgres, asyncpg_dsn
from but_gateway.db.embedded_place import find_place
from but_gateway.db.fields import MasterKey
from but_gateway.db.migrate import migrate
from but_gateway.kit.clock import SystemClock
from tests.crash.points import GAP
from tests.crash.proxy import Proxy, Weather
from tests.crash.verbs import all_points
from tests.factories.ports import free_port

ROOT: Final = Path(__file__).parents[2]
ISSUER: Final = "http://127.0.0.1:8080"  # one for both apps, whatever their ports
TEMPLATE: Final = "crash_template"
APPS: Final = 2
DOOMS: Final = 10  # points at which one app may die


@dataclass(slots=True)
class Server:
    """A PostgreSQL that is killed and comes back. It lies in a short path that other users can pass."""

    folder: Path
    postgres: EmbeddedPostgres
    url: str = ""

    @property
    def data(self) -> Path:
        """Where its cluster lies; all its processes work there."""
        return find_place(self.postgres.directory, self.postgres.state_directory).data

    @property
    def socket(self) -> Path:
        """Where it listens."""
        (host,) = parse_qs(urlsplit(self.url).query)["host"]
        return Path(host) / ".s.PGSQL.5432"

    async def start(self) -> None:
        """Makes sure it runs."""
        self.url = await asyncio.to_thread(self.postgres.start)

    def database(self, name: str) -> str:
        """The superuser's URL of a database."""
        return self.url.replace("@/postgres?", f"@/{name}?", 1)

    async def administer(self, *statements: str) -> None:
        """Runs statements as superuser."""
        connection = await asyncpg.connect(asyncpg_dsn(self.url))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    def processes(self) -> list[int]:
        """All of its processes."""
        return [pid for pid, _ in self._named()]

    def backends(self, database: str) -> list[int]:
        """Those that serve somebody's connection to a database."""
        return [pid for pid, name in self._named() if re.search(rf"postgres: \S+ {database} ", name)]

    def _named(self) -> list[tuple[int, str]]:
        found = []
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                with contextlib.suppress(OSError):
                    if (process / "cwd").readlink() == self.data:
                        name = (process / "cmdline").read_bytes().replace(b"\x00", b" ").decode("utf-8", "replace")
                        found.append((int(process.name), name))
        return found


@dataclass(slots=True)
class App:
    """One served process."""

    port: int
    process: int = 0

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        if not self.process:
            return False
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return False
        return True


@dataclass(slots=True)
class Machine:
    """All of it, for one round: one database, one mutant or none."""

    server: Server
    proxy: Proxy
    folder: Path
    database: str
    chance: random.Random
    nursery: asyncio.subprocess.Process
    mutant: str | None = None
    apps: list[App] = field(default_factory=list)
    deaths: Counter[str] = field(default_factory=Counter)  # how often apps died at which point, in all rounds so far
    kills: Counter[str] = field(default_factory=Counter)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # to speak to the nursery
    systematic: bool = False  # apps die at the first point at which none has died

    @property
    def urls(self) -> list[str]:
        """Where the apps are."""
        return [f"http://127.0.0.1:{app.port}" for app in self.apps]

    @property
    def database_url(self) -> str:
        """The superuser's way around the proxy."""
        return self.server.database(self.database)

    @property
    def journal(self) -> Path:
        """What the apps have come to."""
        return self.folder / "journal"

    def told(self, word: str) -> Counter[str]:
        """From the journal: points ``reached`` or where apps ``died``."""
        lines = self.journal.read_text().splitlines() if self.journal.exists() else []
        return Counter(line.split(" ", 1)[1] for line in lines if line.startswith(f"{word} "))

    async def serve(self, app: App, *, doomed: bool) -> None:
        """Starts an app; a doomed one dies at one of the points at which the fewest died so far."""
        doom = self._doom() if doomed else []
        wish: dict[str, Any] = {
            "port": app.port, "log": str(self.folder / f"app-{app.port}.log"), "journal": str(self.journal), "mutant": self.mutant,
            "doomed": doom, "nth": 1 if self.systematic else self.chance.choice((1, 2, 3)),
            "environment": {
                "BUT_DATABASE_URL": f"postgresql+asyncpg://postgres@127.0.0.1:{self.proxy.port}/{self.database}",
                "BUT_MASTER_KEY_FILE": str(self.folder / "master.key"), "BUT_ISSUER": ISSUER, "BUT_LOG_LEVEL": "error",
                "BUT_DATABASE_POOL": "4",
            },
        }  # fmt: skip
        assert self.nursery.stdin is not None
        assert self.nursery.stdout is not None
        async with self.turn:
            self.nursery.stdin.write(json.dumps(wish).encode() + b"\n")
            app.process = int(await self.nursery.stdout.readline())

    def missing(self) -> list[str]:
        """Points at which no app has died in this round."""
        died = self.told("died")
        return [point for point in all_points() if point not in died]

    def _doom(self) -> list[str]:
        if self.systematic:
            return self.missing()
        deaths = self.deaths + self.told("died")
        gap = [GAP] if self.mutant else []
        return gap + sorted(all_points(), key=lambda point: (deaths[point], self.chance.random()))[:DOOMS]

    async def kill_app(self, app: App) -> None:
        """SIGKILL, whatever it is doing."""
        if app.alive:
            self.kills["app"] += 1
            os.kill(app.process, signal.SIGKILL)
            await self.gone(app)

    async def gone(self, app: App) -> None:
        """Waits until the process is no more."""
        while app.alive:  # noqa: ASYNC110 - a process that is not ours to collect tells nobody of its end
            await asyncio.sleep(0.01)

    async def kill_backend(self) -> None:
        """SIGKILL of one backend: PostgreSQL throws all others out and recovers by itself."""
        backends = self.server.backends(self.database)
        if backends:
            self.kills["backend"] += 1
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.chance.choice(backends), signal.SIGKILL)

    async def kill_postgres(self) -> None:
        """SIGKILL of all of PostgreSQL at once, and a new start."""
        self.kills["postgres"] += 1
        for process in self.server.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        await asyncio.sleep(self.chance.uniform(0, 0.5))
        await self.server.start()

    async def stop(self) -> None:
        """Ends the apps."""
        for app in self.apps:
            if app.alive:
                os.kill(app.process, signal.SIGKILL)
                await self.gone(app)


@asynccontextmanager
async def server(programs: Path | None = None) -> AsyncIterator[Server]:
    """A PostgreSQL with a migrated template."""
    folder = _open_folder()
    one = Server(folder, EmbeddedPostgres(folder / "postgres", programs, folder / "state"))
    try:
        await one.start()
        # What a start after a crash syncs is thousands of files; all at once takes a tenth of the time of one after the other.
        await one.administer("ALTER SYSTEM SET recovery_init_sync_method = syncfs", "SELECT pg_reload_conf()")
        await one.administer(f'CREATE DATABASE "{TEMPLATE}"')
        await migrate(one.database(TEMPLATE), SystemClock().now())
        yield one
    finally:
        await asyncio.to_thread(one.postgres.stop)
        shutil.rmtree(folder, ignore_errors=True)


def _open_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="but-crash-"))
    folder.chmod(0o755)
    return folder


@asynccontextmanager
async def nursery() -> AsyncIterator[asyncio.subprocess.Process]:
    """The process that forks apps."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.crash.stand_in", cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


@asynccontextmanager
async def machine(  # noqa: PLR0913 - what makes a round
    on: Server,
    children: asyncio.subprocess.Process,
    name: str,
    chance: random.Random,
    *,
    mutant: str | None = None,
    sql: Iterable[str] = (),
    deaths: Counter[str] | None = None,
) -> AsyncIterator[Machine]:
    """A machine for one round, in calm weather; ``sql`` changes its database first, as a mutant wants it."""
    folder = on.folder / name
    folder.mkdir()
    MasterKey.make(folder / "master.key")
    await on.administer(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}" STRATEGY file_copy')
    connection = await asyncpg.connect(asyncpg_dsn(on.database(name)))
    for statement in sql:
        await connection.execute(statement)
    await connection.close()
    proxy = Proxy(on.socket, Weather(chance))
    await proxy.open()
    apps = [App(free_port()) for _ in range(APPS)]
    one = Machine(on, proxy, folder, name, chance, children, mutant, apps, deaths=Counter(deaths or {}))
    try:
        for app in one.apps:
            await one.serve(app, doomed=False)
        yield one
    finally:
        await one.stop()
        await proxy.close()
        await on.start()
        await on.administer(f'DROP DATABASE "{name}" WITH (FORCE)')

"""What every measurement needs: a database, servers as processes of their own, medians, counted statements, memory."""

import asyncio
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
from sqlalchemy import make_url

from but_gateway.db.embedded import EmbeddedPostgres
from but_gateway.db.engine import connect_arguments

HERE: Final = Path(__file__).parent
LOGS: Final = "BENCH_LOGS"  # where the embedded server writes its log; unset with a database of somebody else's
_STATEMENT: Final = re.compile(rb" LOG:  (statement|execute )")


@contextmanager
def database(folder: Path) -> Iterator[dict[str, str]]:
    """An embedded PostgreSQL of our own, or the one of BUT_DATABASE_URL; answers the environment for the servers."""
    environ = {**os.environ, "BUT_MASTER_KEY_FILE": str(folder / "master.key"), "BUT_LOG_LEVEL": "warning"}
    if "BUT_DATABASE_URL" in environ:
        subprocess.run([sys.executable, "-m", "but_gateway", "db", "init"], check=True, env=environ, capture_output=True)
        yield environ
        return
    embedded = EmbeddedPostgres(folder / "postgres")
    environ["BUT_DATABASE_URL"] = embedded.start()
    place = Path(str(make_url(environ["BUT_DATABASE_URL"]).query["host"])).parent
    environ[LOGS] = str(place / "log")
    try:
        subprocess.run([sys.executable, "-m", "but_gateway", "db", "init"], check=True, env=environ, capture_output=True)
        yield environ
    finally:
        embedded.stop()
        shutil.rmtree(place)  # for root it does not lie in the folder, which nobody else may enter


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server listens on the loopback, and its process."""

    port: int
    pid: int


@contextmanager
def server(environ: Mapping[str, str], command: list[str], port_option: str) -> Iterator[Server]:
    """A server as a process of its own, on a free port of the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    process = subprocess.Popen(  # noqa: S603 - our own servers
        [*command, port_option, str(port)], env=dict(environ), cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise SystemExit("the server did not start") from None
                time.sleep(0.1)
        yield Server(port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def gateway() -> list[str]:
    """The command that serves the gateway."""
    return [sys.executable, "-m", "but_gateway", "serve"]


def median(rounds: int, measure: Callable[[int], float]) -> float:
    """The median of so many measurements."""
    return statistics.median(measure(i) for i in range(rounds))


def line(what: str, value: float, unit: str, *, against: float | None = None, note: str = "") -> None:
    """Prints one figure, and its ratio."""
    ratio = "" if against is None else f"{100 * value / against:6.1f} % of bare"
    print(f"{what:58}{value:12,.0f} {unit:14}{ratio}{note}", flush=True)


def statements(environ: Mapping[str, str], action: Callable[[], object]) -> int | None:
    """How many statements reach PostgreSQL while something is done, BEGIN, SET and COMMIT included; None where its log is out of reach.

    The least of three times: the background work asks now and then.
    """
    if LOGS not in environ:
        return None
    _ask(environ, "ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()")
    time.sleep(0.5)  # until every session has read its settings anew
    found = []
    for _ in range(3):
        before = _logged(environ)
        action()
        time.sleep(0.1)  # until the log is written
        found.append(_logged(environ) - before)
    _ask(environ, "ALTER SYSTEM RESET log_statement", "SELECT pg_reload_conf()")
    return min(found)


@dataclass(frozen=True, slots=True)
class Busy:
    """Processor seconds that a server and the embedded PostgreSQL took so far. They hold on a busy machine, where times do not."""

    server: float
    database: float

    @classmethod
    def now(cls, environ: Mapping[str, str], pid: int) -> "Busy":
        """As far as it is known: 0 for a database elsewhere."""
        if LOGS not in environ:
            return cls(_processor_seconds(pid)[0], 0.0)
        lock = Path(environ[LOGS]).parent / "socket"
        postmaster = int(next(lock.glob(".s.PGSQL.*.lock")).read_text("ascii").split()[0])
        processes = [_processor_seconds(int(one.name)) for one in Path("/proc").iterdir() if one.name.isdigit()]
        return cls(_processor_seconds(pid)[0], sum(seconds for seconds, parent in processes if parent == postmaster))

    def since(self, before: "Busy", times: int) -> str:
        """What each of so many took, in microseconds."""
        server, database = (1e6 * (now - then) / times for now, then in ((self.server, before.server), (self.database, before.database)))
        per_core = f", {1e6 / (server + database):,.0f} a second and core" if server + database else ""
        return f"  processor: server {server:.0f} us, database {database:.0f} us{per_core}"


def _processor_seconds(pid: int) -> tuple[float, int]:
    """User and system time of a process, and its parent; nothing of one that has ended meanwhile."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return 0.0, 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(fields[1])


def _logged(environ: Mapping[str, str]) -> int:
    return sum(len(_STATEMENT.findall(path.read_bytes())) for path in Path(environ[LOGS]).glob("*.log"))


def _ask(environ: Mapping[str, str], *asked: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(**connect_arguments(make_url(environ["BUT_DATABASE_URL"])))
        try:
            for one in asked:
                await connection.execute(one)
        finally:
            await connection.close()

    asyncio.run(run())


def forget_peak(pid: int) -> int:
    """Begins to look at a process's peak of memory anew; KiB it holds now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", "ascii")
    return peak(pid)


def peak(pid: int) -> int:
    """KiB that a process held at most."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("ascii"))
    return int(found[1]) if found else 0

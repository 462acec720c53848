"""``make bench``: the speeds of the two hot paths as ratios to bare baselines, measured in the same run on the same machine.

Nothing here is asserted: a ratio is a finding, not a test. Every figure is the median of the rounds.
"""

import argparse
import asyncio
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from load import http_request, requests_per_second
from packages import measure_packages
from pipeline import positions_per_second
from sqlalchemy import make_url
from town import BORN, CLOCK, Town, school_days

from but_gateway.db.embedded import EmbeddedPostgres
from but_gateway.db.engine import connect_arguments

CHECKS = 4000
CHILDREN = 1000
HERE = Path(__file__).parent


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--positions", type=int, default=100_000, help="of the batch whose packages are made")
    options.add_argument("--only", choices=("packages",), help="leave the rest out")
    chosen = options.parse_args()
    rounds: int = chosen.rounds
    with tempfile.TemporaryDirectory(prefix="but-bench-") as folder, database(Path(folder)) as environ:
        print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        with server(environ, [sys.executable, "-m", "but_gateway", "serve"], "--port") as port:
            if chosen.only is None:
                town = Town(f"http://127.0.0.1:{port}", environ)
                town.children(CHILDREN)
                checks(town, port, environ, rounds)
                invoices(town, environ, rounds)
            # A town of its own: what was billed so far would go into the batch as well.
            town = Town(f"http://127.0.0.1:{port}", environ)
            measure_packages(town, environ, chosen.positions, line)


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
    try:
        subprocess.run([sys.executable, "-m", "but_gateway", "db", "init"], check=True, env=environ, capture_output=True)
        yield environ
    finally:
        embedded.stop()


@contextmanager
def server(environ: dict[str, str], command: list[str], port_option: str) -> Iterator[int]:
    """A server as a process of its own, on a free port of the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(  # noqa: S603 - our own servers
        [*command, port_option, str(port)], env=environ, cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
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
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def median(rounds: int, measure: Callable[[int], float]) -> float:
    """The median of so many measurements."""
    return statistics.median(measure(i) for i in range(rounds))


def line(what: str, value: float, unit: str, *, against: float | None = None) -> None:
    """Prints one figure, and its ratio."""
    ratio = "" if against is None else f"{100 * value / against:6.1f} % of bare"
    print(f"{what:58}{value:12,.0f} {unit:14}{ratio}", flush=True)


def checks(town: Town, port: int, environ: dict[str, str], rounds: int) -> None:
    """Single checks and batches against a raw ASGI look-up of the same database, through the same client."""
    uvicorn = [sys.executable, "-m", "uvicorn", "bare:app", "--no-access-log", "--log-level", "critical", "--loop", "uvloop"]
    key = {"Content-Type": "application/json"}
    bare_requests = [http_request("POST", "/", key, bytes(32)) for _ in range(CHECKS)]
    with server(environ, uvicorn, "--port") as bare_port:
        bare = median(rounds, lambda _: requests_per_second(bare_port, bare_requests, b"true"))
    path = f"/v1/municipalities/{town.key}/eligibility-checks"
    headers = key | {"Authorization": f"Bearer {town.provider}", "Test-Clock": CLOCK}
    asks = [
        {"benefit": "lunch", "entitlement_number": n, "date_of_birth": BORN, "from": "2026-11-01", "to": "2026-11-30", "facility": "s1"}
        for n in town.numbers
    ]
    single = [http_request("POST", path, headers, json.dumps(asks[i % len(asks)]).encode()) for i in range(CHECKS)]
    ours = median(rounds, lambda _: requests_per_second(port, single, b'"eligible":true'))
    line("raw ASGI + asyncpg look-up", bare, "requests/s")
    line("eligibility check, one per request", ours, "checks/s", against=bare)
    batch = http_request("POST", f"{path}/batch", headers, json.dumps({"checks": asks[:1000]}).encode())
    line(
        "eligibility checks, 1,000 per request",
        1000 * median(rounds, lambda _: requests_per_second(port, [batch] * 5, b"true", 1)),
        "checks/s",
    )


def invoices(town: Town, environ: dict[str, str], rounds: int) -> None:
    """Invoices of one month against a bare pipeline on the same database; each round bills days nobody billed before."""
    days = school_days(20)
    bare = asyncio.run(_bare_pipeline(environ, json.dumps(town.invoice("bare", range(500), days)).encode(), rounds))
    line("bare pipeline, 10,000 positions", bare, "positions/s")
    for name, children, count in (("500 lines of 20 days", 500, 20), ("5,000 lines of 2 days", 5000, 2)):
        speeds = []
        for _ in range(rounds):
            start = len(town.numbers)
            town.children(children)
            body = town.invoice(f"R-{start}", range(start, start + children), days[:count])
            begin = time.perf_counter()
            answer = town.post("invoices", body, town.provider).json()
            speeds.append(children * count / (time.perf_counter() - begin))
            if answer["counts"]["accepted"] != children * count:
                raise SystemExit(f"not all accepted: {answer['counts']}")
        line(f"invoice of 10,000 lunches, {name}", statistics.median(speeds), "positions/s", against=bare)


async def _bare_pipeline(environ: dict[str, str], raw: bytes, rounds: int) -> float:
    connection = await asyncpg.connect(**connect_arguments(make_url(environ["BUT_DATABASE_URL"])))
    try:
        return statistics.median([await positions_per_second(connection, raw) for _ in range(rounds)])
    finally:
        await connection.close()


if __name__ == "__main__":
    main()

"""The worked cases: our own in one process, and all of them against a gateway that is really served."""

import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any

import httpx
import pytest

from tests.contract.worked_cases import CASES, Player, runs
from tests.factories.instance import Instance
from tests.procedures.adjudication.town import served as open_instance

SHARED = Path(__file__).parents[3] / "shared" / "data" / "examples"
RUNS = dict(runs())
START_SECONDS = 60


@pytest.fixture(scope="module")
async def instance(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Instance]:
    async with open_instance(new_database(), tmp_path_factory.mktemp("cases")) as made:
        yield made


@pytest.mark.parametrize("name", RUNS)
async def test_a_case_of_our_own_comes_out_as_written(instance: Instance, name: str) -> None:
    town = await Player.play(instance, RUNS[name])
    await town.assert_sound()


@dataclass(frozen=True)
class Served:
    """A gateway in a process of its own."""

    url: str
    environment: dict[str, str]


@pytest.fixture(scope="module")
def gateway(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    folder = tmp_path_factory.mktemp("served")
    environment = os.environ | {
        "BUT_DATABASE_URL": new_database(),
        "BUT_MASTER_KEY_FILE": str(folder / "master.key"),
        "BUT_ISSUER": url,
    }
    command = [sys.executable, "-m", "but_gateway", "serve", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603 - our own program
        try:
            _wait_for(url, process)
            yield Served(url, environment)
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, "the gateway ended"
        try:
            if httpx.get(f"{url}/health/ready").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise AssertionError("the gateway did not become ready")


@pytest.mark.skipif(not (SHARED / "run_cases.py").exists(), reason="the shared worked examples are not beside this repository")
# Of our own, which run above, two are enough to see that they are written in the same form.
@pytest.mark.parametrize(("folder", "only"), [(SHARED, ()), (CASES, ("C103", "C112"))], ids=["shared", "own"])
def test_worked_cases_come_out_against_a_served_gateway(gateway: Served, folder: Path, only: tuple[str, ...]) -> None:
    command = [sys.executable, str(SHARED / "run_cases.py"), "--base-url", gateway.url, "--cases", str(folder), "--json"]
    command += [word for case in only for word in ("--only", case)]
    bootstrap = ["--bootstrap", f"{sys.executable} -m but_gateway"]
    done = subprocess.run(  # noqa: S603 - the runner of the examples
        command + bootstrap, env=gateway.environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    faults = {case["id"]: case["faults"] for case in summary["cases"] if not case["ok"]}
    assert not faults
    assert summary["lines_ok"] == summary["lines_all"] > 0

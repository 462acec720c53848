"""``serve`` on a bare machine: one command, a line when it is ready, commands beside it, an end in order."""

import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cli.test_commands import PROGRAM, Shell
from tests.factories.ports import free_port


class Served:
    """A served instance in a process of its own, with an embedded database."""

    def __init__(self, shell: Shell) -> None:
        self.shell, self.port = shell, free_port()
        self.log_file = shell.folder / f"{self.port}.log"
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                [*PROGRAM, "serve", "--port", str(self.port)],
                cwd=shell.folder, env=shell.environment, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()

    @property
    def log(self) -> list[str]:
        return self.log_file.read_text().splitlines()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait; gives the exit code. Whatever else was written to stdout is kept in ``rest``."""
        self.process.send_signal(number)
        self.rest, _ = self.process.communicate(timeout=60)
        return self.process.returncode


@pytest.fixture(scope="module")
def embedded_shell(open_directory: Path) -> Shell:
    folder = open_directory / "serve"
    folder.mkdir(mode=0o755)
    return Shell(folder)


@pytest.fixture(scope="module")
def served(embedded_shell: Shell) -> Iterator[Served]:
    instance = Served(embedded_shell)
    yield instance
    if instance.process.poll() is None:
        instance.end(signal.SIGKILL)


def test_one_line_says_that_it_is_ready(served: Served) -> None:
    assert served.first_line == f"but-gateway is ready: {served.url} (docs: {served.url}/docs)\n"
    assert httpx.get(f"{served.url}/health/ready").status_code == 200


def test_commands_work_beside_it_and_what_they_make_works_at_once(served: Served) -> None:
    shell = served.shell
    shell.ok("municipality", "add", "krefeld", "--name", "Stadt Krefeld", "--ags", "05114000", "--state", "NW", "--sandbox")
    made = json.loads(shell.ok("client", "add", "--role", "registrar", "--municipality", "krefeld", "--secret", "--json"))
    answer = httpx.post(
        f"{served.url}/oauth2/token", data={"grant_type": "client_credentials"}, auth=(made["client_id"], made["client_secret"])
    )
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert httpx.get(f"{served.url}/v1/municipalities/krefeld/settings", headers=headers).status_code == 200


def test_a_taken_port_is_said_in_one_line(served: Served) -> None:
    done = served.shell.run("serve", "--port", str(served.port))
    assert done.returncode == 3
    assert f"--port {served.port + 1}" in done.stderr
    assert "Traceback" not in done.stderr


def test_logs_are_json_lines_without_query_or_body(served: Served) -> None:
    httpx.get(
        f"{served.url}/v1/municipalities/krefeld/providers/Kanarienvogel?iban=DE02120300000000202051",
        headers={"Authorization": "Bearer x.y.z"},
    )
    time.sleep(0.3)
    lines = [json.loads(line) for line in served.log]
    assert lines
    assert not any("Kanarienvogel" in line or "DE0212" in line for line in served.log)
    assert {"request_id", "method", "route", "status", "duration_ms"} <= lines[-1].keys()


def test_a_request_at_work_is_answered_before_the_end(served: Served) -> None:
    answers: list[int] = []

    def slowly() -> None:
        with socket.create_connection(("127.0.0.1", served.port)) as line:
            line.sendall(
                b"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\n"
            )
            begun.set()
            time.sleep(1.5)
            line.sendall(b"grant_type")
            answers.append(int(line.recv(100).split()[1]))

    begun = threading.Event()
    client = threading.Thread(target=slowly)
    client.start()
    begun.wait(5)
    time.sleep(0.3)
    assert served.end(signal.SIGTERM) == 0
    client.join(10)
    assert answers == [400]
    assert served.rest == ""
    assert not any("Traceback" in line for line in served.log)


def test_ctrl_c_ends_it_in_order_and_its_database_too(embedded_shell: Shell) -> None:
    again = Served(embedded_shell)
    assert again.first_line.startswith("but-gateway is ready")
    assert again.end(signal.SIGINT) == 0
    assert again.log[-1] == "Stopped."
    assert not any("Traceback" in line for line in again.log)
    here = str(embedded_shell.folder)
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)  # noqa: S607 - the system's ps
    assert not any("postgres" in line and here in line for line in found.stdout.splitlines())


def test_the_worker_alone_starts_and_ends_in_order(embedded_shell: Shell) -> None:
    process = subprocess.Popen(  # noqa: S603 - our own program
        [*PROGRAM, "worker"],
        cwd=embedded_shell.folder,
        env=embedded_shell.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "but-gateway worker is at work\n"
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in log

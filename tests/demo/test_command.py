import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from but_gateway.cli.demo.place import HOST
from tests.factories.ports import free_port


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "but_gateway", "demo", *arguments]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False, timeout=60, env=os.environ | environment)  # noqa: S603 - our own program


@pytest.fixture
def folder(open_directory: Path) -> Iterator[Path]:
    """A folder for a demo; where its database lies elsewhere (root), that goes as well."""
    place = open_directory / "demo"
    yield place
    note = place / "postgres" / "WHERE.txt"
    if note.exists():
        shutil.rmtree(note.read_text().rsplit(maxsplit=1)[-1].rstrip("."), ignore_errors=True)
    shutil.rmtree(place, ignore_errors=True)


def test_where_real_money_is_there_is_no_demo(folder: Path) -> None:
    told = run("--out", str(folder), BUT_ENV="production")
    assert told.returncode == 3
    assert "with BUT_ENV=production it does not start" in told.stderr
    assert not folder.exists()


def test_a_taken_port_is_refused_with_the_command_that_mends_it(folder: Path) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        told = run("--out", str(folder), "--port", str(port))
    assert told.returncode == 4
    assert f"Port {port} of 127.0.0.1 is taken" in told.stderr
    assert f"but-gateway demo --port {port + 1}" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_folder_with_other_things_in_it_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    told = run("--out", str(folder), "--port", str(free_port()))
    assert told.returncode == 4
    assert "holds other things" in told.stderr
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]


def test_it_plays_serves_and_ends_with_ctrl_c_without_a_traceback(folder: Path) -> None:
    arguments = ("--children", "100", "--port", str(free_port()), "--out", str(folder), "--json")
    with subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:  # noqa: S603 - our own program
        assert demo.stdout is not None
        summary = json.loads(demo.stdout.readline())
        again = run("--port", str(free_port()), "--out", str(folder))
        demo.send_signal(signal.SIGINT)
        rest, told = demo.communicate(timeout=30)
    assert (demo.returncode, rest) == (0, ""), told
    assert told.endswith("Stopped.\n")
    assert "Traceback" not in told
    assert summary["children"] == 100
    assert all(Path(file).is_file() for batch in summary["batches"] for file in batch["files"])
    assert (again.returncode, "Another demo is running" in again.stderr) == (4, True), again.stderr

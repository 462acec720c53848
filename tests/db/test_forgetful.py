"""A database that may forget what was answered is not served: each of the three settings stops the start."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from but_gateway.db import embedded
from tests.cli.test_commands import PROGRAM, Shell
from tests.factories.ports import free_port

SECONDS_MAX = 60


@pytest.fixture(scope="module")
def forgetful(open_directory: Path, server_programs: Path | None) -> Callable[[], embedded.EmbeddedPostgres]:
    """A server of the module's own, which takes its settings when it is started."""
    return lambda: embedded.EmbeddedPostgres(open_directory / "forgetful", server_programs, open_directory / "state-forgetful")


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_the_service_does_not_start_on_it_and_names_the_setting(
    forgetful: Callable[[], embedded.EmbeddedPostgres], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(embedded._SETTINGS, name, "off")  # noqa: SLF001 - no caller may ask for such a server
    server = forgetful()
    shell = Shell(tmp_path, BUT_DATABASE_URL=server.start())
    try:
        done = subprocess.run(  # noqa: S603 - our own program; one that starts after all must not be waited for
            [*PROGRAM, "serve", "--port", str(free_port())],
            cwd=tmp_path, env=shell.environment, capture_output=True, text=True, check=False, timeout=SECONDS_MAX,
        )  # fmt: skip
    finally:
        server.stop()
    assert done.returncode == 3, done.stderr
    assert f"{name} is off: what was answered could be lost" in done.stderr
    assert f"ALTER SYSTEM SET {name} = on" in done.stderr
    assert "Traceback" not in done.stderr

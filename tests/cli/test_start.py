"""A setting that cannot work stops the start with a sentence that names it, and not the first request that needs it."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.test_commands import PROGRAM, Shell
from tests.factories.ports import free_port

SECONDS_MAX = 60


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BUT_HKR_PROFILES", "profiles", "broken.yaml, line 1"),
        ("BUT_PAIN001_XSD", "missing.xsd", "BUT_PAIN001_XSD"),
        ("BUT_METRICS_TOKEN_FILE", "missing", "BUT_METRICS_TOKEN_FILE missing cannot be read"),
        ("BUT_OIDC_FILE", "missing", "BUT_OIDC_FILE missing cannot be used"),
        ("BUT_DATABASE_POOL", "1", "BUT_DATABASE_POOL must be a whole number, 2 or more"),
    ],
)
def test_the_service_does_not_start(database_url: str, tmp_path: Path, name: str, value: str, said: str) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "broken.yaml").write_text("broken: [")
    shell = Shell(tmp_path, BUT_DATABASE_URL=database_url, **{name: value})
    done = subprocess.run(  # noqa: S603 - our own program; one that starts after all must not be waited for
        [*PROGRAM, "serve", "--port", str(free_port())],
        cwd=tmp_path, env=shell.environment, capture_output=True, text=True, check=False, timeout=SECONDS_MAX,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr

"""The command line as operators and scripts use it: in processes of its own, on a database that others use too."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from but_gateway.db.readiness import head_revision
from but_gateway.identity.keys import make_key_pair
from tests.factories.ports import free_port

PROGRAM = [sys.executable, "-m", "but_gateway"]


class Shell:
    """Runs commands in a folder with settings of its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), "NO_COLOR": "1", **environment}

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own program
            [*PROGRAM, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            input=stdin,
            timeout=120,
            check=False,
        )

    def ok(self, *arguments: str, stdin: str | None = None) -> str:
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def shell(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    made = Shell(tmp_path_factory.mktemp("shell"), BUT_DATABASE_URL=database_url)
    made.ok("municipality", "add", "krefeld", "--name", "Stadt Krefeld", "--ags", "05114000", "--state", "NW", "--sandbox")
    made.ok("account", "add", "caterer", "--name", "Caterer GmbH")
    return made


def test_help_is_quick_and_names_every_command(tmp_path: Path) -> None:
    def seconds() -> float:
        begun = time.perf_counter()
        text = Shell(tmp_path).ok("--help")
        assert all(name in text for name in ("serve", "worker", "doctor", "db", "municipality", "account", "client", "person", "openapi"))
        return time.perf_counter() - begun

    bare = min(_bare_python(tmp_path) for _ in range(3))
    assert min(seconds() for _ in range(5)) < 0.3 + bare


def _bare_python(folder: Path) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import typer"], cwd=folder, check=True, timeout=60)
    return time.perf_counter() - begun


@pytest.mark.parametrize(
    "arguments",
    [
        ("client", "add", "--role", "provider", "--account", "caterer", "--secret", "--json"),
        ("client", "add", "--role", "registrar", "--municipality", "krefeld", "--secret", "--json"),
        ("client", "add", "--role", "registrar", "--role", "auditor", "--municipality", "krefeld", "--json"),
        ("person", "add", "--name", "A. Beispiel", "--role", "finance", "--municipality", "krefeld", "--secret", "--json"),
        ("person", "add", "--role", "clerk", "--role", "orderer", "--name", "B. Beispiel", "--municipality", "krefeld", "--json"),
    ],
)
def test_a_login_is_printed_as_json_and_nothing_else(shell: Shell, arguments: tuple[str, ...]) -> None:
    made = json.loads(shell.ok(*arguments))
    assert set(made) == {"client_id", "client_secret"}
    assert len(made["client_secret"]) >= 40


def test_a_client_with_a_key_gets_no_secret(shell: Shell, tmp_path: Path) -> None:
    _, jwk = make_key_pair()
    (tmp_path / "jwk.json").write_text(json.dumps(jwk))
    add = ("client", "add", "--role", "provider", "--account", "caterer", "--json", "--jwk")
    assert json.loads(shell.ok(*add, str(tmp_path / "jwk.json")))["client_secret"] is None
    assert json.loads(shell.ok(*add, "-", stdin=json.dumps(jwk)))["client_secret"] is None
    for bad in ("{}", "x", json.dumps({**jwk, "d": "x"}), json.dumps({**jwk, "crv": "P-384"})):
        assert shell.run(*add, "-", stdin=bad).returncode == 2
    assert shell.run(*add, str(tmp_path / "missing")).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("municipality", "add", "krefeld", "--name", "x", "--ags", "05114000", "--state", "NW"), 4),
        (("account", "add", "caterer", "--name", "x"), 4),
        (("client", "add", "--role", "provider", "--account", "nobody", "--secret"), 4),
        (("client", "add", "--role", "registrar", "--municipality", "nowhere", "--secret"), 4),
        (("person", "add", "--name", "x", "--role", "clerk", "--municipality", "nowhere"), 4),
        (("municipality", "add", "a b", "--name", "x", "--ags", "05114000", "--state", "NW"), 2),
        (("municipality", "add", "m", "--name", "x", "--ags", "0511", "--state", "NW"), 2),
        (("municipality", "add", "m", "--name", "x", "--ags", "05114000", "--state", "XX"), 2),
        (("municipality", "add", "m"), 2),
        (("client", "add", "--role", "emperor", "--municipality", "krefeld"), 2),
        (("client", "add", "--role", "clerk", "--municipality", "krefeld"), 2),
        (("client", "add", "--role", "provider", "--municipality", "krefeld"), 2),
        (("client", "add", "--role", "provider", "--role", "registrar", "--account", "caterer"), 2),
        (("client", "add", "--role", "registrar", "--account", "caterer"), 2),
        (("person", "add", "--name", "x", "--role", "registrar", "--municipality", "krefeld"), 2),
        (("person", "add", "--name", "x", "--role", "clerk"), 2),
        (("client", "add", "--secret"), 2),
        (("client", "disable", "nobody"), 4),
        (("nonsense",), 2),
    ],
)
def test_what_cannot_be_done_says_so_in_one_line_and_a_code(shell: Shell, arguments: tuple[str, ...], code: int) -> None:
    done = shell.run(*arguments)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_a_lost_login_is_shut_once_and_for_all(shell: Shell) -> None:
    made = json.loads(shell.ok("person", "add", "--name", "C. Beispiel", "--role", "clerk", "--municipality", "krefeld", "--json"))
    assert json.loads(shell.ok("person", "disable", made["client_id"], "--json"))["disabled"] is True
    assert shell.run("person", "disable", made["client_id"]).returncode == 4


def test_persons_of_a_town_with_an_oidc_issuer_get_no_secrets(shell: Shell, tmp_path: Path) -> None:
    issuer = {
        "issuer": "https://sso.example.org", "audience": "but", "jwks_uri": "https://sso.example.org/keys", "roles": {"x": "clerk"},
        "municipalities": ["krefeld"],
    }  # fmt: skip
    (tmp_path / "oidc.json").write_text(json.dumps([issuer]))
    with_issuer = Shell(shell.folder, **{**shell.environment, "BUT_OIDC_FILE": str(tmp_path / "oidc.json")})
    assert with_issuer.run("person", "add", "--name", "x", "--role", "clerk", "--municipality", "krefeld").returncode == 4
    assert with_issuer.run("client", "add", "--role", "auditor", "--municipality", "krefeld").returncode == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BUT_ENV", "test"), ("BUT_DATABASE_URL", "mysql://x"), ("BUT_ISSUER", "but"), ("BUT_RATE_LIMIT_PER_MINUTE", "many"),
        ("BUT_DATABASE_POOL", "0"), ("BUT_LOG_LEVEL", "loud"), ("BUT_DATABASE_URL", "postgresql+asyncpg://nobody@127.0.0.1:1/x"),
    ],
)  # fmt: skip
def test_an_environment_that_does_not_work_is_code_3(shell: Shell, name: str, value: str) -> None:
    done = Shell(shell.folder, **{**shell.environment, name: value}).run("account", "add", "other", "--name", "x")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "changed",
    [
        {"BUT_ISSUER": ""}, {"BUT_ISSUER": "http://but.example.org"}, {"BUT_DATABASE_URL": "embedded:./var/postgres"},
        {"BUT_MASTER_KEY_FILE": "missing.key"},
    ],
)  # fmt: skip
def test_production_refuses_what_is_for_trying_out(shell: Shell, changed: dict[str, str]) -> None:
    production = {**shell.environment, "BUT_ENV": "production", "BUT_ISSUER": "https://but.example.org"}
    done = Shell(shell.folder, **{**production, **changed}).run("serve", "--port", str(free_port()))
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr


def test_the_state_of_the_database_is_told(shell: Shell) -> None:
    assert json.loads(shell.ok("db", "status", "--json")) == {"revision": head_revision(), "head": head_revision()}
    shell.ok("db", "migrate")


def test_another_master_key_is_refused_before_it_locks_a_town_for_ever(tmp_path: Path, new_database: Callable[[], str]) -> None:
    own = Shell(tmp_path, BUT_DATABASE_URL=new_database())
    own.ok("db", "init")
    own.ok("key", "rotate")
    stranger = Shell(tmp_path, **{**own.environment, "BUT_MASTER_KEY_FILE": str(tmp_path / "other.key")})
    add = ("municipality", "add", "moers", "--name", "x", "--ags", "05170024", "--state", "NW")
    assert stranger.run(*add).returncode == 3
    assert own.run(*add).returncode == 0


def test_the_doctor_finds_what_is_wrong_and_says_what_mends_it(shell: Shell) -> None:
    shell.ok("doctor", "--port", str(free_port()))
    away = Shell(shell.folder, **{**shell.environment, "BUT_DATABASE_URL": "postgresql+asyncpg://nobody@127.0.0.1:1/x"})
    done = away.run("doctor", "--json")
    assert done.returncode == 1
    findings = {finding["what"]: finding for finding in json.loads(done.stdout)}
    assert findings["Python"]["mend"] == ""
    assert findings["Database"]["mend"]

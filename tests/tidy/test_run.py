"""The script ``run`` prepares a bare machine, or says in one command what mends it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy.source import ROOT

NEEDS = ("sh", "dirname", "id", "uname", "cat", "cksum", "grep", "mkdir", "rm", "sleep")
# What a lacking Python looks like from outside: it fails on just the question that the script asks.
NO_VENV = 'case "$2" in *ensurepip*) exit 1;; *musl*) exit 1;; esac; exec "{python}" "$@"'
MUSL = 'case "$2" in *musl*) exit 0;; esac; exec "{python}" "$@"'
OLD = 'case "$2" in *version_info*) exit 1;; esac; exec "{python}" "$@"'


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of what ``run`` needs, in a directory whose name has blanks, with a PATH of its own beside it."""
    place = tmp_path / "my clone"
    place.mkdir()
    for name in ("run", "pyproject.toml"):
        shutil.copy2(ROOT / name, place / name)
    shutil.copytree(ROOT / "requirements", place / "requirements")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in NEEDS:
        found = shutil.which(name)
        assert found is not None, name
        (programs / name).symlink_to(found)
    return place


def run(clone: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {"PATH": str(clone.parent / "bin"), "HOME": str(clone.parent), **environment}
    command = [str(clone / "run"), *arguments]
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, cwd="/")  # noqa: S603 - our own script


def python_that(clone: Path, behaviour: str, name: str = "python3") -> Path:
    program = clone.parent / "bin" / name
    program.write_text("#!/bin/sh\n" + behaviour.format(python=sys.executable) + "\n")
    program.chmod(0o755)
    return program


def test_without_arguments_it_tells_what_it_can_do(clone: Path) -> None:
    told = run(clone)
    assert told.returncode == 0
    assert {"./run demo", "./run test", "./run setup"} <= {line[:11].strip() for line in told.stderr.splitlines()}


def test_without_any_python_it_names_the_command_that_brings_one(clone: Path) -> None:
    (clone.parent / "bin" / "apt-get").symlink_to("/bin/false")
    told = run(clone, "setup")
    assert told.returncode == 3
    mend = "brew install" if sys.platform == "darwin" else "apt-get install -y python3 python3-venv"
    assert mend in told.stderr


def test_a_python_too_old_is_passed_over(clone: Path) -> None:
    python_that(clone, OLD)
    told = run(clone, "demo")
    assert told.returncode == 3
    assert "No Python 3.11 to 3.14 was found. This mends it:" in told.stderr


def test_a_named_python_that_does_not_suit_is_refused(clone: Path) -> None:
    told = run(clone, "setup", PYTHON=str(python_that(clone, OLD, "python-old")))
    assert told.returncode == 3
    assert "is not a Python 3.11 to 3.14" in told.stderr


def test_without_the_venv_module_it_names_the_package(clone: Path) -> None:
    python_that(clone, NO_VENV)
    told = run(clone, "setup")
    assert told.returncode == 3
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"apt-get install -y python{version}-venv" in told.stderr
    assert told.stderr.count("sudo") == (os.geteuid() != 0)


def test_on_musl_it_sends_to_the_container(clone: Path) -> None:
    python_that(clone, MUSL)
    told = run(clone, "setup")
    assert told.returncode == 3
    assert "docker compose up --build" in told.stderr


def test_a_refusal_leaves_nothing_behind(clone: Path) -> None:
    python_that(clone, MUSL)
    run(clone, "setup")
    assert sorted(path.name for path in clone.iterdir()) == ["pyproject.toml", "requirements", "run"]


def install(clone: Path) -> None:
    """What a finished installation looks like to the script."""
    venv = clone / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    (venv / "bin" / "but-gateway").write_text('#!/bin/sh\necho "$BUT_DATABASE_URL|$*"\n')
    (venv / "bin" / "but-gateway").chmod(0o755)
    content = (clone / "requirements" / "runtime.txt").read_bytes() + (clone / "pyproject.toml").read_bytes()
    summed = subprocess.run([shutil.which("cksum") or "cksum"], input=content, capture_output=True, check=True).stdout.decode().strip()  # noqa: S603 - as the script sums
    (venv / "but-gateway-lock").write_text(f"runtime {summed} {clone}\n")


def test_a_finished_installation_is_used_as_it_is(clone: Path) -> None:
    """The second run compares the lock, the project file and the place, and installs nothing."""
    install(clone)
    told = run(clone, "verify", "a package")
    assert told.returncode == 0, told.stderr
    assert told.stdout == f"embedded:{clone}/var/postgres|verify a package\n"
    assert told.stderr == ""


def test_of_two_at_once_the_second_waits_for_the_first(clone: Path) -> None:
    lock = clone / ".venv.lock"
    lock.mkdir()
    (lock / "holder").write_text(f"{os.getpid()}\n")
    settings = {"PATH": str(clone.parent / "bin"), "HOME": str(clone.parent)}
    pipe = subprocess.PIPE
    with subprocess.Popen([clone / "run", "doctor"], env=settings, stdout=pipe, stderr=pipe, text=True) as second:  # noqa: S603 - our own
        assert second.stderr is not None
        assert second.stdout is not None
        assert second.stderr.readline() == "Another ./run is preparing .venv; waiting for it\n"
        install(clone)
        shutil.rmtree(lock)
        assert second.stdout.read() == f"embedded:{clone}/var/postgres|doctor\n"
    assert not lock.exists()


def test_a_lock_whose_holder_is_gone_is_nobodys(clone: Path) -> None:
    python_that(clone, MUSL)
    (clone / ".venv.lock").mkdir()
    with subprocess.Popen([shutil.which("true") or "true"]) as gone:  # noqa: S603 - true
        gone.wait()
    (clone / ".venv.lock" / "holder").write_text(f"{gone.pid}\n")
    assert "docker compose up --build" in run(clone, "setup").stderr
    assert not (clone / ".venv.lock").exists()

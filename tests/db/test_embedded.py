"""The embedded server, tried by what users do to it."""

import asyncio
import fcntl
import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from but_gateway.db import embedded, embedded_place
from but_gateway.db.embedded import EmbeddedPostgres, EmbeddedPostgresError, asyncpg_dsn, open_embedded

ROOT = os.geteuid() == 0
NOBODY = 65534
only_as_root = pytest.mark.skipif(not ROOT, reason="needs the right to become another user")
only_as_user = pytest.mark.skipif(ROOT, reason="root may write everywhere")


@pytest.fixture
def server(open_directory: Path, server_programs: Path | None) -> Iterator[EmbeddedPostgres]:
    """A server of the test's own, stopped at its end."""
    one = EmbeddedPostgres(open_directory / uuid4().hex[:8], server_programs, open_directory / "state")
    yield one
    if one.directory.exists():
        (home(one) / "data" / "postgresql.auto.conf").unlink(missing_ok=True)
        one.stop()


def home(server: EmbeddedPostgres) -> Path:
    return embedded_place.find_place(server.directory, server.state_directory).home


def ask(url: str, question: str) -> object:
    async def run() -> object:
        connection = await asyncpg.connect(asyncpg_dsn(url))
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    return asyncio.run(run())


def server_pid(server: EmbeddedPostgres) -> int:
    return int((home(server) / "data" / "postmaster.pid").read_text().split()[0])


def in_process(code: str, **values: object) -> subprocess.Popen[str]:
    given = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    start = "import os\nfrom pathlib import Path, PosixPath\nfrom but_gateway.db.embedded import *\n"
    command = [sys.executable, "-c", start + given + "\n" + textwrap.dedent(code)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603 - our own code


def test_starting_twice_uses_the_running_server(server: EmbeddedPostgres) -> None:
    first = server.start()
    assert server.started_here
    pid = server_pid(server)
    again = EmbeddedPostgres(server.directory, server.bin_directory, server.state_directory)
    assert again.start() == first == server.start()
    assert not again.started_here
    assert server_pid(server) == pid
    assert not again.stop()
    assert server.is_running()


def test_the_last_user_to_leave_stops_it_whoever_started_it(server: EmbeddedPostgres) -> None:
    second = EmbeddedPostgres(server.directory, server.bin_directory, server.state_directory)
    server.start()
    url = second.start()
    assert not server.stop()
    assert ask(url, "SELECT 1") == 1
    assert second.stop()
    assert not second.is_running()
    assert not second.stop()


def test_it_keeps_its_data_over_a_restart(server: EmbeddedPostgres) -> None:
    ask(server.start(), "CREATE TABLE kept AS SELECT 7 AS x")
    assert server.stop()
    assert ask(server.start(), "SELECT x FROM kept") == 7


def test_it_comes_back_after_being_killed(server: EmbeddedPostgres) -> None:
    ask(server.start(), "CREATE TABLE kept AS SELECT 7 AS x")
    os.kill(server_pid(server), signal.SIGKILL)
    assert ask(server.start(), "SELECT x FROM kept") == 7


def test_a_pid_file_whose_number_is_a_strangers_does_not_hinder_it(server: EmbeddedPostgres) -> None:
    server.start()
    pid_file = home(server) / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.stop()
    # As after a crash and a reboot: our own process has the number now.
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    if ROOT:
        owner = (home(server) / "data").stat()
        os.chown(pid_file, owner.st_uid, owner.st_gid)
    assert ask(server.start(), "SELECT 1") == 1


def test_where_the_system_shows_no_working_directories_the_pid_file_and_ps_tell(server: EmbeddedPostgres) -> None:
    server.start()
    place = embedded_place.find_place(server.directory, server.state_directory)
    inner = embedded._Server(place, Path("/usr/bin"))  # noqa: SLF001 - what macOS uses, tried on the system at hand
    assert inner._process_of_pid_file() == [server_pid(server)]  # noqa: SLF001 - as above
    os.kill(server_pid(server), signal.SIGKILL)
    for _ in range(100):
        if not inner._process_of_pid_file():  # noqa: SLF001 - as above
            break
        time.sleep(0.05)
    assert inner._process_of_pid_file() == []  # noqa: SLF001 - as above
    (place.data / "postmaster.pid").write_text("")
    assert inner._process_of_pid_file() == []  # noqa: SLF001 - as above


def test_a_set_up_that_was_cut_short_is_done_again(server: EmbeddedPostgres) -> None:
    half = home(server) / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert ask(server.start(), "SELECT 1") == 1


def test_several_processes_start_it_at_once(server: EmbeddedPostgres) -> None:
    code = """
    server = EmbeddedPostgres(directory, programs, state)
    print(server.started_here, server.start(), server.started_here)
    input()
    server.stop()
    """
    values = {"directory": server.directory, "programs": server.bin_directory, "state": server.state_directory}
    command = textwrap.dedent(code).replace("input()", "import sys; sys.stdout.flush(); import time; time.sleep(1.5)")
    processes = [in_process(command, **values) for _ in range(4)]
    outputs = [process.communicate(timeout=60)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0, 0], outputs
    assert len({url for _, url, _ in outputs}) == 1
    assert sorted(started for _, _, started in outputs) == ["False", "False", "False", "True"]
    assert not server.is_running()


def test_it_outlives_the_crash_of_whoever_started_it(server: EmbeddedPostgres) -> None:
    code = "EmbeddedPostgres(directory, programs, state).start(); os.kill(os.getpid(), 9)"
    process = in_process(code, directory=server.directory, programs=server.bin_directory, state=server.state_directory)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert server.is_running()
    server.start()
    assert not server.started_here
    assert server.stop()  # whoever crashed has left


def test_durability_is_on_and_nothing_listens_on_tcp(server: EmbeddedPostgres) -> None:
    url = server.start()
    wanted = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "listen_addresses": "",
        "jit": "off",
    }
    wanted |= {"TimeZone": "UTC", "server_encoding": "UTF8", "max_connections": "200", "log_error_verbosity": "terse"}
    assert {name: ask(url, f"SELECT current_setting('{name}')") for name in wanted} == wanted
    assert (home(server) / "socket").stat().st_mode & 0o077 == 0


def test_a_path_too_long_for_a_socket_gets_a_private_short_one(open_directory: Path, server_programs: Path | None) -> None:
    state = open_directory / ("s" * 100)
    server = EmbeddedPostgres(open_directory / ("d" * 100), server_programs, state)
    try:
        url = server.start()
        assert ask(url, "SELECT 1") == 1
        socket_directory = Path(str(ask(url, "SELECT current_setting('unix_socket_directories')")).strip('"'))
        assert len(bytes(socket_directory)) < 90
        assert socket_directory.stat().st_mode & 0o077 == 0
        assert server.is_running()
    finally:
        server.stop()
    socket_directory.rmdir()


def test_no_place_short_enough_is_a_clear_refusal(
    open_directory: Path, server_programs: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "SOCKET_PATH_BYTES_MAX", 10)
    server = EmbeddedPostgres(open_directory / "short", server_programs, open_directory / "state")
    with pytest.raises(EmbeddedPostgresError, match="path short enough for a socket"):
        server.start()


def test_a_private_directory_that_is_open_to_others_is_not_used(tmp_path: Path) -> None:
    owner = embedded_place.Owner(os.geteuid(), os.getegid(), switch=False)
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("open", "link"):
        with pytest.raises(PermissionError, match="another user or is open to others"):
            owner.make_directory(tmp_path / name)


def test_a_directory_with_other_things_is_refused(open_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() or NOBODY)
    directory = open_directory / "photos"
    directory.mkdir()
    (directory / "holiday.jpg").touch()
    with pytest.raises(EmbeddedPostgresError, match="is not empty and holds no database of but-gateway"):
        EmbeddedPostgres(directory).start()


def test_data_of_another_major_version_is_refused(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    version = home(server) / "data" / "PG_VERSION"
    ours = version.read_text()
    version.write_text("11\n")
    with pytest.raises(EmbeddedPostgresError, match=r"written by PostgreSQL 11 and here is \d+: back it up .* or set BUT_DATABASE_URL"):
        server.start()
    version.write_text(ours)


def test_a_server_that_cannot_start_says_why_with_its_log(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    with (home(server) / "data" / "postgresql.auto.conf").open("a") as file:
        file.write("work_mem = nonsense\n")
    with pytest.raises(EmbeddedPostgresError, match=r"did not start; its log ends: .*work_mem"):
        server.start()


def test_running_out_of_time_is_said(server: EmbeddedPostgres) -> None:
    with pytest.raises(EmbeddedPostgresError, match="was not ready in time"):
        server.start(timeout_seconds=0.01)


def test_waiting_for_another_starter_ends(server: EmbeddedPostgres) -> None:
    place = embedded_place.find_place(server.directory, server.state_directory)
    lock = place.open_lock("start.lock")
    fcntl.flock(lock, fcntl.LOCK_EX)
    begun = time.monotonic()
    with pytest.raises(EmbeddedPostgresError, match="Another process has been starting or stopping"):
        server.start(timeout_seconds=0.2)
    os.close(lock)
    assert time.monotonic() - begun < 5


def test_missing_programs_name_the_mend(server: EmbeddedPostgres, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match=r"no PostgreSQL to run on this machine .*: set BUT_DATABASE_URL"):
        EmbeddedPostgres(server.directory, tmp_path, server.state_directory).start()


def test_a_platform_without_the_package_names_the_mend(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EmbeddedPostgresError, match=r"no PostgreSQL to run on this machine .*: set BUT_DATABASE_URL"):
        EmbeddedPostgres(server.directory, None, server.state_directory).start()


@pytest.mark.parametrize("url", ["", "embedded:", "postgresql+asyncpg://host/db"])
def test_a_url_that_names_no_embedded_database_is_refused(url: str) -> None:
    with pytest.raises(EmbeddedPostgresError, match=r"embedded:\./var/postgres"):
        open_embedded(url)


def test_a_url_names_the_directory_from_the_working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_embedded("embedded:./var/postgres").directory == tmp_path / "var" / "postgres"
    assert open_embedded("embedded:/srv/data").directory == Path("/srv/data")


@only_as_user
def test_a_directory_that_is_not_writable_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(EmbeddedPostgresError, match=r"cannot be used for a database \(.*\): name another one, or set BUT_DATABASE_URL"):
        EmbeddedPostgres(tmp_path / "below").start()
    with pytest.raises(EmbeddedPostgresError, match=r"cannot be used for a database \(not writable\)"):
        EmbeddedPostgres(tmp_path).start()
    tmp_path.chmod(0o700)


AS_NOBODY = """
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
server = EmbeddedPostgres(directory, programs)
try:
    print(server.start())
except EmbeddedPostgresError as error:
    print(error)
"""


def reachable_programs(server_programs: Path | None, open_directory: Path) -> Path:
    if server_programs is not None:
        return server_programs
    return embedded_place.reachable_copy(embedded.shipped_programs(), open_directory / "state")


@only_as_root
def test_an_ordinary_user_keeps_it_in_the_directory_itself_and_root_can_use_it_too(
    open_directory: Path, server_programs: Path | None
) -> None:
    directory = open_directory / "theirs"
    directory.mkdir(mode=0o700)
    os.chown(directory, NOBODY, NOBODY)
    programs = reachable_programs(server_programs, open_directory)
    output = in_process(AS_NOBODY + "server.stop()", directory=directory, programs=programs).communicate(timeout=60)[0]
    assert output.startswith("postgresql+asyncpg://"), output
    assert (directory / "data" / "PG_VERSION").stat().st_uid == NOBODY

    as_root = EmbeddedPostgres(directory, server_programs, open_directory / "state")
    assert ask(as_root.start(), "SELECT 1") == 1
    assert as_root.stop()
    assert not (directory / "WHERE.txt").exists()
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {entry.stat().st_uid for entry in directory.iterdir()} == {NOBODY}

    output = in_process(AS_NOBODY + "server.stop()", directory=directory, programs=programs).communicate(timeout=60)[0]
    assert output.startswith("postgresql+asyncpg://"), output


@only_as_root
def test_as_root_the_directory_says_where_the_data_lies_and_others_are_sent_away(server: EmbeddedPostgres, open_directory: Path) -> None:
    server.start()
    note = (server.directory / "WHERE.txt").read_text()
    assert str(home(server)) in note
    assert home(server).parent == server.state_directory
    assert (home(server) / "data").stat().st_uid != 0
    programs = reachable_programs(server.bin_directory, open_directory)
    output = in_process(AS_NOBODY, directory=server.directory, programs=programs).communicate(timeout=60)[0]
    assert "was made by root and lies in" in output
    assert "Run as root, or name another directory." in output


@only_as_root
def test_an_ordinary_user_is_refused_another_users_directory(open_directory: Path) -> None:
    directory = open_directory / "roots"
    directory.mkdir(mode=0o755)
    output = in_process(AS_NOBODY, directory=directory, programs=None).communicate(timeout=60)[0]
    assert "cannot be used for a database (not writable)" in output


@only_as_root
def test_programs_in_a_closed_place_are_copied_and_no_mode_is_changed(open_directory: Path) -> None:
    closed = open_directory / "closed"
    embedded_place.reachable_copy(embedded.shipped_programs(), closed)
    closed.chmod(0o700)
    programs = next(closed.glob("server-*/*/*/bin"))
    server = EmbeddedPostgres(open_directory / "copied", programs, open_directory / "copies")
    try:
        assert ask(server.start(), "SELECT 1") == 1
    finally:
        server.stop()
    assert closed.stat().st_mode & 0o777 == 0o700
    assert len(list((open_directory / "copies").glob("server-*"))) == 1


@only_as_root
def test_root_without_any_unprivileged_user_is_told_so(open_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_place, "_USERS", ("no-such-user",))
    with pytest.raises(EmbeddedPostgresError, match="there is no unprivileged user: run `useradd --system but-gateway`"):
        EmbeddedPostgres(open_directory / "nobody", None, open_directory / "state").start()

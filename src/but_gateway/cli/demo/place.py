"""Where the demo lives: a folder of its own with a database of its own, and a port of the loopback address."""

import errno
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from but_gateway.cli.demo import store
from but_gateway.cli.report import CommandError, Exit
from but_gateway.db.embedded import EmbeddedPostgres, EmbeddedPostgresError
from but_gateway.settings import PRODUCTION

HOST: Final = "127.0.0.1"
_MARK: Final = "THIS-IS-A-DEMO.txt"
_MARK_TEXT: Final = "but-gateway demo keeps its made-up town here and empties this folder whenever it starts.\n"


def refuse_production() -> None:
    """The demo's secrets are public: where real money is at stake there is none (CommandError)."""
    if os.environ.get("BUT_ENV") == PRODUCTION:
        raise CommandError("The demo makes logins whose secrets everybody knows; with BUT_ENV=production it does not start.")


def refuse_taken_port(port: int) -> None:
    """Refuses a port that something else listens on (CommandError)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will do: a port just left is free
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EACCES:
                text = f"Port {port} of {HOST} is reserved on this machine. Name another:  but-gateway demo --port 8081"
            else:
                text = f"Port {port} of {HOST} is taken by another program. Name a free one:  but-gateway demo --port {port + 1}"
            raise CommandError(text, Exit.CONFLICT) from None


def claim_folder(folder: Path) -> None:
    """Makes the folder where it is missing, and marks it as the demo's.

    Refuses a folder with other things in it, and one that cannot be written (CommandError).
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        mark = folder / _MARK
        if not mark.exists():
            if any(folder.iterdir()):
                raise CommandError(f"{folder} holds other things. Name an empty or a new folder with --out.", Exit.CONFLICT)
            mark.write_text(_MARK_TEXT, "utf-8")
    except OSError as error:
        raise CommandError(f"{folder} cannot be used ({error.strerror}). Name another folder with --out.") from None


@asynccontextmanager
async def database_in(folder: Path) -> AsyncIterator[str]:
    """The URL of an empty database on a server of the folder's own, which runs as long as the block; what the last demo left goes.

    Refuses when another demo works in the folder, or the server cannot be started (CommandError).
    """
    server = EmbeddedPostgres((folder / "postgres").absolute())
    try:
        url = server.start()
        if not server.started_here:
            # One that ran already is another demo's, or was left behind by one that crashed: then it ends with our leaving.
            if not server.stop():
                raise CommandError(f"Another demo is running in {folder}. Stop it, or name another folder with --out.", Exit.CONFLICT)
            url = server.start()
    except EmbeddedPostgresError as error:
        raise CommandError(str(error)) from None
    try:
        for left in ("package", "keys"):  # only now: they might have been a running demo's
            shutil.rmtree(folder / left, ignore_errors=True)
        yield await store.renew_database(url)
    finally:
        server.stop()

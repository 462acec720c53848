"""``but-gateway serve`` and ``worker``: the service with an embedded database where none is given, and the background work alone."""

import asyncio
import gc
import signal
import socket
import sys
from dataclasses import replace
from types import FrameType
from typing import Annotated, NoReturn

import typer

from but_gateway.cli.place import migrate, opened, settings_of_environment
from but_gateway.cli.report import CommandError, say, tell
from but_gateway.settings import Settings, SettingsError

# What serve tells as its own address when it listens on all of them.
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound
_BACKLOG = 2048


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8080,
) -> None:
    """Serve the API and its pages until Ctrl-C; an embedded database is started and migrated by itself."""
    settings = settings_of_environment()
    if not settings.issuer_is_set:
        settings = replace(settings, issuer=f"http://{'127.0.0.1' if host in _EVERYWHERE else host}:{port}")
    with _until_told_to_stop(), _listening(host, port) as listener, opened(settings) as ready:
        if settings.embedded:
            migrate(ready)
        _prepare(ready)
        _serve(ready, listener)


def worker() -> None:
    """Do the background work alone (large imports); of several processes one leads."""
    settings = settings_of_environment()
    with _until_told_to_stop(), opened(settings) as ready:
        _prepare(ready)
        asyncio.run(_work(ready))


class _until_told_to_stop:  # noqa: N801 - reads as what it is: with _until_told_to_stop()
    """Ctrl-C and SIGTERM end the block in order, without a traceback: whatever was opened in it is closed."""

    def __enter__(self) -> None:
        signal.signal(signal.SIGTERM, self._leave)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> bool:
        stopped = isinstance(error, KeyboardInterrupt) or (isinstance(error, SystemExit) and not error.code)
        if stopped or kind is None:
            tell("Stopped.")
        return stopped

    @staticmethod
    def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(0)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        text = f"{host}:{port} cannot be listened on ({error.strerror}). Try: but-gateway serve --port {port + 1}"
        raise CommandError(text) from None


def _prepare(settings: Settings) -> None:
    """Keys and logs. Refuses a missing or unfit master key, and a database that may lose what was answered."""
    from but_gateway.db.fields import MasterKey, MasterKeyError  # noqa: PLC0415 - help must not pay for it
    from but_gateway.identity.oidc import OidcFileError, read_issuers  # noqa: PLC0415 - as above
    from but_gateway.web.logs import configure_logs  # noqa: PLC0415 - as above

    try:
        if settings.makes_keys and not settings.master_key_file.exists():
            MasterKey.make(settings.master_key_file)
        MasterKey.read(settings.master_key_file)
        read_issuers(settings.oidc_file)
    except (MasterKeyError, OidcFileError) as error:
        raise CommandError(str(error)) from None
    asyncio.run(_refuse_forgetful(settings))
    configure_logs(settings.log_level)


async def _refuse_forgetful(settings: Settings) -> None:
    from but_gateway.db.connect import connect  # noqa: PLC0415 - help must not pay for the driver
    from but_gateway.db.readiness import forgetful  # noqa: PLC0415 - as above
    from but_gateway.db.trouble import Trouble, trouble_of  # noqa: PLC0415 - as above

    try:
        async with connect(settings.database_url, role=None) as connection:
            faults = await forgetful(connection)
    except Exception as error:
        if trouble_of(error) is Trouble.AWAY:
            return  # it starts all the same and is not ready until the database is there
        raise
    if faults:
        raise CommandError(f"{faults[0]}. Mend it with: ALTER SYSTEM SET {faults[0].split(maxsplit=1)[0]} = on; SELECT pg_reload_conf();")


def _collect_seldom() -> None:
    """Lets the garbage collector rest: an invoice makes a hundred thousand small objects, nearly all freed by counting.

    Collecting after every 700 of them, as Python does by default, cost a third of an invoice's time; ``make bench`` shows it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def _serve(settings: Settings, listener: socket.socket) -> None:
    import uvicorn  # noqa: PLC0415 - help must not pay for it

    from but_gateway.app import create_app  # noqa: PLC0415 - as above
    from but_gateway.web.connections import BoundedHead  # noqa: PLC0415 - as above

    class Server(uvicorn.Server):
        """Says when it is ready."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            """Starts listening, then waits in the background until the service is ready."""
            await super().startup(sockets)
            self.announcing = asyncio.create_task(self._announce())

        async def _announce(self) -> None:
            while await app.state.readiness.faults():  # noqa: ASYNC110 - a database elsewhere sends no event when it is there
                await asyncio.sleep(0.5)
            say(f"but-gateway is ready: {settings.issuer} (docs: {settings.issuer}/docs)")

    try:
        app = create_app(settings)
    except SettingsError as error:
        raise CommandError(str(error)) from None
    _collect_seldom()
    config = uvicorn.Config(
        app,
        http=BoundedHead,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing here asks for a client's address, so nobody need be believed who names one
        timeout_graceful_shutdown=settings.shutdown_seconds,
        lifespan="on",
    )
    Server(config).run(sockets=[listener])


async def _work(settings: Settings) -> None:
    from but_gateway.app import open_worker  # noqa: PLC0415 - help must not pay for it

    async with open_worker(settings) as working:
        say("but-gateway worker is at work")
        await working

"""``but-gateway serve``: the service, with an embedded database where none is given."""

import asyncio
import signal
import sys
from dataclasses import replace
from socket import socket
from types import FrameType
from typing import Annotated, NoReturn

import typer

from but_gateway.cli.place import migrate, opened, settings_of_environment
from but_gateway.cli.report import CommandError, say, tell
from but_gateway.settings import Settings


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8080,
) -> None:
    """Serve the API and its pages until Ctrl-C; an embedded database is started and migrated by itself."""
    # Whoever ends us wants us to end in order; the embedded database must be left on every way out.
    signal.signal(signal.SIGTERM, _leave)
    settings = settings_of_environment()
    if not settings.issuer_is_set:
        settings = replace(settings, issuer=f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}")  # noqa: S104 - comparing, not binding
    embedded = settings.embedded
    try:
        with opened(settings) as ready:
            if embedded:
                migrate(ready)
            _serve(ready, host, port)
    except KeyboardInterrupt:
        pass
    tell("Stopped.")


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


def _serve(settings: Settings, host: str, port: int) -> None:
    import uvicorn  # noqa: PLC0415 - help must not pay for it

    from but_gateway.app import create_app  # noqa: PLC0415 - as above
    from but_gateway.db.fields import MasterKey, MasterKeyError  # noqa: PLC0415 - as above
    from but_gateway.web.logs import configure_logs  # noqa: PLC0415 - as above

    try:
        if settings.makes_keys:
            MasterKey.make(settings.master_key_file)
        MasterKey.read(settings.master_key_file)
    except MasterKeyError as error:
        raise CommandError(str(error)) from None
    configure_logs(settings.log_level)

    class Server(uvicorn.Server):
        """Says when it is ready."""

        async def startup(self, sockets: list[socket] | None = None) -> None:
            """Starts listening, then waits in the background until the service is ready."""
            await super().startup(sockets)
            self.announcing = asyncio.create_task(self._announce())

        async def _announce(self) -> None:
            while await app.state.readiness.faults():  # noqa: ASYNC110 - a database elsewhere sends no event when it is there
                await asyncio.sleep(0.5)
            say(f"but-gateway is ready: {settings.issuer} (docs: {settings.issuer}/docs)")

    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        lifespan="on",
    )
    Server(config).run()

"""The service, served on the loopback address as ``but-gateway serve`` serves it, beside what the demo itself does."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

import uvicorn

from but_gateway.app import create_app
from but_gateway.cli.demo.place import HOST
from but_gateway.cli.report import CommandError, Exit
from but_gateway.settings import Settings
from but_gateway.web.connections import BoundedHead
from but_gateway.web.logs import configure_logs

_POLL_SECONDS: Final = 0.02
_GRACEFUL_SECONDS: Final = 5


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs it: the demo has more to end than the server."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


@asynccontextmanager
async def served(settings: Settings, port: int) -> AsyncIterator[str]:
    """Serves as long as the block; gives the base URL once the service is ready. Refuses when it does not start (CommandError)."""
    configure_logs("error")
    app = create_app(settings)
    config = uvicorn.Config(
        app, http=BoundedHead, host=HOST, port=port, log_config=None, access_log=False, server_header=False, lifespan="on",
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
    )  # fmt: skip
    server = _Server(config)
    serving = asyncio.create_task(_serve(server))
    try:
        while not server.started or await app.state.readiness.faults():
            if serving.done():
                raise CommandError(f"The service did not start on port {port} of {HOST}.", Exit.CONFLICT)
            await asyncio.sleep(_POLL_SECONDS)
        yield settings.issuer
    finally:
        server.should_exit = True
        await serving


async def _serve(server: uvicorn.Server) -> None:
    with suppress(SystemExit):  # uvicorn's way to say that it could not bind; whoever waits sees that it has ended
        await server.serve()

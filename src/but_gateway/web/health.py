"""Is the process alive, may it be sent work, and its figures."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse

from but_gateway.db.engine import Database
from but_gateway.db.readiness import faults_of
from but_gateway.db.trouble import trouble_of
from but_gateway.web.metrics import MEDIA_TYPE, Metrics
from but_gateway.web.problems import Fault, NotFound, Problem, Text, declare

router = APIRouter(tags=["Betrieb"])
_ALIVE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "antwortet", "content": {"application/json": {"example": {"status": "ok"}}}}
}


class NotReady(Problem):
    """The service runs but cannot work: the database is away, not migrated or not durable."""

    status = 503
    code = "not_ready"
    title = Text("Nicht bereit", "Not ready")
    default_detail = Text("Der Dienst läuft, kann aber noch nicht arbeiten.", "The service runs but cannot work yet.")


@dataclass(frozen=True, slots=True)
class Readiness:
    """Asks the database whether it can be worked on, then the others. ``head`` is the revision this release needs."""

    database: Database
    head: str
    others: tuple[Callable[[], Awaitable[str | None]], ...] = ()

    async def faults(self) -> list[str]:
        """Why not; empty when ready."""
        try:
            async with self.database.pool.acquire(timeout=3) as connection:
                faults = await faults_of(connection, self.head)
            return faults or [fault for other in self.others if (fault := await other())]
        except Exception as error:  # noqa: BLE001 - whatever the driver says, the service is not ready
            return ["the database does not answer" if trouble_of(error) else "the database is not migrated, or this login may not use it"]


@router.get("/health/live", summary="Läuft der Prozess?", description="Sagt nur, dass der Prozess antwortet.", responses=_ALIVE)
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get(
    "/health/ready",
    summary="Kann der Dienst arbeiten?",
    description="Fragt die Datenbank: erreichbar, migriert, richtige Rolle, dauerhaft gespeichert.",
    responses={**_ALIVE, **declare(NotReady)},
)
async def ready(request: Request) -> JSONResponse:
    """The service can work."""
    readiness: Readiness = request.app.state.readiness
    faults = await readiness.faults()
    if faults:
        raise NotReady(faults=[Fault("", "not_ready", Text(f, f)) for f in faults], headers={"Retry-After": "2"})
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, authorization: Annotated[str, Header()] = "") -> Response:
    """The figures, for whoever has the token of BUT_METRICS_TOKEN_FILE."""
    token: str | None = request.app.state.metrics_token
    if token is None or not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
        raise NotFound
    figures: Metrics = request.app.state.metrics
    return Response(figures.text(), media_type=MEDIA_TYPE)

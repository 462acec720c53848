"""The one place that wires: settings, database, logins, middleware, the rooms' endpoints, background work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from but_gateway.db.engine import Database
from but_gateway.db.fields import MasterKey
from but_gateway.db.readiness import head_revision
from but_gateway.formats.hkr_profile import ProfileError, load_profiles
from but_gateway.formats.pain001 import BrokenSchemaError, load_schema
from but_gateway.identity import endpoints as identity_endpoints
from but_gateway.identity.authenticator import Authenticator
from but_gateway.identity.directory import Directory
from but_gateway.identity.issuer import Issuer
from but_gateway.identity.middleware import Authentication
from but_gateway.identity.oidc import KeySet, read_issuers
from but_gateway.jobs.grant_imports import GrantImports
from but_gateway.jobs.payment_terms import PaymentTerms
from but_gateway.jobs.redecisions import Redecisions
from but_gateway.jobs.sealing import Sealing
from but_gateway.jobs.worker import Worker, sweeps_of
from but_gateway.kit.clock import Clock, SystemClock
from but_gateway.procedures.changes import endpoints as changes
from but_gateway.procedures.eligibility import endpoints as eligibility
from but_gateway.procedures.eligibility.express import SUFFIX, Express
from but_gateway.procedures.intake import endpoints as intake
from but_gateway.procedures.reconciliation import endpoints as reconciliation
from but_gateway.procedures.reporting import endpoints as reporting
from but_gateway.procedures.review import endpoints as review
from but_gateway.procedures.settlement import endpoints as settlement
from but_gateway.procedures.settlement import remittance_endpoints as remittances
from but_gateway.procedures.settlement.package import PackageOptions
from but_gateway.procedures.submission import endpoints as submission
from but_gateway.procedures.verification import endpoints as verification
from but_gateway.registers.entitlements import endpoints as entitlements
from but_gateway.registers.facilities import endpoints as facilities
from but_gateway.registers.municipalities import endpoints as municipalities
from but_gateway.registers.providers import endpoints as providers
from but_gateway.registers.rulebook import endpoints as rulebook
from but_gateway.settings import Settings, SettingsError
from but_gateway.web import health, pages
from but_gateway.web.errors import problem_for, response_for
from but_gateway.web.health import Readiness
from but_gateway.web.limits import RateLimiter
from but_gateway.web.metrics import Metrics
from but_gateway.web.middleware import Envelope
from but_gateway.web.problems import Problem, language_of

# Checks first, for routes are tried in this order; then in the order of the work: what the office knows, what it does.
ROOMS: Final = (
    eligibility,
    rulebook,
    municipalities,
    facilities,
    providers,
    entitlements,
    intake,
    submission,
    review,
    settlement,
    remittances,
    reconciliation,
    reporting,
    changes,
    verification,
)


def create_app(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """The service. It opens its database when it starts and does not wait for it: without one it answers, but is not ready."""
    app = FastAPI(
        title="but-gateway",
        version="1",
        lifespan=lambda app: _run(app, settings, clock or SystemClock()),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # ours is in web/; asking the framework's costs every request
        generate_unique_id_function=lambda route: route.name,
    )
    metrics = Metrics()
    app.state.metrics = metrics
    app.state.base_url = settings.issuer
    app.state.metrics_token = _read_token(settings.metrics_token_file)
    app.state.package_options = _package_options(settings)
    for room in (identity_endpoints.router, *(room.router for room in ROOMS), health.router, pages.router):
        app.include_router(room)
    # The last one added is the outermost.
    app.add_middleware(Express)
    app.add_middleware(Authentication, limiter=RateLimiter(settings.rate_limit_per_minute))
    app.add_middleware(
        Envelope,
        metrics=metrics,
        in_flight_max=settings.in_flight_max,
        receive_timeout_seconds=settings.receive_timeout_seconds,
        crowded=lambda path: _is_crowded(app, path),
    )
    for kind in (Problem, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _answer)
    return app


def _is_crowded(app: FastAPI, path: str) -> bool:
    """Whether so many requests wait for a connection that one more would be refused. Checks have queues of their own."""
    database: Database | None = getattr(app.state, "database", None)
    return database is not None and database.is_crowded and path.startswith("/v1/") and SUFFIX not in path


async def _answer(request: Request, error: Exception) -> Response:
    return response_for(problem_for(error), language_of(request.headers.get("accept-language")), request.state.request_id)


@asynccontextmanager
async def _run(app: FastAPI, settings: Settings, clock: Clock) -> AsyncIterator[None]:
    """Opens what requests need and closes it after the last one was answered."""
    database = await _open_database(settings)
    master_key = _master_key(settings)
    async with httpx.AsyncClient() as client:
        issuer = Issuer(settings.issuer, database, master_key, clock)
        directory = Directory(database, master_key)
        app.state.database = database
        app.state.clock = clock
        app.state.issuer = issuer
        app.state.directory = directory
        app.state.authenticator = Authenticator(issuer, {e.issuer: KeySet(e, client, clock) for e in read_issuers(settings.oidc_file)})
        app.state.metrics.gauge("but_database_connections", "Connections open to the database", database.connections)
        app.state.readiness = Readiness(database, head_revision(), (issuer.fault,))
        try:
            async with _working(database, directory, clock, issuer) as (worker, redecisions, _):
                app.state.worker = worker
                worker.on_round, worker.on_failure = app.state.metrics.round_done, app.state.metrics.round_failed
                app.state.follow_up = redecisions.follow_up
                yield
        finally:
            await database.close()


@asynccontextmanager
async def open_worker(settings: Settings, clock: Clock | None = None) -> AsyncIterator[asyncio.Task[None]]:
    """The background work alone, as a task that ends with the block."""
    clock = clock or SystemClock()
    database = await _open_database(settings)
    master_key = _master_key(settings)
    try:
        issuer = Issuer(settings.issuer, database, master_key, clock)
        async with _working(database, Directory(database, master_key), clock, issuer) as (_, _, task):
            yield task
    finally:
        await database.close()


@asynccontextmanager
async def _working(
    database: Database, directory: Directory, clock: Clock, issuer: Issuer
) -> AsyncIterator[tuple[Worker, Redecisions, asyncio.Task[None]]]:
    redecisions = Redecisions(database, directory, clock)
    imports, terms = GrantImports(database, directory, clock), PaymentTerms(database, directory, clock)
    # Sealing comes last: it is never in a hurry, and whatever it meets keeps nothing else waiting.
    worker = Worker(database, sweeps_of(imports, redecisions, terms, Sealing(database, directory, clock, issuer)))
    redecisions.wake = worker.wake
    task = asyncio.create_task(worker.run())
    try:
        yield worker, redecisions, task
    finally:
        worker.stop()
        await task


async def _open_database(settings: Settings) -> Database:
    database = await Database.open(settings.database_url, pool_size=settings.database_pool)
    await database.start()
    return database


def _master_key(settings: Settings) -> MasterKey:
    made = settings.makes_keys and not settings.master_key_file.exists()
    return MasterKey.make(settings.master_key_file) if made else MasterKey.read(settings.master_key_file)


def _package_options(settings: Settings) -> PackageOptions:
    """Profiles and schema of packages. A mistake in one of them stops the start, not the hand-over of a batch."""
    try:
        schema = None if settings.pain001_xsd is None else load_schema(settings.pain001_xsd)
        return PackageOptions(load_profiles(settings.hkr_profiles), schema)
    except ProfileError as error:
        raise SettingsError(f"BUT_HKR_PROFILES: {error}") from error
    except BrokenSchemaError as error:
        raise SettingsError(f"BUT_PAIN001_XSD: {error}") from error


def _read_token(path: Path | None) -> str | None:
    try:
        return path.read_text("ascii").strip() or None if path is not None else None
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"BUT_METRICS_TOKEN_FILE {path} cannot be read") from None

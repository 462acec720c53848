"""A whole instance for tests: the app as it is served, on a database of its own, called without a network."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI

from but_gateway.app import create_app
from but_gateway.db.connect import connect
from but_gateway.db.fields import MasterKey
from but_gateway.identity import clients
from but_gateway.identity.issuer import Issuer
from but_gateway.identity.principal import PERSON_ROLES, Role, Town
from but_gateway.kit.clock import Clock, SystemClock
from but_gateway.settings import Settings

ISSUER = "http://127.0.0.1:8080"


@dataclass(frozen=True)
class Instance:
    """The app, a client for it, and what the operator can do."""

    app: FastAPI
    http: httpx.AsyncClient
    database_url: str
    master_key: MasterKey
    clock: Clock

    @property
    def issuer(self) -> Issuer:
        issuer: Issuer = self.app.state.issuer
        return issuer

    async def town(self, key: str, *, sandbox: bool = True, state: str = "NW") -> Town:
        async with connect(self.database_url) as connection:
            return await clients.add_town(
                connection, self.master_key, key=key, name=key.title(), ags="05999000", state=state, sandbox=sandbox, at=self.clock.now()
            )

    async def account(self, key: str) -> str:
        async with connect(self.database_url) as connection:
            await clients.add_account(connection, key=key, name=key.title(), at=self.clock.now())
        return key

    async def client(
        self, *roles: Role, town: str | None = None, accounts: Iterable[str] = (), jwk: dict[str, Any] | None = None
    ) -> clients.Made:
        """A client with these roles; a person where a role is for persons only."""
        person = set(roles) <= PERSON_ROLES and roles != (Role.AUDITOR,)
        async with connect(self.database_url) as connection:
            return await clients.add_client(
                connection,
                kind=clients.PERSON if person else clients.MACHINE,
                name="Beispiel",
                roles=roles,
                municipality=town,
                accounts=tuple(accounts),
                jwk=jwk,
                at=self.clock.now(),
            )

    async def token(self, *roles: Role, town: str | None = None, accounts: Iterable[str] = ()) -> str:
        """A token of a new client, asked for as clients do."""
        made = await self.client(*roles, town=town, accounts=accounts)
        answer = await self.http.post(
            "/oauth2/token", data={"grant_type": "client_credentials"}, auth=(made.client_id, made.client_secret or "")
        )
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    async def bearer(self, *roles: Role, town: str | None = None, accounts: Iterable[str] = ()) -> dict[str, str]:
        """The header that a new client sends."""
        return {"Authorization": f"Bearer {await self.token(*roles, town=town, accounts=accounts)}"}


@asynccontextmanager
async def running(
    database_url: str, folder: Path, *routers: APIRouter, clock: Clock | None = None, settings: Settings | None = None
) -> AsyncIterator[Instance]:
    """An instance on a migrated database, with more routers where a test brings its own."""
    key_file = folder / "master.key"
    master_key = MasterKey.make(key_file)
    chosen = replace(settings or Settings(), database_url=database_url, master_key_file=key_file, issuer=ISSUER)
    clock = clock or SystemClock()
    app = create_app(chosen, clock)
    for router in routers:
        app.include_router(router)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as client:
            yield Instance(app, client, database_url, master_key, clock)

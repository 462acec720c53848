"""The served gateway with towns, accounts and callers, spoken to over HTTP in one process."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

from but_gateway.app import create_app
from but_gateway.db.fields import MasterKey
from but_gateway.db.tenancy import Scope
from but_gateway.identity import clients
from but_gateway.identity.principal import Role, Town
from but_gateway.kit.clock import SystemClock
from but_gateway.settings import Settings

JSON = Any
NOON = "2026-11-02T11:00:00Z"  # a Monday
SCHOOL: JSON = {
    "name": "Schule S1",
    "kind": "school",
    "open_weekdays": [1, 2, 3, 4, 5],
    "observes_school_holidays": True,
    "closed": [],
    "cooperating_school": None,
}
CATERER: JSON = {
    "account": None,
    "name": "Mensa Rheinland GmbH",
    "kind": "caterer",
    "status": "active",
    "suspended_from": None,
    "undertaking_signed_on": "2018-06-01",
    "creditor_number": "0700101",
    "contact_email": "abrechnung@c1.example",
    "vat_id": "DE123456789",
    "tax_number": "5117/5432/0001",
}
TERMS: JSON = {
    "valid_from": "2026-01-01",
    "valid_to": "2027-07-31",
    "mode": "per_use",
    "evidence": "dates",
    "drink_included": False,
    "late_cancellation_share": None,
    "absence_threshold_days": None,
    "min_period_months": 0,
    "submission_months": None,
    "late_effect": None,
    "tutoring": None,
}
LUNCH: JSON = {
    "provider": "c1",
    "benefit": "lunch",
    "facilities": ["s1"],
    **TERMS,
    "prices": [
        {"item": "lunch", "valid_from": "2026-01-01", "unit_price": "4.20"},
        {"item": "lunch", "valid_from": "2026-09-16", "unit_price": "4.50"},
    ],
    "vat_treatment": "catering_service",
}
TUTORING: JSON = {
    "provider": "t1",
    "benefit": "tutoring",
    "facilities": [],
    **TERMS,
    "prices": [
        {"item": "individual", "valid_from": "2026-01-01", "unit_price": "22.50"},
        {"item": "group", "valid_from": "2026-01-01", "unit_price": "12.00"},
    ],
    "vat_treatment": "exempt_4_21",
    "tutoring": {
        "unit_minutes": 45,
        "group_max": 4,
        "minutes_rule": "pro_rata",
        "absence_share": "0.50",
        "absences_per_month": 1,
        "units_per_day_max": 4,
    },
}


@dataclass(slots=True)
class Caller:
    """Somebody with a token; ``base`` is the town they speak to."""

    http: httpx.AsyncClient
    base: str
    headers: dict[str, str]

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(self.base + path, headers=self.headers | named(headers))

    async def put(self, path: str, body: JSON, **headers: str) -> httpx.Response:
        return await self.http.put(self.base + path, json=body, headers=self.headers | named(headers))

    async def post(self, path: str, body: JSON = None, **headers: str) -> httpx.Response:
        sent = {"idempotency-key": str(uuid4())} | self.headers | named(headers)
        return await self.http.post(self.base + path, headers=sent, **({} if body is None else {"json": body}))

    def at(self, moment: str) -> "Caller":
        """The same caller at another time."""
        return Caller(self.http, self.base, self.headers | {"Test-Clock": moment})

    def in_town(self, key: str) -> "Caller":
        """The same token in another town's address."""
        return Caller(self.http, f"/v1/municipalities/{key}", self.headers)


@dataclass(slots=True)
class Office:
    """An instance; towns are made as needed."""

    app: FastAPI
    http: httpx.AsyncClient
    master_key: MasterKey
    towns: dict[str, Town] = field(default_factory=dict)

    async def town(self, state: str = "NW", *, sandbox: bool = True) -> str:
        """A new town; gives its key."""
        key = f"town-{uuid4().hex[:8]}"
        async with self.app.state.database.pool.acquire() as connection:
            made = clients.add_town(
                connection,
                self.master_key,
                key=key,
                name="Musterstadt",
                ags="05999001",
                state=state,
                sandbox=sandbox,
                at=SystemClock().now(),
            )
            self.towns[key] = await made
        return key

    async def account(self) -> str:
        """A new account; gives its key."""
        key = f"account-{uuid4().hex[:8]}"
        async with self.app.state.database.pool.acquire() as connection:
            await clients.add_account(connection, key=key, name="Mensa Rheinland GmbH", at=SystemClock().now())
        return key

    async def staff(self, town: str, *roles: Role, name: str | None = None) -> Caller:
        """Somebody of the town's office; the same name is the same person."""
        client = name or f"x-{uuid4().hex}"
        token = await self.app.state.issuer.issue(client, roles, (), town, 600)
        clock = {"Test-Clock": NOON} if self.towns[town].sandbox else {}
        return Caller(self.http, f"/v1/municipalities/{town}", {"Authorization": f"Bearer {token}", **clock})

    async def provider(self, town: str, *accounts: str) -> Caller:
        """A provider's machine that speaks to a town."""
        token = await self.app.state.issuer.issue(f"m-{uuid4().hex}", [Role.PROVIDER], accounts, None, 600)
        return Caller(self.http, f"/v1/municipalities/{town}", {"Authorization": f"Bearer {token}"})

    def scope(self, town: str) -> Scope:
        """The scope of a town's own transactions."""
        return Scope(self.towns[town].id)


@asynccontextmanager
async def open_office(url: str, folder: Path) -> AsyncIterator[Office]:
    """Serves a migrated database."""
    settings = Settings(database_url=url, master_key_file=folder / "master.key")
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.example") as http:
            yield Office(app, http, MasterKey.read(folder / "master.key"))


def named(headers: Mapping[str, str]) -> dict[str, str]:
    """``if_match`` is the header If-Match."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def faults(response: httpx.Response) -> dict[str, str]:
    """Pointer → code of everything a refusal complains about."""
    assert response.status_code == 422, response.text
    return {fault["pointer"]: fault["code"] for fault in response.json()["errors"]}

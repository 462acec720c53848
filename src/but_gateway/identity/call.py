"""One call of an operation: who, where, when, in which language – and the transactions it may open."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Path, Request, Response

from but_gateway.db.engine import Database
from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.db.tenancy import Scope
from but_gateway.db.trouble import is_deadlock
from but_gateway.identity.principal import Principal, Role, Town
from but_gateway.kit.clock import Clock, business_day
from but_gateway.web.answers import Answer
from but_gateway.web.idempotency import once
from but_gateway.web.problems import Language

ATTEMPTS: Final = 4


@dataclass(frozen=True, slots=True)
class Call:
    """What every operation of a town gets. ``provider_id`` is the town's record of the calling provider, None for staff."""

    database: Database
    principal: Principal
    town: Town
    keys: TownKeys
    provider_id: UUID | None
    clock: Clock
    machine_clock: Clock  # never moved by a Test-Clock: idempotency, limits, audit
    language: Language
    request_id: str
    idempotency_key: str | None
    request_hash: bytes  # SHA-256 of method, path, query and raw body

    def now(self) -> datetime:
        """The moment of this call: the machine's clock, in a sandbox the Test-Clock."""
        return self.clock.now()

    def today(self) -> date:
        """The business day of this call in Europe/Berlin."""
        return business_day(self.clock.now())

    @property
    def is_provider(self) -> bool:
        """Whether a provider calls, who must not see what staff sees."""
        return self.provider_id is not None

    def has(self, *roles: Role) -> bool:
        """Whether the caller has one of the roles."""
        return self.principal.has(*roles)

    @property
    def scope(self) -> Scope:
        """Whose rows the caller sees."""
        return Scope(self.town.id, self.provider_id, self.principal.client_id)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[UnitOfWork]:
        """A transaction that sees what the caller may see. Refuses at once when too many wait for one (503, come again)."""
        async with self.database.place(), self.database.transaction(self.scope) as unit:
            yield unit

    async def write(self, action: Callable[[UnitOfWork], Awaitable[Answer]]) -> Response:
        """Runs a writing action once per idempotency key, in one transaction with its record (web/idempotency.py).

        A call without a key is a dry run: the same code, rolled back. Locks are taken in one order, so rings hardly form; where one does,
        PostgreSQL ends one of the transactions, nothing of which was kept, and it begins anew.
        """
        for _ in range(ATTEMPTS - 1):
            try:
                return await self._attempt(action)
            except Exception as error:
                if not is_deadlock(error):
                    raise
        return await self._attempt(action)

    async def _attempt(self, action: Callable[[UnitOfWork], Awaitable[Answer]]) -> Response:
        async with self.transaction() as unit:
            if self.idempotency_key is None:
                answer = await action(unit)
                unit.discard()
                return Response(answer.content(), answer.status, headers={"content-type": "application/json", **answer.headers})
            return await once(
                unit,
                action,
                keys=self.keys,
                client_id=self.principal.client_id,
                key=self.idempotency_key,
                request_hash=self.request_hash,
                recorded_at=self.machine_clock.now(),
            )


def hash_request(method: str, path: str, query: bytes, body: bytes, *, provider_id: UUID | None = None) -> bytes:
    """What makes two requests with one idempotency key the same. Lengths keep the parts apart.

    ``provider_id``: for whom a vendor's client acts. Without it the same key and body for a second account would be answered with
    what the first one got, and the second one's invoice would be lost.
    """
    digest = hashlib.sha256()
    for part in (method.encode(), path.encode(), query, body, provider_id.bytes if provider_id else b""):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


async def current_call(
    request: Request, municipality: Annotated[str, Path(description="Kommune (Schlüssel)", examples=["musterstadt"])]
) -> Call:
    """The call that the route prepared before the body was read."""
    call: Call = request.state.call
    if call.town.key != municipality:
        raise LookupError("the route prepared another town")
    return call


CurrentCall = Annotated[Call, Depends(current_call)]

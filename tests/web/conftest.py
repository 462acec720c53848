"""An instance with operations that write, fail and wait as a test wants them to."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from fastapi import Response
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from but_gateway.audit.record import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import CurrentCall
from but_gateway.identity.principal import Role
from but_gateway.identity.route import town_router
from but_gateway.web.answers import Answer
from but_gateway.web.body import AnswerModel, Cents, Day, Flag, Line, StrictModel, Whole
from but_gateway.web.operation import operation
from but_gateway.web.problems import WrongState
from tests.factories.instance import Instance, running


class PartIn(StrictModel):
    """A part of a body."""

    amount: Cents
    days: tuple[Day, ...] = ()


class OrderIn(StrictModel):
    """A body."""

    name: Line
    count: Whole = 1
    urgent: Flag = False
    on: Day | None = None
    parts: tuple[PartIn, ...] = ()


class OrderOut(AnswerModel):
    """An answer; ``run`` counts how often the work was done."""

    name: str
    run: int


@dataclass
class Stage:
    """What the next run of the operation does."""

    runs: int = 0
    error: Exception | None = None
    gate: asyncio.Event | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)


stage = Stage()
router = town_router("Probe")


@router.post("/orders", status_code=201, response_model=OrderOut, **operation(roles={Role.REGISTRAR}, keyed=True, body=True))
async def make_order(body: OrderIn, call: CurrentCall, *, dry_run: bool = False) -> Response:
    del dry_run  # the route and call.write do what it means

    async def action(unit: UnitOfWork) -> Answer:
        stage.runs += 1
        await record(unit, at=call.now(), actor=call.principal.actor, action="order", object_type="order", object_id=stage.runs)
        stage.reached.set()
        if stage.gate is not None:
            await stage.gate.wait()
        if stage.error is not None:
            raise stage.error
        return Answer(OrderOut(name=body.name, run=stage.runs), status=201, headers={"Location": f"/orders/{stage.runs}"})

    return await call.write(action)


@router.post("/receipts", status_code=201, response_model=OrderOut, **operation(roles={Role.REGISTRAR}, keyed=True, body=True))
async def make_receipt(body: OrderIn, call: CurrentCall) -> Response:
    async def action(_unit: UnitOfWork) -> Answer:
        return Answer(OrderOut(name=body.name, run=0), status=201)

    return await call.write(action)


@router.get("/orders", **operation(roles={Role.REGISTRAR}))
async def count_orders(call: CurrentCall) -> dict[str, int]:
    async with call.transaction() as unit:
        return {"count": await unit.driver.fetchval("SELECT count(*) FROM audit_event WHERE action = 'order'")}


@router.get("/answers/{number}", **operation(roles={Role.REGISTRAR}))
async def answer_number(call: CurrentCall, number: int, limit: int = 1) -> dict[str, Any]:
    del call
    return {"number": number, "limit": limit}


@router.get("/faults/{kind}", **operation(roles={Role.REGISTRAR}))
async def fail(call: CurrentCall, kind: str) -> dict[str, Any]:
    del call
    faults: dict[str, Exception] = {
        "program": RuntimeError("Müller, Sören"),
        "state": WrongState(),
        "gone": asyncpg.ConnectionDoesNotExistError("connection was closed"),
        "refused": ConnectionRefusedError("no server"),
        "deadlock": asyncpg.DeadlockDetectedError("deadlock detected"),
        "serialization": asyncpg.SerializationError("could not serialize"),
        "lock": asyncpg.LockNotAvailableError("lock timeout"),
        "unique": asyncpg.UniqueViolationError("duplicate key (Müller)"),
        "check": asyncpg.CheckViolationError("budget"),
        "notnull": asyncpg.NotNullViolationError("null"),
        "pool": PoolTimeoutError("QueuePool limit"),
        "shutdown": asyncpg.AdminShutdownError("terminating connection"),
    }
    raise faults[kind]


@pytest.fixture
def fresh_stage() -> Stage:
    """The stage as at the beginning."""
    stage.runs, stage.error, stage.gate, stage.reached = 0, None, None, asyncio.Event()
    return stage


@pytest_asyncio.fixture(scope="module")
async def instance(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Instance]:
    """The instance of a test module, with the town krefeld."""
    async with running(database_url, tmp_path_factory.mktemp("keys"), router) as made:
        await made.town("krefeld")
        yield made


@pytest_asyncio.fixture(scope="module")
async def registrar(instance: Instance) -> dict[str, str]:
    """The header of a registrar of krefeld."""
    return await instance.bearer(Role.REGISTRAR, town="krefeld")

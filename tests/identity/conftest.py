"""An instance with an operation for every kind of caller."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from fastapi import Response
from pydantic import ConfigDict

from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import CurrentCall
from but_gateway.identity.principal import STAFF_ROLES, Role
from but_gateway.identity.route import town_router
from but_gateway.kit.money import print_money
from but_gateway.web.answers import Answer
from but_gateway.web.body import AnswerModel, Cents, Line, StrictModel
from but_gateway.web.operation import operation
from tests.factories.instance import Instance, running


class ThingIn(StrictModel):
    """A body."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Line
    price: Cents


class ThingOut(AnswerModel):
    """An answer."""

    name: str
    price: str
    actor: str
    now: str
    provider: bool


router = town_router("Probe")


def _thing(call: CurrentCall, name: str, price: int) -> ThingOut:
    return ThingOut(name=name, price=print_money(price), actor=call.principal.actor, now=call.now().isoformat(), provider=call.is_provider)


@router.post("/things", status_code=201, response_model=ThingOut, **operation(roles={Role.REGISTRAR}, keyed=True, body=True))
async def make_thing(body: ThingIn, call: CurrentCall) -> Response:
    async def action(_unit: UnitOfWork) -> Answer:
        return Answer(_thing(call, body.name, body.price), status=201)

    return await call.write(action)


@router.get("/things", **operation(roles=STAFF_ROLES))
async def read_things(call: CurrentCall) -> ThingOut:
    return _thing(call, "x", 100)


@router.get("/my/things", **operation(roles={Role.PROVIDER}))
async def read_my_things(call: CurrentCall) -> ThingOut:
    return _thing(call, "x", 100)


@pytest_asyncio.fixture(scope="module")
async def instance(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Instance]:
    """The instance of a test module, with two towns: krefeld (sandbox) and moers."""
    folder: Path = tmp_path_factory.mktemp("keys")
    async with running(database_url, folder, router) as made:
        await made.town("krefeld")
        await made.town("moers", sandbox=False)
        yield made

"""A served gateway with towns whose books can be filled at will, and people of the office who settle them."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import pytest

from but_gateway.audit.invariants import violations
from but_gateway.db.embedded import asyncpg_dsn
from but_gateway.identity.principal import Role
from but_gateway.registers.municipalities.settings import AccountAssignment, Debtor, Settings
from but_gateway.registers.municipalities.store import write_settings
from tests.factories.billing import RECEIVED, Billing
from tests.registers.office import Caller, Office, open_office

JSON = Any
PRODUCTS = {"sgb2": "311", "bkgg": "321", "sgb12_3": "331", "sgb12_4": "341", "asylblg_2": "351", "asylblg_3": "361"}
# Every legal basis and benefit has its account; a cost centre only where the books keep one.
ASSIGNMENTS = tuple(
    AccountAssignment(basis, benefit, f"05.{product}.01", account, "50-4" if basis == "sgb2" else None)
    for basis, product in PRODUCTS.items()
    for benefit, account in (("lunch", "533110"), ("tutoring", "533120"))
)
DEBTOR = Debtor("Stadt Krefeld", "DE02120300000000202051", "BYLADEM1001")
WISH: JSON = {"cutoff": "2026-11-30", "due_on": "2026-12-15", "benefits": None, "providers": None}
BOTH: JSON = {"kinds": ["factual", "arithmetical"]}


@dataclass
class Treasury:
    """A town, its books, and the people who settle: ``finance`` draws up and certifies, ``orderer`` orders."""

    office: Office
    town: str
    billing: Billing
    finance: Caller
    orderer: Caller
    callers: dict[str, Caller] = field(default_factory=dict)

    async def person(self, name: str, *roles: Role) -> Caller:
        """Somebody of the office; the same name is the same person."""
        return await self.office.staff(self.town, *roles, name=name)

    async def draw_up(self, **wish: JSON) -> JSON:
        """A new batch."""
        return created(await self.finance.post("/settlement-batches", WISH | wish))

    async def step(self, caller: Caller, batch: JSON, name: str, body: JSON = None) -> httpx.Response:
        """A step of a batch."""
        return await caller.post(f"/settlement-batches/{batch['id']}/{name}", body)

    async def certify(self, batch: JSON) -> JSON:
        return done(await self.step(self.finance, batch, "certification", BOTH))

    async def order(self, batch: JSON) -> JSON:
        return done(await self.step(self.orderer, batch, "order"))

    async def hand_over(self, batch: JSON) -> JSON:
        return done(await self.step(self.finance, batch, "hand-over"))

    async def settle(self, **wish: JSON) -> JSON:
        """A batch from drawing up to hand-over."""
        batch = await self.draw_up(**wish)
        await self.certify(batch)
        await self.order(batch)
        return await self.hand_over(batch)

    async def read(self, batch: JSON) -> JSON:
        return done(await self.finance.get(f"/settlement-batches/{batch['id']}"))

    async def file(self, batch: JSON, name: str, caller: Caller | None = None) -> bytes:
        """The content of the file whose name ends so."""
        files = done(await self.finance.get(f"/settlement-batches/{batch['id']}/files"))
        found = next(f for f in files if f["name"].endswith(name))
        answer = await (caller or self.finance).get(f"/settlement-batches/{batch['id']}/files/{found['name']}")
        assert answer.status_code == 200, answer.text
        return answer.content


def created(answer: httpx.Response) -> JSON:
    assert answer.status_code == 201, answer.text
    return answer.json()


def done(answer: httpx.Response) -> JSON:
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["code"]


@pytest.fixture(scope="session")
def settlement_url(new_database: Callable[[], str]) -> str:
    """One database for all of them: every test makes its own towns."""
    return new_database()


@pytest.fixture(scope="session")
async def settlement_office(settlement_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """The served gateway."""
    async with open_office(settlement_url, tmp_path_factory.mktemp("settlement")) as served:
        yield served


@pytest.fixture
async def superuser(settlement_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that sees and may change everything."""
    connection = await asyncpg.connect(asyncpg_dsn(settlement_url))
    yield connection
    await connection.close()


@pytest.fixture
async def treasury(settlement_office: Office, superuser: asyncpg.Connection) -> AsyncIterator[Treasury]:
    """A fresh town with a debtor account and two providers; when the test is over, all invariants hold."""
    office = settlement_office
    town = await office.town()
    directory = office.app.state.directory
    billing = Billing(office.app.state.database, office.scope(town), directory.keys(office.towns[town]))
    async with billing.unit() as unit:
        await write_settings(unit, Settings(name="Musterstadt", debtor=DEBTOR, account_assignments=ASSIGNMENTS), 1, RECEIVED)
    await billing.provider("c1")
    await billing.provider("c2", name="Schulküche Hülser Bruch")
    yield Treasury(
        office, town, billing, await office.staff(town, Role.FINANCE, name="fin"), await office.staff(town, Role.ORDERER, name="ord")
    )
    assert await violations(superuser) == {}

"""Towns to bill and to settle in, made over HTTP before the storm, and what their people know meanwhile."""

import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from but_gateway.db.connect import connect
from but_gateway.db.engine import Database
from but_gateway.db.fields import MasterKey
from but_gateway.identity import clients
from but_gateway.identity.issuer import Issuer
from but_gateway.identity.principal import OWN_ISSUER, Role
from but_gateway.kit.clock import SystemClock
from tests.crash.machine import ISSUER, Machine
from tests.crash.memory import Client, Memory, Told, Wish
from tests.procedures.adjudication.registers import AGREEMENTS, FACILITIES, IBANS, PROVIDERS, SETTINGS

JSON = Any
NOON: Final = "2026-11-02T11:00:00Z"
BORN: Final = "2016-05-11"
TOKEN_SECONDS: Final = 600
PROVIDED: Final = ("c1", "c2", "t1")
# Persons who propose and confirm bank accounts take no part in batches: four eyes would keep them from ordering.
STAFF: Final = {
    "registrar": Role.REGISTRAR, "clerk": Role.CLERK, "finance": Role.FINANCE, "second": Role.FINANCE, "orderer": Role.ORDERER,
    "proposer": Role.FINANCE, "confirmer": Role.ORDERER, "auditor": Role.AUDITOR,
}  # fmt: skip
LUNCHED: Final = tuple(f"L{i}" for i in range(6))
TAUGHT: Final = tuple(f"T{i}" for i in range(8))
MINUTES: Final = 90  # granted to each who is taught: soon used up
LETTERS: Final = "abcdefghij"


@dataclass(slots=True)
class Town:
    """A town, its people's client, and what they know of it."""

    key: str
    client: Client
    numbers: dict[str, str] = field(default_factory=dict)  # by entitlement
    batches: dict[str, str] = field(default_factory=dict)  # id → state, as last heard
    invoices: dict[str, dict[str, JSON]] = field(default_factory=dict)  # id → what was asked and answered
    cancelled: set[str] = field(default_factory=set)
    rows: dict[str, JSON] = field(default_factory=dict)  # grants as delivered and acknowledged, by key
    jobs: dict[str, list[str]] = field(default_factory=dict)  # large imports: id → entitlements
    registers: dict[str, JSON] = field(default_factory=dict)  # path → body as acknowledged
    cursors: dict[str, str] = field(default_factory=dict)  # of changes, by who reads them
    serial: int = 0

    @property
    def memory(self) -> Memory:
        """What they were told."""
        return self.client.memory

    @property
    def chance(self) -> random.Random:
        """One for all they do."""
        return self.client.chance

    def next(self) -> int:
        """A running number."""
        self.serial += 1
        return self.serial

    async def put(self, path: str, body: JSON) -> None:
        """Writes a register."""
        if isinstance(await self.client.ask(Wish("registrar", "PUT", path, body)), Told):
            self.registers[path] = body

    async def deliver(self, *rows: JSON) -> Told | None:
        """A small grant import."""
        told = await self.client.ask(Wish("registrar", "POST", "/grant-imports", list(rows), lambda _: {"grants.import": 1}))
        if not isinstance(told, Told):
            return None
        if told.document["rejected"]:
            self.memory.fault(f"rows rejected: {told.document['rejected']}")
        self.rows |= {row["grant"]["key"]: row for row in rows}
        self.numbers |= {one["key"]: one["entitlement_number"] for one in told.document["entitlements"]}
        return told


def row(child: str, benefit: str = "lunch", **grant: JSON) -> JSON:
    """A grant of a child that nobody else looks like."""
    names = "".join(LETTERS[int(c)] if c.isdigit() else c for c in child)
    tutoring = {"subjects": ["mathematik"], "form": "any"} if benefit == "tutoring" else None
    return {
        "child": {"key": child, "family_name": f"Kind{names}", "given_names": "Mika", "date_of_birth": BORN},
        "entitlement": {"key": f"{child}-{benefit}", "benefit": benefit, "number": None, "information_allowed": True},
        "grant": {
            "key": f"{child}-{benefit}", "legal_basis": "sgb2", "valid_from": "2026-08-01", "valid_to": "2027-07-31", "applied_on": None,
            "status": "active", "attends": "school", "facility": None, "provider": None, "tutoring": tutoring, "revocation": None,
            "budget": {"kind": "minutes", "minutes": MINUTES} if benefit == "tutoring" else {"kind": "unlimited"}, **grant,
        },
    }  # fmt: skip


Act = Callable[[Town, str], Coroutine[Any, Any, None]]  # what somebody does in a town


async def open_towns(machine: Machine, http: httpx.AsyncClient, chance: random.Random, count: int) -> list[Town]:
    """Makes towns with all they need, in calm weather."""
    master_key, now = MasterKey.read(machine.folder / "master.key"), SystemClock().now()
    database = await Database.open(machine.database_url)
    await database.start()
    try:
        issuer = Issuer(ISSUER, database, master_key, SystemClock())
        towns = []
        for number in range(count):
            key = f"town{number}"
            async with connect(machine.database_url) as connection:
                await clients.add_town(connection, master_key, key=key, name=key, ags=f"0599900{number}", state="NW", sandbox=True, at=now)
                for provider in PROVIDED:
                    await clients.add_account(connection, key=f"{key}-{provider}", name=provider, at=now)
            callers = {name: await issuer.issue(f"{key}-{name}", [role], (), key, TOKEN_SECONDS) for name, role in STAFF.items()}
            for name in PROVIDED:
                callers[name] = await issuer.issue(f"{key}-{name}", [Role.PROVIDER], (f"{key}-{name}",), None, TOKEN_SECONDS)
            headers = {name: {"Authorization": f"Bearer {token}", "Test-Clock": NOON} for name, token in callers.items()}
            town = Town(key, Client(f"/v1/municipalities/{key}", machine.urls, http, chance, Memory(), headers))
            await _furnish(town)
            towns.append(town)
    finally:
        await database.close()
    return towns


async def _furnish(town: Town) -> None:
    await town.put("/settings", SETTINGS)
    await town.put("/facilities/s1", FACILITIES["s1"])
    for provider in PROVIDED:
        await town.put(f"/providers/{provider}", PROVIDERS[provider] | {"account": f"{town.key}-{provider}"})
        await town.put(f"/agreements/{provider}", AGREEMENTS[provider])
        await bank_account(town, provider, IBANS[provider])
    await town.deliver(*(row(child) for child in LUNCHED[:3]))
    await town.deliver(*(row(child) for child in LUNCHED[3:]))
    await town.deliver(*(row(child, "tutoring") for child in TAUGHT[:4]))
    await town.deliver(*(row(child, "tutoring") for child in TAUGHT[4:]))


async def bank_account(town: Town, provider: str, iban: str) -> None:
    """Proposes a bank account and has it confirmed by another person."""
    path = f"/providers/{provider}/bank-accounts"
    proposal = Wish("proposer", "POST", path, {"iban": iban, "holder": PROVIDERS[provider]["name"]}, lambda _: {"bank_account.proposed": 1})
    told = await town.client.ask(proposal)
    if isinstance(told, Told):
        path = f"{path}/{told.document['id']}/confirmation"
        await town.client.ask(Wish("confirmer", "POST", path, None, lambda _: {"bank_account.confirmed": 1}))


def actor(town: Town, who: str) -> str:
    """How the audit record names somebody."""
    return f"{OWN_ISSUER}|{town.key}-{who}"


def callers(town: Town) -> Sequence[str]:
    """Everybody who speaks for or to the town."""
    return tuple(town.client.callers)

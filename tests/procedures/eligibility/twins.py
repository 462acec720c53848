"""Two towns that are alike to the last grant: one is asked the short way, the other the plain way, and both must end up the same."""

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import uuid4

import httpx
import pytest

from but_gateway.identity.principal import Role
from but_gateway.procedures.eligibility import endpoints, express
from but_gateway.procedures.eligibility.check import check
from tests.procedures.eligibility.desk_town import BORN, DeskTown, changed, open_town, row
from tests.registers.office import Caller, Office

JSON = Any
CHECK = "/eligibility-checks"
BENEFITS = ("lunch", "lunch", "lunch", "tutoring", "participation", "day_trip")
NAMES = [f"K{i:02d}" for i in range(16)]
# Sent twice, a header makes a request unusual and nothing else.
ODD = [("x-twice", "1"), ("x-twice", "2")]


@dataclass(frozen=True, slots=True)
class Sent:
    """A request, the same for both towns. ``child`` names the number to put into the body; ``raw`` goes out as it is."""

    client: str
    body: JSON = None
    raw: bytes | None = None
    path: str = CHECK
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Twin:
    """One of the two towns, with the callers it knows by the names both share."""

    town: DeskTown
    callers: dict[str, Caller] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)  # numbers that were replaced

    async def meet(self, name: str, client: str, providers: Sequence[str]) -> None:
        """Makes a client of one provider, or of several: a vendor's. Its first request is never the one that is compared."""
        accounts = tuple(self.town.accounts[provider] for provider in providers)
        token = await self.town.office.app.state.issuer.issue(client, [Role.PROVIDER], accounts, None, 600)
        self.callers[name] = Caller(self.town.office.http, self.town.registrar.base, {"Authorization": f"Bearer {token}"})
        await self.callers[name].get("/my/facilities")

    async def send(self, sent: Sent, more: Sequence[tuple[str, str]] = ()) -> httpx.Response:
        """Sends one request."""
        caller = self.callers[sent.client]
        raw = sent.raw if sent.raw is not None else json.dumps(self._filled(sent.body)).encode()
        headers = [("Content-Type", "application/json"), *caller.headers.items(), *more]
        given = {name.lower() for name, _ in sent.headers}
        headers = [one for one in headers if one[0].lower() not in given]
        headers += [(name, self.town.accounts.get(value, value)) for name, value in sent.headers if value]
        base = caller.base if "{town}" not in sent.path else ""
        return await caller.http.post(base + sent.path, content=raw, headers=headers)

    def _filled(self, body: JSON) -> JSON:
        if isinstance(body, list):
            return [self._filled(one) for one in body]
        if not isinstance(body, dict):
            return body
        filled = {name: self._filled(value) for name, value in body.items()}
        if isinstance(number := filled.get("entitlement_number"), str):
            filled["entitlement_number"] = self._number(number)
        return filled

    def _number(self, text: str) -> str:
        """``old K01-lunch`` and ``lower K01-lunch`` are spellings of a number, anything else is sent as it is."""
        how, _, name = text.rpartition(" ")
        number = self.lost.get(name, "7K3M-9QXT-2VAB4") if how == "old" else self.town.numbers.get(name)
        if number is None:
            return text
        return number.lower().replace("-", " ") if how == "lower" else number

    async def state(self) -> dict[str, list[str]]:
        """Everything that checks write, without what differs from town to town."""
        database = self.town.office.app.state.database
        found = {}
        async with database.transaction(self.town.office.scope(self.town.key)) as unit:
            for name, statement in _STATE.items():
                found[name] = sorted(str(tuple(one)) for one in await unit.driver.fetch(statement))
        return found


_STATE = {
    "log": """SELECT at, client_id, p.key, e.key, l.benefit, first_day, last_day, f.key, confirmed, cause, periods::text FROM access_log l
        JOIN provider p ON p.id = l.provider_id LEFT JOIN entitlement e ON e.id = l.entitlement_id
        LEFT JOIN facility f ON f.id = l.facility_id""",
    "tallies": "SELECT client_id, day, rows, failures, locked FROM identity_tally",
    "freezes": """SELECT p.key, e.key, wrong_birth_dates, frozen_at IS NULL, notice_id IS NULL FROM number_freeze n
        JOIN provider p ON p.id = n.provider_id JOIN entitlement e ON e.id = n.entitlement_id""",
    "links": """SELECT p.key, e.key FROM provider_link n
        JOIN provider p ON p.id = n.provider_id JOIN entitlement e ON e.id = n.entitlement_id""",
    "notices": "SELECT kind, subject_type, subject_id, text, state FROM notice",
}


def said(answer: httpx.Response) -> JSON:
    """An answer without ids and moments of its making."""
    text = re.sub(r'"(id|request_id)":"[^"]+"', r'"\1":""', answer.text)
    headers = {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "retry-after"}}
    return answer.status_code, text, sorted(headers.items()), "retry-after" in answer.headers


async def ask_shortly(twin: Twin, group: Sequence[Sent]) -> list[JSON]:
    """All of a group at once: they share rounds."""
    return [said(answer) for answer in await asyncio.gather(*(twin.send(sent) for sent in group))]


async def ask_plainly(twin: Twin, group: Sequence[Sent], patch: pytest.MonkeyPatch) -> list[JSON]:
    """One after the other, each by the ordinary route and the plain verb."""

    class PlainDesk:
        """Answers batches by the plain verb."""

        @staticmethod
        async def ask(keys: Any, visit: Any) -> Any:  # noqa: ANN401 - the desk's
            return await check(twin.town.office.app.state.database, keys, visit)

    with patch.context() as patched:
        patched.setattr(endpoints, "desk_of", lambda _: PlainDesk)
        return [said(await twin.send(sent, ODD)) for sent in group]


@contextmanager
def rounds(patch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many requests each round answered."""
    sizes: list[int] = []
    answer_round = express.answer_round

    async def counted(database: Any, keys: Any, visits: Any) -> Any:  # noqa: ANN401 - as the one inside
        sizes.append(len(visits))
        return await answer_round(database, keys, visits)

    with patch.context() as patched:
        patched.setattr(express, "answer_round", counted)
        yield sizes


def some_rows(random: Random) -> list[JSON]:
    """What the office may have granted: all benefits, periods, ends, budgets, providers; twice for some."""
    rows = []
    for name in NAMES:
        benefit = random.choice(BENEFITS)
        for turn in range(random.choice((1, 1, 2))):
            first = random.choice(("2026-09-01", "2026-10-15", "2026-11-05")) if turn == 0 else "2026-12-01"
            last = random.choice(("2026-11-20", "2026-11-30")) if turn == 0 else "2027-07-31"
            made = row(name, benefit, key=f"{name}-{turn}", valid_from=first, valid_to=last)
            made["grant"]["provider"] = random.choice((None, None, None, "c1", "c2", "v1"))
            made["grant"]["legal_basis"] = random.choice(("sgb2", "bkgg", "sgb12_3"))
            if benefit == "tutoring":
                made["grant"]["budget"] = random.choice(({"kind": "unlimited"}, {"kind": "minutes", "minutes": 900 + turn}))
                made["grant"]["tutoring"]["form"] = random.choice(("individual", "group", "any"))
            if turn == 0 and random.random() < 0.25:
                told = random.choice((None, "2026-11-10"))
                made["grant"]["revocation"] = {"effective_from": random.choice((first, "2026-11-12")), "notified_on": told}
            allowed = NAMES.index(name) % 7 != 3
            born = "2001-11-15" if NAMES.index(name) % 8 == 5 else BORN
            rows.append(changed(changed(made, "entitlement", information_allowed=allowed), "child", date_of_birth=born))
    return rows


async def open_twins(office: Office, random: Random) -> tuple[Twin, Twin]:
    """Two towns with the same registers, grants, replaced numbers, and the same clients in both."""
    rows = some_rows(random)
    numbers = {r["entitlement"]["key"] for r in rows}
    replaced = random.sample(sorted(numbers), 3)
    clients = {name: f"m-{uuid4().hex}" for name in ("c1", "c1 again", "c2", "t1", "v1", "vendor")}
    twins = (Twin(await open_town(office)), Twin(await open_town(office)))
    for twin in twins:
        town = twin.town
        await town.deliver(*rows)
        twin.lost = {name: town.numbers[name] for name in replaced}
        for name in replaced:
            answer = await town.registrar.at("2026-11-12T08:00:00Z").post(
                f"/entitlements/{name}/number-replacements", {"lost_on": "2026-11-10"}
            )
            town.numbers[name] = answer.json()["entitlement_number"]
        for name, client in clients.items():
            await twin.meet(name, client, ("c1", "c2", "v1") if name == "vendor" else (name.split()[0],))
        await twin.callers["c1"].at("2026-11-11T08:00:00Z").get("/changes")  # reads of revocations
        staff = Caller(town.office.http, town.registrar.base, {"Authorization": town.registrar.headers["Authorization"]})
        twin.callers["registrar"] = staff
    return twins

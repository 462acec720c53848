"""Histories of accounts: no payment file ever carries an IBAN that two persons have not agreed on, or one that has not cooled off."""

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from lxml import etree

from tests.factories.billing import german_iban
from tests.factories.instance import Instance
from tests.procedures.adjudication.lines import lunch
from tests.procedures.adjudication.town import Town, open_town, served

# Wider with HYPOTHESIS_PROFILE=search.
HISTORIES, STEPS = (200, 30) if os.environ.get("HYPOTHESIS_PROFILE") == "search" else (10, 24)
COOLING_DAYS, FIRST = 3, date(2026, 11, 2)
# Who meets which duty; finance2 confirms what finance proposed, and whoever confirms does not order.
PROPOSERS, CONFIRMERS = ("finance", "finance2"), ("finance", "finance2", "orderer2")


@dataclass
class Account:
    """An account of the provider as a clerk would keep it on paper."""

    id: str
    iban: str
    by: str
    usable_from: date | None = None
    confirmed_on: date | None = None


@dataclass
class History:
    """What happened to one provider, day by day."""

    town: Town
    chance: Random
    today: date = FIRST
    accounts: list[Account] = field(default_factory=list)
    bills: int = 0
    paid: list[str] = field(default_factory=list)
    confirmed: int = 0

    @property
    def at(self) -> str:
        return f"{self.today}T10:00:00Z"

    async def propose(self) -> None:
        """Somebody proposes an account, a new one or one known before."""
        by, iban = self.chance.choice(PROPOSERS), german_iban(self.chance.randint(1, 4))
        path = "/providers/c1/bank-accounts"
        answer = await self.town.call(by, "POST", path, {"iban": iban, "holder": "Mensa Rheinland GmbH"}, self.at)
        assert answer.status_code == 201, answer.text
        self.accounts.append(Account(answer.json()["id"], iban, by))

    async def confirm(self) -> None:
        """Somebody confirms one: not who proposed it."""
        open_ones = [a for a in self.accounts if a.usable_from is None]
        if not open_ones:
            return
        account, by = self.chance.choice(open_ones), self.chance.choice(CONFIRMERS)
        answer = await self.town.call(by, "POST", f"/providers/c1/bank-accounts/{account.id}/confirmation", at=self.at)
        if by == account.by:
            assert (answer.status_code, answer.json()["code"]) == (403, "four_eyes")
            return
        assert answer.status_code == 200, answer.text
        account.usable_from = self.today if self.confirmed == 0 else working_days_on(self.today, COOLING_DAYS)
        self.confirmed += 1
        account.confirmed_on = self.today
        assert answer.json()["usable_from"] == str(account.usable_from)

    async def wait(self) -> None:
        self.today += timedelta(days=self.chance.randint(1, 3))

    async def pay(self) -> None:
        """One more lunch is billed and everything is paid that can be."""
        self.bills += 1
        await self.town.bill("c1", lunch(f"K{self.bills}", "2026-10-05"), at=self.at)
        batch = await self.town.ok("finance", "POST", "/settlement-batches", {"cutoff": str(self.today), "due_on": "2026-12-31"}, self.at)
        path = f"/settlement-batches/{batch['id']}"
        await self.town.ok("finance", "POST", f"{path}/certification", {"kinds": ["factual", "arithmetical"]}, self.at)
        if self.chance.random() < 0.4:
            await self.wait()
        if self.chance.random() < 0.3:
            await self.confirm()
        await self.town.ok("orderer", "POST", f"{path}/order", at=self.at)
        answer = await self.town.call("finance", "POST", f"{path}/hand-over", at=self.at)
        usable = [a for a in self.accounts if a.usable_from is not None and a.usable_from <= self.today]
        if answer.status_code != 200:
            # Held: there was no account then, or there is none even now.
            assert answer.json()["code"] == "all_payments_held", answer.text
            await self.town.ok("finance", "POST", f"{path}/withdrawal", at=self.at)
            return
        # Every day is one moment here: of two confirmed at once the one proposed later counts.
        latest = max(usable, key=lambda a: (a.confirmed_on, self.accounts.index(a)))
        assert await self.ibans(path) == [latest.iban]
        self.paid.append(latest.iban)

    async def ibans(self, path: str) -> list[str]:
        """The payees' accounts in the payment file."""
        listed = await self.town.ok("finance", "GET", f"{path}/files")
        name = next(f["name"] for f in listed if f["name"].endswith("pain001.xml"))
        content = (await self.town.call("finance", "GET", f"{path}/files/{name}")).content
        found: Any = etree.fromstring(content).findall(".//{*}CdtrAcct/{*}Id/{*}IBAN")
        return [one.text for one in found]


def working_days_on(day: date, days: int) -> date:
    """So many working days later: Saturdays and Sundays do not count, and there is no holiday in these weeks."""
    while days:
        day += timedelta(days=1)
        days -= day.isoweekday() < 6
    return day


@pytest.fixture
async def instance(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Instance]:
    async with served(new_database(), tmp_path_factory.mktemp("accounts")) as made:
        yield made


async def test_no_file_carries_an_account_that_is_unconfirmed_or_too_fresh(instance: Instance) -> None:
    paid = 0
    for seed in range(HISTORIES):
        town = await open_town(instance, bank_cooling_days=COOLING_DAYS)
        for person in ("finance", "finance2", "orderer", "orderer2"):
            await town.token(person)
        await town.need_provider("c1")
        for number in range(1, STEPS + 1):
            await town.grant(f"K{number}")
        history = History(town, Random(seed))  # noqa: S311 - the same histories every time
        steps = [history.propose, history.confirm, history.wait, history.pay]
        for _ in range(STEPS):
            await history.chance.choice(steps)()
        paid += len(history.paid)
        await town.assert_sound()
    assert paid >= HISTORIES

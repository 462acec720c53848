"""A town in any order of events agrees with a small model of it, and stays sound."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from threading import Thread
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from but_gateway.kit.money import parse_money
from tests.factories.instance import Instance
from tests.procedures.adjudication.lines import lunch
from tests.procedures.adjudication.town import Bill, Town, open_town, served
from tests.property.model import Grant, Lunch, Model

# Wider with HYPOTHESIS_PROFILE=search: 300 runs of 50 steps.
RUNS, STEPS = (300, 50) if os.environ.get("HYPOTHESIS_PROFILE") == "search" else (8, 12)
DAYS = ["2026-10-05", "2026-10-06", "2026-10-07", "2026-10-08", "2026-10-09", "2026-10-12"]
CHILDREN, PROVIDERS = ("A", "B"), ("c1", "c2")
SAID = {"paid": "accepted", "refused": "rejected", "contested": "review", "cancelled": "cancelled"}

grants = st.builds(
    Grant,
    first=st.integers(0, 2),
    last=st.integers(2, 5),
    days=st.sampled_from([None, None, 0, 1, 2, 3, 4]),
    provider=st.sampled_from([None, None, *PROVIDERS]),
    revoked=st.sampled_from([None, None, None, 1, 3, 5]),
)


class Loop:
    """An event loop in a thread of its own: hypothesis calls steps one after the other, the gateway answers there."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - what the coroutine answers
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def gateway(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Loop, Instance]]:
    loop, stack = Loop(), AsyncExitStack()
    instance = loop.run(stack.enter_async_context(served(new_database(), tmp_path_factory.mktemp("town"))))
    yield loop, instance
    loop.run(stack.aclose())
    loop.close()


class LunchTown(RuleBasedStateMachine):
    """Grants change, lunches are billed, cancelled and paid in any order."""

    loop: ClassVar[Loop]
    instance: ClassVar[Instance]

    @initialize()
    def open(self) -> None:
        self.town: Town = self.loop.run(open_town(self.instance))
        self.model = Model()
        self.bills: list[tuple[Bill, list[Lunch]]] = []
        self.cancelled: set[str] = set()
        for provider in PROVIDERS:
            self.loop.run(self.town.need_provider(provider))
        for child in CHILDREN:
            self._deliver(child, Grant(0, 5, None))

    def _deliver(self, child: str, grant: Grant) -> None:
        revocation = None if grant.revoked is None else {"effective_from": DAYS[grant.revoked], "notified_on": DAYS[grant.revoked]}
        budget = {"kind": "unlimited"} if grant.days is None else {"kind": "days", "days": grant.days}
        terms: dict[str, Any] = {"valid_from": DAYS[grant.first], "valid_to": DAYS[grant.last], "provider": grant.provider}
        self.loop.run(self.town.grant(child, revocation=revocation, budget=budget, **terms))
        self.model.change(child, replace(grant))

    @rule(child=st.sampled_from(CHILDREN), grant=grants)
    def change(self, child: str, grant: Grant) -> None:
        """A grant as the town's case system has it now."""
        self._deliver(child, grant)

    @rule(by=st.sampled_from(PROVIDERS), child=st.sampled_from(CHILDREN), days=st.sets(st.integers(0, 5), min_size=1, max_size=4))
    def bill(self, by: str, child: str, days: set[int]) -> None:
        """A provider bills some days."""
        bill = self.loop.run(self.town.bill(by, lunch(child, *(DAYS[day] for day in sorted(days)))))
        self.bills.append((bill, self.model.bill(by, child, sorted(days))))

    @precondition(lambda self: len(self.bills) > len(self.cancelled))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """A provider cancels one of its invoices."""
        bill, lunches = data.draw(st.sampled_from([pair for pair in self.bills if pair[0].id not in self.cancelled]), label="invoice")
        assert self.loop.run(self.town.cancel(bill)).status_code == 200
        self.cancelled.add(bill.id)
        self.model.cancel(lunches)

    @precondition(lambda self: any(x.said == "paid" and not x.kept for x in self.model.lunches))
    @rule()
    def settle(self) -> None:
        """The town pays what it owes."""
        if self.model.settle():
            self.loop.run(self.town.settle())

    @invariant()
    def agrees(self) -> None:
        """Every lunch is decided as the model says."""
        for bill, lunches in getattr(self, "bills", []):
            self.loop.run(bill.again())
            positions = sorted(bill.seen[0]["positions"], key=lambda p: str(p["service_date"]))
            assert [p["decision"] for p in positions] == [SAID[x.said] for x in lunches], bill.number
        if hasattr(self, "model"):
            told = sum(parse_money(line["approved"]) for bill, _ in self.bills for line in bill.told)
            assert told == sum(450 for x in self.model.lunches if x.said == "paid")

    def teardown(self) -> None:
        if hasattr(self, "town"):
            self.loop.run(self.town.assert_sound())


def test_a_town_in_any_order_agrees_with_the_model(gateway: tuple[Loop, Instance]) -> None:
    LunchTown.loop, LunchTown.instance = gateway
    run_state_machine_as_test(
        LunchTown,
        settings=settings(
            max_examples=RUNS,
            phases=[Phase.explicit, Phase.reuse, Phase.generate] if RUNS < 100 else list(Phase),
            stateful_step_count=STEPS,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )

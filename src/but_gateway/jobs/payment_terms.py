"""Looks once a day through every town for invoices that are about to be paid too late."""

from dataclasses import dataclass, field
from datetime import date
from typing import Final

import structlog

from but_gateway.db.engine import Database
from but_gateway.db.tenancy import Scope
from but_gateway.db.trouble import Trouble, trouble_of
from but_gateway.identity.directory import Directory
from but_gateway.kit.clock import Clock, business_day
from but_gateway.procedures.reporting.warn_of_terms import INVOICES_AT_ONCE, warn_of_terms

ATTEMPTS_MAX: Final = 5


@dataclass(slots=True)
class PaymentTerms:
    """The daily look at all towns: when a day in Berlin begins, and when the process starts.

    What was told is kept with the notices, so a second look, by this process or another, writes nothing new. A town made during the
    day has nothing that could be late before the next one.
    """

    database: Database
    directory: Directory
    clock: Clock
    invoices_at_once: int = INVOICES_AT_ONCE
    _day: date | None = None
    _waiting: list[str] = field(default_factory=list)  # towns not looked at today
    _failures: dict[str, int] = field(default_factory=dict)

    async def sweep(self, town_keys: list[str]) -> bool:
        """Looks at the towns of the day; whether there is more to do at once."""
        today = business_day(self.clock.now())
        if today != self._day:
            self._day, self._waiting = today, list(town_keys)
            self._failures.clear()
        while self._waiting:
            await self._look_at(self._waiting[0])
            self._waiting.pop(0)
        return False

    async def _look_at(self, town_key: str) -> None:
        try:
            town = await self.directory.town(town_key)
            more = town is not None
            while town is not None and more:
                async with self.database.transaction(Scope(town.id)) as unit:
                    more = await warn_of_terms(unit, self.clock.now(), invoices_at_once=self.invoices_at_once)
        except Exception as error:
            if trouble_of(error) in (Trouble.AWAY, Trouble.BUSY):
                raise  # says nothing of the work: however often it comes, nothing is given up for it
            self._failures[town_key] = self._failures.get(town_key, 0) + 1
            structlog.get_logger().error("payment_terms", error=type(error).__qualname__)
            if self._failures[town_key] < ATTEMPTS_MAX:
                raise
            # What failed so often waits for tomorrow; the other towns do not wait for it.

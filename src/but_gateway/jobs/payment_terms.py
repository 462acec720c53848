"""Looks once a day through every town for invoices that are about to be paid too late."""

from dataclasses import dataclass, field
from datetime import date

from but_gateway.db.engine import Database
from but_gateway.db.tenancy import Scope
from but_gateway.identity.directory import Directory
from but_gateway.jobs.patience import Patience
from but_gateway.kit.clock import Clock, business_day
from but_gateway.procedures.reporting.warn_of_terms import INVOICES_AT_ONCE, warn_of_terms


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
    patience: Patience = field(default_factory=lambda: Patience("payment_terms"))

    async def sweep(self, town_keys: list[str]) -> bool:
        """Looks at the towns of the day; whether there is more to do at once."""
        today = business_day(self.clock.now())
        if today != self._day:
            self._day, self._waiting = today, list(town_keys)
            self.patience.forget_all()
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
            if not self.patience.ends(town_key, error):
                raise
            # What failed so often waits for tomorrow; the other towns do not wait for it.

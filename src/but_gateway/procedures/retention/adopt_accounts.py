"""The accounts of a fiscal year were adopted: from the year after it the retention of that year runs."""

from datetime import date

from but_gateway.audit.record import record
from but_gateway.procedures.retention import store
from but_gateway.procedures.retention.model import Run


class AdoptionRefusedError(Exception):
    """The date makes no sense; the text says why."""


async def adopt_accounts(run: Run, year: int, adopted_on: date) -> None:
    """Records the day. Refuses a day that lies ahead, or not after the year it ends (AdoptionRefusedError)."""
    if adopted_on.year <= year:
        raise AdoptionRefusedError(f"accounts of {year} can be adopted in {year + 1} at the earliest")
    if adopted_on > run.now.date():
        raise AdoptionRefusedError(f"{adopted_on} lies ahead")
    async with run.transaction() as unit:
        await store.save_adoption(unit, year, adopted_on, by=run.actor, at=run.now)
        payload = {"year": year, "adopted_on": adopted_on.isoformat()}
        await record(unit, at=run.now, actor=run.actor, action="accounts.adopt", object_type="fiscal_year", object_id=year, payload=payload)

"""The town's registers as a decision finds them: read once, under the lock that keeps them as they are until it is committed."""

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from but_gateway.db.session import UnitOfWork
from but_gateway.registers.facilities.calendar import FacilityCalendar, StateHolidays
from but_gateway.registers.facilities.store import FacilityRecord, find_facilities, load_facilities, load_holidays
from but_gateway.registers.municipalities.redecision_store import share_registers
from but_gateway.registers.municipalities.settings import Settings
from but_gateway.registers.municipalities.store import read_settings
from but_gateway.registers.providers.model import AgreementRecord, ProviderRecord
from but_gateway.registers.providers.store import load_agreements_of, load_providers
from but_gateway.rules.facts import Provider


@dataclass(frozen=True, slots=True)
class FacilityFile:
    """A facility and the days it is open."""

    record: FacilityRecord
    calendar: FacilityCalendar


@dataclass(frozen=True, slots=True)
class ProviderFile:
    """A provider, what rules see of it, and its agreements."""

    record: ProviderRecord
    facts: Provider
    agreements: tuple[AgreementRecord, ...]


@dataclass(frozen=True, slots=True)
class Registers:
    """Settings and holidays of the town; providers and facilities by id, as far as somebody asked for them."""

    settings: Settings
    holidays: StateHolidays
    providers: dict[UUID, ProviderFile] = field(default_factory=dict)
    facilities: dict[UUID, FacilityFile] = field(default_factory=dict)

    async def want_providers(self, unit: UnitOfWork, provider_ids: Collection[UUID]) -> None:
        """Reads those providers that are not here yet. An id that is none stays unknown."""
        records = await load_providers(unit, set(provider_ids) - self.providers.keys())
        agreements = await load_agreements_of(unit, records.keys())
        for provider_id, record in records.items():
            self.providers[provider_id] = ProviderFile(record, record.facts(), agreements[provider_id])

    async def want_facilities(self, unit: UnitOfWork, facility_ids: Collection[UUID]) -> None:
        """Reads those facilities that are not here yet."""
        self._file((await load_facilities(unit, set(facility_ids) - self.facilities.keys())).values())

    async def find_facilities(self, unit: UnitOfWork, keys: Collection[str]) -> dict[str, UUID]:
        """Reads facilities by their keys; the ids of those that exist."""
        records = await find_facilities(unit, keys)
        self._file(records.values())
        return {key: record.id for key, record in records.items()}

    def _file(self, records: Collection[FacilityRecord]) -> None:
        for record in records:
            self.facilities[record.id] = FacilityFile(record, record.calendar(self.holidays))


async def read_registers(unit: UnitOfWork, state: str) -> Registers:
    """The registers of the transaction's town, which lies in the state; from here on none of them changes until the transaction ends."""
    await share_registers(unit)
    return Registers(await read_settings(unit), await load_holidays(unit, state))

"""SQL of providers and agreements."""

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Row, Select, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert

from but_gateway.db.session import UnitOfWork
from but_gateway.identity.tables import account, account_town
from but_gateway.kit.period import DayRange
from but_gateway.registers.providers.model import AgreementRecord, ProviderRecord
from but_gateway.registers.providers.tables import agreement, agreement_price, provider
from but_gateway.rules.facts import DatedPrice, TutoringTerms

_PROVIDER_FIELDS: Final = (
    "account_id",
    "name",
    "kind",
    "status",
    "suspended_from",
    "undertaking_signed_on",
    "creditor_number",
    "contact_email",
    "vat_id",
    "version",
)
_AGREEMENT_FIELDS: Final = (
    "provider_id",
    "benefit",
    "mode",
    "evidence",
    "vat_treatment",
    "drink_included",
    "late_cancellation_share",
    "absence_threshold_days",
    "min_period_months",
    "submission_months",
    "late_effect",
    "version",
)


# --- providers


async def load_provider(unit: UnitOfWork, provider_id: UUID) -> ProviderRecord:
    """The provider of an id. Refuses when there is none in this town (LookupError)."""
    found = await _providers(unit, provider.c.id == provider_id)
    if not found:
        raise LookupError("no such provider in this town")
    return found[0]


async def load_providers(unit: UnitOfWork, provider_ids: Collection[UUID]) -> dict[UUID, ProviderRecord]:
    """Providers by id."""
    return {record.id: record for record in await _providers(unit, provider.c.id.in_(provider_ids))} if provider_ids else {}


async def find_provider(unit: UnitOfWork, key: str) -> ProviderRecord | None:
    """The provider of a key."""
    found = await _providers(unit, provider.c.key == key)
    return found[0] if found else None


async def find_providers(unit: UnitOfWork, keys: Collection[str]) -> dict[str, ProviderRecord]:
    """Those of the keys that name a provider."""
    return {record.key: record for record in await _providers(unit, provider.c.key.in_(keys))} if keys else {}


async def provider_keys(unit: UnitOfWork, provider_ids: Collection[UUID]) -> dict[UUID, str]:
    """The keys of providers by id."""
    if not provider_ids:
        return {}
    query = select(provider.c.id, provider.c.key).where(provider.c.municipality_id == unit.municipality_id, provider.c.id.in_(provider_ids))
    return {row.id: row.key for row in await unit.execute(query)}


async def list_providers(unit: UnitOfWork, after: UUID | None, limit: int) -> Sequence[ProviderRecord]:
    """Providers in order of their making, one more than the limit where there are more."""
    return await _providers(unit, *([] if after is None else [provider.c.id > after]), limit=limit + 1)


async def find_account(unit: UnitOfWork, key: str) -> UUID | None:
    """The id of an account of the instance."""
    found: UUID | None = (await unit.execute(select(account.c.id).where(account.c.key == key))).scalar_one_or_none()
    return found


async def find_provider_of_account(unit: UnitOfWork, account_id: UUID) -> UUID | None:
    """Which provider of this town names the account."""
    query = select(provider.c.id).where(provider.c.municipality_id == unit.municipality_id, provider.c.account_id == account_id)
    found: UUID | None = (await unit.execute(query)).scalar_one_or_none()
    return found


async def lock_provider(unit: UnitOfWork, provider_id: UUID) -> None:
    """Keeps the provider's row until the transaction ends: its bank accounts are decided about one after the other."""
    here = (provider.c.municipality_id == unit.municipality_id, provider.c.id == provider_id)
    await unit.execute(select(provider.c.id).where(*here).with_for_update(key_share=True))


async def write_provider(unit: UnitOfWork, record: ProviderRecord) -> None:
    """Stores a provider as its version says (1: a new one), and which account acts for it."""
    values = {field: getattr(record, field) for field in _PROVIDER_FIELDS} | {"tax_number": record.sealed_tax_number}
    here = (provider.c.municipality_id == unit.municipality_id, provider.c.id == record.id)
    if record.version == 1:
        await unit.execute(insert(provider).values(municipality_id=unit.municipality_id, id=record.id, key=record.key, **values))
    else:
        await unit.execute(update(provider).where(*here).values(**values))
    await unit.execute(
        delete(account_town).where(account_town.c.municipality_id == unit.municipality_id, account_town.c.provider_id == record.id)
    )
    if record.account_id is not None:
        link = {"account_id": record.account_id, "municipality_id": unit.municipality_id, "provider_id": record.id}
        statement = upsert(account_town).values(link)
        await unit.execute(
            statement.on_conflict_do_update(index_elements=["account_id", "municipality_id"], set_={"provider_id": record.id})
        )


async def _providers(unit: UnitOfWork, *conditions: ColumnElement[bool], limit: int | None = None) -> Sequence[ProviderRecord]:
    query = (
        select(provider, account.c.key.label("account_key"))
        .select_from(provider.outerjoin(account, account.c.id == provider.c.account_id))
        .where(provider.c.municipality_id == unit.municipality_id, *conditions)
        .order_by(provider.c.id)
        .limit(limit)
    )
    return [_provider(row) for row in await unit.execute(query)]


def _provider(row: Row[Any]) -> ProviderRecord:
    fields = {field: getattr(row, field) for field in _PROVIDER_FIELDS}
    return ProviderRecord(id=row.id, key=row.key, account=row.account_key, sealed_tax_number=row.tax_number, **fields)


# --- agreements


async def load_agreements(unit: UnitOfWork, provider_id: UUID) -> tuple[AgreementRecord, ...]:
    """All agreements of a provider, whenever they hold. One statement."""
    return tuple(await _agreements(unit, agreement.c.provider_id == provider_id))


async def load_agreements_of(unit: UnitOfWork, provider_ids: Collection[UUID]) -> dict[UUID, tuple[AgreementRecord, ...]]:
    """All agreements of each of the providers. One statement."""
    found: dict[UUID, list[AgreementRecord]] = {provider_id: [] for provider_id in provider_ids}
    for record in await _agreements(unit, agreement.c.provider_id.in_(provider_ids)) if provider_ids else ():
        found[record.provider_id].append(record)
    return {provider_id: tuple(records) for provider_id, records in found.items()}


async def find_agreement(unit: UnitOfWork, key: str) -> AgreementRecord | None:
    """The agreement of a key."""
    found = await _agreements(unit, agreement.c.key == key)
    return found[0] if found else None


async def list_agreements(unit: UnitOfWork, after: UUID | None, limit: int, provider_id: UUID | None = None) -> Sequence[AgreementRecord]:
    """Agreements in order of their making, one more than the limit where there are more; of one provider or of all."""
    conditions = [] if after is None else [agreement.c.id > after]
    if provider_id is not None:
        conditions.append(agreement.c.provider_id == provider_id)
    return await _agreements(unit, *conditions, limit=limit + 1)


async def write_agreement(unit: UnitOfWork, record: AgreementRecord) -> None:
    """Stores an agreement as its version says (1: a new one), with its prices."""
    town = unit.municipality_id
    terms = record.tutoring
    values = {field: getattr(record, field) for field in _AGREEMENT_FIELDS} | {
        "facility_ids": list(record.facilities),
        "valid_from": record.valid.first,
        "valid_to": record.valid.last,
        "tutoring": {field: getattr(terms, field) for field in TutoringTerms.__slots__} if terms else None,
    }
    if record.version == 1:
        await unit.execute(insert(agreement).values(municipality_id=town, id=record.id, key=record.key, **values))
    else:
        await unit.execute(update(agreement).where(agreement.c.municipality_id == town, agreement.c.id == record.id).values(**values))
        price = agreement_price.c
        await unit.execute(delete(agreement_price).where(price.municipality_id == town, price.agreement_id == record.id))
    rows = [
        {"municipality_id": town, "agreement_id": record.id, "item": p.item, "valid_from": p.valid_from, "unit_price": p.unit_price}
        for p in record.prices
    ]
    if rows:
        await unit.execute(insert(agreement_price), rows)


def _with_prices() -> Select[Any]:
    price = agreement_price.c

    def column(of: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.array_agg(aggregate_order_by(of, price.item, price.valid_from), type_=ARRAY(of.type))

    prices = (
        select(
            price.agreement_id,
            column(price.item).label("price_items"),
            column(price.valid_from).label("price_days"),
            column(price.unit_price).label("price_cents"),
        )
        .where(price.municipality_id == agreement.c.municipality_id)
        .where(price.agreement_id == agreement.c.id)
        .group_by(price.agreement_id)
        .lateral("prices")
    )
    joined = agreement.outerjoin(prices, prices.c.agreement_id == agreement.c.id)
    return select(agreement, prices.c.price_items, prices.c.price_days, prices.c.price_cents).select_from(joined)


# Made once: putting its columns together takes longer than asking for them, and every invoice asks.
_WITH_PRICES: Final = _with_prices()


async def _agreements(unit: UnitOfWork, *conditions: ColumnElement[bool], limit: int | None = None) -> Sequence[AgreementRecord]:
    query = _WITH_PRICES.where(agreement.c.municipality_id == unit.municipality_id, *conditions)
    return [_agreement(row) for row in await unit.execute(query.order_by(agreement.c.id).limit(limit))]


def _agreement(row: Row[Any]) -> AgreementRecord:
    prices = zip(row.price_items or (), row.price_days or (), row.price_cents or (), strict=True)
    return AgreementRecord(
        id=row.id,
        key=row.key,
        facilities=tuple(row.facility_ids),
        facility_ids=frozenset(row.facility_ids),
        valid=DayRange(row.valid_from, row.valid_to),
        prices=tuple(DatedPrice(item, day, cents) for item, day, cents in prices),
        tutoring=TutoringTerms(**row.tutoring) if row.tutoring else None,
        **{field: getattr(row, field) for field in _AGREEMENT_FIELDS},
    )

"""SQL of bank accounts. Whom a payment goes to is decided here: only what two persons agreed on, and not too fresh."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, exists, insert, select, update

from but_gateway.db.fields import TownKeys
from but_gateway.db.session import UnitOfWork
from but_gateway.registers.providers.model import BankAccount
from but_gateway.registers.providers.tables import bank_account

IBAN_PURPOSE = "iban"


async def usable_accounts(unit: UnitOfWork, provider_ids: Collection[UUID], on: date) -> dict[UUID, BankAccount]:
    """The account of each provider that may be paid to on a day: the latest confirmed one whose cooling-off is over."""
    if not provider_ids:
        return {}
    c = bank_account.c
    query = (
        select(bank_account)
        .where(c.municipality_id == unit.municipality_id, c.provider_id.in_(provider_ids), c.state == "confirmed", c.usable_from <= on)
        .order_by(c.confirmed_at, c.id)
    )
    # Accounts change rarely: of the few there are the last one stays.
    return {row.provider_id: _account(row) for row in await unit.execute(query)}


async def usable_account(unit: UnitOfWork, provider_id: UUID, on: date) -> BankAccount | None:
    """The account that may be paid to on a day, None if there is none."""
    return (await usable_accounts(unit, [provider_id], on)).get(provider_id)


async def is_confirmed_iban(unit: UnitOfWork, keys: TownKeys, provider_id: UUID, iban: str) -> bool:
    """Whether an IBAN (electronic form) is a confirmed account of the provider, however fresh (rule H-07)."""
    hashes = keys.indexes(IBAN_PURPOSE, iban)
    query = select(exists().where(*_of(unit, provider_id), bank_account.c.iban_index.in_(hashes), _is_confirmed()))
    return bool((await unit.execute(query)).scalar_one())


async def has_confirmed_account(unit: UnitOfWork, provider_id: UUID) -> bool:
    """Whether any account of the provider was ever confirmed: the next one then has to cool off."""
    return bool((await unit.execute(select(exists().where(*_of(unit, provider_id), _is_confirmed())))).scalar_one())


async def list_bank_accounts(unit: UnitOfWork, provider_id: UUID, after: UUID | None, limit: int) -> Sequence[BankAccount]:
    """Bank accounts of a provider in order of their making, one more than the limit where there are more."""
    query = select(bank_account).where(*_of(unit, provider_id)).order_by(bank_account.c.id).limit(limit + 1)
    if after is not None:
        query = query.where(bank_account.c.id > after)
    return [_account(row) for row in await unit.execute(query)]


async def find_bank_account(unit: UnitOfWork, provider_id: UUID, account_id: UUID) -> BankAccount | None:
    """A bank account of a provider."""
    row = (await unit.execute(select(bank_account).where(*_of(unit, provider_id), bank_account.c.id == account_id))).one_or_none()
    return _account(row) if row else None


async def add_bank_account(  # noqa: PLR0913 - the parts of a proposal, all named
    unit: UnitOfWork, keys: TownKeys, *, account_id: UUID, provider_id: UUID, iban: str, holder: str, by: str, at: datetime
) -> None:
    """Stores a proposed account; the IBAN in electronic form."""
    await unit.execute(
        insert(bank_account).values(
            municipality_id=unit.municipality_id,
            id=account_id,
            provider_id=provider_id,
            iban=keys.seal(iban, "bank_account", account_id, "iban"),
            iban_index=iban_index(keys, iban),
            holder=keys.seal(holder, "bank_account", account_id, "holder"),
            state="proposed",
            proposed_by=by,
            proposed_at=at,
        )
    )


async def confirm_bank_account(unit: UnitOfWork, account_id: UUID, *, by: str, at: datetime, usable_from: date) -> None:
    """Makes a proposed account a confirmed one."""
    here = (bank_account.c.municipality_id == unit.municipality_id, bank_account.c.id == account_id)
    values = {"state": "confirmed", "confirmed_by": by, "confirmed_at": at, "usable_from": usable_from}
    await unit.execute(update(bank_account).where(*here).values(**values))


def iban_index(keys: TownKeys, iban: str) -> bytes:
    """The keyed hash by which an IBAN (electronic form) is found again."""
    return keys.index(IBAN_PURPOSE, iban)


def _of(unit: UnitOfWork, provider_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return bank_account.c.municipality_id == unit.municipality_id, bank_account.c.provider_id == provider_id


def _is_confirmed() -> ColumnElement[bool]:
    return bank_account.c.state == "confirmed"


def _account(row: Row[Any]) -> BankAccount:
    return BankAccount(
        row.id,
        row.provider_id,
        row.iban,
        row.holder,
        row.state,
        row.proposed_by,
        row.proposed_at,
        row.confirmed_by,
        row.confirmed_at,
        row.usable_from,
    )

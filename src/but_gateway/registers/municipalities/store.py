"""SQL of the towns' own records: settings, notices; towns as providers see them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from but_gateway.db.session import UnitOfWork
from but_gateway.identity.tables import account, account_town, municipality
from but_gateway.kit.ids import new_id
from but_gateway.registers.municipalities.settings import Settings
from but_gateway.registers.municipalities.tables import notice, settings


@dataclass(frozen=True, slots=True)
class Notice:
    """What the office should know. ``state``: open or done."""

    id: UUID
    kind: str
    at: datetime
    subject_type: str
    subject_id: str
    text: str
    state: str


@dataclass(frozen=True, slots=True)
class KnownTown:
    """A town as anybody with business there may know it."""

    id: UUID
    key: str
    name: str
    state: str
    sandbox: bool


async def lock_register(unit: UnitOfWork, register: str) -> None:
    """Lets one transaction after the other write a register of this town.

    Registers are written by one machine, rarely; so what must hold across rows (no overlapping agreements, one provider per
    account, a key made once) is checked in peace. The lock ends with the transaction.
    """
    await unit.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{unit.municipality_id}|{register}", 0))))


async def read_settings(unit: UnitOfWork) -> Settings:
    """The settings of the transaction's town; the defaults where none were stored."""
    return (await read_settings_version(unit))[0]


async def read_settings_version(unit: UnitOfWork) -> tuple[Settings, int]:
    """The settings and their version; version 0: the defaults, none were stored."""
    here = municipality.c.id == unit.municipality_id
    joined = municipality.outerjoin(settings, settings.c.municipality_id == municipality.c.id)
    row = (await unit.execute(select(municipality.c.name, settings.c.body, settings.c.version).select_from(joined).where(here))).one()
    return (Settings(name=row.name), 0) if row.body is None else (Settings.read(row.body), row.version)


async def write_settings(unit: UnitOfWork, new: Settings, version: int, at: datetime) -> None:
    """Stores the settings as this version."""
    values = {"body": new.document(), "version": version, "updated_at": at}
    statement = upsert(settings).values(municipality_id=unit.municipality_id, **values)
    await unit.execute(statement.on_conflict_do_update(index_elements=["municipality_id"], set_=values))


async def add_notice(unit: UnitOfWork, kind: str, subject_type: str, subject_id: object, text: str, at: datetime) -> UUID:  # noqa: PLR0913, PLR0917 - the parts of a notice
    """Tells the office something; returns the notice's id. The text is stored in the clear: it never holds personal data."""
    notice_id = new_id()
    await unit.execute(
        insert(notice).values(
            municipality_id=unit.municipality_id,
            id=notice_id,
            kind=kind,
            at=at,
            subject_type=subject_type,
            subject_id=str(subject_id),
            text=text,
            state="open",
        )
    )
    return notice_id


async def list_notices(unit: UnitOfWork, state: str | None, after: UUID | None, limit: int) -> Sequence[Notice]:
    """Notices in order of their making, one more than the limit where there are more."""
    query = select(notice).where(notice.c.municipality_id == unit.municipality_id).order_by(notice.c.id).limit(limit + 1)
    if state is not None:
        query = query.where(notice.c.state == state)
    if after is not None:
        query = query.where(notice.c.id > after)
    return [_notice(row) for row in await unit.execute(query)]


async def find_notice(unit: UnitOfWork, notice_id: UUID) -> Notice | None:
    """A notice, locked until the transaction ends."""
    query = select(notice).where(notice.c.municipality_id == unit.municipality_id, notice.c.id == notice_id).with_for_update()
    row = (await unit.execute(query)).one_or_none()
    return _notice(row) if row else None


async def mark_notice_done(unit: UnitOfWork, notice_id: UUID, by: str, at: datetime) -> None:
    """Records that a person dealt with it."""
    here = (notice.c.municipality_id == unit.municipality_id, notice.c.id == notice_id)
    await unit.execute(update(notice).where(*here).values(state="done", done_by=by, done_at=at))


async def list_towns_of_accounts(unit: UnitOfWork, accounts: Collection[str], after: UUID | None, limit: int) -> Sequence[KnownTown]:
    """Towns that keep a provider record for one of the accounts, oldest first, one more than the limit where there are more."""
    named = select(account_town.c.municipality_id).join(account).where(account.c.key.in_(accounts))
    query = _towns().where(municipality.c.id.in_(named)).order_by(municipality.c.id).limit(limit + 1)
    if after is not None:
        query = query.where(municipality.c.id > after)
    return [_town(row) for row in await unit.execute(query)]


async def find_known_town(unit: UnitOfWork, key: str) -> KnownTown | None:
    """The town of a key."""
    row = (await unit.execute(_towns().where(municipality.c.key == key))).one_or_none()
    return _town(row) if row else None


def _towns() -> Any:  # noqa: ANN401 - a select of five columns
    m = municipality.c
    return select(m.id, m.key, m.name, m.state, m.sandbox)


def _town(row: Row[Any]) -> KnownTown:
    return KnownTown(row.id, row.key, row.name, row.state, row.sandbox)


def _notice(row: Row[Any]) -> Notice:
    return Notice(row.id, row.kind, row.at, row.subject_type, row.subject_id, row.text, row.state)

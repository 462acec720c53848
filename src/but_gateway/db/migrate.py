"""Brings a database to the present schema: roles, migrations, partitions ahead, holidays of the states."""

from datetime import datetime

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from but_gateway.db.partitions import make_partitions
from but_gateway.db.readiness import migrations_folder
from but_gateway.db.schema import metadata
from but_gateway.db.state_holidays import load_state_holidays
from but_gateway.db.tenancy import APP_ROLE, OWNER_ROLE


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for this package."""
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.set_main_option("file_template", "%%(year)d-%%(month).2d-%%(day).2d-%%(hour).2d%%(minute).2d_%%(slug)s")
    config.attributes["connection"] = connection
    return config


async def migrate(url: str, now: datetime, revision: str = "head") -> None:
    """Makes the roles and brings the schema to a revision. Run as the database's owner (or a superuser)."""
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            for role in (OWNER_ROLE, APP_ROLE):
                await _make_role(connection, role)
            await connection.exec_driver_sql(f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER_ROLE}")
            await connection.commit()
            # Everything is made by, and so belongs to, the owner role; the app role never owns what it works on.
            await connection.exec_driver_sql(f"SET ROLE {OWNER_ROLE}")
            await connection.commit()
            await connection.run_sync(lambda c: command.upgrade(alembic_config(c), revision))
            await make_partitions(connection, partitioned_tables(), now)
            await load_state_holidays(connection)
            await connection.exec_driver_sql(f"GRANT SELECT ON alembic_version TO {APP_ROLE}")
            await connection.commit()
    finally:
        await engine.dispose()


def partitioned_tables() -> list[str]:
    """Names of the tables partitioned by month."""
    return sorted(t.name for t in metadata.tables.values() if t.info.get("partitioned"))


async def revision_of(url: str) -> str | None:
    """The revision a database stands at; None when it was never migrated."""
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            found = (await connection.execute(text("SELECT to_regclass('alembic_version')"))).scalar()
            return (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar() if found else None
    finally:
        await engine.dispose()


async def make_roles(url: str) -> None:
    """Makes the roles that the tables belong to and are worked on by, where they are missing: a dump names them and does not hold them."""
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            for role in (OWNER_ROLE, APP_ROLE):
                await _make_role(connection, role)
            await connection.exec_driver_sql(f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER_ROLE}")
            await connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}")
            await connection.commit()
    finally:
        await engine.dispose()


async def _make_role(connection: AsyncConnection, role: str) -> None:
    # Roles belong to the whole server: two databases may be migrated at once, hence the advisory lock.
    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": 0x627574_01})
    if not (await connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})).scalar():
        await connection.exec_driver_sql(f"CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE")
    if not (await connection.execute(text("SELECT pg_has_role(current_user, :role, 'MEMBER')"), {"role": role})).scalar():
        await connection.exec_driver_sql(f"GRANT {role} TO CURRENT_USER")

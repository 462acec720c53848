"""How alembic runs here: one migrator at a time, never waiting long for a lock, everything in one transaction."""

import importlib
import pkgutil

from alembic import context
from sqlalchemy import Connection, text

import but_gateway
from but_gateway.db.schema import metadata

# 0x627574 is "but": whoever migrates holds it, whoever comes second waits.
ADVISORY_LOCK = 0x627574


def import_all_tables() -> None:
    """Every room's tables register themselves in the metadata when imported."""
    for module in pkgutil.walk_packages(but_gateway.__path__, "but_gateway."):
        if module.name.endswith(".tables"):
            importlib.import_module(module.name)


def is_partition(name: str) -> bool:
    """Whether a table is a month partition or the default one; those are made beside the migrations."""
    return name.endswith("_rest") or "_m2" in name


def is_ours(item: object, name: str | None, kind: str, reflected: bool, _compare_to: object) -> bool:  # noqa: FBT001 - alembic's signature
    """Comparing leaves out partitions, and the copies of a foreign key that PostgreSQL keeps per partition it points to."""
    if not reflected or name is None:
        return True
    if kind == "foreign_key_constraint":
        return not any(is_partition(e.target_fullname.split(".")[0]) for e in item.elements)  # type: ignore[attr-defined] # a ForeignKeyConstraint
    return not (kind == "table" and is_partition(name))


def run(connection: Connection) -> None:
    """Runs the wanted migrations on an open connection."""
    connection.execute(text("SET lock_timeout = '10s'"))
    connection.execute(text("SET statement_timeout = '30min'"))
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
    connection.commit()
    try:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            include_object=is_ours,
            compare_server_default=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()


import_all_tables()
run(context.config.attributes["connection"])

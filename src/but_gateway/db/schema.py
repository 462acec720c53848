"""Metadata and column shapes that every room's ``tables.py`` uses.

A table tells in ``info`` what migrations and catalog tests must make of it:
``tenant`` (row-level security by municipality), ``provider_scoped`` (a second, restrictive policy by provider),
``append_only`` (the app role may insert and read, nothing else), ``deletable`` (the app role may also delete),
``partitioned`` (by month through the range of a UUIDv7 column).
"""

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, ForeignKeyConstraint, Index, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def instance_table(name: str, *items: SchemaItem, **info: bool) -> Table:
    """A table of the whole instance: logins, keys, calendars."""
    return Table(name, metadata, *items, info={"tenant": False, **info})


def tenant_table(
    name: str, *items: SchemaItem, key: tuple[str, ...] = ("id",), partition_by: str | None = None, fillfactor: int = 100, **info: bool
) -> Table:
    """A municipality's table: ``municipality_id`` leads its primary key and every other key; row-level security holds it.

    Args:
        name: the table's name.
        items: columns and constraints beside ``municipality_id`` and the primary key.
        key: what follows ``municipality_id`` in the primary key.
        partition_by: the UUIDv7 column whose range makes the month partitions.
        fillfactor: percent of a page filled at first, so that updates stay on their page.
        info: flags of the module docstring.
    """
    options: dict[str, Any] = {}
    if partition_by:
        options["postgresql_partition_by"] = f"RANGE ({partition_by})"
    if fillfactor < 100:  # noqa: PLR2004 - a full page is PostgreSQL's default
        options["postgresql_with"] = {"fillfactor": fillfactor}
    return Table(
        name,
        metadata,
        Column("municipality_id", Uuid, nullable=False),
        *items,
        PrimaryKeyConstraint("municipality_id", *key),
        info={"tenant": True, "partitioned": partition_by, **info},
        **options,
    )


def belongs_to(table: str, *columns: str, target: tuple[str, ...] = ("id",)) -> ForeignKeyConstraint:
    """A foreign key inside the municipality: both sides start with ``municipality_id``."""
    return ForeignKeyConstraint(["municipality_id", *columns], [f"{table}.municipality_id", *(f"{table}.{c}" for c in target)])


def index(table: Table, *columns: str, name: str | None = None, **options: Any) -> Index:  # noqa: ANN401 - dialect options
    """An index that starts with ``municipality_id``."""
    return Index(name or f"ix_{table.name}_{'_'.join(columns)}", table.c.municipality_id, *(table.c[c] for c in columns), **options)


def cents(name: str, *, nullable: bool = False) -> Column[int]:
    """Money in integer cents."""
    return Column(name, BigInteger, nullable=nullable)


def moment(name: str, *, nullable: bool = False) -> Column[Any]:
    """A moment with time zone."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def sealed(
    name: str, *, nullable: bool = True, row: str = "id", beside: tuple[str, ...] = (), rows_at_once: int | None = None
) -> Column[bytes]:
    """An encrypted field (db/fields.py): names, birth dates, IBANs, file numbers, pieces of files.

    Args:
        name: the column's name.
        nullable: whether there may be none.
        row: the column whose value, a UUID, it is bound to.
        beside: further columns whose values it is bound to, where an id names more than one row (``bound_to``).
        rows_at_once: how many may be in memory, where values are large.
    """
    return Column(name, LargeBinary, nullable=nullable, info={"sealed_row": row, "sealed_beside": beside, "rows_at_once": rows_at_once})


def bound_to(column: str, *beside: object) -> str:
    """As which column a value is sealed that is bound to values beside its row's id."""
    return "|".join([column, *(str(value) for value in beside)])


def document(name: str, *, nullable: bool = False) -> Column[Any]:
    """A JSON document."""
    return Column(name, JSONB, nullable=nullable)

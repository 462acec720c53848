"""Table: the access log of checks."""

from sqlalchemy import Boolean, Column, Date, Text, Uuid

from but_gateway.db.schema import document, index, moment, tenant_table

# Every check is logged before it is answered. The id of a row is the id of the check.
access_log = tenant_table(
    "access_log",
    Column("id", Uuid, nullable=False),
    moment("at"),
    Column("client_id", Text, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("entitlement_id", Uuid),
    Column("benefit", Text, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("facility_id", Uuid),
    Column("confirmed", Boolean, nullable=False),
    Column("cause", Text, nullable=False),  # why not; internal
    document("periods", nullable=True),  # [[first, last], …] where only a part of the range was confirmed; null: all of it or nothing
    partition_by="id",
    append_only=True,
    provider_scoped=True,
)
index(access_log, "entitlement_id")

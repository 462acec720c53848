"""Tables: the access log of checks, the count of identity failures, frozen numbers."""

from sqlalchemy import Boolean, Column, Date, Integer, Text, Uuid

from but_gateway.db.schema import belongs_to, index, moment, tenant_table

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
    partition_by="id",
    append_only=True,
    provider_scoped=True,
)
index(access_log, "entitlement_id")

# Rows asked and identity failures of a client on a day (of the Test-Clock where there is one).
identity_tally = tenant_table(
    "identity_tally",
    Column("client_id", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked", Boolean, nullable=False),
    key=("client_id", "day"),
)

# Wrong birth dates for one number by one provider; frozen at five until a registrar or clerk thaws it.
number_freeze = tenant_table(
    "number_freeze",
    Column("provider_id", Uuid, nullable=False),
    Column("entitlement_id", Uuid, nullable=False),
    Column("wrong_birth_dates", Integer, nullable=False),
    moment("frozen_at", nullable=True),
    Column("notice_id", Uuid),
    belongs_to("provider", "provider_id"),
    belongs_to("entitlement", "entitlement_id"),
    key=("provider_id", "entitlement_id"),
)
index(number_freeze, "notice_id")

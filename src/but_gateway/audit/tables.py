"""The audit record: plain rows in the business transaction."""

from sqlalchemy import Column, LargeBinary, Text, Uuid

from but_gateway.db.schema import index, moment, tenant_table

audit_event = tenant_table(
    "audit_event",
    Column("id", Uuid, nullable=False),
    moment("at"),  # the town's clock (Test-Clock in a sandbox)
    moment("recorded_at"),  # the machine's clock
    Column("actor", Text, nullable=False),  # issuer|subject
    Column("action", Text, nullable=False),
    Column("object_type", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("payload_hash", LargeBinary, nullable=False),
    append_only=True,
)
index(audit_event, "object_type", "object_id")

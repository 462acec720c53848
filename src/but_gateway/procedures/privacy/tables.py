"""Table: which children are to be erased, or were."""

from sqlalchemy import Column, Text, Uuid, text

from but_gateway.db.schema import index, moment, tenant_table

# Outlives the child's rows: after a restore of an older backup it says whom to erase again. The id is random and by then names nobody.
erasure = tenant_table(
    "erasure",
    Column("child_id", Uuid, nullable=False),
    Column("requested_by", Text, nullable=False),
    moment("requested_at"),
    moment("erased_at", nullable=True),  # null: waits for the end of retention
    key=("child_id",),
)
index(erasure, "requested_at", name="ix_erasure_waiting", postgresql_where=text("erased_at IS NULL"))

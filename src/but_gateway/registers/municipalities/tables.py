"""Tables: settings of a town, notices for its office."""

from sqlalchemy import CheckConstraint, Column, Integer, Text, Uuid

from but_gateway.db.schema import document, index, moment, tenant_table

settings = tenant_table(
    "settings",
    document("body"),
    Column("version", Integer, nullable=False),
    moment("updated_at"),
    key=(),
)

notice = tenant_table(
    "notice",
    Column("id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    moment("at"),
    Column("subject_type", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('open', 'done')", name="state"), nullable=False),
    Column("done_by", Text),
    moment("done_at", nullable=True),
)
index(notice, "state", "id")

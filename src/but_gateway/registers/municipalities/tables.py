"""Tables: settings of a town, notices for its office."""

from sqlalchemy import CheckConstraint, Column, Integer, Text, Uuid, text

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
    # Of notices that sweeps write: each cause is told once per subject, and only one of them at a time.
    Column("cause", Text),
)
index(notice, "state", "id")
index(notice, "kind", "subject_id", "cause", name="uq_notice_cause", unique=True, postgresql_where=text("cause IS NOT NULL"))
index(notice, "kind", "subject_id", name="uq_notice_open", unique=True, postgresql_where=text("cause IS NOT NULL AND state = 'open'"))

# A register changed: the open positions it touches are decided again, children by children in the order of their ids.
redecision = tenant_table(
    "redecision",
    Column("id", Uuid, nullable=False),
    Column("register", Text, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('running', 'done', 'failed')", name="state"), nullable=False),
    moment("at"),  # of the change; "now" for its decisions
    document("touches"),  # which positions: see touches.py
    Column("after_child", Uuid),  # how far it came
    Column("progress", Integer, nullable=False),  # positions looked at
    Column("changed", Integer, nullable=False),
    moment("finished_at", nullable=True),
)
index(redecision, "id", name="ix_redecision_running", postgresql_where=text("state = 'running'"))

"""Table: large grant imports that run as a job."""

from sqlalchemy import CheckConstraint, Column, Integer, Text, Uuid

from but_gateway.db.schema import document, index, moment, sealed, tenant_table

grant_import = tenant_table(
    "grant_import",
    Column("id", Uuid, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('running', 'done', 'failed')", name="state"), nullable=False),
    moment("created_at"),  # the town's clock: "now" for every row
    Column("created_by", Text, nullable=False),
    sealed("rows"),  # what was sent; emptied when done
    Column("total", Integer, nullable=False),
    Column("progress", Integer, nullable=False),
    document("report", nullable=True),
    moment("finished_at", nullable=True),
)
index(grant_import, "state", "id")

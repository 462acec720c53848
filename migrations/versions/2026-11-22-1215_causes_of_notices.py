"""Notices that sweeps write name their cause, so that the same thing is told once however often and by how many it is looked at."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notice", sa.Column("cause", sa.Text(), nullable=True))
    op.create_index(
        "uq_notice_cause",
        "notice",
        ["municipality_id", "kind", "subject_id", "cause"],
        unique=True,
        postgresql_where=sa.text("cause IS NOT NULL"),
    )
    op.create_index(
        "uq_notice_open",
        "notice",
        ["municipality_id", "kind", "subject_id"],
        unique=True,
        postgresql_where=sa.text("cause IS NOT NULL AND state = 'open'"),
    )


def downgrade() -> None:
    op.drop_index("uq_notice_open", "notice")
    op.drop_index("uq_notice_cause", "notice")
    op.drop_column("notice", "cause")

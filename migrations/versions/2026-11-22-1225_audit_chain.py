"""The audit chain: seals over rows, signed checkpoints, and what was deleted on purpose."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

APP = "but_app"
TOWN = "nullif(current_setting('but.municipality', true), '')::uuid"
# The head is written anew with every seal; all else is only ever added to.
RIGHTS = {
    "audit_head": "SELECT, INSERT, UPDATE",
    "audit_seal": "SELECT, INSERT",
    "audit_checkpoint": "SELECT, INSERT",
    "audit_retirement": "SELECT, INSERT",
}


def upgrade() -> None:
    create_tables()
    for table, rights in RIGHTS.items():
        op.execute(f'GRANT {rights} ON "{table}" TO {APP}')
        op.execute(f'ALTER TABLE "{table}" ALTER COLUMN municipality_id SET STATISTICS 0')
        op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
        op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
        op.execute(f'CREATE POLICY town ON "{table}" AS PERMISSIVE USING (municipality_id = {TOWN}) WITH CHECK (municipality_id = {TOWN})')


def create_tables() -> None:
    op.create_table(
        "audit_head",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoints", sa.BigInteger(), nullable=False),
        sa.Column("sealed_below", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.Uuid(), nullable=True),
        sa.Column("mark_xid", sa.BigInteger(), nullable=True),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("searched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("searched_all_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("municipality_id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_seal",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("from_id", sa.Uuid(), nullable=False),
        sa.Column("to_id", sa.Uuid(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprints", sa.LargeBinary(), nullable=False),
        sa.Column("late_ids", sa.ARRAY(sa.Uuid()), nullable=True),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("number > 0 AND row_count > 0 AND from_id < to_id", name=op.f("ck_audit_seal_whole")),
        sa.PrimaryKeyConstraint("municipality_id", "number", name=op.f("pk_audit_seal")),
    )
    op.create_index(
        "uq_audit_seal_source_from_id",
        "audit_seal",
        ["municipality_id", "source", "from_id"],
        unique=True,
        postgresql_where=sa.text("late_ids IS NULL"),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_id", "number", name=op.f("pk_audit_checkpoint")),
    )
    op.create_table(
        "audit_retirement",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("from_id", sa.Uuid(), nullable=False),
        sa.Column("to_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("from_id < to_id", name=op.f("ck_audit_retirement_range")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_audit_retirement")),
    )
    op.create_index("ix_audit_retirement_source_from_id", "audit_retirement", ["municipality_id", "source", "from_id"])


def downgrade() -> None:
    for table in reversed(RIGHTS):
        op.drop_table(table)

"""Retention, erasure, and keys of a town that can be changed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OWNER, APP = "but_owner", "but_app"
TOWN = "nullif(current_setting('but.municipality', true), '')::uuid"
TABLES = ("accounts_adoption", "retention_count", "erasure")


def upgrade() -> None:
    create_tables()
    for table in (*TABLES, "town_key"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO {APP}")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN municipality_id SET STATISTICS 0")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        clause = f"municipality_id = {TOWN}"
        op.execute(f"CREATE POLICY town ON {table} AS PERMISSIVE USING ({clause}) WITH CHECK ({clause})")
    # Answers belong to clients, and not every client is in a table; the owner deletes old ones and changes the keys of the rest.
    op.execute(f"CREATE POLICY upkeep ON idempotency_record TO {OWNER} USING (true) WITH CHECK (true)")


def create_tables() -> None:
    op.create_table(
        "town_key",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("active_from", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("purpose IN ('fields', 'index', 'reference')", name=op.f("ck_town_key_purpose")),
        sa.CheckConstraint("number > 0", name=op.f("ck_town_key_number")),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipality.id"], name=op.f("fk_town_key_municipality_id")),
        sa.PrimaryKeyConstraint("municipality_id", "purpose", "number", name=op.f("pk_town_key")),
    )
    op.create_table(
        "accounts_adoption",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("fiscal_year", sa.SmallInteger(), nullable=False),
        sa.Column("adopted_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("municipality_id", "fiscal_year", name=op.f("pk_accounts_adoption")),
    )
    op.create_table(
        "retention_count",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("municipality_id", "rule", "source", "month", name=op.f("pk_retention_count")),
    )
    op.create_table(
        "erasure",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("municipality_id", "child_id", name=op.f("pk_erasure")),
    )
    op.create_index("ix_erasure_waiting", "erasure", ["municipality_id", "requested_at"], postgresql_where=sa.text("erased_at IS NULL"))


def downgrade() -> None:
    op.execute("DROP POLICY upkeep ON idempotency_record")
    for table in ("erasure", "retention_count", "accounts_adoption", "town_key"):
        op.drop_table(table)

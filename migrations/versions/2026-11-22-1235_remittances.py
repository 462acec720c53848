"""Remittances: what a provider was told at hand-over, which later decisions of unpaid positions no longer change."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

APP = "but_app"
TOWN = "nullif(current_setting('but.municipality', true), '')::uuid"
PROVIDER = "nullif(current_setting('but.provider', true), '')::uuid"
TABLES = ("remittance", "remittance_position")


def upgrade() -> None:
    op.create_table(
        "remittance",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("remittance_text", sa.Text(), nullable=False),
        sa.Column("claimed", sa.BigInteger(), nullable=False),
        sa.Column("approved", sa.BigInteger(), nullable=False),
        sa.Column("receipts", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("pdf_offset", sa.BigInteger(), nullable=False),
        sa.Column("pdf_bytes", sa.Integer(), nullable=False),
        sa.Column("csv_offset", sa.BigInteger(), nullable=False),
        sa.Column("csv_bytes", sa.Integer(), nullable=False),
        sa.CheckConstraint("net = approved - receipts AND approved >= 0 AND receipts >= 0", name=op.f("ck_remittance_net")),
        sa.ForeignKeyConstraint(
            ["municipality_id", "id"], ["payment.municipality_id", "payment.id"], name=op.f("fk_remittance_municipality_id_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "provider_id"],
            ["provider.municipality_id", "provider.id"],
            name=op.f("fk_remittance_municipality_id_provider_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_remittance")),
        sa.UniqueConstraint("municipality_id", "number", name=op.f("uq_remittance_municipality_id_number")),
    )
    op.create_index("ix_remittance_provider_id_id", "remittance", ["municipality_id", "provider_id", "id"], unique=False)
    op.create_table(
        "remittance_position",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("position_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("approved", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "payment_id"],
            ["payment.municipality_id", "payment.id"],
            name=op.f("fk_remittance_position_municipality_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "payment_id", "position_id", name=op.f("pk_remittance_position")),
    )
    op.create_index("ix_remittance_position_position_id", "remittance_position", ["municipality_id", "position_id"], unique=False)
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {APP}")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN municipality_id SET STATISTICS 0")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        town = f"municipality_id = {TOWN}"
        op.execute(f"CREATE POLICY town ON {table} AS PERMISSIVE USING ({town}) WITH CHECK ({town})")
        own = f"{PROVIDER} IS NULL OR provider_id = {PROVIDER}"
        op.execute(f"CREATE POLICY provider ON {table} AS RESTRICTIVE USING ({own}) WITH CHECK ({own})")


def downgrade() -> None:
    op.drop_table("remittance_position")
    op.drop_table("remittance")

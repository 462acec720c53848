"""Reconciliation: what bank and treasury report, on which day a payment was booked, and repeats of returned payments."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

APP = "but_app"
TOWN = "nullif(current_setting('but.municipality', true), '')::uuid"
RIGHTS = {"payment_report": "SELECT, INSERT", "payment_entry": "SELECT, INSERT, UPDATE"}


def upgrade() -> None:
    enrich_payments()
    enrich_postings()
    create_tables()
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO {APP}")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN municipality_id SET STATISTICS 0")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        clause = f"municipality_id = {TOWN}"
        op.execute(f"CREATE POLICY town ON {table} AS PERMISSIVE USING ({clause}) WITH CHECK ({clause})")


def enrich_payments() -> None:
    op.add_column("payment", sa.Column("lapsed", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("payment", sa.Column("paid_on", sa.Date(), nullable=True))
    op.add_column("payment", sa.Column("returned_on", sa.Date(), nullable=True))
    op.add_column("payment", sa.Column("return_reason", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_payment_booked"),
        "payment",
        "(state = 'paid') = (paid_on IS NOT NULL) AND (state = 'returned') = (returned_on IS NOT NULL)",
    )
    op.create_check_constraint(op.f("ck_payment_lapsed"), "payment", "NOT lapsed OR repeats_id IS NOT NULL")
    op.create_foreign_key(
        op.f("fk_payment_municipality_id_repeats_id"),
        "payment",
        "payment",
        ["municipality_id", "repeats_id"],
        ["municipality_id", "id"],
    )
    op.create_index(
        "uq_payment_repeats",
        "payment",
        ["municipality_id", "repeats_id"],
        unique=True,
        postgresql_where=sa.text("repeats_id IS NOT NULL AND NOT lapsed"),
    )
    op.create_index(
        "ix_payment_returned", "payment", ["municipality_id", "id"], unique=False, postgresql_where=sa.text("state = 'returned'")
    )


def enrich_postings() -> None:
    op.add_column("posting", sa.Column("booked_on", sa.Date(), nullable=True))
    op.add_column("posting", sa.Column("turn", sa.SmallInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_posting_bank"),
        "posting",
        "kind NOT IN ('payment', 'return')"
        " OR (booked_on IS NOT NULL AND turn IS NOT NULL AND batch_id IS NOT NULL AND order_id IS NOT NULL AND payment_id IS NOT NULL)",
    )
    op.create_index(
        "uq_posting_turn",
        "posting",
        ["municipality_id", "order_id", "kind", "debit", "turn"],
        unique=True,
        postgresql_where=sa.text("kind IN ('payment', 'return')"),
    )


def create_tables() -> None:
    op.create_table(
        "payment_report",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("unmatched", sa.Integer(), nullable=False),
        sa.Column("already_known", sa.Integer(), nullable=False),
        sa.Column("unrelated", sa.Integer(), nullable=False),
        sa.Column("not_booked", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('camt.053', 'camt.054', 'pain.002', 'json', 'csv')", name=op.f("ck_payment_report_kind")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_payment_report")),
    )
    op.create_table(
        "payment_entry",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("end_to_end_id", sa.Text(), nullable=True),
        sa.Column("batch_number", sa.Text(), nullable=True),
        sa.Column("cents", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("return_reason", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("effective", sa.Boolean(), nullable=False),
        sa.Column("assigned_by", sa.Text(), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("assigned_reason", sa.LargeBinary(), nullable=True),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_reason", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("source IN ('statement', 'message')", name=op.f("ck_payment_entry_source")),
        sa.CheckConstraint("kind IN ('paid', 'returned')", name=op.f("ck_payment_entry_kind")),
        sa.CheckConstraint(
            "state IN ('matched', 'returned', 'unmatched', 'partial', 'overpaid', 'duplicate')", name=op.f("ck_payment_entry_state")
        ),
        sa.CheckConstraint("(state = 'unmatched') = (payment_id IS NULL)", name=op.f("ck_payment_entry_matched")),
        sa.CheckConstraint(
            "(assigned_by IS NULL) = (assigned_at IS NULL) AND (done_by IS NULL) = (done_at IS NULL)", name=op.f("ck_payment_entry_steps")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "payment_id"],
            ["payment.municipality_id", "payment.id"],
            name=op.f("fk_payment_entry_municipality_id_payment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "report_id"],
            ["payment_report.municipality_id", "payment_report.id"],
            name=op.f("fk_payment_entry_municipality_id_report_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_payment_entry")),
        sa.UniqueConstraint("municipality_id", "fingerprint", name=op.f("uq_payment_entry_municipality_id_fingerprint")),
    )
    op.create_index(
        "ix_payment_entry_payment_id",
        "payment_entry",
        ["municipality_id", "payment_id"],
        unique=False,
        postgresql_where=sa.text("payment_id IS NOT NULL"),
    )
    op.create_index("ix_payment_entry_state_id", "payment_entry", ["municipality_id", "state", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("payment_entry")
    op.drop_table("payment_report")
    op.drop_index("uq_posting_turn", "posting")
    op.drop_constraint(op.f("ck_posting_bank"), "posting", type_="check")
    op.drop_column("posting", "turn")
    op.drop_column("posting", "booked_on")
    op.drop_index("ix_payment_returned", "payment")
    op.drop_index("uq_payment_repeats", "payment")
    for name, kind in (
        ("fk_payment_municipality_id_repeats_id", "foreignkey"),
        ("ck_payment_lapsed", "check"),
        ("ck_payment_booked", "check"),
    ):
        op.drop_constraint(op.f(name), "payment", type_=kind)
    for column in ("return_reason", "returned_on", "paid_on", "lapsed"):
        op.drop_column("payment", column)

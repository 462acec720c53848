# ruff: noqa: E501, PLR0915 - emitted once from the tables' definitions, kept as it is for ever
"""The first schema: towns, registers, invoices, decisions, settlement; tenancy and rights from the first day on."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

OWNER, APP = "but_owner", "but_app"
TOWN = "nullif(current_setting('but.municipality', true), '')::uuid"
PROVIDER = "nullif(current_setting('but.provider', true), '')::uuid"
CLIENT = "nullif(current_setting('but.client', true), '')"

TENANT = [
    "access_log",
    "audit_event",
    "child",
    "decision",
    "facility",
    "fact_part",
    "grant_import",
    "identity_tally",
    "notice",
    "position_state",
    "posting",
    "redecision",
    "review",
    "settings",
    "settlement_batch",
    "used_proof",
    "batch_step",
    "closing",
    "entitlement",
    "lunch_month_slot",
    "lunch_slot",
    "package_file",
    "provider",
    "agreement",
    "bank_account",
    "carried_forward",
    "change_counter",
    "entitlement_grant",
    "entitlement_number",
    "family_payment",
    "invoice",
    "number_freeze",
    "package_part",
    "payment",
    "provider_change",
    "provider_link",
    "agreement_price",
    "grant_version",
    "invoice_line",
    "payment_order",
    "grant_notification",
    "order_item",
    "position",
]
INSTANCE = [
    "account",
    "idempotency_record",
    "municipality",
    "signing_key",
    "state_holiday",
    "account_town",
    "client",
    "client_account",
    "used_assertion",
]
PROVIDER_SCOPED = [
    "access_log",
    "decision",
    "position_state",
    "change_counter",
    "invoice",
    "provider_change",
    "provider_link",
    "invoice_line",
    "grant_notification",
    "position",
]
CLIENT_SCOPED = ["idempotency_record"]
APPEND_ONLY = [
    "access_log",
    "audit_event",
    "decision",
    "fact_part",
    "posting",
    "batch_step",
    "package_file",
    "carried_forward",
    "family_payment",
    "invoice",
    "package_part",
    "provider_change",
    "grant_version",
    "invoice_line",
    "grant_notification",
    "order_item",
    "position",
]
DELETABLE = [
    "idempotency_record",
    "used_proof",
    "account_town",
    "closing",
    "lunch_month_slot",
    "lunch_slot",
    "used_assertion",
    "agreement_price",
]
PARTITIONED = ["access_log", "decision", "position"]


def upgrade() -> None:
    create_tables()
    for table in PARTITIONED:
        # Months are made ahead by `db migrate`; what lies outside them is caught here.
        op.execute(f'CREATE TABLE "{table}_rest" PARTITION OF "{table}" DEFAULT')
    op.execute(f"GRANT USAGE ON SCHEMA public TO {APP}")
    for table in TENANT + INSTANCE:
        rights = "SELECT, INSERT" + ("" if table in APPEND_ONLY else ", UPDATE") + (", DELETE" if table in DELETABLE else "")
        op.execute(f'GRANT {rights} ON "{table}" TO {APP}')
    for table in [*TENANT, *(f"{table}_rest" for table in PARTITIONED)]:
        # With statistics the planner takes a town it has not met for a handful of rows and walks all of it for each row of
        # another table; without them it assumes one of two hundred towns and uses the whole key (docs/decisions/0011).
        op.execute(f'ALTER TABLE "{table}" ALTER COLUMN municipality_id SET STATISTICS 0')
    for table in TENANT:
        protect(table, "town", f"municipality_id = {TOWN}")
    for table in PROVIDER_SCOPED:
        protect(table, "provider", f"{PROVIDER} IS NULL OR provider_id = {PROVIDER}", kind="RESTRICTIVE")
    for table in CLIENT_SCOPED:
        protect(table, "client", f"client_id = {CLIENT}")


def protect(table: str, policy: str, clause: str, kind: str = "PERMISSIVE") -> None:
    op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
    op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
    op.execute(f'CREATE POLICY {policy} ON "{table}" AS {kind} USING ({clause}) WITH CHECK ({clause})')


def downgrade() -> None:
    for table in [
        "position",
        "order_item",
        "grant_notification",
        "payment_order",
        "invoice_line",
        "grant_version",
        "agreement_price",
        "used_assertion",
        "provider_link",
        "provider_change",
        "payment",
        "package_part",
        "number_freeze",
        "invoice",
        "family_payment",
        "entitlement_number",
        "entitlement_grant",
        "client_account",
        "change_counter",
        "carried_forward",
        "bank_account",
        "agreement",
        "provider",
        "package_file",
        "lunch_slot",
        "lunch_month_slot",
        "entitlement",
        "closing",
        "client",
        "batch_step",
        "account_town",
        "used_proof",
        "state_holiday",
        "signing_key",
        "settlement_batch",
        "settings",
        "review",
        "redecision",
        "posting",
        "position_state",
        "notice",
        "municipality",
        "identity_tally",
        "idempotency_record",
        "grant_import",
        "fact_part",
        "facility",
        "decision",
        "child",
        "audit_event",
        "account",
        "access_log",
    ]:
        op.execute(f'DROP TABLE "{table}"')


def create_tables() -> None:
    op.create_table(
        "access_log",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=True),
        sa.Column("benefit", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=True),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("periods", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_access_log")),
        info={"tenant": True, "partitioned": "id", "append_only": True, "provider_scoped": True},
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index("ix_access_log_entitlement_id", "access_log", ["municipality_id", "entitlement_id"], unique=False)
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("key", name=op.f("uq_account_key")),
        info={"tenant": False},
    )
    op.create_table(
        "audit_event",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("payload_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_audit_event")),
        info={"tenant": True, "partitioned": None, "append_only": True},
    )
    op.create_index("ix_audit_event_object_type_object_id", "audit_event", ["municipality_id", "object_type", "object_id"], unique=False)
    op.create_table(
        "child",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("family_name", sa.LargeBinary(), nullable=False),
        sa.Column("given_names", sa.LargeBinary(), nullable=False),
        sa.Column("date_of_birth", sa.LargeBinary(), nullable=False),
        sa.Column("same_child_index", sa.LargeBinary(), nullable=False),
        sa.Column("decision_seq", sa.BigInteger(), nullable=False),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "merged_into"], ["child.municipality_id", "child.id"], name=op.f("fk_child_municipality_id_merged_into")
        ),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_child")),
        sa.UniqueConstraint("municipality_id", "key", name=op.f("uq_child_municipality_id_key")),
        info={"tenant": True, "partitioned": None},
    )
    op.create_index("ix_child_same_child_index", "child", ["municipality_id", "same_child_index"], unique=False)
    op.create_table(
        "decision",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("position_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decision_seq", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("approved", sa.BigInteger(), nullable=False),
        sa.Column("proposed", sa.BigInteger(), nullable=True),
        sa.Column("findings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("allocations", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rule_set", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_decision")),
        info={"tenant": True, "partitioned": "id", "append_only": True, "provider_scoped": True},
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index("ix_decision_position_id", "decision", ["municipality_id", "position_id"], unique=False)
    op.create_table(
        "facility",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("open_weekdays", sa.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("observes_school_holidays", sa.Boolean(), nullable=False),
        sa.Column("cooperating_school_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "cooperating_school_id"],
            ["facility.municipality_id", "facility.id"],
            name=op.f("fk_facility_municipality_id_cooperating_school_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_facility")),
        sa.UniqueConstraint("municipality_id", "key", name=op.f("uq_facility_municipality_id_key")),
        info={"tenant": True, "partitioned": None},
    )
    op.create_table(
        "fact_part",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("municipality_id", "hash", name=op.f("pk_fact_part")),
        info={"tenant": True, "partitioned": None, "append_only": True},
    )
    op.create_table(
        "grant_import",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_grant_import")),
        info={"tenant": True, "partitioned": None},
    )
    op.create_index("ix_grant_import_state_id", "grant_import", ["municipality_id", "state", "id"], unique=False)
    op.create_table(
        "idempotency_record",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "key", name=op.f("pk_idempotency_record")),
        info={"tenant": False, "client_scoped": True, "deletable": True},
    )
    op.create_table(
        "identity_tally",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_id", "client_id", "day", name=op.f("pk_identity_tally")),
        info={"tenant": True, "partitioned": None},
    )
    op.create_table(
        "municipality",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ags", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sandbox", sa.Boolean(), nullable=False),
        sa.Column("data_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_municipality")),
        sa.UniqueConstraint("key", name=op.f("uq_municipality_key")),
        info={"tenant": False},
    )
    op.create_table(
        "notice",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_notice")),
        info={"tenant": True, "partitioned": None},
    )
    op.create_index("ix_notice_state_id", "notice", ["municipality_id", "state", "id"], unique=False)
    op.create_table(
        "position_state",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("position_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=True),
        sa.Column("child_id", sa.Uuid(), nullable=True),
        sa.Column("benefit", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("starts_at", sa.SmallInteger(), nullable=True),
        sa.Column("ends_at", sa.SmallInteger(), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("claimed", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("approved", sa.BigInteger(), nullable=False),
        sa.Column("proposed", sa.BigInteger(), nullable=True),
        sa.Column("corrected", sa.BigInteger(), nullable=False),
        sa.Column("by_person", sa.Boolean(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(outcome = 'review') = (proposed IS NOT NULL)", name=op.f("ck_position_state_proposed")),
        sa.CheckConstraint("batch_id IS NULL OR outcome IN ('accepted', 'reduced')", name=op.f("ck_position_state_settled_is_payable")),
        sa.CheckConstraint("outcome IN ('accepted', 'reduced') OR approved = 0", name=op.f("ck_position_state_approved")),
        sa.CheckConstraint("corrected >= 0 AND (corrected = 0 OR corrected <= approved)", name=op.f("ck_position_state_corrected")),
        sa.PrimaryKeyConstraint("municipality_id", "position_id", name=op.f("pk_position_state")),
        info={"tenant": True, "partitioned": None, "provider_scoped": True},
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "ix_position_state_batch_id",
        "position_state",
        ["municipality_id", "batch_id"],
        unique=False,
        postgresql_where=sa.text("batch_id IS NOT NULL"),
    )
    op.create_index("ix_position_state_child_id_first_day", "position_state", ["municipality_id", "child_id", "first_day"], unique=False)
    op.create_index("ix_position_state_invoice_id", "position_state", ["municipality_id", "invoice_id"], unique=False)
    op.create_index(
        "ix_position_state_unsettled",
        "position_state",
        ["municipality_id", "provider_id", "received_at"],
        unique=False,
        postgresql_where=sa.text("batch_id IS NULL AND outcome IN ('accepted', 'reduced')"),
    )
    op.create_table(
        "posting",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("debit", sa.Text(), nullable=False),
        sa.Column("credit", sa.Text(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("position_id", sa.Uuid(), nullable=True),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("grant_version", sa.Integer(), nullable=True),
        sa.Column("legal_basis", sa.Text(), nullable=True),
        sa.Column("benefit", sa.Text(), nullable=True),
        sa.Column("fiscal_year", sa.SmallInteger(), nullable=True),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("debit <> credit", name=op.f("ck_posting_two_accounts")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_posting")),
        info={"tenant": True, "partitioned": None, "append_only": True},
    )
    op.create_index(
        "ix_posting_batch_id", "posting", ["municipality_id", "batch_id"], unique=False, postgresql_where=sa.text("batch_id IS NOT NULL")
    )
    op.create_index("ix_posting_grant_id", "posting", ["municipality_id", "grant_id"], unique=False)
    op.create_index("ix_posting_position_id", "posting", ["municipality_id", "position_id"], unique=False)
    op.create_table(
        "redecision",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("register", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touches", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("after_child", sa.Uuid(), nullable=True),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_redecision")),
        info={"tenant": True, "partitioned": None},
    )
    op.create_index(
        "ix_redecision_running", "redecision", ["municipality_id", "id"], unique=False, postgresql_where=sa.text("state = 'running'")
    )
    op.create_table(
        "review",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("position_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("objection", sa.LargeBinary(), nullable=True),
        sa.Column("query", sa.LargeBinary(), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_review")),
        info={"tenant": True, "partitioned": None},
    )
    op.create_index("ix_review_state_id", "review", ["municipality_id", "state", "id"], unique=False)
    op.create_index(
        "uq_review_open", "review", ["municipality_id", "position_id"], unique=True, postgresql_where=sa.text("state <> 'resolved'")
    )
    op.create_table(
        "settings",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("municipality_id", name=op.f("pk_settings")),
        info={"tenant": True, "partitioned": None},
    )
    op.create_table(
        "settlement_batch",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fiscal_year", sa.SmallInteger(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cutoff", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("benefits", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("provider_ids", sa.ARRAY(sa.Uuid()), nullable=True),
        sa.Column("drawn_up_by", sa.Text(), nullable=False),
        sa.Column("drawn_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("factual_by", sa.Text(), nullable=True),
        sa.Column("factual_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arithmetical_by", sa.Text(), nullable=True),
        sa.Column("arithmetical_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ordered_by", sa.Text(), nullable=True),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handed_over_by", sa.Text(), nullable=True),
        sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("control_count", sa.Integer(), nullable=True),
        sa.Column("control_cents", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state NOT IN ('certified', 'ordered', 'handed_over', 'paid', 'partly_returned') OR (factual_by IS NOT NULL AND arithmetical_by IS NOT NULL)",
            name=op.f("ck_settlement_batch_certified"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('handed_over', 'paid', 'partly_returned') OR (handed_over_by IS NOT NULL AND control_count IS NOT NULL AND control_cents IS NOT NULL)",
            name=op.f("ck_settlement_batch_handed_over"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('ordered', 'handed_over', 'paid', 'partly_returned') OR ordered_by IS NOT NULL",
            name=op.f("ck_settlement_batch_ordered"),
        ),
        sa.CheckConstraint(
            "ordered_by IS NULL OR (factual_by IS NOT NULL AND arithmetical_by IS NOT NULL AND ordered_by <> drawn_up_by AND ordered_by <> factual_by AND ordered_by <> arithmetical_by)",
            name=op.f("ck_settlement_batch_four_eyes"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_settlement_batch")),
        sa.UniqueConstraint(
            "municipality_id", "fiscal_year", "serial", name=op.f("uq_settlement_batch_municipality_id_fiscal_year_serial")
        ),
        info={"tenant": True, "partitioned": None},
    )
    op.create_index("ix_settlement_batch_list", "settlement_batch", ["municipality_id", "id"], unique=False)
    op.create_table(
        "signing_key",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("private_key", sa.LargeBinary(), nullable=False),
        sa.Column("public_jwk", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_key")),
        info={"tenant": False},
    )
    op.create_index(
        "uq_signing_key_active",
        "signing_key",
        [sa.literal_column("(retired_at IS NULL)")],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    op.create_table(
        "state_holiday",
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("state", "day", "kind", name=op.f("pk_state_holiday")),
        info={"tenant": False},
    )
    op.create_table(
        "used_proof",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("position_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_id", "provider_id", "proof", name=op.f("pk_used_proof")),
        info={"tenant": True, "partitioned": None, "deletable": True},
    )
    op.create_index("ix_used_proof_position_id", "used_proof", ["municipality_id", "position_id"], unique=False)
    op.create_table(
        "account_town",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_account_town_account_id")),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipality.id"], name=op.f("fk_account_town_municipality_id")),
        sa.PrimaryKeyConstraint("account_id", "municipality_id", name=op.f("pk_account_town")),
        info={"tenant": False, "deletable": True},
    )
    op.create_index("ix_account_town_municipality", "account_town", ["municipality_id"], unique=False)
    op.create_table(
        "batch_step",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "batch_id"],
            ["settlement_batch.municipality_id", "settlement_batch.id"],
            name=op.f("fk_batch_step_municipality_id_batch_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_batch_step")),
        info={"tenant": True, "partitioned": None, "append_only": True},
    )
    op.create_index("ix_batch_step_batch_id_id", "batch_step", ["municipality_id", "batch_id", "id"], unique=False)
    op.create_table(
        "client",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("municipality_id", sa.Uuid(), nullable=True),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=True),
        sa.Column("jwk", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["municipality_id"], ["municipality.id"], name=op.f("fk_client_municipality_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client")),
        info={"tenant": False},
    )
    op.create_table(
        "closing",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "facility_id"],
            ["facility.municipality_id", "facility.id"],
            name=op.f("fk_closing_municipality_id_facility_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "facility_id", "first_day", "last_day", name=op.f("pk_closing")),
        info={"tenant": True, "partitioned": None, "deletable": True},
    )
    op.create_table(
        "entitlement",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("benefit", sa.Text(), nullable=False),
        sa.Column("information_allowed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "child_id"], ["child.municipality_id", "child.id"], name=op.f("fk_entitlement_municipality_id_child_id")
        ),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_entitlement")),
        sa.UniqueConstraint("municipality_id", "key", name=op.f("uq_entitlement_municipality_id_key")),
        info={"tenant": True, "partitioned": None},
    )
    op.create_index("ix_entitlement_child_id", "entitlement", ["municipality_id", "child_id"], unique=False)
    op.create_table(
        "lunch_month_slot",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("position_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rival_position_id", sa.Uuid(), nullable=True),
        sa.Column("rival_provider_id", sa.Uuid(), nullable=True),
        sa.Column("rival_facility_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "child_id"],
            ["child.municipality_id", "child.id"],
            name=op.f("fk_lunch_month_slot_municipality_id_child_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "child_id", "month", name=op.f("pk_lunch_month_slot")),
        info={"tenant": True, "partitioned": None, "deletable": True},
    )
    op.create_table(
        "lunch_slot",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("position_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rival_position_id", sa.Uuid(), nullable=True),
        sa.Column("rival_provider_id", sa.Uuid(), nullable=True),
        sa.Column("rival_facility_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "child_id"], ["child.municipality_id", "child.id"], name=op.f("fk_lunch_slot_municipality_id_child_id")
        ),
        sa.PrimaryKeyConstraint("municipality_id", "child_id", "day", name=op.f("pk_lunch_slot")),
        info={"tenant": True, "partitioned": None, "deletable": True},
    )
    op.create_table(
        "package_file",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("package", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "batch_id"],
            ["settlement_batch.municipality_id", "settlement_batch.id"],
            name=op.f("fk_package_file_municipality_id_batch_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "batch_id", "name", name=op.f("pk_package_file")),
        info={"tenant": True, "partitioned": None, "append_only": True},
    )
    op.create_table(
        "provider",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("suspended_from", sa.Date(), nullable=True),
        sa.Column("undertaking_signed_on", sa.Date(), nullable=True),
        sa.Column("creditor_number", sa.Text(), nullable=True),
        sa.Column("contact_email", sa.Text(), nullable=True),
        sa.Column("vat_id", sa.Text(), nullable=True),
        sa.Column("tax_number", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_provider_account_id")),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_provider")),
        sa.UniqueConstraint("municipality_id", "account_id", name=op.f("uq_provider_municipality_id_account_id")),
        sa.UniqueConstraint("municipality_id", "key", name=op.f("uq_provider_municipality_id_key")),
        info={"tenant": True, "partitioned": None},
    )
    op.create_table(
        "agreement",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("benefit", sa.Text(), nullable=False),
        sa.Column("facility_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("vat_treatment", sa.Text(), nullable=False),
        sa.Column("drink_included", sa.Boolean(), nullable=False),
        sa.Column("late_cancellation_share", sa.Integer(), nullable=True),
        sa.Column("absence_threshold_days", sa.Integer(), nullable=True),
        sa.Column("min_period_months", sa.Integer(), nullable=False),
        sa.Column("submission_months", sa.Integer(), nullable=True),
        sa.Column("late_effect", sa.Text(), nullable=True),
        sa.Column("tutoring", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "provider_id"],
            ["provider.municipality_id", "provider.id"],
            name=op.f("fk_agreement_municipality_id_provider_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_agreement")),
        sa.UniqueConstraint("municipality_id", "key", name=op.f("uq_agreement_municipality_id_key")),
        info={"tenant": True, "partitioned": None},
    )
    op.create_index("ix_agreement_provider_id_benefit", "agreement", ["municipality_id", "provider_id", "benefit"], unique=False)
    op.create_table(
        "bank_account",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("iban", sa.LargeBinary(), nullable=False),
        sa.Column("iban_index", sa.LargeBinary(), nullable=False),
        sa.Column("holder", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("usable_from", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "(state = 'confirmed') = (confirmed_by IS NOT NULL AND confirmed_at IS NOT NULL AND usable_from IS NOT NULL)",
            name=op.f("ck_bank_account_confirmed"),
        ),
        sa.CheckConstraint("confirmed_by IS NULL OR confirmed_by <> proposed_by", name=op.f("ck_bank_account_four_eyes")),
        sa.ForeignKeyConstraint(
            ["municipality_id", "provider_id"],
            ["provider.municipality_id", "provider.id"],
            name=op.f("fk_bank_account_municipality_id_provider_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_bank_account")),
        info={"tenant": True, "partitioned": None},
    )
    op.create_index("ix_bank_account_provider_id", "bank_account", ["municipality_id", "provider_id"], unique=False)
    op.create_table(
        "carried_forward",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("balance_cents", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "batch_id"],
            ["settlement_batch.municipality_id", "settlement_batch.id"],
            name=op.f("fk_carried_forward_municipality_id_batch_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "provider_id"],
            ["provider.municipality_id", "provider.id"],
            name=op.f("fk_carried_forward_municipality_id_provider_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "batch_id", "provider_id", name=op.f("pk_carried_forward")),
        info={"tenant": True, "partitioned": None, "append_only": True},
    )
    op.create_index("ix_carried_forward_provider_id", "carried_forward", ["municipality_id", "provider_id"], unique=False)
    op.create_table(
        "change_counter",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("last_serial", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "provider_id"],
            ["provider.municipality_id", "provider.id"],
            name=op.f("fk_change_counter_municipality_id_provider_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "provider_id", name=op.f("pk_change_counter")),
        info={"tenant": True, "partitioned": None, "provider_scoped": True},
        postgresql_with={"fillfactor": 80},
    )
    op.create_table(
        "client_account",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_client_account_account_id")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_client_account_client_id")),
        sa.PrimaryKeyConstraint("client_id", "account_id", name=op.f("pk_client_account")),
        info={"tenant": False},
    )
    op.create_table(
        "entitlement_grant",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("current_version", sa.Integer(), nullable=False),
        sa.Column("budget_limit", sa.BigInteger(), nullable=True),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("budget_limit IS NULL OR used + reserved <= budget_limit", name=op.f("ck_entitlement_grant_within_budget")),
        sa.CheckConstraint("used >= 0 AND reserved >= 0", name=op.f("ck_entitlement_grant_not_negative")),
        sa.ForeignKeyConstraint(
            ["municipality_id", "entitlement_id"],
            ["entitlement.municipality_id", "entitlement.id"],
            name=op.f("fk_entitlement_grant_municipality_id_entitlement_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_entitlement_grant")),
        sa.UniqueConstraint("municipality_id", "key", name=op.f("uq_entitlement_grant_municipality_id_key")),
        info={"tenant": True, "partitioned": None},
    )
    op.create_index("ix_entitlement_grant_entitlement_id", "entitlement_grant", ["municipality_id", "entitlement_id"], unique=False)
    op.create_table(
        "entitlement_number",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lost_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "entitlement_id"],
            ["entitlement.municipality_id", "entitlement.id"],
            name=op.f("fk_entitlement_number_municipality_id_entitlement_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "number_index", name=op.f("pk_entitlement_number")),
        info={"tenant": True, "partitioned": None},
    )
    op.create_index("ix_entitlement_number_entitlement_id", "entitlement_number", ["municipality_id", "entitlement_id"], unique=False)
    op.create_table(
        "family_payment",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "entitlement_id"],
            ["entitlement.municipality_id", "entitlement.id"],
            name=op.f("fk_family_payment_municipality_id_entitlement_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "provider_id"],
            ["provider.municipality_id", "provider.id"],
            name=op.f("fk_family_payment_municipality_id_provider_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_family_payment")),
        info={"tenant": True, "partitioned": None, "append_only": True},
    )
    op.create_index("ix_family_payment_entitlement_id", "family_payment", ["municipality_id", "entitlement_id"], unique=False)
    op.create_table(
        "invoice",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cancels_id", sa.Uuid(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("iban", sa.LargeBinary(), nullable=True),
        sa.Column("iban_differs", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "cancels_id"], ["invoice.municipality_id", "invoice.id"], name=op.f("fk_invoice_municipality_id_cancels_id")
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "provider_id"],
            ["provider.municipality_id", "provider.id"],
            name=op.f("fk_invoice_municipality_id_provider_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("municipality_id", "cancels_id", name=op.f("uq_invoice_municipality_id_cancels_id")),
        sa.UniqueConstraint("municipality_id", "provider_id", "number", name=op.f("uq_invoice_municipality_id_provider_id_number")),
        info={"tenant": True, "partitioned": None, "append_only": True, "provider_scoped": True},
    )
    op.create_index("ix_invoice_provider_id_id", "invoice", ["municipality_id", "provider_id", "id"], unique=False)
    op.create_table(
        "number_freeze",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("wrong_birth_dates", sa.Integer(), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notice_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "entitlement_id"],
            ["entitlement.municipality_id", "entitlement.id"],
            name=op.f("fk_number_freeze_municipality_id_entitlement_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "provider_id"],
            ["provider.municipality_id", "provider.id"],
            name=op.f("fk_number_freeze_municipality_id_provider_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "provider_id", "entitlement_id", name=op.f("pk_number_freeze")),
        info={"tenant": True, "partitioned": None},
    )
    op.create_index("ix_number_freeze_notice_id", "number_freeze", ["municipality_id", "notice_id"], unique=False)
    op.create_table(
        "package_part",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "batch_id", "name"],
            ["package_file.municipality_id", "package_file.batch_id", "package_file.name"],
            name=op.f("fk_package_part_municipality_id_batch_id_name"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "batch_id", "name", "part", name=op.f("pk_package_part")),
        info={"tenant": True, "partitioned": None, "append_only": True},
    )
    op.create_table(
        "payment",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("receipts", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.Text(), nullable=True),
        sa.Column("held_cause", sa.Text(), nullable=True),
        sa.Column("end_to_end_id", sa.Text(), nullable=False),
        sa.Column("remittance_text", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("bank_account_id", sa.Uuid(), nullable=True),
        sa.Column("iban", sa.LargeBinary(), nullable=True),
        sa.Column("holder", sa.LargeBinary(), nullable=True),
        sa.Column("repeats_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state <> 'handed_over' OR (held IS NULL AND iban IS NOT NULL AND net > 0)", name=op.f("ck_payment_handed_over")
        ),
        sa.CheckConstraint("(held IS NULL) = (held_cause IS NULL)", name=op.f("ck_payment_held")),
        sa.CheckConstraint("net = gross - receipts AND gross >= 0 AND receipts >= 0", name=op.f("ck_payment_net")),
        sa.ForeignKeyConstraint(
            ["municipality_id", "batch_id"],
            ["settlement_batch.municipality_id", "settlement_batch.id"],
            name=op.f("fk_payment_municipality_id_batch_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "provider_id"],
            ["provider.municipality_id", "provider.id"],
            name=op.f("fk_payment_municipality_id_provider_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_payment")),
        sa.UniqueConstraint("municipality_id", "batch_id", "serial", name=op.f("uq_payment_municipality_id_batch_id_serial")),
        sa.UniqueConstraint("municipality_id", "end_to_end_id", name=op.f("uq_payment_municipality_id_end_to_end_id")),
        info={"tenant": True, "partitioned": None},
    )
    op.create_index("ix_payment_provider_id_id", "payment", ["municipality_id", "provider_id", "id"], unique=False)
    op.create_table(
        "provider_change",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("withdrawn", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "provider_id"],
            ["provider.municipality_id", "provider.id"],
            name=op.f("fk_provider_change_municipality_id_provider_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "provider_id", "serial", name=op.f("pk_provider_change")),
        info={"tenant": True, "partitioned": None, "append_only": True, "provider_scoped": True},
    )
    op.create_table(
        "provider_link",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "entitlement_id"],
            ["entitlement.municipality_id", "entitlement.id"],
            name=op.f("fk_provider_link_municipality_id_entitlement_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "provider_id"],
            ["provider.municipality_id", "provider.id"],
            name=op.f("fk_provider_link_municipality_id_provider_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "provider_id", "entitlement_id", name=op.f("pk_provider_link")),
        info={"tenant": True, "partitioned": None, "provider_scoped": True},
    )
    op.create_index("ix_provider_link_entitlement_id", "provider_link", ["municipality_id", "entitlement_id"], unique=False)
    op.create_table(
        "used_assertion",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_used_assertion_client_id")),
        sa.PrimaryKeyConstraint("client_id", "jti", name=op.f("pk_used_assertion")),
        info={"tenant": False, "deletable": True},
    )
    op.create_table(
        "agreement_price",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("agreement_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "agreement_id"],
            ["agreement.municipality_id", "agreement.id"],
            name=op.f("fk_agreement_price_municipality_id_agreement_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "agreement_id", "item", "valid_from", name=op.f("pk_agreement_price")),
        info={"tenant": True, "partitioned": None, "deletable": True},
    )
    op.create_table(
        "grant_version",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("applied_on", sa.Date(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attends", sa.Text(), nullable=True),
        sa.Column("facility_id", sa.Uuid(), nullable=True),
        sa.Column("provider_id", sa.Uuid(), nullable=True),
        sa.Column("budget_kind", sa.Text(), nullable=False),
        sa.Column("budget_limit", sa.BigInteger(), nullable=True),
        sa.Column("subjects", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("tutoring_form", sa.Text(), nullable=True),
        sa.Column("revoked_from", sa.Date(), nullable=True),
        sa.Column("notified_on", sa.Date(), nullable=True),
        sa.Column("flags", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "facility_id"],
            ["facility.municipality_id", "facility.id"],
            name=op.f("fk_grant_version_municipality_id_facility_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "grant_id"],
            ["entitlement_grant.municipality_id", "entitlement_grant.id"],
            name=op.f("fk_grant_version_municipality_id_grant_id"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "provider_id"],
            ["provider.municipality_id", "provider.id"],
            name=op.f("fk_grant_version_municipality_id_provider_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "grant_id", "version", name=op.f("pk_grant_version")),
        info={"tenant": True, "partitioned": None, "append_only": True},
    )
    op.create_table(
        "invoice_line",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("benefit", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=True),
        sa.Column("child_id", sa.Uuid(), nullable=True),
        sa.Column("number_index", sa.LargeBinary(), nullable=True),
        sa.Column("facility_id", sa.Uuid(), nullable=True),
        sa.Column("claim", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("tutor", sa.Text(), nullable=True),
        sa.Column("proof", sa.Text(), nullable=True),
        sa.Column("check_id", sa.Uuid(), nullable=True),
        sa.Column("corrects_line_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "invoice_id"],
            ["invoice.municipality_id", "invoice.id"],
            name=op.f("fk_invoice_line_municipality_id_invoice_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_invoice_line")),
        sa.UniqueConstraint("municipality_id", "invoice_id", "line_no", name=op.f("uq_invoice_line_municipality_id_invoice_id_line_no")),
        info={"tenant": True, "partitioned": None, "append_only": True, "provider_scoped": True},
    )
    op.create_table(
        "payment_order",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("benefit", sa.Text(), nullable=False),
        sa.Column("fiscal_year", sa.SmallInteger(), nullable=False),
        sa.Column("positions", sa.Integer(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("receipts", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("gross >= 0 AND receipts >= 0", name=op.f("ck_payment_order_signs")),
        sa.ForeignKeyConstraint(
            ["municipality_id", "payment_id"],
            ["payment.municipality_id", "payment.id"],
            name=op.f("fk_payment_order_municipality_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_payment_order")),
        sa.UniqueConstraint("municipality_id", "batch_id", "serial", name=op.f("uq_payment_order_municipality_id_batch_id_serial")),
        sa.UniqueConstraint(
            "municipality_id",
            "payment_id",
            "legal_basis",
            "benefit",
            "fiscal_year",
            name=op.f("uq_payment_order_municipality_id_payment_id_legal_basis_benefit_fiscal_year"),
        ),
        info={"tenant": True, "partitioned": None},
    )
    op.create_table(
        "grant_notification",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("notified_on", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "grant_id", "version"],
            ["grant_version.municipality_id", "grant_version.grant_id", "grant_version.version"],
            name=op.f("fk_grant_notification_municipality_id_grant_id_version"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality_id", "provider_id"],
            ["provider.municipality_id", "provider.id"],
            name=op.f("fk_grant_notification_municipality_id_provider_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "grant_id", "provider_id", "version", name=op.f("pk_grant_notification")),
        info={"tenant": True, "partitioned": None, "append_only": True, "provider_scoped": True},
    )
    op.create_table(
        "order_item",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_id", "order_id"],
            ["payment_order.municipality_id", "payment_order.id"],
            name=op.f("fk_order_item_municipality_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "order_id", "position_id", name=op.f("pk_order_item")),
        info={"tenant": True, "partitioned": None, "append_only": True},
    )
    op.create_index("ix_order_item_batch_id_position_id", "order_item", ["municipality_id", "batch_id", "position_id"], unique=False)
    op.create_index("ix_order_item_position_id", "order_item", ["municipality_id", "position_id"], unique=False)
    op.create_table(
        "position",
        sa.Column("municipality_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("claimed", sa.BigInteger(), nullable=False),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality_id", "line_id"],
            ["invoice_line.municipality_id", "invoice_line.id"],
            name=op.f("fk_position_municipality_id_line_id"),
        ),
        sa.PrimaryKeyConstraint("municipality_id", "id", name=op.f("pk_position")),
        info={"tenant": True, "partitioned": "id", "append_only": True, "provider_scoped": True},
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(
        "ix_position_corrects_id",
        "position",
        ["municipality_id", "corrects_id"],
        unique=False,
        postgresql_where=sa.text("corrects_id IS NOT NULL"),
    )
    op.create_index("ix_position_line_id", "position", ["municipality_id", "line_id"], unique=False)

"""Tables: providers, bank accounts, agreements."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
)

from but_gateway.db.schema import belongs_to, cents, document, index, moment, sealed, tenant_table

provider = tenant_table(
    "provider",
    Column("id", Uuid, nullable=False),
    Column("key", Text, nullable=False),
    Column("account_id", Uuid, ForeignKey("account.id")),
    Column("name", Text, nullable=False),
    Column("kind", Text, CheckConstraint("kind IN ('caterer', 'tutor', 'club', 'school', 'other')", name="kind"), nullable=False),
    Column("status", Text, CheckConstraint("status IN ('active', 'suspended', 'ended')", name="status"), nullable=False),
    Column("suspended_from", Date),
    Column("undertaking_signed_on", Date),
    Column("creditor_number", Text),
    Column("contact_email", Text),
    Column("vat_id", Text),
    sealed("tax_number"),
    Column("version", Integer, nullable=False),
    UniqueConstraint("municipality_id", "key"),
    UniqueConstraint("municipality_id", "account_id"),
)

bank_account = tenant_table(
    "bank_account",
    Column("id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    sealed("iban", nullable=False),
    Column("iban_index", LargeBinary, nullable=False),
    sealed("holder", nullable=False),
    Column("state", Text, CheckConstraint("state IN ('proposed', 'confirmed')", name="state"), nullable=False),
    Column("proposed_by", Text, nullable=False),
    moment("proposed_at"),
    Column("confirmed_by", Text),
    moment("confirmed_at", nullable=True),
    Column("usable_from", Date),
    belongs_to("provider", "provider_id"),
    CheckConstraint("confirmed_by IS NULL OR confirmed_by <> proposed_by", name="four_eyes"),
    CheckConstraint(
        "(state = 'confirmed') = (confirmed_by IS NOT NULL AND confirmed_at IS NOT NULL AND usable_from IS NOT NULL)", name="confirmed"
    ),
)
index(bank_account, "provider_id")

agreement = tenant_table(
    "agreement",
    Column("id", Uuid, nullable=False),
    Column("key", Text, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("benefit", Text, nullable=False),
    Column("facility_ids", ARRAY(Uuid), nullable=False),  # empty = any
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date, CheckConstraint("valid_to >= valid_from", name="days"), nullable=False),
    Column("mode", Text, CheckConstraint("mode IN ('per_use', 'flat')", name="mode"), nullable=False),
    Column("evidence", Text, CheckConstraint("evidence IN ('dates', 'monthly_count')", name="evidence"), nullable=False),
    Column("vat_treatment", Text, nullable=False),
    Column("drink_included", Boolean, nullable=False),
    Column("late_cancellation_share", Integer),  # ten-thousandths
    Column("absence_threshold_days", Integer),
    Column("min_period_months", Integer, nullable=False),
    Column("submission_months", Integer),
    Column("late_effect", Text),
    document("tutoring", nullable=True),
    Column("version", Integer, nullable=False),
    UniqueConstraint("municipality_id", "key"),
    belongs_to("provider", "provider_id"),
)
index(agreement, "provider_id", "benefit")

agreement_price = tenant_table(
    "agreement_price",
    Column("agreement_id", Uuid, nullable=False),
    Column("item", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    cents("unit_price"),
    belongs_to("agreement", "agreement_id"),
    key=("agreement_id", "item", "valid_from"),
    deletable=True,
)

# What changed for a provider, in the order of commits: see change_store.py.
provider_change = tenant_table(
    "provider_change",
    Column("provider_id", Uuid, nullable=False),
    Column("serial", BigInteger, nullable=False),  # 1, 2, 3 … per provider, without a gap
    Column("id", Uuid, nullable=False),
    moment("at"),
    Column("kind", Text, CheckConstraint("kind IN ('decision', 'period', 'payment', 'bank_account')", name="kind"), nullable=False),
    Column(
        "subject_type",
        Text,
        CheckConstraint("subject_type IN ('invoice', 'child', 'remittance', 'bank_account')", name="subject_type"),
        nullable=False,
    ),
    Column("subject_id", Uuid, nullable=False),  # a child's is never shown: providers read their own reference
    document("details"),  # further fields as they are shown
    document("withdrawn", nullable=True),  # internal: [[grant, version], …] of which days fell away; reading it is being notified
    belongs_to("provider", "provider_id"),
    key=("provider_id", "serial"),
    append_only=True,
    provider_scoped=True,
)

# The last serial of each provider. Its row is locked from the writing of changes to their commit.
change_counter = tenant_table(
    "change_counter",
    Column("provider_id", Uuid, nullable=False),
    Column("last_serial", BigInteger, nullable=False),
    belongs_to("provider", "provider_id"),
    key=("provider_id",),
    provider_scoped=True,
    fillfactor=80,
)

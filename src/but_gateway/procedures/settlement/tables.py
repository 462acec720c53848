"""Tables: batches, payments, orders, what they carry, the steps of a batch, and the files of the packages."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from but_gateway.db.schema import belongs_to, cents, index, moment, sealed, tenant_table

STATES = "('drawn_up', 'certified', 'ordered', 'handed_over', 'paid', 'partly_returned', 'withdrawn')"

settlement_batch = tenant_table(
    "settlement_batch",
    Column("id", Uuid, nullable=False),
    Column("fiscal_year", SmallInteger, nullable=False),
    Column("serial", Integer, nullable=False),
    Column("state", Text, CheckConstraint(f"state IN {STATES}", name="state"), nullable=False),
    Column("cutoff", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("benefits", ARRAY(Text)),
    Column("provider_ids", ARRAY(Uuid)),
    Column("drawn_up_by", Text, nullable=False),
    moment("drawn_up_at"),
    Column("factual_by", Text),
    moment("factual_at", nullable=True),
    Column("arithmetical_by", Text),
    moment("arithmetical_at", nullable=True),
    Column("ordered_by", Text),
    moment("ordered_at", nullable=True),
    Column("handed_over_by", Text),
    moment("handed_over_at", nullable=True),
    moment("withdrawn_at", nullable=True),
    # What the payment file itself says of its transfers, read back from the file before it left.
    Column("control_count", Integer),
    cents("control_cents", nullable=True),
    UniqueConstraint("municipality_id", "fiscal_year", "serial"),
    # § 31 KomHVO NRW: nobody orders what they drew up or certified.
    CheckConstraint(
        "ordered_by IS NULL OR (factual_by IS NOT NULL AND arithmetical_by IS NOT NULL"
        " AND ordered_by <> drawn_up_by AND ordered_by <> factual_by AND ordered_by <> arithmetical_by)",
        name="four_eyes",
    ),
    CheckConstraint(
        "state NOT IN ('certified', 'ordered', 'handed_over', 'paid', 'partly_returned')"
        " OR (factual_by IS NOT NULL AND arithmetical_by IS NOT NULL)",
        name="certified",
    ),
    CheckConstraint("state NOT IN ('ordered', 'handed_over', 'paid', 'partly_returned') OR ordered_by IS NOT NULL", name="ordered"),
    CheckConstraint(
        "state NOT IN ('handed_over', 'paid', 'partly_returned')"
        " OR (handed_over_by IS NOT NULL AND control_count IS NOT NULL AND control_cents IS NOT NULL)",
        name="handed_over",
    ),
)
index(settlement_batch, "id", name="ix_settlement_batch_list")

# Every change of a batch's state and of a payment's hold: who, when, from where to where, why.
batch_step = tenant_table(
    "batch_step",
    Column("id", Uuid, nullable=False),
    Column("batch_id", Uuid, nullable=False),
    Column("payment_id", Uuid),
    Column("action", Text, nullable=False),
    Column("from_state", Text),  # null: the first
    Column("to_state", Text, nullable=False),
    Column("actor", Text, nullable=False),  # issuer|subject
    moment("at"),
    sealed("reason"),
    belongs_to("settlement_batch", "batch_id"),
    append_only=True,
)
index(batch_step, "batch_id", "id")

payment = tenant_table(
    "payment",
    Column("id", Uuid, nullable=False),
    Column("batch_id", Uuid, nullable=False),
    Column("serial", Integer, nullable=False),  # within the batch
    Column("provider_id", Uuid, nullable=False),
    cents("gross"),
    cents("receipts"),
    cents("net"),
    Column("held", Text),  # why it is held; null = not held
    Column("held_cause", Text, CheckConstraint("held_cause IN ('account', 'iban', 'person', 'returned')", name="held_cause")),
    Column("end_to_end_id", Text, nullable=False),
    Column("remittance_text", Text, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('open', 'left', 'handed_over', 'paid', 'returned')", name="state"), nullable=False),
    Column("bank_account_id", Uuid),
    sealed("iban"),  # the account as it stood at hand-over
    sealed("holder"),
    Column("repeats_id", Uuid),  # the returned payment this one repeats
    # Of a repeat: its batch was withdrawn, or it left. It will never be paid, and what it repeated is free for another repeat.
    Column("lapsed", Boolean, nullable=False, server_default=text("false")),
    # What the bank did with it (procedures/reconciliation): the booking days of the last execution and of the last return.
    Column("paid_on", Date),
    Column("returned_on", Date),
    Column("return_reason", Text),  # ISO 20022 code such as AC04
    UniqueConstraint("municipality_id", "end_to_end_id"),
    UniqueConstraint("municipality_id", "batch_id", "serial"),
    CheckConstraint("net = gross - receipts AND gross >= 0 AND receipts >= 0", name="net"),
    CheckConstraint("(held IS NULL) = (held_cause IS NULL)", name="held"),
    CheckConstraint("state <> 'handed_over' OR (held IS NULL AND iban IS NOT NULL AND net > 0)", name="handed_over"),
    CheckConstraint("(state = 'paid') = (paid_on IS NOT NULL) AND (state = 'returned') = (returned_on IS NOT NULL)", name="booked"),
    CheckConstraint("NOT lapsed OR repeats_id IS NOT NULL", name="lapsed"),
    belongs_to("settlement_batch", "batch_id"),
    belongs_to("provider", "provider_id"),
    belongs_to("payment", "repeats_id"),
)
index(payment, "provider_id", "id")
# A returned payment is repeated at most once at a time.
index(payment, "repeats_id", name="uq_payment_repeats", unique=True, postgresql_where=text("repeats_id IS NOT NULL AND NOT lapsed"))
index(payment, "id", name="ix_payment_returned", postgresql_where=text("state = 'returned'"))

payment_order = tenant_table(
    "payment_order",
    Column("id", Uuid, nullable=False),
    Column("batch_id", Uuid, nullable=False),
    Column("serial", Integer, nullable=False),  # within the batch
    Column("payment_id", Uuid, nullable=False),
    Column("legal_basis", Text, nullable=False),
    Column("benefit", Text, nullable=False),
    Column("fiscal_year", SmallInteger, nullable=False),
    Column("positions", Integer, nullable=False),
    cents("gross"),
    cents("receipts"),
    UniqueConstraint("municipality_id", "payment_id", "legal_basis", "benefit", "fiscal_year"),
    UniqueConstraint("municipality_id", "batch_id", "serial"),
    CheckConstraint("gross >= 0 AND receipts >= 0", name="signs"),
    belongs_to("payment", "payment_id"),
)

# What an order carries: a position whose grants have several legal bases stands in several orders, with its part in each.
order_item = tenant_table(
    "order_item",
    Column("order_id", Uuid, nullable=False),
    Column("position_id", Uuid, nullable=False),
    Column("batch_id", Uuid, nullable=False),
    cents("cents"),
    belongs_to("payment_order", "order_id"),
    key=("order_id", "position_id"),
    append_only=True,
)
index(order_item, "batch_id", "position_id")
index(order_item, "position_id")

# Providers that net to nothing or less: their positions stay free for a later batch.
carried_forward = tenant_table(
    "carried_forward",
    Column("batch_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("balance_cents", BigInteger, CheckConstraint("balance_cents <= 0", name="balance"), nullable=False),
    belongs_to("settlement_batch", "batch_id"),
    belongs_to("provider", "provider_id"),
    key=("batch_id", "provider_id"),
    append_only=True,
)
index(carried_forward, "provider_id")

package_file = tenant_table(
    "package_file",
    Column("batch_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("package", Text, CheckConstraint("package IN ('treasury', 'audit', 'advice')", name="package"), nullable=False),
    Column("media_type", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    belongs_to("settlement_batch", "batch_id"),
    key=("batch_id", "name"),
    append_only=True,
)

# A file in pieces, so that neither writing nor reading one of any length needs more memory than a piece. Each is sealed (db/pieces.py);
# those of before the migration 0008 lie in ``content``, which is empty since.
package_part = tenant_table(
    "package_part",
    Column("batch_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("part", Integer, nullable=False),  # from 0
    Column("content", LargeBinary, nullable=False),
    sealed("sealed_content", row="batch_id", beside=("name", "part"), rows_at_once=8),
    Column("bytes", Integer),  # as it is opened
    CheckConstraint("(sealed_content IS NULL) = (bytes IS NULL) AND (sealed_content IS NULL OR length(content) = 0)", name="in_one_place"),
    belongs_to("package_file", "batch_id", "name", target=("batch_id", "name")),
    key=("batch_id", "name", "part"),
    append_only=True,
)

# What a provider was told at hand-over, in sums, and where its advice lies in Avise.zip. The id is the payment's.
remittance = tenant_table(
    "remittance",
    Column("id", Uuid, nullable=False),
    Column("batch_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("number", Text, nullable=False),
    moment("created_at"),
    Column("remittance_text", Text, nullable=False),  # exactly as in the payment file
    cents("claimed"),
    cents("approved"),
    cents("receipts"),
    cents("net"),
    # The advice in its two shapes: offset of the first byte in Avise.zip, which keeps its entries uncompressed, and length.
    Column("pdf_offset", BigInteger, nullable=False),
    Column("pdf_bytes", Integer, nullable=False),
    Column("csv_offset", BigInteger, nullable=False),
    Column("csv_bytes", Integer, nullable=False),
    UniqueConstraint("municipality_id", "number"),
    CheckConstraint("net = approved - receipts AND approved >= 0 AND receipts >= 0", name="net"),
    belongs_to("payment", "id"),
    belongs_to("provider", "provider_id"),
    append_only=True,
    provider_scoped=True,
)
index(remittance, "provider_id", "id")

# The positions a remittance tells of: those it pays, and those of the same invoices that were not paid. The decision is the one that
# stood at hand-over; a later one of an unpaid position changes nothing here.
remittance_position = tenant_table(
    "remittance_position",
    Column("payment_id", Uuid, nullable=False),
    Column("position_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("decision_id", Uuid, nullable=False),
    cents("approved"),  # 0: not paid
    cents("previous", nullable=True),  # a correction that was settled: what the position it corrects was worth before it
    belongs_to("payment", "payment_id"),
    key=("payment_id", "position_id"),
    append_only=True,
    provider_scoped=True,
)
index(remittance_position, "position_id")

"""Tables: reports of bank and treasury, and what each of them says. Neither names nor accounts of anybody are kept."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Date, Integer, LargeBinary, Text, UniqueConstraint, Uuid, text

from but_gateway.db.schema import belongs_to, cents, index, moment, sealed, tenant_table

# A report that was taken in: who sent it, what it was, what became of its bookings.
payment_report = tenant_table(
    "payment_report",
    Column("id", Uuid, nullable=False),
    moment("at"),
    Column("actor", Text, nullable=False),  # issuer|subject
    Column("kind", Text, CheckConstraint("kind IN ('camt.053', 'camt.054', 'pain.002', 'json', 'csv')", name="kind"), nullable=False),
    Column("sha256", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("matched", Integer, nullable=False),
    Column("unmatched", Integer, nullable=False),
    Column("already_known", Integer, nullable=False),
    Column("unrelated", Integer, nullable=False),  # of the unmatched: other business of the bank account, not kept
    Column("not_booked", Integer, nullable=False),  # announced, pending, accepted: no booking yet
    append_only=True,
)

# What a report says of one payment. What it said never changes; its state follows what is known of the payment.
payment_entry = tenant_table(
    "payment_entry",
    Column("id", Uuid, nullable=False),
    Column("report_id", Uuid, nullable=False),  # the first report that said it
    Column("fingerprint", LargeBinary, nullable=False),  # of what was said: a report that says it again adds nothing
    Column("source", Text, CheckConstraint("source IN ('statement', 'message')", name="source"), nullable=False),
    Column("kind", Text, CheckConstraint("kind IN ('paid', 'returned')", name="kind"), nullable=False),
    Column("end_to_end_id", Text),
    Column("batch_number", Text),  # as found in the remittance text or the bank's references
    cents("cents", nullable=True),  # null: the report names no amount
    Column("currency", Text, nullable=False),
    Column("booked_on", Date, nullable=False),
    Column("return_reason", Text),  # ISO 20022 code such as AC04
    Column(
        "state",
        Text,
        CheckConstraint("state IN ('matched', 'returned', 'unmatched', 'partial', 'overpaid', 'duplicate')", name="state"),
        nullable=False,
    ),
    Column("payment_id", Uuid),
    Column("whole", Boolean, nullable=False),  # stands for the payment's whole amount
    Column("effective", Boolean, nullable=False),  # made the payment paid or returned
    Column("assigned_by", Text),
    moment("assigned_at", nullable=True),
    sealed("assigned_reason"),
    Column("done_by", Text),
    moment("done_at", nullable=True),
    sealed("done_reason"),
    UniqueConstraint("municipality_id", "fingerprint"),
    belongs_to("payment_report", "report_id"),
    belongs_to("payment", "payment_id"),
    CheckConstraint("(state = 'unmatched') = (payment_id IS NULL)", name="matched"),
    CheckConstraint("(assigned_by IS NULL) = (assigned_at IS NULL) AND (done_by IS NULL) = (done_at IS NULL)", name="steps"),
)
index(payment_entry, "payment_id", postgresql_where=text("payment_id IS NOT NULL"))
index(payment_entry, "state", "id")

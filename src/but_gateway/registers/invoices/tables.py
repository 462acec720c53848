"""Tables: invoices, lines, positions, decisions and what hangs on them.

Invoices, lines, positions, decisions and postings are only ever added to. What may change stands apart in small rows:
``position_state`` (the current decision, the live batch), the lunch slots and the reviews.
"""

from sqlalchemy import (
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

from but_gateway.db.schema import belongs_to, cents, document, index, moment, sealed, tenant_table

OUTCOMES = "('accepted', 'reduced', 'rejected', 'review', 'cancelled')"

invoice = tenant_table(
    "invoice",
    Column("id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("number", Text, nullable=False),
    Column("kind", Text, CheckConstraint("kind IN ('invoice', 'cancellation')", name="kind"), nullable=False),
    Column("cancels_id", Uuid),  # cancellation: the invoice it cancels
    Column("issued_on", Date, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    cents("total"),
    sealed("iban"),
    Column("iban_differs", Boolean, nullable=False),  # H-07: named an account that is not the provider's confirmed one
    moment("received_at"),
    Column("client_id", Text, nullable=False),
    UniqueConstraint("municipality_id", "provider_id", "number"),  # H-01; cancellations share the series
    UniqueConstraint("municipality_id", "cancels_id"),
    belongs_to("provider", "provider_id"),
    belongs_to("invoice", "cancels_id"),
    append_only=True,
    provider_scoped=True,
)
index(invoice, "provider_id", "id")

invoice_line = tenant_table(
    "invoice_line",
    Column("id", Uuid, nullable=False),
    Column("invoice_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("benefit", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("quantity", Integer, nullable=False),
    cents("unit_price"),
    cents("amount"),
    Column("identity", Text, nullable=False),  # rules/facts.py Identity
    Column("entitlement_id", Uuid),  # null when the identity failed
    Column("child_id", Uuid),
    Column("number_index", LargeBinary),  # keyed hash of the number as billed
    Column("facility_id", Uuid),
    document("claim"),  # rules/document.py of the Claim
    Column("tutor", Text),
    Column("proof", Text),
    Column("check_id", Uuid),
    Column("corrects_line_id", Uuid),
    UniqueConstraint("municipality_id", "invoice_id", "line_no"),
    belongs_to("invoice", "invoice_id"),
    append_only=True,
    provider_scoped=True,
)
index(invoice_line, "provider_id", "tutor", "first_day", name="ix_invoice_line_tutor", postgresql_where=text("tutor IS NOT NULL"))

position = tenant_table(
    "position",
    Column("id", Uuid, nullable=False),
    Column("invoice_id", Uuid, nullable=False),
    Column("line_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("quantity", Integer, nullable=False),
    cents("claimed"),
    Column("corrects_id", Uuid),  # the position a correction or cancellation takes back
    belongs_to("invoice_line", "line_id"),
    partition_by="id",
    append_only=True,
    provider_scoped=True,
)
index(position, "line_id")
index(position, "corrects_id", postgresql_where=text("corrects_id IS NOT NULL"))

decision = tenant_table(
    "decision",
    Column("id", Uuid, nullable=False),
    Column("position_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    moment("decided_at"),
    Column("decided_by", Text),  # null = by rule; else issuer|subject
    Column("decision_seq", BigInteger),  # the child's; null without a child
    Column("outcome", Text, CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"), nullable=False),
    cents("approved"),
    cents("proposed", nullable=True),
    document("findings"),  # [[rule, effect, values, payable], …]
    document("allocations"),  # [[grant id, version, legal basis, cents, units], …]
    Column("rule_set", Text),
    document(
        "facts", nullable=True
    ),  # {"s": situation, part name: hash, "grants": [hash, …]}; null for questions, objections, cancellations; a person's has no rule_set
    sealed("reason", row="position_id"),  # a person's words
    # No foreign key points into a partitioned table: see docs/decisions/0009. The invariants ask instead.
    partition_by="id",
    append_only=True,
    provider_scoped=True,
)
index(decision, "position_id")

# Parts of facts that many decisions share (town, agreement, grant …), stored once by content.
fact_part = tenant_table(
    "fact_part",
    Column("hash", LargeBinary, nullable=False),
    document("body"),
    key=("hash",),
    append_only=True,
)

position_state = tenant_table(
    "position_state",
    Column("position_id", Uuid, nullable=False),
    Column("invoice_id", Uuid, nullable=False),
    Column("line_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("entitlement_id", Uuid),
    Column("child_id", Uuid),
    Column("benefit", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("starts_at", SmallInteger),  # lesson: minutes since midnight
    Column("ends_at", SmallInteger),
    Column("minutes", Integer),  # lesson: minutes billed
    cents("claimed"),
    moment("received_at"),
    Column("decision_id", Uuid, nullable=False),
    Column("outcome", Text, CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"), nullable=False),
    cents("approved"),
    cents("proposed", nullable=True),
    cents("corrected"),  # Σ of accepted corrections of this position, as a positive amount
    Column("by_person", Boolean, nullable=False),
    Column("batch_id", Uuid),  # the live batch: at most one
    CheckConstraint("corrected >= 0 AND (corrected = 0 OR corrected <= approved)", name="corrected"),
    CheckConstraint("batch_id IS NULL OR outcome IN ('accepted', 'reduced')", name="settled_is_payable"),
    CheckConstraint("(outcome = 'review') = (proposed IS NOT NULL)", name="proposed"),
    CheckConstraint("outcome IN ('accepted', 'reduced') OR approved = 0", name="approved"),
    key=("position_id",),
    provider_scoped=True,
    fillfactor=80,
)
index(position_state, "invoice_id")
index(position_state, "child_id", "first_day")
index(
    position_state,
    "provider_id",
    "received_at",
    name="ix_position_state_unsettled",
    postgresql_where=text("batch_id IS NULL AND outcome IN ('accepted', 'reduced')"),
)
index(position_state, "batch_id", postgresql_where=text("batch_id IS NOT NULL"))

# One lunch per child and day, whoever bills it (invariant 11): the primary key is the guarantee.
lunch_slot = tenant_table(
    "lunch_slot",
    Column("child_id", Uuid, nullable=False),
    Column("day", Date, nullable=False),
    Column("position_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("facility_id", Uuid),
    Column("state", Text, CheckConstraint("state IN ('held', 'contested')", name="state"), nullable=False),
    Column("rival_position_id", Uuid),  # contested: the second claim
    Column("rival_provider_id", Uuid),
    Column("rival_facility_id", Uuid),
    belongs_to("child", "child_id"),
    key=("child_id", "day"),
    deletable=True,
)

# The same for flat months and monthly counts: child × month (first day of the month).
lunch_month_slot = tenant_table(
    "lunch_month_slot",
    Column("child_id", Uuid, nullable=False),
    Column("month", Date, nullable=False),
    Column("position_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("facility_id", Uuid),
    Column("state", Text, CheckConstraint("state IN ('held', 'contested')", name="state"), nullable=False),
    Column("rival_position_id", Uuid),
    Column("rival_provider_id", Uuid),
    Column("rival_facility_id", Uuid),
    belongs_to("child", "child_id"),
    key=("child_id", "month"),
    deletable=True,
)

# A proof (signed lesson record) is used once per provider.
used_proof = tenant_table(
    "used_proof",
    Column("provider_id", Uuid, nullable=False),
    Column("proof", Text, nullable=False),
    Column("position_id", Uuid, nullable=False),
    key=("provider_id", "proof"),
    deletable=True,
)

index(used_proof, "position_id")

review = tenant_table(
    "review",
    Column("id", Uuid, nullable=False),
    Column("position_id", Uuid, nullable=False),
    Column("invoice_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('open', 'query', 'resolved')", name="state"), nullable=False),
    moment("opened_at"),
    sealed("objection"),  # the provider's words
    sealed("query"),  # the clerk's question
    Column("resolved_by", Text),  # issuer|subject; null when a later fact resolved it
    moment("resolved_at", nullable=True),
)
index(review, "state", "id")
index(review, "position_id")
index(review, "position_id", name="uq_review_open", unique=True, postgresql_where=text("state <> 'resolved'"))

# The ledger: every change of money or of a budget, as a transfer from one account to another. Reversals are negative.
posting = tenant_table(
    "posting",
    Column("id", Uuid, nullable=False),
    moment("at"),
    Column("kind", Text, CheckConstraint("kind IN ('decision', 'settlement', 'payment', 'return')", name="kind"), nullable=False),
    Column("debit", Text, CheckConstraint("debit IN ('expenditure', 'payable', 'ordered', 'bank')", name="debit"), nullable=False),
    Column("credit", Text, CheckConstraint("credit IN ('expenditure', 'payable', 'ordered', 'bank')", name="credit"), nullable=False),
    cents("cents"),
    Column("used", BigInteger, nullable=False),  # budget units
    Column("reserved", BigInteger, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("position_id", Uuid),
    Column("decision_id", Uuid),
    Column("grant_id", Uuid),
    Column("grant_version", Integer),
    Column("legal_basis", Text),
    Column("benefit", Text),
    Column("fiscal_year", SmallInteger),
    Column("batch_id", Uuid),
    Column("order_id", Uuid),
    Column("payment_id", Uuid),
    Column("booked_on", Date),  # payment, return: the day the bank booked it; decides the reporting year
    Column("turn", SmallInteger),  # payment, return: the bank's first, second … execution of the payment
    CheckConstraint("debit <> credit", name="two_accounts"),
    CheckConstraint(
        "kind NOT IN ('payment', 'return')"
        " OR (booked_on IS NOT NULL AND turn IS NOT NULL AND batch_id IS NOT NULL AND order_id IS NOT NULL AND payment_id IS NOT NULL)",
        name="bank",
    ),
    append_only=True,
)
index(posting, "position_id")
index(posting, "grant_id")
index(posting, "batch_id", postgresql_where=text("batch_id IS NOT NULL"))
# Whatever reports say, and however often: an execution of an order by the bank is booked once, and so is its return.
index(
    posting,
    "order_id",
    "kind",
    "debit",
    "turn",
    name="uq_posting_turn",
    unique=True,
    postgresql_where=text("kind IN ('payment', 'return')"),
)

"""The audit record: plain rows in the business transaction, sealed afterwards into a chain per town (docs/audit.md)."""

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, Integer, LargeBinary, Text, Uuid, text

from but_gateway.db.schema import index, moment, tenant_table

audit_event = tenant_table(
    "audit_event",
    Column("id", Uuid, nullable=False),
    moment("at"),  # the town's clock (Test-Clock in a sandbox)
    moment("recorded_at"),  # the machine's clock
    Column("actor", Text, nullable=False),  # issuer|subject
    Column("action", Text, nullable=False),
    Column("object_type", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("payload_hash", LargeBinary, nullable=False),
    append_only=True,
)
index(audit_event, "object_type", "object_id")

# Where a town's chain stands. Only the sealer writes it; no business transaction ever waits for it.
audit_head = tenant_table(
    "audit_head",
    Column("length", BigInteger, nullable=False),  # number of the last seal
    Column("head", LargeBinary, nullable=False),  # its hash
    Column("checkpoints", BigInteger, nullable=False),  # number of the last checkpoint
    Column("sealed_below", Uuid, nullable=False),  # rows with smaller ids are sealed
    # The bound that comes next: it holds once every transaction that was open at ``marked_at`` has ended.
    Column("mark", Uuid),
    Column("mark_xid", BigInteger),
    moment("marked_at", nullable=True),
    moment("searched_at", nullable=True),  # when rows were last looked for that came late
    moment("searched_all_at", nullable=True),
    key=(),
)

audit_seal = tenant_table(
    "audit_seal",
    Column("number", BigInteger, nullable=False),  # from 1, without gaps
    Column("source", Text, nullable=False),  # the table whose rows are sealed
    Column("from_id", Uuid, nullable=False),  # inclusive
    Column("to_id", Uuid, nullable=False),  # exclusive; the next seal of the source goes on here
    Column("row_count", Integer, nullable=False),
    Column("root", LargeBinary, nullable=False),  # SHA-256 over the rows' hashes
    Column("fingerprints", LargeBinary, nullable=False),  # the first four bytes of each row's hash: to say which row was changed
    Column("late_ids", ARRAY(Uuid)),  # rows that came into a range that was sealed already; null for the seal of a range
    moment("sealed_at"),  # the machine's clock
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("number > 0 AND row_count > 0 AND from_id < to_id", name="whole"),
    key=("number",),
    append_only=True,
)
# A range is sealed once, whatever number of workers there are.
index(
    audit_seal,
    "source",
    "from_id",
    name="uq_audit_seal_source_from_id",
    unique=True,
    postgresql_where=text("late_ids IS NULL"),
)

audit_checkpoint = tenant_table(
    "audit_checkpoint",
    Column("number", BigInteger, nullable=False),  # from 1, without gaps
    moment("at"),  # the machine's clock
    Column("length", BigInteger, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("token", Text, nullable=False),  # signed by the instance
    key=("number",),
    append_only=True,
)

# What was deleted on purpose: sealed rows may be gone only where this says so.
audit_retirement = tenant_table(
    "audit_retirement",
    Column("id", Uuid, nullable=False),
    Column("source", Text, nullable=False),
    Column("from_id", Uuid, nullable=False),
    Column("to_id", Uuid, nullable=False),
    moment("at"),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint("from_id < to_id", name="range"),
    append_only=True,
)
index(audit_retirement, "source", "from_id")

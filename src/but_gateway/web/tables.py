"""What was answered to which idempotency key."""

from sqlalchemy import Column, LargeBinary, PrimaryKeyConstraint, SmallInteger, Text

from but_gateway.db.schema import document, instance_table, moment

# Of the instance, because the scope of a key is (client, key) and a client may act in many towns; guarded by a policy on the client.
idempotency_record = instance_table(
    "idempotency_record",
    Column("client_id", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    document("headers"),
    Column("body", LargeBinary, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("client_id", "key"),
    client_scoped=True,
    deletable=True,
)

"""Tables of the instance: municipalities, logins, keys."""

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    Uuid,
    text,
)

from but_gateway.db.schema import document, instance_table, moment

municipality = instance_table(
    "municipality",
    Column("id", Uuid, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("ags", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("sandbox", Boolean, nullable=False),
    Column("data_key", LargeBinary, nullable=False),  # wrapped by the master key
    moment("created_at"),
)

# Keys of a town beyond the first, which lies with the town itself: see db/fields.py. A town that never changed a key has none here.
town_key = instance_table(
    "town_key",
    Column("municipality_id", Uuid, ForeignKey("municipality.id"), nullable=False),
    Column("purpose", Text, CheckConstraint("purpose IN ('fields', 'index', 'reference')", name="purpose"), nullable=False),
    Column("number", SmallInteger, CheckConstraint("number > 0", name="number"), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),  # by the master key
    moment("created_at"),
    # Every process knows it by then, so that all can read what the first one writes with it. Index keys: 'infinity' until put into use.
    moment("active_from"),
    PrimaryKeyConstraint("municipality_id", "purpose", "number"),
)

account = instance_table(
    "account",
    Column("id", Uuid, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    moment("created_at"),
)

# Which town keeps a provider record for which account: maintained with the register, read before the town is chosen.
account_town = instance_table(
    "account_town",
    Column("account_id", Uuid, ForeignKey("account.id"), nullable=False),
    Column("municipality_id", Uuid, ForeignKey("municipality.id"), nullable=False),
    Column("provider_id", Uuid, nullable=False),
    PrimaryKeyConstraint("account_id", "municipality_id"),
    deletable=True,
)

client = instance_table(
    "client",
    Column("id", Text, primary_key=True),
    Column("kind", Text, CheckConstraint("kind IN ('machine', 'person')", name="kind"), nullable=False),
    Column("name", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("municipality_id", Uuid, ForeignKey("municipality.id")),
    Column("secret_hash", LargeBinary),
    document("jwk", nullable=True),
    moment("created_at"),
    moment("disabled_at", nullable=True),
)

client_account = instance_table(
    "client_account",
    Column("client_id", Text, ForeignKey("client.id"), nullable=False),
    Column("account_id", Uuid, ForeignKey("account.id"), nullable=False),
    PrimaryKeyConstraint("client_id", "account_id"),
)

used_assertion = instance_table(
    "used_assertion",
    Column("client_id", Text, ForeignKey("client.id"), nullable=False),
    Column("jti", Text, nullable=False),
    moment("expires_at"),
    PrimaryKeyConstraint("client_id", "jti"),
    deletable=True,
)

signing_key = instance_table(
    "signing_key",
    Column("kid", Text, primary_key=True),
    Column("private_key", LargeBinary, nullable=False),  # wrapped by the master key
    document("public_jwk"),
    moment("created_at"),
    moment("retired_at", nullable=True),
)

Index("ix_account_town_municipality", account_town.c.municipality_id)
# One key signs at a time, whatever number of processes start at once.
Index("uq_signing_key_active", text("(retired_at IS NULL)"), unique=True, postgresql_where=text("retired_at IS NULL"), _table=signing_key)

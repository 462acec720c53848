"""Tables: children, entitlements, numbers, grants and their versions, links, family payments; who guessed how often."""

from sqlalchemy import ARRAY, BigInteger, Boolean, CheckConstraint, Column, Date, Integer, LargeBinary, Text, UniqueConstraint, Uuid, text

from but_gateway.db.schema import belongs_to, index, moment, sealed, tenant_table

# Locked (FOR NO KEY UPDATE, in order of id) while anything about the child is decided.
child = tenant_table(
    "child",
    Column("id", Uuid, nullable=False),
    Column("key", Text, nullable=False),
    sealed("family_name", nullable=False),
    sealed("given_names", nullable=False),
    sealed("date_of_birth", nullable=False),
    Column("same_child_index", LargeBinary, nullable=False),  # keyed hash of folded name and birth date: the same child under two keys
    Column("decision_seq", BigInteger, nullable=False),  # how often the child's lock was taken to decide
    Column("merged_into", Uuid),  # the same child as this one: its key is only another name, nothing hangs on it any more
    UniqueConstraint("municipality_id", "key"),
    belongs_to("child", "merged_into"),
)
index(child, "same_child_index")

entitlement = tenant_table(
    "entitlement",
    Column("id", Uuid, nullable=False),
    Column("key", Text, nullable=False),
    Column("child_id", Uuid, nullable=False),
    Column("benefit", Text, nullable=False),
    Column("information_allowed", Boolean, nullable=False),
    UniqueConstraint("municipality_id", "key"),
    belongs_to("child", "child_id"),
)
index(entitlement, "child_id")

entitlement_number = tenant_table(
    "entitlement_number",
    Column("number_index", LargeBinary, nullable=False),  # keyed hash of the folded number
    Column("entitlement_id", Uuid, nullable=False),
    sealed("number", nullable=False, row="entitlement_id"),
    Column("kind", Text, CheckConstraint("kind IN ('issued', 'external')", name="kind"), nullable=False),
    moment("issued_at"),
    Column("lost_on", Date),
    belongs_to("entitlement", "entitlement_id"),
    key=("number_index",),
)
index(entitlement_number, "entitlement_id")

# `grant` is a reserved word in SQL, hence the longer name. Counters are a checked cache of the sums over postings.
entitlement_grant = tenant_table(
    "entitlement_grant",
    Column("id", Uuid, nullable=False),
    Column("key", Text, nullable=False),
    Column("entitlement_id", Uuid, nullable=False),
    Column("current_version", Integer, nullable=False),
    Column("budget_limit", BigInteger),  # minutes, days or cents by the kind of the current version; null = unlimited
    Column("used", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    UniqueConstraint("municipality_id", "key"),
    belongs_to("entitlement", "entitlement_id"),
    CheckConstraint("used >= 0 AND reserved >= 0", name="not_negative"),
    CheckConstraint("budget_limit IS NULL OR used + reserved <= budget_limit", name="within_budget"),
)
index(entitlement_grant, "entitlement_id")

grant_version = tenant_table(
    "grant_version",
    Column("grant_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("legal_basis", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date, CheckConstraint("valid_to >= valid_from", name="days"), nullable=False),
    Column("applied_on", Date),
    Column("status", Text, CheckConstraint("status IN ('active', 'provisional', 'disputed')", name="status"), nullable=False),
    Column("attends", Text),
    Column("facility_id", Uuid),
    Column("provider_id", Uuid),
    Column("budget_kind", Text, nullable=False),  # unlimited | minutes | days | amount | saving (participation: from law and saving mode)
    Column("budget_limit", BigInteger),
    Column("subjects", ARRAY(Text), nullable=False),
    Column("tutoring_form", Text),
    Column("revoked_from", Date),
    Column("notified_on", Date),
    Column("flags", ARRAY(Text), nullable=False),  # rule ids found at import
    moment("recorded_at"),
    belongs_to("entitlement_grant", "grant_id"),
    belongs_to("facility", "facility_id"),
    belongs_to("provider", "provider_id"),
    key=("grant_id", "version"),
    append_only=True,
)

# From when on a provider knows, having read it in its changes, that days of a grant fell away. The office's own date is on the version.
grant_notification = tenant_table(
    "grant_notification",
    Column("provider_id", Uuid, nullable=False),
    Column("grant_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("notified_on", Date, nullable=False),  # business day
    moment("at"),
    Column("client_id", Text, nullable=False),
    belongs_to("provider", "provider_id"),
    belongs_to("grant_version", "grant_id", "version", target=("grant_id", "version")),
    key=("grant_id", "provider_id", "version"),
    append_only=True,
    provider_scoped=True,
)

family_payment = tenant_table(
    "family_payment",
    Column("id", Uuid, nullable=False),
    Column("entitlement_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, CheckConstraint("last_day >= first_day", name="days"), nullable=False),
    moment("recorded_at"),
    belongs_to("entitlement", "entitlement_id"),
    belongs_to("provider", "provider_id"),
    append_only=True,
)
index(family_payment, "entitlement_id")

# A provider that once named the right number with the right birth date (or is named in a grant) is linked.
provider_link = tenant_table(
    "provider_link",
    Column("provider_id", Uuid, nullable=False),
    Column("entitlement_id", Uuid, nullable=False),
    moment("linked_at"),
    belongs_to("provider", "provider_id"),
    belongs_to("entitlement", "entitlement_id"),
    key=("provider_id", "entitlement_id"),
    provider_scoped=True,
)
index(provider_link, "entitlement_id")

# Rows asked and identity failures of a client on a day (of the Test-Clock where there is one).
identity_tally = tenant_table(
    "identity_tally",
    Column("client_id", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked", Boolean, nullable=False),
    key=("client_id", "day"),
)

# Wrong birth dates for one number by one provider; frozen at five until a registrar or clerk thaws it.
number_freeze = tenant_table(
    "number_freeze",
    Column("provider_id", Uuid, nullable=False),
    Column("entitlement_id", Uuid, nullable=False),
    Column("wrong_birth_dates", Integer, nullable=False),
    moment("frozen_at", nullable=True),
    Column("notice_id", Uuid),
    belongs_to("provider", "provider_id"),
    belongs_to("entitlement", "entitlement_id"),
    key=("provider_id", "entitlement_id"),
)
index(number_freeze, "notice_id")

# Children that were erased or are to be. Outlives the child's rows: after a restore of an older backup it says whom to erase again.
# The id is random and by then names nobody.
erasure = tenant_table(
    "erasure",
    Column("child_id", Uuid, nullable=False),
    Column("requested_by", Text, nullable=False),
    moment("requested_at"),
    moment("erased_at", nullable=True),  # null: waits for the end of retention
    key=("child_id",),
)
index(erasure, "requested_at", name="ix_erasure_waiting", postgresql_where=text("erased_at IS NULL"))

"""Tables: facilities, closing days, holidays of the states."""

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
)

from but_gateway.db.schema import belongs_to, instance_table, tenant_table

facility = tenant_table(
    "facility",
    Column("id", Uuid, nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, CheckConstraint("kind IN ('school', 'daycare', 'after_school', 'childminder')", name="kind"), nullable=False),
    Column("open_weekdays", ARRAY(SmallInteger), nullable=False),  # ISO: Monday = 1
    Column("observes_school_holidays", Boolean, nullable=False),
    Column("cooperating_school_id", Uuid),
    Column("version", Integer, nullable=False),
    UniqueConstraint("municipality_id", "key"),
    belongs_to("facility", "cooperating_school_id"),
)

closing = tenant_table(
    "closing",
    Column("facility_id", Uuid, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, CheckConstraint("last_day >= first_day", name="days"), nullable=False),
    Column("reason", Text, nullable=False),
    belongs_to("facility", "facility_id"),
    key=("facility_id", "first_day", "last_day"),
    deletable=True,
)

# Days on which facilities of a state close; loaded from the package `holidays` by `db migrate`, never computed in a rule.
state_holiday = instance_table(
    "state_holiday",
    Column("state", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("kind", Text, CheckConstraint("kind IN ('public', 'school')", name="kind"), nullable=False),
    Column("name", Text, nullable=False),
    PrimaryKeyConstraint("state", "day", "kind"),
)

"""Tables: when the accounts of a year were adopted, and how much was deleted of what."""

from sqlalchemy import BigInteger, Column, Date, SmallInteger, Text

from but_gateway.db.schema import moment, tenant_table

# The day the council adopted the accounts of a fiscal year: from the year after it the retention of that year's vouchers and books runs.
accounts_adoption = tenant_table(
    "accounts_adoption",
    Column("fiscal_year", SmallInteger, nullable=False),
    Column("adopted_on", Date, nullable=False),
    Column("recorded_by", Text, nullable=False),
    moment("recorded_at"),
    key=("fiscal_year",),
)

# What retention and erasure deleted: counted in the transaction that deleted it, so that whoever is killed has counted what is gone.
retention_count = tenant_table(
    "retention_count",
    Column("rule", Text, nullable=False),  # catalogue.py
    Column("source", Text, nullable=False),  # table
    Column("month", Date, nullable=False),  # its first day; of the rows' making where their ids tell it, else of the deletion
    Column("rows", BigInteger, nullable=False),
    moment("first_at"),
    moment("last_at"),
    key=("rule", "source", "month"),
)

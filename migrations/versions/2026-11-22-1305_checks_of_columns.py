"""The checks that stand beside single columns: the first schema had been emitted without them. Providers hear of bank accounts.

New kinds of changes (``bank_account``) come with it.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Table, name, condition.
CHECKS = [
    ("agreement", "days", "valid_to >= valid_from"),
    ("agreement", "mode", "mode IN ('per_use', 'flat')"),
    ("agreement", "evidence", "evidence IN ('dates', 'monthly_count')"),
    ("bank_account", "state", "state IN ('proposed', 'confirmed')"),
    ("carried_forward", "balance", "balance_cents <= 0"),
    ("client", "kind", "kind IN ('machine', 'person')"),
    ("closing", "days", "last_day >= first_day"),
    ("decision", "outcome", "outcome IN ('accepted', 'reduced', 'rejected', 'review', 'cancelled')"),
    ("entitlement_number", "kind", "kind IN ('issued', 'external')"),
    ("facility", "kind", "kind IN ('school', 'daycare', 'after_school', 'childminder')"),
    ("family_payment", "days", "last_day >= first_day"),
    ("grant_import", "state", "state IN ('running', 'done', 'failed')"),
    ("grant_version", "days", "valid_to >= valid_from"),
    ("grant_version", "status", "status IN ('active', 'provisional', 'disputed')"),
    ("invoice", "kind", "kind IN ('invoice', 'cancellation')"),
    ("lunch_month_slot", "state", "state IN ('held', 'contested')"),
    ("lunch_slot", "state", "state IN ('held', 'contested')"),
    ("notice", "state", "state IN ('open', 'done')"),
    ("package_file", "package", "package IN ('treasury', 'audit', 'advice')"),
    ("payment", "held_cause", "held_cause IN ('account', 'iban', 'person', 'returned')"),
    ("payment", "state", "state IN ('open', 'left', 'handed_over', 'paid', 'returned')"),
    ("position_state", "outcome", "outcome IN ('accepted', 'reduced', 'rejected', 'review', 'cancelled')"),
    ("posting", "kind", "kind IN ('decision', 'settlement', 'payment', 'return')"),
    ("posting", "debit", "debit IN ('expenditure', 'payable', 'ordered', 'bank')"),
    ("posting", "credit", "credit IN ('expenditure', 'payable', 'ordered', 'bank')"),
    ("provider", "kind", "kind IN ('caterer', 'tutor', 'club', 'school', 'other')"),
    ("provider", "status", "status IN ('active', 'suspended', 'ended')"),
    ("provider_change", "kind", "kind IN ('decision', 'period', 'payment', 'bank_account')"),
    ("provider_change", "subject_type", "subject_type IN ('invoice', 'child', 'remittance', 'bank_account')"),
    ("redecision", "state", "state IN ('running', 'done', 'failed')"),
    ("review", "state", "state IN ('open', 'query', 'resolved')"),
    ("settlement_batch", "state", "state IN ('drawn_up', 'certified', 'ordered', 'handed_over', 'paid', 'partly_returned', 'withdrawn')"),
    ("state_holiday", "kind", "kind IN ('public', 'school')"),
]


def upgrade() -> None:
    for table, name, condition in CHECKS:
        # Not valid at first and validated apart: nobody waits while the rows that are there are read.
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({condition}) NOT VALID")
    for table, name, _ in CHECKS:
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_{name}")


def downgrade() -> None:
    for table, name, _ in CHECKS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{name}")

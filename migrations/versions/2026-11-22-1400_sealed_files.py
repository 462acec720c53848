"""Files that are handed over lie sealed.

Files of before stay where they are, in the clear, and are read as ever: to seal them here would take the keys, and rewriting years of
books. They go with their batches. A process of the release before cannot serve a file that a newer one handed over: the download
breaks off, and comes whole from the newer one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CHECK = "(sealed_content IS NULL) = (bytes IS NULL) AND (sealed_content IS NULL OR length(content) = 0)"


def upgrade() -> None:
    op.add_column("package_part", sa.Column("sealed_content", sa.LargeBinary(), nullable=True))
    op.add_column("package_part", sa.Column("bytes", sa.Integer(), nullable=True))
    # What is sealed does not get smaller, so the database need not try; and its first bytes are read without the rest.
    op.execute("ALTER TABLE package_part ALTER COLUMN sealed_content SET STORAGE EXTERNAL")
    # Not valid at first and validated apart: nobody waits while the rows that are there are read.
    op.execute(f"ALTER TABLE package_part ADD CONSTRAINT ck_package_part_in_one_place CHECK ({CHECK}) NOT VALID")
    op.execute("ALTER TABLE package_part VALIDATE CONSTRAINT ck_package_part_in_one_place")


def downgrade() -> None:
    """Loses the content of the files that were handed over since: nothing but the service can open them."""
    op.execute("ALTER TABLE package_part DROP CONSTRAINT ck_package_part_in_one_place")
    op.drop_column("package_part", "bytes")
    op.drop_column("package_part", "sealed_content")

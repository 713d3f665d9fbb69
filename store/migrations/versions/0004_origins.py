"""The names of items from other mailboxes ([RFC8474]). Frozen: what changes later is a migration of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade():
    """Create the table."""
    op.create_table(
        "origin",
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", "item_id", name="origin_pk"),
        sqlite_with_rowid=False,
    )

"""Annotations of mailboxes and folders ([RFC5464]). Frozen: what changes later is a migration of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade():
    """Create the table."""
    op.create_table(
        "annotation",
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("folder_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("principal", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", "folder_id", "principal", "name", name="annotation_pk"),
        sqlite_with_rowid=False,
    )

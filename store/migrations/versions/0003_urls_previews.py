"""Mailbox access keys ([RFC4467]) and previews ([RFC8970]). Frozen: what changes later is a migration of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade():
    """Create the tables."""
    op.create_table(
        "access_key",
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("folder_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("principal", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", "folder_id", "principal", name="access_key_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "preview",
        sa.Column("mailbox_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", "item_id", name="preview_pk"),
        sqlite_with_rowid=False,
    )

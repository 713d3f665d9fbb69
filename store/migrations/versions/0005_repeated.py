"""Copies inside the Inbox get the mark that they would have now ([RFC1939] 7). Frozen: what changes later is its own.

The first placement of an item had its plain name in POP3 and keeps it; the others were named by their UIDs and are
marked, so that they stay so when the first goes.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade():
    """Mark them. Their mod-sequences stay: no client of IMAP can see the mark."""
    op.execute(
        "UPDATE message SET flags = flags | 2097152 WHERE folder_id = 5 AND assoc = 0 AND (mailbox_id, uid) IN ("
        "SELECT mailbox_id, uid FROM (SELECT mailbox_id, uid, "
        "row_number() OVER (PARTITION BY mailbox_id, item_id ORDER BY uid) AS place "
        "FROM message WHERE folder_id = 5 AND assoc = 0) AS placed WHERE place > 1)"
    )

"""The first schema: every table of a mailbox.

Frozen: what changes later is a migration of its own. A table is a line of columns, `name type`, with `?` where NULL may
stand, and after the bars its key and its unique keys, each led by mailbox_id.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import UserDefinedType

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


class _RowId(UserDefinedType):
    cache_ok = True

    def get_col_spec(self, **_):
        return "INTEGER PRIMARY KEY"


_TYPES = {
    "i8": sa.BigInteger(),
    "i4": sa.Integer(),
    "i2": sa.SmallInteger(),
    "bin": sa.LargeBinary(),
    "text": sa.Text(),
    "rowid": sa.BigInteger().with_variant(_RowId(), "sqlite"),
}

_TABLES = """
mailbox: mailbox_id i8, guid bin, replguid bin, mapping_sig bin, kind i2, owner_sid text?, schema_ver i4, next_id i8,
 next_cn i8, next_item i8, next_propid i4, next_uidvalidity i8, hier_modseq i8, size i8, dumpster_size i8,
 quota_warn i8?, quota_send i8?, quota_recv i8?, quota_dumpster i8?, oof_state i2, props bin? |
folder: mailbox_id i8, folder_id i8, parent_id i8?, kind i2, special i2?, name text, name_key text, class text?, cn i8,
 local_commit_time i8, change_key bin?, pcl bin?, source_key bin?, modseq i8, uidvalidity i8, uidnext i8, fainext i8,
 total i4, unread i4, fai i4, marked_deleted i4, size i8, deleted_count i4, expunge_floor i8, subfolders i4,
 deleted_on i8?, search bin?, props bin?, recent_uid i8 | folder_id | parent_id name_key
folder_gone: mailbox_id i8, cn i8, folder_id i8, parent_id i8?, how i2 | cn folder_id
message: mailbox_id i8, folder_id i8, assoc i2, uid i8, mid i8, item_id i8, modseq i8, cn i8, read_cn i8, flags i4,
 kw i8, idate i8, size i8, mtime i8, ctime i8, mstatus i4, save_modseq i8, source_key bin?, change_key bin?, pcl bin?
 | folder_id assoc uid
item: mailbox_id i8, item_id rowid, class text, delivery_time i8?, submit_time i8?, search_key bin?, subject_key text?,
 sender_key text?, to_key text?, conv_id bin?, msgid_hash i8?, mapi_flags i4, has_attach i2, raw_id i8?, raw_len i8,
 mime_state i2, header_length i4, envelope bin?, bodystructure bin?, common_header bin?, parts bin?, props bin,
 recips bin?, atts bin?, raw bin? | item_id
cal_index: mailbox_id i8, folder_id i8, item_id i8, start i8, until i8, busy i2?, uid_hash i8?, remind_at i8?
 | folder_id start item_id
content: mailbox_id i8, content_id rowid, sha256 bin, size i8, codec i2, extern text?, data bin? | content_id | sha256
content_ref: mailbox_id i8, item_id i8, content_id i8, role i2 | item_id content_id role
expunge: mailbox_id i8, folder_id i8, modseq i8, assoc i2, uid i8, mid i8, how i2, dst_folder i8?, dst_mid i8?, ts i8
 | folder_id modseq assoc uid
keyword: mailbox_id i8, bit i2, name text, name_key text | bit | name_key
named_prop: mailbox_id i8, propid i4, guid bin, lid i8, name text | propid | guid lid name
replica: mailbox_id i8, replid i4, replguid bin | replid | replguid
permission: mailbox_id i8, folder_id i8, member_id i8, principal bin, rights i4 | folder_id member_id
 | folder_id principal
delegate: mailbox_id i8, principal bin, flags i4 | principal
rule: mailbox_id i8, folder_id i8, rule_id i8, seq i4, state i4, provider text, name text?, level i4?, user_flags i4?,
 cond bin?, actions bin, pdata bin?, sieve text? | folder_id rule_id
receive_folder: mailbox_id i8, class_key text, folder_id i8, mtime i8 | class_key
search_hit: mailbox_id i8, search_id i8, folder_id i8, mid i8, modseq i8 | search_id mid
user_read: mailbox_id i8, folder_id i8, principal bin, read_set bin, cnset bin, cn i8 | folder_id principal
subscription: mailbox_id i8, principal bin, folder_path text | principal folder_path
sync_state: mailbox_id i8, client text, collection i8, generation i8, modseq i8, known bin?, pending bin?, options bin?,
 seen_at i8 | client collection generation
outbox: mailbox_id i8, seq i8, kind i2, due i8, lease i8?, attempts i4, payload bin | seq
"""

# name, table, columns, condition, only on PostgreSQL
_INDICES = (
    ("folder_cn", "folder", "mailbox_id cn", None, False),
    ("message_item", "message", "mailbox_id item_id", "mid != item_id", False),
    ("message_mid", "message", "mailbox_id mid", None, False),
    ("message_modseq", "message", "mailbox_id folder_id modseq", "modseq != save_modseq", False),
    ("item_conv", "item", "mailbox_id conv_id", "conv_id IS NOT NULL", True),
    ("item_msgid", "item", "mailbox_id msgid_hash", "msgid_hash IS NOT NULL", True),
    ("cal_index_remind", "cal_index", "mailbox_id remind_at", "remind_at IS NOT NULL", False),
    ("content_ref_content", "content_ref", "mailbox_id content_id", None, False),
    ("permission_principal", "permission", "mailbox_id principal", None, False),
    ("rule_seq", "rule", "mailbox_id folder_id seq", None, False),
    ("search_hit_mid", "search_hit", "mailbox_id mid", None, False),
    ("outbox_due", "outbox", "due", None, False),
)


def upgrade():
    """Create the tables and indices."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    text = _TABLES.replace("\n ", " ").strip()
    for line in text.splitlines():
        name, _, rest = line.partition(": ")
        columns, key, *unique = (part.strip() for part in rest.split("|"))
        _create_table(name, columns, key, unique, postgresql)
    for name, table, columns, condition, server_only in _INDICES:
        if postgresql or not server_only:
            where = None if condition is None else sa.text(condition)
            op.create_index(
                name,
                table,
                columns.split(),
                unique=name == "message_mid",
                sqlite_where=where,
                postgresql_where=where,
            )
    if postgresql:
        # Mail does not compress well enough to pay for it; rows of messages are updated far more often than added.
        op.execute("ALTER TABLE item ALTER COLUMN raw SET STORAGE EXTERNAL")
        op.execute("ALTER TABLE content ALTER COLUMN data SET STORAGE EXTERNAL")
        op.execute("ALTER TABLE message SET (fillfactor = 80)")


def _create_table(name, columns, key, unique, postgresql):
    made = []
    rowid = False
    for column in columns.split(", "):
        title, kind = column.split()
        rowid = rowid or kind == "rowid"
        made.append(sa.Column(title, _TYPES[kind.rstrip("?")], nullable=kind.endswith("?"), autoincrement=False))
    if postgresql or not rowid:
        made.append(sa.PrimaryKeyConstraint("mailbox_id", *key.split(), name=f"{name}_pk"))
    made.extend(
        sa.UniqueConstraint("mailbox_id", *one.split(), name=f"{name}_{'_'.join(one.split())}") for one in unique
    )
    op.create_table(name, *made, sqlite_with_rowid=rowid)

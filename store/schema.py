"""The tables of a mailbox store, in SQLAlchemy Core: one set for SQLite and PostgreSQL.

Every table and every key begins with `mailbox_id`, so that PostgreSQL can partition or shard by mailbox; on SQLite a
file holds one mailbox and the column costs a byte or two. There are no foreign keys, no cascades and no sequences: the
store layer keeps the rows together and `store.fsck` checks them.

A *message* row is a placement of an *item* in a folder (docs/decisions/0010). Counters and change numbers are plain
integers that one UPDATE of the mailbox row hands out under the mailbox's lock (docs/decisions/0011).

On SQLite small, key-ordered tables are WITHOUT ROWID, and `item` and `content`, whose rows are wide, have their
identifier as the rowid, which spares one B-tree each.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import UserDefinedType

metadata = MetaData()

SCHEMA_VERSION = 5
"""`mailbox.schema_ver`: the number of the last migration that a mailbox file has seen."""


class RowId(UserDefinedType[int]):
    """An SQLite rowid alias: the column is the table's own key, with no index beside it."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the DDL of the column's type."""
        return "INTEGER PRIMARY KEY"


_I8 = BigInteger()
_I4 = Integer()
_I2 = SmallInteger()
_BIN = LargeBinary()
_TEXT = Text()
_ROWID = BigInteger().with_variant(RowId(), "sqlite")


def _column(name: str, kind: Any, *, null: bool = False) -> Column[Any]:
    return Column(name, kind, nullable=null, autoincrement=False)


def _i8(*names: str) -> list[Column[Any]]:
    return [_column(name, _I8) for name in names]


def _i8n(*names: str) -> list[Column[Any]]:
    return [_column(name, _I8, null=True) for name in names]


def _i4(*names: str) -> list[Column[Any]]:
    return [_column(name, _I4) for name in names]


def _i2(*names: str) -> list[Column[Any]]:
    return [_column(name, _I2) for name in names]


def _bin(*names: str) -> list[Column[Any]]:
    return [_column(name, _BIN) for name in names]


def _binn(*names: str) -> list[Column[Any]]:
    return [_column(name, _BIN, null=True) for name in names]


def _text(*names: str) -> list[Column[Any]]:
    return [_column(name, _TEXT) for name in names]


def _textn(*names: str) -> list[Column[Any]]:
    return [_column(name, _TEXT, null=True) for name in names]


def _table(
    name: str, *parts: list[Column[Any]], key: str, clustered: bool = True, unique: tuple[str, ...] = ()
) -> Table:
    """Make a table; `key` and `unique` name the columns of its keys after mailbox_id, blank-separated."""
    columns = [column for part in parts for column in part]
    constraints = [
        UniqueConstraint("mailbox_id", *one.split(), name=f"{name}_{'_'.join(one.split())}") for one in unique
    ]
    primary = PrimaryKeyConstraint("mailbox_id", *key.split(), name=f"{name}_pk")
    options: dict[str, Any] = {"sqlite_with_rowid": not clustered}
    if any(column.type is _ROWID for column in columns):
        primary = primary.ddl_if(dialect="postgresql")
    return Table(name, metadata, *columns, primary, *constraints, **options)


mailbox = _table(
    "mailbox",
    _i8("mailbox_id"),
    _bin("guid", "replguid", "mapping_sig"),
    _i2("kind"),
    _textn("owner_sid"),
    _i4("schema_ver"),
    _i8("next_id", "next_cn", "next_item"),
    _i4("next_propid"),
    _i8("next_uidvalidity", "hier_modseq", "size", "dumpster_size"),
    _i8n("quota_warn", "quota_send", "quota_recv", "quota_dumpster"),
    _i2("oof_state"),
    _binn("props"),
    key="",
)

folder = _table(
    "folder",
    _i8("mailbox_id", "folder_id"),
    _i8n("parent_id"),
    _i2("kind"),
    [_column("special", _I2, null=True)],
    _text("name", "name_key"),
    _textn("class"),
    _i8("cn", "local_commit_time"),
    _binn("change_key", "pcl", "source_key"),
    _i8("modseq", "uidvalidity", "uidnext", "fainext"),
    _i4("total", "unread", "fai", "marked_deleted"),
    _i8("size"),
    _i4("deleted_count"),
    _i8("expunge_floor"),
    _i4("subfolders"),
    _i8n("deleted_on"),
    _binn("search", "props"),
    _i8("recent_uid"),
    key="folder_id",
    unique=("parent_id name_key",),
)
Index("folder_cn", folder.c.mailbox_id, folder.c.cn)

folder_gone = _table(
    "folder_gone",
    _i8("mailbox_id", "cn", "folder_id"),
    _i8n("parent_id"),
    _i2("how"),
    key="cn folder_id",
)

message = _table(
    "message",
    _i8("mailbox_id", "folder_id"),
    _i2("assoc"),
    _i8("uid", "mid", "item_id", "modseq", "cn", "read_cn"),
    _i4("flags"),
    _i8("kw", "idate", "size", "mtime", "ctime"),
    _i4("mstatus"),
    _i8("save_modseq"),
    _binn("source_key", "change_key", "pcl"),
    key="folder_id assoc uid",
)
# A message that was delivered here has the number of its item as its MID, so only copies and moved messages need an
# index to be found by item. Likewise save_modseq grows with the UID inside a folder, so only messages that changed
# since they came need one to be found by modseq. A delivery then writes one index less for each.
_copied = message.c.mid != message.c.item_id
_changed = message.c.modseq != message.c.save_modseq
Index("message_item", message.c.mailbox_id, message.c.item_id, sqlite_where=_copied, postgresql_where=_copied)
Index("message_mid", message.c.mailbox_id, message.c.mid, unique=True)
Index(
    "message_modseq",
    message.c.mailbox_id,
    message.c.folder_id,
    message.c.modseq,
    sqlite_where=_changed,
    postgresql_where=_changed,
)

# The wide columns stand last, so that SQLite reaches the others without following a row into its overflow pages.
item = _table(
    "item",
    _i8("mailbox_id"),
    [_column("item_id", _ROWID)],
    [_column("class", _TEXT)],
    _i8n("delivery_time", "submit_time"),
    _binn("search_key"),
    _textn("subject_key", "sender_key", "to_key"),
    _binn("conv_id"),
    _i8n("msgid_hash"),
    _i4("mapi_flags"),
    _i2("has_attach"),
    _i8n("raw_id"),
    _i8("raw_len"),
    _i2("mime_state"),
    [_column("header_length", _I4)],
    _binn("envelope", "bodystructure", "common_header", "parts"),
    _bin("props"),
    _binn("recips", "atts", "raw"),
    key="item_id",
    clustered=False,
)
# Both are written at random places: on SQLite, where a file is one mailbox, each would cost a delivery one more page.
Index(
    "item_conv",
    item.c.mailbox_id,
    item.c.conv_id,
    postgresql_where=item.c.conv_id.is_not(None),
)
Index(
    "item_msgid",
    item.c.mailbox_id,
    item.c.msgid_hash,
    postgresql_where=item.c.msgid_hash.is_not(None),
)
POSTGRESQL_ONLY = frozenset({"item_conv", "item_msgid"})
"""Indices that SQLite does without."""

cal_index = _table(
    "cal_index",
    _i8("mailbox_id", "folder_id", "item_id", "start", "until"),
    [_column("busy", _I2, null=True)],
    _i8n("uid_hash", "remind_at"),
    key="folder_id start item_id",
)
Index(
    "cal_index_remind",
    cal_index.c.mailbox_id,
    cal_index.c.remind_at,
    sqlite_where=cal_index.c.remind_at.is_not(None),
    postgresql_where=cal_index.c.remind_at.is_not(None),
)

content = _table(
    "content",
    _i8("mailbox_id"),
    [_column("content_id", _ROWID)],
    _bin("sha256"),
    _i8("size"),
    _i2("codec"),
    _textn("extern"),
    _binn("data"),
    key="content_id",
    clustered=False,
    unique=("sha256",),
)

content_ref = _table(
    "content_ref",
    _i8("mailbox_id", "item_id", "content_id"),
    _i2("role"),
    key="item_id content_id role",
)
Index("content_ref_content", content_ref.c.mailbox_id, content_ref.c.content_id)

expunge = _table(
    "expunge",
    _i8("mailbox_id", "folder_id", "modseq"),
    _i2("assoc"),
    _i8("uid", "mid"),
    _i2("how"),
    _i8n("dst_folder", "dst_mid"),
    _i8("ts"),
    key="folder_id modseq assoc uid",
)

keyword = _table("keyword", _i8("mailbox_id"), _i2("bit"), _text("name", "name_key"), key="bit", unique=("name_key",))

named_prop = _table(
    "named_prop",
    _i8("mailbox_id"),
    _i4("propid"),
    _bin("guid"),
    _i8("lid"),
    _text("name"),
    key="propid",
    unique=("guid lid name",),
)

replica = _table("replica", _i8("mailbox_id"), _i4("replid"), _bin("replguid"), key="replid", unique=("replguid",))

permission = _table(
    "permission",
    _i8("mailbox_id", "folder_id", "member_id"),
    _bin("principal"),
    _i4("rights"),
    key="folder_id member_id",
    unique=("folder_id principal",),
)
Index("permission_principal", permission.c.mailbox_id, permission.c.principal)

delegate = _table("delegate", _i8("mailbox_id"), _bin("principal"), _i4("flags"), key="principal")

rule = _table(
    "rule",
    _i8("mailbox_id", "folder_id", "rule_id"),
    _i4("seq", "state"),
    _text("provider"),
    _textn("name"),
    [_column("level", _I4, null=True), _column("user_flags", _I4, null=True)],
    _binn("cond"),
    _bin("actions"),
    _binn("pdata"),
    _textn("sieve"),
    key="folder_id rule_id",
)
Index("rule_seq", rule.c.mailbox_id, rule.c.folder_id, rule.c.seq)

receive_folder = _table(
    "receive_folder",
    _i8("mailbox_id"),
    _text("class_key"),
    _i8("folder_id", "mtime"),
    key="class_key",
)

search_hit = _table("search_hit", _i8("mailbox_id", "search_id", "folder_id", "mid", "modseq"), key="search_id mid")
Index("search_hit_mid", search_hit.c.mailbox_id, search_hit.c.mid)

user_read = _table(
    "user_read",
    _i8("mailbox_id", "folder_id"),
    _bin("principal", "read_set", "cnset"),
    _i8("cn"),
    key="folder_id principal",
)

subscription = _table(
    "subscription", _i8("mailbox_id"), _bin("principal"), _text("folder_path"), key="principal folder_path"
)

annotation = _table(
    "annotation",
    _i8("mailbox_id", "folder_id"),
    _bin("principal"),
    _text("name"),
    _bin("value"),
    key="folder_id principal name",
)

access_key = _table(
    "access_key", _i8("mailbox_id", "folder_id"), _bin("principal", "secret"), key="folder_id principal"
)

preview = _table("preview", _i8("mailbox_id", "item_id"), _text("text"), key="item_id")

origin = _table("origin", _i8("mailbox_id", "item_id"), _text("name"), key="item_id")

sync_state = _table(
    "sync_state",
    _i8("mailbox_id"),
    _text("client"),
    _i8("collection", "generation", "modseq"),
    _binn("known", "pending", "options"),
    _i8("seen_at"),
    key="client collection generation",
)

outbox = _table(
    "outbox",
    _i8("mailbox_id", "seq"),
    _i2("kind"),
    _i8("due"),
    _i8n("lease"),
    _i4("attempts"),
    _bin("payload"),
    key="seq",
)
Index("outbox_due", outbox.c.due)

"""A mailbox with some history, and every way in which the tests of fsck break one."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from conversion.mime.rendition import render
from store import fsck
from store.blob import BlobStore
from store.engine import Shard, Statement, insert_statement
from store.findings import Finding
from store.ids import SpecialFolder
from store.mailbox import Mailbox
from store.mapi.message import MessageContent
from store.mapi.tags import PidTagSubject
from store.schema import (
    access_key,
    content,
    content_ref,
    expunge,
    folder,
    folder_gone,
    mailbox,
    message,
    origin,
    permission,
    preview,
)

INBOX = SpecialFolder.INBOX
LARGE = 300_000
MIDDLE = 20_000


def raw_of(text: str, size: int = 0) -> bytes:
    return f"Subject: {text}\r\n\r\n{text}\r\n".encode() + b"x" * size


@dataclass
class Patient:
    """A mailbox with some history: inline, in-row and external content, a folder, flags, tombstones."""

    mailbox: Mailbox
    shard: Shard
    blobs: BlobStore

    def deliver(self, text: str, size: int = 0, **options: Any) -> int:
        made = MessageContent({PidTagSubject: text})
        return self.mailbox.deliver(INBOX, made, mime=render(raw_of(text, size)), **options).uid

    def check(self, **options: bool) -> list[Finding]:
        return fsck.check(self.shard, self.blobs, **options)

    def break_it(self, construct: Any, **values: Any) -> None:
        own = construct.where(construct.table.c.mailbox_id == bindparam("own_mailbox"))
        with self.shard.write() as work:
            work.run(Statement(own, "own_mailbox", *values), (work.mailbox_id, *values.values()))

    def set(self, table: Any, where: Any = None, **values: Any) -> None:
        change = update(table).values({name: bindparam(f"new_{name}") for name in values})
        self.break_it(change if where is None else change.where(where), **{f"new_{k}": v for k, v in values.items()})

    def add(self, table: Any, **values: Any) -> None:
        with self.shard.write() as work:
            row = {"mailbox_id": work.mailbox_id, **values}
            work.run(insert_statement(table, *row), tuple(row.values()))

    def one(self, column: Any, where: Any) -> Any:
        own = select(column).where(column.table.c.mailbox_id == bindparam("own_mailbox"), where)
        with self.shard.read() as db:
            row = db.one(Statement(own, "own_mailbox"), (db.mailbox_id,))
        assert row is not None
        return row[0]

    def texts(self) -> list[str]:
        """The first lines of all messages that a client can read, in any folder."""
        found = []
        for row in self.mailbox.folders():
            uids = [one.uid for one in self.mailbox.rows(row.id)]
            found += [raw.split(b"\r\n")[0].decode()[9:] for _, _, raw in self.mailbox.raw_many(row.id, uids)]
        return sorted(found)


ALL = ["large", "middle", "one", "one", "two", "two", "five"]


def _counters(patient: Patient) -> None:
    patient.set(folder, folder.c.folder_id == 5, total=99, unread=0, size=7)


def _subfolders(patient: Patient) -> None:
    patient.set(folder, folder.c.folder_id == 4, subfolders=1)


def _mailbox_size(patient: Patient) -> None:
    patient.set(mailbox, size=5)


def _message_size(patient: Patient) -> None:
    patient.set(message, message.c.uid == 3, size=5)


def _next_cn(patient: Patient) -> None:
    patient.set(mailbox, next_cn=3)


def _next_id(patient: Patient) -> None:
    patient.set(mailbox, next_id=0x100)


def _next_item(patient: Patient) -> None:
    patient.set(mailbox, next_item=1)


def _modseq_low(patient: Patient) -> None:
    patient.set(message, message.c.uid == 2, modseq=1)


def _folder_modseq(patient: Patient) -> None:
    patient.set(folder, folder.c.folder_id == 5, modseq=1)


def _shared_cn(patient: Patient) -> None:
    cn = patient.one(message.c.cn, (message.c.folder_id == 5) & (message.c.uid == 2))
    patient.set(message, (message.c.folder_id == 5) & (message.c.uid == 3), cn=cn)


def _uidnext(patient: Patient) -> None:
    patient.set(folder, folder.c.folder_id == 5, uidnext=2, recent_uid=1)


def uid_reused(patient: Patient) -> None:
    patient.set(message, (message.c.folder_id == 5) & (message.c.uid == 3), uid=6)


def _mid_reused(patient: Patient) -> None:
    mid = patient.one(expunge.c.mid, expunge.c.uid == 6)
    patient.set(message, (message.c.folder_id == 5) & (message.c.uid == 2), mid=mid)


def _folder_reused(patient: Patient) -> None:
    patient.add(folder_gone, cn=1, folder_id=int(INBOX), how=0)


def tombstone_lost(patient: Patient) -> None:
    patient.break_it(delete(expunge).where(expunge.c.uid == bindparam("u")), u=6)


def _vanished(patient: Patient) -> None:
    patient.break_it(delete(expunge))


def placements_lost(patient: Patient) -> None:
    patient.break_it(delete(message).where(message.c.uid == bindparam("u"), message.c.folder_id == 5), u=3)


def _folder_lost(patient: Patient) -> None:
    patient.break_it(delete(folder).where(folder.c.name == bindparam("n")), n="Work")


def _special_lost(patient: Patient) -> None:
    patient.break_it(delete(folder).where(folder.c.folder_id == bindparam("f")), f=int(SpecialFolder.DRAFTS))


def _inbox_lost(patient: Patient) -> None:
    patient.break_it(delete(folder).where(folder.c.folder_id == bindparam("f")), f=int(INBOX))


def _loose(patient: Patient) -> None:
    patient.set(folder, folder.c.name == "Work", parent_id=4711)


def _top_loose(patient: Patient) -> None:
    patient.set(folder, folder.c.folder_id == int(SpecialFolder.IPM_SUBTREE), parent_id=4711)


def _circle(patient: Patient) -> None:
    upper = patient.mailbox.create_folder(("Upper",)).id
    lower = patient.mailbox.create_folder(("Upper", "Lower")).id
    patient.set(folder, folder.c.folder_id == upper, parent_id=lower)


def _uidvalidity(patient: Patient) -> None:
    patient.set(mailbox, next_uidvalidity=1)


def _uidvalidity_zero(patient: Patient) -> None:
    patient.set(folder, folder.c.folder_id == 5, uidvalidity=0)


def _reference(patient: Patient) -> None:
    patient.break_it(delete(content_ref))


def _dangling(patient: Patient) -> None:
    patient.add(content_ref, item_id=4711, content_id=4712, role=0)


def _stray(patient: Patient) -> None:
    patient.add(content, content_id=0, sha256=sha256(b"x").digest(), size=1, codec=0, data=b"x")


def _stray_file(patient: Patient) -> None:
    key = patient.blobs.put(b"x" * 10)
    path = patient.blobs._path(key)
    os.utime(path, (1, 1))


def keyword_unknown(patient: Patient) -> None:
    patient.set(message, message.c.uid == 3, kw=1 << 40)


def _permission(patient: Patient) -> None:
    patient.add(permission, folder_id=4711, member_id=0, principal=b"", rights=1)


def _access_key(patient: Patient) -> None:
    patient.add(access_key, folder_id=4711, principal=b"", secret=b"x")


def _preview(patient: Patient) -> None:
    patient.add(preview, item_id=4711, text="x")


def _origin(patient: Patient) -> None:
    patient.add(origin, item_id=4711, name="x")


MENDABLE: list[tuple[Callable[[Patient], None], str, int]] = [
    (_counters, "folder-counters", 2),
    (_subfolders, "folder-counters", 2),
    (_mailbox_size, "mailbox-size", 2),
    (_message_size, "message-size", 2),
    (_next_cn, "counter-behind", 3),
    (_modseq_low, "modseq-low", 3),
    (_folder_modseq, "folder-modseq-behind", 3),
    (_uidnext, "uidnext-behind", 4),
    (uid_reused, "uid-reused", 4),
    (_next_id, "counter-behind", 5),
    (_next_item, "counter-behind", 5),
    (_mid_reused, "mid-reused", 5),
    (_folder_reused, "folder-reused", 5),
    (_shared_cn, "cn-shared", 5),
    (tombstone_lost, "tombstone-missing", 6),
    (_vanished, "tombstone-missing", 6),
    (placements_lost, "item-without-placement", 7),
    (_folder_lost, "placement-without-folder", 7),
    (_inbox_lost, "special-folder-missing", 0),
    (_reference, "reference-missing", 7),
    (_dangling, "reference-dangling", 7),
    (_stray, "content-unreferred", 7),
    (_stray_file, "file-without-row", 7),
    (_uidvalidity, "uidvalidity-ahead", 10),
    (_uidvalidity_zero, "uidvalidity-invalid", 10),
    (_special_lost, "special-folder-missing", 0),
    (_loose, "folder-loose", 0),
    (_top_loose, "folder-loose", 0),
    (_circle, "folder-loose", 0),
    (keyword_unknown, "keyword-unknown", 0),
    (_permission, "folder-leftovers", 0),
    (_access_key, "folder-leftovers", 0),
    (_preview, "previews-left", 0),
    (_origin, "origins-left", 0),
]
"""What breaks it, what fsck says of that, and the invariant that it is about (0: none of the ten)."""

"""fsck: each of the ten invariants is broken by hand, found, and mended without losing mail."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import bindparam, delete, select, update

from conversion.mime.rendition import render
from store import epoch, fsck, keywords
from store.blob import BlobStore
from store.changes import FlagsChanged
from store.engine import Shard, Statement, insert_statement
from store.findings import Finding
from store.ids import MessageFlag, SpecialFolder
from store.mailbox import Mailbox
from store.mapi.message import MessageContent
from store.mapi.tags import PidTagSubject
from store.schema import (
    access_key,
    annotation,
    content,
    content_ref,
    expunge,
    folder,
    folder_gone,
    item,
    mailbox,
    message,
    metadata,
    origin,
    permission,
    preview,
)
from tests.store.conftest import World

_INBOX = SpecialFolder.INBOX
_LARGE = 300_000
_MIDDLE = 20_000


def _raw(text: str, size: int = 0) -> bytes:
    return f"Subject: {text}\r\n\r\n{text}\r\n".encode() + b"x" * size


@dataclass
class _Patient:
    """A mailbox with some history: inline, in-row and external content, a folder, flags, tombstones."""

    mailbox: Mailbox
    shard: Shard
    blobs: BlobStore

    def deliver(self, text: str, size: int = 0, **options: Any) -> int:
        made = MessageContent({PidTagSubject: text})
        return self.mailbox.deliver(_INBOX, made, mime=render(_raw(text, size)), **options).uid

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


@pytest.fixture
def patient(world: World) -> _Patient:
    box = world.mailbox()
    patient = _Patient(box, world.store.shard(box.ref), box._parts.blobs)
    for text, size in (("one", 0), ("two", 0), ("middle", _MIDDLE), ("large", _LARGE), ("five", 0), ("six", 0)):
        patient.deliver(text, size, keywords=["red"] if text == "two" else [])
    work = box.create_folder(("Work",)).id
    box.set_flags(_INBOX, [1, 5], add=MessageFlag.SEEN)
    box.set_flags(_INBOX, [6], add=MessageFlag.DELETED)
    box.copy(_INBOX, [1, 2], work)
    box.move(_INBOX, [5], work)
    box.expunge(_INBOX)
    return patient


_ALL = ["large", "middle", "one", "one", "two", "two", "five"]


def test_a_mailbox_in_use_is_clean(patient: _Patient) -> None:
    assert patient.check(thorough=True) == [] or {one.code for one in patient.check(thorough=True)} == {"no-sync"}
    assert patient.check() == []
    assert patient.check(repair=True) == []
    assert patient.texts() == sorted(_ALL)


def _counters(patient: _Patient) -> None:
    patient.set(folder, folder.c.folder_id == 5, total=99, unread=0, size=7)


def _subfolders(patient: _Patient) -> None:
    patient.set(folder, folder.c.folder_id == 4, subfolders=1)


def _mailbox_size(patient: _Patient) -> None:
    patient.set(mailbox, size=5)


def _message_size(patient: _Patient) -> None:
    patient.set(message, message.c.uid == 3, size=5)


def _next_cn(patient: _Patient) -> None:
    patient.set(mailbox, next_cn=3)


def _next_id(patient: _Patient) -> None:
    patient.set(mailbox, next_id=0x100)


def _next_item(patient: _Patient) -> None:
    patient.set(mailbox, next_item=1)


def _modseq_low(patient: _Patient) -> None:
    patient.set(message, message.c.uid == 2, modseq=1)


def _folder_modseq(patient: _Patient) -> None:
    patient.set(folder, folder.c.folder_id == 5, modseq=1)


def _shared_cn(patient: _Patient) -> None:
    cn = patient.one(message.c.cn, (message.c.folder_id == 5) & (message.c.uid == 2))
    patient.set(message, (message.c.folder_id == 5) & (message.c.uid == 3), cn=cn)


def _uidnext(patient: _Patient) -> None:
    patient.set(folder, folder.c.folder_id == 5, uidnext=2, recent_uid=1)


def _uid_reused(patient: _Patient) -> None:
    patient.set(message, (message.c.folder_id == 5) & (message.c.uid == 3), uid=6)


def _mid_reused(patient: _Patient) -> None:
    mid = patient.one(expunge.c.mid, expunge.c.uid == 6)
    patient.set(message, (message.c.folder_id == 5) & (message.c.uid == 2), mid=mid)


def _folder_reused(patient: _Patient) -> None:
    patient.add(folder_gone, cn=1, folder_id=int(_INBOX), how=0)


def _tombstone(patient: _Patient) -> None:
    patient.break_it(delete(expunge).where(expunge.c.uid == bindparam("u")), u=6)


def _vanished(patient: _Patient) -> None:
    patient.break_it(delete(expunge))


def _placements_lost(patient: _Patient) -> None:
    patient.break_it(delete(message).where(message.c.uid == bindparam("u"), message.c.folder_id == 5), u=3)


def _folder_lost(patient: _Patient) -> None:
    patient.break_it(delete(folder).where(folder.c.name == bindparam("n")), n="Work")


def _special_lost(patient: _Patient) -> None:
    patient.break_it(delete(folder).where(folder.c.folder_id == bindparam("f")), f=int(SpecialFolder.DRAFTS))


def _inbox_lost(patient: _Patient) -> None:
    patient.break_it(delete(folder).where(folder.c.folder_id == bindparam("f")), f=int(_INBOX))


def _loose(patient: _Patient) -> None:
    patient.set(folder, folder.c.name == "Work", parent_id=4711)


def _top_loose(patient: _Patient) -> None:
    patient.set(folder, folder.c.folder_id == int(SpecialFolder.IPM_SUBTREE), parent_id=4711)


def _circle(patient: _Patient) -> None:
    upper = patient.mailbox.create_folder(("Upper",)).id
    lower = patient.mailbox.create_folder(("Upper", "Lower")).id
    patient.set(folder, folder.c.folder_id == upper, parent_id=lower)


def _uidvalidity(patient: _Patient) -> None:
    patient.set(mailbox, next_uidvalidity=1)


def _uidvalidity_zero(patient: _Patient) -> None:
    patient.set(folder, folder.c.folder_id == 5, uidvalidity=0)


def _reference(patient: _Patient) -> None:
    patient.break_it(delete(content_ref))


def _dangling(patient: _Patient) -> None:
    patient.add(content_ref, item_id=4711, content_id=4712, role=0)


def _stray(patient: _Patient) -> None:
    patient.add(content, content_id=0, sha256=sha256(b"x").digest(), size=1, codec=0, data=b"x")


def _stray_file(patient: _Patient) -> None:
    key = patient.blobs.put(b"x" * 10)
    path = patient.blobs._path(key)
    os.utime(path, (1, 1))


def _keyword(patient: _Patient) -> None:
    patient.set(message, message.c.uid == 3, kw=1 << 40)


def _permission(patient: _Patient) -> None:
    patient.add(permission, folder_id=4711, member_id=0, principal=b"", rights=1)


def _access_key(patient: _Patient) -> None:
    patient.add(access_key, folder_id=4711, principal=b"", secret=b"x")


def _preview(patient: _Patient) -> None:
    patient.add(preview, item_id=4711, text="x")


def _origin(patient: _Patient) -> None:
    patient.add(origin, item_id=4711, name="x")


_MENDABLE: list[tuple[Callable[[_Patient], None], str, int]] = [
    (_counters, "folder-counters", 2),
    (_subfolders, "folder-counters", 2),
    (_mailbox_size, "mailbox-size", 2),
    (_message_size, "message-size", 2),
    (_next_cn, "counter-behind", 3),
    (_modseq_low, "modseq-low", 3),
    (_folder_modseq, "folder-modseq-behind", 3),
    (_uidnext, "uidnext-behind", 4),
    (_uid_reused, "uid-reused", 4),
    (_next_id, "counter-behind", 5),
    (_next_item, "counter-behind", 5),
    (_mid_reused, "mid-reused", 5),
    (_folder_reused, "folder-reused", 5),
    (_shared_cn, "cn-shared", 5),
    (_tombstone, "tombstone-missing", 6),
    (_vanished, "tombstone-missing", 6),
    (_placements_lost, "item-without-placement", 7),
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
    (_keyword, "keyword-unknown", 0),
    (_permission, "folder-leftovers", 0),
    (_access_key, "folder-leftovers", 0),
    (_preview, "previews-left", 0),
    (_origin, "origins-left", 0),
]


@pytest.mark.parametrize(("damage", "code", "invariant"), _MENDABLE, ids=[one[0].__name__[1:] for one in _MENDABLE])
def test_what_is_broken_is_found_and_mended(
    patient: _Patient, damage: Callable[[_Patient], None], code: str, invariant: int
) -> None:
    damage(patient)
    found = {finding.code: finding for finding in patient.check()}
    assert code in found, found
    assert found[code].invariant == invariant
    assert found[code].text
    assert found[code].remedy
    assert not found[code].repaired
    mended = patient.check(repair=True)
    assert code in {finding.code for finding in mended}
    assert all(finding.repaired and not finding.lossy for finding in mended)
    assert patient.check() == []
    assert patient.texts() == sorted(_ALL)
    patient.deliver("after")
    assert patient.check() == []


def test_a_missing_tombstone_is_reported_as_vanished(patient: _Patient) -> None:
    """[RFC7162] 3.2.10.2: what is not there may be reported once more, never too little."""
    before = patient.mailbox.folder(_INBOX).modseq
    _tombstone(patient)
    patient.check(repair=True)
    assert {uid for run in patient.mailbox.vanished_since(_INBOX, before) for uid in run} >= {5, 6}


@pytest.mark.parametrize("uids", [[2], [2, 3], [1, 3, 4]])
def test_a_running_worker_sees_a_size_put_right(world: World, uids: list[int]) -> None:
    """It has the folder in memory: the change number of the repair brings it the size."""
    box = world.mailbox()
    patient = _Patient(box, world.store.shard(box.ref), box._parts.blobs)
    for text in ("one", "two", "three", "four", "five"):
        patient.deliver(text)
    right = box.index(_INBOX).sizes.tolist()
    patient.set(message, sa.or_(*(message.c.uid == uid for uid in uids)), size=5)
    world.store._indexes.drop(box.ref.id)
    assert [uid for uid, size in enumerate(box.index(_INBOX).sizes, 1) if size == 5] == uids
    before = box.folder(_INBOX).modseq
    other = world.other_process()
    found = other.fsck(box.ref, repair=True)
    other.close()
    assert "message-size" in {finding.code for finding in found}
    assert box.index(_INBOX).sizes.tolist() == right
    _, changes = box.changes_since(_INBOX, before)
    assert [change.row.uid for change in changes if isinstance(change, FlagsChanged)] == uids
    assert patient.check() == []


def test_a_reused_uid_becomes_a_new_message_for_clients(patient: _Patient) -> None:
    watermark = patient.mailbox.folder(_INBOX)
    _uid_reused(patient)
    patient.check(repair=True)
    uids = [row.uid for row in patient.mailbox.rows(_INBOX)]
    assert 6 not in uids
    assert max(uids) >= watermark.uidnext


def _lose_item(patient: _Patient) -> None:
    patient.break_it(delete(item).where(item.c.raw_len == bindparam("n")), n=len(_raw("six")))


def _lose_content(patient: _Patient) -> None:
    patient.break_it(delete(content).where(content.c.size == bindparam("n")), n=len(_raw("middle", _MIDDLE)))


def _lose_file(patient: _Patient) -> None:
    for key in list(patient.blobs.keys()):
        patient.blobs.remove([key])


def _cut_file(patient: _Patient) -> None:
    for key in list(patient.blobs.keys()):
        path = patient.blobs._path(key)
        path.write_bytes(path.read_bytes()[:-1])


def _empty_content(patient: _Patient) -> None:
    patient.set(content, content.c.extern.is_(None), data=b"short")


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (_lose_content, "content-missing"),
        (_lose_file, "content-damaged"),
        (_cut_file, "content-damaged"),
        (_empty_content, "content-damaged"),
    ],
    ids=["row", "file", "cut", "short"],
)
def test_lost_content_is_reported_and_left_alone(
    patient: _Patient, damage: Callable[[_Patient], None], code: str
) -> None:
    """Invariant 1: only a backup brings octets back; the message stays listed until then."""
    damage(patient)
    before = [row.uid for row in patient.mailbox.rows(_INBOX)]
    (finding,) = [one for one in patient.check() if one.code == code]
    assert finding.invariant == 1
    assert finding.lossy
    assert "backup" in finding.remedy
    assert next(one for one in patient.check(repair=True) if one.code == code).repaired is False
    assert [row.uid for row in patient.mailbox.rows(_INBOX)] == before


def test_a_placement_without_its_item_leaves_a_tombstone(patient: _Patient) -> None:
    raw = patient.mailbox.rows(_INBOX, [3])[0]
    patient.break_it(delete(item).where(item.c.item_id == bindparam("i")), i=raw.item_id)
    patient.break_it(delete(content_ref).where(content_ref.c.item_id == bindparam("i")), i=raw.item_id)
    codes = [finding.code for finding in patient.check(repair=True)]
    assert "placement-without-item" in codes
    assert patient.check() == []
    assert any(3 in run for run in patient.mailbox.vanished_since(_INBOX, raw.modseq))
    assert patient.texts() == sorted(text for text in _ALL if text != "middle")


def test_recovered_mail_is_shown_once_more(patient: _Patient) -> None:
    _placements_lost(patient)
    patient.check(repair=True)
    recovered = patient.mailbox.folder(("Recovered Messages",))
    assert (recovered.total, recovered.unread) == (1, 1)
    patient.break_it(delete(message).where(message.c.uid == bindparam("u"), message.c.folder_id == 5), u=4)
    patient.check(repair=True)
    assert patient.mailbox.folder(("Recovered Messages",)).total == 2


def test_a_thorough_check_reads_everything(patient: _Patient) -> None:
    patient.set(item, item.c.raw_len == len(_raw("one")), props=b"broken")
    for key in list(patient.blobs.keys()):
        path = patient.blobs._path(key)
        path.write_bytes(b"y" * path.stat().st_size)
    assert patient.check() == []
    codes = {finding.code for finding in patient.check(thorough=True)} - {"no-sync"}
    assert codes == {"properties-damaged", "content-damaged"}


def test_a_damaged_database_file(make_world: Callable[..., World]) -> None:
    world = make_world()
    box = world.mailbox()
    for number in range(50):
        box.deliver(_INBOX, MessageContent({}), mime=render(_raw(str(number), 3000)))
    world.store.close()
    (path,) = world.settings.root.glob("mbx/??/*.sqlite")
    data = bytearray(path.read_bytes())
    for page in range(45, 60):
        data[page * 4096 : page * 4096 + 12] = b"\xff" * 12
    path.write_bytes(data)
    findings = fsck.check(world.store.shard(box.ref), box._parts.blobs)
    assert "database-damaged" in {finding.code for finding in findings}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_tables_that_an_upgrade_did_not_make(
    make_world: Callable[..., World], request: pytest.FixtureRequest, kind: str
) -> None:
    """Of a database that is marked as up to date."""
    world = make_world(request.getfixturevalue("postgres_database") if kind == "postgresql" else None)
    box = world.mailbox()
    shard = world.store.shard(box.ref)
    box.deliver(_INBOX, MessageContent({}), mime=render(_raw("x")))
    lost = (annotation, access_key, preview, origin)
    with shard.write() as work:
        for table in lost:
            work.run(Statement(sa.text(f"DROP TABLE {table.name}")))
    (finding,) = world.store.fsck(box.ref)
    assert (finding.code, finding.repaired, finding.lossy) == ("table-missing", False, False)
    assert all(table.name in finding.text for table in lost)
    (mended,) = world.store.fsck(box.ref, repair=True)
    assert mended.code == "table-missing"
    assert mended.repaired
    assert world.store.fsck(box.ref) == []
    assert box.annotations(_INBOX) == {}
    assert [raw[-1:] for _, _, raw in box.raw_many(_INBOX, [1])] == [_raw("x")[-1:]]
    box.remove_messages(_INBOX, [1])
    with shard.write() as work:
        work.run(Statement(sa.text("DROP TABLE item")))
    for repair in (False, True):
        (finding,) = world.store.fsck(box.ref, repair=repair)
        assert (finding.code, finding.repaired, finding.lossy) == ("table-missing", False, True)


def test_a_new_epoch(patient: _Patient) -> None:
    """Invariant 9: what the lost future handed out is never handed out again."""
    before = {row.id: row for row in patient.mailbox.folders()}
    message_before = patient.mailbox.rows(_INBOX)[0]
    epoch.bump(patient.shard)
    after = {row.id: row for row in patient.mailbox.folders()}
    assert before.keys() == after.keys()
    assert all(after[number].uidvalidity > before[number].uidvalidity for number in after)
    assert len({row.uidvalidity for row in after.values()}) == len(after)
    assert all(row.modseq >= epoch.LEAP for row in after.values())
    uid = patient.deliver("new")
    (made,) = patient.mailbox.rows(_INBOX, [uid])
    assert made.mid >= message_before.mid + epoch.LEAP
    assert made.modseq >= message_before.modseq + epoch.LEAP
    assert patient.check() == []
    assert patient.texts() == sorted([*_ALL, "new"])


def test_keyword_names_survive_a_repair(patient: _Patient) -> None:
    _keyword(patient)
    patient.check(repair=True)
    with patient.shard.read() as db:
        assert keywords.names(db) == {0: "red", 40: "Keyword40"}


def test_every_table_is_in_the_schema_that_these_tests_know() -> None:
    """A new table needs a thought about what fsck should say of it."""
    assert len(metadata.tables) == 25

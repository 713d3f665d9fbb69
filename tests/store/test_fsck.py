"""fsck: each of the ten invariants is broken by hand, found, and mended without losing mail."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy import bindparam, delete

from conversion.mime.rendition import render
from store import epoch, fsck, keywords
from store.changes import FlagsChanged
from store.engine import Statement
from store.ids import MessageFlag
from store.mapi.message import MessageContent
from store.schema import (
    access_key,
    annotation,
    content,
    content_ref,
    item,
    message,
    metadata,
    origin,
    preview,
)
from tests.store.conftest import World
from tests.store.patient import (
    ALL,
    INBOX,
    LARGE,
    MENDABLE,
    MIDDLE,
    Patient,
    keyword_unknown,
    placements_lost,
    raw_of,
    tombstone_lost,
    uid_reused,
)


@pytest.fixture
def patient(world: World) -> Patient:
    box = world.mailbox()
    patient = Patient(box, world.store.shard(box.ref), box._parts.blobs)
    for text, size in (("one", 0), ("two", 0), ("middle", MIDDLE), ("large", LARGE), ("five", 0), ("six", 0)):
        patient.deliver(text, size, keywords=["red"] if text == "two" else [])
    work = box.create_folder(("Work",)).id
    box.set_flags(INBOX, [1, 5], add=MessageFlag.SEEN)
    box.set_flags(INBOX, [6], add=MessageFlag.DELETED)
    box.copy(INBOX, [1, 2], work)
    box.move(INBOX, [5], work)
    box.expunge(INBOX)
    return patient


def test_a_mailbox_in_use_is_clean(patient: Patient) -> None:
    assert patient.check(thorough=True) == [] or {one.code for one in patient.check(thorough=True)} == {"no-sync"}
    assert patient.check() == []
    assert patient.check(repair=True) == []
    assert patient.texts() == sorted(ALL)


@pytest.mark.parametrize(
    ("damage", "code", "invariant"), MENDABLE, ids=[one[0].__name__.lstrip("_") for one in MENDABLE]
)
def test_what_is_broken_is_found_and_mended(
    patient: Patient, damage: Callable[[Patient], None], code: str, invariant: int
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
    assert patient.texts() == sorted(ALL)
    patient.deliver("after")
    assert patient.check() == []


def test_a_missing_tombstone_is_reported_as_vanished(patient: Patient) -> None:
    """[RFC7162] 3.2.10.2: what is not there may be reported once more, never too little."""
    before = patient.mailbox.folder(INBOX).modseq
    tombstone_lost(patient)
    patient.check(repair=True)
    assert {uid for run in patient.mailbox.vanished_since(INBOX, before) for uid in run} >= {5, 6}


@pytest.mark.parametrize("uids", [[2], [2, 3], [1, 3, 4]])
def test_a_running_worker_sees_a_size_put_right(world: World, uids: list[int]) -> None:
    """It has the folder in memory: the change number of the repair brings it the size."""
    box = world.mailbox()
    patient = Patient(box, world.store.shard(box.ref), box._parts.blobs)
    for text in ("one", "two", "three", "four", "five"):
        patient.deliver(text)
    right = box.index(INBOX).sizes.tolist()
    patient.set(message, sa.or_(*(message.c.uid == uid for uid in uids)), size=5)
    world.store._indexes.drop(box.ref.id)
    assert [uid for uid, size in enumerate(box.index(INBOX).sizes, 1) if size == 5] == uids
    before = box.folder(INBOX).modseq
    other = world.other_process()
    found = other.fsck(box.ref, repair=True)
    other.close()
    assert "message-size" in {finding.code for finding in found}
    assert box.index(INBOX).sizes.tolist() == right
    _, changes = box.changes_since(INBOX, before)
    assert [change.row.uid for change in changes if isinstance(change, FlagsChanged)] == uids
    assert patient.check() == []


def test_a_reused_uid_becomes_a_new_message_for_clients(patient: Patient) -> None:
    watermark = patient.mailbox.folder(INBOX)
    uid_reused(patient)
    patient.check(repair=True)
    uids = [row.uid for row in patient.mailbox.rows(INBOX)]
    assert 6 not in uids
    assert max(uids) >= watermark.uidnext


def _lose_item(patient: Patient) -> None:
    patient.break_it(delete(item).where(item.c.raw_len == bindparam("n")), n=len(raw_of("six")))


def _lose_content(patient: Patient) -> None:
    patient.break_it(delete(content).where(content.c.size == bindparam("n")), n=len(raw_of("middle", MIDDLE)))


def _lose_file(patient: Patient) -> None:
    for key in list(patient.blobs.keys()):
        patient.blobs.remove([key])


def _cut_file(patient: Patient) -> None:
    for key in list(patient.blobs.keys()):
        path = patient.blobs._path(key)
        path.write_bytes(path.read_bytes()[:-1])


def _empty_content(patient: Patient) -> None:
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
    patient: Patient, damage: Callable[[Patient], None], code: str
) -> None:
    """Invariant 1: only a backup brings octets back; the message stays listed until then."""
    damage(patient)
    before = [row.uid for row in patient.mailbox.rows(INBOX)]
    (finding,) = [one for one in patient.check() if one.code == code]
    assert finding.invariant == 1
    assert finding.lossy
    assert "backup" in finding.remedy
    assert next(one for one in patient.check(repair=True) if one.code == code).repaired is False
    assert [row.uid for row in patient.mailbox.rows(INBOX)] == before


def test_a_placement_without_its_item_leaves_a_tombstone(patient: Patient) -> None:
    raw = patient.mailbox.rows(INBOX, [3])[0]
    patient.break_it(delete(item).where(item.c.item_id == bindparam("i")), i=raw.item_id)
    patient.break_it(delete(content_ref).where(content_ref.c.item_id == bindparam("i")), i=raw.item_id)
    codes = [finding.code for finding in patient.check(repair=True)]
    assert "placement-without-item" in codes
    assert patient.check() == []
    assert any(3 in run for run in patient.mailbox.vanished_since(INBOX, raw.modseq))
    assert patient.texts() == sorted(text for text in ALL if text != "middle")


def test_recovered_mail_is_shown_once_more(patient: Patient) -> None:
    placements_lost(patient)
    patient.check(repair=True)
    recovered = patient.mailbox.folder(("Recovered Messages",))
    assert (recovered.total, recovered.unread) == (1, 1)
    patient.break_it(delete(message).where(message.c.uid == bindparam("u"), message.c.folder_id == 5), u=4)
    patient.check(repair=True)
    assert patient.mailbox.folder(("Recovered Messages",)).total == 2


def test_a_thorough_check_reads_everything(patient: Patient) -> None:
    patient.set(item, item.c.raw_len == len(raw_of("one")), props=b"broken")
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
        box.deliver(INBOX, MessageContent({}), mime=render(raw_of(str(number), 3000)))
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
    box.deliver(INBOX, MessageContent({}), mime=render(raw_of("x")))
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
    assert box.annotations(INBOX) == {}
    assert [raw[-1:] for _, _, raw in box.raw_many(INBOX, [1])] == [raw_of("x")[-1:]]
    box.remove_messages(INBOX, [1])
    with shard.write() as work:
        work.run(Statement(sa.text("DROP TABLE item")))
    for repair in (False, True):
        (finding,) = world.store.fsck(box.ref, repair=repair)
        assert (finding.code, finding.repaired, finding.lossy) == ("table-missing", False, True)


def test_a_new_epoch(patient: Patient) -> None:
    """Invariant 9: what the lost future handed out is never handed out again."""
    before = {row.id: row for row in patient.mailbox.folders()}
    message_before = patient.mailbox.rows(INBOX)[0]
    epoch.bump(patient.shard)
    after = {row.id: row for row in patient.mailbox.folders()}
    assert before.keys() == after.keys()
    assert all(after[number].uidvalidity > before[number].uidvalidity for number in after)
    assert len({row.uidvalidity for row in after.values()}) == len(after)
    assert all(row.modseq >= epoch.LEAP for row in after.values())
    uid = patient.deliver("new")
    (made,) = patient.mailbox.rows(INBOX, [uid])
    assert made.mid >= message_before.mid + epoch.LEAP
    assert made.modseq >= message_before.modseq + epoch.LEAP
    assert patient.check() == []
    assert patient.texts() == sorted([*ALL, "new"])


def test_keyword_names_survive_a_repair(patient: Patient) -> None:
    keyword_unknown(patient)
    patient.check(repair=True)
    with patient.shard.read() as db:
        assert keywords.names(db) == {0: "red", 40: "Keyword40"}


def test_every_table_is_in_the_schema_that_these_tests_know() -> None:
    """A new table needs a thought about what fsck should say of it."""
    assert len(metadata.tables) == 25

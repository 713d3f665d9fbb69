"""The full-text index: what becomes of it when messages go, processes die, files break, and mailboxes are put back."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from conversion.mime.rendition import render
from conversion.mime.text import MimeText as Reader
from store import epoch, textindexbuild, textindexfile
from store.mapi.restriction import MimeText
from store.store import Store
from store.textindex import LOCK, MARK
from store.textindexbuild import status, update
from tests.store.conftest import World
from tests.store.textbox import INBOX, Box, Stopped, mail_of, unread


def test_expunged_messages_are_not_found_and_leave_the_index(box: Box) -> None:
    box.fill()
    box.add("secret one", "secret two")
    update(box.index, Reader)
    box.mailbox.remove_messages(INBOX, [41])
    assert box.find("secret") == [42]
    assert status(box.index, Reader).gone == 1
    box.mailbox.remove_messages(INBOX, range(1, 21))
    update(box.index, Reader)
    now = status(box.index, Reader)
    assert (now.messages, now.indexed, now.gone) == (21, 21, 0)
    assert box.find("secret") == [42]
    assert box.find("nothing") == list(range(21, 41))
    old = box.files()[0]
    box.mailbox.remove_messages(INBOX, [42])
    os.utime(old, (0, 0))  # one message goes at last, too
    update(box.index, Reader)
    assert status(box.index, Reader).gone == 0
    assert b"secret" not in box.files()[0].read_bytes()
    box.mailbox.remove_messages(INBOX, range(1, 99))
    update(box.index, Reader)
    assert box.files() == []
    assert box.find("secret") == []


def test_small_segments_are_joined(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textindexbuild, "FULL", 60)
    for number in range(16):
        box.add(f"common word{number}", "漢字テスト", "ü" * 100 + str(number), "x" * 45_000)
        box.fill(4)
        update(box.index, Reader)
        assert len(box.files()) < textindexbuild._FEW_SEGMENTS + 2
    assert status(box.index, Reader).indexed == 16 * 8
    assert next(one.count for one in box.index.segments()) >= 60
    read: list[int] = []
    assert box.find("word3", read=read) == [25]
    assert box.find("漢字", read=read) == list(range(2, 129, 8))
    assert box.find("common", read=read) == list(range(1, 129, 8))
    assert read == []
    assert box.find("ü" * 100 + "7") == [59]


def test_another_process_at_work_is_left_alone(box: Box) -> None:
    box.fill()
    box.index.folder.mkdir(parents=True)
    with textindexbuild._locked(box.index):
        assert not update(box.index, Reader)
    assert update(box.index, Reader)


def test_segments_are_not_joined_over_one_that_was_removed(box: Box) -> None:
    """The index was dropped, in part, while another process was at it."""
    for word in ("first", "second", "third"):
        box.fill()
        box.add(word)
        update(box.index, Reader)
    one, two, three = box.index.segments()
    two.path.unlink()
    textindexbuild._Builder(box.index, Reader, lambda: None, None)._merge([one, three])
    assert [box.find(word) for word in ("first", "second", "third")] == [[41], [82], [123]]
    box.mailbox.remove_messages(INBOX, range(42, 83))
    textindexbuild._Builder(box.index, Reader, lambda: None, None)._merge([one, three])
    assert len(box.files()) == 1
    assert [box.find(word) for word in ("first", "second", "third")] == [[41], [], [123]]


@pytest.mark.parametrize("after", [0, 3, 5, 6, 20, 60, 100])
def test_an_update_that_is_stopped_leaves_an_index_that_is_true(
    box: Box, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """It is stopped at every kind of moment: while messages are read, and while segments are joined."""
    monkeypatch.setattr(textindexbuild, "_BREATH", 1)
    monkeypatch.setattr(textindexfile, "_BLOCK", 1)
    for _ in range(7):
        box.fill(5)
        update(box.index, Reader)
    box.fill(5)
    box.add("needle")
    left = after

    def pause() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Stopped

    with pytest.raises(Stopped):
        update(box.index, Reader, pause=pause)
    assert box.find("needle") == [41]
    assert update(box.index, Reader)
    read: list[int] = []
    assert box.find("needle", read=read) == [41]
    assert read == []


def test_what_a_killed_process_left_is_cleared_away(box: Box) -> None:
    """Half a file without its name, and segments whose union is there already."""
    box.fill()
    update(box.index, Reader)
    whole = box.files()[0]
    (whole.parent / ".1-9.text.new").write_bytes(b"half")
    box.add("late")
    update(box.index, Reader)
    first, second = box.index.segments()
    both = whole.with_name(f"{first.low}-{second.high}.text")
    kept = {one.path: one.path.read_bytes() for one in (first, second)}
    textindexbuild._Builder(box.index, Reader, lambda: None, None)._merge([first, second])
    assert box.files() == [both]
    for path, data in kept.items():
        path.write_bytes(data)
    read: list[int] = []
    assert box.find("late", read=read) == [41]
    assert box.find("nothing", read=read) == list(range(1, 41))
    assert read == []
    update(box.index, Reader)
    assert [path.name for path in box.index.folder.iterdir() if path.name not in (LOCK, MARK)] == [both.name]


def test_a_damaged_file_is_thrown_away_and_made_again(box: Box) -> None:
    """Octets of a segment, one at a time: never an error, never another answer."""
    box.fill()
    box.add("needle in hay", "more hay")
    update(box.index, Reader)
    path = box.files()[0]
    data = path.read_bytes()
    places = [*range(0, 160, 4), *random.Random(1).sample(range(160, len(data)), 30)]
    for place in places:
        path.unlink(missing_ok=True)
        path.write_bytes(data[:place] + bytes((data[place] ^ 0x55,)) + data[place + 1 :])
        box.index._known.clear()
        assert box.find("hay") == [41, 42], place
        assert box.find("nothing") == list(range(1, 41)), place
    for size in (0, 10, 150, len(data) - 1):
        path.unlink(missing_ok=True)
        path.write_bytes(data[:size])
        assert box.find("hay") == [41, 42]
        assert not path.exists()
    update(box.index, Reader)
    assert path.read_bytes() == data


def test_fsck_tells_of_a_damaged_index_and_mends_it(box: Box, reading_world: World) -> None:
    box.fill()
    box.add("needle")
    update(box.index, Reader)

    def faults(*, thorough: bool = True, repair: bool = False) -> list[tuple[bool, bool]]:
        found = reading_world.store.fsck(box.mailbox.ref, thorough=thorough, repair=repair)
        return [(one.repaired, one.lossy) for one in found if one.code == "text-index"]

    assert faults() == []
    path = box.files()[0]
    data = bytearray(path.read_bytes())
    data[170] ^= 1  # inside the postings, which a search reads only in part
    path.unlink()
    path.write_bytes(data)
    assert faults(thorough=False) == []
    assert faults() == [(False, False)]
    assert path.exists()
    assert faults(repair=True) == [(True, False)]
    assert faults() == []
    assert box.find("needle") == [41]


def test_an_index_of_another_reading_is_made_again(box: Box) -> None:
    """MimeText.version: a message that is read as another text has other terms."""
    box.fill()
    box.add("needle")
    update(box.index, Reader)

    class Newer(Reader):
        version = "next"

    assert status(box.index, Newer).indexed == 0
    assert box.mailbox.find(INBOX, MimeText("needle", True), text=Newer) == [41]
    update(box.index, Newer)
    assert status(box.index, Newer).indexed == 41
    assert len(box.files()) == 1


def test_a_mailbox_put_back_to_an_older_state_is_not_searched_by_the_newer_index(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    """Item numbers are given out again then, if nobody called store.epoch."""
    world = make_world(None)
    world.store._reader = unread
    box = Box(world.mailbox())
    box.fill()
    world.store.close()
    file = world.store._backend.path(box.mailbox.ref)  # type: ignore[attr-defined]  # SQLite has files
    before = file.read_bytes()
    box.add("first history")
    update(box.index, Reader)
    world.store.close()
    file.write_bytes(before)
    again = World(world.settings, Store(world.settings, reader=world.store._reader))
    opened = again.store.open(box.mailbox.ref)
    opened.deliver(INBOX, None, mime=render(mail_of("other past")))
    assert opened.find(INBOX, MimeText("past", True), text=Reader) == [41]
    assert opened.find(INBOX, MimeText("history", True), text=Reader) == []
    assert opened._parts.text_index.segments() == []
    again.store.close()


def test_an_index_outlives_a_new_epoch(box: Box) -> None:
    box.fill()
    box.add("needle")
    update(box.index, Reader)
    epoch.bump(box.parts.shard)
    box.add("needle")
    read: list[int] = []
    assert box.find("needle", read=read) == [41, 42]
    assert len(read) == 1


def test_dropped_and_removed(box: Box, reading_world: World) -> None:
    box.fill()
    update(box.index, Reader)
    box.index.drop()
    assert box.files() == []
    assert box.find("nothing") == list(range(1, 41))
    update(box.index, Reader)
    reading_world.store.remove(box.mailbox.ref)
    assert not box.index.folder.exists()

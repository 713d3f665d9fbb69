"""The full-text index: a search finds the same with it, with half of it, with what is left of it, and without."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conversion.mime.rendition import render
from conversion.mime.text import MimeText as Reader
from store import epoch, textindexbuild, textindexfile, textindexterms
from store.ids import MessageFlag, SpecialFolder
from store.mapi.collation import ASCII_CASEMAP, OCTET
from store.mapi.message import MessageContent, MimeRendition
from store.mapi.restriction import And, Bitmask, MimeHeader, MimeText, Not, Or, Restriction, TagPlacementFlags
from store.store import Store, StoreSettings
from store.textindex import LOCK, MARK, TextIndex
from store.textindexbuild import status, update
from store.textindexfile import Document, Segment, numbers_of, octets_of, write
from store.textindexterms import LONGEST, WITHIN, Terms, question, windows
from tests.store.conftest import World

_INBOX = SpecialFolder.INBOX
_MANY = 40


def _unread(mime: MimeRendition, received: int | None) -> MessageContent:
    raise AssertionError("nobody asked for properties")


def _mail(text: str, subject: str = "x", *, charset: str = "utf-8") -> bytes:
    head = f"Subject: {subject}\r\nX-Own: {subject} {len(text)}\r\nContent-Type: text/plain; charset={charset}\r\n\r\n"
    return (head + text + "\r\n").encode(charset, "replace")


class _Box:
    """A mailbox whose text index is made and asked by hand."""

    def __init__(self, world: World) -> None:
        self.mailbox = world.mailbox()
        self.parts = self.mailbox._parts
        self.index: TextIndex = self.parts.text_index

    def add(self, *texts: str, subject: str = "x") -> None:
        for text in texts:
            self.mailbox.deliver(_INBOX, None, mime=render(_mail(text, subject)))

    def fill(self, count: int = _MANY) -> None:
        """Add messages that say nothing: with few of them the index is not asked."""
        self.add(*(f"nothing {number}" for number in range(count)))

    def find(self, restriction: Restriction | str, *, read: list[int] | None = None) -> list[int]:
        """Search with the index; `read` takes the sizes of the messages that were read for it."""
        node = MimeText(restriction, True) if isinstance(restriction, str) else restriction
        return self.mailbox.find(_INBOX, node, text=Reader if read is None else self.counting(read))

    @staticmethod
    def counting(read: list[int]) -> type[Reader]:
        class Counting(Reader):
            def __init__(self, raw: bytes, parts: bytes = b"") -> None:
                read.append(len(raw))
                super().__init__(raw, parts)

            @staticmethod
            def sift(
                messages: Sequence[tuple[bytes, bytes]], word: bytes, needle: bytes | None, *, headers: bool
            ) -> list[bool | None]:
                return [None] * len(messages)  # what is looked at counts as read

        return Counting

    def scan(self, restriction: Restriction) -> list[int]:
        self.parts.texts.enabled = False
        try:
            return self.mailbox.find(_INBOX, restriction, text=Reader)
        finally:
            self.parts.texts.enabled = True

    def files(self) -> list[Path]:
        return sorted(self.index.folder.glob("*.text"))


@pytest.fixture
def reading_world(make_world: Callable[..., World], url: str | None, monkeypatch: pytest.MonkeyPatch) -> World:
    world = make_world(url)
    world.store._reader = _unread
    return world


@pytest.fixture
def box(reading_world: World) -> _Box:
    return _Box(reading_world)


def test_what_is_in_the_index_is_not_read(box: _Box) -> None:
    """Decision 0015: a word, or a part of one, is decided by the terms alone."""
    box.fill()
    box.add("the quick brown fox", "QUICKSILVER", "Größe 12")
    assert update(box.index, Reader)
    read: list[int] = []
    assert box.find("quick", read=read) == [41, 42]
    assert box.find("ICKS", read=read) == [42]
    assert box.find("GRÖSSE", read=read) == []
    assert box.find("gro", read=read) == [43]
    assert box.find("GRÖß", read=read) == [43]
    assert box.find("nowhere", read=read) == []
    assert box.find(MimeText("subject", False), read=read) == []
    assert box.find(Not(MimeText("nothing", True)), read=read) == [41, 42, 43]
    assert read == []


def test_a_string_of_several_words_is_looked_for_where_all_of_them_are(box: _Box) -> None:
    box.fill()
    box.add("a quick brown fox", "brown and quick", "aquick brownie", "quickest brown", "quick abrown")
    update(box.index, Reader)
    read: list[int] = []
    assert box.find("quick brown", read=read) == [41, 43]
    assert len(read) == 3


def test_the_tail_is_read(box: _Box) -> None:
    """What came after the last update is found all the same, and so is what came before the first."""
    box.fill()
    box.add("early bird")
    assert box.find("bird") == [41]
    update(box.index, Reader)
    box.add("late bird")
    read: list[int] = []
    assert box.find("bird", read=read) == [41, 42]
    assert len(read) == 1
    box.mailbox.copy(_INBOX, [41], _INBOX)  # another placement of an item that is indexed
    assert box.find("bird") == [41, 42, 43]


def test_many_unindexed_messages_ask_for_the_index(box: _Box) -> None:
    """[search] index: deliveries are counted, and a search that had to read much says so."""
    texts = box.parts.texts
    box.index.batch = texts.batch = 30
    box.fill(29)
    assert texts.take() is None
    box.fill(1)
    assert texts.take() == box.mailbox.ref
    assert texts.take() is None
    box.fill(10)
    box.find("nothing")
    assert texts.take() == box.mailbox.ref
    update(box.index, Reader)
    box.find("nothing")
    assert texts.take() is None


def test_a_segment_with_few_candidates_is_not_asked(box: _Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read as quickly: a search of a small folder in a large mailbox."""
    monkeypatch.setattr("store.searchrows._FEW", 0)
    box.fill(60)
    update(box.index, Reader)
    box.fill(40)
    update(box.index, Reader)
    read: list[int] = []
    uids = [*range(1, 5), *range(61, 91)]
    found = box.mailbox.find(_INBOX, MimeText("nothing 3", True), uids=uids, text=box.counting(read))
    assert found == [4, 64]
    assert len(read) == 4 + 1, "four in the first segment, and of the second the one that has such words"


def test_a_segment_that_was_replaced_is_not_taken_for_the_old_one(box: _Box) -> None:
    """Another process has left out of it what is gone, between the look at the folder and the opening."""
    box.fill()
    box.add("needle", "more")
    update(box.index, Reader)
    segment = box.index.segments()[0]
    other = Segment(segment.path)
    box.mailbox.remove_messages(_INBOX, range(1, 30))
    update(box.index, Reader)
    assert segment.path.exists()
    with pytest.raises(FileNotFoundError):
        other.open()


def test_expunged_messages_are_not_found_and_leave_the_index(box: _Box) -> None:
    box.fill()
    box.add("secret one", "secret two")
    update(box.index, Reader)
    box.mailbox.remove_messages(_INBOX, [41])
    assert box.find("secret") == [42]
    assert status(box.index, Reader).gone == 1
    box.mailbox.remove_messages(_INBOX, range(1, 21))
    update(box.index, Reader)
    now = status(box.index, Reader)
    assert (now.messages, now.indexed, now.gone) == (21, 21, 0)
    assert box.find("secret") == [42]
    assert box.find("nothing") == list(range(21, 41))
    old = box.files()[0]
    box.mailbox.remove_messages(_INBOX, [42])
    os.utime(old, (0, 0))  # one message goes at last, too
    update(box.index, Reader)
    assert status(box.index, Reader).gone == 0
    assert b"secret" not in box.files()[0].read_bytes()
    box.mailbox.remove_messages(_INBOX, range(1, 99))
    update(box.index, Reader)
    assert box.files() == []
    assert box.find("secret") == []


def test_small_segments_are_joined(box: _Box, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_another_process_at_work_is_left_alone(box: _Box) -> None:
    box.fill()
    box.index.folder.mkdir(parents=True)
    with textindexbuild._locked(box.index):
        assert not update(box.index, Reader)
    assert update(box.index, Reader)


def test_segments_are_not_joined_over_one_that_was_removed(box: _Box) -> None:
    """The index was dropped, in part, while another process was at it."""
    for word in ("first", "second", "third"):
        box.fill()
        box.add(word)
        update(box.index, Reader)
    one, two, three = box.index.segments()
    two.path.unlink()
    textindexbuild._Builder(box.index, Reader, lambda: None, None)._merge([one, three])
    assert [box.find(word) for word in ("first", "second", "third")] == [[41], [82], [123]]
    box.mailbox.remove_messages(_INBOX, range(42, 83))
    textindexbuild._Builder(box.index, Reader, lambda: None, None)._merge([one, three])
    assert len(box.files()) == 1
    assert [box.find(word) for word in ("first", "second", "third")] == [[41], [], [123]]


class _Stopped(Exception):
    pass


@pytest.mark.parametrize("after", [0, 3, 5, 6, 20, 60, 100])
def test_an_update_that_is_stopped_leaves_an_index_that_is_true(
    box: _Box, monkeypatch: pytest.MonkeyPatch, after: int
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
            raise _Stopped

    with pytest.raises(_Stopped):
        update(box.index, Reader, pause=pause)
    assert box.find("needle") == [41]
    assert update(box.index, Reader)
    read: list[int] = []
    assert box.find("needle", read=read) == [41]
    assert read == []


def test_what_a_killed_process_left_is_cleared_away(box: _Box) -> None:
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


def test_a_damaged_file_is_thrown_away_and_made_again(box: _Box) -> None:
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


def test_fsck_tells_of_a_damaged_index_and_mends_it(box: _Box, reading_world: World) -> None:
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


def test_an_index_of_another_reading_is_made_again(box: _Box) -> None:
    """MimeText.version: a message that is read as another text has other terms."""
    box.fill()
    box.add("needle")
    update(box.index, Reader)

    class Newer(Reader):
        version = "next"

    assert status(box.index, Newer).indexed == 0
    assert box.mailbox.find(_INBOX, MimeText("needle", True), text=Newer) == [41]
    update(box.index, Newer)
    assert status(box.index, Newer).indexed == 41
    assert len(box.files()) == 1


def test_a_mailbox_put_back_to_an_older_state_is_not_searched_by_the_newer_index(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    """Item numbers are given out again then, if nobody called store.epoch."""
    world = make_world(None)
    world.store._reader = _unread
    box = _Box(world)
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
    opened.deliver(_INBOX, None, mime=render(_mail("other past")))
    assert opened.find(_INBOX, MimeText("past", True), text=Reader) == [41]
    assert opened.find(_INBOX, MimeText("history", True), text=Reader) == []
    assert opened._parts.text_index.segments() == []
    again.store.close()


def test_an_index_outlives_a_new_epoch(box: _Box) -> None:
    box.fill()
    box.add("needle")
    update(box.index, Reader)
    epoch.bump(box.parts.shard)
    box.add("needle")
    read: list[int] = []
    assert box.find("needle", read=read) == [41, 42]
    assert len(read) == 1


def test_dropped_and_removed(box: _Box, reading_world: World) -> None:
    box.fill()
    update(box.index, Reader)
    box.index.drop()
    assert box.files() == []
    assert box.find("nothing") == list(range(1, 41))
    update(box.index, Reader)
    reading_world.store.remove(box.mailbox.ref)
    assert not box.index.folder.exists()


def test_a_message_of_too_many_terms_is_read(box: _Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textindexterms, "MAX_TERMS", 50)
    box.fill()
    box.add(" ".join(f"word{number}" for number in range(100)))
    update(box.index, Reader)
    read: list[int] = []
    assert box.find("word99", read=read) == [41]
    assert box.find("absent", read=read) == []
    assert len(read) == 2
    assert box.find(Not(MimeText("word99", True))) == list(range(1, 41))


def test_large_messages_and_enclosed_ones(box: _Box) -> None:
    """What stands in a file or in a content row is indexed too, and so are enclosed messages."""
    box.fill()
    box.add("padding " * 2000 + "middling", "padding " * 40_000 + "enormous")
    inner = b"Subject: enclosed\r\n\r\ninside\r\n"
    raw = b"Subject: out\r\nContent-Type: message/rfc822\r\n\r\n" + inner
    box.mailbox.deliver(_INBOX, None, mime=render(raw))
    update(box.index, Reader)
    read: list[int] = []
    assert [box.find(word, read=read) for word in ("middling", "enormous", "inside", "enclosed")] == [
        [41],
        [42],
        [43],
        [43],
    ]
    assert box.find(MimeText("enclosed", False), read=read) == [43]
    assert box.find(MimeText("out", False), read=read) == []
    assert read == []


def test_progress_and_an_end(box: _Box) -> None:
    """`find(progress=...)`: (done, total) between messages, and what it raises ends the search."""
    box.fill(200)
    calls: list[tuple[int, int]] = []
    node = MimeText("nothing", True)
    box.mailbox.find(_INBOX, node, text=Reader, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(64, 200), (128, 200), (192, 200), (200, 200)]
    calls.clear()
    both = And((MimeHeader("Subject", "x"), Not(node)))
    box.mailbox.find(_INBOX, both, text=Reader, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (400, 400)

    def stop(done: int, total: int) -> None:
        raise _Stopped

    with pytest.raises(_Stopped):
        box.mailbox.find(_INBOX, node, text=Reader, progress=stop)


def test_flags_come_first(box: _Box) -> None:
    """The index is asked of candidates: few of them are read at once."""
    box.fill()
    box.add("needle")
    update(box.index, Reader)
    box.mailbox.set_flags(_INBOX, [41, 3], add=MessageFlag.FLAGGED)
    flagged = Bitmask(TagPlacementFlags, MessageFlag.FLAGGED, False)
    assert box.find(And((flagged, MimeText("needle", True)))) == [41]
    assert box.find(And((Not(flagged), MimeText("needle", True)))) == []
    assert box.find(Or((flagged, MimeText("needle", True)))) == [3, 41]


# ------------------------------------------------------------------------------------------------- terms and files


def test_windows_hold_whatever_is_not_too_long() -> None:
    for size in (LONGEST + 1, LONGEST + 31, LONGEST + 32, LONGEST + 33, 200):
        run = bytes(random.Random(size).choices(b"abcdefghij", k=size))
        cut = windows(run)
        assert all(len(one) == LONGEST for one in cut)
        for start in range(size - WITHIN + 1):
            assert any(run[start : start + WITHIN] in one for one in cut)


def test_a_term_across_slices_is_one_term(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textindexterms, "_SLICE", 4)
    for text in ("alpha beta gamma_delta", "älpha bétà 漢字漢字漢 gamma", "漢字漢字漢字漢字", "xx 漢字yy"):
        cut, whole = Terms(), Terms()
        cut.add(text)
        monkeypatch.setattr(textindexterms, "_SLICE", 1 << 20)
        whole.add(text)
        monkeypatch.setattr(textindexterms, "_SLICE", 4)
        assert (cut.words, cut.windows, cut.pairs) == (whole.words, whole.windows, whole.pairs)


def test_ascii_is_cut_as_other_text_is() -> None:
    text = "".join(map(chr, range(128))) + " a_b c1d A-B"
    quick, other = Terms(), Terms()
    quick.add(text)
    other.add(text + "\u00a0")
    assert quick.words == other.words


def test_long_strings_ask_a_bounded_number_of_questions() -> None:
    for needle in ("a" * 100_000, "ab " * 10_000, "漢" * 10_000, ("x" * 50 + " ") * 1000):
        wanted = question(needle)
        assert sum(1 + len(one.windows) + len(one.pairs) for one in wanted.clauses) < 100


def test_a_segment_gives_back_its_postings(tmp_path: Path) -> None:
    chance = random.Random(3)
    regions = [
        {
            b"%d-%d" % (region, number): octets_of(
                sorted(chance.sample(range(500), chance.choice((1, 2, 31, 32, 500))))
            )
            for number in range(chance.choice((0, 1, 63, 64, 65, 300)))
        }
        for region in range(6)
    ]
    path = tmp_path / "1-900.text"
    documents = [Document(2 * number, number, number == 7) for number in range(500)]
    write(path, 5, (1, 900), documents, (sorted(one.items()) for one in regions), durable=False)
    segment = Segment(path)
    assert (segment.low, segment.high, segment.count, segment.signature) == (1, 900, 500, 5)
    assert segment.document(7) == documents[7]
    opened = segment.open()
    for region, expected in enumerate(regions):
        for base in (0, 1, 15_000):
            given_back = [
                pair for terms, found in opened.postings(region, base) for pair in zip(terms, found, strict=True)
            ]
            shifted = {term: [base + one for one in numbers_of(found)] for term, found in expected.items()}
            assert {term: list(numbers_of(found)) for term, found in given_back} == shifted
            assert [term for term, _ in given_back] == sorted(expected)
        for term in list(expected)[::29]:
            found, complete = opened.find(region, b"\n" + term + b"\n")
            assert complete
            assert [place for place, flag in enumerate(segment.flags(found)) if flag] == list(
                numbers_of(expected[term])
            )
    opened.close()


# ------------------------------------------------------------------------------------------------ index == scan

_ALPHABET = st.sampled_from(
    "abAB01_ -./=<>&\t\n\0\r"
    "äÄßſİıIiσςΣée\u0301\u0308\u0323\u0345ﬁŉ"
    "漢字テスト゛ｶﾞ々한글가ᄀ"
    "กำไ์"
    "\u00ad\u200d\u2028\ufffd😀𠀀𝔸ͅ"
)
_TEXTS = st.lists(
    st.one_of(
        st.text(_ALPHABET, max_size=30),
        st.text(max_size=20),
        st.text("ab", min_size=30, max_size=120),
        st.text("éü", min_size=15, max_size=60),
        st.text("漢字", max_size=12),
    ),
    min_size=1,
    max_size=6,
)


@st.composite
def _cases(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    texts = draw(_TEXTS)
    needles = []
    for _ in range(4):
        text = draw(st.sampled_from(texts))
        start = draw(st.integers(0, len(text)))
        part = text[start : start + draw(st.integers(1, 60))]
        needles.append(draw(st.sampled_from([part, part.swapcase(), part.upper(), part + "a"])))
    needles.append(draw(st.text(_ALPHABET, min_size=1, max_size=4)))
    return texts, [needle for needle in needles if needle]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(case=_cases(), charset=st.sampled_from(["utf-8", "utf-8", "iso-2022-jp", "windows-1254", "gb18030"]))
@example((["straße", "STRASSE"], ["STRASSE", "aße", "ss"]), "utf-8")
@example((["İstanbul ıI"], ["i", "istan", "ı"]), "utf-8")
@example((["a\0b", "e\u0323\u0301"], ["a", "a\0b", "e\u0301", "\u0301"]), "utf-8")
def test_the_index_finds_what_the_scan_finds(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, case: Any, charset: str
) -> None:
    """Any string over any text, in headers and bodies: the same messages with and without an index."""
    texts, needles = case
    full = StoreSettings(root=tmp_path_factory.mktemp("index"), durable=False)
    store = Store(full, reader=_unread)
    box = _Box(World(full, store))
    monkeypatch.setattr("store.searchrows._FEW", 0)
    monkeypatch.setattr("store.textindex._worth", lambda segment: 0)
    try:
        for text in texts:
            raw = _mail(text, charset=charset)
            box.mailbox.deliver(_INBOX, None, mime=render(raw))
            head = text.replace("\r", "").replace("\n", " ").replace("\0", "")
            box.add("body", subject=head)
        update(box.index, Reader)
        for needle in needles:
            for node in (
                MimeText(needle, True),
                MimeText(needle, False),
                Not(MimeText(needle, True)),
                MimeText(needle, True, OCTET),
                MimeText(needle, True, ASCII_CASEMAP),
                MimeHeader("X-Own", needle),
                MimeHeader("X-Own", needle, False, OCTET),
                MimeHeader("X-Other", needle),
                And((MimeText(needle, True), Not(MimeText(needle, False)))),
            ):
                assert box.find(node) == box.scan(node), (node, texts)
    finally:
        store.close()

"""The full-text index: a search finds the same with it, with half of it, with what is left of it, and without."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conversion.mime.rendition import render
from conversion.mime.text import MimeText as Reader
from store import textindexterms
from store.ids import MessageFlag
from store.mapi.collation import ASCII_CASEMAP, OCTET
from store.mapi.restriction import And, Bitmask, MimeHeader, MimeText, Not, Or, TagPlacementFlags
from store.store import Store, StoreSettings
from store.textindexbuild import update
from store.textindexfile import Segment
from tests.store.conftest import World
from tests.store.textbox import INBOX, Box, Stopped, mail_of, unread
from tests.support.examples import examples


def test_what_is_in_the_index_is_not_read(box: Box) -> None:
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


def test_a_string_of_several_words_is_looked_for_where_all_of_them_are(box: Box) -> None:
    box.fill()
    box.add("a quick brown fox", "brown and quick", "aquick brownie", "quickest brown", "quick abrown")
    update(box.index, Reader)
    read: list[int] = []
    assert box.find("quick brown", read=read) == [41, 43]
    assert len(read) == 3


def test_the_tail_is_read(box: Box) -> None:
    """What came after the last update is found all the same, and so is what came before the first."""
    box.fill()
    box.add("early bird")
    assert box.find("bird") == [41]
    update(box.index, Reader)
    box.add("late bird")
    read: list[int] = []
    assert box.find("bird", read=read) == [41, 42]
    assert len(read) == 1
    box.mailbox.copy(INBOX, [41], INBOX)  # another placement of an item that is indexed
    assert box.find("bird") == [41, 42, 43]


def test_many_unindexed_messages_ask_for_the_index(box: Box) -> None:
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


def test_a_segment_with_few_candidates_is_not_asked(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read as quickly: a search of a small folder in a large mailbox."""
    monkeypatch.setattr("store.searchrows._FEW", 0)
    box.fill(60)
    update(box.index, Reader)
    box.fill(40)
    update(box.index, Reader)
    read: list[int] = []
    uids = [*range(1, 5), *range(61, 91)]
    found = box.mailbox.find(INBOX, MimeText("nothing 3", True), uids=uids, text=box.counting(read))
    assert found == [4, 64]
    assert len(read) == 4 + 1, "four in the first segment, and of the second the one that has such words"


def test_a_segment_that_was_replaced_is_not_taken_for_the_old_one(box: Box) -> None:
    """Another process has left out of it what is gone, between the look at the folder and the opening."""
    box.fill()
    box.add("needle", "more")
    update(box.index, Reader)
    segment = box.index.segments()[0]
    other = Segment(segment.path)
    box.mailbox.remove_messages(INBOX, range(1, 30))
    update(box.index, Reader)
    assert segment.path.exists()
    with pytest.raises(FileNotFoundError):
        other.open()


def test_a_message_of_too_many_terms_is_read(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textindexterms, "MAX_TERMS", 50)
    box.fill()
    box.add(" ".join(f"word{number}" for number in range(100)))
    update(box.index, Reader)
    read: list[int] = []
    assert box.find("word99", read=read) == [41]
    assert box.find("absent", read=read) == []
    assert len(read) == 2
    assert box.find(Not(MimeText("word99", True))) == list(range(1, 41))


def test_large_messages_and_enclosed_ones(box: Box) -> None:
    """What stands in a file or in a content row is indexed too, and so are enclosed messages."""
    box.fill()
    box.add("padding " * 2000 + "middling", "padding " * 40_000 + "enormous")
    inner = b"Subject: enclosed\r\n\r\ninside\r\n"
    raw = b"Subject: out\r\nContent-Type: message/rfc822\r\n\r\n" + inner
    box.mailbox.deliver(INBOX, None, mime=render(raw))
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


def test_progress_and_an_end(box: Box) -> None:
    """`find(progress=...)`: (done, total) between messages, and what it raises ends the search."""
    box.fill(200)
    calls: list[tuple[int, int]] = []
    node = MimeText("nothing", True)
    box.mailbox.find(INBOX, node, text=Reader, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(64, 200), (128, 200), (192, 200), (200, 200)]
    calls.clear()
    both = And((MimeHeader("Subject", "x"), Not(node)))
    box.mailbox.find(INBOX, both, text=Reader, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (400, 400)

    def stop(done: int, total: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        box.mailbox.find(INBOX, node, text=Reader, progress=stop)


def test_flags_come_first(box: Box) -> None:
    """The index is asked of candidates: few of them are read at once."""
    box.fill()
    box.add("needle")
    update(box.index, Reader)
    box.mailbox.set_flags(INBOX, [41, 3], add=MessageFlag.FLAGGED)
    flagged = Bitmask(TagPlacementFlags, MessageFlag.FLAGGED, False)
    assert box.find(And((flagged, MimeText("needle", True)))) == [41]
    assert box.find(And((Not(flagged), MimeText("needle", True)))) == []
    assert box.find(Or((flagged, MimeText("needle", True)))) == [3, 41]


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


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(case=_cases(), charset=st.sampled_from(["utf-8", "utf-8", "iso-2022-jp", "windows-1254", "gb18030"]))
@example((["straße", "STRASSE"], ["STRASSE", "aße", "ss"]), "utf-8")
@example((["İstanbul ıI"], ["i", "istan", "ı"]), "utf-8")
@example((["0000ª", "A"], ["ª"]), "utf-8")
@example((["a\0b", "e\u0323\u0301"], ["a", "a\0b", "e\u0301", "\u0301"]), "utf-8")
def test_the_index_finds_what_the_scan_finds(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, case: Any, charset: str
) -> None:
    """Any string over any text, in headers and bodies: the same messages with and without an index."""
    texts, needles = case
    full = StoreSettings(root=tmp_path_factory.mktemp("index"), durable=False)
    store = Store(full, reader=unread)
    box = Box(World(full, store).mailbox())
    monkeypatch.setattr("store.searchrows._FEW", 0)
    monkeypatch.setattr("store.textindex._worth", lambda segment: 0)
    try:
        for text in texts:
            raw = mail_of(text, charset=charset)
            box.mailbox.deliver(INBOX, None, mime=render(raw))
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

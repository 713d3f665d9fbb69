"""RETURN, `$` and the keys of extensions, read from what clients write."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.imap.protocol import fetch_types as ft
from gateway.imap.protocol import search_types as se
from gateway.imap.protocol import types as t
from gateway.imap.protocol.framing import LIMITS, Framing
from gateway.imap.protocol.parser import parse
from tests.gateway.imap.protocol.grammar import args, refused
from tests.gateway.imap.protocol.test_round_trip import keys, mailboxes, names_modseq, pull_frames, tags
from tests.support.examples import examples
from tests.support.imap_encoder import Encoder

SEEN = se.FlagKey("\\Seen", True)

RETURNS = {
    b"()": se.Returns(all=True),
    b"(ALL)": se.Returns(all=True),
    b"(min)": se.Returns(minimum=True),
    b"(MAX MIN COUNT)": se.Returns(minimum=True, maximum=True, count=True),
    b"(SAVE)": se.Returns(save=True),
    b"(SAVE ALL)": se.Returns(save=True, all=True),
    b"(COUNT PARTIAL 23500:24000)": se.Returns(count=True, partial=(23500, 24000)),
    b"(UPDATE)": se.Returns(update=True),
    b"(UPDATE (UID))": se.Returns(update=True, items=(ft.FetchAttribute.UID,)),
    b"(COUNT update(flags UID FLAGS) MIN)": se.Returns(
        count=True, minimum=True, update=True, items=(ft.FetchAttribute.FLAGS, ft.FetchAttribute.UID)
    ),
    b"(CONTEXT)": se.Returns(context=True, all=True),
    b"(UPDATE CONTEXT COUNT)": se.Returns(update=True, context=True, count=True),
    b"(PARTIAL 500:400)": se.Returns(partial=(400, 500)),
    b"(PARTIAL -1:-100)": se.Returns(partial=(-1, -100)),
    b"(PARTIAL -500:-400)": se.Returns(partial=(-400, -500)),
}


@pytest.mark.parametrize("text", RETURNS)
def test_return_options(text: bytes) -> None:
    """[RFC4731] 4, [RFC5182] 3, [RFC5267] 5, [RFC9394] 4; [RFC4466] 2.6.1: in any order."""
    assert args(b"a SEARCH RETURN " + text + b" SEEN") == se.Search(SEEN, returns=RETURNS[text])
    assert args(b"a UID SEARCH return " + text + b" CHARSET UTF-8 SEEN") == se.Search(
        SEEN, uid=True, charset="UTF-8", returns=RETURNS[text]
    )


@pytest.mark.parametrize(
    "text",
    [
        b"RETURN",
        b"RETURN ALL SEEN",
        b"RETURN (ALL)",
        b"RETURN (ALL)SEEN",
        b"RETURN (NOSUCH) SEEN",
        b"RETURN (MIN  MAX) SEEN",
        b"RETURN ( MIN) SEEN",
        b"RETURN (UPDATE ()) SEEN",
        b"RETURN (UPDATE (SOME)) SEEN",
        b"RETURN (UPDATE (UID) SEEN",
        b"RETURN (UPDATE  (UID)) SEEN",
        b"RETURN (COUNT (UID)) SEEN",
        b"RETURN (UPDATE (ALL FAST)) SEEN",
        b"RETURN (PARTIAL) SEEN",
        b"RETURN (PARTIAL 1) SEEN",
        b"RETURN (PARTIAL 1:*) SEEN",
        b"RETURN (PARTIAL *:1) SEEN",
        b"RETURN (PARTIAL 0:1) SEEN",
        b"RETURN (PARTIAL 1:-1) SEEN",
        b"RETURN (PARTIAL -1:1) SEEN",
        b"RETURN (PARTIAL 1:4294967296) SEEN",
        b"RETURN (PARTIAL 1:2 ALL) SEEN",
        b"RETURN (PARTIAL 1:2 PARTIAL 3:4) SEEN",
        b"RETURN (" + b"MIN " * 20 + b"MIN) SEEN",
        b"OLDER 0",
        b"YOUNGER x",
        b"$1",
        b"1,$",
    ],
)
def test_refused(text: bytes) -> None:
    """[RFC5267] 4.4 and [RFC9394] 3.1: ALL or one PARTIAL; [RFC5032] 3: no interval of nothing."""
    assert refused(b"t SEARCH " + text).tag == b"t"


def test_saved_result_in_every_command_that_takes_a_set() -> None:
    """[RFC5182] 3: `$` is a sequence-set."""
    assert args(b"a SEARCH $ SMALLER 4096") == se.Search(
        se.And((se.SequenceKey(t.SAVED), se.SizeKey(4096, larger=False)))
    )
    assert args(b"a UID SEARCH UID $") == se.Search(se.UidKey(t.SAVED), uid=True)
    for command in (b"FETCH $ FLAGS", b"STORE $ +FLAGS (x)", b"COPY $ Junk", b"MOVE $ Junk"):
        for prefix in (b"", b"UID "):
            found = args(b"a " + prefix + command)
            assert found.messages == t.SAVED  # type: ignore[attr-defined]  # of no type here
    assert args(b"a UID EXPUNGE $").messages == t.SAVED  # type: ignore[attr-defined]  # of no type here


def test_a_search_that_saves_says_so_where_its_charset_is_unknown() -> None:
    """[RFC5182] 2.1: the answer is NO, so nothing is saved any more."""
    for text, saves in ((b"RETURN (SAVE) ", True), (b"RETURN (MIN) ", False), (b"", False)):
        error = refused(b"a SEARCH " + text + b"CHARSET X-NONE ALL")
        assert isinstance(error, t.UnsupportedCharset)
        assert error.saves is saves


def test_cancel_update() -> None:
    """[RFC5267] 5."""
    assert args(b'B04 CANCELUPDATE "B01"') == se.CancelUpdate((b"B01",))
    assert args(b'a cancelupdate "A" B "C"') == se.CancelUpdate((b"A", b"B", b"C"))
    refused(b"a CANCELUPDATE")
    refused(b"a CANCELUPDATE ()")
    refused(b"a CANCELUPDATE" + b" x" * 101)


def test_comparator() -> None:
    """[RFC5255] 4.10: any number of names, as any strings."""
    assert args(b"a COMPARATOR") == se.Comparator(())
    assert args(b'A001 COMPARATOR "cz;*" i;basic') == se.Comparator(("cz;*", "i;basic"))
    refused(b"a COMPARATOR (i;octet)")
    refused(b"a COMPARATOR" + b" x" * 101)


def test_multi_search() -> None:
    """[RFC7377] 3, 4: its example; without sources, and without results."""
    assert args(b'tag1 ESEARCH IN (mailboxes "folder1" subtree "folder2") unseen') == se.MultiSearch(
        (
            se.Source(se.SourceKind.MAILBOXES, (t.MailboxName("folder1"),)),
            se.Source(se.SourceKind.SUBTREE, (t.MailboxName("folder2"),)),
        ),
        se.Search(se.FlagKey("\\Seen", False), uid=True, returns=se.Returns(all=True)),
    )
    assert args(b"a esearch return (count) SEEN") == se.MultiSearch(
        (se.Source(se.SourceKind.SELECTED),), se.Search(SEEN, uid=True, returns=se.Returns(count=True))
    )
    refused(b"a UID ESEARCH ALL")
    refused(b"a ESEARCH IN (personal)")
    refused(b"a ESEARCH IN personal ALL")


def test_ages() -> None:
    """[RFC5032] 3."""
    assert args(b"a SEARCH UNSEEN YOUNGER 259200") == se.Search(
        se.And((se.FlagKey("\\Seen", False), se.AgeKey(259200, older=False)))
    )
    assert args(b"a SEARCH older 1") == se.Search(se.AgeKey(1, older=True))


def test_sort() -> None:
    """[RFC5256] 5, [RFC5957] 5, [RFC5267] 5 `extended-sort`."""
    search = se.Search(SEEN, charset="UTF-8")
    assert args(b"a SORT (SUBJECT REVERSE DATE) UTF-8 SEEN") == se.Sort(
        (se.Criterion(se.SortKey.SUBJECT), se.Criterion(se.SortKey.DATE, reverse=True)), search
    )
    for key in se.SortKey:
        assert args(f"a sort ({key.value}) utf-8 seen".encode()) == se.Sort(
            (se.Criterion(key),), se.Search(SEEN, charset="utf-8")
        )
    found = args(b"a UID SORT RETURN (PARTIAL 2:1 COUNT) (REVERSE ARRIVAL) UTF-8 SEEN")
    assert found == se.Sort(
        (se.Criterion(se.SortKey.ARRIVAL, reverse=True),),
        se.Search(SEEN, uid=True, charset="UTF-8", returns=se.Returns(count=True, partial=(1, 2))),
    )
    assert found.uid


def test_thread() -> None:
    """[RFC5256] 5."""
    for algorithm in se.Algorithm:
        text = algorithm.value.encode()
        search = se.Search(SEEN, charset="US-ASCII")
        assert args(b"a THREAD " + text + b" US-ASCII SEEN") == se.Thread(algorithm, search)
        assert args(b"a uid thread " + text.lower() + b' "US-ASCII" SEEN') == se.Thread(
            algorithm, se.Search(SEEN, uid=True, charset="US-ASCII")
        )


@pytest.mark.parametrize(
    "text",
    [
        b"SORT",
        b"SORT ()",
        b"SORT () UTF-8 ALL",
        b"SORT DATE UTF-8 ALL",
        b"SORT (DATE) ALL",
        b"SORT (DATE) UTF-8",
        b"SORT (REVERSE) UTF-8 ALL",
        b"SORT (REVERSE REVERSE DATE) UTF-8 ALL",
        b"SORT (NOSUCH) UTF-8 ALL",
        b"SORT (DATE) CHARSET UTF-8 ALL",
        b"SORT RETURN (DATE) UTF-8 ALL",
        b"SORT (" + b"DATE " * 20 + b"DATE) UTF-8 ALL",
        b"THREAD UTF-8 ALL",
        b"THREAD REFS UTF-8 ALL",
        b"THREAD REFERENCES ALL",
        b"THREAD REFERENCES RETURN (ALL) UTF-8 ALL",
    ],
)
def test_sort_and_thread_refuse(text: bytes) -> None:
    refused(b"t " + text)
    refused(b"t UID " + text)


def test_sort_and_thread_in_an_unknown_charset() -> None:
    """[RFC5256] 3: NO, as SEARCH."""
    for command in (b"SORT (DATE)", b"THREAD REFERENCES"):
        assert isinstance(refused(b"a " + command + b" X-NONE ALL"), t.UnsupportedCharset)


def test_save_dates_and_identifiers() -> None:
    """[RFC8514] 5, [RFC8474] 7."""
    day = dt.date(2014, 12, 28)
    for relation in se.DateRelation:
        assert args(f"a SEARCH saved{relation.value} 28-Dec-2014".encode()) == se.Search(se.SavedKey(relation, day))
    assert args(b"a SEARCH SAVEDATESUPPORTED") == se.Search(se.All())
    assert args(b"a SEARCH EMAILID M6d99ac3275bb4e") == se.Search(se.ObjectKey("M6d99ac3275bb4e", thread=False))
    assert args(b"a SEARCH NOT THREADID T-_9") == se.Search(se.Not(se.ObjectKey("T-_9", thread=True)))
    for text in (
        b"SAVEDON",
        b"SAVEDON 30-Feb-2014",
        b"EMAILID",
        b"EMAILID a.b",
        b'EMAILID "x"',
        b"THREADID " + b"x" * 256,
    ):
        refused(b"a SEARCH " + text)


ends = st.tuples(st.integers(1, 9999), st.integers(1, 9999)).map(lambda pair: (min(pair), max(pair)))
partials = st.one_of(ends, ends.map(lambda pair: (-pair[0], -pair[1])))
returns = st.builds(
    se.Returns,
    minimum=st.booleans(),
    maximum=st.booleans(),
    all=st.booleans(),
    count=st.booleans(),
    save=st.booleans(),
    update=st.booleans(),
    context=st.booleans(),
    partial=st.none() | partials,
    items=st.lists(st.sampled_from(ft.FetchAttribute), max_size=3, unique=True).map(tuple),
).filter(
    lambda r: (
        not (r.all and r.partial)
        and any((r.minimum, r.maximum, r.all, r.count, r.save, r.update, r.partial))
        and (r.update or not r.items)
    )
)
searches = st.builds(
    lambda key, uid, charset, returns: se.Search(key, uid, charset, names_modseq(key), returns),
    st.one_of(
        keys,
        st.builds(se.SavedKey, st.sampled_from(se.DateRelation), st.dates()),
        st.builds(se.ObjectKey, st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True), st.booleans()),
        st.builds(se.AgeKey, st.integers(1, 2**32 - 1), st.booleans()),
        st.just(se.UidKey(t.SAVED)),
    ),
    st.booleans(),
    st.sampled_from((None, "UTF-8")),
    st.none() | returns,
)
named = (se.SourceKind.SUBTREE, se.SourceKind.SUBTREE_ONE, se.SourceKind.MAILBOXES)
sources = st.one_of(
    st.builds(se.Source, st.sampled_from([kind for kind in se.SourceKind if kind not in named])),
    st.builds(se.Source, st.sampled_from(named), st.lists(mailboxes, min_size=1, max_size=3).map(tuple)),
)
programs = st.lists(st.builds(se.Criterion, st.sampled_from(se.SortKey), st.booleans()), min_size=1, max_size=3)
in_charset = searches.filter(lambda search: search.charset is not None)
sorts = st.builds(se.Sort, programs.map(tuple), in_charset)
threads = st.builds(se.Thread, st.sampled_from(se.Algorithm), in_charset.filter(lambda search: search.returns is None))
commands = st.one_of(
    searches.map(lambda args: t.Command(b"a", "SEARCH", args)),
    sorts.map(lambda args: t.Command(b"a", "SORT", args)),
    threads.map(lambda args: t.Command(b"a", "THREAD", args)),
    st.builds(
        se.Comparator, st.lists(st.sampled_from(("i;octet", "default", "*", "-i;ascii*", "é")), max_size=3).map(tuple)
    ).map(lambda args: t.Command(b"a", "COMPARATOR", args)),
    st.builds(
        lambda sources, search: se.MultiSearch(
            tuple(sources), replace(search, uid=True, returns=search.returns or se.Returns(all=True))
        ),
        st.lists(sources, min_size=1, max_size=3),
        searches,
    ).map(lambda args: t.Command(b"a", "ESEARCH", args)),
    st.builds(se.CancelUpdate, st.lists(tags, min_size=1, max_size=3).map(tuple)).map(
        lambda args: t.Command(b"a", "CANCELUPDATE", args)
    ),
)


@given(commands, st.integers(0, 2**32))
@settings(max_examples=examples(50))
def test_a_command_is_read_as_it_was_written(command: t.Command, seed: int) -> None:
    framing = Framing(LIMITS)
    framing.feed(Encoder(seed).command(command))
    (frame,) = pull_frames(framing)
    assert parse(frame) == command

"""The grammar by example: SEARCH."""

from __future__ import annotations

import datetime as dt

import pytest

from gateway.imap.protocol import search_types as st
from gateway.imap.protocol import types as t
from tests.gateway.imap.protocol.grammar import args, numbers, refused


def flag(name: str, present: bool = True) -> st.FlagKey:
    return st.FlagKey(name, present)


SEARCHES: list[tuple[bytes, st.SearchKey]] = [
    (
        b'FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"',
        st.And(
            (
                flag("\\Flagged"),
                st.DateKey(st.DateRelation.SINCE, dt.date(1994, 2, 1), sent=False),
                st.Not(st.EnvelopeKey("FROM", "Smith")),
            )
        ),
    ),
    (b'TEXT "string not in mailbox"', st.TextKey("string not in mailbox", headers=True)),
    (b"2:4,*", st.SequenceKey(numbers((2, 4), (0, 0)))),
    (b"ALL", st.All()),
    (b"ANSWERED", flag("\\Answered")),
    (b"BCC a", st.EnvelopeKey("BCC", "a")),
    (b"BEFORE 1-feb-1994", st.DateKey(st.DateRelation.BEFORE, dt.date(1994, 2, 1), sent=False)),
    (b"BODY x", st.TextKey("x", headers=False)),
    (b"CC a", st.EnvelopeKey("CC", "a")),
    (b"DELETED", flag("\\Deleted")),
    (b"DRAFT", flag("\\Draft")),
    (b"FLAGGED", flag("\\Flagged")),
    (b'HEADER X-Spam ""', st.HeaderKey("X-Spam", "")),
    (b"KEYWORD $Forwarded", flag("$Forwarded")),
    (b"LARGER 4096", st.SizeKey(4096, larger=True)),
    (b"NEW", st.And((st.RecentKey(True), flag("\\Seen", False)))),
    (b"OLD", st.RecentKey(False)),
    (b'ON "1-Feb-1994"', st.DateKey(st.DateRelation.ON, dt.date(1994, 2, 1), sent=False)),
    (
        b"OR SEEN (TO a SUBJECT b)",
        st.Or(flag("\\Seen"), st.And((st.EnvelopeKey("TO", "a"), st.EnvelopeKey("SUBJECT", "b")))),
    ),
    (b"RECENT", st.RecentKey(True)),
    (b"SENTBEFORE 01-Feb-1994", st.DateKey(st.DateRelation.BEFORE, dt.date(1994, 2, 1), sent=True)),
    (b"SENTON 28-Feb-1994", st.DateKey(st.DateRelation.ON, dt.date(1994, 2, 28), sent=True)),
    (b"SENTSINCE 28-Feb-1994", st.DateKey(st.DateRelation.SINCE, dt.date(1994, 2, 28), sent=True)),
    (b"SMALLER 1", st.SizeKey(1, larger=False)),
    (b"UID 443:557", st.UidKey(numbers((443, 557)))),
    (b"UNANSWERED UNDELETED", st.And((flag("\\Answered", False), flag("\\Deleted", False)))),
    (b"UNDRAFT UNFLAGGED", st.And((flag("\\Draft", False), flag("\\Flagged", False)))),
    (b"UNKEYWORD x", flag("x", False)),
    (b"UNSEEN", flag("\\Seen", False)),
    (b"((SEEN))", flag("\\Seen")),
    (b"NOT NOT ALL", st.Not(st.Not(st.All()))),
    (b'SUBJECT {3+}\r\na"b', st.EnvelopeKey("SUBJECT", 'a"b')),
]


@pytest.mark.parametrize(("text", "key"), SEARCHES)
def test_search(text: bytes, key: st.SearchKey) -> None:
    """[RFC3501] 6.4.4"""
    assert args(b"A282 SEARCH " + text) == st.Search(key)
    assert args(b"A282 UID SEARCH " + text) == st.Search(key, uid=True)


def test_search_with_a_charset() -> None:
    """[RFC3501] 6.4.4: the example with CHARSET UTF-8 and a literal"""
    text = "Привет"
    literal = b"{%d+}\r\n%b" % (len(text.encode()), text.encode())
    assert args(b"A284 SEARCH CHARSET UTF-8 TEXT " + literal) == st.Search(
        st.TextKey(text, headers=True), charset="UTF-8"
    )
    assert args(b'a SEARCH CHARSET KOI8-R TEXT "' + text.encode("koi8-r") + b'"') == st.Search(
        st.TextKey(text, headers=True), charset="KOI8-R"
    )


def test_search_in_an_unknown_charset() -> None:
    """[RFC3501] 6.4.4, 7.1: NO with BADCHARSET"""
    error = refused(b"a SEARCH CHARSET X-UNKNOWN ALL")
    assert isinstance(error, t.UnsupportedCharset)
    assert "UTF-8" in error.charsets
    for codec in (b"rot13", b"idna", b"utf-7", b"zlib"):
        assert isinstance(refused(b"a SEARCH CHARSET " + codec + b" ALL"), t.UnsupportedCharset)


def test_search_texts_outside_their_charset() -> None:
    assert not isinstance(refused(b'a SEARCH CHARSET US-ASCII TEXT "\xe9"'), t.UnsupportedCharset)
    refused(b'a SEARCH CHARSET UTF-8 TEXT "\xe9"')


def test_search_without_a_charset_takes_8_bit_octets() -> None:
    """A named quirk"""
    assert args('a SEARCH TEXT "é"'.encode()) == st.Search(st.TextKey("é", headers=True))
    assert args(b'a SEARCH TEXT "\xe9"') == st.Search(st.TextKey("é", headers=True))


def test_search_by_modseq() -> None:
    """[RFC7162] 3.1.5"""
    assert args(b'a SEARCH MODSEQ "/flags/\\\\draft" all 620162338') == st.Search(
        st.ModSeqKey(620162338, "/flags/\\draft", "all"), modseq=True
    )
    assert args(b"t SEARCH OR NOT MODSEQ 720162338 LARGER 50000") == st.Search(
        st.Or(st.Not(st.ModSeqKey(720162338)), st.SizeKey(50000, larger=True)), modseq=True
    )
    refused(b'a SEARCH MODSEQ "/foo" all 1')
    refused(b'a SEARCH MODSEQ "/flags/x" some 1')


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"FOO",
        b"()",
        b"(SEEN",
        b"SEEN)",
        b"OR SEEN",
        b"NOT",
        b"FROM",
        b"SINCE yesterday",
        b"SINCE 30-Feb-1994",
        b"LARGER x",
        b"LARGER 4294967296",
        b"KEYWORD \\Seen",
        b"0",
        b"1:",
        b"UID",
        b"SEEN  DELETED",
        b"CHARSET UTF-8",
        b"NOT " * 51 + b"ALL",
        b"(" * 52 + b"ALL" + b")" * 52,
        b"OR " * 51 + b"ALL" + b" ALL" * 51,
        b"SEEN " * 2000 + b"SEEN",
    ],
)
def test_search_refuses(text: bytes) -> None:
    assert refused(b"t SEARCH " + text).tag == b"t"


def test_nesting_up_to_the_limit() -> None:
    assert isinstance(args(b"a SEARCH " + b"NOT " * 50 + b"ALL"), st.Search)
    assert isinstance(args(b"a SEARCH " + b"(" * 50 + b"ALL" + b")" * 50), st.Search)


def test_a_long_chain_of_or_is_taken() -> None:
    """Clients look for many messages at once with OR nested to the right ([RFC3501] 6.4.4)."""
    count = 900
    keys = " ".join(f"OR HEADER Message-ID <{n}@x>" for n in range(count - 1)) + f" HEADER Message-ID <{count - 1}@x>"
    search = args(f"a SEARCH {keys}".encode())
    assert isinstance(search, st.Search)
    found = []
    todo, depth = [(search.key, 0)], 0
    while todo:
        key, level = todo.pop()
        depth = max(depth, level)
        if isinstance(key, st.Or):
            todo += [(key.right, level + 1), (key.left, level + 1)]
        else:
            assert isinstance(key, st.HeaderKey)
            found.append(key.value)
    assert found == [f"<{n}@x>" for n in range(count)]
    assert depth <= 11

"""The scanner: offsets, nesting, tolerance, limits ([RFC2046] 5)."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversion.mime.parts import Part
from conversion.mime.structure import Limits, Structure, pack, scan, unpack
from tests.support.examples import examples


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode("utf-8")


def body(raw: bytes, part: Part) -> bytes:
    return raw[part.body_start : part.body_end]


def header(raw: bytes, part: Part) -> bytes:
    return raw[part.header_start : part.body_start]


SIMPLE = crlf(
    """From: Nathaniel Borenstein <nsb@bellcore.com>
MIME-Version: 1.0
Content-type: multipart/mixed; boundary="simple boundary"

This is the preamble.  It is to be ignored.

--simple boundary

This is implicitly typed plain US-ASCII text.
It does NOT end with a linebreak.
--simple boundary
Content-type: text/plain; charset=us-ascii

This is explicitly typed plain US-ASCII text.
It DOES end with a linebreak.

--simple boundary--

This is the epilogue.  It is also to be ignored.
"""
)


def test_parts_of_a_multipart() -> None:
    """[RFC2046] 5.1.1: the line end before a boundary belongs to the boundary; preamble and epilogue to no part."""
    root = scan(SIMPLE).root
    assert (root.type, root.subtype, root.number) == ("multipart", "mixed", "")
    first, second = root.children
    assert body(SIMPLE, first) == crlf(
        "This is implicitly typed plain US-ASCII text.\nIt does NOT end with a linebreak."
    )
    assert body(SIMPLE, second) == crlf(
        "This is explicitly typed plain US-ASCII text.\nIt DOES end with a linebreak.\n"
    )
    assert (first.number, first.type, first.subtype, first.lines) == ("1", "text", "plain", 1)
    assert (second.number, second.charset, second.lines) == ("2", "us-ascii", 2)
    assert header(SIMPLE, first) == b"\r\n"
    assert header(SIMPLE, second) == crlf("Content-type: text/plain; charset=us-ascii\n\n")


def test_a_message_without_mime_fields_is_plain_text() -> None:
    """[RFC2045] 5.2: the default is text/plain; charset=us-ascii, 7bit."""
    raw = crlf("Subject: x\n\none\ntwo\n")
    root = scan(raw).root
    assert (root.type, root.subtype, root.encoding, root.charset) == ("text", "plain", "7bit", "")
    assert (root.header_start, root.body_start, root.body_end, root.lines) == (0, 14, 24, 2)


def test_an_enclosed_message() -> None:
    """[RFC2046] 5.2.1: message/rfc822 encloses a message with a header and parts of its own."""
    raw = crlf(
        """Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: message/rfc822

Subject: inner
Content-Type: multipart/alternative; boundary=inner

--inner

text
--inner
Content-Type: text/html

<p>
--inner--

--outer
Content-Type: application/pdf
Content-Transfer-Encoding: BASE64

AAAA
--outer--
"""
    )
    first, second = scan(raw).root.children
    message = first.message
    assert message is not None
    assert message.number == "1"
    assert header(raw, message).startswith(b"Subject: inner\r\n")
    assert [child.number for child in message.children] == ["1.1", "1.2"]
    assert [body(raw, child) for child in message.children] == [b"text", b"<p>"]
    assert first.lines == body(raw, first).count(b"\n") == 11
    assert (second.number, second.encoding, body(raw, second)) == ("2", "base64", b"AAAA")


def test_the_parts_of_a_digest_are_messages_by_default() -> None:
    """[RFC2046] 5.1.5: in multipart/digest a part without Content-Type is message/rfc822."""
    raw = crlf(
        "Content-Type: multipart/digest; boundary=b\n\n"
        "--b\n\nSubject: a\n\nx\n--b\nContent-Type: text/plain\n\ny\n--b--\n"
    )
    first, second = scan(raw).root.children
    assert (first.type, first.subtype) == ("message", "rfc822")
    assert first.message is not None
    assert (second.type, second.message) == ("text", None)


@pytest.mark.parametrize(
    ("value", "boundary"),
    [
        ('multipart/mixed; boundary="gc0p4Jq0M2Yt08j34c0p"', "gc0p4Jq0M2Yt08j34c0p"),
        ("multipart/mixed; boundary=gc0pJq0M:08jU534c0p", "gc0pJq0M:08jU534c0p"),
        ("multipart/mixed; BOUNDARY=----=_NextPart_1", "----=_NextPart_1"),
        ('multipart/mixed;\r\n\tcharset=x;\r\n boundary="a b\'()+_,-./:=?"', "a b'()+_,-./:=?"),
        ("multipart/mixed (a comment; boundary=no) ; boundary (x) = b", "b"),
        ("multipart/mixed; boundary*0=ab; boundary*1=cd", "abcd"),
        ("multipart/mixed; boundary*=us-ascii'en'a%20b", "a b"),
        ("multipart/mixed; boundary*=\"ansi-x3.4-1968''EeQf\"", "EeQf"),
        ("multipart/mixed; boundary*0*=''a%2; boundary*1*=Fb; boundary*2=c", "a/bc"),
        ('multipart/mixed\r\n boundary="b"', "b"),
        ("multipart/mixed;; boundary=b;", "b"),
        ('multipart/mixed; boundary="b', "b"),
    ],
)
def test_ways_to_give_a_boundary(value: str, boundary: str) -> None:
    """[RFC2045] 5.1 with comments and folds, [RFC2231] 3 and 4, and what programs get wrong."""
    raw = f"Content-Type: {value}\r\n\r\n--{boundary}\r\n\r\nx\r\n--{boundary}--\r\n".encode()
    root = scan(raw).root
    assert [body(raw, part) for part in root.children] == [b"x"]


def test_ways_to_give_a_charset() -> None:
    """[RFC2231] 4: any parameter may be encoded; a name that is none plausible is no charset."""
    for value, charset in (
        ("text/plain; charset*=ansi-x3.4-1968''us-ascii", "us-ascii"),
        ("text/plain; charset*=utf%2D8", "utf-8"),
        ("text/plain; charset=utf-8; charset*=''koi8-r", "utf-8"),
        ("text/plain; charset*=''a%0Ab", ""),
    ):
        assert scan(f"Content-Type: {value}\r\n\r\nx".encode()).root.charset == charset


@pytest.mark.parametrize("value", ["multipart/mixed", 'multipart/mixed; boundary=""', "multipart/mixed; boundary="])
def test_a_multipart_without_boundary_has_no_parts(value: str) -> None:
    """[RFC2046] 5.1.1 requires the parameter; without it nothing is a boundary line, not even `--`."""
    raw = f"Content-Type: {value}\r\n\r\n--\r\n\r\nx\r\n--\r\n".encode()
    root = scan(raw).root
    assert root.is_multipart
    assert root.children == ()
    assert root.body_end == len(raw)


def test_a_boundary_line_may_be_followed_by_blanks_and_more() -> None:
    """[RFC2046] 5.1.1: it is enough that the line begins with the boundary; blanks after it do not count."""
    raw = crlf("Content-Type: multipart/mixed; boundary=b\n\n--b \t\n\n1\n--bx\n\n2\n--b-- \nrest\n--b\n\n3\n")
    assert [body(raw, part) for part in scan(raw).root.children] == [b"1", b"2"]


def test_of_boundaries_that_begin_alike_the_longest_counts() -> None:
    raw = crlf(
        """Content-Type: multipart/mixed; boundary=a

--a
Content-Type: multipart/mixed; boundary=ab

--ab

1
--ab--
--a

2
--a--
"""
    )
    inner, second = scan(raw).root.children
    assert [body(raw, part) for part in inner.children] == [b"1"]
    assert body(raw, second) == b"2"


def test_an_outer_boundary_closes_all_inner_parts() -> None:
    """[RFC2046] 5.1.2: an outer boundary ends the inner multipart even if its closing line is missing."""
    raw = crlf(
        """Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/mixed; boundary=inner

--inner

1
--outer

2
--outer--
"""
    )
    inner, second = scan(raw).root.children
    assert [body(raw, part) for part in inner.children] == [b"1"]
    assert body(raw, second) == b"2"


def test_a_missing_closing_boundary() -> None:
    raw = crlf("Content-Type: multipart/mixed; boundary=b\n\n--b\n\n1\n--b\n\n2\nend\n")
    assert [body(raw, part) for part in scan(raw).root.children] == [b"1", b"2\r\nend\r\n"]


def test_a_header_without_blank_line_ends_at_the_boundary() -> None:
    raw = crlf("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/png\n--b\n--b--\n")
    first, second = scan(raw).root.children
    assert (header(raw, first), body(raw, first)) == (b"Content-Type: image/png\r\n", b"")
    assert first.type == "image"
    assert (header(raw, second), body(raw, second)) == (b"", b"")


def test_a_message_that_is_all_header() -> None:
    raw = crlf("Subject: x\nContent-Type: text/html\n")
    root = scan(raw).root
    assert (root.body_start, root.body_end, root.subtype) == (len(raw), len(raw), "html")


def test_line_feeds_alone_end_lines_too() -> None:
    raw = SIMPLE.replace(b"\r\n", b"\n")
    first, second = scan(raw).root.children
    assert body(raw, first).endswith(b"linebreak.")
    assert body(raw, second).endswith(b"linebreak.\n")


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"\n", b"\r", b"\0", b"--", b"x", b"\r\n\r\n", b":\r\n", b" \r\n x"])
def test_hardly_a_message_at_all(raw: bytes) -> None:
    structure = scan(raw)
    assert structure.root.body_end == len(raw)
    assert unpack(pack(structure)) == structure


def test_depth_limit() -> None:
    """Beyond the depth limit a multipart or message is an opaque leaf."""
    raw = b"".join(b"Content-Type: multipart/mixed; boundary=b%05d\r\n\r\n--b%05d\r\n" % (n, n) for n in range(10_000))
    parts = scan(raw, Limits(depth=20)).walk()
    assert len(parts) == 21
    assert (parts[-1].type, parts[-1].subtype, parts[-1].children) == ("application", "octet-stream", ())
    raw = b"Content-Type: message/rfc822\r\n\r\n" * 10_000
    parts = scan(raw, Limits(depth=20)).walk()
    assert len(parts) == 21
    assert (parts[-1].type, parts[-1].message) == ("application", None)
    assert len(scan(raw).walk()) == Limits().depth + 1


def test_part_limit() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 5_000
    structure = scan(raw, Limits(parts=100))
    assert len(structure.walk()) == 100
    assert structure.root.body_end == len(raw)
    raw = b"Content-Type: message/rfc822\r\n\r\n" * 50
    assert len(scan(raw, Limits(parts=10)).walk()) == 10


def test_header_limits() -> None:
    raw = b"a: b\r\n" * 1000 + b"Content-Type: text/html\r\n\r\nx"
    assert scan(raw).root.subtype == "html"
    structure = scan(raw, Limits(header_bytes=100))
    assert structure.root.subtype == "plain"
    assert structure.root.body_start == len(raw) - 1
    assert len(scan(raw, Limits(header_fields=10)).headers[0]) == 10


class Counted(bytes):
    """Octets that count how many of them searches pass over."""

    work = 0

    def find(self, sub: Any, start: Any = 0, end: Any = None) -> int:
        stop = len(self) if end is None else min(end, len(self))
        found = super().find(sub, start, stop)
        Counted.work += (stop if found < 0 else found) - start + 10
        return found

    def count(self, sub: Any, start: Any = 0, end: Any = None) -> int:
        stop = len(self) if end is None else end
        Counted.work += stop - start + 10
        return super().count(sub, start, stop)


def lines_run(raw: bytes) -> int:
    """Count the lines of Python that a scan runs."""
    count = 0

    def trace(_frame: Any, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        scan(raw)
    finally:
        sys.settrace(before)
    return count


def nested(depth: int) -> bytes:
    return b"".join(b"Content-Type: multipart/mixed; boundary=b%05d\r\n\r\n--b%05d\r\n" % (n, n) for n in range(depth))


def alike(depth: int) -> bytes:
    """Nested multiparts each of whose boundaries begins with all the outer ones."""
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n--%b\r\n" % (b"b" * n, b"b" * n)
        for n in range(1, depth + 1)
    )


MULTIPART = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
BOMBS = {
    "headers": lambda n: b"a:\r\n" * n,
    "no colon": lambda n: b"aaaa" * n,
    "no blank line in any part": lambda n: MULTIPART + b"--b\r\nx: y\r\n" * n,
    "parts without anything": lambda n: MULTIPART + b"--b\r\n" * n,
    "dashes": lambda n: nested(3) + b"--\r\n" * n,
    "deep, then dashes": lambda n: nested(99) + b"--\r\n" * n,
    "deep, then text": lambda n: nested(99) + b"some text\r\n" * n,
    "nested": nested,
    "nested messages": lambda n: b"Content-Type: message/rfc822\r\n\r\n" * n,
    "messages, then text": lambda n: b"Content-Type: message/rfc822\r\n\r\n" * 99 + b"some text\r\n" * n,
    "boundaries alike": lambda n: alike(99) + (b"--" + b"b" * 50 + b"\r\n") * (n // 10),
    "multiparts one after another": lambda n: (
        MULTIPART + b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\n" * (n // 10)
    ),
    "quoted boundary without end": lambda n: b'Content-Type: multipart/mixed; boundary="' + b'\\"' * n,
    "parameters": lambda n: b"Content-Type: text/plain" + b";a=b" * n,
    "blanks in parameters": lambda n: b"Content-Type: text/plain; a" + b" " * n + b"x",
    "comments": lambda n: b"Content-Type: text/plain" + b"(" * n,
    "folds": lambda n: b"Content-Type: text/plain\r\n" + b" \r\n" * n,
}


@pytest.mark.parametrize("name", BOMBS)
def test_the_work_grows_with_the_size_only(name: str) -> None:
    """Twice the input, at most twice the work: octets searched, and lines of Python run."""
    make = BOMBS[name]
    work = []
    for size in (8_000, 16_000):
        Counted.work = 0
        scan(Counted(make(size)))
        work.append((Counted.work + 20_000, lines_run(make(size)) + 2_000))
    assert work[1][0] <= 2.3 * work[0][0]
    assert work[1][1] <= 2.3 * work[0][1]


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_take_no_time(name: str) -> None:
    """A guard against what the counts do not see (regular expressions): a quadratic cost would take minutes."""
    raw = BOMBS[name](200_000)
    start = time.process_time()
    scan(raw)
    assert time.process_time() - start < 10


PIECES = [
    b"--a", b"--a--", b"--b", b"--b--", b"--", b"-", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\0", b"text", b" ",
    b"\r\n--a\r\n", b"\r\n--b\r\n", b"\r\n--a--\r\n",
    b"Content-Type: multipart/mixed; boundary=a\r\n", b"Content-Type: multipart/digest; boundary=b\r\n",
    b"Content-Type: multipart/alternative; boundary=ab\r\n", b"--ab\r\n", b"Content-Type: message/rfc822\r\n",
    b"Content-Type: text/html; charset=x\r\n", b"Content-Transfer-Encoding: base64\r\n", b"Subject: x\r\n", b"\xff",
]  # fmt: skip

ANY_MESSAGE = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join),
)


def check_nesting(raw: bytes, part: Part, start: int, end: int) -> None:
    """Parts lie inside one another, in order, without overlap."""
    assert start <= part.header_start <= part.body_start <= part.body_end <= end
    at = part.body_start
    for child in part.children:
        check_nesting(raw, child, at, part.body_end)
        at = child.body_end
    if part.message is not None:
        assert part.message.header_start == part.body_start
        assert part.message.body_end == part.body_end
        check_nesting(raw, part.message, part.body_start, part.body_end)


def pieces(raw: bytes, part: Part) -> bytes:
    """Put a part together again from its header, its children and the gaps between them."""
    out = raw[part.header_start : part.body_start]
    at = part.body_start
    for child in [*part.children, *([part.message] if part.message else [])]:
        out += raw[at : child.header_start] + pieces(raw, child)
        at = child.body_end
    return out + raw[at : part.body_end]


@given(ANY_MESSAGE)
def test_any_octets_have_a_structure(raw: bytes) -> None:
    structure = scan(raw)
    root = structure.root
    assert (root.header_start, root.body_end) == (0, len(raw))
    check_nesting(raw, root, 0, len(raw))
    assert pieces(raw, root) == raw
    for part in structure.walk():
        if part.type == "text" or part.message is not None:
            assert part.lines == body(raw, part).count(b"\n")


@given(ANY_MESSAGE)
def test_pack_and_unpack_are_inverse(raw: bytes) -> None:
    structure = scan(raw)
    again = unpack(pack(structure))
    assert again == structure
    assert [part.number for part in again.walk()] == [part.number for part in structure.walk()]
    for part in again.walk():
        assert again.header(raw, part) == structure.header(raw, part)


@given(st.binary(max_size=80))
def test_unpack_of_anything_else_is_a_value_error(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(unpack(data), Structure)


@settings(max_examples=examples(50))
@given(ANY_MESSAGE, st.integers(0, 6), st.integers(1, 6))
def test_limits_hold(raw: bytes, depth: int, parts: int) -> None:
    structure = scan(raw, Limits(depth=depth, parts=parts))
    check_nesting(raw, structure.root, 0, len(raw))
    assert len(structure.walk()) <= parts

    def deepest(part: Part) -> int:
        inner = [*part.children, *([part.message] if part.message else [])]
        return 1 + max(map(deepest, inner)) if inner else 0

    assert deepest(structure.root) <= depth

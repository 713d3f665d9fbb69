"""Address lists ([RFC5322] 3.4, 4.4, appendix A)."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.mime.addresses import GROUP_END, MAX_ADDRESSES, MAX_TOKENS, Address, parse_addresses


def mailbox(
    local: bytes | None, domain: bytes | None, name: bytes | None = None, route: bytes | None = None
) -> Address:
    return Address(name, route, local, domain)


def start(name: bytes) -> Address:
    return Address(None, None, name, None, "start")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # [RFC5322] A.1.1, A.1.2
        (b"John Doe <jdoe@machine.example>", [mailbox(b"jdoe", b"machine.example", b"John Doe")]),
        (b'"Joe Q. Public" <john.q.public@example.com>', [mailbox(b"john.q.public", b"example.com", b"Joe Q. Public")]),
        (
            b"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
            [
                mailbox(b"mary", b"x.test", b"Mary Smith"),
                mailbox(b"jdoe", b"example.org"),
                mailbox(b"one", b"y.test", b"Who?"),
            ],
        ),
        (
            b'<boss@nil.test>, "Giant; \\"Big\\" Box" <sysservices@example.net>',
            [mailbox(b"boss", b"nil.test"), mailbox(b"sysservices", b"example.net", b'Giant; "Big" Box')],
        ),
        # [RFC5322] A.1.3: groups
        (
            b"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
            [
                start(b"A Group"),
                mailbox(b"c", b"a.test", b"Ed Jones"),
                mailbox(b"joe", b"where.test"),
                mailbox(b"jdoe", b"one.test", b"John"),
                GROUP_END,
            ],
        ),
        (b"Undisclosed recipients:;", [start(b"Undisclosed recipients"), GROUP_END]),
        (b"a@b, G:;, c@d", [mailbox(b"a", b"b"), start(b"G"), GROUP_END, mailbox(b"c", b"d")]),
        # [RFC5322] A.5: white space, comments
        (
            b"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
            [mailbox(b"pete", b"silly.test", b"Pete")],
        ),
        (
            b"A Group(x)\r\n :Chris Jones <c@(a host.)public.example>,joe@example.org,\r\n John <jdoe@one.test>(x);(y)",
            [
                start(b"A Group"),
                mailbox(b"c", b"public.example", b"Chris Jones"),
                mailbox(b"joe", b"example.org"),
                mailbox(b"jdoe", b"one.test", b"John"),
                GROUP_END,
            ],
        ),
        (b"(Empty list)(start)Undisclosed recipients  :(nobody(that I know))  ;",
         [start(b"Undisclosed recipients"), GROUP_END]),
        # [RFC5322] A.6.1: obsolete addressing
        (b"Joe Q. Public <john.q.public@example.com>", [mailbox(b"john.q.public", b"example.com", b"Joe Q. Public")]),
        (
            b"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
            [mailbox(b"mary", b"example.net", b"Mary Smith", b"@node.test"), mailbox(b"jdoe", b"test.example")],
        ),
        (b"<@a.test,@b.test:c@d>", [mailbox(b"c", b"d", None, b"@a.test,@b.test")]),
        # [RFC5322] 3.4.1: quoted local parts, domain literals
        (b'"john doe"@a.example, x@[192.0.2.1]', [mailbox(b"john doe", b"a.example"), mailbox(b"x", b"[192.0.2.1]")]),
        (b'john."middle part".doe@x', [mailbox(b"john.middle part.doe", b"x")]),
        # The old form with the name in a comment
        (b"jdoe@x.test (John (Jr.) Doe)", [mailbox(b"jdoe", b"x.test", b"John (Jr.) Doe")]),
        # [RFC6532]: octets above ASCII
        ("Jörg <jörg@exämple>".encode(), [mailbox("jörg".encode(), "exämple".encode(), "Jörg".encode())]),
        # [RFC2047] words stay as they are
        (b"=?utf-8?Q?J=C3=B6rg?= <j@x>", [mailbox(b"j", b"x", b"=?utf-8?Q?J=C3=B6rg?=")]),
        (b'"" <a@b>', [mailbox(b"a", b"b")]),
    ],
)  # fmt: skip
def test_lists_of_the_grammar(value: bytes, expected: list[Address]) -> None:
    """[RFC5322] 3.4 and 4.4, with the examples of its appendix A."""
    assert parse_addresses(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'a@b;c@d; "E, F" <e@f>', [mailbox(b"a", b"b"), mailbox(b"c", b"d"), mailbox(b"e", b"f", b"E, F")]),
        (b'"x@y" <real@z>', [mailbox(b"real", b"z", b"x@y")]),
        (b"x@y <real@z>", [mailbox(b"real", b"z", b"x@y")]),
        (b"Ann Lee ann@x", [mailbox(b"ann", b"x", b"Ann Lee")]),
        (b"a@x b@y", [mailbox(b"a", b"x"), mailbox(b"b", b"y")]),
        (b"=?utf-8?Q?Doe,_John?= <j@x>", [mailbox(b"j", b"x", b"=?utf-8?Q?Doe,_John?=")]),
        (b"John <j@x", [mailbox(b"j", b"x", b"John")]),
        (b"John <j@x, k@y", [mailbox(b"j", b"x", b"John"), mailbox(b"k", b"y")]),
        (b'"John <j@x>', [mailbox(b"John <j@x>", None)]),
        (b"local", [mailbox(b"local", None)]),
        (b"local@", [mailbox(b"local", None)]),
        (b"@domain", [mailbox(None, b"domain")]),
        (b"Some One", [mailbox(None, None, b"Some One")]),
        (b"<>", [mailbox(None, None)]),
        (b"", []),
        (b" , ;, (nobody)", []),
        (b"G: a@b", [start(b"G"), mailbox(b"a", b"b"), GROUP_END]),
    ],
)
def test_lists_beside_the_grammar(value: bytes, expected: list[Address]) -> None:
    assert parse_addresses(value) == expected


def test_a_thousand_recipients() -> None:
    value = b",\r\n ".join(b'"User, %d" <u%d@example.test>' % (n, n) for n in range(5_000))
    found = parse_addresses(value)
    assert len(found) == 5_000
    assert found[-1] == mailbox(b"u4999", b"example.test", b"User, 4999")


def test_the_limit() -> None:
    assert len(parse_addresses(b"a@b," * (MAX_ADDRESSES + 10))) == MAX_ADDRESSES


@pytest.mark.parametrize(
    "value",
    [b"<" * 50_000, b'"' * 50_001, b"(" * 50_000, b"<@" * 25_000 + b"," * 25_000, b"<@a," * 15_000, b"x:" * 30_000,
     b"a " * 30_000, b"a@b " * 20_000, b"a@" * 30_000, b"[" * 50_000, b"\\" * 50_000, b"." * 50_000, b"a." * 30_000,
     b"=?" * 30_000, b"a\r\n " * 15_000, b"a" * 100_000, b"a " * 30_000 + b"<a@b>", b";" * 50_000, b"()" * 30_000],
)  # fmt: skip
def test_values_made_to_be_slow(value: bytes) -> None:
    """A quadratic cost of five seconds for twice the octets would be found."""
    start_time = time.process_time()
    parse_addresses(value)
    assert time.process_time() - start_time < 1.25


@given(st.lists(st.sampled_from([*(bytes([c]) for c in b'<>@,;:."()[]\\ \r\n\0a'), b"\xff", b"name", b"=?utf-8?q?x?="]),
                max_size=25).map(b"".join))  # fmt: skip
def test_any_value_gives_a_list_that_can_be_written(value: bytes) -> None:
    depth = 0
    for entry in parse_addresses(value):
        depth += {"start": 1, "end": -1, "": 0}[entry.group]
        assert depth in (0, 1)
        assert entry.group != "start" or entry.local is not None
    assert depth == 0


@pytest.mark.parametrize("sign", [b"<", b"a ", b'" <', b"(c)", b"<@a,"])
def test_one_entry_takes_little_memory(sign: bytes) -> None:
    tracemalloc.start()
    try:
        found = parse_addresses(sign * 20_000 + b", last@example.com")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_500_000
    assert found
    assert sign.startswith(b"<") or found[-1] == mailbox(b"last", b"example.com")


def test_a_long_name_is_whole() -> None:
    words = b" ".join([b"word."] * (MAX_TOKENS // 2 - 10))
    assert parse_addresses(words + b" <a@b>") == [mailbox(b"a", b"b", words)]

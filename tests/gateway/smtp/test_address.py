"""Paths ([RFC5321] 4.1.2, [RFC6531] 3.3)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.smtp.address import Path, PathSyntaxError, parse_path


@pytest.mark.parametrize(
    ("text", "address", "rest"),
    [
        ("<a@b.test>", "a@b.test", ""),
        ("<a@b.test> SIZE=1", "a@b.test", "SIZE=1"),
        ("  <a@b.test>\tX", "a@b.test", "X"),
        ("<>", "", ""),
        ("<> BODY=7BIT", "", "BODY=7BIT"),
        ("<first.last+tag@sub.example.test>", "first.last+tag@sub.example.test", ""),
        ("<!#$%&'*+/=?^_`{|}~-@b.test>", "!#$%&'*+/=?^_`{|}~-@b.test", ""),
        ("<a@localhost>", "a@localhost", ""),
        ("<@x.test,@y.test:a@b.test>", "a@b.test", ""),
        ('<"a"@b.test>', "a@b.test", ""),
        (r'<"a\b"@b.test>', "ab@b.test", ""),
        ('<"a b"@b.test>', '"a b"@b.test', ""),
        (r'<"a\"> b"@b.test> X', r'"a\"> b"@b.test', "X"),
        ('<""@b.test>', '""@b.test', ""),
        ("<a@[192.0.2.1]>", "a@[192.0.2.1]", ""),
        ("<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", ""),
        ("<a@[tag:content]>", "a@[tag:content]", ""),
        ("<Postmaster>", "Postmaster", ""),
        ("<jürgen@b.test>", "jürgen@b.test", ""),
        ("<用户@例え.テスト>", "用户@例え.テスト", ""),
        ("a@b.test", "a@b.test", ""),
        ("a@b.test SIZE=1", "a@b.test", "SIZE=1"),
    ],
)
def test_paths(text, address, rest):
    """[RFC5321] 4.1.2, 4.1.3; [RFC5321] 4.1.1.3 for routes and postmaster."""
    assert parse_path(text) == Path(address, rest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "<",
        "<a@b.test",
        "a@b.test>",
        "<a>",
        "<@b.test>",
        "<a@>",
        "<a@b.test>x",
        "<a b@c.test>",
        "<.a@b.test>",
        "<a.@b.test>",
        "<a..b@c.test>",
        "<a@b..test>",
        "<a@.test>",
        "<a@b.test.>",
        "<a@-b.test>",
        "<a@b-.test>",
        "<a@b_c.test>",
        "<a@@b.test>",
        '<"a@b.test>',
        '<"a"b@c.test>',
        "<a@[300.0.0.1]>",
        "<a@[IPv6:zz]>",
        "<a@[1.2.3.4>",
        "<a@b.test\x00>",
        "<a\udcff@b.test>",
        "<" + "a" * 257 + "@b.test>",
        "<a@" + "b" * 64 + ".test>",
        "<a@" + ".".join(["b" * 60] * 5) + ">",
        "<" + "é" * 129 + "@b.test>",
    ],
)
def test_what_is_no_path(text):
    with pytest.raises(PathSyntaxError):
        parse_path(text)


@settings(deadline=None)
@given(st.text(max_size=60) | st.text(alphabet='<>@"\\.,:[]a1- \u00e9', max_size=60))
def test_any_text_is_a_path_or_a_syntax_error(text):
    try:
        path = parse_path(text)
    except PathSyntaxError:
        return
    if path.address:
        assert parse_path(f"<{path.address}>").address == path.address


@pytest.mark.parametrize(
    "text", ["<" + "a." * 4000, "<" + "a-" * 4000 + "@" + "a-" * 4000, '<"' + "\\" * 9000, "@a," * 3000]
)
def test_hostile_paths_cost_little(text):
    """Linear: ten thousand characters are refused in no time."""
    with pytest.raises(PathSyntaxError):
        parse_path(text)

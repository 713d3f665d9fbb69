"""The grammar by example: commands as such, strings, and those before login; and what is refused."""

from __future__ import annotations

import time

import pytest

from gateway.imap.protocol import fetch_types as ft
from gateway.imap.protocol import mailbox_types as bt
from gateway.imap.protocol import search_types as st
from gateway.imap.protocol import types as t
from gateway.imap.protocol.framing import Frame
from gateway.imap.protocol.parser import COMMANDS, parse
from tests.gateway.imap.protocol.grammar import args, name, read, refused


@pytest.mark.parametrize(
    "command",
    ["CAPABILITY", "NOOP", "LOGOUT", "STARTTLS", "CHECK", "CLOSE", "EXPUNGE", "UNSELECT", "IDLE", "NAMESPACE"],
)
def test_commands_without_arguments(command: str) -> None:
    """[RFC3501] 6.1.1, 6.1.2, 6.1.3, 6.2.1, 6.4.1, 6.4.2, 6.4.3; [RFC3691] 2; [RFC2177] 3; [RFC2342] 5"""
    for spelling in (command, command.lower(), command.title()):
        assert read(b"abcd " + spelling.encode()) == t.Command(b"abcd", command, t.NO_ARGUMENTS)
    assert refused(b"abcd " + command.encode() + b" x").tag == b"abcd"


def test_there_are_no_experimental_commands() -> None:
    """[RFC3501] 6.5.1"""
    assert refused(b"a XLIST x x").text == "Unknown command XLIST"


def test_every_name_is_known() -> None:
    assert {"UID EXPUNGE", "FETCH", "NOOP"} < COMMANDS
    assert "UID" not in COMMANDS


def test_spaces_at_the_end_are_passed_over() -> None:
    """A named quirk of Scanner.end"""
    assert read(b"a NOOP ").name == "NOOP"
    assert args(b"a SELECT x  ") == bt.Select(name("x"), read_only=False)
    assert args(b"a SEARCH ALL ") == st.Search(st.All())


# --- before login


def test_login() -> None:
    """[RFC3501] 6.2.3"""
    assert args(b"a001 LOGIN SMITH SESAME") == t.Login("SMITH", "SESAME")
    assert args(b'a LOGIN "al\\"i\\\\ce" "two words"') == t.Login('al"i\\ce', "two words")
    assert args(b'a LOGIN {5+}\r\nal ce ""') == t.Login("al ce", "")
    assert args(b"a LOGIN alice pass]word") == t.Login("alice", "pass]word")


def test_login_takes_backslashes_unquoted() -> None:
    """A named quirk of Scanner.login_string; [MS-OXIMAP4] 2.2.2"""
    assert args(b"a LOGIN EXAMPLE\\alice se\\cret") == t.Login("EXAMPLE\\alice", "se\\cret")
    assert args(b"a LOGIN example/alice/sales secret") == t.Login("example/alice/sales", "secret")


def test_login_takes_8_bit_octets() -> None:
    assert args('a LOGIN "jürgen" päss'.encode()) == t.Login("jürgen", "päss")
    assert args('a LOGIN "jürgen" x'.encode("latin-1")) == t.Login("jürgen", "x")


def test_a_password_is_not_shown() -> None:
    assert "SESAME" not in repr(read(b"a001 LOGIN SMITH SESAME"))
    assert "AGE" not in repr(read(b"a001 AUTHENTICATE PLAIN AGE="))


def test_authenticate() -> None:
    """[RFC3501] 6.2.2, [RFC4959] 3"""
    assert args(b"a AUTHENTICATE gssapi") == t.Authenticate("GSSAPI")
    assert args(b"C01 AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=") == t.Authenticate("PLAIN", b"dGVzdAB0ZXN0AHRlc3Q=")
    assert args(b"D00 AUTHENTICATE EXTERNAL =") == t.Authenticate("EXTERNAL", b"=")
    assert refused(b"a AUTHENTICATE PLAIN a*b").tag == b"a"
    assert refused(b"a AUTHENTICATE").tag == b"a"


def test_id() -> None:
    """[RFC2971] 3.1"""
    assert args(b"a023 ID NIL") == t.Id(None)
    assert args(b'a042 ID ("name" "sodr" "version" NIL)') == t.Id((("name", "sodr"), ("version", None)))
    assert args(b"a ID ()") == t.Id(())
    assert args(b'a ID ("name" {4+}\r\nsodr)') == t.Id((("name", "sodr"),))


def test_id_limits() -> None:
    """[RFC2971] 3.3"""
    thirty = b" ".join(b'"k%d" "v"' % number for number in range(30))
    assert isinstance(args(b"a ID (" + thirty + b")"), t.Id)
    refused(b"a ID (" + thirty + b' "one" "more")')
    refused(b'a ID ("' + b"x" * 31 + b'" NIL)')
    refused(b'a ID ("x" "' + b"x" * 1025 + b'")')


def test_enable() -> None:
    """[RFC5161] 3.1"""
    assert args(b"t1 ENABLE CONDSTORE x-good-idea") == t.Enable(("CONDSTORE", "X-GOOD-IDEA"))
    refused(b"t1 ENABLE")


# --- tags and strings


@pytest.mark.parametrize(
    ("octets", "tag"),
    [
        (b"a", b"a"),
        (b"a ", b"a"),
        (b"a foo", b"a"),
        (b"a 1", b"a"),
        (b"a+b NOOP", b"*"),
        (b"+ NOOP", b"*"),
        (b" NOOP", b"*"),
        (b"* NOOP", b"*"),
        (b"\xff NOOP", b"*"),
        (b"a\0 NOOP", b"*"),
        (b"x" * 101 + b" NOOP", b"*"),
        (b"a  NOOP", b"a"),
        (b'a SELECT "x', b"a"),
        (b'a SELECT "x\\y"', b"a"),
        (b'a SELECT "x\0y"', b"a"),
        (b"a SELECT x y", b"a"),
        (b"a SELECT", b"a"),
        (b"a SELECT ", b"a"),
        (b"a SELECT x {1+}\r\ny", b"a"),
        (b"a NOOP {1+}\r\ny", b"a"),
        (b"a SELECT {1+}\r\nx y", b"a"),
        (b"a SELECT x{1+}\r\ny", b"a"),
        (b"a FETCH 1:4294967296 FLAGS", b"a"),
        (b"a COPY 1", b"a"),
    ],
)
def test_broken_commands_keep_their_tag(octets: bytes, tag: bytes) -> None:
    """[RFC3501] 2.2.1, 4.1, 4.2, 7.1.3: untagged where the tag cannot be told"""
    error = refused(octets)
    assert error.tag == tag
    assert error.text.isascii()
    assert error.text.isprintable()


def test_unusual_tags() -> None:
    """[RFC3501] 9 `tag`: any ASTRING-CHAR but +"""
    for tag in (b"]", b"A1.b-c", b"#$&", b"x" * 100):
        assert read(tag + b" NOOP").tag == tag


def test_long_uid_lists() -> None:
    """[RFC7162] 4 asks for 8,192 octets; clients send 64 KiB"""
    text = b",".join(b"%d" % number for number in range(1, 11_000))
    command = args(b"a UID FETCH " + text + b" (FLAGS)")
    assert isinstance(command, ft.Fetch)
    assert len(command.messages.ranges) == 10_999


def test_the_cost_is_linear() -> None:
    def cost(size: int) -> float:
        frame = Frame((b"a SEARCH " + b"SUBJECT " + b'"' + b"\\\\" * size + b'"',))
        start = time.process_time()
        parse(frame)
        return time.process_time() - start

    cost(1000)
    small = min(cost(20_000) for _ in range(3)) + 0.0005
    assert min(cost(400_000) for _ in range(3)) < small * 20 * 4


def test_a_string_that_never_ends_is_found_out_at_once() -> None:
    """Found by fuzzing: nested quantifiers made this exponential"""
    start = time.process_time()
    refused(b'a SELECT "' + b"x" * 60_000)
    refused(b'a SELECT "' + b'x\\"' * 20_000 + b"\\x")
    assert time.process_time() - start < 1


def test_a_line_that_comes_again_is_read_the_same() -> None:
    """What is kept of a line is kept without its tag, apart for UTF-8, and never of one that is wrong."""
    for tag in (b"a", b"longer.tag"):
        for utf8 in (False, True):
            command = parse(Frame((tag + b' status "a&-b" (MESSAGES SIZE)',)), utf8=utf8)
            assert (command.tag, command.name) == (tag, "STATUS")
            assert isinstance(command.args, bt.Status)
            assert command.args.mailbox.value == ("a&-b" if utf8 else "a&b")
            assert command.args.items == (bt.StatusItem.MESSAGES, bt.StatusItem.SIZE)
    for tag in (b"a", b"longer.tag"):
        with pytest.raises(t.BadCommand) as caught:
            parse(Frame((tag + b" STATUS INBOX (MESSAGES",)))
        assert caught.value.tag == tag
        with pytest.raises(t.BadCommand, match=f"octet {len(tag) + 14}"):
            parse(Frame((tag + b" SELECT INBOX ]",)))
        with pytest.raises(t.BadMailboxName) as unreadable:
            parse(Frame((tag + b" SELECT &",)))
        assert unreadable.value.tag == tag

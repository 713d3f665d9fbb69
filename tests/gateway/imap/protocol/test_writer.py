"""The octets of server responses ([RFC3501] 7, 9)."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.imap.protocol import writer
from gateway.imap.protocol.dates import parse_date_time
from gateway.imap.protocol.fetch_types import BodySection, FetchAttribute, Section
from gateway.imap.protocol.framing import LIMITS, Frame, Framing, LiteralWanted
from gateway.imap.protocol.mailbox_types import Select
from gateway.imap.protocol.parser import parse
from gateway.imap.protocol.scanner import Scanner


def scan(octets: bytes) -> Scanner:
    """A scanner over something that a writer wrote, literals included."""
    framing = Framing(LIMITS)
    framing.feed(octets + b"\r\n")
    while isinstance(event := framing.pull(), LiteralWanted):
        pass
    assert isinstance(event, Frame)
    return Scanner(event.parts)


@given(st.binary(min_size=0, max_size=50))
def test_strings_read_back(data: bytes) -> None:
    """[RFC3501] 4.3, 4.5"""
    scanner = scan(b"x" + writer.string(data))
    scanner.accept(b"x")
    assert scanner.string() == data
    scanner = scan(b"x" + writer.nstring(data))
    scanner.accept(b"x")
    assert scanner.nstring() == data
    scanner = scan(b"x" + writer.literal(data))
    scanner.accept(b"x")
    assert scanner.string() == data
    scanner = scan(b"x " + writer.astring(data))
    scanner.accept(b"x ")
    assert scanner.astring() == data


def test_strings() -> None:
    """[RFC3501] 4.3: a quoted string holds 7-bit characters but CR and LF; NUL is nowhere but in no string at all"""
    assert writer.string(b"") == b'""'
    assert writer.string(b'a"b\\c') == b'"a\\"b\\\\c"'
    assert writer.string(b"a\r\nb") == b"{4}\r\na\r\nb"
    assert writer.string(b"\xe9") == b"{1}\r\n\xe9"
    assert writer.string(b"a\0") == b"{2}\r\na\0"
    assert writer.string(b"x" * 2000).startswith(b"{2000}\r\n")
    assert writer.nstring(None) == b"NIL"
    assert writer.nstring(b"NIL") == b'"NIL"'


def test_astrings() -> None:
    """[RFC3501] 9 `astring`"""
    assert writer.astring(b"INBOX") == b"INBOX"
    assert writer.astring(b"Sent Items") == b'"Sent Items"'
    assert writer.astring(b"") == b'""'
    assert writer.astring(b"nil") == b'"nil"'
    assert writer.astring(b"a]b") == b'"a]b"'
    assert writer.astring(b"50%") == b'"50%"'


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1))
def test_mailbox_names_read_back(name: str) -> None:
    """[RFC3501] 5.1.3"""
    framing = Framing(LIMITS)
    framing.feed(b"a SELECT " + writer.mailbox_name(name) + b"\r\n")
    while isinstance(event := framing.pull(), LiteralWanted):
        pass
    assert isinstance(event, Frame)
    args = parse(event).args
    assert isinstance(args, Select)
    assert args.mailbox.value.upper() == name.upper()


def test_mailbox_names() -> None:
    assert writer.mailbox_name("Entwürfe") == b"Entw&APw-rfe"
    assert writer.mailbox_name("Sent Items") == b'"Sent Items"'
    assert writer.mailbox_name("a&b") == b"a&-b"
    # [RFC6855] 3, [RFC9051] 4.3: whoever takes UTF-8 names takes them in quoted strings.
    assert writer.mailbox_name("é", utf8=True) == b'"\xc3\xa9"'


def test_internal_dates() -> None:
    """[RFC3501] 2.3.3, 9 `date-time`, `date-day-fixed`"""
    assert writer.internal_date(837_596_665) == b'"17-Jul-1996 09:44:25 +0000"'
    assert writer.internal_date(0) == b'" 1-Jan-1970 00:00:00 +0000"'
    assert writer.internal_date(-1) == b'"31-Dec-1969 23:59:59 +0000"'


@given(st.integers(-60_000_000_000, 250_000_000_000))
def test_internal_dates_read_back(seconds: int) -> None:
    text = writer.internal_date(seconds)
    assert re.fullmatch(rb'"[ \d]\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d \+0000"', text)
    assert parse_date_time(text[1:-1]) == seconds
    moment = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=seconds)
    assert f"{moment:%H:%M:%S}".encode() in text


def test_status_responses() -> None:
    """[RFC3501] 7.1.1, 7.1.2, 7.1.3, 7.1.5, 7.5"""
    assert writer.status(b"a1", b"OK", "Done") == b"a1 OK Done\r\n"
    assert writer.status(b"*", b"OK", "Ready", b"CAPABILITY IMAP4rev1") == b"* OK [CAPABILITY IMAP4rev1] Ready\r\n"
    assert writer.status(b"a", b"NO", "line\r\nbreak é\0") == b"a NO line break ? \r\n"
    assert writer.status(b"a", b"NO", "") == b"a NO -\r\n"
    assert writer.challenge(b"") == b"+ \r\n"
    assert writer.challenge(b"QUJD") == b"+ QUJD\r\n"


def test_response_codes() -> None:
    """[RFC3501] 7.1; [RFC4315] 3; [RFC7162] 3.1.2.1, 3.1.3"""
    assert writer.code_number(b"UIDNEXT", 4392) == b"UIDNEXT 4392"
    assert writer.code_appenduid(38505, [3955]) == b"APPENDUID 38505 3955"
    assert writer.code_copyuid(38505, [304, 319, 320], [3956, 3957, 3958]) == b"COPYUID 38505 304,319:320 3956:3958"
    assert writer.code_modified([7, 9]) == b"MODIFIED 7,9"


def test_untagged_data() -> None:
    """[RFC3501] 7.3.1, 7.3.2, 7.4.1; [RFC5161] 3.2"""
    assert writer.exists(23) == b"* 23 EXISTS\r\n"
    assert writer.recent(5) == b"* 5 RECENT\r\n"
    assert writer.expunge(44) == b"* 44 EXPUNGE\r\n"
    assert writer.enabled([b"CONDSTORE"]) == b"* ENABLED CONDSTORE\r\n"
    assert writer.enabled([]) == b"* ENABLED\r\n"


def test_list_lines() -> None:
    """[RFC3501] 7.2.2, 7.2.3; [RFC5258] 4"""
    assert writer.list_line([b"\\Noselect"], b"/", "~/Mail/foo") == b'* LIST (\\Noselect) "/" ~/Mail/foo\r\n'
    assert writer.list_line([], None, "INBOX") == b"* LIST () NIL INBOX\r\n"
    assert writer.list_line([], b"/", "Sent Items", verb=b"LSUB") == b'* LSUB () "/" "Sent Items"\r\n'
    line = writer.list_line([], b"/", "a", extended=b'("CHILDINFO" ("SUBSCRIBED"))')
    assert line == b'* LIST () "/" a ("CHILDINFO" ("SUBSCRIBED"))\r\n'


def test_status_search_id_namespace() -> None:
    """[RFC3501] 7.2.4, 7.2.5; [RFC7162] 3.1.6; [RFC2971] 3.2; [RFC2342] 5"""
    assert writer.status_line("a b", [(b"MESSAGES", 231), (b"UIDNEXT", 44292)]) == (
        b'* STATUS "a b" (MESSAGES 231 UIDNEXT 44292)\r\n'
    )
    assert writer.search_line([2, 3, 6]) == b"* SEARCH 2 3 6\r\n"
    assert writer.search_line([]) == b"* SEARCH\r\n"
    assert writer.search_line([], 5) == b"* SEARCH\r\n"
    assert writer.search_line([2, 5], 917162500) == b"* SEARCH 2 5 (MODSEQ 917162500)\r\n"
    assert writer.id_line(None) == b"* ID NIL\r\n"
    assert writer.id_line([("name", "oxgate"), ("os", None)]) == b'* ID ("name" "oxgate" "os" NIL)\r\n'
    assert writer.namespace_line([("", b"/")], None, None) == b'* NAMESPACE (("" "/")) NIL NIL\r\n'
    assert writer.namespace_line([("", b"/")], [("Other/", b"/")], [("#a/", b"/"), ("#b", None)]) == (
        b'* NAMESPACE (("" "/")) (("Other/" "/")) (("#a/" "/")("#b" NIL))\r\n'
    )


def test_fetch_lines() -> None:
    """[RFC3501] 7.4.2; [RFC7162] 3.1.4.2"""
    template = writer.fetch_template((FetchAttribute.FLAGS, FetchAttribute.UID, FetchAttribute.MODSEQ))
    assert writer.fetch_lines(template, [(1, b"\\Seen", 7, 99), (2, b"", 8, 100)]) == (
        b"* 1 FETCH (FLAGS (\\Seen) UID 7 MODSEQ (99))\r\n* 2 FETCH (FLAGS () UID 8 MODSEQ (100))\r\n"
    )
    section = BodySection(Section(), False, None, b"BODY[HEADER.FIELDS (50%)]")
    assert writer.fetch_lines(writer.fetch_template((section,)), [(1, b"{1}\r\nx")]) == (
        b"* 1 FETCH (BODY[HEADER.FIELDS (50%)] {1}\r\nx)\r\n"
    )


@pytest.mark.parametrize("item", list(FetchAttribute))
def test_a_template_for_every_item(item: FetchAttribute) -> None:
    template = writer.fetch_template((item,))
    number = item in (FetchAttribute.UID, FetchAttribute.RFC822_SIZE, FetchAttribute.MODSEQ)
    line = writer.fetch_lines(template, [(1, 5 if number else b"x")])
    assert line.startswith(b"* 1 FETCH (" + item.value + b" ")

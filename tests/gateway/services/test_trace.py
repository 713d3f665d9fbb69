"""Trace fields ([RFC5321] 4.4)."""

from __future__ import annotations

import email.utils

import pytest

from gateway.services.trace import (
    Hop,
    date_time,
    protocol_name,
    read_trace,
    received_prefix,
    received_suffix,
    return_path,
    without_return_path,
)

HOST = b"mx.example.test"


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        ({}, "SMTP"),
        ({"extended": True}, "ESMTP"),
        ({"extended": True, "tls": True}, "ESMTPS"),
        ({"extended": True, "authenticated": True}, "ESMTPA"),
        ({"extended": True, "tls": True, "authenticated": True}, "ESMTPSA"),
        ({"lmtp": True, "extended": True}, "LMTP"),
        ({"lmtp": True, "extended": True, "tls": True}, "LMTPS"),
        ({"extended": True, "utf8": True}, "UTF8SMTP"),
        ({"extended": True, "utf8": True, "tls": True, "authenticated": True}, "UTF8SMTPSA"),
        ({"lmtp": True, "utf8": True}, "UTF8LMTP"),
    ],
)
def test_transmission_types(flags, name):
    """[RFC3848], [RFC6531] 4.3."""
    given = {"lmtp": False, "extended": False, "utf8": False, "tls": False, "authenticated": False}
    assert protocol_name(**given | flags) == name


@pytest.mark.parametrize(
    ("peer", "literal"),
    [("192.0.2.1", b"([192.0.2.1])"), ("2001:db8::1", b"([IPv6:2001:db8::1])"), ("", b"(local)")],
)
def test_received_field(peer, literal):
    """[RFC5321] 4.4: from, by, with, id, for and the date; folded, ASCII but for the recipient."""
    field = received_prefix(Hop("client.test", peer, "ESMTPS", "TLSv1.3 X"), "mx.example.test")
    field += received_suffix("abc", "bob@example.test", 1_700_000_000.9)
    assert field.startswith(b"Received: from client.test " + literal + b"\r\n\tby mx.example.test with ESMTPS\r\n\t(")
    assert b" id abc\r\n\tfor <bob@example.test>;\r\n\t" in field
    assert field.endswith(b"\r\n")
    stamp = field.rpartition(b"\t")[2].strip().decode()
    assert email.utils.parsedate_to_datetime(stamp).timestamp() == 1_700_000_000
    assert b"for" not in received_suffix("abc", None, 0)


def test_what_a_client_calls_itself_cannot_break_the_field():
    """A HELO argument is anybody's text; only letters, digits and the signs of names and literals are kept."""
    field = received_prefix(Hop("a\r\nX: y) (ü", "192.0.2.1", "SMTP"), "mx.example.test")
    assert field.startswith(b"Received: from a??X:?y????")
    assert received_prefix(Hop("", "", "SMTP"), "h").startswith(b"Received: from unknown (local)")


def test_dates_of_one_second_are_formatted_once():
    assert date_time(5) is date_time(5)
    assert date_time(6) != date_time(5)


def test_counting_hops():
    """[RFC5321] 6.3: Received fields are counted, in any case, folded or not; those of the body are not."""
    raw = (
        b"Received: from a by mx.example.test with SMTP; x\r\n"
        b"RECEIVED: from b\r\n\tby\r\n MX.example.test\r\n\twith SMTP\r\n"
        b"Received: from c by other.test\r\n"
        b"X-Received: no\r\n"
        b"Return-Path: <x@y>\r\n"
        b"\r\nReceived: in the body\r\n"
    )
    trace = read_trace(raw, HOST)
    assert (trace.hops, trace.own_hops) == (3, 2)
    assert [raw[start:end] for start, end in trace.return_paths] == [b"Return-Path: <x@y>\r\n"]
    assert raw[trace.header_length :] == b"Received: in the body\r\n"


@pytest.mark.parametrize(
    ("raw", "length"), [(b"", 0), (b"\r\nbody", 2), (b"A: b\r\n", 6), (b"A: b\r\n\r\n", 8), (b"A: b\r\n\r\nc", 8)]
)
def test_header_length(raw, length):
    assert read_trace(raw, HOST).header_length == length


def test_old_return_paths_go():
    """[RFC5321] 4.4: there is one Return-Path, that of the final delivery."""
    raw = b"A: b\r\nReturn-Path: <x@y>\r\n\tfolded\r\nreturn-path:\r\nC: d\r\n\r\nReturn-Path: stays\r\n"
    assert without_return_path(raw, read_trace(raw, HOST)) == b"A: b\r\nC: d\r\n\r\nReturn-Path: stays\r\n"
    first = b"Return-Path : <x@y>\r\nReturn-Path:"
    assert without_return_path(first, read_trace(first, HOST)) == b""
    assert return_path("") == b"Return-Path: <>\r\n"
    assert return_path("jürgen@b.test") == "Return-Path: <jürgen@b.test>\r\n".encode()

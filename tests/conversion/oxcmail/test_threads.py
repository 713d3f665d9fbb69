"""Subject and conversation ([MS-OXCMSG] 2.2.1.9, [MS-OXOMSG] 2.2.1.2)."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.oxcmail.threads import conversation_id, is_valid_index, split_subject, thread_properties
from store.mapi import tags


@pytest.mark.parametrize(
    ("subject", "prefix", "rest"),
    [
        ("RE: x", "RE: ", "x"),
        ("fw: RE: x", "fw: ", "RE: x"),
        ("AW: x", "AW: ", "x"),
        ("R: x", "R: ", "x"),
        ("回复: x", "回复: ", "x"),
        ("Re:x", "", "Re:x"),
        ("abcd: x", "", "abcd: x"),
        ("R2: x", "", "R2: x"),
        ("a b: x", "", "a b: x"),
        (": x", "", ": x"),
        ("RE: ", "RE: ", ""),
        ("", "", ""),
    ],
)
def test_prefixes(subject: str, prefix: str, rest: str) -> None:
    """[MS-OXCMSG] 2.2.1.9, [MS-OXCMAIL] 2.2.3.2.6.1: one to three characters, no digit or blank, a colon, a blank."""
    assert split_subject(subject) == (prefix, rest)


@given(st.text(max_size=30))
def test_prefix_and_rest_make_the_subject(subject: str) -> None:
    """[MS-OXCMSG] 2.2.1.10"""
    assert "".join(split_subject(subject)) == subject


INDEX = b"\x01" + b"\xd9\x01\x02\x03\x04" + bytes(range(16))


def test_a_conversation_index() -> None:
    """[MS-OXOMSG] 2.2.1.3: 22 octets that begin with 1, then blocks of 5; its GUID is the conversation's identifier."""
    assert is_valid_index(INDEX)
    assert is_valid_index(INDEX + bytes(10))
    assert not is_valid_index(INDEX + bytes(3))
    assert not is_valid_index(b"\x02" + INDEX[1:])
    assert not is_valid_index(INDEX[:-1])
    assert conversation_id("x", INDEX) == bytes(range(16))


def test_without_an_index_the_topic_counts() -> None:
    """[MS-OXOMSG] 2.2.1.2: the MD5 of the topic in upper case."""
    wanted = hashlib.md5("PLÄN".encode("utf-16-le"), usedforsecurity=False).digest()
    assert conversation_id("plän", None) == conversation_id("Plän", b"bad") == wanted


def test_thread_headers() -> None:
    """[MS-OXCMAIL] 2.2.3.2: Thread-Topic and Thread-Index."""
    got = thread_properties(b"RE: x", b"Topic", base64.b64encode(INDEX))
    assert got[tags.PidTagConversationTopic] == "Topic"
    assert got[tags.PidTagConversationIndex] == INDEX
    assert got[tags.PidTagConversationIndexTracking] is True
    assert got[tags.PidTagConversationId] == bytes(range(16))
    got = thread_properties(None, None, b"AAAA")
    assert got[tags.PidTagSubject] == ""
    assert got[tags.PidTagConversationIndexTracking] is False


def test_a_subject_is_one_line_of_bounded_length() -> None:
    got = thread_properties(b"=?utf-8?Q?a=0Ab?= c\r\n\td" + b"x" * 1000, None, None)[tags.PidTagSubject]
    assert isinstance(got, str)
    assert got.startswith("a b c dxxx")
    assert len(got) == 255

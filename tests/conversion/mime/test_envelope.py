"""ENVELOPE ([RFC3501] 7.4.2)."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.mime.addresses import MAX_ADDRESSES
from conversion.mime.envelope import addresses, envelope
from conversion.mime.structure import scan
from tests.support.imap_grammar import read_envelope


def written(header: str | bytes) -> bytes:
    raw = header.encode() if isinstance(header, str) else header
    return envelope(raw, scan(raw))


def test_the_example_of_the_rfc() -> None:
    """[RFC3501] 8: the envelope of the sample session, field by field in the order of 7.4.2."""
    header = (
        "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
        "From: Terry Gray <gray@cac.washington.edu>\r\n"
        "Subject: IMAP4rev1 WG mtg summary and minutes\r\n"
        "To: imap@cac.washington.edu\r\n"
        "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
        "Message-Id: <B27397-0100000@cac.washington.edu>\r\n\r\n"
    )
    gray = b'(("Terry Gray" NIL "gray" "cac.washington.edu"))'
    assert written(header) == (
        b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" '
        + b" ".join([gray] * 3)
        + b' ((NIL NIL "imap" "cac.washington.edu"))'
        b' ((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU"))'
        b' NIL NIL "<B27397-0100000@cac.washington.edu>")'
    )


def test_no_header_at_all() -> None:
    assert written(b"") == b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"


def test_sender_and_reply_to_default_to_from() -> None:
    """[RFC3501] 7.4.2: if Sender or Reply-To is absent, the server copies From."""
    found = read_envelope(written("From: a@x\r\nReply-To: r@y\r\n\r\n"))
    assert found["sender"] == found["from"] == [(None, None, b"a", b"x")]
    assert found["reply_to"] == [(None, None, b"r", b"y")]


def test_groups() -> None:
    """[RFC3501] 7.4.2: a NIL host is group syntax; with a mailbox name it starts a group, without it ends one."""
    assert b'((NIL NIL "Team" NIL)(NIL NIL "a" "x")(NIL NIL NIL NIL)(NIL NIL "b" "y"))' in written(
        "To: Team: a@x;, b@y\r\n\r\n"
    )


def test_a_mailbox_without_domain_is_no_group() -> None:
    assert b'((NIL NIL "root" "MISSING_DOMAIN"))' in written("To: root\r\n\r\n")
    assert b'((NIL NIL "MISSING_MAILBOX" "MISSING_DOMAIN"))' in written("To: <>\r\n\r\n")


def test_the_source_route() -> None:
    """[RFC3501] 7.4.2: the second element of an address is the source route."""
    assert b'(NIL "@a,@b" "c" "d")' in written("To: <@a,@b:c@d>\r\n\r\n")


def test_strings() -> None:
    """[RFC3501] 4.3: quotes and backslashes are escaped; 8-bit text, CR, LF and NUL need a literal without NUL."""
    assert b' "a \\"b\\" \\\\c" ' in written('Subject: a "b" \\c\r\n\r\n')
    assert b" {3}\r\n\xc3\xa4x " in written("Subject: äx\r\n\r\n")
    assert b" {3}\r\na\x80b " in written(b"Subject: a\0b\r\n\r\n")
    assert b" {3}\r\na\rb " in written(b"Subject: a\rb\r\n\r\n")


def test_encoded_words_stay_encoded() -> None:
    assert b'"=?utf-8?Q?=C3=A4?= x"' in written("Subject: =?utf-8?Q?=C3=A4?= x\r\n\r\n")


def test_folds_and_runs_of_blanks() -> None:
    """[RFC5322] 2.2.3. In Subject and names runs of blanks become one, as other servers show them."""
    found = read_envelope(
        written(
            "Subject: a  b\r\n\tc\r\nFrom: X  Y\r\n <a@b>\r\nMessage-ID:\r\n <1@x>\r\nIn-Reply-To: <a>\r\n\t<b>\r\n\r\n"
        )
    )
    assert found["subject"] == b"a b c"
    assert found["from"] == [(b"X Y", None, b"a", b"b")]
    assert found["message_id"] == b"<1@x>"
    assert found["in_reply_to"] == b"<a>\t<b>"


def test_repeated_fields() -> None:
    """[RFC5322] 3.6 forbids them: addresses are all shown, of other fields the last."""
    found = read_envelope(written("Subject: 1\r\nTo: a@x\r\nSubject: 2\r\nTO: b@y\r\n\r\n"))
    assert found["subject"] == b"2"
    assert found["to"] == [(None, None, b"a", b"x"), (None, None, b"b", b"y")]


def test_many_repeated_fields_cost_no_more_than_their_octets() -> None:
    header = (b"To: " + b"x" * 80 + b"@example.test\r\n") * 10_000
    start = time.process_time()
    found = read_envelope(written(header + b"\r\n"))
    assert time.process_time() - start < 2
    assert len(found["to"]) == 10_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b" a@b\r", b'((NIL NIL "a" "b"))'),
        (b"<a@b>", b'((NIL NIL "a" "b"))'),
        (b"A B <a@b>", b'(("A B" NIL "a" "b"))'),
        (b'"A, B" <a@b> , c@d', b'(("A, B" NIL "a" "b")(NIL NIL "c" "d"))'),
        (b'"" <a@b>', b'((NIL NIL "a" "b"))'),
        (b'" " <a@b>', b'((" " NIL "a" "b"))'),
        (b"a@b,\r\n c@d", b'((NIL NIL "a" "b")(NIL NIL "c" "d"))'),
        # What is not plain: runs of blanks, escapes, 8-bit octets, and all that needs tokens.
        (b"A  B <a@b>", b'(("A B" NIL "a" "b"))'),
        (b'"A\tB" <a@b>', b'(("A B" NIL "a" "b"))'),
        (b'"A \\"B\\"" <a@b>', b'(("A \\"B\\"" NIL "a" "b"))'),
        (b"\xc3\xa4 <a@b>", b'(({2}\r\n\xc3\xa4 NIL "a" "b"))'),
        (b"a@b, c@d (e)", b'((NIL NIL "a" "b")("e" NIL "c" "d"))'),
        (b"", b"NIL"),
        (b" \r", b"NIL"),
    ],
)
def test_address_lists(value: bytes, expected: bytes) -> None:
    """[RFC3501] 7.4.2: plain lists and others are written alike."""
    assert addresses(value) == expected


def test_the_limit_of_addresses() -> None:
    assert addresses(b"a@b," * (MAX_ADDRESSES + 10)).count(b'"a"') == MAX_ADDRESSES
    assert addresses(b"a@b," * (MAX_ADDRESSES - 1) + b"a@b (c), a@b").count(b'"a"') == MAX_ADDRESSES


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"From", b"To", b"Subject", b"Date", b"In-Reply-To", b"Sender", b"Message-ID", b"X"]),
            st.lists(st.sampled_from([b"a", b"<", b">", b"@", b",", b":", b";", b'"', b"\\", b"(", b")", b" ", b"\r",
                                      b"\xff", b"\0", b"\r\n ", b"[", b"."]), max_size=12).map(b"".join),
        ),
        max_size=6,
    )
)  # fmt: skip
def test_every_header_gives_an_envelope_of_the_grammar(header: list[tuple[bytes, bytes]]) -> None:
    """[RFC3501] 9: the output is of the grammar for any input."""
    read_envelope(written(b"".join(b"%b: %b\r\n" % field for field in header) + b"\r\n"))

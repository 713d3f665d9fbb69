"""What sorting and threading read of a header: [RFC5256] 2.2, 3, [RFC5957] 3."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.mime import sortfields


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (b"Date: Sun, 31 Dec 2000 16:01:33 -0800\r\n", 978307293),  # [RFC5256] 2.2: 1 Jan 2001 00:01:33 UTC
        (b"X: y\r\nDATE : 1 Jan 2001\r\n 00:01:33 GMT\r\n", 978307293),
        (b"Date: 1 Jan 2001 00:01:33 NOWHERE\r\n", 978307293),
        (b"Date: 1 Jan 2001\r\n", 978307200),
        (b"Date: 1 Jan 2001\r\nDate: 2 Jan 2001\r\n", 978393600),
        (b"Date: yesterday\r\n", None),
        (b"Resent-Date: 1 Jan 2001 00:01:33 GMT\r\n", None),
        (b"", None),
    ],
)
def test_sent_date(header: bytes, seconds: int | None) -> None:
    assert sortfields.sent_date(header) == seconds


@pytest.mark.parametrize(
    ("header", "subject", "reply"),
    [
        (b"Subject: =?utf-8?q?Re=3A_Gr=C3=BC=C3=9Fe?=\r\n", "Grüße", True),
        (b"subject:\r\n folded\r\n\tline\r\n", "folded line", False),
        (b"From: x\r\n", "", False),
    ],
)
def test_subject(header: bytes, subject: str, reply: bool) -> None:
    """[RFC5256] 2.1, step 1: encoded words and folds first."""
    assert sortfields.subject(header) == (subject, reply)


@pytest.mark.parametrize(
    ("value", "mailbox", "display"),
    [
        (b"Bob <bob@example.test>, Al <al@example.test>", "bob", "Bob"),
        (b"bob@example.test", "bob", "bob@example.test"),
        (b"=?utf-8?q?J=C3=BCrgen?= <j@example.test>", "j", "Jürgen"),
        (b'"" <j@example.test>', "j", "j@example.test"),
        (b"Friends: a@example.test, b@example.test;", "Friends", "Friends"),
        (b"", "", ""),
        (b"\r\n ", "", ""),
    ],
)
def test_addresses(value: bytes, mailbox: str, display: str) -> None:
    """[RFC5256] 3, [RFC5957] 3."""
    header = b"Cc: x\r\nFrom: " + value + b"\r\nSubject: y\r\n"
    assert sortfields.address(header, b"from") == mailbox
    assert sortfields.display(header, b"from") == display
    assert sortfields.address(header, b"to") == sortfields.display(header, b"to") == ""


@pytest.mark.parametrize(
    ("header", "own", "references"),
    [
        (b'Message-ID: <"01KF8JCEOCBS0045PS"@xxx.yyy.com>\r\n', b"01KF8JCEOCBS0045PS@xxx.yyy.com", []),
        (b"Message-ID: <01KF8JCEOCBS0045PS@xxx.yyy.com>\r\n", b"01KF8JCEOCBS0045PS@xxx.yyy.com", []),
        (b'Message-ID: <"a\\"b c"@d>\r\n', b'a"bc@d', []),
        (b"Message-ID: < a.b @ [127.0.0.1] >\r\n", b"a.b@[127.0.0.1]", []),
        (b"Message-ID: <no-domain>\r\n", None, []),
        (b"References: <a@x>\r\n <b@x> nonsense <c> <d@x>\r\nIn-Reply-To: <e@x>\r\n", None, [b"a@x", b"b@x", b"d@x"]),
        (b"References: none\r\nIn-Reply-To: mail of <e@x> by <f@x>\r\n", None, [b"e@x"]),
        (b"In-Reply-To: yours\r\n", None, []),
    ],
)
def test_message_ids(header: bytes, own: bytes | None, references: list[bytes]) -> None:
    """[RFC5256] 3, REFERENCES: normalised; References before In-Reply-To, of which the first counts."""
    assert sortfields.message_ids(header) == (own, references)


def test_many_references() -> None:
    """The nearest are kept, and any run of octets costs its length."""
    header = b"References: " + b" ".join(b"<%d@x>" % n for n in range(3000)) + b"\r\n"
    assert sortfields.message_ids(header)[1][0] == b"2000@x"
    for unit in (b"<", b'<"', b'<"\\', b"<a@", b"<a@[", b"<a", b"< "):
        assert sortfields.message_ids(b"References: " + unit * 100_000 + b"\r\n") == (None, [])


names = st.sampled_from((b"Date", b"Subject", b"From", b"References", b"Message-ID", b"In-Reply-To"))


@given(st.lists(st.tuples(names, st.binary(max_size=30)), max_size=6), st.binary(max_size=20))
def test_any_octets(lines: list[tuple[bytes, bytes]], rest: bytes) -> None:
    header = b"".join(name + b": " + value + b"\r\n" for name, value in lines) + rest
    sortfields.sent_date(header)
    sortfields.subject(header)
    sortfields.display(header, b"from")
    sortfields.address(header, b"from")
    sortfields.message_ids(header)

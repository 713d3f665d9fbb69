"""Surrogates of internationalised messages ([RFC6857], [RFC6858])."""

from __future__ import annotations

import email.policy
from base64 import b64encode
from email.parser import BytesParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conversion.mime.downgrade import INVALID, encode_words, needs_utf8, surrogate, surrogate_header
from conversion.mime.parts import DEFAULT_LIMITS
from conversion.mime.structure import scan
from conversion.mime.words import decode_unstructured


def field(text):
    return surrogate_header(text.encode() + b"\r\n\r\n").decode("ascii").removesuffix("\r\n").removesuffix("\r\n")


@pytest.mark.parametrize(
    ("header", "needed"),
    [
        (b"From: a@b.c\r\nSubject: x\r\n\r\n", False),
        ("From: jürgen@x.test\r\n\r\n".encode(), True),
        ("Subject: x\r\nCC: a@b.c,\r\n\tBob <bob@exämple.org>\r\n\r\n".encode(), True),
        ("To: friends: zoë@x.test;\r\n\r\n".encode(), True),
        ("From: Jürgen <j@x.test>\r\nSubject: ä@ö.test\r\n\r\n".encode(), False),
        ("To: jürgen\r\n\r\n".encode(), False),  # a name; nobody's address
        ("From: j\xfcrgen@x.test\r\n\r\n".encode("latin-1"), False),  # no UTF-8
        ("Resent-From: jürgen@x.test\r\nX-From: ü@x.y\r\n\r\n".encode(), False),
        (b"X: " + b"\xc3\xa9" * DEFAULT_LIMITS.header_bytes + "\r\nFrom: ü@x.y\r\n\r\n".encode(), False),
    ],
)
def test_what_is_internationalised(header, needed):
    """[RFC6855] 7: a message that requires UTF-8, by the addresses of its correspondents."""
    assert needs_utf8(header) is needed


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("Subject: Hallo", "Subject: Hallo"),
        ("Subject: Grüße", "Subject: =?utf-8?B?R3LDvMOfZQ==?="),
        ("Subject: =?utf-8?Q?=C3=A4?= ö", "Subject: =?utf-8?B?w6Qgw7Y=?="),
        ("Subject:\r\n ä\r\n\tb", "Subject: =?utf-8?B?w6QgYg==?="),
        ("X-Anything : é", "X-Anything: =?utf-8?B?w6k=?="),
        ("To: Zoë <zoe@example.org>", "To: =?utf-8?B?Wm/Dqw==?= <zoe@example.org>"),
        ("To: zoë@example.org", "To: =?utf-8?B?em/Dq0BleGFtcGxlLm9yZw==?= <invalid@internationalized-address.invalid>"),
        (
            "Cc: a@b.c, Bob <bob@exämple.org>",
            "Cc: a@b.c,\r\n =?utf-8?B?Qm9iIGJvYkBleMOkbXBsZS5vcmc=?= <invalid@internationalized-address.invalid>",
        ),
        ("To: é: a@b.c, Eve <e@f.g>;, h@i.j", "To: =?utf-8?B?w6k=?=: a@b.c, Eve <e@f.g>;,\r\n h@i.j"),
        ('To: "Doe, J." <j@x.y>, é <"a b"@x.y>', 'To: "Doe, J." <j@x.y>,\r\n =?utf-8?B?w6k=?= <"a b"@x.y>'),
        ("Message-ID: <é@x>", ""),
        ("no field é", ""),
        (
            'Content-Disposition: attachment; size=3; filename="ä b.txt"',
            "Content-Disposition: attachment;\r\n size=3;\r\n filename*=utf-8''%C3%A4%20b.txt",
        ),
        (
            'Content-Type: text/plain; name="a b"; x=é',
            "Content-Type: text/plain;\r\n name=\"a b\";\r\n x*=utf-8''%C3%A9",
        ),
    ],
)
def test_fields(given, made):
    """[RFC6858] 2.1 to 2.4, [RFC6857] 3.1.4."""
    assert field(given) == made


def test_what_is_no_utf8_is_guessed():
    """[RFC6856] 2.1: nothing outside ASCII is sent as it is."""
    header = "Subject: Grüße\r\nTo: Zoë <z@y>\r\n\r\n".encode("latin-1")
    assert surrogate_header(header) == b"Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\nTo: =?utf-8?B?Wm/Dqw==?= <z@y>\r\n\r\n"
    huge = b"Subject: \xc3\xa9\r\n" + b"x" * DEFAULT_LIMITS.header_bytes
    assert surrogate_header(huge) == huge.replace(b"\xc3\xa9", b"??")


def test_headers_of_parts_and_enclosed_messages():
    """[RFC6858] 2.2: wherever they stand; bodies keep every octet."""
    raw = (
        "Subject: plain\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\nü\r\n"
        "--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: Ö\r\n\r\nö\r\n"
        "--x\r\nContent-Description: ß\r\n\r\nß\r\n--x--\r\nü\r\n"
    ).encode()
    made = surrogate(raw, scan(raw))
    assert made.decode() == raw.decode().replace("Subject: Ö", "Subject: =?utf-8?B?w5Y=?=").replace(
        "Content-Description: ß", "Content-Description: =?utf-8?B?w58=?="
    )
    body = "Subject: a\r\n\r\nü".encode()
    structure = scan(body)
    assert surrogate(body, structure) is body
    assert surrogate(b"ascii", structure) == b"ascii"


@given(st.text(max_size=200))
def test_encoded_words_say_the_same(text):
    """[RFC2047] 2: at most 75 octets a word, no character in two."""
    words = encode_words(text)
    assert all(len(word) <= 75 for word in words.split(b"\r\n "))
    shown = decode_unstructured(words)
    assert shown == decode_unstructured(b"=?utf-8?B?" + b64encode(text.encode()) + b"?=")


NAMES = st.sampled_from(
    ["Subject", "To", "From", "Bcc", "Message-ID", "Content-Type", "Content-Disposition", "X-Y", ""]
)
VALUES = st.text(
    st.sampled_from("aé@<>\"\\,;:() \t=?ü.'*%/") | st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=60
)


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, VALUES), max_size=6))
@example([("To", 'é "<')])
@example([("Content-Type", "é/é; é=é")])
def test_any_header_becomes_ascii(found):
    """[RFC6858] 2.4: nothing is left that is not ASCII, no line is new that begins a field, none ends the header."""
    header = "".join(f"{name}: {value}\r\n" for name, value in found).encode() + b"\r\n"
    made = surrogate_header(header)
    assert made.isascii()
    assert made.endswith(b"\r\n")
    assert surrogate_header(made) is made
    names = [line.split(b":")[0].lower() for line in made.split(b"\r\n")[:-2] if not line.startswith((b" ", b"\t"))]
    allowed = [name.lower().encode() for name, _ in found]
    assert all(name in allowed for name in names)
    assert b"\r\n\r\n" not in made.removesuffix(b"\r\n\r\n")


def test_python_reads_what_is_made():
    """The addresses and the subject, by another implementation."""
    header = "From: Jörg Müller <jm@example.org>, ü@b.c\r\nSubject: Ein langer Gruß aus Köln, der länger ist\r\n\r\n"
    message = BytesParser(policy=email.policy.default).parsebytes(surrogate_header(header.encode()))
    assert message["Subject"] == "Ein langer Gruß aus Köln, der länger ist"
    first, second = message["From"].addresses
    assert (first.display_name, first.addr_spec) == ("Jörg Müller", "jm@example.org")
    assert (second.display_name, second.addr_spec) == ("ü@b.c", INVALID.decode())

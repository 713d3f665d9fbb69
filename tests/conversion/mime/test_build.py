"""Header fields, encoded words, parameters, encodings and entities, each read back by the standard library."""

from __future__ import annotations

import email
import email.policy
import re
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.mime import build
from conversion.mime.build import (
    Enclosed,
    Leaf,
    Multipart,
    Verbatim,
    choose_encoding,
    encode_body,
    field,
    kept_tokens,
    list_tokens,
    mailbox_tokens,
    media_field,
    parameter_tokens,
    phrase_tokens,
    quoted_printable,
    text_tokens,
    word_parameter_tokens,
)
from conversion.mime.dates import format_date, parse_date
from conversion.mime.headers import parse_media
from conversion.mime.transfer import decode_transfer
from conversion.mime.words import decode_parameter, decode_unstructured
from conversion.oxcmail.addressing import mailboxes

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=120)
NASTY = st.text(max_size=300)


def parse(raw: bytes) -> EmailMessage:
    return cast(EmailMessage, email.message_from_bytes(raw, policy=email.policy.default))


def check_lines(raw: bytes) -> None:
    """[RFC5322] 2.1.1, 2.2: no line too long, no CR, LF or NUL alone, nothing but folds in a field."""
    assert b"\0" not in raw
    assert raw.count(b"\r") == raw.count(b"\n") == raw.count(b"\r\n")
    assert all(len(line) <= build.MAX_LINE for line in raw.split(b"\r\n"))


def check_field(written: bytes, name: bytes) -> bytes:
    """A field is one field: a name, and lines that go on with a blank; its value is returned."""
    check_lines(written)
    assert re.fullmatch(rb"%s:(?: [^\r\n]*)?(?:\r\n [^\r\n]*)*\r\n" % name, written)
    return written.partition(b":")[2]


# --- Fields -----------------------------------------------------------------------------------------------------------


def test_a_short_field() -> None:
    assert field("Subject", text_tokens("Hello there")) == b"Subject: Hello there\r\n"


def test_folding_between_words() -> None:
    """[RFC5322] 2.2.3"""
    written = field("Subject", text_tokens("word " * 30 + "end"))
    assert written.count(b"\r\n ") == 2
    assert all(len(line) <= 76 for line in written.split(b"\r\n"))
    assert written.replace(b"\r\n", b"") == b"Subject: " + b"word " * 30 + b"end"


def test_runs_of_blanks_stay() -> None:
    assert field("Subject", text_tokens("a   b")) == b"Subject: a   b\r\n"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Grüße", b"=?utf-8?B?R3LDvMOfZQ==?="),
        (
            "Schöne Grüße aus Paris, London und Rom",
            b"=?utf-8?Q?Sch=C3=B6ne_Gr=C3=BC=C3=9Fe_aus_Paris=2C_London_un?= =?utf-8?Q?d_Rom?=",
        ),
        ("日本語", b"=?utf-8?B?5pel5pys6Kqe?="),
        (" x", b"=?utf-8?Q?_x?="),
        ("=?utf-8?Q?x?=", b"=?utf-8?B?PT91dGYtOD9RP3g/PQ==?="),
        ("a\r\nBcc: x@y", b"a  Bcc: x@y"),
        ("a\0b", b"a b"),
        ("\ud800x", b"=?utf-8?B?77+9eA==?="),
    ],
)
def test_text(text: str, written: bytes) -> None:
    """[RFC2047] 2, 4, 5: of the two encodings the shorter; controls become blanks, so that no value ends a field."""
    assert b" ".join(text_tokens(text)) == written


@given(NASTY)
def test_any_text_is_one_field(text: str) -> None:
    value = check_field(field("Subject", text_tokens(text)), b"Subject")
    clean = build.clean(text)
    assert decode_unstructured(value) == clean if clean.strip() else not decode_unstructured(value).strip()


@given(TEXT)
def test_encoded_words_are_read_by_others(text: str) -> None:
    """[RFC2047] 2: at most 75 octets a word, no character split."""
    words = build.encoded_words(text)
    assert all(len(word) <= 75 for word in words)
    assert str(make_header(decode_header(b"\r\n ".join(words).decode("ascii")))) == text


def test_raw_values_of_others_keep_their_words() -> None:
    assert kept_tokens("=?utf-8?Q?=C3=A4?= x\t y") == [b"=?utf-8?Q?=C3=A4?=", b"x", b" y"]
    assert kept_tokens("ä") == [b"=?utf-8?B?w6Q=?="]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Ann Lee", b"Ann Lee"),
        ("Lee, Ann", b'"Lee, Ann"'),
        ('A "B" \\ C', b'"A \\"B\\" \\\\ C"'),
        ("Änne", b"=?utf-8?B?w4RubmU=?="),
        ("=?x?q?y?=", b"=?utf-8?B?PT94P3E/eT89?="),
        ("two  blanks", b'"two  blanks"'),
    ],
)
def test_display_names(name: str, written: bytes) -> None:
    """[RFC5322] 3.2.5, [RFC2047] 5"""
    assert b" ".join(phrase_tokens(name)) == written


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("ann@example.net", b"<ann@example.net>"),
        ("a b@example.net", b'<"a b"@example.net>'),
        ('q"@x', b'<"q\\""@x>'),
        ("a@b@c", b'<"a@b"@c>'),
        ("x@[192.0.2.1]", b"<x@[192.0.2.1]>"),
        ("ann", b"<ann>"),
        ("ü@ö.example", "<ü@ö.example>".encode()),
        ("", None),
        ("@x", None),
        ("a@b c", None),
        ("a@b>\r\nX: y", None),
        ("a\0@b", None),
        ("a" * 1000 + "@b", None),
    ],
)
def test_addresses(address: str, written: bytes | None) -> None:
    """[RFC5322] 3.4.1, [RFC6532] 3.2: what cannot be an address is not written."""
    tokens = mailbox_tokens("", address)
    assert (tokens and b" ".join(tokens)) == written


@given(
    st.lists(
        st.tuples(TEXT, st.sampled_from(["a@b.example", "x.y+z@d", "o'n..e@x", "a b@x", 'q"@x', "ü@ö.example", "l"]))
    )
)
def test_lists_of_addresses(people: list[tuple[str, str]]) -> None:
    members = [mailbox_tokens(name, address) for name, address in people]
    assert all(members)
    value = check_field(field("To", list_tokens([member for member in members if member])), b"To")
    assert [(name.strip(), address) for name, address, _ in mailboxes(value)] == [
        (build.clean(name).strip() or address, address) for name, address in people
    ]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a.txt", [b"filename=a.txt"]),
        ("a b.txt", [b'filename="a b.txt"']),
        ('a"b', [b'filename="a\\"b"']),
        ("ä.txt", [b"filename*=utf-8''%C3%A4.txt"]),
        (
            "Grüße " * 5,
            [
                b"filename*0*=utf-8''Gr%C3%BC%C3%9Fe%20Gr%C3%BC%C3%9Fe%20Gr%C3%BC%C3%9F",
                b"filename*1*=e%20Gr%C3%BC%C3%9Fe%20Gr%C3%BC%C3%9Fe%20",
            ],
        ),
    ],
)
def test_parameters(text: str, written: list[bytes]) -> None:
    """[RFC2231] 3, 4; what gromox lacks (it has [RFC2047] words in quotes alone)."""
    assert parameter_tokens("filename", text) == written


@given(TEXT)
def test_parameters_are_read_back(text: str) -> None:
    line = media_field("Content-Disposition", "attachment", [parameter_tokens("filename", text), [b"size=1"]])
    media = parse_media(check_field(line, b"Content-Disposition"))
    assert decode_parameter(media, "filename") == text
    assert media.parameter(b"size") == b"1"
    if text and text == text.strip() and not set(text) & set('"\\'):  # what the standard library changes
        assert parse(line + b"\r\n").get_filename() == text


@given(TEXT.filter(lambda text: text == text.strip() and text))
def test_parameters_in_words_are_read_back(text: str) -> None:
    line = media_field("Content-Type", "a/b", [word_parameter_tokens("name", text), [b"charset=utf-8"]])
    media = parse_media(check_field(line, b"Content-Type"))
    assert decode_parameter(media, "name") == text
    assert media.parameter(b"charset") == b"utf-8"


@given(st.integers(-20_000_000_000, 300_000_000_000))
def test_dates(seconds: int) -> None:
    """[RFC5322] 3.3"""
    text = format_date(seconds)
    if text is not None:
        found = parse_date(text.encode("ascii"))
        assert found is not None
        assert found.seconds == seconds


def test_a_date() -> None:
    assert format_date(0) == "Thu, 1 Jan 1970 00:00:00 +0000"
    assert format_date(1795299245) == "Sat, 21 Nov 2026 22:14:05 +0000"
    assert format_date(1 << 60) is None
    assert format_date(-20_000_000_000) is None


# --- Bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"", "7bit"),
        (b"plain\r\n", "7bit"),
        (b"x" * 998 + b"\r\n", "7bit"),
        (b"x" * 999 + b"\r\n", "quoted-printable"),
        (b"hello\r\nFrom here\r\n", "quoted-printable"),
        (b"a\r\n.\r\nb", "quoted-printable"),
        (b"nul \0" + b"x" * 40, "quoted-printable"),
        ("Grüße aus einem langen Satz, der fast ganz aus ASCII ist".encode(), "quoted-printable"),
        ("日本語".encode(), "base64"),
        ("日本".encode("iso2022_jp"), "7bit"),
        (b"lone\nLF", "base64"),
        (b"lone\rCR", "base64"),
    ],
)
def test_choice_of_encoding(data: bytes, encoding: str) -> None:
    """[RFC2045] 2.7, 6.7, 6.8: gromox has base64 for nearly everything."""
    assert choose_encoding(data) == encoding


@given(
    st.one_of(
        st.binary(max_size=400), st.text(max_size=400).map(lambda t: build.canonical_text(t).encode("utf-8", "replace"))
    )
)
def test_bodies_are_read_back(data: bytes) -> None:
    encoding = choose_encoding(data)
    written = b"".join(encode_body(data, encoding))
    check_lines(written)
    assert decode_transfer(written, encoding) == data
    if encoding != "7bit":
        assert all(len(line) <= 76 for line in written.split(b"\r\n"))
        assert not re.search(rb"^(?:From |\.\r?$)", written, re.M)


def test_quoted_printable_masks_what_other_programs_would_change() -> None:
    """[RFC2045] 6.7"""
    assert quoted_printable(b"From me\r\n.\r\na \r\n") == b"=46rom me\r\n=2E\r\na=20\r\n"


def test_large_bodies_come_in_portions() -> None:
    data = bytes(range(256)) * 4096
    portions = list(encode_body(data, "base64"))
    assert len(portions) > 1
    check_lines(b"".join(portions))
    assert decode_transfer(b"".join(portions), "base64") == data


# --- Entities ---------------------------------------------------------------------------------------------------------


def leaf(text: bytes) -> Leaf:
    return Leaf([media_field("Content-Type", "text/plain")], text, choose_encoding(text))


def test_a_message_of_parts() -> None:
    inner = Multipart([field("Subject", [b"in"])], "mixed", "in=_1", [leaf(b"one"), leaf(b"two\r\n")])
    outer = Multipart(
        [field("Subject", [b"out"])], "related", "out=_1", [leaf(b"a"), Enclosed([], inner)], (("type", "text/plain"),)
    )
    raw = b"".join(outer.write())
    check_lines(raw)
    assert raw == (
        b'Subject: out\r\nContent-Type: multipart/related; type="text/plain"; boundary="out=_1"\r\n\r\n'
        b"--out=_1\r\nContent-Type: text/plain\r\n\r\na\r\n"
        b"--out=_1\r\nContent-Type: message/rfc822\r\n\r\n"
        b'Subject: in\r\nContent-Type: multipart/mixed; boundary="in=_1"\r\n\r\n'
        b"--in=_1\r\nContent-Type: text/plain\r\n\r\none\r\n"
        b"--in=_1\r\nContent-Type: text/plain\r\n\r\ntwo\r\n\r\n--in=_1--\r\n\r\n--out=_1--\r\n"
    )
    message = parse(raw)
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/related",
        "text/plain",
        "message/rfc822",
        "multipart/mixed",
        "text/plain",
        "text/plain",
    ]
    assert not any(part.defects for part in message.walk())


def test_octets_beyond_ascii_are_declared_outside() -> None:
    """[RFC2045] 6.4: a multipart or message around 8-bit octets is 8-bit too."""
    signed = Verbatim([field("Content-Type", [b"text/plain"])], b"\xe4\r\n")
    whole = Multipart([], "mixed", "b=_", [leaf(b"x"), Enclosed([], signed)])
    assert whole.has_8bit
    raw = b"".join(whole.write())
    assert raw.count(b"Content-Transfer-Encoding: 8bit\r\n") == 2
    assert not leaf("ä".encode()).has_8bit

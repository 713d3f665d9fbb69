"""BODY and BODYSTRUCTURE ([RFC3501] 7.4.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.mime.bodystructure import bodystructure
from conversion.mime.structure import Limits, pack, scan, unpack
from tests.support.imap_grammar import read_body


def written(text: str | bytes, *, extended: bool = True) -> bytes:
    raw = text.replace("\n", "\r\n").encode() if isinstance(text, str) else text
    structure = scan(raw)
    out = bodystructure(raw, structure, extended=extended)
    assert bodystructure(raw, unpack(pack(structure)), extended=extended) == out
    return out


def test_text_of_the_rfc() -> None:
    """[RFC3501] 7.4.2: `("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 2279 48)` is one of 48 lines."""
    raw = "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\nContent-Transfer-Encoding: 7BIT\n\n" + "x\n" * 48
    assert written(raw, extended=False) == b'("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 144 48)'


def test_defaults() -> None:
    """[RFC2045] 5.2: a message without Content-Type is text/plain in US-ASCII."""
    plain = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1'
    assert written("Subject: x\n\nx\n", extended=False) == plain + b")"
    assert written("Subject: x\n\nx\n") == plain + b" NIL NIL NIL NIL)"
    assert written("Content-Type: text/html; x=y\n\nx\n").startswith(b'("text" "html" ("x" "y" "charset" "us-ascii") ')
    assert written("Content-Type: image/png\n\nx\n").startswith(b'("image" "png" NIL NIL NIL "7bit" 3 NIL')
    assert written("Content-Type: text\n\nx\n").startswith(b'("text" "plain" ("charset" "us-ascii") ')


def test_all_fields() -> None:
    """[RFC3501] 7.4.2: identifier, description, encoding; then MD5, disposition, language, location."""
    out = read_body(
        written(
            'Content-Type: application/pdf; name="a.pdf"\nContent-ID: <i@x>\nContent-Description: some  text\n'
            "Content-Transfer-Encoding: base64\nContent-MD5: Q2hlY2s=\nContent-Language: de, en-US (x)\n"
            'Content-Disposition: attachment; filename="a.pdf"; size=4\nContent-Location: http://x.test/a\n\nAAAA'
        ),
        extended=True,
    )
    assert out == {
        "type": b"application",
        "subtype": b"pdf",
        "params": [(b"name", b"a.pdf")],
        "id": b"<i@x>",
        "description": b"some  text",
        "encoding": b"base64",
        "size": 4,
        "md5": b"Q2hlY2s=",
        "disposition": (b"attachment", [(b"filename", b"a.pdf"), (b"size", b"4")]),
        "language": [b"de", b"en-US"],
        "location": b"http://x.test/a",
    }


MULTIPART = """Content-Type: multipart/mixed; boundary=b
Content-Language: fr

--b

x
--b
Content-Type: message/rfc822

Subject: in
From: a@x

one
two
--b--
"""


def test_a_multipart_with_a_message() -> None:
    """[RFC3501] 7.4.2: message/rfc822 is followed by envelope, body structure and size in lines."""
    text = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" %d %d%s)'
    message = b'("message" "rfc822" NIL NIL NIL "7bit" %d (NIL "in" %s NIL NIL NIL NIL NIL) %s 4%s)'
    addresses = b" ".join([b'((NIL NIL "a" "x"))'] * 3)
    size = len("Subject: in\r\nFrom: a@x\r\n\r\none\r\ntwo")
    none = b" NIL NIL NIL NIL"
    assert written(MULTIPART, extended=False) == b"(%s%s %s)" % (
        text % (1, 0, b""),
        message % (size, addresses, text % (8, 1, b""), b""),
        b'"mixed"',
    )
    assert written(MULTIPART) == b"(%s%s %s)" % (
        text % (1, 0, none),
        message % (size, addresses, text % (8, 1, none), none),
        b'"mixed" ("boundary" "b") NIL ("fr") NIL',
    )


def test_a_multipart_without_parts_shows_an_empty_one() -> None:
    """[RFC3501] 9: body-type-mpart needs at least one body."""
    for extended in (True, False):
        out = read_body(written("Content-Type: multipart/mixed\n\nx", extended=extended), extended=extended)
        assert [child["size"] for child in out["children"]] == [0]
    assert written("Content-Type: multipart/; boundary=b\n\n--b\n\nx", extended=False).endswith(b' "x-unknown")')


def test_what_is_beyond_a_limit_is_octets() -> None:
    raw = b"Content-Type: message/rfc822\r\n\r\n" * 5
    out = bodystructure(raw, scan(raw, Limits(depth=1)), extended=False)
    inner = read_body(out, extended=False)["message"]
    assert (inner["type"], inner["subtype"], inner["params"]) == (b"application", b"octet-stream", None)
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 3
    inner = read_body(bodystructure(raw, scan(raw, Limits(depth=1)), extended=True), extended=True)["children"][0]
    assert (inner["type"], inner["subtype"]) == (b"application", b"octet-stream")


def test_parameters_in_pieces_are_joined() -> None:
    """[RFC2231] 3, 4: a client sees one parameter, its name with `*` where it is encoded."""
    out = read_body(
        written("Content-Type: a/b; name*0=x; name*1=y\nContent-Disposition: inline; filename*=utf-8''%C3%A4\n\n"),
        extended=True,
    )
    assert out["params"] == [(b"name", b"xy")]
    assert out["disposition"] == (b"inline", [(b"filename*", b"utf-8''%C3%A4")])


@pytest.mark.parametrize(
    "value", [b"", b"/", b"x", b"x/", b"/x", b"a b/c", b'"', b"(", b"text/plain/x", b"\xff/\xff", b"a/b; c", b"\0"]
)
def test_broken_content_types(value: bytes) -> None:
    for name in (b"Content-Type", b"Content-Disposition", b"Content-Language", b"Content-Transfer-Encoding"):
        raw = name + b": " + value + b"\r\n\r\nx"
        for extended in (True, False):
            read_body(bodystructure(raw, scan(raw), extended=extended), extended=extended)


FIELD = st.tuples(
    st.sampled_from([b"Content-Type", b"Content-Disposition", b"Content-Language", b"Content-ID", b"Content-MD5",
                     b"Content-Transfer-Encoding", b"Content-Description", b"Subject", b"From"]),
    st.one_of(
        st.sampled_from([b"multipart/mixed; boundary=b", b"message/rfc822", b"multipart/digest; boundary=b"]),
        st.lists(st.sampled_from([b"text", b"/", b"plain", b";", b"a", b"=", b'"', b"\\", b"(", b")", b" ", b"\r\n ",
                                  b"*0", b"*", b"'", b"\xff", b"\0", b",", b"multipart/x"]), max_size=14).map(b"".join),
    ),
)  # fmt: skip
HEADER = st.lists(FIELD, max_size=4).map(lambda found: b"".join(b"%b: %b\r\n" % field for field in found) + b"\r\n")


@given(st.lists(HEADER, min_size=1, max_size=5).map(b"--b\r\n".join))
def test_every_message_gives_structures_of_the_grammar(raw: bytes) -> None:
    """[RFC3501] 9: the output is of the grammar for any input."""
    structure = scan(raw)
    for extended in (True, False):
        read_body(bodystructure(raw, structure, extended=extended), extended=extended)

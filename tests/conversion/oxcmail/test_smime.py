"""Signed and encrypted messages ([MS-OXOSMIME] 2.1.3)."""

from __future__ import annotations

from typing import Any

import pytest

from conversion.attachmentdata import read_attachment_data
from conversion.mime.headers import normalise_newlines
from conversion.mime.rendition import render
from conversion.oxcmail.reader import read_mime
from conversion.oxcmail.writer import Audience
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, MimeSlice
from tests.support.mime_writing import file, note, notes, shape, written
from tests.support.smime import HEADER, INNER, clear_signed, decrypted, encrypted, opaque_signed, verified

CLEAR: Any = {tags.PidTagMessageClass: "IPM.Note.SMIME.MultipartSigned"}
OPAQUE: Any = {tags.PidTagMessageClass: "IPM.Note.SMIME"}


def read(raw: bytes) -> MessageContent:
    return read_mime(render(raw), received=0)


def only(content: MessageContent) -> AttachmentContent:
    (attachment,) = content.attachments
    assert attachment.properties[tags.PidTagAttachMethod] == 1
    return attachment


def test_a_clear_signed_message() -> None:
    """[MS-OXOSMIME] 2.1.3, 2.1.3.1: one attachment, Content-Type and body as they are; what is signed is the body."""
    raw = clear_signed()
    content = read(raw)
    got = content.properties
    assert got[tags.PidTagMessageClass] == "IPM.Note.SMIME.MultipartSigned"
    assert got[tags.PidTagNativeBody] == 4
    assert str(got[tags.PidTagBody]).startswith("Grüße  \r\n")
    assert got[tags.PidTagHasAttachments] is True
    assert str(got[tags.PidNameContentType]).startswith('multipart/signed; protocol="application/pkcs7-signature"')
    attachment = only(content)
    assert attachment.properties[tags.PidTagAttachMimeTag] == "multipart/signed"
    assert attachment.properties[tags.PidTagAttachLongFilename] == "SMIME.txt"
    assert isinstance(attachment.data, MimeSlice)
    assert read_attachment_data(raw, attachment) == raw[len(HEADER) :]


def test_a_clear_signed_message_with_other_fields_behind() -> None:
    """Content-Type and body are put together where other fields stand between them."""
    raw = clear_signed()
    head, blank, body = raw[len(HEADER) :].partition(b"\r\n\r\n")
    moved = HEADER + head + b"\r\nX-Other: 1\r\n\r\n" + body
    assert read_attachment_data(moved, only(read(moved))) == head + blank + body


def test_what_openpgp_signed() -> None:
    """[MS-OXOSMIME] 2.1.3.1, [RFC3156] 5: the octets stay whoever signed them, so that the signature holds."""
    body = (
        b'--b\r\nContent-Type: multipart/alternative; boundary="c"\r\n\r\n'
        b"--c\r\nContent-Type: text/plain\r\n\r\np  \r\n--c\r\nContent-Type: text/html\r\n\r\n<p>h\r\n--c--\r\n"
        b"\r\n--b\r\nContent-Type: application/pgp-signature; name=signature.asc\r\n\r\n-----BEGIN PGP SIGNATURE-----"
        b"\r\n--b--\r\n"
    )
    head = (
        b'Content-Type: multipart/signed; micalg=pgp-sha256;\r\n protocol="application/pgp-signature"; boundary=b\r\n'
    )
    raw = b"From: a@x.test\r\nSubject: secret\r\nMIME-Version: 1.0\r\n" + head + b"\r\n" + body
    content = read(raw)
    assert content.properties[tags.PidTagHtml] == b"<p>h"
    assert only(content).properties[tags.PidTagAttachMimeTag] == "multipart/signed"
    again = written(content, raw=raw)
    assert head in again
    assert again.endswith(b"\r\n\r\n" + body)


def test_an_opaque_message() -> None:
    """[MS-OXOSMIME] 2.1.3.2: no body, the structure decoded, its Content-Type beside it."""
    for raw in (opaque_signed(), encrypted(kind=b"application/x-pkcs7-mime")):
        content = read(raw)
        assert content.properties[tags.PidTagMessageClass] == "IPM.Note.SMIME"
        assert not {tags.PidTagBody, tags.PidTagHtml, tags.PidTagNativeBody} & content.properties.keys()
        attachment = only(content)
        data = read_attachment_data(raw, attachment)
        assert data is not None
        assert data[:1] == b"\x30"
        assert attachment.properties[tags.PidTagAttachLongFilename] == "smime.p7m"
    assert content.properties[tags.PidNameContentType] == (
        "application/x-pkcs7-mime; smime-type=enveloped-data; name=smime.p7m"
    )
    assert attachment.properties[tags.PidTagAttachMimeTag] == "application/x-pkcs7-mime"


def test_what_is_no_signed_message() -> None:
    """A multipart/signed of one part has no signature: it is read by its parts."""
    head = b"Content-Type: multipart/signed; protocol=application/pkcs7-signature; boundary=b"
    raw = head + b"\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"
    content = read(raw)
    assert content.attachments == ()
    assert content.properties[tags.PidTagBody] == "x"


def test_openssl_agrees() -> None:
    """MIME to object to MIME: signatures hold, what was encrypted can be read ([MS-OXOSMIME] 2.1.3.1.2.3,
    [MS-OXOSMIME] 2.1.3.2.2.3)."""
    for raw, check in ((clear_signed(), verified), (opaque_signed(), verified), (encrypted(), decrypted)):
        assert check(raw) == INNER
        for audience in Audience:
            again = written(read(raw), audience=audience, raw=raw)
            assert check(again) == INNER
            assert read(again).properties[tags.PidTagMessageClass] == read(raw).properties[tags.PidTagMessageClass]
            assert b"Subject: secret\r\n" in again


def test_no_octet_changes() -> None:
    """The body of a clear-signed message is the same octets; so it is when it comes from a store and not from MIME."""
    raw = clear_signed()
    content = read(raw)
    body = raw.partition(b"\r\n\r\n")[2]
    assert written(content, raw=raw).endswith(b'\tmicalg=sha-256; boundary="----=_b 1"\r\n\r\n' + body)
    data = read_attachment_data(raw, only(content))
    assert data is not None
    stored = note(CLEAR, (), (file("SMIME.txt", data),))
    assert written(stored).endswith(b"\r\n\r\n" + body)
    bare = note(
        {**CLEAR, tags.PidNameContentType: "multipart/signed; boundary=b; protocol=x"}, (), (file("a", b"--b"),)
    )
    assert written(bare).endswith(b"Content-Type: multipart/signed; boundary=b; protocol=x\r\n\r\n--b")


def test_a_signed_line_that_is_too_long_stays() -> None:
    """[RFC5322] 2.1.1, [RFC1847] 2.1: broken in two it would be another text than the one that is signed."""
    data = b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n" + b"x" * 999 + b"\r\n--b--\r\n"
    receipt = Receipt()
    assert written(note(CLEAR, (), (file("SMIME.txt", data),)), receipt).endswith(data)
    assert notes(receipt) == [
        "guessed: multipart/signed: a line has more than 998 octets; it stays, as it is signed",
    ]


def test_line_ends_become_canonical() -> None:
    """[RFC8551] 3.1.1: a signature covers CRLF line ends, so they can be mended."""
    data = b"Content-Type: multipart/signed; boundary=b\n\n--b\n\nx\n--b--\n"
    raw = written(note(CLEAR, (), (file("SMIME.txt", data),)))
    assert raw.endswith(normalise_newlines(data))


@pytest.mark.parametrize(
    ("properties", "data"),
    [
        (CLEAR, b"Content-Type: multipart/signed; boundary=b\r\n\r\n--c"),
        (CLEAR, b"Content-Type: text/plain; boundary=b\r\n\r\n--b"),
        (CLEAR, b"Content-Type: multipart/signed\r\n\r\n--b"),
        (CLEAR, b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\0"),
        (CLEAR, b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\rx"),
        (CLEAR, b"nothing"),
        (OPAQUE, b"no CMS"),
        (OPAQUE, b""),
    ],
)
def test_what_is_no_s_mime(properties: Any, data: bytes) -> None:
    """[MS-OXOSMIME] 2.1.3.1.2.2, 2.1.3.2.2.2: what cannot be S/MIME goes as a file, and the receipt says so."""
    receipt = Receipt()
    raw = written(note(properties, (), (file("a.bin", data),)), receipt)
    assert shape(raw).startswith("mixed(")
    assert any("a signature over them is broken" in one for one in notes(receipt))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("302006092A864886F70D010702", b"application/pkcs7-mime; smime-type=signed-data; name=a.p7m"),
        ("302006092A864886F70D010703", b"application/pkcs7-mime; smime-type=enveloped-data; name=a.p7m"),
        ("302006092A864886F70D0107", b"application/pkcs7-mime; name=a.p7m"),
        ("3020", b"application/pkcs7-mime; name=a.p7m"),
    ],
)
def test_a_structure_without_its_content_type(data: str, kind: bytes) -> None:
    """[RFC8551] 3.2.2, [RFC5652] 4: what it is stands in it."""
    raw = written(note(OPAQUE, (), (file("a.p7m", bytes.fromhex(data)),)))
    assert b"Content-Type: " + kind + b"\r\n" in raw
    assert b"Content-Disposition: attachment; filename=a.p7m\r\n" in raw

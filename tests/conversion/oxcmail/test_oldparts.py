"""Attachments of old kinds ([MS-OXCMAIL] 2.2.3.4.2, 2.2.3.9)."""

from __future__ import annotations

from base64 import encodebytes
from binascii import b2a_uu

import pytest

from conversion.mac.applefile import write_appledouble_header
from conversion.mac.file import MacFile
from conversion.mac.macbinary import MACBINARY_ENCODING, read_macbinary
from conversion.mime.rendition import render
from conversion.oxcmail.reader import read_mime
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent
from tests.support.binhex import binhex
from tests.support.mime_losses import there_and_back
from tests.support.mime_writing import shape, written

FILE = MacFile("Report", b"TEXT", b"ttxt", b"the data", b"the resources", 0x0100)
HEADER = write_appledouble_header(FILE)
START = (
    b"From: a@x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n"
)


def leaf(kind: str, data: bytes) -> bytes:
    lines = encodebytes(data).replace(b"\n", b"\r\n")
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode() + lines


def double(header: bytes, second: bytes) -> bytes:
    return (
        b"Content-Type: multipart/appledouble; boundary=d\r\n\r\n--d\r\n"
        + leaf("application/applefile; name=Report", header)
        + b"--d\r\n" + second + b"--d--\r\n"
    )  # fmt: skip


def read(raw: bytes) -> MessageContent:
    return read_mime(render(raw), received=0)


def only(part: bytes) -> AttachmentContent:
    (attachment,) = read(START + part + b"--b--\r\n").attachments
    return attachment


def test_appledouble() -> None:
    """[MS-OXCMAIL] 2.2.3.4.2, 2.2.3.4.2.2: one file, both forks of it in a MacBinary stream."""
    raw = START + double(HEADER, leaf("text/plain; name=Report.txt", FILE.data)) + b"--b--\r\n"
    (attachment,) = read(raw).attachments
    got = attachment.properties
    assert got[tags.PidTagAttachEncoding] == MACBINARY_ENCODING
    assert got[tags.PidTagAttachLongFilename] == "Report.txt"
    assert got[tags.PidTagAttachMimeTag] == got[tags.PidNameAttachmentMacContentType] == "text/plain"
    assert got[tags.PidTagAttachAdditionalInformation] == b":ttxt:TEXT"
    assert got[tags.PidNameAttachmentMacInfo] == HEADER
    assert isinstance(attachment.data, bytes)
    assert read_macbinary(attachment.data) == FILE
    again = written(read(raw), raw=raw)
    assert shape(again) == "mixed(text/plain, appledouble(application/applefile, text/plain))"
    (back,) = read(again).attachments
    assert back.data == attachment.data


def test_applesingle() -> None:
    """[MS-OXCMAIL] 2.2.3.4.2.1; the header of AppleDouble alone has no file in it and stays what it is."""
    name, kind = b"Report", b"\0\x05\x16\0\0\x02\0\0" + bytes(16)
    entries = ((1, FILE.data), (2, FILE.resource), (3, name), (9, b"TEXTttxt\x01\0" + bytes(22)))
    table, body = b"", b""
    for number, value in entries:
        table += b"".join(one.to_bytes(4) for one in (number, 26 + 12 * len(entries) + len(body), len(value)))
        body += value
    attachment = only(leaf("application/applefile", kind + len(entries).to_bytes(2) + table + body))
    assert isinstance(attachment.data, bytes)
    assert read_macbinary(attachment.data) == FILE
    assert attachment.properties[tags.PidTagAttachLongFilename] == "Report"
    assert tags.PidTagAttachEncoding not in only(leaf("application/applefile", HEADER)).properties


def test_binhex() -> None:
    """[MS-OXCMAIL] 2.2.3.4.2.3; what is none stays the file that it came as."""
    kind = b"Content-Type: application/mac-binhex40; name=x.hqx\r\n\r\n"
    attachment = only(kind + binhex(FILE) + b"\r\n")
    assert isinstance(attachment.data, bytes)
    assert read_macbinary(attachment.data) == FILE
    assert tags.PidNameAttachmentMacInfo in attachment.properties
    stays = only(kind + b"nothing\r\n").properties
    assert stays[tags.PidTagAttachMimeTag] == "application/mac-binhex40"
    assert tags.PidTagAttachEncoding not in stays


def test_binhex_as_transfer_encoding() -> None:
    """[MS-OXCMAIL] 2.2.3.4.1.3: as if the media type said so."""
    kind = b"Content-Type: image/png; name=x.png\r\nContent-Transfer-Encoding: Mac-BinHex40\r\n\r\n"
    attachment = only(kind + binhex(FILE) + b"\r\n")
    assert isinstance(attachment.data, bytes)
    assert read_macbinary(attachment.data) == FILE
    assert attachment.properties[tags.PidTagAttachLongFilename] == "x.png"
    stays = only(kind + b"nothing\r\n")
    assert stays.properties[tags.PidTagAttachMimeTag] == "image/png"
    assert tags.PidTagAttachEncoding not in stays.properties


@pytest.mark.parametrize("header", [b"", b"no header", HEADER[:10]])
def test_what_is_no_macintosh_file(header: bytes) -> None:
    """Both parts are files of their own where they cannot be one."""
    content = read(START + double(header, leaf("image/png; name=p.png", b"png")) + b"--b--\r\n")
    names = [item.properties[tags.PidTagAttachLongFilename] for item in content.attachments]
    assert names == ["Report", "p.png"]


@pytest.mark.parametrize(
    ("parameters", "url"),
    [
        ("access-type=anon-ftp; site=ftp.example.net; directory=pub/a; name=b.txt", "ftp://ftp.example.net/pub/a/b.txt;type=a"),
        ('access-type=ANON-FTP; site=x; name="b c"; mode=image', "ftp://x/b%20c;type=i"),
    ],
)  # fmt: skip
def test_external_body(parameters: str, url: str) -> None:
    """[MS-OXCMAIL] 2.2.3.5, [RFC2046] 5.2.3: a shortcut to the file."""
    attachment = only(
        f"Content-Type: message/external-body; {parameters}\r\n\r\nContent-Type: text/plain\r\n\r\n".encode()
    )
    assert attachment.data == f"[InternetShortcut]\r\nURL={url}\r\n".encode()
    assert str(attachment.properties[tags.PidTagAttachLongFilename]).endswith(".url")


@pytest.mark.parametrize(
    "parameters",
    [
        "access-type=local-file; name=/etc/passwd",
        "access-type=anon-ftp; site=x/y; name=a",
        "access-type=anon-ftp; site=x",
    ],
)
def test_other_external_bodies_stay(parameters: str) -> None:
    attachment = only(
        f"Content-Type: message/external-body; {parameters}\r\n\r\nContent-Type: text/plain\r\n\r\n".encode()
    )
    assert attachment.properties[tags.PidTagAttachMimeTag] == "message/external-body"


def test_partial_messages_stay() -> None:
    """[RFC2046] 5.2.2: a piece of a message is a file; nobody puts pieces of strangers together."""
    attachment = only(b"Content-Type: message/partial; id=x; number=1; total=2\r\n\r\nSubject: y\r\n\r\nz\r\n")
    assert attachment.properties[tags.PidTagAttachMimeTag] == "message/partial"


def uuencoded(name: str, data: bytes) -> bytes:
    lines = b"".join(b2a_uu(data[at : at + 45]).rstrip(b"\n") + b"\r\n" for at in range(0, len(data), 45))
    return f"begin 644 {name}\r\n".encode() + lines + b"`\r\nend\r\n"


def test_uuencode() -> None:
    """[MS-OXCMAIL] 2.2.3.9, 2.2.3.9.1: in messages without MIME alone."""
    raw = b"From: a@x\r\n\r\nhello\r\n" + uuencoded("a.bin", bytes(range(100))) + b"bye\r\n"
    content = read(raw)
    assert content.properties[tags.PidTagBody] == "hello\r\nbye\r\n"
    (attachment,) = content.attachments
    assert attachment.properties[tags.PidTagAttachLongFilename] == "a.bin"
    assert attachment.data == bytes(range(100))
    assert content.properties[tags.PidTagHasAttachments] is True
    assert there_and_back(raw) == []
    assert read(b"MIME-Version: 1.0\r\n" + raw).attachments == ()
    assert read(b"Content-Type: text/plain\r\n" + raw).attachments == ()
    assert read(b"From: a@x\r\n\r\nwe begin 644 times\r\nend\r\n").attachments == ()


def test_a_name_that_is_none() -> None:
    (attachment,) = read(b"From: a@x\r\n\r\n" + uuencoded("..", b"x")).attachments
    assert attachment.properties[tags.PidTagAttachLongFilename] == "ATT00001.bin"


@pytest.mark.parametrize("encoding", ["8bit", "base64"])
def test_international_messages(encoding: str) -> None:
    """[RFC6532] 3.7: message/global is an embedded message, in whatever encoding."""
    inner = "Subject: Grüße\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nx\r\n".encode()
    data = encodebytes(inner).replace(b"\n", b"\r\n") if encoding == "base64" else inner
    part = f"Content-Type: message/global\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + data
    attachment = only(part)
    assert attachment.properties[tags.PidTagAttachMethod] == 5
    assert isinstance(attachment.data, MessageContent)
    assert attachment.data.properties[tags.PidTagSubject] == "Grüße"

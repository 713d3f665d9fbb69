"""Attachments of the MIME writer ([MS-OXCMAIL] 2.1.3.4)."""

from __future__ import annotations

import struct
from email.message import EmailMessage
from typing import cast

import pytest

from conversion.mac.macbinary import MACBINARY_ENCODING
from conversion.oxcmail.hooks import Hooks
from conversion.oxcmail.writeattachments import MAX_EMBEDDED
from conversion.oxcmail.writer import Audience
from conversion.receipt import Receipt
from conversion.vcard.reader import read_vcards
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent
from store.mapi.types import PropertyBag, PropertyKey, Value, filetime_from_unix
from tests.support.mime_writing import DATE, SENT, file, note, notes, parsed, picture, reread, shape, written

HTML: PropertyBag = {
    tags.PidTagHtml: b'<img src="cid:a%40x"><img src=http://x/y.gif>',
    tags.PidTagInternetCodepage: 65001,
}


def parts(raw: bytes) -> list[EmailMessage]:
    return [cast(EmailMessage, part) for part in parsed(raw).iter_parts()]


def only(raw: bytes) -> EmailMessage:
    """The one attachment of a message of plain text."""
    _, attached = parts(raw)
    return attached


def content_lines(raw: bytes) -> list[str]:
    """The header of the last part, folds joined."""
    last = raw.split(b"\r\n--")[-2].partition(b"\r\n\r\n")[0].decode("ascii")
    return last.replace("\r\n ", " ").split("\r\n")[1:]


# --- Files ------------------------------------------------------------------------------------------------------------


def test_the_header_of_a_file() -> None:
    """[MS-OXCMAIL] 2.1.3.4.2, 2.1.3.4.2.2 and 2.1.3.4.2.3; dates by [RFC2183] 2.4, 2.5."""
    bag: PropertyBag = {
        tags.PidTagAttachMimeTag: "application/x-own",
        tags.PidTagDisplayName: "The plan",
        tags.PidTagCreationTime: SENT,
        tags.PidTagLastModificationTime: filetime_from_unix(0),
        tags.PidTagAttachContentId: "a@x",
        tags.PidTagAttachContentLocation: "http://x/y",
        tags.PidTagAttachContentBase: "http://x/",
    }
    raw = written(note({}, (), (file("plan 1.bin", b"\0\1", bag),)))
    assert content_lines(raw) == [
        'Content-Type: application/x-own; name="plan 1.bin"',
        "Content-Description: The plan",
        'Content-Disposition: attachment; filename="plan 1.bin"; size=2; creation-date="' + DATE + '"; '
        'modification-date="Thu, 1 Jan 1970 00:00:00 +0000"',
        "Content-ID: <a@x>",
        "Content-Location: http://x/y",
        "Content-Base: http://x/",
        "Content-Transfer-Encoding: base64",
    ]
    again = reread(raw).attachments[0].properties
    assert all(again[key] == value for key, value in bag.items())


@pytest.mark.parametrize(
    ("bag", "name"),
    [
        ({tags.PidTagAttachLongFilename: "long name.txt", tags.PidTagAttachFilename: "LONGNA~1.TXT"}, "long name.txt"),
        ({tags.PidTagAttachLongFilename: "", tags.PidTagAttachFilename: "A.TXT"}, "A.TXT"),
        ({tags.PidTagAttachLongFilename: ""}, "attachment.bin"),
        ({tags.PidTagAttachLongFilename: "", tags.PidTagAttachMimeTag: "text/html"}, "attachment.htm"),
        ({tags.PidTagAttachLongFilename: "../../etc/pass\r\nwd"}, "_.._etc_pass__wd"),
        ({tags.PidTagAttachLongFilename: "Größe 日本.txt"}, "Größe 日本.txt"),
        ({tags.PidTagAttachLongFilename: "x" * 300 + ".txt"}, "x" * 251 + ".txt"),
    ],
)
def test_file_names(bag: PropertyBag, name: str) -> None:
    """[MS-OXCMAIL] 2.1.3.4.2.1: the long name, the short one, one that says nothing; no path, no control."""
    raw = written(note({}, (), (file("x", b"x", bag),)))
    assert only(raw).get_filename() == name
    assert reread(raw).attachments[0].properties[tags.PidTagAttachLongFilename] == name


@pytest.mark.parametrize(
    ("given", "name", "expected"),
    [
        ("image/png", "x", "image/png"),
        ("", "x.PDF", "application/pdf"),
        ("", "x.html", "text/html"),
        ("", "x.unknown", "application/octet-stream"),
        ("", "noextension", "application/octet-stream"),
        ("multipart/signed", "x", "application/octet-stream"),
        ("message/rfc822", "x", "application/octet-stream"),
        ("message/partial", "x", "application/octet-stream"),
        ("application/applefile", "x", "application/octet-stream"),
        ("application/mac-binhex40", "x", "application/octet-stream"),
        ("message/delivery-status", "x", "message/delivery-status"),
        ("not a type", "x", "application/octet-stream"),
        ("text/\u212aey", "x", "application/octet-stream"),
        ("text/plain\r\nX: y", "x", "application/octet-stream"),
    ],
)
def test_media_types(given: str, name: str, expected: str) -> None:
    """[MS-OXCMAIL] 2.1.3.4.2.2"""
    receipt = Receipt()
    raw = written(note({}, (), (file(name, b"Action: x\r\n", {tags.PidTagAttachMimeTag: given}),)), receipt)
    assert only(raw).get_content_type() == expected
    assert bool(notes(receipt)) == (bool(given) and given != expected)


@pytest.mark.parametrize(
    ("data", "kind", "encoding"),
    [
        (b"plain\r\n", "text/plain", None),
        ("Grüße, sonst aber nur ASCII und davon viel".encode(), "text/plain", "quoted-printable"),
        (b"unix\nlines\n", "text/plain", "base64"),
        (b"old mac\rlines", "text/plain", "base64"),
        (b"x" * 2000, "text/csv", "quoted-printable"),
        (b"plain", "application/pdf", "base64"),
        (b"\xff\xfe", "message/delivery-status", "base64"),
    ],
)
def test_transfer_encodings(data: bytes, kind: str, encoding: str | None) -> None:
    """[MS-OXCMAIL] 2.1.3.4.2.4: text is readable where it can be, every octet comes back; gromox has base64 for all."""
    raw = written(note({}, (), (file("x", data, {tags.PidTagAttachMimeTag: kind}),)))
    assert only(raw)["Content-Transfer-Encoding"] == encoding
    assert only(raw).get_payload(decode=True) == data


def test_the_charset_of_a_text() -> None:
    bag = {tags.PidTagAttachMimeTag: "text/plain", tags.PidTagTextAttachmentCharset: "koi8-r"}
    raw = written(note({}, (), (file("x.txt", "привет".encode("koi8-r"), bag),)))
    assert only(raw).get_content_charset() == "koi8-r"
    assert reread(raw).attachments[0].properties[tags.PidTagTextAttachmentCharset] == "koi8-r"
    receipt = Receipt()
    written(note({}, (), (file("x", b"x", {**bag, tags.PidTagTextAttachmentCharset: "a b; x"}),)), receipt)
    assert any("PidTagTextAttachmentCharset" in one for one in notes(receipt))


def test_slices_of_the_original() -> None:
    """Attachments that are slices of the original MIME are read from it (docs/decisions/0009)."""
    original = written(note({}, (), (file("x.bin", b"\0\1\2"),)))
    content = reread(original)
    assert only(written(content, raw=original)).get_payload(decode=True) == b"\0\1\2"


# --- Inline -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bag", "inline"),
    [
        ({tags.PidTagAttachContentId: "a@x"}, True),
        ({tags.PidTagAttachContentId: "", tags.PidTagAttachContentLocation: "http://x/y.gif"}, True),
        ({tags.PidTagAttachContentId: "b@x"}, False),
        ({tags.PidTagAttachContentId: "a@x", tags.PidTagAttachFlags: 0}, False),
        ({tags.PidTagAttachContentId: "", tags.PidTagAttachContentLocation: "http://x/other"}, False),
        ({tags.PidTagAttachContentId: ""}, False),
    ],
)
def test_what_is_inline(bag: PropertyBag, inline: bool) -> None:
    """[MS-OXCMAIL] 2.1.3.4.1, 2.1.3.4.1.2: marked, named, and referred to in the HTML: all three."""
    item = picture("")
    item = AttachmentContent({**item.properties, **bag}, item.data)
    expected = "related(alternative(text/plain, text/html), image/png)"
    other = "mixed(alternative(text/plain, text/html), image/png)"
    assert shape(written(note(HTML, (), (item,)))) == (expected if inline else other)


# --- Other methods ----------------------------------------------------------------------------------------------------


def embedded(message: MessageContent, bag: PropertyBag | None = None) -> AttachmentContent:
    return AttachmentContent({tags.PidTagAttachMethod: 5, **(bag or {})}, message)


def test_embedded_messages() -> None:
    """[MS-OXCMAIL] 2.1.3.4.5: as message/rfc822, never encoded, with all that a message has."""
    inner = note({tags.PidTagSubject: "Größe"}, (), (file("ä.bin", b"\0"),))
    raw = written(note({}, (), (embedded(inner, {tags.PidTagDisplayName: "Shown"}),)))
    assert shape(raw) == "mixed(text/plain, message(mixed(text/plain, application/octet-stream)))"
    part = only(raw)
    assert part["Content-Description"] == "Shown"
    assert part["Content-Transfer-Encoding"] is None
    again = reread(raw).attachments[0]
    assert isinstance(again.data, MessageContent)
    assert again.data.properties[tags.PidTagSubject] == "Größe"
    assert again.properties[tags.PidTagDisplayName] == "Shown"


def test_embedded_messages_have_an_end() -> None:
    inner = note()
    for _ in range(MAX_EMBEDDED + 5):
        inner = note({}, (), (embedded(inner),))
    receipt = Receipt()
    raw = written(inner, receipt)
    assert raw.count(b"message/rfc822") == MAX_EMBEDDED
    assert len(notes(receipt)) == 1


def test_addresses_beyond_ascii_inside() -> None:
    """[RFC6532] 3.2: what cannot be said in ASCII is 8-bit, and so is all around it."""
    receipt = Receipt()
    inner = note({tags.PidTagSentRepresentingSmtpAddress: "ü@ö.example"})
    raw = written(note({}, (), (embedded(inner),)), receipt)
    assert raw.count(b"Content-Transfer-Encoding: 8bit\r\n") == 2
    assert notes(receipt) == ["altered: attachment 1: an address of it is beyond ASCII: it is a message of 8 bits"]


def test_exceptions_of_a_series_belong_to_its_calendar_part() -> None:
    inner = note({tags.PidTagMessageClass: "IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}"})
    receipt = Receipt()
    assert shape(written(note({}, (), (embedded(inner),)), receipt, hooks=Hooks())) == "text/plain"
    assert len(notes(receipt)) == 1


def test_a_contact_is_a_vcard() -> None:
    """[MS-OXCMAIL] 2.1.3.4.6: text/directory with the profile vCard, in UTF-8 and quoted-printable; a file."""
    person: PropertyBag = {
        tags.PidTagMessageClass: "IPM.Contact",
        tags.PidTagDisplayName: "Zoë/Lee",
        tags.PidTagGivenName: "Zoë",
        tags.PidTagSurname: "Lee",
        tags.PidTagMobileTelephoneNumber: "+49 30 1",
        tags.PidTagSpouseName: "Bob",
    }
    receipt = Receipt()
    raw = written(note({}, (), (embedded(MessageContent(person)),)), receipt)
    assert shape(raw) == "mixed(text/plain, text/directory)"
    part = only(raw)
    assert dict(part["Content-Type"].params) == {"profile": "vCard", "charset": "utf-8", "name": "Zoë_Lee.vcf"}
    assert part["Content-Transfer-Encoding"] == "quoted-printable"
    assert (part.get_content_disposition(), part.get_filename()) == ("attachment", "Zoë_Lee.vcf")
    card = cast(bytes, part.get_payload(decode=True)).decode()
    assert card.startswith("BEGIN:VCARD\r\nVERSION:3.0\r\n")
    assert "\r\nN:Lee;Zoë;;;\r\n" in card
    assert "altered: attachment 1: a contact; it was written as a vCard" in notes(receipt)
    # What it says is read again from the file; what the file is, stays one (docs/conversion.md).
    (item,) = reread(raw).attachments
    assert item.properties[tags.PidTagAttachMethod] == 1
    (again,) = read_vcards(card.encode())
    assert again.properties[tags.PidTagMobileTelephoneNumber] == "+49 30 1"
    assert shape(written(note({}, (), (embedded(MessageContent(person)),)), hooks=Hooks())) == (
        "mixed(text/plain, message(text/plain))"
    )


@pytest.mark.parametrize("bag", [{}, {tags.PidTagDisplayName: "  ", tags.PidTagSubject: " . "}])
def test_a_contact_of_nobody(bag: PropertyBag) -> None:
    """[MS-OXCMAIL] 2.1.3.4.6"""
    person = {**bag, tags.PidTagMessageClass: "ipm.contact.custom"}
    assert only(written(note({}, (), (embedded(MessageContent(person)),)))).get_filename() == "contact.vcf"


@pytest.mark.parametrize(
    ("method", "path", "url"),
    [
        (2, "\\\\server\\share\\a b.txt", b"file://server/share/a%20b.txt"),
        (4, "file://server/x", b"file://server/x"),
        (7, "https://files.example.net/x", b"https://files.example.net/x"),
        (7, "https://x/\r\nURL=javascript:evil", b"https://x/  URL=javascript:evil"),
    ],
)
def test_references_become_shortcuts(method: int, path: str, url: bytes) -> None:
    """[MS-OXCMAIL] 2.1.3.4: what is elsewhere is a link."""
    bag: PropertyBag = {tags.PidTagAttachMethod: method, tags.PidTagAttachLongPathname: path}
    receipt = Receipt()
    raw = written(note({}, (), (AttachmentContent({**bag, tags.PidTagAttachLongFilename: "x"}),)), receipt)
    assert only(raw).get_filename() == "x.url"
    assert only(raw).get_payload(decode=True) == b"[InternetShortcut]\r\nURL=" + url + b"\r\n"
    assert len(notes(receipt)) == 1


@pytest.mark.parametrize("path", ["", "C:\\secret.txt", "javascript:x", "https://" + "x" * 3000])
def test_references_that_lead_nowhere(path: str) -> None:
    receipt = Receipt()
    bag: PropertyBag = {tags.PidTagAttachMethod: 2, tags.PidTagAttachLongPathname: path}
    assert shape(written(note({}, (), (AttachmentContent(bag),)), receipt)) == "text/plain"
    assert len(notes(receipt)) == 1


@pytest.mark.parametrize("method", [0, 1, 6, 99, None])
def test_attachments_without_content(method: int | None) -> None:
    receipt = Receipt()
    bag: PropertyBag = {} if method is None else {tags.PidTagAttachMethod: method}
    assert shape(written(note({}, (), (AttachmentContent(bag),)), receipt)) == "text/plain"
    assert len(notes(receipt)) == 1


def test_content_in_the_bag() -> None:
    item = AttachmentContent({tags.PidTagAttachMethod: 1, tags.PidTagAttachDataBinary: b"\1\2"})
    assert only(written(note({}, (), (item,)))).get_payload(decode=True) == b"\1\2"


def test_ole_objects() -> None:
    """[MS-OXCMAIL] 2.1.3.4.1.1, 2.1.3.4.4: the picture that shows it, else its storage; the receipt says so."""
    bag: PropertyBag = {
        tags.PidTagAttachMethod: 6,
        tags.PidTagAttachRendering: b"wmf",
        tags.PidTagAttachLongFilename: "sheet.ole",
        tags.PidTagAttachFlags: 4,
        tags.PidTagAttachContentId: "a@x",
    }
    content = note(HTML, (), (AttachmentContent(bag, b"\xd0\xcf\x11\xe0"),))
    drawn = Hooks(picture=lambda data: ("image/png", b"drawn " + data))
    assert shape(written(content, hooks=drawn)) == "related(alternative(text/plain, text/html), image/png)"
    plain = note({}, (), (AttachmentContent(bag, b"\xd0\xcf\x11\xe0"),))
    receipt = Receipt()
    part = only(written(plain, receipt, hooks=Hooks()))
    assert (part.get_content_type(), part.get_payload(decode=True)) == ("application/octet-stream", b"\xd0\xcf\x11\xe0")
    assert any("an OLE object" in one for one in notes(receipt))


# --- Files of a Macintosh ---------------------------------------------------------------------------------------------


def macbinary(data: bytes, resource: bytes) -> bytes:
    header = bytearray(128)
    header[1] = 4
    header[2:6] = b"Plan"
    header[65:73] = b"TEXTttxt"
    header[73] = 1
    header[75:81] = b"\0\x10\0\x20\0\x03"
    struct.pack_into(">II", header, 83, len(data), len(resource))
    return bytes(header) + data + bytes(-len(data) % 128) + resource + bytes(-len(resource) % 128)


def test_files_with_two_forks() -> None:
    """[MS-OXCMAIL] 2.1.3.4.3, [RFC1740] 4: gromox has none of it."""
    bag: dict[PropertyKey, Value] = {
        tags.PidTagAttachEncoding: MACBINARY_ENCODING,
        tags.PidNameAttachmentMacContentType: "text/plain",
    }
    raw = written(note({}, (), (file("plan", macbinary(b"data fork", b"resource fork"), bag),)))
    assert shape(raw) == "mixed(text/plain, appledouble(application/applefile, text/plain))"
    header, data = [cast(EmailMessage, part) for part in only(raw).iter_parts()]
    assert data.get_payload(decode=True) == b"data fork"
    applefile = cast(bytes, header.get_payload(decode=True))
    assert applefile[:8] == bytes.fromhex("0005160700020000")
    assert struct.unpack_from(">H", applefile, 24) == (3,)
    entries = {kind: (at, size) for kind, at, size in struct.iter_unpack(">III", applefile[26:62])}
    found = {kind: applefile[at : at + size] for kind, (at, size) in entries.items()}
    assert found == {3: b"Plan", 9: b"TEXTttxt\1\0\0\x10\0\x20\0\3" + bytes(16), 2: b"resource fork"}
    kept = {**bag, tags.PidNameAttachmentMacInfo: b"as it came"}
    header = cast(EmailMessage, only(written(note({}, (), (file("p", macbinary(b"d", b""), kept),)))).get_payload(0))
    assert header.get_payload(decode=True) == b"as it came"


@pytest.mark.parametrize("stream", [b"", b"\0" * 128, b"\0\x04" + b"x" * 200, macbinary(b"x" * 10, b"")[:130]])
def test_what_is_no_macbinary(stream: bytes) -> None:
    """[MS-OXCMAIL] 2.1.3.4.3"""
    receipt = Receipt()
    item = file("x", stream, {tags.PidTagAttachEncoding: MACBINARY_ENCODING})
    assert only(written(note({}, (), (item,)), receipt)).get_payload(decode=True) == stream
    assert len(notes(receipt)) == 1


def test_bcc_is_for_the_owner_inside_too() -> None:
    """[MS-OXCMAIL] 2.1.3.1.1.2"""
    assert written(note(), audience=Audience.OWNER) == written(note())

"""All formats behind one door: recognised, read, written, one into the other."""

from __future__ import annotations

import pytest

from conversion.errors import ConversionError
from conversion.formats import Format, read, recognise, write, write_all
from conversion.receipt import Receipt
from conversion.rtf.lzfu import compress
from store.mapi import tags

EML = (
    "From: Alice <alice@example.test>\r\nTo: bob@example.test\r\nSubject: Größe\r\n"
    "Date: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.test>\r\nMIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    "<p>Hello <b>wörld</b></p>\r\n--b\r\nContent-Type: application/x; name=a.bin\r\n"
    "Content-Disposition: attachment; filename=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\nAQID\r\n--b--\r\n"
).encode()
WHOLE = [Format.EML, Format.MAPI, Format.TNEF, Format.MSG]
BODIES = [Format.RTF, Format.HTML, Format.TXT]


@pytest.mark.parametrize(
    ("name", "data", "form"),
    [
        ("x", EML, Format.EML),
        ("x.txt", b"From: not a message, but a text", Format.TXT),
        ("x", b"From alice Sat Nov 21\nSubject: x\n\n", Format.EML),
        ("x.eml", b"{\\rtf1 x}", Format.RTF),
        ("x", compress(b"{\\rtf1 x}"), Format.RTF),
        ("x", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Format.MSG),
        ("winmail.dat", b"\x78\x9f\x3e\x22", Format.TNEF),
        ("winmail.dat", b"something else", None),
        ("x.msg", b"something else", None),
        ("x.JSON", b'{"properties": {}}', Format.MAPI),
        ("x", b'{"properties": {}}', Format.MAPI),
        ("x", b"\xef\xbb\xbf <html>", Format.HTML),
        ("x.bin", b"\0\1\2", None),
        ("x", b"", None),
        ("x", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR", Format.ICS),
        ("x.txt", b"\xef\xbb\xbfbegin : vcard\nEND:VCARD", Format.VCF),
    ],
)
def test_recognising(name, data, form):
    assert recognise(name, data) is form


@pytest.mark.parametrize("via", WHOLE)
def test_a_message_goes_through_each_whole_format(via):
    """Subject, body and attachment are the same behind it."""
    first = read(EML, Format.EML)
    octets = write(first, first.contents[0], via)
    assert recognise("x", octets) is via
    (content,) = read(octets, via).contents
    assert content.properties[tags.PidTagSubject] == "Größe"
    assert content.properties[tags.PidTagMessageClass] == "IPM.Note"
    back = write(read(octets, via), content, Format.EML)
    (again,) = read(back, Format.EML).contents
    assert again.properties[tags.PidTagSubject] == "Größe"
    loaded = read(back, Format.EML)
    assert b"AQID" in back
    assert "wörld" in write(loaded, again, Format.TXT).decode()
    assert len(again.attachments) == 1


@pytest.mark.parametrize("via", BODIES)
def test_a_body_goes_through_each_body_format(via):
    first = read(EML, Format.EML)
    octets = write(first, first.contents[0], via)
    loaded = read(octets, via)
    assert write(loaded, loaded.contents[0], Format.TXT).decode().strip() == "Hello wörld"
    for whole in WHOLE:
        assert read(write(loaded, loaded.contents[0], whole), whole).contents


def test_bodies_that_a_store_leaves_to_the_original():
    """Who converts a file has no other place for a huge body, or for the text that came beside HTML."""
    raw = b"From: a@x.test\r\n\r\n" + b"a line of text\r\n" * 300_000
    loaded = read(raw, Format.EML)
    assert write(loaded, loaded.contents[0], Format.TXT) == b"a line of text\n" * 300_000
    raw = (
        b"From: a@x.test\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nonly here\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<p>elsewhere\r\n--b--\r\n"
    )
    loaded = read(raw, Format.EML)
    for via in WHOLE:
        again = read(write(loaded, loaded.contents[0], via), via)
        written = write(again, again.contents[0], Format.EML)
        assert b"only here" in written, via
        assert b"<p>elsewhere" in written, via


def test_the_owner_sees_whom_a_copy_went_to_unseen():
    raw = b"From: a@x.test\r\nBcc: secret@x.test\r\n\r\nx\r\n"
    loaded = read(raw, Format.EML)
    assert b"secret@x.test" in write(loaded, loaded.contents[0], Format.EML)


def test_what_is_lost_is_in_the_receipt():
    loaded = read(b'{"properties": {"PidTagBody": "x", "PidTagMessageClass": "IPM.StickyNote"}}', Format.MAPI)
    receipt = Receipt()
    write(loaded, loaded.contents[0], Format.EML, receipt=receipt)
    assert receipt.count


@pytest.mark.parametrize(
    ("form", "data"),
    [(Format.EML, b" \r\n"), (Format.MSG, b"x"), (Format.TNEF, b"x"), (Format.MAPI, b"x")],
)
def test_what_is_not_of_the_format(form, data):
    with pytest.raises(ConversionError):
        read(data, form)


def test_a_message_without_a_body():
    loaded = read(b'{"properties": {}}', Format.MAPI)
    with pytest.raises(ConversionError, match="no body"):
        write(loaded, loaded.contents[0], Format.TXT)


EVENT = "BEGIN:VEVENT\r\nUID:{0}\r\nDTSTART:20261121T100000Z\r\nDURATION:PT1H\r\nSUMMARY:Event {0}\r\nEND:VEVENT\r\n"
ICS = ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + EVENT.format(1) + EVENT.format(2) + "END:VCALENDAR\r\n").encode()
VCF = b"".join(b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Name %d\r\nN:Name;%d\r\nEND:VCARD\r\n" % (n, n) for n in (1, 2))


@pytest.mark.parametrize(("form", "data", "word"), [(Format.ICS, ICS, b"SUMMARY:Event"), (Format.VCF, VCF, b"FN:Name")])
def test_several_objects(form, data, word):
    """In a file that holds several they stay together; elsewhere each has a file."""
    loaded = read(data, form)
    assert len(loaded.contents) == 2
    (together,) = write_all(loaded, form)
    assert together.count(word) == 2
    for whole in (Format.MAPI, Format.MSG, Format.TNEF):
        files = write_all(loaded, whole)
        assert len(files) == 2
        (again,) = read(files[1], whole).contents
        assert word + b" 2" in write(loaded, again, form)


def test_recipients_of_a_stream_alone():
    """[MS-OXTNEF] 2.1.3.4: without a header around it the stream says who gets the message, and who is invited."""
    data = write(read(EML, Format.EML), read(EML, Format.EML).contents[0], Format.TNEF)
    again = read(data, Format.TNEF)
    assert again.contents[0].recipients
    written = write(again, again.contents[0], Format.EML)
    assert b"To: " in written
    assert b"From: " in written
    assert b"Subject: " in written
    event = read(ICS.replace(b"SUMMARY:Event 1", b"ORGANIZER:mailto:a@x.test\r\nATTENDEE:mailto:b@x.test"), Format.ICS)
    again = read(write(event, event.contents[0], Format.TNEF), Format.TNEF)
    assert b"mailto:b@x.test" in write(again, again.contents[0], Format.ICS)


def test_a_message_is_no_contact_and_no_event():
    loaded = read(EML, Format.EML)
    for form in (Format.ICS, Format.VCF):
        with pytest.raises(ConversionError):
            write(loaded, loaded.contents[0], form)

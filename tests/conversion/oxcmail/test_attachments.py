"""Attachments ([MS-OXCMAIL] 2.2.3.4)."""

from __future__ import annotations

import pytest

from conversion.attachmentdata import read_attachment_data
from conversion.mime.rendition import render
from conversion.oxcmail.attachments import clean_name, short_name
from conversion.oxcmail.reader import read_mime
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, MimeSlice
from store.mapi.types import filetime_from_unix


def raw_of(*parts: str, subtype: str = "mixed") -> bytes:
    text = (
        f"Content-Type: multipart/{subtype}; boundary=b\n\n" + "".join(f"--b\n{part}\n" for part in parts) + "--b--\n"
    )
    return text.replace("\n", "\r\n").encode()


def read(*parts: str, subtype: str = "mixed") -> MessageContent:
    return read_mime(render(raw_of(*parts, subtype=subtype)), received=0)


def one(part: str) -> AttachmentContent:
    (found,) = read("\ntext", part).attachments
    return found


def test_an_attachment_is_a_slice_of_the_original() -> None:
    raw = raw_of("\ntext", "Content-Type: Application/PDF; name=a.pdf\nContent-Transfer-Encoding: Base64\n\nAAEC")
    (found,) = read_mime(render(raw)).attachments
    got = found.properties
    assert found.data == MimeSlice(raw.index(b"AAEC"), 4, "base64")
    assert read_attachment_data(raw, found) == b"\0\1\2"
    assert got[tags.PidTagAttachMethod] == 1
    assert got[tags.PidTagAttachMimeTag] == "application/pdf"
    assert got[tags.PidTagAttachLongFilename] == got[tags.PidTagDisplayName] == "a.pdf"
    assert got[tags.PidTagAttachFilename] == "A.PDF"
    assert got[tags.PidTagAttachExtension] == ".pdf"
    assert got[tags.PidTagRenderingPosition] == -1
    assert tags.PidTagAttachmentHidden not in got


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Content-Type: a/b; name=t.x\nContent-Disposition: attachment; filename=d.x", "d.x"),
        ("Content-Type: a/b; name=t.x\nContent-Disposition: attachment", "t.x"),
        ("Content-Type: a/b; name*0=lo; name*1=ng.x", "long.x"),
        ("Content-Type: a/b\nContent-Disposition: attachment; filename*=utf-8''%C3%A4.x; filename=a.x", "ä.x"),
        ('Content-Type: a/b; name="=?utf-8?Q?=C3=A4.x?="', "ä.x"),
        ('Content-Type: a/b; name="../a\\\\b:c.x"', "_a_b_c.x"),
        ("Content-Type: a/b", "ATT00001.bin"),
        ("Content-Type: text/calendar", "ATT00001.ics"),
        ('Content-Type: image/jpeg; name=" . "', "ATT00001.jpg"),
        ("Content-Type: a/b; name=This is a test.txt", "This is a test.txt"),
        ("Content-Type: a/b;\n name = This is\n a test.txt ; size=3", "This is a test.txt"),
        ("Content-Type: a/b; name=x\nContent-Disposition: attachment; filename=a b.txt", "a b.txt"),
        ("Content-Type: a/b; name=a.x charset=utf-8", "a.x"),
        ("Content-Type: a/b; name=a.x (my b)", "a.x"),
        ("Content-Type: a/b; name=my report (1).pdf", "my report (1).pdf"),
        ("Content-Type: a/b; name=report(1).pdf", "report(1).pdf"),
        ("Content-Type: a/b; name=my report (1)", "my report (1)"),
        ("Content-Type: a/b\nContent-Disposition: attachment; filename=my file.pdf size=3", "my file.pdf"),
        (
            'Content-Type: a/b\nContent-Disposition: attachment; filename=my file.pdf; x="q; filename=r s"',
            "my file.pdf",
        ),
        ('Content-Type: a/b\nContent-Disposition: attachment; x="; filename=r s"; filename=a.pdf', "a.pdf"),
        ("Content-Type: a/b\nContent-Disposition: attachment; filename=a b; filename*=utf-8''%C3%A4", "ä"),
    ],
)
def test_names(header: str, name: str) -> None:
    """[MS-OXCMAIL] 2.2.3.4.1.1: the order of the sources, cleaned, or ATT and a number."""
    assert one(f"{header}\n\nx").properties[tags.PidTagAttachLongFilename] == name


def test_numbers_of_nameless_attachments() -> None:
    found = read("\ntext", *["Content-Type: image/png\n\nx"] * 3).attachments
    assert [item.properties[tags.PidTagAttachLongFilename] for item in found] == [
        "ATT00001.png", "ATT00002.png", "ATT00003.png",
    ]  # fmt: skip


def test_description_and_dates() -> None:
    """[RFC2183] 2.4, 2.5; [MS-OXCMAIL] 2.2.3.4: Content-Description is what is shown."""
    got = one(
        "Content-Type: a/b; name=x\nContent-Description: =?utf-8?Q?=C3=A4?=\n"
        'Content-Disposition: attachment; creation-date="1 Jan 2024 00:00:00 +0000";\n'
        ' modification-date="2 Jan 2024 00:00:00 +0000"\nContent-Location: http://x/y\n\nx'
    ).properties
    assert got[tags.PidTagDisplayName] == "ä"
    assert got[tags.PidTagCreationTime] == filetime_from_unix(1_704_067_200)
    assert got[tags.PidTagLastModificationTime] == filetime_from_unix(1_704_153_600)
    assert got[tags.PidTagAttachContentLocation] == "http://x/y"


PNG = "Content-Type: image/png\nContent-ID: <a%b@x>\n\npng"


def test_inline_images() -> None:
    """[MS-OXCMAIL] 2.2.3.4.1.4.1: in a related, with a Content-ID that the HTML refers to."""
    html = 'Content-Type: text/html\n\n<img src="CID:a%25b@x">'
    content = read(html, PNG, subtype="related")
    got = content.attachments[0].properties
    assert got[tags.PidTagAttachContentId] == "a%b@x"
    assert got[tags.PidTagAttachFlags] == 4
    assert got[tags.PidTagAttachmentHidden] is True
    assert content.properties[tags.PidTagHasAttachments] is False
    assert content.properties[tags.PidLidSmartNoAttach] is True


@pytest.mark.parametrize(
    ("html", "image", "subtype"),
    [
        ("<p>", PNG, "related"),
        ("<img src=cid:a%25b@x>", PNG, "mixed"),
        ("<img src=cid:a%25b@x>", PNG.replace("image/png", "application/pdf"), "related"),
    ],
)
def test_what_is_not_inline(html: str, image: str, subtype: str) -> None:
    content = read(f"Content-Type: text/html\n\n{html}", image, subtype=subtype)
    assert tags.PidTagAttachmentHidden not in content.attachments[0].properties
    assert content.properties[tags.PidTagHasAttachments] is True
    assert tags.PidLidSmartNoAttach not in content.properties


CARD = "BEGIN:VCARD\nVERSION:3.0\nFN:Ann\nEND:VCARD"


@pytest.mark.parametrize("kind", ["text/vcard", "text/x-vCard", "text/directory; profile=vCard"])
def test_a_vcard_is_a_file_and_never_the_body(kind: str) -> None:
    """[MS-OXCMAIL] 2.2.3.4.4, 2.2.3.4.4.1: alone there is no body; in an alternative it is none of the forms.

    A Contact object in its place would say less: a vCard stays the file that it is.
    """
    alone = read_mime(render(f"Content-Type: {kind}\n\n{CARD}\n".replace("\n", "\r\n").encode()), received=0)
    among = read("\ntext", f"Content-Type: {kind}\n\n{CARD}", subtype="alternative")
    mixed = read("\ntext", f"Content-Type: {kind}; name=ann.vcf\n\n{CARD}")
    for content, body, name in (
        (alone, "", "ATT00001.vcf"),
        (among, "text", "ATT00001.vcf"),
        (mixed, "text", "ann.vcf"),
    ):
        assert content.properties[tags.PidTagBody] == body
        (item,) = content.attachments
        assert item.properties[tags.PidTagAttachMethod] == 1
        assert item.properties[tags.PidTagAttachLongFilename] == name
        assert isinstance(item.data, MimeSlice)


def test_cleaned_and_short_names() -> None:
    """[MS-OXCMSG] 2.2.2.11: the 8.3 name."""
    assert clean_name("a" * 300 + ".docx") == "a" * 250 + ".docx"
    assert clean_name('a<>:"/\\|?*\x01b') == "a__________b"
    assert short_name("report.doc") == "REPORT.DOC"
    assert short_name("a long name.jpeg") == "ALONGN~1.JPE"
    assert short_name("ä") == "FILE~1"
    assert short_name("noext") == "NOEXT"

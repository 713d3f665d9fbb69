"""extract-msg reads the message files that we write, with equal values.

extract-msg (GPL) is no dependency of the project: .ci/run installs it, and without it these tests are skipped.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conversion.errors import ConversionError
from conversion.formats import Format, read, recognise
from conversion.msg.reader import read_msg
from conversion.msg.writer import write_msg
from conversion.rtf.encapsulated import encapsulate_html
from conversion.rtf.lzfu import compress
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, RecipientRow, RecipientType
from store.mapi.types import PropertyBag, PropertyName, PropertyTag, PropertyType, filetime_from_unix

pytestmark = pytest.mark.peers

CORPORA = Path(os.environ.get("OXGATE_CORPORA") or Path(__file__).parents[3] / "shared" / "corpora")
_NUMBERS = {
    PropertyType.INTEGER16, PropertyType.INTEGER32, PropertyType.FLOATING32, PropertyType.FLOATING64,
    PropertyType.BOOLEAN, PropertyType.INTEGER64,
}  # fmt: skip


def opened(content: MessageContent) -> Any:
    """Read what we write, in the way that suffers no fault."""
    library = pytest.importorskip("extract_msg")
    try:
        return library.openMsg(write_msg(content))
    except library.exceptions.UnrecognizedMSGTypeError:
        return None  # a class that it does not know, such as free/busy


def row(kind: RecipientType, name: str, address: str) -> RecipientRow:
    return RecipientRow(
        kind,
        {
            tags.PidTagDisplayName: name,
            tags.PidTagAddressType: "SMTP",
            tags.PidTagEmailAddress: address,
            tags.PidTagSmtpAddress: address,
        },
    )


RTF = encapsulate_html("<p>h\xe4llo \u65e5")
INNER = MessageContent(
    {tags.PidTagMessageClass: "IPM.Note", tags.PidTagSubject: "Inner", tags.PidNameKeywords: ("deep",)},
    (row(RecipientType.TO, "X", "x@x.test"),),
    (AttachmentContent({tags.PidTagAttachLongFilename: "deep.bin"}, b"deep"),),
)
OCTETS = bytes(range(256)) * 30
CONTENT = MessageContent(
    {
        tags.PidTagMessageClass: "IPM.Note",
        tags.PidTagSubject: "L\xf6we \u65e5\u672c \U0001f600",
        tags.PidTagSenderName: "\xc4",
        tags.PidTagSenderAddressType: "SMTP",
        tags.PidTagSenderEmailAddress: "a@x.test",
        tags.PidTagSenderSmtpAddress: "a@x.test",
        tags.PidTagInternetMessageId: "<a@x.test>",
        tags.PidTagClientSubmitTime: filetime_from_unix(1_700_000_000),
        tags.PidTagImportance: 2,
        tags.PidTagBody: "text \u20ac\r\nof it\r\n",
        tags.PidTagHtml: "<p>h\xe4llo".encode(),
        tags.PidTagInternetCodepage: 65001,
        tags.PidTagRtfCompressed: compress(RTF),
        tags.PidNameKeywords: ("one", "zwei \xfc"),
        tags.PidLidFlagRequest: "Follow up",
        tags.PidLidReminderSet: True,
        tags.PidLidPercentComplete: 0.25,
        PropertyName(tags.PS_INTERNET_HEADERS, "x-one", PropertyType.STRING): "1",
    },
    (
        row(RecipientType.TO, "\xd6", "o@x.test"),
        row(RecipientType.CC, "C", "c@x.test"),
        row(RecipientType.BCC, "B", "b@x.test"),
    ),
    (
        AttachmentContent({tags.PidTagAttachLongFilename: "empty.txt"}, b""),
        AttachmentContent(
            {
                tags.PidTagAttachLongFilename: "\xfcn\xf6.bin",
                tags.PidTagAttachMimeTag: "application/x",
                tags.PidTagAttachContentId: "c@x.test",
            },
            OCTETS,
        ),
        AttachmentContent({tags.PidTagDisplayName: "Inner"}, INNER),
    ),
)


def test_a_message() -> None:
    """[MS-OXMSG] 2.2: its lines, bodies, recipients, attachments, a message within, and names."""
    found = opened(CONTENT)
    assert found.subject == CONTENT.properties[tags.PidTagSubject]
    assert found.sender == "\xc4 <a@x.test>"
    assert found.date.timestamp() == 1_700_000_000
    assert (found.classType, found.messageId, found.importance) == ("IPM.Note", "<a@x.test>", 2)
    assert (found.body, found.htmlBody) == (CONTENT.properties[tags.PidTagBody], CONTENT.properties[tags.PidTagHtml])
    assert found.rtfBody == RTF
    assert [(int(one.type), one.name, one.email) for one in found.recipients] == [
        (1, "\xd6", "o@x.test"), (2, "C", "c@x.test"), (3, "B", "b@x.test"),
    ]  # fmt: skip
    empty, file, message = found.attachments
    assert (empty.longFilename, empty.data) == ("empty.txt", b"")
    assert (file.longFilename, file.mimetype, file.cid, file.data) == (
        "\xfcn\xf6.bin", "application/x", "c@x.test", OCTETS,
    )  # fmt: skip
    inner = message.data
    assert (inner.subject, inner.recipients[0].email) == ("Inner", "x@x.test")
    assert inner.attachments[0].data == b"deep"
    assert compare(CONTENT, found) == Counter(values=43)


def compare(content: MessageContent, found: Any) -> Counter[str]:
    """Compare all values at all depths; how many there were."""
    counted = Counter(values=compare_bag(content.properties, found, found))
    for mine, theirs in zip(content.recipients, found.recipients, strict=True):
        counted["values"] += compare_bag(mine.properties, theirs, found)
        assert int(theirs.type) & 3 == mine.type
    for item, its in zip(content.attachments, found.attachments, strict=True):
        counted["values"] += compare_bag(item.properties, its, found)
        if isinstance(item.data, MessageContent):
            counted += compare(item.data, its.data)
        elif isinstance(item.data, bytes) and item.properties.get(tags.PidTagAttachMethod) != 6:
            assert its.data == item.data
    return counted


def compare_bag(bag: PropertyBag, found: Any, message: Any) -> int:
    counted = 0
    for key, value in bag.items():
        kind = PropertyType(key.type)
        if isinstance(key, PropertyTag):
            name = f"{key.id:04X}"
        else:
            spelled = key.key if isinstance(key.key, str) else f"{key.key:04X}"
            name = message.named[(spelled, f"{{{key.set}}}")].propertyStreamID
        stream = f"__substg1.0_{name}"
        got: object
        if kind in _NUMBERS:
            got = found.props[f"{name}{kind:04X}"].signedValue
        elif kind is PropertyType.TIME:
            got = int.from_bytes(found.props[f"{name}{kind:04X}"].toBytes()[8:16], "little", signed=True)
            if isinstance(value, int) and abs(got - value) < 100:
                got = value  # it counts in microseconds
        elif kind is PropertyType.STRING:
            got = found.getStringStream(stream)
        elif kind is PropertyType.BINARY:
            got = found.getStream(f"{stream}0102")
        elif kind is PropertyType.MULTIPLE_STRING and isinstance(value, tuple):
            streams = [found.getStream(f"{stream}101F-{number:08X}") for number in range(len(value))]
            got = tuple([one.decode("utf-16-le").removesuffix("\0") for one in streams])
        elif kind is PropertyType.MULTIPLE_BINARY:
            got = tuple(found.getMultipleBinary(stream) or ())
        else:
            continue
        assert got == value, key
        counted += 1
    return counted


@pytest.mark.skipif(not CORPORA.is_dir(), reason="the corpora are not here (OXGATE_CORPORA names their folder)")
def test_message_files_of_the_corpora() -> None:
    """Read, written by us, and read again by the library: all values are those that were read."""
    counted: Counter[str] = Counter()
    for path in sorted((CORPORA / "msg").rglob("*.msg")):
        content = read_msg(path.read_bytes())
        counted += compare(content, opened(content))
    assert counted["values"] > 2_000


@pytest.mark.skipif(not CORPORA.is_dir(), reason="the corpora are not here (OXGATE_CORPORA names their folder)")
@pytest.mark.parametrize("folder", ["mime/mimekit", "tnef", "vcard", "ical"])
def test_other_formats_of_the_corpora(folder: str) -> None:
    """What comes out of mail, TNEF, cards and calendars goes into message files that the library reads."""
    counted: Counter[str] = Counter()
    for path in sorted((CORPORA / folder).rglob("*"))[::15]:
        data = path.read_bytes() if path.is_file() else b""
        form = recognise(path.name, data)
        if form not in (Format.EML, Format.TNEF, Format.VCF, Format.ICS) or len(data) > 200_000:
            continue
        try:
            loaded = read(data, form)
        except ConversionError:
            continue
        for content in loaded.contents[:3]:
            content = read_msg(write_msg(content, raw=loaded.raw))
            if (found := opened(content)) is not None:
                counted += compare(content, found)
    assert counted["values"] > 50

"""Round trips: what the receipt does not list is there again ([MS-OXCMAIL] 2.1, 2.2)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversion.mac.applefile import write_appledouble_header
from conversion.mac.file import MacFile
from conversion.mac.macbinary import MACBINARY_ENCODING, write_macbinary
from conversion.mime.rendition import render
from conversion.oxcmail.addressing import (
    READ_RECEIPT,
    SENDER,
    SENT_REPRESENTING,
    AddressGroup,
    Mailbox,
    reply_properties,
)
from conversion.oxcmail.reader import read_mime
from conversion.oxcmail.writer import Audience
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, RecipientRow, RecipientType
from store.mapi.types import PropertyKey, Value, filetime_from_unix
from tests.support.corpora import message_files
from tests.support.examples import examples
from tests.support.mime_losses import Losses, there_and_back
from tests.support.mime_writing import parsed, written

WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60)
NAMES = WORDS.map(str.strip).filter(bool)
IDENTIFIERS = st.from_regex(r"<[a-z0-9.$]{1,20}@[a-z0-9.]{1,20}>", fullmatch=True)
ADDRESSES = st.sampled_from(["ann@example.net", "bob.lee@sub.example.org", "q q@x.example", "ü@ö.example", "o'neil@x"])
TIMES = st.integers(0, 4_000_000_000).map(filetime_from_unix)
PAGES = st.sampled_from([65001, 1252, 1251, 28592, 50220, 20866, 950, 932, 54936, 20127, 874])
TEXTS = st.text(max_size=300).map(lambda text: text.replace("\r", "").replace("\n", "\r\n"))
FILES = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters='<>:"/\\|?*'), min_size=1, max_size=80
).map(lambda name: name.strip(" .") or "x")

ROWS: dict[PropertyKey, st.SearchStrategy[Value]] = {
    tags.PidTagSubject: st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=200),
    tags.PidTagClientSubmitTime: TIMES,
    tags.PidTagInternetMessageId: IDENTIFIERS,
    tags.PidTagInternetReferences: st.lists(IDENTIFIERS, min_size=1, max_size=30).map(" ".join),
    tags.PidTagInReplyToId: IDENTIFIERS,
    tags.PidTagImportance: st.sampled_from([0, 1, 2]),
    tags.PidTagSensitivity: st.sampled_from([0, 1, 2, 3]),
    tags.PidTagExpiryTime: TIMES,
    tags.PidTagAutoResponseSuppress: st.sampled_from([0, -1, 1, 0x2A, 0x3F]),
    tags.PidTagMessageLocaleId: st.sampled_from([0x0409, 0x0407, 0x0411, 0x0009]),
    tags.PidTagListHelp: st.just("<mailto:help@example.net>"),
    tags.PidTagListUnsubscribe: st.just("<https://example.net/u>, <mailto:u@example.net>"),
    tags.PidTagBodyContentLocation: st.just("https://example.net/body"),
    tags.PidTagConversationTopic: NAMES,
    tags.PidTagConversationIndex: st.integers(0, 5).map(lambda blocks: b"\x01" + bytes(21) + bytes(5 * blocks)),
    tags.PidNameKeywords: st.lists(NAMES, min_size=1, max_size=5, unique=True).map(tuple),
    tags.PidLidFlagRequest: NAMES,
    tags.PidTagReplyTime: TIMES,
    tags.PidLidClassified: st.booleans(),
    tags.PidLidClassification: NAMES,
    tags.PidTagSenderTelephoneNumber: NAMES,
    tags.PidTagVoiceMessageDuration: st.integers(-(1 << 31), (1 << 31) - 1),
    tags.internet_header("x-mailer"): NAMES,
    tags.internet_header("user-agent"): NAMES,
    tags.internet_header("list-id"): NAMES,
    # No header says these: the receipt has to.
    tags.PidTagOwnerAppointmentId: st.integers(1, 100),
    tags.PidLidBilling: NAMES,
    tags.PidTagReportTag: st.binary(min_size=1, max_size=10),
    tags.PidTagMessageDeliveryTime: TIMES,
}  # fmt: skip


@st.composite
def people(draw: st.DrawFn, group: AddressGroup) -> dict[PropertyKey, Value]:
    if not draw(st.booleans()):
        return {}
    address = draw(ADDRESSES)
    return {group.name: draw(NAMES), group.address_type: "SMTP", group.email: address, group.smtp: address}


@st.composite
def rows(draw: st.DrawFn) -> RecipientRow:
    kind, address = draw(st.sampled_from([RecipientType.TO, RecipientType.CC, RecipientType.BCC])), draw(ADDRESSES)
    return RecipientRow(
        kind,
        {
            tags.PidTagRecipientType: int(kind),
            tags.PidTagDisplayName: draw(NAMES),
            tags.PidTagAddressType: "SMTP",
            tags.PidTagEmailAddress: address,
            tags.PidTagSmtpAddress: address,
        },
    )


@st.composite
def files(draw: st.DrawFn) -> AttachmentContent:
    name = draw(FILES)
    bag: dict[PropertyKey, Value] = {
        tags.PidTagAttachMethod: 1,
        tags.PidTagAttachLongFilename: name,
        tags.PidTagAttachMimeTag: draw(
            st.sampled_from(
                ["text/plain", "text/x-python", "image/png", "application/pdf", "message/rfc822", "odd", "a/b"]
            )
        ),
    }
    optional: dict[PropertyKey, st.SearchStrategy[Value]] = {
        tags.PidTagDisplayName: NAMES,
        tags.PidTagAttachContentId: st.sampled_from(["1@x", "2@x", "odd id"]),
        tags.PidTagAttachContentLocation: st.just("https://example.net/p.png"),
        tags.PidTagCreationTime: TIMES,
        tags.PidTagLastModificationTime: TIMES,
        tags.PidTagAttachFlags: st.just(4),
        tags.PidTagAttachmentHidden: st.just(True),
    }
    bag |= draw(st.fixed_dictionaries({}, optional=optional))
    data = draw(st.one_of(st.binary(max_size=200), TEXTS.map(lambda text: text.encode("utf-8", "replace"))))
    if bag[tags.PidTagAttachMimeTag] == "image/png" and tags.PidTagAttachContentId in bag:
        bag |= {tags.PidTagAttachFlags: 4, tags.PidTagAttachmentHidden: True, tags.PidTagAttachContentId: "1@x"}
    else:
        bag = {key: bag[key] for key in bag if key not in (tags.PidTagAttachFlags, tags.PidTagAttachmentHidden)}
    return AttachmentContent(bag, data)


MAC_NAMES = st.text(st.sampled_from("abcÄé -_"), min_size=1, max_size=30).map(str.strip).filter(bool)
MAC_FILES = st.builds(
    MacFile,
    MAC_NAMES,
    st.binary(min_size=4, max_size=4),
    st.binary(min_size=4, max_size=4),
    st.binary(max_size=200),
    st.binary(max_size=200),
    st.integers(0, 0xFFFF),
    st.binary(min_size=6, max_size=6),
)


def of_a_macintosh(file: MacFile) -> AttachmentContent:
    bag: dict[PropertyKey, Value] = {
        tags.PidTagAttachMethod: 1,
        tags.PidTagAttachLongFilename: file.name,
        tags.PidTagAttachEncoding: MACBINARY_ENCODING,
        tags.PidTagAttachMimeTag: "application/pdf",
        tags.PidNameAttachmentMacContentType: "application/pdf",
        tags.PidTagAttachAdditionalInformation: b":" + file.creator + b":" + file.type,
        tags.PidNameAttachmentMacInfo: write_appledouble_header(file),
    }
    return AttachmentContent(bag, write_macbinary(file))


@st.composite
def messages(draw: st.DrawFn, depth: int = 0) -> MessageContent:
    bag = dict(draw(st.fixed_dictionaries({}, optional=ROWS)))
    for group in (SENT_REPRESENTING, SENDER):
        bag |= draw(people(group))
    if draw(st.booleans()):
        answers = draw(st.lists(st.builds(Mailbox, NAMES, ADDRESSES, st.just("SMTP")), min_size=1, max_size=3))
        bag |= reply_properties(answers)
    asked = draw(people(READ_RECEIPT))
    bag |= {**asked, tags.PidTagReadReceiptRequested: True} if asked else {}
    if draw(st.booleans()):
        html = '<p>\u00e4 <img src="cid:1@x"> '.encode() + draw(TEXTS).encode("utf-8", "replace")
        bag |= {tags.PidTagHtml: html, tags.PidTagNativeBody: 3, tags.PidTagInternetCodepage: 65001}
    else:
        bag |= {tags.PidTagBody: draw(TEXTS), tags.PidTagNativeBody: 1, tags.PidTagInternetCodepage: draw(PAGES)}
    attached = draw(st.lists(st.one_of(files(), files(), MAC_FILES.map(of_a_macintosh)), max_size=3))
    if depth < 2 and draw(st.integers(0, 3)) == 3:
        inner = draw(messages(depth + 1))
        attached.append(AttachmentContent({tags.PidTagAttachMethod: 5}, inner))
    return MessageContent(bag, tuple(draw(st.lists(rows(), max_size=4))), tuple(attached))


@settings(max_examples=examples(25))
@given(messages())
def test_mapi_to_mime_to_mapi(content: MessageContent) -> None:
    """[MS-OXCMAIL] 2.1: every part, name, address, date and flag is there again, or the receipt says so."""
    receipt = Receipt()
    raw = written(content, receipt, audience=Audience.OWNER)
    assert raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r")
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    parsed(raw)
    assert Losses(receipt, b"", raw).compare(content, read_mime(render(raw))) == []


@pytest.mark.parametrize("shard", range(2))
def test_mime_to_mapi_to_mime_to_mapi(shard: int) -> None:
    """[MS-OXCMAIL] 2.1, 2.2: every twentieth message of the corpora; tests/peers has all."""
    for path in message_files()[shard * 10 :: 20]:
        assert there_and_back(path.read_bytes()) == [], path.name

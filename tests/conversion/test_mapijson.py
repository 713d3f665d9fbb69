"""Message objects as JSON."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from hypothesis import given, settings

from conversion.errors import ConversionError
from conversion.mapijson import MAX_DEPTH, read_json, read_key, spell, write_json
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, MimeSlice, RecipientRow, RecipientType
from store.mapi.types import PropertyName, PropertyTag
from tests.conversion.msg.test_msg import message
from tests.support.examples import examples

SET = UUID("9b5093e0-5734-4a7f-b88f-b4d0220b5ada")


@settings(max_examples=examples(25))
@given(message(2))
def test_a_message_comes_back(content):
    assert read_json(write_json(content)) == content


def test_what_it_looks_like():
    content = MessageContent(
        {
            tags.PidTagSubject: "Größe",
            tags.PidTagClientSubmitTime: 134_116_992_000_000_000 + 1_200_000,
            tags.PidTagSearchKey: b"\x01\x02\x03",
            PropertyTag(0x6001001F): "x",
            PropertyName(SET, "name", 0x101F): ("a", "b"),
            PropertyName(SET, 0x8503, 0x0005): float("inf"),
        },
        (RecipientRow(RecipientType.CC, {tags.PidTagDisplayName: "Bob"}),),
        (AttachmentContent({}, b"data"), AttachmentContent({}, MessageContent({}))),
    )
    assert json.loads(write_json(content)) == {
        "properties": {
            "PidTagSubject": "Größe",
            "PidTagClientSubmitTime": "2026-01-01T00:00:00.12Z",
            "PidTagSearchKey": {"base64": "AQID"},
            "0x6001001F": "x",
            f"{{{SET}}} name 0x101F": ["a", "b"],
            f"{{{SET}}} 0x8503 0x0005": "inf",
        },
        "recipients": [{"type": "cc", "properties": {"PidTagDisplayName": "Bob"}}],
        "attachments": [
            {"properties": {}, "data": {"base64": "ZGF0YQ=="}},
            {"properties": {}, "message": {"properties": {}, "recipients": [], "attachments": []}},
        ],
    }
    assert "Größe" in write_json(content)
    assert read_json(write_json(content)) == content


def test_every_known_name_is_found_again():
    for value in vars(tags).values():
        if isinstance(value, (PropertyTag, PropertyName)):
            assert read_key(spell(value)) == value


def test_slices_of_the_original():
    content = MessageContent({}, (), (AttachmentContent({}, MimeSlice(0, 8, "base64")),))
    assert read_json(write_json(content, raw=b"aGVsbG8=")).attachments[0].data == b"hello"
    receipt = Receipt()
    assert read_json(write_json(content, receipt=receipt)).attachments[0].data is None
    assert receipt.count == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "the text: an object"),
        ('{"property": {}}', "property: this is not known"),
        ('{"properties": {"PidTagNonsense": 1}}', "properties: 'PidTagNonsense' names no property"),
        ('{"properties": {"PidTagSubject": 1}}', "properties.PidTagSubject: '1' is no value of the type 0x001F"),
        ('{"properties": {"PidTagImportance": true}}', "is no value"),
        ('{"properties": {"PidTagImportance": 5000000000}}', "does not fit into 32 bits"),
        ('{"properties": {"PidTagClientSubmitTime": "2026-02-30T00:00:00Z"}}', "is no time"),
        ('{"properties": {"PidTagSearchKey": {"base64": "!"}}}', "octets are written"),
        ('{"recipients": [{"type": "all"}]}', "recipients[0].type: 'all' is none of originator, to, cc, bcc"),
        ('{"attachments": {}}', "attachments: a list"),
        ('{"attachments": [{"message": 1}]}', "attachments[0].message.: an object"),
        ('{"attachments": [{"message": ' * MAX_DEPTH + "{}" + "}]}" * MAX_DEPTH, "deep"),
    ],
)
def test_errors_say_where(text, says):
    with pytest.raises(ConversionError) as caught:
        read_json(text)
    assert says in str(caught.value)

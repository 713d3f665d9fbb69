"""Contacts and cards keep, there and back, what the receipt does not list ([MS-OXVCARD] 2.1.3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.receipt import Receipt
from conversion.vcard.lines import VERSIONS
from conversion.vcard.reader import read_vcard
from conversion.vcard.writer import write_vcard
from store.mapi import tags
from store.mapi.message import MessageContent
from tests.support.vcards import card_lines, contacts


@given(contacts(), st.sampled_from(VERSIONS))
def test_contacts(content: MessageContent, version: str) -> None:
    written, read = Receipt(), Receipt()
    again = read_vcard(write_vcard(content, version=version, receipt=written), receipt=read)
    assert list(read) == []
    if not written.count:
        assert {key: again.properties.get(key) for key in content.properties} == content.properties
        assert [one.data for one in again.attachments] == [one.data for one in content.attachments]
    # What was derived is derived again, and nothing else changes any more.
    second = Receipt()
    assert read_vcard(write_vcard(again, version=version, receipt=second)) == again
    assert list(second) == []


@given(card_lines())
def test_cards(lines: list[bytes]) -> None:
    read, written = Receipt(), Receipt()
    data = b"".join((b"BEGIN:VCARD\r\nVERSION:3.0\r\n", *lines, b"END:VCARD\r\n"))
    again = write_vcard(read_vcard(data, receipt=read), receipt=written)
    assert list(read) == list(written) == []
    kept = again.replace(b"\r\n ", b"").split(b"\r\n")
    for line in lines:
        assert line.replace(b"\r\n ", b"").removesuffix(b"\r\n") in kept


@pytest.mark.parametrize("version", VERSIONS)
def test_agents(version: str) -> None:
    data = write_vcard(
        read_vcard(b"BEGIN:VCARD\nFN:x\nAGENT:\nBEGIN:VCARD\nFN:a\\;b\nNOTE:1\\n2\nEND:VCARD\nEND:VCARD"),
        version=version,
    )
    (attachment,) = read_vcard(data).attachments
    assert isinstance(attachment.data, MessageContent)
    assert attachment.data.properties[tags.PidTagDisplayName] == "a;b"
    assert attachment.data.properties[tags.PidTagBody] == "1\r\n2"

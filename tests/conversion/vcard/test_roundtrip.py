"""Contacts and cards keep, there and back, what the receipt does not list ([MS-OXVCARD] 2.1.3)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversion.receipt import Receipt
from conversion.vcard.lines import VERSIONS
from conversion.vcard.memberstream import read_stream, write_stream
from conversion.vcard.reader import read_vcard
from conversion.vcard.writer import write_vcard
from store.mapi import tags
from store.mapi.entryid import OneOffEntryId
from store.mapi.message import MessageContent
from tests.support.examples import examples
from tests.support.vcards import LINE, card_lines, contacts


@given(contacts(), st.sampled_from(VERSIONS))
def test_contacts(content: MessageContent, version: str) -> None:
    """[MS-OXVCARD] 2.1.3: a contact is the same after it was a card, but for what is noted."""
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


_MEMBERS = st.lists(st.tuples(LINE, st.text("abcd\xe9.+", min_size=1, max_size=12)), max_size=8, unique=True)


@given(_MEMBERS, st.integers(1, 60), st.sampled_from(["3.0", "4.0"]))
@settings(max_examples=examples(25))
def test_lists(people: list[tuple[str, str]], times: int, version: str) -> None:
    """[MS-OXOCNTC] 2.2.2.2: members, few or more than their lists have room for, in their order, each once."""
    found = [
        OneOffEntryId(name.strip() or "x", "SMTP", f"{local}{number}@example.org").encode()
        for number in range(times)
        for name, local in people
    ]
    content = MessageContent(
        {
            tags.PidTagMessageClass: "IPM.DistList",
            tags.PidTagDisplayName: "List",
            tags.PidLidDistributionListStream: write_stream(found),
        }
    )
    written, read = Receipt(), Receipt()
    again = read_vcard(write_vcard(content, version=version, receipt=written), receipt=read)
    assert list(read) == []
    listed = again.properties[tags.PidLidDistributionListMembers]
    stream = again.properties.get(tags.PidLidDistributionListStream)
    assert isinstance(listed, tuple)
    kept = list(listed) if stream is None else [one for _, one in read_stream(stream) or ()]  # type: ignore[arg-type]
    assert kept == list(dict.fromkeys(found))
    assert read_vcard(write_vcard(again, version=version)) == again


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
